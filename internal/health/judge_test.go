package health

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/deliver"
)

// said words the events and entries of the store.
func (w *world) said() (events, entries []string) {
	for _, e := range w.store.written() {
		events = append(events, fmt.Sprintf("%s: %s", e.Kind, e.Detail))
	}
	w.store.set(func() {
		for _, e := range w.store.entries {
			entries = append(entries, fmt.Sprintf("%s %d", e.Kind, max(e.Count, 1)))
		}
	})
	return events, entries
}

func TestIncidentHoldsWhatFailed(t *testing.T) {
	r := watchedResource(1)
	r.HealthCheck.DownAfter, r.HealthCheck.UpAfter = 3, 2
	bubble(t, []dispatchapy.Resource{r}, func(t *testing.T, w *world) {
		w.client.set(bad)
		pass(2 * interval)
		begun := time.Now().Add(-interval)
		if events, entries := w.said(); events != nil || entries != nil {
			t.Errorf("before it is down: %v, %v", events, entries)
		}
		pass(3 * interval)
		w.client.set(good)
		pass(2 * interval)
		events, entries := w.said()
		if diff := cmp.Diff([]string{"resource.down: connection refused", "resource.up: was down for 5m0s"}, events); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		// A success that is not enough yet is no failure.
		if diff := cmp.Diff([]string{"failed_checks 3", "failed_checks 1", "failed_checks 1"}, entries); diff != "" {
			t.Errorf("entries (-want +got):\n%s", diff)
		}
		if at := w.store.entries[0].At; at.Sub(begun).Abs() > time.Second {
			t.Errorf("the first failure was at %v, want %v", at, begun)
		}
	})
}

// A resource that moved while it was down is unknown; the first success at its
// new address ends the incident.
func TestIncidentEndsElsewhere(t *testing.T) {
	bubble(t, one(), func(t *testing.T, w *world) {
		w.client.set(bad)
		pass(interval)
		w.store.reset(1)
		w.client.set(good)
		w.Wake()
		pass(backstop)
		pass(2 * interval)
		events, _ := w.said()
		if diff := cmp.Diff([]string{"resource.down: connection refused", "resource.up: a check succeeded"}, events); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestNobodyIsToldTwice(t *testing.T) {
	bubble(t, one(), func(t *testing.T, w *world) {
		w.client.set(bad)
		pass(interval)
		w.store.reset(1)
		w.Wake()
		pass(backstop + 3*interval)
		if events, _ := w.said(); len(events) != 1 {
			t.Errorf("events %v, want that it is down once", events)
		}
	})
}

// What is no longer checked is not known, in the history and for people, and
// its incident is over.
func TestUnwatchedResourcesAreReleased(t *testing.T) {
	for name, change := range map[string]func(r *dispatchapy.Resource){
		"checks are off": func(r *dispatchapy.Resource) { r.HealthCheck.Enabled = false },
		"switched off":   func(r *dispatchapy.Resource) { r.Active = new(bool) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, []dispatchapy.Resource{watchedResource(1), watchedResource(2)}, func(t *testing.T, w *world) {
				w.client.set(bad)
				pass(interval)
				checks := len(w.store.history())
				first, second := watchedResource(1), watchedResource(2)
				change(&first)
				w.table.Store(compile(t, first, second))
				w.Wake()
				pass(gather)
				w.store.set(func() {
					h := w.store.row(1).health
					if h.State != dispatchapy.HealthUnknown || !h.CountedTo.Equal(time.Now().UTC().Truncate(time.Microsecond)) || h.Failures != 0 || h.CheckedAt.IsZero() {
						t.Errorf("released is %+v", h)
					}
					if other := w.store.row(2).health; other.State != dispatchapy.HealthDown {
						t.Errorf("the other one is %+v", other)
					}
				})
				events, _ := w.said()
				if diff := cmp.Diff("resource.up: it is not checked any more", events[len(events)-1]); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				told := w.gate.all()
				if last := told[len(told)-1]; last.ResourceID != 1 || last.State != dispatchapy.HealthUnknown {
					t.Errorf("the gate was told %+v last", last)
				}
				if n := len(w.store.history()); n != checks {
					t.Errorf("releasing made %d checks", n-checks)
				}
				asked, _ := w.store.counts()
				pass(10 * time.Second)
				if again, _ := w.store.counts(); again != asked {
					t.Errorf("what is released is asked for again, %d times", again-asked)
				}

				// It is checked again as soon as that is wanted.
				w.client.set(good)
				w.table.Store(compile(t, watchedResource(1), second))
				w.Wake()
				pass(gather)
				if got := w.store.history(); got[len(got)-1].ResourceID != 1 || !got[len(got)-1].OK {
					t.Errorf("the latest check is %+v", got[len(got)-1])
				}
			})
		})
	}
}

func TestReleaseIsTriedAgain(t *testing.T) {
	bubble(t, one(), func(t *testing.T, w *world) {
		w.store.set(func() { w.store.record = errDisk })
		r := watchedResource(1)
		r.HealthCheck.Enabled = false
		w.table.Store(compile(t, r))
		w.Wake()
		pass(gather)
		w.store.set(func() { w.store.record = nil })
		pass(2 * backstop)
		w.store.set(func() {
			if h := w.store.row(1).health; h.State != dispatchapy.HealthUnknown {
				t.Errorf("it is %+v", h)
			}
		})
	})
}

func TestSpansOfChecks(t *testing.T) {
	bubble(t, one(), func(t *testing.T, w *world) {
		w.client.set(bad)
		pass(interval)
		w.store.set(func() {
			h := w.store.row(1).health
			now := h.CountedTo
			if want := now.Add(2*interval + holdsExtra); !h.HoldsUntil.Equal(want) {
				t.Errorf("it holds until %v, want %v", h.HoldsUntil, want)
			}
			if got := h.Spans(now.Add(interval), nil); len(got) != 1 || got[0].State != dispatchapy.HealthDown || got[0].To.Sub(got[0].From) != interval {
				t.Errorf("after an interval the spans are %+v", got)
			}
			if got := h.Spans(now.Add(99*interval), nil); got[0].To.Sub(got[0].From) != 2*interval+holdsExtra {
				t.Errorf("nobody looked for long, and the spans are %+v", got)
			}
			if got := w.store.spans; len(got) != 1 || got[0].State != dispatchapy.HealthUp || got[0].To.Sub(got[0].From) != interval {
				t.Errorf("recorded were %+v", got)
			}
		})
	})
}

func TestFlappingIsOneIncident(t *testing.T) {
	r := watchedResource(1)
	r.HealthCheck.Flap = dispatchapy.Flap{Changes: 3, Within: dispatchapy.Duration(8 * interval)}
	bubble(t, []dispatchapy.Resource{r}, func(t *testing.T, w *world) {
		ok := true
		w.client.set(func(ctx context.Context) deliver.Result {
			if ok = !ok; ok {
				return good(ctx)
			}
			return bad(ctx)
		})
		pass(50 * interval)
		w.client.set(good)
		pass(20 * interval)
		events, _ := w.said()
		want := []string{
			"resource.down: connection refused", "resource.up: was down for 1m15s", "resource.down: connection refused",
			"resource.flapping: changed 4 times between up and down within 3m45s: the next you hear is when that is over",
			"resource.up: is up for good, after it had changed all the time",
		}
		if diff := cmp.Diff(want, events); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if told := w.gate.states(); told[10] == told[11] {
			t.Errorf("the gate was told %v, want every change", told[:20])
		}
	})
}

func TestReminderIsWritten(t *testing.T) {
	r := watchedResource(1)
	r.HealthCheck.RemindEvery = dispatchapy.Duration(2 * interval)
	bubble(t, []dispatchapy.Resource{r}, func(t *testing.T, w *world) {
		w.client.set(bad)
		pass(3 * interval)
		events, _ := w.said()
		if diff := cmp.Diff([]string{"resource.down: connection refused", "resource.reminder: is down for 2m30s: connection refused"}, events); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// watcher is what the runner is told to watch with.
type watcher struct {
	mu       sync.Mutex
	failures []dispatchapy.IncidentEntry
	ends     map[int64]time.Time
}

func (w *watcher) TakeFailures(int64) []dispatchapy.IncidentEntry {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.failures
	w.failures = nil
	return taken
}

func (w *watcher) Certificate(id int64, ends time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends[id] = ends
}

func TestFailedAttemptsAreInTheTimeline(t *testing.T) {
	bubble(t, one(), func(t *testing.T, w *world) {
		w.watch = &watcher{failures: []dispatchapy.IncidentEntry{{Kind: dispatchapy.EntryFailedAttempts, At: time.Now(), TaskID: 7}}}
		pass(interval)
		if _, entries := w.said(); entries != nil {
			t.Errorf("while it is up: %v", entries)
		}
		w.client.set(bad)
		pass(2 * interval)
		_, entries := w.said()
		if diff := cmp.Diff([]string{"failed_attempts 1", "failed_checks 1", "failed_checks 1"}, entries); diff != "" {
			t.Errorf("entries (-want +got):\n%s", diff)
		}
	})
}

func TestCertificatesAreLookedAtOnceADay(t *testing.T) {
	secure, plain, actual := watchedResource(1), watchedResource(2), watchedResource(3)
	secure.URL, actual.URL = "https://h:444/", "https://h/"
	actual.HealthCheck.Method = dispatchapy.CheckActual
	actual.HealthCheck.TestValues = map[string]json.RawMessage{"a": json.RawMessage(`1`)}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, secure, plain, actual)
		seen := &watcher{ends: map[int64]time.Time{}}
		w.watch = seen
		w.client.ends = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		w.client.set(func(ctx context.Context) deliver.Result {
			r := good(ctx)
			r.CertificateEnds = time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
			return r
		})
		defer w.Stop()
		w.Start()
		pass(certificateEvery - time.Minute)
		looked := func() string { w.client.mu.Lock(); defer w.client.mu.Unlock(); return fmt.Sprint(w.client.looked) }
		if got := looked(); got != "[h:444]" {
			t.Errorf("within a day it was looked at %s", got)
		}
		pass(2 * interval)
		if got := looked(); got != "[h:444 h:444]" {
			t.Errorf("after a day it was looked at %s", got)
		}
		moved := secure
		moved.URL = "https://elsewhere/"
		w.table.Store(compile(t, moved, plain, actual))
		w.client.set(bad) // what cannot be connected to is not looked at
		pass(2 * interval)
		w.client.refused = errDisk
		w.client.set(good)
		pass(2 * interval)
		if got := looked(); got != "[h:444 h:444 elsewhere:443]" {
			t.Errorf("after it moved it was looked at %s", got)
		}
		if len(seen.ends) != 2 || seen.ends[1].Year() != 2030 || seen.ends[3].Year() != 2031 {
			t.Errorf("seen are %v", seen.ends)
		}
	})
}
