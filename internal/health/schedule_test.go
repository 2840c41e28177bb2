package health

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
)

const (
	crowd         = 1000
	crowdInterval = 10 * time.Second
)

// manyResources makes resources that are checked every crowdInterval.
func manyResources(url string) []dispatchapy.Resource {
	many := make([]dispatchapy.Resource, crowd)
	for i := range many {
		r := &many[i]
		*r = dispatchapy.Resource{ID: int64(i + 1), Name: fmt.Sprintf("r%04d", i), URL: url}
		r.HealthCheck.Enabled = true
		r.HealthCheck.Interval = dispatchapy.DurationRange{Min: dispatchapy.Duration(crowdInterval), Max: dispatchapy.Duration(crowdInterval)}
	}
	return many
}

// newCrowd makes a runner for many resources, with as many checks at once as
// there are by default.
func newCrowd(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.table = routing.NewTable(compile(t, manyResources("http://h/")...))
	w.Runner = New(Options{
		Store: w.store, Gate: w.gate, Snapshots: w.table, Client: w.client,
		Log: slog.New(slog.DiscardHandler), Random: rand.Float64,
	})
	return w
}

// spread demands that checks since a time come evenly: in no second more than
// the intervals ask for, with some headroom, nor fewer than least; and every
// resource within one and a half intervals.
func spread(t *testing.T, w *world, since time.Time, seconds, least int) {
	t.Helper()
	perSecond := make([]int, seconds)
	first := map[int64]time.Time{}
	for _, c := range w.store.history() {
		if at := int(c.At.Sub(since) / time.Second); !c.At.Before(since) && at < seconds {
			perSecond[at]++
			if first[c.ResourceID].IsZero() {
				first[c.ResourceID] = c.At
			}
		}
	}
	const rate = crowd / float64(crowdInterval/time.Second)
	for i, n := range perSecond {
		if float64(n) > rate*headroom+paceBurst || n < least {
			t.Errorf("%d checks in second %d, want about %v: %v", n, i, rate, perSecond)
			break
		}
	}
	if len(first) != crowd {
		t.Errorf("%d of %d resources were checked", len(first), crowd)
	}
	for id, at := range first {
		if late := at.Sub(since); late > crowdInterval*3/2 {
			t.Errorf("resource %d was checked after %v for the first time", id, late)
		}
	}
}

func TestFirstChecksAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newCrowd(t)
		w.client.set(taking(20*time.Millisecond, good))
		begun := time.Now()
		defer w.Stop()
		w.Start()
		pass(time.Minute)
		spread(t, w, begun, 60, 40)
		if asked, _ := w.store.counts(); asked > 60*int(time.Second/gather) {
			t.Errorf("the store was asked %d times in a minute", asked)
		}

		// All of them move at once, and are due.
		moved := time.Now()
		for id := range int64(crowd) {
			w.store.reset(id + 1)
		}
		w.table.Store(compile(t, manyResources("http://elsewhere/")...))
		w.Wake()
		pass(time.Minute)
		spread(t, w, moved, 60, 40)
	})
}

// A gateway that was off for long finds everything due.
func TestOverdueChecksAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newCrowd(t)
		for id := range int64(crowd) {
			row := w.store.row(id + 1)
			row.due = time.Now().Add(-time.Hour)
			row.health.State = dispatchapy.HealthUp
		}
		begun := time.Now()
		defer w.Stop()
		w.Start()
		pass(time.Minute)
		spread(t, w, begun, 60, 40)
	})
}

// Where nothing is due yet nothing is checked, and the store is asked once per
// resource at most.
func TestRestartKeepsTheSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newCrowd(t)
		for id := range int64(crowd) {
			w.store.row(id + 1).due = time.Now().Add(time.Duration(id) * crowdInterval / crowd)
		}
		begun := time.Now()
		defer w.Stop()
		w.Start()
		synctest.Wait()
		if asked, _ := w.store.counts(); asked > crowd/(paceBurst-1)+2 {
			t.Errorf("the store was asked %d times at the start", asked)
		}
		pass(time.Minute)
		spread(t, w, begun, 60, 40)
	})
}

// A resource that does not answer keeps its slot for seconds; hundreds of them
// hold nobody up.
func TestSlowResourcesHoldNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newCrowd(t)
		w.client.set(taking(2*time.Second, bad))
		begun := time.Now()
		defer w.Stop()
		w.Start()
		pass(time.Minute)
		if n := len(w.store.history()); n < crowd*4 {
			t.Errorf("%d checks in a minute, want about %d", n, crowd*5)
		}
		spread(t, w, begun, 60, 0)
	})
}

func TestNoClaimWithoutSlots(t *testing.T) {
	s := newSchedule()
	s.follow(compile(t, watchedResource(1), watchedResource(2)))
	if ids := s.due(time.Now(), 1-s.running); len(ids) != 1 {
		t.Fatalf("due are %v, want one", ids)
	}
	s.start(1)
	if ids := s.due(time.Now(), 1-s.running); len(ids) != 0 {
		t.Errorf("due are %v, want none while the slot is taken", ids)
	}
	s.follow(compile(t)) // both are gone
	s.end(finished{id: 1})
	if len(s.entries) != 0 || s.running != 0 {
		t.Errorf("left are %d entries and %d running", len(s.entries), s.running)
	}
}
