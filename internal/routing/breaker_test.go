package routing

import (
	"testing"
	"time"
)

func TestBreaker(t *testing.T) {
	now := time.Unix(1000, 0)
	fail := func(b *breaker, n int) {
		for range n {
			b.record(now, b.start(now), false)
		}
	}

	t.Run("opens after failures in a row, not before", func(t *testing.T) {
		var b breaker
		fail(&b, breakerThreshold-1)
		b.record(now, false, true)
		fail(&b, breakerThreshold-1)
		if got := b.state(now); got != BreakerClosed {
			t.Fatalf("state = %s, want closed: a success lies between", got)
		}
		fail(&b, 1)
		if got := b.state(now); got != BreakerOpen {
			t.Fatalf("state = %s, want open", got)
		}
		if ok, wait := b.ready(now); ok || wait != breakerMinPause {
			t.Errorf("ready = %v, %v, want false and the pause", ok, wait)
		}
	})

	t.Run("one trial after the pause", func(t *testing.T) {
		var b breaker
		fail(&b, breakerThreshold)
		later := now.Add(breakerMinPause)
		if ok, _ := b.ready(later); !ok {
			t.Fatal("no trial after the pause")
		}
		if !b.start(later) {
			t.Fatal("the request is not the trial")
		}
		if ok, _ := b.ready(later); ok {
			t.Fatal("a second trial beside the first")
		}
		b.giveBack()
		if ok, _ := b.ready(later); !ok {
			t.Fatal("no trial after one without verdict")
		}
		b.record(later, b.start(later), true)
		if got := b.state(later); got != BreakerClosed {
			t.Errorf("state = %s after a good trial, want closed", got)
		}
	})

	t.Run("pauses grow to the cap", func(t *testing.T) {
		var b breaker
		fail(&b, breakerThreshold)
		at := now
		for want := 2 * breakerMinPause; ; want *= 2 {
			_, wait := b.ready(at)
			at = at.Add(wait)
			b.record(at, b.start(at), false)
			_, got := b.ready(at)
			if got != min(want, breakerMaxPause) {
				t.Fatalf("pause = %v, want %v", got, min(want, breakerMaxPause))
			}
			if want > breakerMaxPause {
				break
			}
		}
	})

	t.Run("late results do not count while open", func(t *testing.T) {
		var b breaker
		fail(&b, breakerThreshold)
		b.record(now, false, true)
		if got := b.state(now); got != BreakerOpen {
			t.Errorf("state = %s, want open: that request began before", got)
		}
	})

	t.Run("a good health check ends the pause", func(t *testing.T) {
		var b breaker
		fail(&b, breakerThreshold)
		b.shorten(now)
		if got := b.state(now); got != BreakerHalfOpen {
			t.Errorf("state = %s, want half open", got)
		}
	})
}
