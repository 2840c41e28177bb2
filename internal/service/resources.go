package service

import (
	"context"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
)

// Resource is a resource with its health, its secrets masked. For a client
// everything but id, name and active switch is left out.
type Resource struct {
	dispatchapy.Resource
	Health    dispatchapy.Health
	LastCheck *dispatchapy.Check // nil: none yet, or not asked for

	Planned *dispatchapy.Window // the maintenance that it is in; nil: none
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
		page.Items[i] = viewResource(p, r.Resource, health)
	}
	return page, nil
}

// ResourcesNamed gives resources that p may see in the order of their names,
// without LastCheck. Names of which there is none are passed over.
func (s *Service) ResourcesNamed(ctx context.Context, p dispatchapy.Principal, names []string) ([]Resource, error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return nil, err
	}
	health, err := s.health(ctx)
	if err != nil {
		return nil, err
	}
	byName := map[string]*routing.Resource{}
	for _, r := range s.sightOf(p).resources() {
		byName[r.Name] = r
	}
	var out []Resource
	for _, name := range names {
		if r := byName[name]; r != nil {
			out = append(out, viewResource(p, r.Resource, health))
		}
	}
	return out, nil
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
	checks, err := s.listChecks(ctx, p, id, 0, 1)
	if err != nil {
		return Resource{}, storeError(err)
	}
	view := viewResource(p, r.Resource, health)
	if len(checks) > 0 {
		view.LastCheck = &checks[0]
	}
	return view, nil
}

// ListChecks gives a page of a resource's health history, newest first.
func (s *Service) ListChecks(ctx context.Context, p dispatchapy.Principal, resourceID int64, r PageRequest) (Page[Check], error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return Page[Check]{}, err
	}
	if _, err := s.sightOf(p).resource(resourceID); err != nil {
		return Page[Check]{}, err
	}
	found, err := byID(r, func(c dispatchapy.Check) int64 { return c.ID },
		func(before int64, limit int) ([]dispatchapy.Check, error) {
			return s.listChecks(ctx, p, resourceID, before, limit)
		})
	return s.checkPage(ctx, p, found, err)
}

// listChecks hides from clients who asked for a check, and what a provider said
// to it unless they may read that.
func (s *Service) listChecks(ctx context.Context, p dispatchapy.Principal, resourceID, before int64, limit int) ([]dispatchapy.Check, error) {
	checks, err := s.store.ListChecks(ctx, resourceID, before, limit)
	mayRead := s.mayReadProviders(p)
	for i := range checks {
		if !p.IsStaff() {
			checks[i].By = ""
		}
		if !mayRead && checks[i].Detail != "" {
			checks[i].Detail = discreetWords(checks[i].StatusCode, checks[i].Error)
		}
	}
	return checks, err
}

// CheckResource checks a resource's health at once.
func (s *Service) CheckResource(ctx context.Context, p dispatchapy.Principal, id int64) (dispatchapy.Check, error) {
	if err := require(p, dispatchapy.CheckHealth); err != nil {
		return dispatchapy.Check{}, err
	}
	if _, err := s.sightOf(p).resource(id); err != nil {
		return dispatchapy.Check{}, err
	}
	check, err := s.checker.CheckNow(ctx, id, p.Name)
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

func viewResource(p dispatchapy.Principal, r *dispatchapy.Resource, health map[int64]dispatchapy.Health) Resource {
	view := Resource{Resource: dispatchapy.Resource{ID: r.ID, Version: r.Version, Name: r.Name, Active: r.Active}}
	if p.IsStaff() {
		view.Resource = *resourceKind.masked(r)
		hideAddresses(p, &view.Resource)
	}
	view.Health = healthOf(health, r.ID)
	view.Planned = plannedNow(r)
	return view
}

func plannedNow(r *dispatchapy.Resource) *dispatchapy.Window {
	if w, in, _ := dispatchapy.MaintenanceAt(r.Maintenance, time.Now()); in {
		return &w
	}
	return nil
}

func healthOf(health map[int64]dispatchapy.Health, id int64) dispatchapy.Health {
	h, ok := health[id]
	if !ok {
		h = dispatchapy.Health{ResourceID: id, State: dispatchapy.HealthUnknown}
	}
	return h
}

// CreateResource adds a resource.
func (s *Service) CreateResource(ctx context.Context, p dispatchapy.Principal, r *dispatchapy.Resource) (Resource, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return Resource{}, err
	}
	made, err := create(ctx, s, p, resourceKind, r, nil)
	return s.writtenResource(ctx, p, made, err)
}

// UpdateResource changes a resource that is at version expect. edit gets it
// with its secrets masked; those that it leaves so stay as they are. It may be
// called several times. Renaming rewrites the endpoints that use the resource.
// The error can be a *ConflictError.
func (s *Service) UpdateResource(ctx context.Context, p dispatchapy.Principal, id int64, expect *int64, edit func(*dispatchapy.Resource) error) (Resource, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return Resource{}, err
	}
	made, err := update(ctx, s, p, resourceKind, id, expect, func(_ *dispatchapy.Config, r *dispatchapy.Resource) error { return edit(r) })
	return s.writtenResource(ctx, p, made, err)
}

// DuplicateResource adds a copy, "NAME copy", that is switched off and not
// checked.
func (s *Service) DuplicateResource(ctx context.Context, p dispatchapy.Principal, id int64) (Resource, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return Resource{}, err
	}
	made, err := duplicate(ctx, s, p, resourceKind, id, func(draft *dispatchapy.Config, r *dispatchapy.Resource) error {
		off := false
		r.Name = resourceKind.freeName(draft, r.Name, " copy", " ")
		r.Active = &off
		r.HealthCheck.Enabled = false
		return nil
	})
	return s.writtenResource(ctx, p, made, err)
}

// ResourceImpact says what deleting a resource would do.
func (s *Service) ResourceImpact(ctx context.Context, p dispatchapy.Principal, id int64) (Impact, error) {
	return impactOfID(ctx, s, p, resourceKind, id)
}

// DeleteResource deletes a resource and takes it out of the endpoints that use
// it. If there are any, confirm and the version of the Impact are needed. The
// error can be a *ConflictError.
func (s *Service) DeleteResource(ctx context.Context, p dispatchapy.Principal, id int64, expect *int64, confirm bool) error {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return err
	}
	return remove(ctx, s, p, resourceKind, id, expect, confirm)
}

// writtenResource is the answer to a change.
//
// Failure policy: fail open. The change is made, so that a health that cannot
// be read is shown as unknown instead of an error.
func (s *Service) writtenResource(ctx context.Context, p dispatchapy.Principal, made changed[dispatchapy.Resource], err error) (Resource, error) {
	if err != nil {
		return Resource{}, err
	}
	health, err := s.health(ctx)
	if err != nil {
		health = nil
	}
	return viewResource(p, &made.object, health), nil
}
