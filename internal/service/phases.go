package service

import (
	"slices"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// RouteState is whether one resource of a waiting task's endpoint could take
// it now.
type RouteState struct {
	Resource string
	Reason   routing.Reason // why it cannot be used now; Usable if it can
	Wait     time.Duration  // in how long that may change by itself; 0: unknown
	Refused  bool           // it gave this task a definite refusal
}

// outlook is what can be used right now, looked at once per resource, so that
// everything that one call says agrees. It is for one goroutine.
type outlook struct {
	snapshot *routing.Snapshot
	rooms    Rooms // nil: everything can be used
	looked   map[*routing.Resource]RouteState
	stuck    map[int64]bool // endpoints
}

func (s *Service) outlook() *outlook {
	return &outlook{
		snapshot: s.table.Load(), rooms: s.delivery.Rooms,
		looked: map[*routing.Resource]RouteState{}, stuck: map[int64]bool{},
	}
}

func (o *outlook) resource(r *routing.Resource) RouteState {
	state, known := o.looked[r]
	if !known {
		state.Resource = r.Name
		if o.rooms != nil {
			_, state.Reason, state.Wait = o.rooms.Room(r)
		}
		o.looked[r] = state
	}
	return state
}

// isStuck reports whether nothing can be sent from an endpoint. A resource that
// is only at its limits goes on by itself: tasks queue for it. Those of an
// endpoint that was deleted are about to be ended.
func (o *outlook) isStuck(endpointID int64) bool {
	stuck, known := o.stuck[endpointID]
	if known {
		return stuck
	}
	if e := o.snapshot.EndpointByID(endpointID); e != nil {
		stuck = !slices.ContainsFunc(e.Routes, func(r routing.Route) bool {
			reason := o.resource(r.Resource).Reason
			return reason == routing.Usable || reason.Limited()
		})
	}
	o.stuck[endpointID] = stuck
	return stuck
}

// stuckEndpoints gives every endpoint from which nothing can be sent.
func (o *outlook) stuckEndpoints() []int64 {
	ids := []int64{}
	for _, e := range o.snapshot.Endpoints {
		if o.isStuck(e.ID) {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

func (o *outlook) phaseOf(t *dispatchapy.Task) dispatchapy.Phase {
	return dispatchapy.PhaseOf(t.Status, t.AttemptCount, t.Status == dispatchapy.StatusPending && o.isStuck(t.EndpointID))
}

// routesOf gives the resources that a pending task may go to, in order; nil for
// any other task.
func (o *outlook) routesOf(t *dispatchapy.Task) []RouteState {
	e := o.snapshot.EndpointByID(t.EndpointID)
	if t.Status != dispatchapy.StatusPending || e == nil {
		return nil
	}
	routes := make([]RouteState, len(e.Routes))
	for i, route := range e.Routes {
		routes[i] = o.resource(route.Resource)
		routes[i].Refused = slices.Contains(t.Refused, route.Resource.ID)
	}
	return routes
}

// narrow makes a filter select tasks of these phases only. It selects none
// where no status that is asked for has one of them.
func (o *outlook) narrow(f *store.TaskFilter, phases []dispatchapy.Phase) {
	if len(phases) == 0 {
		return
	}
	var statuses []dispatchapy.Status
	pending := &store.PendingFilter{}
	for _, phase := range dispatchapy.Phases {
		status := phase.Status()
		if !slices.Contains(phases, phase) || len(f.Statuses) > 0 && !slices.Contains(f.Statuses, status) {
			continue
		}
		if !slices.Contains(statuses, status) {
			statuses = append(statuses, status)
		}
		if status == dispatchapy.StatusPending {
			pending.Phases = append(pending.Phases, phase)
		}
	}
	if f.Statuses = statuses; len(statuses) == 0 {
		f.EndpointIDs = []int64{}
	}
	if n := len(pending.Phases); n > 0 && n < pendingPhases {
		pending.Stuck = o.stuckEndpoints()
		f.Pending = pending
	}
}

// pendingPhases is how many phases a pending task can be in.
const pendingPhases = 3
