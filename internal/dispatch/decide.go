package dispatch

import (
	"fmt"
	"math"
	"slices"
	"time"

	"dispatchapy"
)

// round is what happened when a task was offered to its endpoint's resources
// once, in order.
type round struct {
	attempts []dispatchapy.Attempt // made in this round, in order
	refused  []int64               // every resource that ever refused this task
	routes   []int64               // the endpoint's resources, in order
	idle     time.Duration         // how long to wait if no attempt could be made
}

// verdict is what becomes of the task after a round.
type verdict struct {
	action  dispatchapy.Action // succeed, fail or release
	retryIn time.Duration      // for release
	reason  string             // why it failed, or will be tried again
}

// decide is the retry and failover policy, a pure function. jitter is random
// in [0, 1).
func decide(t *dispatchapy.Task, r round, policy dispatchapy.RetryPolicy, now time.Time, jitter float64) verdict {
	spent := t.AttemptCount + len(r.attempts)
	last := lastError(r.attempts)
	switch {
	case delivered(r.attempts):
		return verdict{action: dispatchapy.ActionSucceed}
	case len(r.routes) > 0 && allIn(r.routes, r.refused):
		return verdict{action: dispatchapy.ActionFail, reason: "refused by every resource: " + firstOf(last, t.LastError)}
	case spent >= t.MaxAttempts:
		return verdict{action: dispatchapy.ActionFail, reason: fmt.Sprintf("all %d attempts are spent: %s", t.MaxAttempts, firstOf(last, t.LastError))}
	}
	wait := backoff(policy, rounds(spent, len(r.routes)), jitter)
	if len(r.attempts) == 0 {
		wait, last = r.idle, t.LastError
	}
	if policy.MaxAge > 0 && now.Add(wait).After(t.BudgetFrom.Add(policy.MaxAge.Std())) {
		return verdict{action: dispatchapy.ActionFail, reason: fmt.Sprintf("not delivered within %s: %s", policy.MaxAge, firstOf(last, "no resource could take it"))}
	}
	return verdict{action: dispatchapy.ActionRelease, retryIn: wait, reason: last}
}

// rounds estimates how many rounds were needed to spend so many attempts.
func rounds(spent, routes int) int {
	return (spent + routes - 1) / max(routes, 1)
}

// backoff gives the wait after round n (from 1).
func backoff(p dispatchapy.RetryPolicy, n int, jitter float64) time.Duration {
	wait := float64(p.Base) * math.Pow(p.Factor, float64(n-1))
	wait = min(wait, float64(p.Cap))
	return time.Duration(wait * (1 + p.Jitter*(2*jitter-1)))
}

func delivered(attempts []dispatchapy.Attempt) bool {
	return len(attempts) > 0 && attempts[len(attempts)-1].Outcome == dispatchapy.OutcomeDelivered
}

func lastError(attempts []dispatchapy.Attempt) string {
	if len(attempts) == 0 {
		return ""
	}
	return attempts[len(attempts)-1].Detail
}

func allIn(ids, set []int64) bool {
	for _, id := range ids {
		if !slices.Contains(set, id) {
			return false
		}
	}
	return true
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
