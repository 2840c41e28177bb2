package service

import (
	"cmp"
	"context"
	"crypto/subtle"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// StatusState is how an endpoint does, in the words of those who send to it.
type StatusState string

// The states, the best first.
const (
	StatusOperational StatusState = "operational"
	StatusMaintenance StatusState = "maintenance" // planned: nothing is delivered
	StatusDegraded    StatusState = "degraded"    // delivery goes on, but not by the first choice, or late, or much fails
	StatusDown        StatusState = "down"        // nothing is delivered
	StatusUnknown     StatusState = "unknown"     // of a day: nobody looked
)

// StatusPage is what visitors see of how the gateway does.
type StatusPage struct {
	Title     string
	Public    bool // everybody may see it
	At        time.Time
	State     StatusState // of all together: down only if all are
	Endpoints []StatusEndpoint
}

// StatusEndpoint is an endpoint as visitors see it.
type StatusEndpoint struct {
	Path      string
	Name      string
	State     StatusState
	Days      []StatusDay      // the latest StatusDays by UTC, oldest first, today as far as it is over
	Resources []StatusResource // in failover order; nil unless they are shown
}

// Share gives which part of the time that is known messages were delivered, 0
// to 1; ok is false if nothing is known.
func (e *StatusEndpoint) Share() (share float64, ok bool) {
	var works, known time.Duration
	for i := range e.Days {
		works += e.Days[i].Up + e.Days[i].Degraded
		known += e.Days[i].Up + e.Days[i].Degraded + e.Days[i].Down
	}
	if known <= 0 {
		return 0, false
	}
	return float64(works) / float64(known), true
}

// StatusResource is a resource as visitors see it.
type StatusResource struct {
	Name  string
	State dispatchapy.HealthState
}

// Visitor is who asks for the status page: somebody with its token, or with an
// account.
type Visitor struct {
	Token     dispatchapy.Secret
	Principal dispatchapy.Principal
}

// StatusPage gives the page to whoever may see it: everybody if it is public,
// and otherwise those with its token, and staff. CodeNotFound if it is switched
// off. What it gives is shared, and not to be changed.
//
// Its cost does not depend on how many visitors there are: it is made anew once
// in statusFor, and when the configuration has changed.
func (s *Service) StatusPage(ctx context.Context, v Visitor) (*StatusPage, error) {
	snapshot := s.table.Load()
	if err := v.admitted(&snapshot.Config.Settings.StatusPage); err != nil {
		return nil, err
	}
	return s.status.get(ctx, s, snapshot)
}

// StatusOf gives one endpoint of the status page.
func (s *Service) StatusOf(ctx context.Context, v Visitor, path string) (*StatusEndpoint, error) {
	page, err := s.StatusPage(ctx, v)
	if err != nil {
		return nil, err
	}
	path = dispatchapy.CleanPath(path)
	for i := range page.Endpoints {
		if page.Endpoints[i].Path == path {
			return &page.Endpoints[i], nil
		}
	}
	return nil, dispatchapy.Errorf(dispatchapy.CodeNotFound, "there is no such endpoint on the status page")
}

func (v *Visitor) admitted(page *dispatchapy.StatusPage) error {
	if !page.Enabled {
		return dispatchapy.Errorf(dispatchapy.CodeNotFound, "there is no status page")
	}
	if page.Public || v.Principal.May(dispatchapy.ReadEvents) {
		return nil
	}
	want, got := dispatchapy.HashToken(page.Token.Reveal()), dispatchapy.HashToken(v.Token.Reveal())
	if page.Token == "" || subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		return dispatchapy.Errorf(dispatchapy.CodeUnauthenticated, "the status page needs its token: ask whoever gave you the address")
	}
	return nil
}

// maxStatusIncidents is how many open incidents are looked at.
const maxStatusIncidents = 1000

// statusLook is what the states of endpoints are judged by.
type statusLook struct {
	now     time.Time
	health  map[int64]dispatchapy.Health
	broken  map[int64]bool // resources with an open breaker
	limping map[int64]bool // endpoints that do not deliver as they should
	down    map[int64]bool // endpoints that deliver nothing
}

// lookAround reads what the states of endpoints are judged by.
func (s *Service) lookAround(ctx context.Context) (*statusLook, error) {
	o := &statusLook{now: time.Now(), broken: map[int64]bool{}, limping: map[int64]bool{}, down: map[int64]bool{}}
	var err error
	if o.health, err = s.health(ctx); err != nil {
		return nil, err
	}
	open := true
	incidents, err := s.store.ListIncidents(ctx, store.IncidentQuery{Open: &open, Limit: maxStatusIncidents, Kinds: []dispatchapy.EventKind{
		dispatchapy.EventBreakerOpen, dispatchapy.EventEndpointDown, dispatchapy.EventEndpointOnBackup, dispatchapy.EventBacklogOld, dispatchapy.EventFailuresHigh,
	}})
	if err != nil {
		return nil, storeError(err)
	}
	for _, i := range incidents {
		switch i.Kind {
		case dispatchapy.EventBreakerOpen:
			o.broken[i.ResourceID] = true
		case dispatchapy.EventEndpointDown:
			o.down[i.EndpointID] = true
		default:
			o.limping[i.EndpointID] = true
		}
	}
	return o, nil
}

// endpoint judges an endpoint.
func (o *statusLook) endpoint(e *routing.Endpoint) StatusState {
	chain := activeChain(e)
	first, usable, planned := false, false, false
	for i, r := range chain {
		state := o.resource(r)
		works := state != dispatchapy.HealthDown && state != dispatchapy.HealthMaintenance && !o.broken[r.ID]
		first = first || works && i == 0
		usable = usable || works
		planned = planned || state == dispatchapy.HealthMaintenance
	}
	switch {
	case !e.IsActive() || o.down[e.ID] || !usable && !planned:
		return StatusDown
	case !usable:
		return StatusMaintenance
	case !first || o.limping[e.ID]:
		return StatusDegraded
	}
	return StatusOperational
}

func (o *statusLook) resource(r *routing.Resource) dispatchapy.HealthState {
	if _, in, _ := dispatchapy.MaintenanceAt(r.Maintenance, o.now); in {
		return dispatchapy.HealthMaintenance
	}
	return healthOf(o.health, r.ID).State
}

// activeChain gives the resources of an endpoint that are switched on, in
// failover order.
func activeChain(e *routing.Endpoint) []*routing.Resource {
	chain := make([]*routing.Resource, 0, len(e.Routes))
	for _, route := range e.Routes {
		if route.Resource.IsActive() {
			chain = append(chain, route.Resource)
		}
	}
	return chain
}

// together judges all endpoints as one.
func together(endpoints []StatusEndpoint) StatusState {
	worst, down := StatusOperational, 0
	for i := range endpoints {
		switch state := endpoints[i].State; state {
		case StatusDown:
			down++
			worst = StatusDegraded
		case StatusDegraded:
			worst = StatusDegraded
		case StatusMaintenance:
			if worst == StatusOperational {
				worst = state
			}
		}
	}
	if down > 0 && down == len(endpoints) {
		return StatusDown
	}
	return worst
}

// makeStatusPage makes the page anew.
func (s *Service) makeStatusPage(ctx context.Context, snapshot *routing.Snapshot, past *statusPast) (*StatusPage, error) {
	settings := &snapshot.Config.Settings.StatusPage
	look, err := s.lookAround(ctx)
	if err != nil {
		return nil, err
	}
	shownIDs := make(map[int64]bool, len(settings.Endpoints))
	for _, shown := range settings.Endpoints {
		if e := snapshot.Endpoint(shown.Path); e != nil {
			shownIDs[e.ID] = true
		}
	}
	past.forget(look.now, shownIDs)
	page := &StatusPage{Title: cmp.Or(settings.Title, "Dispatchapy"), Public: settings.Public, At: look.now}
	for _, shown := range settings.Endpoints {
		e := snapshot.Endpoint(shown.Path)
		if e == nil {
			continue // Validate has seen to it
		}
		days, err := s.statusDays(ctx, e, look, past)
		if err != nil {
			return nil, err
		}
		view := StatusEndpoint{Path: shown.Path, Name: cmp.Or(shown.Name, shown.Path), State: look.endpoint(e), Days: days}
		if settings.Resources {
			view.Resources = []StatusResource{}
			for _, r := range activeChain(e) {
				view.Resources = append(view.Resources, StatusResource{Name: r.Name, State: look.resource(r)})
			}
		}
		page.Endpoints = append(page.Endpoints, view)
	}
	page.State = together(page.Endpoints)
	return page, nil
}
