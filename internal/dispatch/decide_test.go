package dispatch

import (
	"strings"
	"testing"
	"time"

	"dispatchapy"
)

func TestDecide(t *testing.T) {
	now := time.Unix(100_000, 0)
	policy := dispatchapy.RetryPolicy{
		Base: dispatchapy.Duration(10 * time.Second), Factor: 2, Cap: dispatchapy.Duration(time.Minute),
	}
	limited := policy
	limited.MaxAge = dispatchapy.Duration(time.Minute)
	attempt := func(o dispatchapy.AttemptOutcome) dispatchapy.Attempt {
		return dispatchapy.Attempt{Outcome: o, Detail: "status 500"}
	}
	failed, refused, ok := attempt(dispatchapy.OutcomeFailed), attempt(dispatchapy.OutcomeRefused), attempt(dispatchapy.OutcomeDelivered)

	for name, tc := range map[string]struct {
		spent   int
		age     time.Duration
		policy  *dispatchapy.RetryPolicy
		round   round
		want    dispatchapy.Action
		retryIn time.Duration
		reason  string
	}{
		"delivered by the backup": {
			round: round{attempts: []dispatchapy.Attempt{failed, ok}, routes: []int64{1, 2}},
			want:  dispatchapy.ActionSucceed,
		},
		"delivered with the last attempt": {
			spent: 4,
			round: round{attempts: []dispatchapy.Attempt{ok}, routes: []int64{1}},
			want:  dispatchapy.ActionSucceed,
		},
		"first round failed": {
			round: round{attempts: []dispatchapy.Attempt{failed, failed}, routes: []int64{1, 2}},
			want:  dispatchapy.ActionRelease, retryIn: 10 * time.Second, reason: "status 500",
		},
		"second round failed": {
			spent: 2,
			round: round{attempts: []dispatchapy.Attempt{failed, failed}, routes: []int64{1, 2}},
			want:  dispatchapy.ActionRelease, retryIn: 20 * time.Second, reason: "status 500",
		},
		"the wait is capped": {
			spent: 3,
			round: round{attempts: []dispatchapy.Attempt{failed}, routes: []int64{1}},
			want:  dispatchapy.ActionRelease, retryIn: time.Minute, reason: "status 500",
		},
		"budget spent": {
			spent: 4,
			round: round{attempts: []dispatchapy.Attempt{failed}, routes: []int64{1, 2}},
			want:  dispatchapy.ActionFail, reason: "all 5 attempts are spent: status 500",
		},
		"budget was spent before": {
			spent: 5,
			round: round{routes: []int64{1}},
			want:  dispatchapy.ActionFail, reason: "all 5 attempts are spent",
		},
		"refused by one, failed by the other": {
			round: round{attempts: []dispatchapy.Attempt{refused, failed}, refused: []int64{1}, routes: []int64{1, 2}},
			want:  dispatchapy.ActionRelease, retryIn: 10 * time.Second, reason: "status 500",
		},
		"refused by all": {
			round: round{attempts: []dispatchapy.Attempt{refused}, refused: []int64{2, 1}, routes: []int64{1, 2}},
			want:  dispatchapy.ActionFail, reason: "refused by every resource: status 500",
		},
		"turned away": {
			round: round{routes: []int64{1}, idle: idleRetry},
			want:  dispatchapy.ActionRelease, retryIn: idleRetry,
		},
		"nothing has room": {
			round: round{routes: []int64{1}},
			want:  dispatchapy.ActionRelease,
		},
		"too old to wait for a resource": {
			age: time.Minute, policy: &limited,
			round: round{routes: []int64{1}, idle: idleRetry},
			want:  dispatchapy.ActionFail, reason: "not delivered within 1m: no resource could take it",
		},
		"no resources": {
			want: dispatchapy.ActionRelease,
		},
		"too old to wait again": {
			age: 55 * time.Second, policy: &limited,
			round: round{attempts: []dispatchapy.Attempt{failed}, routes: []int64{1}},
			want:  dispatchapy.ActionFail, reason: "not delivered within 1m",
		},
		"young enough to wait again": {
			age: 45 * time.Second, policy: &limited,
			round: round{attempts: []dispatchapy.Attempt{failed}, routes: []int64{1}},
			want:  dispatchapy.ActionRelease, retryIn: 10 * time.Second, reason: "status 500",
		},
	} {
		t.Run(name, func(t *testing.T) {
			task := &dispatchapy.Task{AttemptCount: tc.spent, MaxAttempts: 5, BudgetFrom: now.Add(-tc.age)}
			p := policy
			if tc.policy != nil {
				p = *tc.policy
			}
			got := decide(task, tc.round, p, now, 0.5)
			if got.action != tc.want || got.retryIn != tc.retryIn || !strings.HasPrefix(got.reason, tc.reason) || (tc.reason == "") != (got.reason == "") {
				t.Errorf("got %+v, want %s in %v because %q", got, tc.want, tc.retryIn, tc.reason)
			}
		})
	}
}

func TestBackoffJitter(t *testing.T) {
	p := dispatchapy.RetryPolicy{Base: dispatchapy.Duration(100 * time.Second), Factor: 1, Cap: dispatchapy.Duration(time.Hour), Jitter: 0.2}
	if low, high := backoff(p, 1, 0), backoff(p, 1, 0.999999); low != 80*time.Second || high < 119*time.Second || high > 120*time.Second {
		t.Errorf("backoff spans %v to %v, want 80 s to 120 s", low, high)
	}
	if got := backoff(dispatchapy.RetryPolicy{Base: 1, Factor: 100, Cap: dispatchapy.Duration(time.Hour)}, 1000, 0.5); got != time.Hour {
		t.Errorf("backoff after 1000 rounds = %v, want the cap", got)
	}
}
