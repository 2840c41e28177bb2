package alert

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestEvaluate(t *testing.T) {
	// Observations are written as a word, one a second: w(rong), r(ight), ?
	// (unknown), digits for a level that is wrong. Of each there is a letter:
	// R(aised), C(leared), W(orsened), D(ropped), or a dot; then the end.
	three := Policy{On: true, Raise: 3 * time.Second, Clear: 2 * time.Second}
	atOnce := Policy{On: true}
	tests := []struct {
		name   string
		policy Policy
		start  State
		seen   string
		said   string
	}{
		{"at once", atOnce, State{}, "rwwrrw", ".R.C.R"},
		{"after a while", three, State{}, "rwwwwwrrr", "....R...C"},
		{"not for a moment", three, State{}, "wwwrwwwrww", ".........."},
		{"nor is it over for a moment", three, State{Active: true}, "rrwrrwrrr", "........C"},
		{"nothing known", three, State{}, "w??w", "...R"},
		{"nothing known while it is wrong", three, State{Active: true}, "????????", "........"},
		{"worse", atOnce, State{}, "775311r7", "R.WWW.CR"},
		{"not better", atOnce, State{}, "1377", "R..."},
		{"off", Policy{}, State{}, "wwrr", "...."},
		{"switched off", Policy{}, State{Active: true}, "wwrr", "D..."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, said := tt.start, ""
			for i, c := range tt.seen {
				o := Observation{Known: c != '?', Wrong: c != 'r' && c != '?'}
				if c >= '0' && c <= '9' {
					o.Level = int(c - '0')
				}
				var change Transition
				s, change = Evaluate(s, o, tt.policy, time.Unix(int64(i), 0))
				said += map[Transition]string{NoTransition: ".", Raised: "R", Cleared: "C", Worsened: "W", Dropped: "D"}[change]
			}
			if said != tt.said {
				t.Errorf("%s gives %s, want %s", tt.seen, said, tt.said)
			}
		})
	}
}

// TestEvaluateProperties: begin and end alternate, each after observations that
// have lasted, and nothing is pending that does not contradict.
func TestEvaluateProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{On: true, Raise: time.Duration(rapid.IntRange(0, 5).Draw(t, "raise")) * time.Second, Clear: time.Duration(rapid.IntRange(0, 5).Draw(t, "clear")) * time.Second}
		var s State
		var since time.Time // since when what is known is as it is
		last := Observation{}
		for i := range rapid.IntRange(0, 100).Draw(t, "looks") {
			now := time.Unix(int64(i), 0)
			o := Observation{Known: rapid.Bool().Draw(t, "known"), Wrong: rapid.Bool().Draw(t, "wrong")}
			if o.Known && (o.Wrong != last.Wrong || since.IsZero()) {
				last, since = o, now
			}
			before := s
			var change Transition
			s, change = Evaluate(s, o, p, now)
			wait := p.Clear
			if s.Active {
				wait = p.Raise
			}
			switch {
			case change == NoTransition && s.Active != before.Active:
				t.Fatal("it changed and nobody was told")
			case change == Raised && (before.Active || !s.Active), change == Cleared && (!before.Active || s.Active):
				t.Fatalf("%s from %v to %v", change, before.Active, s.Active)
			case change != NoTransition && now.Sub(since) < wait:
				t.Fatalf("%s after %v, want %v", change, now.Sub(since), wait)
			case o.Known && o.Wrong == s.Active && !s.Pending.IsZero():
				t.Fatal("pending although nothing contradicts")
			}
		}
	})
}
