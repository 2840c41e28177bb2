package alert

import "time"

// State is what is known of a condition. Pending is of this node alone.
type State struct {
	Active  bool
	Level   int       // of an active one
	Pending time.Time // since when observations contradict Active; zero: they do not
}

// Observation is what can be seen of a condition right now.
type Observation struct {
	Known bool // false: nothing speaks for either side
	Wrong bool
	Level int    // the lower the worse
	Cause string // in words, for people
}

// Policy says how long an observation has to last before it counts.
type Policy struct {
	On    bool
	Raise time.Duration // wrong for so long: it begins
	Clear time.Duration // right for so long: it is over
}

// Transition is a change of a condition.
type Transition string

// The transitions.
const (
	NoTransition Transition = ""
	Raised       Transition = "raised"
	Worsened     Transition = "worsened" // to a lower level
	Cleared      Transition = "cleared"
	Dropped      Transition = "dropped" // nobody wants to know any more
)

// Evaluate judges an observation: from the state before it to the one after it.
// It is a pure function.
func Evaluate(s State, o Observation, p Policy, now time.Time) (State, Transition) {
	switch {
	case !p.On && s.Active:
		return State{}, Dropped
	case !p.On:
		return State{}, NoTransition
	case !o.Known:
		return s, NoTransition
	case o.Wrong == s.Active:
		s.Pending = time.Time{}
		if s.Active && o.Level < s.Level {
			s.Level = o.Level
			return s, Worsened
		}
		return s, NoTransition
	}
	if s.Pending.IsZero() {
		s.Pending = now
	}
	wait, change := p.Clear, Cleared
	if o.Wrong {
		wait, change = p.Raise, Raised
	}
	if now.Sub(s.Pending) < wait {
		return s, NoTransition
	}
	return State{Active: o.Wrong, Level: o.Level}, change
}
