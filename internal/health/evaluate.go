package health

import (
	"time"

	"dispatchapy"
)

// Policy says how many checks in a row change the state. Values below 1 count
// as 1.
type Policy struct {
	DownAfter int // failures until a resource is down
	UpAfter   int // successes until a resource that was down is up
}

// Transition is a change of state that people may want to hear of.
type Transition string

// The transitions. A resource of unknown state that turns out to be up is none.
const (
	NoTransition Transition = ""
	WentDown     Transition = "down"
	CameUp       Transition = "up"
)

// Evaluate judges a check: from the health before it, its result and its time
// to the health after it. It is a pure function.
//
// A resource of unknown state is up after its first success, because it is
// usable already; UpAfter is for those that were down.
func Evaluate(h dispatchapy.Health, ok bool, at time.Time, p Policy) (dispatchapy.Health, Transition) {
	h.CheckedAt = at
	if ok {
		h.Failures, h.FailedFrom, h.Successes = 0, time.Time{}, h.Successes+1
	} else {
		if h.Failures == 0 || h.FailedFrom.IsZero() {
			h.FailedFrom = at
		}
		h.Failures, h.Successes = h.Failures+1, 0
	}
	switch {
	case ok && h.State == dispatchapy.HealthDown && h.Successes >= max(p.UpAfter, 1):
		h.State, h.Since = dispatchapy.HealthUp, at
		return h, CameUp
	case ok && h.State != dispatchapy.HealthDown && h.State != dispatchapy.HealthUp:
		h.State, h.Since = dispatchapy.HealthUp, at
	case !ok && h.State != dispatchapy.HealthDown && h.Failures >= max(p.DownAfter, 1):
		h.State, h.Since = dispatchapy.HealthDown, at
		return h, WentDown
	}
	return h, NoTransition
}

// forget is the health of a resource whose checks are not the gate, because they
// are switched off: nothing is known of it.
func forget(h dispatchapy.Health, at time.Time) dispatchapy.Health {
	since := h.Since
	if h.State != dispatchapy.HealthUnknown || since.IsZero() {
		since = at
	}
	return dispatchapy.Health{
		ResourceID: h.ResourceID,
		State:      dispatchapy.HealthUnknown,
		Since:      since,
		CheckedAt:  h.CheckedAt,
		CountedTo:  at,
	}
}
