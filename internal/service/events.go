package service

import (
	"context"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// Event is an event with the names of what it is about.
type Event struct {
	dispatchapy.Event
	Resource string // "" if it is not about one
	Endpoint string // "" if it is not about one
	Told     []Told // who was told of it, or is to be
}

// EventFilter selects events. Empty fields select everything; all given ones
// must hold. Names are those of present or deleted objects.
type EventFilter struct {
	Kinds    []string
	Resource string
	Endpoint string
	Incident int64
	Since    time.Time
	Until    time.Time
}

// ListEvents gives a page of events, newest first.
func (s *Service) ListEvents(ctx context.Context, p dispatchapy.Principal, f EventFilter, r PageRequest) (Page[Event], error) {
	if err := require(p, dispatchapy.ReadEvents); err != nil {
		return Page[Event]{}, err
	}
	q := store.EventQuery{Kinds: eventKinds(f.Kinds), IncidentID: f.Incident, Since: f.Since, Until: f.Until}
	some, err := s.about(f.Resource, f.Endpoint, f.Since, f.Until, &q.ResourceID, &q.EndpointID)
	if err != nil || !some {
		return Page[Event]{}, err
	}
	names := s.names.Load()
	found, err := byID(r, func(e dispatchapy.Event) int64 { return e.ID },
		func(before int64, limit int) ([]dispatchapy.Event, error) {
			q.Before, q.Limit = before, limit
			return s.store.ListEvents(ctx, q)
		})
	if err != nil {
		return Page[Event]{}, err
	}
	told, err := s.toldOf(ctx, p, ids(found.Items, func(e *dispatchapy.Event) int64 { return e.ID }))
	page := Page[Event]{Items: make([]Event, len(found.Items)), Next: found.Next}
	for i, e := range found.Items {
		page.Items[i] = Event{
			Event:    e,
			Resource: names.name(store.KindResource, e.ResourceID),
			Endpoint: names.name(store.KindEndpoint, e.EndpointID),
			Told:     told[e.ID],
		}
	}
	return page, err
}
