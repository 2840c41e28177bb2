package health

import (
	"context"
	"fmt"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// holdsExtra is how long beyond twice the planned wait a state counts in the
// history if no check follows.
const holdsExtra = time.Minute

// judge turns a check into what is stored.
func (r *Runner) judge(res *routing.Resource, lease store.ProbeLease, check *dispatchapy.Check) store.ProbeOutcome {
	hc, before := &res.HealthCheck, &lease.Health
	outcome := store.ProbeOutcome{Fence: lease.Fence, Spans: before.Spans(check.At, res.Maintenance)}
	switch window, planned := res.InMaintenance(check.At); {
	case planned && watched(res):
		// Somebody wanted to know. It changes nothing, and nobody is told.
		outcome.Health, outcome.NextIn = *before, nextVisit(window, check.At)
		outcome.Health.CheckedAt = check.At
	case watched(res):
		var change Transition
		outcome.Health, change = Evaluate(*before, check.OK, check.At, policyOf(hc))
		outcome.NextIn = max(hc.Interval.At(r.random()), minInterval)
		outcome.Incident = incidentOf(change, before, &outcome.Health, check)
		if i := outcome.Incident; i != nil && !i.Close {
			i.Entries = append(r.watch.TakeFailures(res.ID), i.Entries...)
		}
	default:
		// Due at once as soon as checks are switched on.
		outcome.Health = forget(*before, check.At)
		outcome.Health.CheckedAt = check.At
	}
	outcome.Health.CountedTo = check.At
	outcome.Health.HoldsUntil = check.At.Add(check.Duration + 2*outcome.NextIn + holdsExtra)
	check.State = outcome.Health.State
	outcome.Check = *check
	return outcome
}

// visitEvery is how often a resource in maintenance is visited instead of
// checked: its history is written, and a window that is taken back is noticed.
const visitEvery = time.Minute

func nextVisit(w dispatchapy.Window, now time.Time) time.Duration {
	return max(min(w.Until.Sub(now), visitEvery), minInterval)
}

// visit is what is stored of a resource in maintenance in the place of a check.
func visit(res *routing.Resource, lease store.ProbeLease, w dispatchapy.Window, now time.Time) store.ProbeOutcome {
	outcome := store.ProbeOutcome{
		Fence: lease.Fence, Health: lease.Health, NextIn: nextVisit(w, now),
		Spans: lease.Health.Spans(now, res.Maintenance),
	}
	if lease.Health.CountedTo.Before(w.From) { // the first visit
		outcome.Incident = &store.IncidentChange{
			Kind: dispatchapy.EventResourceDown, ResourceID: res.ID, At: now,
			Entries: []dispatchapy.IncidentEntry{{Kind: dispatchapy.EntryMaintenance, At: w.From, Detail: maintenanceDetail(w)}},
		}
	}
	outcome.Health.ResourceID = res.ID
	outcome.Health.CountedTo = now
	outcome.Health.HoldsUntil = now
	return outcome
}

func maintenanceDetail(w dispatchapy.Window) string {
	detail := "maintenance until " + w.Until.UTC().Format(time.RFC3339)
	if w.Note != "" {
		detail += ": " + w.Note
	}
	return detail
}

// incidentOf gives what a check means for the incident of a resource that is
// down; nil: nothing.
func incidentOf(change Transition, before, after *dispatchapy.Health, check *dispatchapy.Check) *store.IncidentChange {
	of := &store.IncidentChange{Kind: dispatchapy.EventResourceDown, ResourceID: after.ResourceID, At: check.At}
	event := func(kind dispatchapy.EventKind, detail string) *dispatchapy.Event {
		return &dispatchapy.Event{Kind: kind, At: check.At, ResourceID: after.ResourceID, Detail: detail}
	}
	if !check.OK && after.State == dispatchapy.HealthDown {
		of.Entries = append(of.Entries, failedChecks(before, after, check))
	}
	if before.Flapping && after.State != before.State {
		of.Entries = append(of.Entries, dispatchapy.IncidentEntry{Kind: dispatchapy.EntryFlapping, At: check.At, Detail: "is " + string(after.State)})
	}
	switch change {
	case WentDown:
		of.Open, of.Cause = true, check.Detail
		if of.Event = event(dispatchapy.EventResourceDown, check.Detail); before.Flapping {
			// Its incident is open, and this is news all the same.
			of.Event, of.Always = nil, event(dispatchapy.EventResourceDown, "is down for good, after it had changed all the time: "+check.Detail)
		}
	case CameUp:
		of.Close, of.Reason = true, recovery(before, check.At)
		of.Event = event(dispatchapy.EventResourceUp, of.Reason)
	case StartedFlapping:
		detail := fmt.Sprintf("changed %d times between up and down within %s: the next you hear is when that is over",
			len(after.Changes), after.Changes[len(after.Changes)-1].Sub(after.Changes[0]).Round(time.Second))
		of.Open, of.Cause, of.Always = true, "flapping", event(dispatchapy.EventResourceFlapping, detail)
		of.Entries = append(of.Entries, dispatchapy.IncidentEntry{Kind: dispatchapy.EntryFlapping, At: check.At, Count: len(after.Changes), Detail: detail})
	case StillDown:
		of.Reminder = event(dispatchapy.EventResourceReminder, stillDown(after, check))
	case NoTransition:
		if after.State == dispatchapy.HealthUp && before.State == dispatchapy.HealthUnknown {
			// It may have been down before nothing was known of it.
			of.Close, of.Reason = true, "a check succeeded"
			of.Event = event(dispatchapy.EventResourceUp, of.Reason)
		} else if len(of.Entries) == 0 {
			return nil
		}
	}
	return of
}

// failedChecks is the entry of a failed check, and of those that led to the
// state.
func failedChecks(before, after *dispatchapy.Health, check *dispatchapy.Check) dispatchapy.IncidentEntry {
	e := dispatchapy.IncidentEntry{Kind: dispatchapy.EntryFailedChecks, At: check.At, Detail: check.Detail}
	if before.State != dispatchapy.HealthDown {
		e.At, e.LastAt, e.Count = after.FailedFrom, check.At, after.Failures
	}
	return e
}

// recovery words what is over.
func recovery(before *dispatchapy.Health, at time.Time) string {
	if before.Flapping {
		return "is up for good, after it had changed all the time"
	}
	return "was down for " + at.Sub(before.Since).Round(time.Second).String()
}

func stillDown(h *dispatchapy.Health, check *dispatchapy.Check) string {
	if h.Flapping {
		return "still changes between up and down, and is " + string(h.State)
	}
	return "is down for " + check.At.Sub(h.Since).Round(time.Second).String() + ": " + check.Detail
}

// release forgets what the checks of resources said that are not watched any
// more, so that nothing is taken for known that nobody looks after, and closes
// their incidents.
//
// Failure policy: what cannot be released stays as it is; it is tried again
// after backstop. The gate does not look at the health of such resources.
func (r *Runner) release(snapshot *routing.Snapshot) {
	var ids []int64
	for _, res := range snapshot.Resources {
		if last, known := r.known.Load(res.ID); known && !watched(res) && last.(dispatchapy.Health).State != dispatchapy.HealthUnknown {
			ids = append(ids, res.ID)
		}
	}
	if len(ids) == 0 {
		return
	}
	if err := r.releaseAll(ids); err != nil && r.life.Err() == nil {
		r.log.Warn("health of resources that are no longer checked cannot be stored; trying again", "error", err)
	}
}

func (r *Runner) releaseAll(ids []int64) error {
	ctx, cancel := context.WithTimeout(r.life, recordTimeout)
	defer cancel()
	// One that is being checked is released after the next backstop.
	claimed, err := r.store.ClaimProbes(ctx, store.ProbeClaim{LeaseFor: leaseFor, ResourceIDs: ids, Force: true})
	if err != nil {
		return err
	}
	now, snapshot := r.now(), r.snapshots.Load()
	outcomes := make([]store.ProbeOutcome, len(claimed.Probes))
	for i, lease := range claimed.Probes {
		const reason = "it is not checked any more"
		id := lease.Health.ResourceID
		var windows []dispatchapy.Maintenance
		if res := snapshot.ResourceByID(id); res != nil {
			windows = res.Maintenance
		}
		outcomes[i] = store.ProbeOutcome{
			Fence: lease.Fence, Health: forget(lease.Health, now), Spans: lease.Health.Spans(now, windows),
			Incident: &store.IncidentChange{
				Kind: dispatchapy.EventResourceDown, ResourceID: id, At: now, Close: true, Reason: reason,
				Event: &dispatchapy.Event{Kind: dispatchapy.EventResourceUp, At: now, ResourceID: id, Detail: reason},
			},
		}
	}
	r.applying.RLock()
	defer r.applying.RUnlock()
	stale, err := r.store.RecordProbes(ctx, outcomes)
	if err != nil {
		return err
	}
	lost := make(map[int64]bool, len(stale))
	for _, id := range stale {
		lost[id] = true
	}
	for i := range outcomes {
		if h := outcomes[i].Health; !lost[h.ResourceID] {
			r.tellGate(h)
		}
	}
	return nil
}
