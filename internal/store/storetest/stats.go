package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"dispatchapy"
	"dispatchapy/internal/store"
)

var statsCases = []testCase{
	{"Empty", testStatsEmpty},
	{"Counts", testStatsCounts},
	{"Groups", testStatsGroups},
	{"Filters", testStatsFilters},
	{"OnlyWhatWasRecorded", testStatsStale},
	{"SurviveTasks", testStatsSurvive},
	{"ScopesAreBounded", testStatsScopes},
	{"Concurrent", testStatsConcurrent},
	{"Refusals", testStatsRefusals},
}

// stats asks for what happened during the test.
func stats(t testing.TB, s store.Store, q store.StatsQuery) []store.StatsRow {
	t.Helper()
	rows, err := s.Stats(t.Context(), q)
	if err != nil {
		t.Fatalf("Stats(%+v): %v", q, err)
	}
	return rows
}

// total is the one row of an ungrouped answer, or nothing.
func total(t testing.TB, s store.Store, q store.StatsQuery) store.StatsRow {
	t.Helper()
	switch rows := stats(t, s, q); len(rows) {
	case 0:
		return store.StatsRow{}
	case 1:
		return rows[0]
	default:
		t.Fatalf("Stats(%+v) gives %d rows, want one", q, len(rows))
		return store.StatsRow{}
	}
}

var onlyCounts = cmpopts.IgnoreFields(store.StatsRow{}, "Start", "Latency", "Answer")

// try makes an attempt at a resource that took 3 ms.
func try(number int, resourceID int64, outcome dispatchapy.AttemptOutcome) dispatchapy.Attempt {
	return dispatchapy.Attempt{Number: number, ResourceID: resourceID, Outcome: outcome, StartedAt: now(), Duration: 3 * time.Millisecond}
}

// finish ends a new task with attempts, the last of which decides on its
// status.
func finish(t testing.TB, s store.Store, n store.NewTask, attempts ...dispatchapy.Attempt) {
	t.Helper()
	n.LeaseFor = longLease
	o := store.Outcome{Lease: submit(t, s, n)[0].Leased.Lease, Status: dispatchapy.StatusFailed, Attempts: attempts}
	if len(attempts) > 0 {
		last := attempts[len(attempts)-1]
		o.ResourceID = last.ResourceID
		if last.Outcome == dispatchapy.OutcomeDelivered {
			o.Status = dispatchapy.StatusSuccess
		}
	}
	record(t, s, o)
}

func scoped(scope string) func(*store.NewTask) {
	return func(n *store.NewTask) { n.Scope = scope }
}

func testStatsEmpty(t *testing.T, s store.Store) {
	insertLeased(t, s)
	if rows := stats(t, s, store.StatsQuery{}); len(rows) != 0 {
		t.Errorf("nothing was recorded, and the statistics are %+v", rows)
	}
}

func testStatsCounts(t *testing.T, s store.Store) {
	start := now()
	l := insertLeased(t, s)
	record(t, s, store.Outcome{Lease: l.Lease, Status: dispatchapy.StatusPending, ResourceID: resourceA, Attempts: []dispatchapy.Attempt{
		try(1, resourceA, dispatchapy.OutcomeFailed), try(2, resourceB, dispatchapy.OutcomeRefused),
	}})
	equal(t, "before the task is finished", total(t, s, store.StatsQuery{}), store.StatsRow{Attempts: 2, FailedAttempts: 2}, onlyCounts)

	record(t, s, store.Outcome{Lease: claimOne(t, s, endpointA).Lease, Status: dispatchapy.StatusSuccess, ResourceID: resourceB,
		Attempts: []dispatchapy.Attempt{try(3, resourceB, dispatchapy.OutcomeDelivered)}})
	finish(t, s, newTask())
	q := store.StatsQuery{Since: start, Until: now().Add(time.Hour)}
	got := total(t, s, q)
	equal(t, "in the end", got, store.StatsRow{Delivered: 1, Failed: 1, Attempts: 3, FailedAttempts: 2}, onlyCounts)
	if !got.Start.Equal(start) {
		t.Errorf("a row without buckets starts at %v, want %v", got.Start, start)
	}
	var answer store.Histogram
	for range 3 {
		answer.Add(3 * time.Millisecond)
	}
	equal(t, "durations of attempts", got.Answer, answer)
	// A histogram knows durations up to a factor of two.
	if n, longest := counted(&got.Latency), got.Latency.Quantile(1); n != 1 || longest > 2*time.Since(start)+time.Millisecond {
		t.Errorf("accept to delivered was counted %d times, up to %v; want once within %v", n, longest, time.Since(start))
	}
}

// counted gives how many durations a histogram has counted.
func counted(h *store.Histogram) (total int64) {
	for _, n := range h.Counts {
		total += n
	}
	return total
}

func testStatsGroups(t *testing.T, s store.Store) {
	finish(t, s, newTask(scoped("a")), try(1, resourceA, dispatchapy.OutcomeFailed), try(2, resourceB, dispatchapy.OutcomeDelivered))
	finish(t, s, newTask(at(endpointB), of(clientB), scoped("b")), try(1, resourceB, dispatchapy.OutcomeRefused))
	finish(t, s, newTask(of(clientB), scoped("b")))
	for _, c := range []struct {
		group store.StatsGroup
		want  []store.StatsRow
	}{
		{"", []store.StatsRow{{Delivered: 1, Failed: 2, Attempts: 3, FailedAttempts: 2}}},
		{store.ByEndpoint, []store.StatsRow{
			{ObjectID: endpointA, Delivered: 1, Failed: 1, Attempts: 2, FailedAttempts: 1},
			{ObjectID: endpointB, Failed: 1, Attempts: 1, FailedAttempts: 1},
		}},
		{store.ByClient, []store.StatsRow{
			{ObjectID: clientA, Delivered: 1, Attempts: 2, FailedAttempts: 1},
			{ObjectID: clientB, Failed: 2, Attempts: 1, FailedAttempts: 1},
		}},
		{store.ByResource, []store.StatsRow{
			{ObjectID: 0, Failed: 1},
			{ObjectID: resourceA, Attempts: 1, FailedAttempts: 1},
			{ObjectID: resourceB, Delivered: 1, Failed: 1, Attempts: 2, FailedAttempts: 1},
		}},
		{store.ByScope, []store.StatsRow{
			{Scope: "a", Delivered: 1, Attempts: 2, FailedAttempts: 1},
			{Scope: "b", Failed: 2, Attempts: 1, FailedAttempts: 1},
		}},
	} {
		equal(t, fmt.Sprintf("grouped by %q", c.group), stats(t, s, store.StatsQuery{Group: c.group}), c.want, onlyCounts)
	}
}

func testStatsFilters(t *testing.T, s store.Store) {
	finish(t, s, newTask(scoped("a")), try(1, resourceA, dispatchapy.OutcomeFailed), try(2, resourceB, dispatchapy.OutcomeDelivered))
	finish(t, s, newTask(at(endpointB), of(clientB), scoped("b")), try(1, resourceB, dispatchapy.OutcomeRefused))
	for name, c := range map[string]struct {
		q                   store.StatsQuery
		delivered, attempts int64
	}{
		"endpoint":           {store.StatsQuery{EndpointID: endpointA}, 1, 2},
		"other endpoint":     {store.StatsQuery{EndpointID: endpointB}, 0, 1},
		"client":             {store.StatsQuery{ClientID: clientA}, 1, 2},
		"resource":           {store.StatsQuery{ResourceID: resourceB}, 1, 2},
		"resource and scope": {store.StatsQuery{ResourceID: resourceB, Scope: "b"}, 0, 1},
		"absent scope":       {store.StatsQuery{Scope: "c"}, 0, 0},
		"now":                {store.StatsQuery{Since: now().Add(-time.Hour), Until: now().Add(time.Hour)}, 1, 3},
		"later":              {store.StatsQuery{Since: now().Add(2 * time.Hour)}, 0, 0},
		"earlier":            {store.StatsQuery{Until: now().Add(-2 * time.Hour)}, 0, 0},
	} {
		if got := total(t, s, c.q); got.Delivered != c.delivered || got.Attempts != c.attempts {
			t.Errorf("%s: %d delivered in %d attempts, want %d in %d", name, got.Delivered, got.Attempts, c.delivered, c.attempts)
		}
	}
	rows := stats(t, s, store.StatsQuery{Since: now().Add(-36 * time.Hour), Bucket: 24 * time.Hour})
	if len(rows) == 0 || len(rows) > 2 { // two if the hour changes during the test
		t.Fatalf("by the day, this moment is %+v", rows)
	}
	if start := rows[0].Start; time.Since(start) < 11*time.Hour || time.Since(start) > 14*time.Hour {
		t.Errorf("the second day since 36 hours ago starts at %v", start)
	}
}

func testStatsStale(t *testing.T, s store.Store) {
	l := insertLeased(t, s)
	o := store.Outcome{Lease: l.Lease, Status: dispatchapy.StatusSuccess, ResourceID: resourceA,
		Attempts: []dispatchapy.Attempt{try(1, resourceA, dispatchapy.OutcomeDelivered)}}
	record(t, s, o)
	if stale, err := s.RecordOutcomes(t.Context(), []store.Outcome{o, o}); err != nil || len(stale) != 2 {
		t.Fatalf("an outcome recorded again gives %+v, %v; want it to be stale twice", stale, err)
	}
	equal(t, "counts", total(t, s, store.StatsQuery{}), store.StatsRow{Delivered: 1, Attempts: 1}, onlyCounts)
}

func testStatsSurvive(t *testing.T, s store.Store) {
	finish(t, s, newTask(), try(1, resourceA, dispatchapy.OutcomeDelivered))
	if n, err := s.DeleteFinished(t.Context(), 0, 10); err != nil || n != 1 {
		t.Fatalf("DeleteFinished gives %d, %v", n, err)
	}
	if n, err := s.DeleteOldStats(t.Context(), 2*time.Hour, 10); err != nil || n != 0 {
		t.Errorf("DeleteOldStats gives %d, %v while everything is young", n, err)
	}
	equal(t, "counts", total(t, s, store.StatsQuery{}), store.StatsRow{Delivered: 1, Attempts: 1}, onlyCounts)
}

// testStatsScopes: whatever clients put there, the number of rows is bounded
// and every task is counted.
func testStatsScopes(t *testing.T, s store.Store) {
	const more = 100
	tasks := numbered(store.MaxScopes+more, leased(longLease))
	for i := range tasks {
		tasks[i].Scope = fmt.Sprintf("scope %d", i)
	}
	tasks[0].Scope = strings.Repeat("x", store.MaxScopeLength+1)
	outcomes := make([]store.Outcome, len(tasks))
	for i, r := range submit(t, s, tasks...) {
		outcomes[i] = store.Outcome{Lease: r.Leased.Lease, Status: dispatchapy.StatusFailed}
	}
	for _, part := range [][]store.Outcome{outcomes[:700], outcomes[700:]} {
		if _, err := s.RecordOutcomes(t.Context(), part); err != nil {
			t.Fatal(err)
		}
	}
	finish(t, s, newTask(of(clientB), scoped("another client's")))
	if got := total(t, s, store.StatsQuery{}).Failed; got != int64(len(tasks))+1 {
		t.Errorf("%d tasks are counted, want %d", got, len(tasks)+1)
	}
	rows := stats(t, s, store.StatsQuery{Group: store.ByScope, ClientID: clientA})
	if len(rows) > store.MaxScopes+1 || len(rows) < store.MaxScopes/2 || rows[0].Scope != "" || rows[0].Failed < more {
		t.Errorf("%d scopes are told apart, beginning with %.100v", len(rows), rows[0])
	}
	for _, row := range rows {
		if len(row.Scope) > store.MaxScopeLength {
			t.Errorf("a scope of %d bytes was kept", len(row.Scope))
		}
	}
	if got := total(t, s, store.StatsQuery{Scope: "another client's"}).Failed; got != 1 {
		t.Errorf("another client's scope is counted %d times, want once", got)
	}
}

func testStatsConcurrent(t *testing.T, s store.Store) {
	const callers, lives = 8, 10
	each(callers, func(int) {
		for range lives {
			r, err := s.InsertTasks(t.Context(), []store.NewTask{newTask(leased(longLease))})
			if err == nil {
				_, err = s.RecordOutcomes(t.Context(), []store.Outcome{delivered(r[0].Leased.Lease, nil)})
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	got := total(t, s, store.StatsQuery{})
	equal(t, "counts", got, store.StatsRow{Delivered: callers * lives, Attempts: callers * lives}, onlyCounts)
	if n := counted(&got.Latency); n != callers*lives {
		t.Errorf("%d latencies of %d tasks", n, callers*lives)
	}
}

func testStatsRefusals(t *testing.T, s store.Store) {
	for _, bucket := range []time.Duration{-time.Hour, time.Minute, 90 * time.Minute} {
		_, err := s.Stats(t.Context(), store.StatsQuery{Bucket: bucket})
		if dispatchapy.ErrorCode(err) != dispatchapy.CodeInvalid {
			t.Errorf("buckets of %v give %v, want an error of the code %s", bucket, err, dispatchapy.CodeInvalid)
		}
	}
}
