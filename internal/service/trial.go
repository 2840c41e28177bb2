package service

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

const (
	maxTrials   = 4                // test requests at the same time
	maxTrialFor = 60 * time.Second // one may take, so that whoever asked gets the answer
)

// TrialStore keeps what was tried.
type TrialStore interface {
	AppendAudit(ctx context.Context, entries []store.AuditEntry) error
}

// TrialInput is what a test request carries: either Payload, as the resource
// gets it, or Source, which comes in at Endpoint and is shaped as usual.
type TrialInput struct {
	Payload  []byte
	Endpoint string // path; it must lead to the resource
	Source   []byte
	Client   string // the name of who sends Source; "": nobody in particular

	// Mapping stands for an unsaved mapping of Endpoint, by resource; nil is
	// what is saved.
	Mapping map[string]dispatchapy.Mapping
}

// Answer is how a request to a resource ended.
type Answer = deliver.Result

// Trial is a test request and how it ended.
type Trial struct {
	Overrides []Override // that were applied to Source
	Request   Request
	Answer    Answer
	Header    map[string]string // of the answer
}

// TestResource sends one real request to a resource, switched on or not, and
// shows everything about it. It is no task and counts neither for the
// resource's health nor for its circuit breaker and limits.
//
// Failure policy: fail closed. What cannot be written into the audit log is not
// sent.
func (s *Service) TestResource(ctx context.Context, p dispatchapy.Principal, id int64, in TrialInput) (Trial, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return Trial{}, err
	}
	snapshot := s.table.Load()
	resource := snapshot.ResourceByID(id)
	if resource == nil {
		return Trial{}, notFound("resource", id)
	}
	body, overrides, err := in.body(snapshot, resource)
	if err != nil {
		return Trial{}, err
	}
	if s.trials.Add(1) > maxTrials {
		s.trials.Add(-1)
		return Trial{}, dispatchapy.Errorf(dispatchapy.CodeLimited, "%d test requests are under way: wait for one of them to end", maxTrials)
	}
	defer s.trials.Add(-1)
	key := "test-" + rand.Text() // a key of its own, so that the provider does not take it for a repeat
	request, err := s.request(ctx, resource, key, body)
	if err != nil {
		return Trial{}, err
	}
	if err := s.noteTrial(ctx, p, resource); err != nil {
		return Trial{}, err
	}
	target := resource.Target
	target.Timeout = min(target.Timeout, maxTrialFor)
	answer := s.delivery.Sender.Do(ctx, &target, key, body)
	return Trial{Overrides: overrides, Request: *request, Answer: answer, Header: maskedHeader(answer.Header, nil)}, nil
}

// noteTrial says in the audit log that a request is sent, but not what is in it.
func (s *Service) noteTrial(ctx context.Context, p dispatchapy.Principal, r *routing.Resource) error {
	return storeError(s.store.AppendAudit(ctx, []store.AuditEntry{{
		At:       time.Now(),
		By:       p.Name,
		Action:   "test",
		Kind:     store.KindResource,
		ObjectID: r.ID,
		Name:     r.Name,
		Detail:   "sent a test request",
	}}))
}

// body gives what is sent to the resource.
func (in *TrialInput) body(snapshot *routing.Snapshot, resource *routing.Resource) ([]byte, []Override, error) {
	switch {
	case (in.Payload == nil) == (in.Source == nil):
		return nil, nil, invalid("payload", "give either payload, as the resource gets it, or endpoint and source")
	case in.Payload != nil && (in.Endpoint != "" || in.Client != ""):
		return nil, nil, invalid("endpoint", "belongs to source: leave endpoint and client out, or give source instead of payload")
	case in.Payload != nil:
		return in.Payload, nil, nil
	}
	endpoint := snapshot.Endpoint(in.Endpoint)
	if endpoint == nil {
		return nil, nil, invalid("endpoint", "there is no endpoint of this path")
	}
	endpoint, err := (&PreviewInput{Mapping: in.Mapping}).endpoint(snapshot, endpoint)
	if err != nil {
		return nil, nil, err
	}
	at := slices.IndexFunc(endpoint.Routes, func(r routing.Route) bool { return r.Resource == resource })
	if at < 0 {
		return nil, nil, invalid("endpoint", "does not lead to this resource")
	}
	client, err := clientNamed(snapshot, in.Client)
	if err != nil {
		return nil, nil, err
	}
	payload, overrides, err := endpoint.Message(client, in.Source)
	var fault *dispatchapy.Error
	if errors.As(err, &fault) {
		return nil, nil, invalid("source", fault.Message)
	}
	var seed routing.Seed
	_, _ = rand.Read(seed[:]) // never fails
	body, err := endpoint.Routes[at].Body(payload, seed, time.Now())
	return body, overrides, err
}
