package health

import (
	"slices"
	"time"

	"dispatchapy"
)

// Policy says how many checks in a row change the state, and of which changes
// people hear. Values below 1 count as 1.
type Policy struct {
	DownAfter int // failures until a resource is down
	UpAfter   int // successes until a resource that was down is up

	FlapChanges int           // so many changes within FlapWithin are not too many yet
	FlapWithin  time.Duration // 0: any number of changes is right
	RemindEvery time.Duration // while it is down; 0: never
}

func policyOf(h *dispatchapy.HealthCheck) Policy {
	return Policy{
		DownAfter: h.DownAfter, UpAfter: h.UpAfter,
		FlapChanges: h.Flap.Changes, FlapWithin: h.Flap.Within.Std(), RemindEvery: h.RemindEvery.Std(),
	}
}

// Transition is what a check changed that people may want to hear of.
type Transition string

// The transitions. A resource of unknown state that turns out to be up is none.
const (
	NoTransition Transition = ""
	WentDown     Transition = "down"
	CameUp       Transition = "up"

	// StartedFlapping replaces the change that was one too many. Further ones
	// are none, until the state has not changed for as long as the policy says:
	// then it CameUp, or WentDown for good.
	StartedFlapping Transition = "flapping"

	StillDown Transition = "still down" // and people are to be reminded
)

// Evaluate judges a check: from the health before it, its result and its time
// to the health after it. It is a pure function.
//
// A resource of unknown state is up after its first success, because it is
// usable already; UpAfter is for those that were down.
//
// Flapping changes what people are told, not the state: traffic goes by the
// checks. Holding it back until the resource is quiet would make a whole outage
// of half a one where there is no other resource; where there is one, it takes
// what the failing resource does not.
func Evaluate(h dispatchapy.Health, ok bool, at time.Time, p Policy) (dispatchapy.Health, Transition) {
	h, change := follow(h, ok, at, p)
	h.Changes = slices.Clone(h.Changes) // never the caller's
	if change != NoTransition {
		h.Changes = append(h.Changes, at)
	}
	change = damp(&h, change, at, p)
	return h, remind(&h, change, at, p)
}

// follow counts results in a row and changes the state.
func follow(h dispatchapy.Health, ok bool, at time.Time, p Policy) (dispatchapy.Health, Transition) {
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

// damp turns many changes into one transition.
func damp(h *dispatchapy.Health, change Transition, at time.Time, p Policy) Transition {
	if p.FlapWithin <= 0 {
		h.Flapping, h.Changes = false, nil
		return change
	}
	limit := max(p.FlapChanges, 1)
	old := func(t time.Time) bool { return at.Sub(t) >= p.FlapWithin }
	h.Changes = slices.DeleteFunc(h.Changes, old)
	if n := len(h.Changes); n > limit+1 {
		h.Changes = h.Changes[n-limit-1:]
	}
	switch {
	case h.Flapping && len(h.Changes) > 0:
		return NoTransition
	case h.Flapping && h.State == dispatchapy.HealthUp:
		h.Flapping = false
		return CameUp
	case h.Flapping:
		h.Flapping = false
		return WentDown
	case len(h.Changes) > limit:
		h.Flapping = true
		return StartedFlapping
	}
	return change
}

// remind says when to speak again of a resource that is down.
func remind(h *dispatchapy.Health, change Transition, at time.Time, p Policy) Transition {
	if p.RemindEvery <= 0 || h.State != dispatchapy.HealthDown && !h.Flapping {
		h.RemindAt = time.Time{}
		return change
	}
	if change == NoTransition && !h.RemindAt.IsZero() && !h.RemindAt.After(at) {
		change = StillDown
	}
	// Counted from what people heard last, or from when reminders were wanted.
	if change != NoTransition || h.RemindAt.IsZero() {
		h.RemindAt = at.Add(p.RemindEvery)
	}
	return change
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
