package routing

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/transform"
)

// Message reads the payload of a message of the client (nil: it was deleted)
// and applies the development rules of both to it. What is offered to the
// routes, and what a preview shows, begins here.
func (e *Endpoint) Message(c *Client, source []byte) (transform.Payload, []transform.Applied, error) {
	payload, err := transform.Parse(source)
	if err != nil {
		return payload, nil, err
	}
	payload, applied := payload.Override(c.DevRules(e), e.DevRules)
	return payload, applied, nil
}

// Seed is what a task's stable identifiers at one resource are derived from:
// the idempotency key and the UUIDs in its payload.
type Seed [sha256.Size]byte

// NewSeed gives the seed of a task at a resource. It is the same on every
// attempt and every node, and cannot be guessed without the instance key.
//
// The time of acceptance is in it because after an older backup was restored
// ids are given out again: a provider that knows the key of the first task with
// an id must not take the second one for it.
func NewSeed(instanceKey [32]byte, task *dispatchapy.Task, resourceID int64) Seed {
	var b [56]byte
	copy(b[:32], instanceKey[:])
	binary.BigEndian.PutUint64(b[32:], uint64(task.ID))
	binary.BigEndian.PutUint64(b[40:], uint64(task.CreatedAt.UnixMicro()))
	binary.BigEndian.PutUint64(b[48:], uint64(resourceID))
	return sha256.Sum256(b[:])
}

// IdempotencyKey is sent to the resource with every attempt.
func (s Seed) IdempotencyKey() string { return hex.EncodeToString(s[:16]) }

// Body builds what is sent to the route's resource in an attempt at the given
// time. The error is that of transform.Mapping.Apply: the message does not fit
// this resource.
func (r *Route) Body(p transform.Payload, seed Seed, at time.Time) ([]byte, error) {
	return r.Mapping.Apply(p, transform.Env{Seed: seed, Now: at})
}

// Try compiles an unsaved version of one of the snapshot's endpoints, with the
// snapshot's resources and the endpoint's clients. Faults are a
// *dispatchapy.Error with paths relative to the endpoint.
func (s *Snapshot) Try(e *dispatchapy.Endpoint) (*Endpoint, error) {
	if err := s.validate(e); err != nil {
		return nil, err
	}
	resources := make(map[string]*Resource, len(e.Resources))
	for _, r := range s.Resources {
		if slices.Contains(e.Resources, r.Name) {
			resources[r.Name] = r
		}
	}
	out, faults := compileEndpoint(e, &s.Config.Settings, resources)
	if len(faults) > 0 {
		return nil, &dispatchapy.Error{Code: dispatchapy.CodeInvalid, Message: "the endpoint is not valid", Fields: faults}
	}
	if saved := s.EndpointByID(e.ID); saved != nil {
		out.clients = saved.clients
	}
	return out, nil
}

// validate finds what is wrong with an endpoint among the snapshot's resources.
func (s *Snapshot) validate(e *dispatchapy.Endpoint) error {
	alone := dispatchapy.Config{Settings: s.Config.Settings, Resources: s.Config.Resources, Endpoints: []dispatchapy.Endpoint{*e}}
	err := alone.Validate()
	var known *dispatchapy.Error
	if !errors.As(err, &known) {
		return err
	}
	fields := make([]dispatchapy.FieldError, len(known.Fields))
	for i, f := range known.Fields {
		fields[i] = dispatchapy.FieldError{Path: strings.TrimPrefix(f.Path, "endpoints[0]."), Message: f.Message}
	}
	return &dispatchapy.Error{Code: known.Code, Message: "the endpoint is not valid", Fields: fields}
}
