package health

import (
	"context"
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
	outcome := store.ProbeOutcome{Fence: lease.Fence, Spans: before.Spans(check.At)}
	if watched(res) {
		outcome.Health, _ = Evaluate(*before, check.OK, check.At, Policy{hc.DownAfter, hc.UpAfter})
		outcome.NextIn = max(hc.Interval.At(r.random()), minInterval)
		outcome.Incident = incidentOf(before, &outcome.Health, check)
	} else {
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

// incidentOf gives what a check means for the incident of a resource that is
// down; nil: nothing.
func incidentOf(before, after *dispatchapy.Health, check *dispatchapy.Check) *store.IncidentChange {
	change := &store.IncidentChange{Kind: dispatchapy.EventResourceDown, ResourceID: after.ResourceID, At: check.At}
	switch {
	case after.State == dispatchapy.HealthDown && !check.OK:
		failed := dispatchapy.IncidentEntry{Kind: dispatchapy.EntryFailedChecks, At: check.At, Detail: check.Detail}
		if before.State != dispatchapy.HealthDown {
			change.Open, change.Cause = true, check.Detail
			change.Event = &dispatchapy.Event{Kind: dispatchapy.EventResourceDown, At: check.At, ResourceID: after.ResourceID, Detail: check.Detail}
			failed.At, failed.LastAt, failed.Count = after.FailedFrom, check.At, after.Failures
		}
		change.Entries = []dispatchapy.IncidentEntry{failed}
		return change
	case after.State == dispatchapy.HealthUp && before.State != dispatchapy.HealthUp:
		// Also one of unknown state may have been down before that.
		change.Close, change.Reason = true, "a check succeeded"
		if before.State == dispatchapy.HealthDown {
			change.Reason = "was down for " + check.At.Sub(before.Since).Round(time.Second).String()
		}
		change.Event = &dispatchapy.Event{Kind: dispatchapy.EventResourceUp, At: check.At, ResourceID: after.ResourceID, Detail: change.Reason}
		return change
	}
	return nil
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
	now := r.now()
	outcomes := make([]store.ProbeOutcome, len(claimed.Probes))
	for i, lease := range claimed.Probes {
		const reason = "it is not checked any more"
		id := lease.Health.ResourceID
		outcomes[i] = store.ProbeOutcome{
			Fence: lease.Fence, Health: forget(lease.Health, now), Spans: lease.Health.Spans(now),
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
