package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"

	"github.com/google/go-cmp/cmp/cmpopts"
)

var probeCases = []testCase{
	{"NeverSeenIsDueAtOnce", testProbeFirst},
	{"RoundTrip", testProbeRoundTrip},
	{"NextDue", testProbeNextDue},
	{"LeaseAndForce", testProbeLease},
	{"StaleChangesNothing", testProbeStale},
	{"OneLeasePerResource", testProbeConcurrent},
	{"ResetHealth", testProbeReset},
	{"HistoryIsPaged", testProbeHistory},
	{"HistoryIsBounded", testProbeBounded},
}

// probes claims due probes.
func probes(t testing.TB, s store.Store, c store.ProbeClaim) store.ClaimedProbes {
	t.Helper()
	claimed, err := s.ClaimProbes(t.Context(), c)
	if err != nil {
		t.Fatalf("ClaimProbes: %v", err)
	}
	return claimed
}

// force claims the probe of one resource, due or not, and demands to get it.
func force(t testing.TB, s store.Store, resourceID int64, lease time.Duration) store.ProbeLease {
	t.Helper()
	c := probes(t, s, store.ProbeClaim{LeaseFor: lease, ResourceIDs: []int64{resourceID}, Force: true})
	if len(c.Probes) != 1 || c.Probes[0].Health.ResourceID != resourceID {
		t.Fatalf("forced claim of resource %d gave %+v", resourceID, c)
	}
	return c.Probes[0]
}

// probed makes the outcome of a check that failed.
func probed(p store.ProbeLease, nextIn time.Duration) store.ProbeOutcome {
	at := now()
	return store.ProbeOutcome{
		Fence: p.Fence,
		Health: dispatchapy.Health{
			ResourceID: p.Health.ResourceID, State: dispatchapy.HealthDown,
			Failures: p.Health.Failures + 1, Since: at.Add(-time.Minute), CheckedAt: at,
			CountedTo: at, HoldsUntil: at.Add(time.Hour), FailedFrom: at.Add(-2 * time.Minute),
			Flapping: true, Changes: []time.Time{at.Add(-time.Hour), at}, RemindAt: at.Add(time.Hour),
		},
		Check: dispatchapy.Check{
			ResourceID: p.Health.ResourceID, At: at, Method: dispatchapy.CheckActual, Manual: true, By: "op",
			StatusCode: 503, Error: dispatchapy.ErrorStatus5xx, Detail: "503: 'überlastet'", Duration: 1500 * time.Microsecond,
			State: dispatchapy.HealthDown,
		},
		NextIn: nextIn,
	}
}

// recordProbe records one outcome and demands that it is not stale.
func recordProbe(t testing.TB, s store.Store, o store.ProbeOutcome) {
	t.Helper()
	stale, err := s.RecordProbes(t.Context(), []store.ProbeOutcome{o})
	if err != nil || len(stale) != 0 {
		t.Fatalf("RecordProbes gave %v, %v", stale, err)
	}
}

// health reads the state of every resource checked so far.
func health(t testing.TB, s store.Store) map[int64]dispatchapy.Health {
	t.Helper()
	list, err := s.LoadHealth(t.Context())
	if err != nil {
		t.Fatalf("LoadHealth: %v", err)
	}
	got := map[int64]dispatchapy.Health{}
	for _, h := range list {
		got[h.ResourceID] = h
	}
	return got
}

// checks reads a resource's history, newest first.
func checks(t testing.TB, s store.Store, resourceID, before int64, limit int) []dispatchapy.Check {
	t.Helper()
	list, err := s.ListChecks(t.Context(), resourceID, before, limit)
	if err != nil {
		t.Fatalf("ListChecks: %v", err)
	}
	return list
}

func testProbeFirst(t *testing.T, s store.Store) {
	c := probes(t, s, store.ProbeClaim{LeaseFor: longLease, ResourceIDs: []int64{resourceB, resourceA}})
	var ids []int64
	for _, p := range c.Probes {
		ids = append(ids, p.Health.ResourceID)
		if p.Health.State != dispatchapy.HealthUnknown || !p.Health.CheckedAt.IsZero() || p.Health.Failures != 0 {
			t.Errorf("a resource never seen has the state %+v", p.Health)
		}
	}
	slices.Sort(ids)
	equal(t, "due resources", ids, []int64{resourceA, resourceB})
	if c := probes(t, s, store.ProbeClaim{LeaseFor: longLease}); len(c.Probes) != 0 {
		t.Errorf("asked for none, got %+v", c.Probes)
	}
}

func testProbeRoundTrip(t *testing.T, s store.Store) {
	want := probed(force(t, s, resourceA, longLease), time.Hour)
	want.Events = []dispatchapy.Event{{Kind: dispatchapy.EventResourceDown, At: want.Check.At, ResourceID: resourceA, Detail: "503"}}
	recordProbe(t, s, want)
	want.Check.EventID = events(t, s)[0].ID

	equal(t, "health", health(t, s), map[int64]dispatchapy.Health{resourceA: want.Health})
	equal(t, "checks", checks(t, s, resourceA, 0, 10), []dispatchapy.Check{want.Check}, cmpopts.IgnoreFields(dispatchapy.Check{}, "ID"))
	equal(t, "checks of another", checks(t, s, resourceB, 0, 10), nil)
	equal(t, "events", events(t, s), want.Events, cmpopts.IgnoreFields(dispatchapy.Event{}, "ID"))
	equal(t, "state handed to the next probe", force(t, s, resourceA, longLease).Health, want.Health)
}

func testProbeNextDue(t *testing.T, s store.Store) {
	recordProbe(t, s, probed(force(t, s, resourceA, longLease), time.Hour))
	recordProbe(t, s, probed(force(t, s, resourceB, longLease), 0))
	c := probes(t, s, store.ProbeClaim{LeaseFor: 30 * time.Minute, ResourceIDs: []int64{resourceA, resourceB}})
	if len(c.Probes) != 1 || c.Probes[0].Health.ResourceID != resourceB {
		t.Errorf("due are %+v, want only resource %d", c.Probes, resourceB)
	}
	for id, want := range map[int64]time.Duration{resourceA: time.Hour, resourceB: 30 * time.Minute} {
		if wait := c.NextDue[id]; wait > want || wait < want-time.Minute {
			t.Errorf("resource %d is due in %v, want about %v", id, wait, want)
		}
	}

	const interval = 50 * time.Millisecond
	recordProbe(t, s, probed(c.Probes[0], interval))
	start := time.Now()
	eventually(t, "the next check is due", func() bool {
		return len(probes(t, s, store.ProbeClaim{LeaseFor: longLease, ResourceIDs: []int64{resourceB}}).Probes) == 1
	})
	if waited := time.Since(start); waited > patience/2 {
		t.Errorf("a check due in %v came after %v", interval, waited)
	}
}

func testProbeLease(t *testing.T, s store.Store) {
	for _, again := range []bool{false, true} {
		first := force(t, s, resourceA, longLease)
		c := probes(t, s, store.ProbeClaim{LeaseFor: longLease, ResourceIDs: []int64{resourceA}, Force: again})
		if len(c.Probes) != 0 {
			t.Errorf("a leased probe was given out again (force: %v)", again)
		}
		recordProbe(t, s, probed(first, time.Hour))
	}
	// After the lease ran out it is due, whoever held it.
	old := force(t, s, resourceA, expiredLease)
	c := probes(t, s, store.ProbeClaim{LeaseFor: longLease, ResourceIDs: []int64{resourceA}})
	if len(c.Probes) != 1 || c.Probes[0].Fence <= old.Fence {
		t.Errorf("after the lease %+v ran out the claim gave %+v", old, c.Probes)
	}
}

func testProbeStale(t *testing.T, s store.Store) {
	old := force(t, s, resourceA, expiredLease)
	present := force(t, s, resourceA, longLease)
	other := force(t, s, resourceB, longLease)
	before := health(t, s)[resourceA]

	o := probed(old, time.Hour)
	o.Events = []dispatchapy.Event{{Kind: dispatchapy.EventResourceDown, At: now(), ResourceID: resourceA}}
	never := probed(store.ProbeLease{Fence: 1, Health: dispatchapy.Health{ResourceID: 99}}, time.Hour)
	stale, err := s.RecordProbes(t.Context(), []store.ProbeOutcome{o, probed(other, time.Hour), never})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "stale resources", stale, []int64{resourceA, 99})
	equal(t, "health after a stale outcome", health(t, s)[resourceA], before)
	equal(t, "history after a stale outcome", checks(t, s, resourceA, 0, 10), nil)
	equal(t, "events after a stale outcome", events(t, s), nil)
	if got := health(t, s)[resourceB].State; got != dispatchapy.HealthDown {
		t.Errorf("a stale outcome sank its neighbour, which is %s", got)
	}

	recordProbe(t, s, probed(present, time.Hour))
	if stale, err = s.RecordProbes(t.Context(), []store.ProbeOutcome{probed(present, time.Hour)}); err != nil || len(stale) != 1 {
		t.Errorf("a second outcome under the same lease gave %v, %v", stale, err)
	}
}

func testProbeConcurrent(t *testing.T, s store.Store) {
	const nodes = 8
	ids := []int64{resourceA, resourceB, 33, 34}
	got := make([][]int64, nodes)
	each(nodes, func(i int) {
		c, err := s.ClaimProbes(t.Context(), store.ProbeClaim{LeaseFor: longLease, ResourceIDs: ids, Force: i%2 == 0})
		if err != nil {
			t.Errorf("ClaimProbes: %v", err)
		}
		for _, p := range c.Probes {
			got[i] = append(got[i], p.Health.ResourceID)
		}
	})
	all := slices.Concat(got...)
	slices.Sort(all)
	equal(t, "leases given to all nodes", all, ids)
}

func testProbeReset(t *testing.T, s store.Store) {
	recordProbe(t, s, probed(force(t, s, resourceA, longLease), time.Hour))
	recordProbe(t, s, probed(force(t, s, resourceB, longLease), time.Hour))
	running := force(t, s, resourceA, longLease)
	change(t, s, store.ConfigUpdate{ResetHealth: []int64{resourceA, 99}})

	h := health(t, s)
	if got := h[resourceA]; got.State != dispatchapy.HealthUnknown || got.Failures != 0 || got.Successes != 0 ||
		got.Flapping || got.Changes != nil || !got.RemindAt.IsZero() || !got.FailedFrom.IsZero() || !got.CountedTo.IsZero() {
		t.Errorf("after a reset the health is %+v", got)
	}
	if got := h[resourceB].State; got != dispatchapy.HealthDown {
		t.Errorf("another resource's state became %s", got)
	}
	// Due at once, even while a check of the old address is under way, and
	// that check's result is worth nothing any more.
	c := probes(t, s, store.ProbeClaim{LeaseFor: longLease, ResourceIDs: []int64{resourceA, resourceB}})
	if len(c.Probes) != 1 || c.Probes[0].Health.ResourceID != resourceA {
		t.Fatalf("due after a reset are %+v, want resource %d", c.Probes, resourceA)
	}
	if stale, err := s.RecordProbes(t.Context(), []store.ProbeOutcome{probed(running, time.Hour)}); err != nil || len(stale) != 1 {
		t.Errorf("the check of the old address was recorded: %v, %v", stale, err)
	}
	if got := len(checks(t, s, resourceA, 0, 10)); got != 1 {
		t.Errorf("the history has %d checks, want the 1 from before the reset", got)
	}
}

func testProbeHistory(t *testing.T, s store.Store) {
	const n = 7
	for i := range n {
		o := probed(force(t, s, resourceA, longLease), time.Hour)
		o.Check.Detail = fmt.Sprintf("check %d", i)
		recordProbe(t, s, o)
		recordProbe(t, s, probed(force(t, s, resourceB, longLease), time.Hour))
	}
	var details []string
	before := int64(0)
	for {
		page := checks(t, s, resourceA, before, 3)
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			if c.ResourceID != resourceA || before != 0 && c.ID >= before {
				t.Fatalf("check %+v does not belong on a page of resource %d below %d", c, resourceA, before)
			}
			details, before = append(details, c.Detail), c.ID
		}
	}
	var want []string
	for i := n - 1; i >= 0; i-- {
		want = append(want, fmt.Sprintf("check %d", i))
	}
	equal(t, "history", details, want)
}

func testProbeBounded(t *testing.T, s store.Store) {
	const surplus = 5
	recordProbe(t, s, probed(force(t, s, resourceB, longLease), time.Hour))
	for i := range store.MaxChecks + surplus {
		o := probed(force(t, s, resourceA, longLease), time.Hour)
		o.Check.StatusCode = i
		recordProbe(t, s, o)
	}
	kept := checks(t, s, resourceA, 0, 2*store.MaxChecks)
	if len(kept) != store.MaxChecks {
		t.Fatalf("%d checks are kept, want %d", len(kept), store.MaxChecks)
	}
	if newest, oldest := kept[0].StatusCode, kept[len(kept)-1].StatusCode; newest != store.MaxChecks+surplus-1 || oldest != surplus {
		t.Errorf("kept are checks %d to %d, want the newest", oldest, newest)
	}
	if got := len(checks(t, s, resourceB, 0, 10)); got != 1 {
		t.Errorf("another resource has %d checks left, want 1", got)
	}
}
