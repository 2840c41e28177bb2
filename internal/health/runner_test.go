package health

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"dispatchapy"
	"dispatchapy/internal/deliver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// interval is what every wait between checks is in these tests.
const interval = 75 * time.Second

// bubble runs a test with a fake clock and a started runner.
func bubble(t *testing.T, resources []dispatchapy.Resource, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, resources...)
		defer w.Stop()
		w.Start()
		synctest.Wait()
		test(t, w)
	})
}

// pass lets time go by and waits until all has settled.
func pass(d time.Duration) {
	time.Sleep(d) // the bubble's clock
	synctest.Wait()
}

func one() []dispatchapy.Resource { return []dispatchapy.Resource{watchedResource(1)} }

func TestChecksComeAtTheirInterval(t *testing.T) {
	bubble(t, one(), func(t *testing.T, w *world) {
		if n := len(w.store.history()); n != 1 {
			t.Fatalf("%d checks at the start, want 1", n)
		}
		pass(interval - time.Millisecond)
		if n := len(w.store.history()); n != 1 {
			t.Fatalf("%d checks before the interval is over, want 1", n)
		}
		pass(time.Millisecond)
		pass(9 * interval)
		if n := len(w.store.history()); n != 11 {
			t.Errorf("%d checks after ten intervals, want 11", n)
		}
		if asked, _ := w.store.counts(); asked > 12 {
			t.Errorf("the store was asked %d times for 11 checks", asked)
		}
	})
}

func TestGateFollowsTheChecks(t *testing.T) {
	r := watchedResource(1)
	r.HealthCheck.DownAfter, r.HealthCheck.UpAfter = 2, 2
	bubble(t, []dispatchapy.Resource{r}, func(t *testing.T, w *world) {
		w.client.set(bad)
		pass(3 * interval)
		w.client.set(good)
		pass(2 * interval)
		want := []dispatchapy.HealthState{"up", "up", "down", "down", "down", "up"}
		if diff := cmp.Diff(want, w.gate.states()); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
		events := []dispatchapy.Event{
			{Kind: dispatchapy.EventResourceDown, ResourceID: 1, Detail: "connection refused"},
			{Kind: dispatchapy.EventResourceUp, ResourceID: 1, Detail: "was down for 3m45s"},
		}
		if diff := cmp.Diff(events, w.store.written(), cmpopts.IgnoreFields(dispatchapy.Event{}, "At")); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		checks := w.store.history()
		if c := checks[2]; c.OK || c.State != "down" || c.Error != "refused" || c.Manual || c.Method != "simple" || c.At.IsZero() {
			t.Errorf("check = %+v", c)
		}
		if dialed, _ := w.client.requests(); dialed[0] != "h:81" {
			t.Errorf("dialed %q, want h:81", dialed[0])
		}
	})
}

func TestOnlyWatchedResourcesAreChecked(t *testing.T) {
	off := false
	unwatched, inactive := watchedResource(1), watchedResource(2)
	unwatched.HealthCheck.Enabled = false
	inactive.Active = &off
	bubble(t, []dispatchapy.Resource{unwatched, inactive}, func(t *testing.T, w *world) {
		pass(time.Hour)
		if asked, _ := w.store.counts(); asked != 0 || len(w.store.history()) != 0 {
			t.Errorf("%d checks, asked %d times, want none", len(w.store.history()), asked)
		}
	})
}

func TestWakeTakesOverTheConfiguration(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		w.table.Store(compile(t, watchedResource(1)))
		w.Wake()
		pass(gather)
		if n := len(w.store.history()); n != 1 {
			t.Fatalf("%d checks of a new resource, want 1 at once", n)
		}

		moved := watchedResource(1)
		moved.URL = "http://elsewhere/"
		w.store.reset(1)
		w.table.Store(compile(t, moved))
		w.Wake()
		pass(gather)
		if dialed, _ := w.client.requests(); !slices.Equal(dialed, []string{"h:81", "elsewhere:80"}) {
			t.Fatalf("dialed %v, want the new address at once", dialed)
		}

		w.table.Store(compile(t))
		w.Wake()
		pass(time.Hour)
		if n := len(w.store.history()); n != 2 {
			t.Errorf("%d checks, want none of a deleted resource", n-2)
		}
	})
}

func TestBackstopWithoutWake(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		w.table.Store(compile(t, watchedResource(1)))
		pass(backstop)
		if n := len(w.store.history()); n != 1 {
			t.Errorf("%d checks, want 1", n)
		}
	})
}

func TestConcurrencyIsBounded(t *testing.T) {
	var many []dispatchapy.Resource
	for id := range int64(10) {
		many = append(many, watchedResource(id+1))
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, many...)
		w.client.set(taking(2*time.Second, good))
		defer w.Stop()
		w.Start()
		pass(time.Second)
		if dialed, _ := w.client.requests(); len(dialed) != 4 {
			t.Errorf("%d checks at once, want 4", len(dialed))
		}
		pass(time.Minute)
		if n := len(w.store.history()); n != 10 {
			t.Errorf("%d checks, want all 10", n)
		}
		if _, held := w.store.counts(); held != 4 {
			t.Errorf("%d leases at once, want 4", held)
		}
	})
}

func TestStoreFailures(t *testing.T) {
	t.Run("claim", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, one()...)
			w.store.claim = errDisk
			defer w.Stop()
			w.Start()
			pass(10 * retryWait)
			if asked, _ := w.store.counts(); asked > 11 {
				t.Errorf("asked %d times within ten waits", asked)
			}
			w.store.set(func() { w.store.claim = nil })
			pass(retryWait)
			if n := len(w.store.history()); n != 1 {
				t.Errorf("%d checks after recovery, want 1", n)
			}
		})
	})
	t.Run("record", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, one()...)
			w.store.record = errDisk
			w.client.set(bad)
			defer w.Stop()
			w.Start()
			synctest.Wait()
			if len(w.gate.states()) != 0 {
				t.Errorf("gate was told %v of a check that is not stored", w.gate.states())
			}
			w.store.set(func() { w.store.record = nil })
			pass(leaseFor)
			if diff := cmp.Diff([]dispatchapy.HealthState{"down"}, w.gate.states()); diff != "" {
				t.Errorf("after the lease (-want +got):\n%s", diff)
			}
		})
	})
}

func TestResourceChangedDuringCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one()...)
		w.client.set(taking(2*time.Second, bad))
		defer w.Stop()
		w.Start()
		pass(time.Second)
		w.client.set(good)
		w.store.reset(1)
		pass(time.Second + gather)
		if diff := cmp.Diff([]dispatchapy.HealthState{"up"}, w.gate.states()); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
		if n := len(w.store.history()); n != 1 {
			t.Errorf("%d checks in the history, want only that of the new address", n)
		}
	})
}

func TestStopEndsRunningChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one()...)
		w.client.set(taking(time.Hour, good))
		w.Start()
		pass(time.Second)
		start := time.Now()
		w.Stop()
		if d := time.Since(start); d != 0 {
			t.Errorf("Stop took %v", d)
		}
		if n := len(w.store.history()); n != 0 {
			t.Errorf("%d checks recorded, want none", n)
		}
	})
}

func TestStopWithoutStart(t *testing.T) { newWorld(t).Stop() }

func TestLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.Stop()
		at := w.now()
		down := dispatchapy.Health{ResourceID: 1, State: dispatchapy.HealthDown, Since: at, CheckedAt: at}
		w.store.row(1).health = down
		for range 2 { // the second time there is nothing new
			if err := w.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]dispatchapy.Health{down}, w.gate.all()); diff != "" {
			t.Errorf("gate (-want +got):\n%s", diff)
		}
		time.Sleep(time.Second)
		up, _ := Evaluate(down, true, w.now(), Policy{})
		w.store.set(func() { w.store.row(1).health = up }) // by another node
		w.Start()
		w.Wake()
		pass(gather)
		if diff := cmp.Diff([]dispatchapy.Health{down, up}, w.gate.all()); diff != "" {
			t.Errorf("gate after another node's check (-want +got):\n%s", diff)
		}
	})
}

func TestCheckNow(t *testing.T) {
	bubble(t, one(), func(t *testing.T, w *world) {
		w.client.set(bad)
		check, err := w.CheckNow(t.Context(), 1, "op")
		if err != nil || check.OK || !check.Manual || check.State != "down" || check.Detail != "connection refused" {
			t.Errorf("check = %+v, %v", check, err)
		}
		if diff := cmp.Diff([]dispatchapy.HealthState{"up", "down"}, w.gate.states()); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
		if c := w.store.history()[1]; !c.Manual {
			t.Errorf("history has %+v", c)
		}
		if _, err := w.CheckNow(t.Context(), 9, "op"); dispatchapy.ErrorCode(err) != dispatchapy.CodeNotFound {
			t.Errorf("unknown resource: error = %v", err)
		}
	})
}

func TestCheckNowTwiceAtOnce(t *testing.T) {
	bubble(t, one(), func(t *testing.T, w *world) {
		w.client.set(taking(time.Second, good))
		first := make(chan error)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			_, err := w.CheckNow(ctx, 1, "op")
			first <- err
		}()
		synctest.Wait()
		cancel() // a caller who goes away does not leave the lease behind
		_, err := w.CheckNow(t.Context(), 1, "op")
		if dispatchapy.ErrorCode(err) != dispatchapy.CodeConflict || err.Error() != "check already running" {
			t.Errorf("second: error = %v, want conflict", err)
		}
		if err := <-first; err != nil {
			t.Errorf("first: error = %v", err)
		}
		if _, err := w.CheckNow(t.Context(), 1, "op"); err != nil {
			t.Errorf("third: error = %v", err)
		}
	})
}

func TestCheckNowDoesNotGateUnwatchedResources(t *testing.T) {
	r := watchedResource(1)
	r.HealthCheck.Enabled = false
	bubble(t, []dispatchapy.Resource{r}, func(t *testing.T, w *world) {
		at := w.now()
		w.store.set(func() {
			w.store.row(1).health = dispatchapy.Health{ResourceID: 1, State: dispatchapy.HealthDown, Failures: 3, Since: at, CheckedAt: at}
		})
		w.client.set(bad)
		check, err := w.CheckNow(t.Context(), 1, "op")
		if err != nil || check.OK || check.State != dispatchapy.HealthUnknown {
			t.Errorf("check = %+v, %v", check, err)
		}
		if got := w.gate.states(); !slices.Equal(got, []dispatchapy.HealthState{"unknown"}) {
			t.Errorf("gate was told %v, want unknown", got)
		}
		if len(w.store.history()) != 1 || len(w.store.written()) != 0 {
			t.Errorf("history %v, events %v, want one check and no event", w.store.history(), w.store.written())
		}
	})
}

func TestCheckNowErrors(t *testing.T) {
	t.Run("store", func(t *testing.T) {
		w := newWorld(t, one()...)
		defer w.Stop()
		w.store.claim = errDisk
		if _, err := w.CheckNow(t.Context(), 1, "op"); !errors.Is(err, errDisk) {
			t.Errorf("claim: error = %v", err)
		}
		w.store.claim, w.store.record = nil, errDisk
		if _, err := w.CheckNow(t.Context(), 1, "op"); !errors.Is(err, errDisk) {
			t.Errorf("record: error = %v", err)
		}
	})
	t.Run("changed meanwhile", func(t *testing.T) {
		w := newWorld(t, one()...)
		defer w.Stop()
		w.client.set(func(ctx context.Context) deliver.Result { w.store.reset(1); return good(ctx) })
		if _, err := w.CheckNow(t.Context(), 1, "op"); dispatchapy.ErrorCode(err) != dispatchapy.CodeConflict {
			t.Errorf("error = %v, want conflict", err)
		}
	})
	t.Run("stopping", func(t *testing.T) {
		w := newWorld(t, one()...)
		w.client.set(taking(time.Hour, good))
		w.Stop()
		if _, err := w.CheckNow(t.Context(), 1, "op"); dispatchapy.ErrorCode(err) != dispatchapy.CodeUnavailable {
			t.Errorf("error = %v, want unavailable", err)
		}
	})
}

func TestActualCheckSendsTestValues(t *testing.T) {
	r := watchedResource(1)
	r.HealthCheck.Method = dispatchapy.CheckActual
	r.HealthCheck.TestValues = map[string]json.RawMessage{"a.to": json.RawMessage(`"{resource_name}"`)}
	bubble(t, []dispatchapy.Resource{r}, func(t *testing.T, w *world) {
		w.client.set(func(context.Context) deliver.Result {
			return deliver.Result{
				Outcome: dispatchapy.OutcomeRefused, StatusCode: 422, Error: dispatchapy.ErrorStatus4xx,
				Detail: "HTTP 422 Unprocessable Entity", Body: []byte("no\x00 such\n number\xff"),
			}
		})
		pass(interval)
		_, sent := w.client.requests()
		if diff := cmp.Diff([]string{`{"a":{"to":"r1a"}}`, `{"a":{"to":"r1a"}}`}, sent); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
		c := w.store.history()[1]
		if c.OK || c.StatusCode != http.StatusUnprocessableEntity || c.Method != "actual" || c.Detail != "HTTP 422 Unprocessable Entity: no such number" {
			t.Errorf("check = %+v", c)
		}
	})
}

func TestImpossibleChecksFail(t *testing.T) {
	r := watchedResource(1)
	r.HealthCheck.Method = dispatchapy.CheckActual
	r.HealthCheck.TestValues = map[string]json.RawMessage{"a": json.RawMessage(`1`), "a.b": json.RawMessage(`2`)}
	bubble(t, []dispatchapy.Resource{r}, func(t *testing.T, w *world) {
		if c := w.store.history()[0]; c.OK || c.Error != dispatchapy.ErrorOther || c.Detail == "" {
			t.Errorf("check = %+v", c)
		}
	})
}
