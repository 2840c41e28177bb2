package routing

import (
	"testing"
	"testing/synctest"
	"time"

	"dispatchapy"
)

func resource(change func(*dispatchapy.Resource)) *Resource {
	r := &dispatchapy.Resource{ID: 1, Name: "sms"}
	if change != nil {
		change(r)
	}
	return &Resource{Resource: r}
}

func acquire(t *testing.T, a *Availability, r *Resource) *Permit {
	t.Helper()
	p, why := a.Acquire(r)
	if p == nil {
		t.Fatalf("not usable: %s", why)
	}
	return p
}

func refused(t *testing.T, a *Availability, r *Resource, want Reason) {
	t.Helper()
	if p, why := a.Acquire(r); p != nil || why != want {
		t.Fatalf("Acquire gave permit %v and reason %q, want none and %q", p != nil, why, want)
	}
}

func TestUnknownIsUsable(t *testing.T) {
	a := NewAvailability()
	acquire(t, a, resource(nil)).Done(true, 0)
}

func TestInactive(t *testing.T) {
	off := false
	refused(t, NewAvailability(), resource(func(r *dispatchapy.Resource) { r.Active = &off }), Inactive)
}

func TestHealthGates(t *testing.T) {
	checked := resource(func(r *dispatchapy.Resource) { r.HealthCheck.Enabled = true })
	unchecked := resource(nil)
	a := NewAvailability()
	woken := 0
	a.OnChange(func() { woken++ })
	a.SetHealth(dispatchapy.Health{ResourceID: 1, State: dispatchapy.HealthDown})
	refused(t, a, checked, Down)
	acquire(t, a, unchecked).Done(true, 0) // nobody would ever find it up again
	a.SetHealth(dispatchapy.Health{ResourceID: 1, State: dispatchapy.HealthUp})
	acquire(t, a, checked).Done(true, 0)
	if woken != 2 {
		t.Errorf("OnChange called %d times, want once per SetHealth", woken)
	}
}

func TestPauseEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, r := NewAvailability(), resource(nil)
		acquire(t, a, r).Done(true, 3*time.Second)
		refused(t, a, r, Paused)
		if _, _, wait := a.Room(r); wait != 3*time.Second {
			t.Errorf("wait = %v, want the pause", wait)
		}
		time.Sleep(3 * time.Second)
		acquire(t, a, r).Done(true, 0)
	})
}

func TestConcurrencyLimit(t *testing.T) {
	a := NewAvailability()
	woken := 0
	a.OnChange(func() { woken++ })
	r := resource(func(r *dispatchapy.Resource) { r.Concurrency = 2 })
	first := acquire(t, a, r)
	if room, _, _ := a.Room(r); room != 1 {
		t.Errorf("room = %d, want 1", room)
	}
	acquire(t, a, r)
	refused(t, a, r, Full)
	first.GiveBack()
	if woken != 1 {
		t.Errorf("OnChange called %d times, want 1: a place is free", woken)
	}
	acquire(t, a, r)
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAvailability()
		r := resource(func(r *dispatchapy.Resource) {
			r.RateLimit = &dispatchapy.RateLimit{Requests: 10, Per: dispatchapy.Duration(time.Second), Burst: 2}
		})
		sent := 0
		for start := time.Now(); time.Since(start) < 10*time.Second; {
			p, why := a.Acquire(r)
			if p == nil {
				if why != RateLimited {
					t.Fatalf("reason = %q", why)
				}
				_, _, wait := a.Room(r)
				if wait <= 0 || wait > 110*time.Millisecond {
					t.Fatalf("wait = %v, want about a tenth of a second", wait)
				}
				time.Sleep(wait)
				continue
			}
			p.Done(true, 0)
			sent++
		}
		if sent < 95 || sent > 105 {
			t.Errorf("%d requests in 10 s, want 100 and the burst", sent)
		}
	})
}

func TestRateLimitIsReachedByLateComers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAvailability()
		r := resource(func(r *dispatchapy.Resource) {
			r.RateLimit = &dispatchapy.RateLimit{Requests: 1000, Per: dispatchapy.Duration(time.Second), Burst: 1}
		})
		const late = 2 * time.Millisecond // the timer, then the claim
		sent := 0
		for start := time.Now(); time.Since(start) < 2*time.Second; {
			room, _, wait := a.Room(r)
			if room == 0 {
				time.Sleep(wait + late)
				continue
			}
			if room > 21 {
				t.Fatalf("room for %d at once, want at most 20 ms' worth and one", room)
			}
			acquire(t, a, r).Done(true, 0)
			sent++
		}
		if sent < 1950 || sent > 2021 {
			t.Errorf("%d requests in 2 s, want 2000 and the burst", sent)
		}
	})
}

func TestBrokenResourceIsTriedByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, r := NewAvailability(), resource(nil)
		for range breakerThreshold {
			acquire(t, a, r).Done(false, 0)
		}
		refused(t, a, r, Broken)
		if got := a.Breaker(r.ID); got != BreakerOpen {
			t.Errorf("breaker is %s, want open", got)
		}
		time.Sleep(breakerMinPause)
		if room, _, _ := a.Room(r); room != 1 {
			t.Errorf("room = %d after the pause, want 1", room)
		}
		trial := acquire(t, a, r)
		refused(t, a, r, Broken)
		trial.Done(true, 0)
		acquire(t, a, r).Done(true, 0)
	})
}

func TestALimitSetWhileRequestsRunIsWaitedFor(t *testing.T) {
	a := NewAvailability()
	woken := false
	a.OnChange(func() { woken = true })
	permit := acquire(t, a, resource(nil))
	refused(t, a, resource(func(r *dispatchapy.Resource) { r.Concurrency = 1 }), Full)
	permit.Done(true, 0)
	if !woken {
		t.Error("nobody is told of the place that became free")
	}
}
