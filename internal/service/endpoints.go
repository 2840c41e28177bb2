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
	clients := clientsByPath(sight)
	page := Page[Endpoint]{Items: make([]Endpoint, len(found.Items)), Next: found.Next}
	for i, e := range found.Items {
		page.Items[i] = viewEndpoint(p, e.Endpoint, clients[e.Path], readiness.Of(e.Endpoint))
	}
	return page, nil
}

// Endpoint gives an endpoint that p may see.
func (s *Service) Endpoint(_ context.Context, p dispatchapy.Principal, id int64) (Endpoint, error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return Endpoint{}, err
	}
	sight := s.sightOf(p)
	e := sight.snapshot.EndpointByID(id)
	if e == nil || !sight.endpoint(e) {
		return Endpoint{}, notFound("endpoint", id)
	}
	return viewEndpoint(p, e.Endpoint, clientsByPath(sight)[e.Path], sight.snapshot.Config.Readiness(e.Endpoint)), nil
}

func viewEndpoint(p dispatchapy.Principal, e *dispatchapy.Endpoint, clients []string, readiness string) Endpoint {
	view := Endpoint{Endpoint: *e, Clients: clients, Readiness: readiness}
	if !p.IsStaff() {
		view.Endpoint = forClient(e)
	}
	return view
}

// EndpointDraft is an endpoint that is being created or changed, together with
// the clients that may post to it.
type EndpointDraft struct {
	dispatchapy.Endpoint
	Clients []string // names
}

// CreateEndpoint adds an endpoint and links its clients.
func (s *Service) CreateEndpoint(ctx context.Context, p dispatchapy.Principal, d *EndpointDraft) (Endpoint, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return Endpoint{}, err
	}
	made, err := create(ctx, s, p, endpointKind, &d.Endpoint, func(draft *dispatchapy.Config, e *dispatchapy.Endpoint) error {
		return linkClients(draft, e.Path, d.Clients)
	})
	return writtenEndpoint(p, made, err)
}

// UpdateEndpoint changes an endpoint that is at version expect, and the
// clients that are linked to it. edit may be called several times. A new path
// is rewritten wherever the old one stands. The error can be a *ConflictError.
func (s *Service) UpdateEndpoint(ctx context.Context, p dispatchapy.Principal, id int64, expect *int64, edit func(*EndpointDraft) error) (Endpoint, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return Endpoint{}, err
	}
	made, err := update(ctx, s, p, endpointKind, id, expect, func(draft *dispatchapy.Config, e *dispatchapy.Endpoint) error {
		path := e.Path
		d := EndpointDraft{Endpoint: *e, Clients: linkedClients(draft, path)}
		if err := edit(&d); err != nil {
			return err
		}
		*e = d.Endpoint
		return linkClients(draft, path, d.Clients)
	})
	return writtenEndpoint(p, made, err)
}

// DuplicateEndpoint adds a copy, "PATH-copy", with the same resources, mapping,
// rules and clients.
func (s *Service) DuplicateEndpoint(ctx context.Context, p dispatchapy.Principal, id int64) (Endpoint, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return Endpoint{}, err
	}
	made, err := duplicate(ctx, s, p, endpointKind, id, func(draft *dispatchapy.Config, e *dispatchapy.Endpoint) error {
		clients := linkedClients(draft, e.Path)
		e.Path = endpointKind.freeName(draft, e.Path, "-copy", "-")
		return linkClients(draft, e.Path, clients)
	})
	return writtenEndpoint(p, made, err)
}

// EndpointImpact says what deleting an endpoint would do.
func (s *Service) EndpointImpact(ctx context.Context, p dispatchapy.Principal, id int64) (Impact, error) {
	return impactOfID(ctx, s, p, endpointKind, id)
}

// DeleteEndpoint deletes an endpoint and takes it away from its clients. If
// there are any, or tasks wait, confirm and the version of the Impact are
// needed. The error can be a *ConflictError.
func (s *Service) DeleteEndpoint(ctx context.Context, p dispatchapy.Principal, id int64, expect *int64, confirm bool) error {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return err
	}
	return remove(ctx, s, p, endpointKind, id, expect, confirm)
}

// writtenEndpoint is the answer to a change.
func writtenEndpoint(p dispatchapy.Principal, made changed[dispatchapy.Endpoint], err error) (Endpoint, error) {
	if err != nil {
		return Endpoint{}, err
	}
	e := &made.object
	return viewEndpoint(p, e, linkedClients(made.config, e.Path), made.config.Readiness(e)), nil
}

// forClient keeps what a caller of the endpoint needs to know.
func forClient(e *dispatchapy.Endpoint) dispatchapy.Endpoint {
	return dispatchapy.Endpoint{
		ID:             e.ID,
		Version:        e.Version,
		Path:           e.Path,
		Description:    e.Description,
		Active:         e.Active,
		RequiredParams: e.RequiredParams,
		MaxBody:        e.MaxBody,
		Resources:      e.Resources,
	}
}

// clientsByPath names the clients linked to each endpoint, as far as they are
// within sight.
func clientsByPath(v sight) map[string][]string {
	names := map[string][]string{}
	for _, c := range v.snapshot.Clients {
		if !v.all && c != v.client {
			continue
		}
		for _, path := range c.Endpoints {
			names[path] = append(names[path], c.Name)
		}
	}
	return names
}
