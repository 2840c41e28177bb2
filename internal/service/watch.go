package service

import (
	"context"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// ChangeReader follows what changes. It is for one goroutine; close it.
type ChangeReader interface {
	// Next waits for changes, or for the end of ctx, whose error it gives.
	Next(ctx context.Context) (dispatchapy.Changes, error)
	// Position is where the reader is, for going on there later.
	Position() string
	Close()
}

// Watch follows what changes on this node within the sight of p: from now on,
// or after a position that was given before. What is shared, a client hears of
// without learning what it is. On a database of several nodes each knows of its
// own changes only, so that whoever watches has to look now and then as well.
func (s *Service) Watch(_ context.Context, p dispatchapy.Principal, position string) (ChangeReader, error) {
	if err := require(p, dispatchapy.ReadTasks); err != nil {
		return nil, err
	}
	if s.follow == nil {
		return nil, dispatchapy.Errorf(dispatchapy.CodeUnavailable, "changes are not followed here")
	}
	if p.IsStaff() {
		return s.follow(0, position)
	}
	return s.follow(p.ClientID, position)
}

// ChangePosition gives where Watch would begin now. Whoever shows something asks
// before it looks, so that nothing is missed between looking and watching. It is
// "" where changes are not followed.
func (s *Service) ChangePosition() string {
	if s.position == nil {
		return ""
	}
	return s.position()
}

// transitioned tells those who watch of a task that somebody acted on.
func (s *Service) transitioned(r *store.TransitionResult) {
	if r.Err != nil {
		return
	}
	state := string(dispatchapy.PhaseOf(r.Status, 0, false))
	s.announce(dispatchapy.Change{Kind: dispatchapy.ChangeTask, ID: r.ID, State: state, ClientID: r.ClientID, EndpointID: r.EndpointID})
	if r.Before == dispatchapy.StatusHeld || r.Status == dispatchapy.StatusHeld {
		s.announce(dispatchapy.Change{Kind: dispatchapy.ChangeHeld, ClientID: r.ClientID})
	}
}
