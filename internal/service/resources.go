package service

import (
	"context"

	"dispatchapy"
	"dispatchapy/internal/routing"
)

// Resource is a resource with its health. For a client everything but id, name
// and active switch is left out.
type Resource struct {
	dispatchapy.Resource
	Health    dispatchapy.Health
	LastCheck *dispatchapy.Check // nil: none yet, or not asked for
}

// ListResources gives a page of the resources that p may see, by name, without
// LastCheck.
func (s *Service) ListResources(ctx context.Context, p dispatchapy.Principal, r PageRequest) (Page[Resource], error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return Page[Resource]{}, err
	}
	found, err := byName(r, s.sightOf(p).resources(), func(r *routing.Resource) string { return r.Name })
	if err != nil {
		return Page[Resource]{}, err
	}
	health, err := s.health(ctx)
	if err != nil {
		return Page[Resource]{}, err
	}
	page := Page[Resource]{Items: make([]Resource, len(found.Items)), Next: found.Next}
	for i, r := range found.Items {
		page.Items[i] = viewResource(p, r, health)
	}
	return page, nil
}

// Resource gives a resource that p may see, with its latest check.
func (s *Service) Resource(ctx context.Context, p dispatchapy.Principal, id int64) (Resource, error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return Resource{}, err
	}
	r, err := s.sightOf(p).resource(id)
	if err != nil {
		return Resource{}, err
	}
	health, err := s.health(ctx)
	if err != nil {
		return Resource{}, err
	}
	checks, err := s.store.ListChecks(ctx, id, 0, 1)
	if err != nil {
		return Resource{}, storeError(err)
	}
	view := viewResource(p, r, health)
	if len(checks) > 0 {
		view.LastCheck = &checks[0]
	}
	return view, nil
}

// ListChecks gives a page of a resource's health history, newest first.
func (s *Service) ListChecks(ctx context.Context, p dispatchapy.Principal, resourceID int64, r PageRequest) (Page[dispatchapy.Check], error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return Page[dispatchapy.Check]{}, err
	}
	if _, err := s.sightOf(p).resource(resourceID); err != nil {
		return Page[dispatchapy.Check]{}, err
	}
	return byID(r, func(c dispatchapy.Check) int64 { return c.ID },
		func(before int64, limit int) ([]dispatchapy.Check, error) {
			return s.store.ListChecks(ctx, resourceID, before, limit)
		})
}

// CheckResource checks a resource's health at once.
func (s *Service) CheckResource(ctx context.Context, p dispatchapy.Principal, id int64) (dispatchapy.Check, error) {
	if err := require(p, dispatchapy.CheckHealth); err != nil {
		return dispatchapy.Check{}, err
	}
	if _, err := s.sightOf(p).resource(id); err != nil {
		return dispatchapy.Check{}, err
	}
	check, err := s.checker.CheckNow(ctx, id)
	return check, storeError(err)
}

// health reads the state of all resources from the database, where every node
// writes what it found.
func (s *Service) health(ctx context.Context) (map[int64]dispatchapy.Health, error) {
	list, err := s.store.LoadHealth(ctx)
	if err != nil {
		return nil, storeError(err)
	}
	health := make(map[int64]dispatchapy.Health, len(list))
	for _, h := range list {
		health[h.ResourceID] = h
	}
	return health, nil
}

func viewResource(p dispatchapy.Principal, r *routing.Resource, health map[int64]dispatchapy.Health) Resource {
	view := Resource{Resource: *r.Resource}
	if !p.IsStaff() {
		view.Resource = dispatchapy.Resource{ID: r.ID, Name: r.Name, Active: r.Active}
	}
	h, ok := health[r.ID]
	if !ok {
		h = dispatchapy.Health{ResourceID: r.ID, State: dispatchapy.HealthUnknown}
	}
	view.Health = h
	return view
}
