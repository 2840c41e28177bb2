package service

import (
	"context"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// Event is an event with the name of its resource.
type Event struct {
	dispatchapy.Event
	Resource string // "" if it is not about a resource
}

// ListEvents gives a page of events, newest first.
func (s *Service) ListEvents(ctx context.Context, p dispatchapy.Principal, r PageRequest) (Page[Event], error) {
	if err := require(p, dispatchapy.ReadEvents); err != nil {
		return Page[Event]{}, err
	}
	names := s.names.Load()
	found, err := byID(r, func(e dispatchapy.Event) int64 { return e.ID },
		func(before int64, limit int) ([]dispatchapy.Event, error) {
			return s.store.ListEvents(ctx, before, limit)
		})
	page := Page[Event]{Items: make([]Event, len(found.Items)), Next: found.Next}
	for i, e := range found.Items {
		page.Items[i] = Event{Event: e, Resource: names.name(store.KindResource, e.ResourceID)}
	}
	return page, err
}
