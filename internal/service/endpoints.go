package service

import (
	"context"

	"dispatchapy"
	"dispatchapy/internal/routing"
)

// Endpoint is an endpoint with what is known about it. For a client mapping,
// retry policy, development mode and the other clients are left out.
type Endpoint struct {
	dispatchapy.Endpoint
	Clients   []string // names of the clients that may post to it
	Readiness string   // "Ready", or what is missing
}

// ListEndpoints gives a page of the endpoints that p may see, by path.
func (s *Service) ListEndpoints(_ context.Context, p dispatchapy.Principal, r PageRequest) (Page[Endpoint], error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return Page[Endpoint]{}, err
	}
	sight := s.sightOf(p)
	var visible []*routing.Endpoint
	for _, e := range sight.snapshot.Endpoints {
		if sight.endpoint(e) {
			visible = append(visible, e)
		}
	}
	found, err := byName(r, visible, func(e *routing.Endpoint) string { return e.Path })
	if err != nil {
		return Page[Endpoint]{}, err
	}
	readiness := sight.snapshot.Config.ReadinessIndex()
	page := Page[Endpoint]{Items: make([]Endpoint, len(found.Items)), Next: found.Next}
	for i, e := range found.Items {
		page.Items[i] = Endpoint{
			Endpoint:  *e.Endpoint,
			Clients:   clientsOf(sight, e),
			Readiness: readiness.Of(e.Endpoint),
		}
		if !p.IsStaff() {
			page.Items[i].Endpoint = forClient(e.Endpoint)
		}
	}
	return page, nil
}

// forClient keeps what a caller of the endpoint needs to know.
func forClient(e *dispatchapy.Endpoint) dispatchapy.Endpoint {
	return dispatchapy.Endpoint{
		ID:             e.ID,
		Path:           e.Path,
		Description:    e.Description,
		Active:         e.Active,
		RequiredParams: e.RequiredParams,
		MaxBody:        e.MaxBody,
		Resources:      e.Resources,
	}
}

// clientsOf names the clients linked to the endpoint, as far as they are
// within sight.
func clientsOf(v sight, e *routing.Endpoint) []string {
	var names []string
	for _, c := range v.snapshot.Clients {
		if e.Allows(c) && (v.all || c == v.client) {
			names = append(names, c.Name)
		}
	}
	return names
}
