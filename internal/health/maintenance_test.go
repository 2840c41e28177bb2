package health

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
)

// planned makes a resource with a window of maintenance that begins and ends
// after some time.
func planned(from, until time.Duration) dispatchapy.Resource {
	r := watchedResource(1)
	now := time.Now()
	r.Maintenance = []dispatchapy.Maintenance{{From: now.Add(from), Until: now.Add(until), Note: "move"}}
	return r
}

func TestNoChecksInMaintenance(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		w.client.set(bad)
		w.table.Store(compile(t, planned(2*time.Minute, time.Hour)))
		w.Wake()
		pass(2 * time.Minute)
		checks := len(w.store.history())
		if checks != 2 {
			t.Fatalf("%d checks before it began, want 2", checks)
		}
		w.client.set(good)
		pass(58*time.Minute - time.Second)
		if n := len(w.store.history()); n != checks {
			t.Errorf("%d checks in maintenance", n-checks)
		}
		events, _ := w.said()
		if diff := cmp.Diff([]string{"resource.down: connection refused"}, events); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		w.store.set(func() {
			last := w.store.entries[len(w.store.entries)-1]
			if last.Kind != dispatchapy.EntryMaintenance || !strings.HasSuffix(last.Detail, ": move") || strings.Count(fmt.Sprint(w.store.entries), "maintenance until") != 1 {
				t.Errorf("the incident has %+v", w.store.entries)
			}
			if asked := w.store.asked; asked > 70 {
				t.Errorf("the store was asked %d times in an hour", asked)
			}
		})
		pass(time.Second + gather)
		if n := len(w.store.history()); n != checks+1 {
			t.Errorf("%d checks when it was over, want one at once", n-checks)
		}
		events, _ = w.said()
		if diff := cmp.Diff("resource.up: was down for 1h0m0s", events[len(events)-1]); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		spent := map[dispatchapy.HealthState]time.Duration{}
		w.store.set(func() {
			for _, s := range w.store.spans {
				spent[s.State] += s.To.Sub(s.From)
			}
		})
		if spent[dispatchapy.HealthMaintenance] != 58*time.Minute || spent[dispatchapy.HealthDown].Round(time.Second) != 2*time.Minute {
			t.Errorf("spent were %v", spent)
		}
	})
}

func TestCheckByHandInMaintenanceChangesNothing(t *testing.T) {
	bubble(t, one(), func(t *testing.T, w *world) {
		w.client.set(bad)
		w.table.Store(compile(t, planned(-time.Minute, time.Hour)))
		w.Wake()
		pass(gather)
		check, err := w.CheckNow(t.Context(), 1, "op")
		if err != nil || check.OK || check.State != dispatchapy.HealthUp {
			t.Errorf("check = %+v, %v", check, err)
		}
		if events, entries := w.said(); events != nil || len(entries) > 1 {
			t.Errorf("events %v, entries %v", events, entries)
		}
		if states := w.gate.states(); states[len(states)-1] != dispatchapy.HealthUp {
			t.Errorf("the gate was told %v", states)
		}
		pass(30 * time.Minute)
		if n := len(w.store.history()); n != 2 {
			t.Errorf("%d checks, want the first one and that by hand", n)
		}
	})
}

func TestAWindowThatIsTakenBack(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		w.table.Store(compile(t, planned(-time.Minute, 100*time.Hour)))
		w.Wake()
		pass(10 * time.Minute)
		if n := len(w.store.history()); n != 0 {
			t.Errorf("%d checks in maintenance", n)
		}
		w.table.Store(compile(t, watchedResource(1)))
		w.Wake()
		pass(visitEvery + gather)
		if n := len(w.store.history()); n != 1 {
			t.Errorf("%d checks after the window was taken back, want 1", n)
		}
	})
}
