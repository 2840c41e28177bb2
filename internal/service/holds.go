package service

import (
	"context"
	"encoding/json"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// Hold is a switch that keeps tasks back until somebody releases them.
type Hold struct {
	Kind    store.Kind // client, or endpoint
	ID      int64
	Version int64
	Name    string    // of the client; path of the endpoint
	Since   time.Time // when it was switched on; zero: not known
}

// Bounds on looking up since when tasks are held.
const (
	maxHoldsDated = 10 // switches
	maxHoldAudit  = 50 // changes of each
)

// Holds gives the switches that hold tasks now: for staff those of all clients
// and endpoints, for a client its own.
//
// Failure policy: fail open. If the audit log cannot be read it is not known
// since when.
func (s *Service) Holds(ctx context.Context, p dispatchapy.Principal) ([]Hold, error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return nil, err
	}
	sight := s.sightOf(p)
	var holds []Hold
	for _, c := range sight.snapshot.Clients {
		if c.Dev.Hold && (sight.all || c == sight.client) {
			holds = append(holds, Hold{Kind: store.KindClient, ID: c.ID, Version: c.Version, Name: c.Name})
		}
	}
	for _, e := range sight.snapshot.Endpoints {
		if e.Dev.Enabled && e.Dev.Hold && sight.all {
			holds = append(holds, Hold{Kind: store.KindEndpoint, ID: e.ID, Version: e.Version, Name: e.Path})
		}
	}
	for i := range holds[:min(len(holds), maxHoldsDated)] {
		holds[i].Since = s.heldSince(ctx, &holds[i])
	}
	return holds, nil
}

// heldSince gives when a hold was switched on, as far as the audit log has it.
func (s *Service) heldSince(ctx context.Context, h *Hold) time.Time {
	entries, err := s.store.ListAudit(ctx, store.AuditQuery{Kind: h.Kind, ObjectID: h.ID, Limit: maxHoldAudit})
	if err != nil {
		s.log.Warn("since when tasks are held could not be looked up", "kind", string(h.Kind), "name", h.Name, "error", err)
		return time.Time{}
	}
	for i := range entries {
		e := &entries[i]
		if s.openAudit(e); holdsIn(e.After, h.Kind) && !holdsIn(e.Before, h.Kind) {
			return e.At
		}
	}
	return time.Time{}
}

// holdsIn reports whether the object that an audit text shows holds tasks.
func holdsIn(text []byte, kind store.Kind) bool {
	var object struct {
		Dev struct{ Enabled, Hold bool }
	}
	if len(text) == 0 || json.Unmarshal(text, &object) != nil {
		return false
	}
	return object.Dev.Hold && (kind == store.KindClient || object.Dev.Enabled)
}
