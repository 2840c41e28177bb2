package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// IncidentStore is where incidents live.
type IncidentStore interface {
	ListIncidents(ctx context.Context, q store.IncidentQuery) ([]dispatchapy.Incident, error)
	Incident(ctx context.Context, id int64) (store.IncidentDetail, error)
	AnnotateIncident(ctx context.Context, id int64, a store.Annotation) (dispatchapy.Incident, error)
	Repairs(ctx context.Context, kind dispatchapy.EventKind, since time.Time, resourceIDs []int64) ([]store.Repairs, error)
}

// maxNote is how many characters a note on an incident has at most.
const maxNote = 2000

// Incident is an incident with the names of what it is about.
type Incident struct {
	dispatchapy.Incident
	Resource string // "" if it is not about one
	Endpoint string // "" if it is not about one
	Timeline []dispatchapy.IncidentEntry
}

// IncidentFilter selects incidents. Empty fields select everything; all given
// ones must hold. Names are those of present or deleted objects.
type IncidentFilter struct {
	Kinds    []string
	Resource string
	Endpoint string
	Open     *bool
	Since    time.Time // open at or after
	Until    time.Time // opened before
}

// ListIncidents gives a page of incidents, newest first, without timelines.
func (s *Service) ListIncidents(ctx context.Context, p dispatchapy.Principal, f IncidentFilter, r PageRequest) (Page[Incident], error) {
	if err := require(p, dispatchapy.ReadEvents); err != nil {
		return Page[Incident]{}, err
	}
	q := store.IncidentQuery{Kinds: eventKinds(f.Kinds), Open: f.Open, Since: f.Since, Until: f.Until}
	some, err := s.about(f.Resource, f.Endpoint, f.Since, f.Until, &q.ResourceID, &q.EndpointID)
	if err != nil || !some {
		return Page[Incident]{}, err
	}
	found, err := byID(r, func(i dispatchapy.Incident) int64 { return i.ID },
		func(before int64, limit int) ([]dispatchapy.Incident, error) {
			q.Before, q.Limit = before, limit
			return s.store.ListIncidents(ctx, q)
		})
	page := Page[Incident]{Items: make([]Incident, len(found.Items)), Next: found.Next}
	for i := range found.Items {
		page.Items[i] = s.viewIncident(&found.Items[i])
	}
	return page, err
}

// Incident gives an incident with its timeline.
func (s *Service) Incident(ctx context.Context, p dispatchapy.Principal, id int64) (Incident, error) {
	if err := require(p, dispatchapy.ReadEvents); err != nil {
		return Incident{}, err
	}
	found, err := s.store.Incident(ctx, id)
	if err != nil {
		return Incident{}, incidentError(id, err)
	}
	view := s.viewIncident(&found.Incident)
	view.Timeline = found.Timeline
	return view, nil
}

// AcknowledgeIncident notes that p takes an open incident on. Whoever comes
// first has it; a note may be given with it.
func (s *Service) AcknowledgeIncident(ctx context.Context, p dispatchapy.Principal, id int64, note string) (Incident, error) {
	if err := require(p, dispatchapy.HandleIncidents); err != nil {
		return Incident{}, err
	}
	return s.annotate(ctx, id, store.Annotation{By: p.Name, Acknowledge: true, Note: strings.TrimSpace(note)})
}

// NoteIncident adds a note to an incident, open or closed.
func (s *Service) NoteIncident(ctx context.Context, p dispatchapy.Principal, id int64, note string) (Incident, error) {
	if err := require(p, dispatchapy.HandleIncidents); err != nil {
		return Incident{}, err
	}
	if note = strings.TrimSpace(note); note == "" {
		return Incident{}, invalid("note", "is missing: write what others should know")
	}
	return s.annotate(ctx, id, store.Annotation{By: p.Name, Note: note})
}

func (s *Service) annotate(ctx context.Context, id int64, a store.Annotation) (Incident, error) {
	if n := utf8.RuneCountInString(a.Note); n > maxNote {
		return Incident{}, invalid("note", fmt.Sprintf("has %d characters, and may have %d", n, maxNote))
	}
	found, err := s.store.AnnotateIncident(ctx, id, a)
	if err != nil {
		return Incident{}, incidentError(id, err)
	}
	s.announce(dispatchapy.Change{Kind: dispatchapy.ChangeIncident, ID: id})
	return s.viewIncident(&found), nil
}

func incidentError(id int64, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return notFound("incident", id)
	}
	return storeError(err)
}

func (s *Service) viewIncident(i *dispatchapy.Incident) Incident {
	names := s.names.Load()
	return Incident{
		Incident: *i,
		Resource: names.name(store.KindResource, i.ResourceID),
		Endpoint: names.name(store.KindEndpoint, i.EndpointID),
	}
}

// about turns the filters that incidents and events share into ids. some is
// false if nothing can match.
func (s *Service) about(resource, endpoint string, since, until time.Time, resourceID, endpointID *int64) (some bool, err error) {
	if !since.IsZero() && !until.IsZero() && until.Before(since) {
		return false, invalid("until", "must not be before since")
	}
	names := s.names.Load()
	for _, f := range []struct {
		name string
		kind store.Kind
		id   *int64
	}{{resource, store.KindResource, resourceID}, {endpoint, store.KindEndpoint, endpointID}} {
		if f.name == "" {
			continue
		}
		ids := names.ids(f.kind, []string{f.name})
		if len(ids) == 0 {
			return false, nil
		}
		*f.id = slices.Max(ids) // of those that had the name the last one
	}
	return true, nil
}

func eventKinds(names []string) []dispatchapy.EventKind {
	kinds := make([]dispatchapy.EventKind, len(names))
	for i, name := range names {
		kinds[i] = dispatchapy.EventKind(name)
	}
	return kinds
}
