package alert

import (
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// ends are the events that end what another one began.
var ends = map[dispatchapy.EventKind]dispatchapy.EventKind{
	dispatchapy.EventEndpointOnBackup:    dispatchapy.EventEndpointOnPrimary,
	dispatchapy.EventEndpointDown:        dispatchapy.EventEndpointUp,
	dispatchapy.EventBacklogOld:          dispatchapy.EventBacklogOK,
	dispatchapy.EventFailuresHigh:        dispatchapy.EventFailuresOK,
	dispatchapy.EventBreakerOpen:         dispatchapy.EventBreakerClosed,
	dispatchapy.EventResourceSaturated:   dispatchapy.EventResourceUnsaturated,
	dispatchapy.EventCertificateExpiring: dispatchapy.EventCertificateRenewed,
}

// look is one look at all conditions.
type look struct {
	runner   *Runner
	snapshot *routing.Snapshot
	alerts   *dispatchapy.Alerts
	now      time.Time
	changes  []change
}

func (l *look) endpoints() {
	for _, e := range l.snapshot.Endpoints {
		rules := l.alerts.ForEndpoint(e.Endpoint)
		key := func(kind dispatchapy.EventKind) store.ConditionKey {
			return store.ConditionKey{Kind: kind, EndpointID: e.ID}
		}
		evidence, counted := l.seen(e.ID, rules.FailuresHigh.Within.Std())

		wait := rules.EndpointOnBackup.For.Std()
		l.judge(key(dispatchapy.EventEndpointOnBackup), Policy{rules.EndpointOnBackup.IsOn(), wait, wait},
			func(bool) Observation { return onBackup(e, evidence) })
		l.judge(key(dispatchapy.EventEndpointDown), Policy{On: rules.EndpointDown.IsOn()},
			func(bool) Observation { return endpointDown(e, l.runner.Available.Health, l.now) })
		delay := l.snapshot.Config.Settings.TaskDelay.Max.Std()
		l.judge(key(dispatchapy.EventBacklogOld), Policy{On: rules.BacklogOld.IsOn()}, func(active bool) Observation {
			if l.planned(e) {
				return Observation{} // it is no wonder
			}
			return backlogOld(l.runner.lanes[e.ID], rules.BacklogOld.For.Std(), delay, active, l.now)
		})
		l.judge(key(dispatchapy.EventFailuresHigh), Policy{On: rules.FailuresHigh.IsOn(), Clear: calm}, func(active bool) Observation {
			return failuresHigh(counted, &rules.FailuresHigh, active, l.watchedFor(rules.FailuresHigh.Within.Std()))
		})
	}
}

// planned reports whether everything that an endpoint could use is in
// maintenance.
func (l *look) planned(e *routing.Endpoint) bool {
	some := false
	for _, route := range e.Routes {
		if !route.Resource.IsActive() {
			continue
		}
		if _, in := route.Resource.InMaintenance(l.now); !in {
			return false
		}
		some = true
	}
	return some
}

// seen gives what the watch has of an endpoint.
func (l *look) seen(endpointID int64, within time.Duration) (evidence, counts) {
	w := l.runner.Watch
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.endpoints[endpointID]
	if t == nil {
		return evidence{}, counts{}
	}
	return t.evidence, t.window.sum(l.now, within)
}

// onBackup takes the evidence of the latest rounds. With one resource there is
// no backup.
func onBackup(e *routing.Endpoint, seen evidence) Observation {
	if len(e.Routes) < 2 {
		return Observation{Known: true, Cause: "there is no backup any more"}
	}
	return seen.observe()
}

func (l *look) resources() {
	used := map[int64]bool{}
	for _, e := range l.snapshot.Endpoints {
		for _, route := range e.Routes {
			used[route.Resource.ID] = true
		}
	}
	available := l.runner.Available
	for _, r := range l.snapshot.Resources {
		rules := l.alerts.ForResource(r.Resource)
		tally := l.tally(r.ID, available.TurnedAway(r.ID))
		key := func(kind dispatchapy.EventKind) store.ConditionKey {
			return store.ConditionKey{Kind: kind, ResourceID: r.ID}
		}
		l.judge(key(dispatchapy.EventBreakerOpen), Policy{rules.BreakerOpen.IsOn(), rules.BreakerOpen.For.Std(), calm}, func(bool) Observation {
			if _, planned := r.InMaintenance(l.now); planned {
				return Observation{} // nobody is told until it is over
			}
			return breakerOpen(r, available.Breaker(r.ID), available.Health(r.ID), used[r.ID], tally.alive)
		})
		wait := rules.ResourceSaturated.For.Std()
		l.judge(key(dispatchapy.EventResourceSaturated), Policy{rules.ResourceSaturated.IsOn(), wait, wait},
			func(bool) Observation { return saturated(r, tally.turnedAt, l.watchedFor(turnedLately), l.now) })
		l.judge(key(dispatchapy.EventCertificateExpiring), Policy{On: rules.CertificateExpiring.IsOn()}, func(bool) Observation {
			return certificateExpiring(r, tally.certificate, rules.CertificateExpiring.Days, l.now)
		})
	}
}

// tally gives what the watch has of a resource, with what was turned away since
// the last look.
func (l *look) tally(resourceID, turnedAway int64) resourceTally {
	w := l.runner.Watch
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.resources[resourceID]
	if t == nil && turnedAway == 0 {
		return resourceTally{}
	}
	t = w.resource(resourceID)
	if turnedAway > t.turnedAway {
		t.turnedAway, t.turnedAt = turnedAway, l.now
	}
	return *t
}

func (l *look) watchedFor(d time.Duration) bool { return l.now.Sub(l.runner.begun) >= d }

// orphans ends what is known of objects that are gone. The store has forgotten
// most of it with them; what was recorded in the same moment is left.
func (l *look) orphans() {
	for key, t := range l.runner.tracked {
		if key.ResourceID != 0 && l.snapshot.ResourceByID(key.ResourceID) != nil || key.EndpointID != 0 && l.snapshot.EndpointByID(key.EndpointID) != nil {
			continue
		}
		if !t.stored.Active {
			delete(l.runner.tracked, key)
			continue
		}
		// Not at once: another node may know an object before this one does.
		next, transition := Evaluate(State{Active: true, Pending: t.pending}, Observation{Known: true}, Policy{On: true, Clear: calm}, l.now)
		if t.pending = next.Pending; transition == Cleared {
			c := change{tracked: t, ConditionChange: store.ConditionChange{Condition: t.stored}}
			c.Active, c.Since = false, l.now
			c.Incident = incident(key, Dropped, Observation{}, t.stored.Since, l.now)
			l.changes = append(l.changes, c)
		}
	}
}

// judge evaluates a condition and notes a transition.
func (l *look) judge(key store.ConditionKey, p Policy, observe func(active bool) Observation) {
	t := l.runner.tracked[key]
	var s State
	if t != nil {
		s = State{Active: t.stored.Active, Level: t.stored.Level, Pending: t.pending}
	} else if !p.On {
		return
	}
	o := observe(s.Active)
	next, transition := Evaluate(s, o, p, l.now)
	if t == nil {
		if transition == NoTransition && next.Pending.IsZero() {
			return // most conditions are never met
		}
		t = &tracked{stored: store.Condition{ConditionKey: key}}
		l.runner.tracked[key] = t
	}
	if transition == NoTransition {
		t.pending = next.Pending
		return
	}
	c := change{tracked: t, ConditionChange: store.ConditionChange{Condition: t.stored}}
	if next.Active != t.stored.Active {
		c.Since = l.now
	}
	c.Active, c.Level = next.Active, next.Level
	c.Incident = incident(key, transition, o, t.stored.Since, l.now)
	l.changes = append(l.changes, c)
}

// incident gives what a transition means for the incident of the condition.
func incident(key store.ConditionKey, t Transition, o Observation, since, now time.Time) *store.IncidentChange {
	out := &store.IncidentChange{Kind: key.Kind, ResourceID: key.ResourceID, EndpointID: key.EndpointID, At: now}
	event := func(kind dispatchapy.EventKind, detail string) *dispatchapy.Event {
		return &dispatchapy.Event{Kind: kind, At: now, ResourceID: key.ResourceID, EndpointID: key.EndpointID, Detail: detail}
	}
	switch t {
	case Raised:
		out.Open, out.Cause = true, o.Cause
		out.Event = event(key.Kind, o.Cause)
	case Worsened:
		out.Always = event(key.Kind, o.Cause)
	case Cleared:
		out.Close, out.Reason = true, o.Cause+", after "+now.Sub(since).Round(time.Second).String()
		out.Event = event(ends[key.Kind], out.Reason)
	case Dropped:
		out.Close, out.Reason = true, "nobody is to be told of it any more"
	}
	return out
}
