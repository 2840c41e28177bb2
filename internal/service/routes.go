package service

import (
	"context"
	"slices"

	"dispatchapy"
	"dispatchapy/internal/routing"
)

// RouteHealth says in one word how messages to an endpoint fare right now.
type RouteHealth string

// The states of an endpoint's route.
const (
	RouteOperational RouteHealth = "operational" // the first resource takes them
	RouteDegraded    RouteHealth = "degraded"    // one further down the order does
	RouteDown        RouteHealth = "down"        // none can: they wait
	RouteIncomplete  RouteHealth = "incomplete"  // it is not ready: see Readiness
	RouteOff         RouteHealth = "off"         // it is switched off: the intake refuses them
)

// EndpointRoute is an endpoint with the state of its resources.
type EndpointRoute struct {
	ID        int64
	Path      string
	Readiness string // "Ready", or what is missing
	Health    RouteHealth

	// For staff only.
	Dev    dispatchapy.EndpointDev
	Routes []RouteState // in failover order
}

// Carrier gives the place in the order of the resource that a message would go
// to now; -1 if there is none.
func (e *EndpointRoute) Carrier() int { return e.CarrierWithout(nil) }

// CarrierWithout is Carrier if these resources were down, too.
func (e *EndpointRoute) CarrierWithout(down []string) int {
	for i := range e.Routes {
		reason := e.Routes[i].Reason
		if (reason == routing.Usable || reason.Limited()) && !slices.Contains(down, e.Routes[i].Resource) {
			return i
		}
	}
	return -1
}

// EndpointRoutes gives every endpoint that p may see, by path, with how
// messages to it fare right now on this node. It asks no database.
func (s *Service) EndpointRoutes(_ context.Context, p dispatchapy.Principal) ([]EndpointRoute, error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return nil, err
	}
	sight, now := s.sightOf(p), s.outlook()
	readiness := sight.snapshot.Config.ReadinessIndex()
	var out []EndpointRoute
	for _, e := range sight.snapshot.Endpoints {
		if sight.endpoint(e) {
			out = append(out, now.route(p, e, readiness.Of(e.Endpoint)))
		}
	}
	return out, nil
}

// EndpointRoute is EndpointRoutes for one endpoint.
func (s *Service) EndpointRoute(_ context.Context, p dispatchapy.Principal, id int64) (EndpointRoute, error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return EndpointRoute{}, err
	}
	sight := s.sightOf(p)
	e := sight.snapshot.EndpointByID(id)
	if e == nil || !sight.endpoint(e) {
		return EndpointRoute{}, notFound("endpoint", id)
	}
	return s.outlook().route(p, e, sight.snapshot.Config.Readiness(e.Endpoint)), nil
}

func (o *outlook) route(p dispatchapy.Principal, e *routing.Endpoint, readiness string) EndpointRoute {
	view := EndpointRoute{ID: e.ID, Path: e.Path, Readiness: readiness, Dev: e.Dev}
	for _, route := range e.Routes {
		view.Routes = append(view.Routes, o.resource(route.Resource))
	}
	view.Health = view.health(e.IsActive())
	if !p.IsStaff() {
		view.Routes, view.Dev = nil, dispatchapy.EndpointDev{}
	}
	return view
}

func (e *EndpointRoute) health(active bool) RouteHealth {
	carrier := e.Carrier()
	switch {
	case !active:
		return RouteOff
	case e.Readiness != dispatchapy.ReadinessReady:
		return RouteIncomplete
	case carrier == 0:
		return RouteOperational
	case carrier > 0:
		return RouteDegraded
	}
	return RouteDown
}
