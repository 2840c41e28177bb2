package health

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dispatchapy"
)

func TestEvaluate(t *testing.T) {
	// Checks are written as a word: + is a success, - a failure. After each
	// there is a letter for the state: u(p), d(own), ? (unknown); in capitals
	// where the check caused a transition.
	tests := []struct {
		name   string
		policy Policy
		start  dispatchapy.HealthState
		checks string
		states string
	}{
		{"defaults flip at once", Policy{1, 1}, "unknown", "+-+--++", "uDUDdUu"},
		{"zero is one", Policy{}, "up", "-+", "DU"},
		{"first success of an unknown one is enough", Policy{3, 3}, "unknown", "+", "u"},
		{"first failures of an unknown one are not", Policy{3, 1}, "unknown", "----", "??Dd"},
		{"failures in a row count", Policy{3, 1}, "up", "--+--+---", "uuuuuuuuD"},
		{"successes in a row count", Policy{1, 3}, "down", "++-++-+++", "ddddddddU"},
		{"nothing set counts as unknown", Policy{1, 1}, "", "+-", "uD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := dispatchapy.Health{ResourceID: 7, State: tt.start}
			got := ""
			for i, c := range tt.checks {
				var change Transition
				h, change = Evaluate(h, c == '+', time.Unix(int64(i), 0), tt.policy)
				got += letter(h.State, change)
			}
			if got != tt.states {
				t.Errorf("checks %s give %s, want %s", tt.checks, got, tt.states)
			}
		})
	}
}

func letter(s dispatchapy.HealthState, change Transition) string {
	switch {
	case s == dispatchapy.HealthUp && change == CameUp:
		return "U"
	case s == dispatchapy.HealthDown && change == WentDown:
		return "D"
	case change != NoTransition:
		return "!"
	}
	return map[dispatchapy.HealthState]string{"up": "u", "down": "d", "unknown": "?"}[s]
}

func TestEvaluateKeepsTimes(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	h := dispatchapy.Health{ResourceID: 7, State: dispatchapy.HealthUp, Since: at(1), CheckedAt: at(5), Successes: 4}
	h, _ = Evaluate(h, true, at(6), Policy{2, 1})
	want := dispatchapy.Health{ResourceID: 7, State: dispatchapy.HealthUp, Since: at(1), CheckedAt: at(6), Successes: 5}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("after success (-want +got):\n%s", diff)
	}
	h, _ = Evaluate(h, false, at(7), Policy{2, 1})
	h, _ = Evaluate(h, false, at(8), Policy{2, 1})
	want = dispatchapy.Health{ResourceID: 7, State: dispatchapy.HealthDown, Since: at(8), CheckedAt: at(8), Failures: 2, FailedFrom: at(7)}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("after two failures (-want +got):\n%s", diff)
	}
}

// TestEvaluateProperties holds for every run of checks: the state is what the
// last results in a row say, and down and up alternate.
func TestEvaluateProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{rapid.IntRange(1, 4).Draw(t, "down_after"), rapid.IntRange(1, 4).Draw(t, "up_after")}
		results := rapid.SliceOf(rapid.Bool()).Draw(t, "results")
		h := dispatchapy.Health{State: dispatchapy.HealthUnknown}
		var last Transition
		for i, ok := range results {
			before := h.State
			var change Transition
			h, change = Evaluate(h, ok, time.Unix(int64(i), 0), p)
			if change != NoTransition && change == last {
				t.Fatalf("%q twice in a row", change)
			}
			if change != NoTransition {
				last = change
			}
			if (h.Failures > 0) == ok || (h.Successes > 0) != ok {
				t.Fatalf("counters %d and %d after %v", h.Failures, h.Successes, ok)
			}
			if h.Failures >= p.DownAfter && h.State != dispatchapy.HealthDown {
				t.Fatalf("%s after %d failures", h.State, h.Failures)
			}
			if h.Successes >= p.UpAfter && h.State != dispatchapy.HealthUp {
				t.Fatalf("%s after %d successes", h.State, h.Successes)
			}
			if before == dispatchapy.HealthDown && h.State == dispatchapy.HealthUp && h.Successes < p.UpAfter {
				t.Fatalf("up again after %d successes", h.Successes)
			}
		}
	})
}
