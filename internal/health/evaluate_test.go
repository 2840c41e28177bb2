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
		{"defaults flip at once", Policy{DownAfter: 1, UpAfter: 1}, "unknown", "+-+--++", "uDUDdUu"},
		{"zero is one", Policy{}, "up", "-+", "DU"},
		{"first success of an unknown one is enough", Policy{DownAfter: 3, UpAfter: 3}, "unknown", "+", "u"},
		{"first failures of an unknown one are not", Policy{DownAfter: 3, UpAfter: 1}, "unknown", "----", "??Dd"},
		{"failures in a row count", Policy{DownAfter: 3, UpAfter: 1}, "up", "--+--+---", "uuuuuuuuD"},
		{"successes in a row count", Policy{DownAfter: 1, UpAfter: 3}, "down", "++-++-+++", "ddddddddU"},
		{"nothing set counts as unknown", Policy{DownAfter: 1, UpAfter: 1}, "", "+-", "uD"},
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
	h, _ = Evaluate(h, true, at(6), Policy{DownAfter: 2, UpAfter: 1})
	want := dispatchapy.Health{ResourceID: 7, State: dispatchapy.HealthUp, Since: at(1), CheckedAt: at(6), Successes: 5}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("after success (-want +got):\n%s", diff)
	}
	h, _ = Evaluate(h, false, at(7), Policy{DownAfter: 2, UpAfter: 1})
	h, _ = Evaluate(h, false, at(8), Policy{DownAfter: 2, UpAfter: 1})
	want = dispatchapy.Health{ResourceID: 7, State: dispatchapy.HealthDown, Since: at(8), CheckedAt: at(8), Failures: 2, FailedFrom: at(7)}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("after two failures (-want +got):\n%s", diff)
	}
}

// TestEvaluateProperties holds for every run of checks: the state is what the
// last results in a row say, and down and up alternate.
func TestEvaluateProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{DownAfter: rapid.IntRange(1, 4).Draw(t, "down_after"), UpAfter: rapid.IntRange(1, 4).Draw(t, "up_after")}
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

// told runs checks, one a second, and gives what people hear: d(own), u(p),
// f(lapping), r(eminder), or nothing, a dot.
func told(h dispatchapy.Health, checks string, p Policy) (said string, after dispatchapy.Health) {
	letters := map[Transition]string{NoTransition: ".", WentDown: "d", CameUp: "u", StartedFlapping: "f", StillDown: "r"}
	for i, c := range checks {
		var change Transition
		h, change = Evaluate(h, c == '+', time.Unix(int64(i), 0), p)
		said += letters[change]
	}
	return said, h
}

func TestFlapping(t *testing.T) {
	three := Policy{FlapChanges: 3, FlapWithin: 10 * time.Second}
	tests := []struct {
		name   string
		policy Policy
		checks string
		said   string
		state  dispatchapy.HealthState
	}{
		{"no damping", Policy{}, "+-+-+-+-+", ".dudududu", "up"},
		{"as many as are right", three, "+-+-------------", ".dud............", "down"},
		{"one too many, then quiet", three, "+-+-+++++++++++++", ".dudf.........u..", "up"},
		{"one too many, then down for good", three, "+-+-+-----------", ".dudf..........d", "down"},
		{"for ever", three, "+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-", ".dudf.........................", "down"},
		{"slow changes are none", three, "+---++++---++++---++++", ".d..u...d..u...d..u...", "up"},
		{"after it was over it is counted anew", three, "+-+-++++++++++++++-+--", ".dudf.........u...dud.", "down"},
		{"limit of one", Policy{FlapChanges: 1, FlapWithin: time.Minute}, "+-+-+", ".df..", "up"},
		{"zero is one", Policy{FlapWithin: time.Minute}, "+-+-+", ".df..", "up"},
		{"thresholds come first", Policy{DownAfter: 2, UpAfter: 2, FlapChanges: 1, FlapWithin: time.Minute}, "+-+-+--++--", "......d.f..", "down"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			said, h := told(dispatchapy.Health{State: dispatchapy.HealthUnknown}, tt.checks, tt.policy)
			if said != tt.said || h.State != tt.state {
				t.Errorf("checks %s: said %s, want %s; %s, want %s", tt.checks, said, tt.said, h.State, tt.state)
			}
		})
	}
}

func TestFlappingEndsWithTheDamping(t *testing.T) {
	p := Policy{FlapChanges: 1, FlapWithin: time.Hour}
	_, h := told(dispatchapy.Health{State: dispatchapy.HealthUnknown}, "+-+-", p)
	if !h.Flapping {
		t.Fatal("it is not flapping")
	}
	if h, change := Evaluate(h, false, time.Unix(9, 0), Policy{}); h.Flapping || h.Changes != nil || change != NoTransition {
		t.Errorf("without damping it is %+v, %q", h, change)
	}
}

func TestReminders(t *testing.T) {
	every := func(d time.Duration) Policy { return Policy{UpAfter: 2, RemindEvery: d * time.Second} }
	tests := []struct {
		name   string
		policy Policy
		checks string
		said   string
	}{
		{"none", Policy{}, "-------", "d......"},
		{"every three", every(3), "+--------", ".d..r..r."},
		{"also by a success that is not enough", every(3), "+---+--", ".d..r.."},
		{"not when it is up", every(3), "+--++------", ".d..ud..r.."},
		{"while it flaps", Policy{FlapChanges: 1, FlapWithin: time.Minute, RemindEvery: 3 * time.Second}, "+-+-+-+-+", ".df..r..r"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if said, _ := told(dispatchapy.Health{State: dispatchapy.HealthUnknown}, tt.checks, tt.policy); said != tt.said {
				t.Errorf("checks %s: said %s, want %s", tt.checks, said, tt.said)
			}
		})
	}
}

// Reminders that are switched on while a resource is down count from then, and
// after a long time in which nobody looked there is one.
func TestRemindersBeginLater(t *testing.T) {
	_, h := told(dispatchapy.Health{State: dispatchapy.HealthUp}, "---", Policy{})
	p := Policy{RemindEvery: time.Minute}
	h, change := Evaluate(h, false, time.Unix(100, 0), p)
	if change != NoTransition || !h.RemindAt.Equal(time.Unix(160, 0)) {
		t.Errorf("%q, reminder at %v", change, h.RemindAt)
	}
	h, change = Evaluate(h, false, time.Unix(1000, 0), p)
	if change != StillDown || !h.RemindAt.Equal(time.Unix(1060, 0)) {
		t.Errorf("%q, reminder at %v", change, h.RemindAt)
	}
	if h, _ = Evaluate(h, false, time.Unix(1001, 0), Policy{}); !h.RemindAt.IsZero() {
		t.Errorf("reminder at %v although none is wanted", h.RemindAt)
	}
}

// TestFlappingProperties holds for every run of checks: what people hear is
// bounded, each thing is said once, what is kept is bounded, and traffic goes by
// the checks.
func TestFlappingProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{
			DownAfter: rapid.IntRange(1, 3).Draw(t, "down_after"), UpAfter: rapid.IntRange(1, 3).Draw(t, "up_after"),
			FlapChanges: rapid.IntRange(1, 4).Draw(t, "changes"), FlapWithin: time.Duration(rapid.IntRange(1, 30).Draw(t, "within")) * time.Second,
		}
		plain := Policy{DownAfter: p.DownAfter, UpAfter: p.UpAfter}
		h := dispatchapy.Health{State: dispatchapy.HealthUnknown}
		undamped := h
		var last Transition
		said := map[time.Duration]int{}
		for i, ok := range rapid.SliceOfN(rapid.Bool(), 0, 200).Draw(t, "results") {
			at := time.Unix(int64(i), 0)
			var change Transition
			before := h
			h, change = Evaluate(h, ok, at, p)
			undamped, _ = Evaluate(undamped, ok, at, plain)
			if h.State != undamped.State || !h.Since.Equal(undamped.Since) {
				t.Fatalf("%s since %v, without damping %s since %v", h.State, h.Since, undamped.State, undamped.Since)
			}
			if len(h.Changes) > p.FlapChanges+1 {
				t.Fatalf("%d changes are kept", len(h.Changes))
			}
			if len(before.Changes) > 0 && len(h.Changes) > 0 && &before.Changes[0] == &h.Changes[0] {
				t.Fatal("the health before shares its changes with the one after")
			}
			if change == NoTransition {
				continue
			}
			if change == last {
				t.Fatalf("%q twice in a row", change)
			}
			last = change
			said[at.Sub(time.Unix(0, 0)).Truncate(p.FlapWithin)]++
		}
		for from, n := range said {
			// Those that are right, the flapping, its end, and the first ones after it.
			if most := 2*p.FlapChanges + 2; n > most {
				t.Fatalf("%d things were said in the %v from %v on, want at most %d", n, p.FlapWithin, from, most)
			}
		}
	})
}
