package alert

import (
	"fmt"
	"slices"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// backupRounds is how many deliveries by a backup in a row say that the first
// choice fails, where it fails by attempts. One that is known to be unusable
// needs no more than one.
const backupRounds = 3

// verdict is what a round says of an endpoint's first choice: the first of its
// resources that is switched on and not in maintenance.
type verdict struct {
	delivered bool // by anybody
	byFirst   bool
	unusable  bool   // the first choice was not even tried
	cause     string // why it was another one; "" if that says nothing of the first choice
}

// judge looks at who delivered, and why not the first choice. Where that has
// refused the message, or was at its limits, it works: the round says nothing.
func judge(e *routing.Endpoint, o *store.Outcome) verdict {
	if o.Status != dispatchapy.StatusSuccess || len(o.Attempts) == 0 {
		return verdict{}
	}
	last := &o.Attempts[len(o.Attempts)-1]
	for i := range e.Routes {
		r := e.Routes[i].Resource
		if !r.IsActive() {
			continue
		}
		if r.ID == last.ResourceID {
			return verdict{delivered: true, byFirst: true, cause: r.Name + " delivers"}
		}
		switch why := passedOver(last, r.ID); why {
		case routing.Inactive, routing.Maintenance:
			continue // not by accident
		case routing.Down, routing.Broken, routing.Paused:
			return verdict{delivered: true, unusable: true, cause: fmt.Sprintf("%s is %s: %s delivers", r.Name, why, nameOf(e, last.ResourceID))}
		case "":
		default:
			return verdict{delivered: true}
		}
		at := slices.IndexFunc(o.Attempts, func(a dispatchapy.Attempt) bool { return a.ResourceID == r.ID })
		if at < 0 || o.Attempts[at].Outcome != dispatchapy.OutcomeFailed {
			return verdict{delivered: true}
		}
		return verdict{delivered: true, cause: fmt.Sprintf("%s fails (%s): %s delivers", r.Name, o.Attempts[at].Detail, nameOf(e, last.ResourceID))}
	}
	return verdict{delivered: true} // by one that is no longer a route
}

// passedOver says why a resource was passed over in the round of an attempt.
func passedOver(a *dispatchapy.Attempt, resourceID int64) routing.Reason {
	for _, p := range a.PassedOver {
		if p.ResourceID == resourceID {
			return routing.Reason(p.Why)
		}
	}
	return ""
}

func nameOf(e *routing.Endpoint, resourceID int64) string {
	for _, route := range e.Routes {
		if route.Resource.ID == resourceID {
			return route.Resource.Name
		}
	}
	return "another resource"
}

// evidence is what the latest rounds say together.
type evidence struct {
	first    int // deliveries by the first choice since the last one by a backup
	backup   int // deliveries by a backup since the last one by the first choice
	unusable bool
	cause    string
}

func (e *evidence) add(v verdict) {
	switch {
	case v.byFirst:
		*e = evidence{first: e.first + 1, cause: v.cause}
	case v.cause != "":
		*e = evidence{backup: e.backup + 1, unusable: v.unusable, cause: v.cause}
	}
}

func (e *evidence) observe() Observation {
	switch {
	case e.first > 0:
		return Observation{Known: true, Cause: e.cause}
	case e.backup >= backupRounds || e.backup > 0 && e.unusable:
		return Observation{Known: true, Wrong: true, Cause: e.cause}
	}
	return Observation{}
}
