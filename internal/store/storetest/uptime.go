package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"dispatchapy"
	"dispatchapy/internal/store"
)

var uptimeCases = []testCase{
	{"Empty", testUptimeEmpty},
	{"SpansFallIntoTheirHours", testUptimeSpans},
	{"ChecksAreCounted", testUptimeChecks},
	{"Buckets", testUptimeBuckets},
	{"DaysAreTheSumsOfTheirHours", testUptimeDays},
	{"StaleCountsNothing", testUptimeStale},
	{"LongSpansAreCut", testUptimeLongSpan},
	{"RetentionAndDeletion", testUptimeRetention},
	{"Refusals", testUptimeRefusals},
	{"RecentChecks", testRecentChecks},
}

// oclock is a full hour some days ago.
var oclock = time.Now().UTC().Truncate(time.Hour).Add(-72 * time.Hour)

// uptime asks for the history of all resources.
func uptime(t testing.TB, s store.Store, q store.UptimeQuery) []store.UptimeRow {
	t.Helper()
	rows, err := s.Uptime(t.Context(), q)
	if err != nil {
		t.Fatalf("Uptime(%+v): %v", q, err)
	}
	return rows
}

// spent records a check at a time, after spans of time.
func spent(t testing.TB, s store.Store, resourceID int64, at time.Time, ok bool, spans ...dispatchapy.Span) {
	t.Helper()
	o := probed(force(t, s, resourceID, longLease), time.Hour)
	o.Check.At, o.Check.OK, o.Check.Duration, o.Spans = at, ok, 3*time.Millisecond, spans
	recordProbe(t, s, o)
}

// up and down are spans in these states.
func up(from time.Time, d time.Duration) dispatchapy.Span {
	return dispatchapy.Span{State: dispatchapy.HealthUp, From: from, To: from.Add(d)}
}

func down(from time.Time, d time.Duration) dispatchapy.Span {
	return dispatchapy.Span{State: dispatchapy.HealthDown, From: from, To: from.Add(d)}
}

var onlyTimes = cmpopts.IgnoreFields(store.UptimeRow{}, "Checks", "Failures", "Answer")

func testUptimeEmpty(t *testing.T, s store.Store) {
	force(t, s, resourceA, longLease)
	if rows := uptime(t, s, store.UptimeQuery{}); len(rows) != 0 {
		t.Errorf("nothing was checked, and the history is %+v", rows)
	}
	if recent, err := s.RecentChecks(t.Context(), nil); err != nil || len(recent) != 0 {
		t.Errorf("nothing was checked, and the recent checks are %+v, %v", recent, err)
	}
}

func testUptimeSpans(t *testing.T, s store.Store) {
	at := oclock.Add(150 * time.Minute)
	maintenance := dispatchapy.Span{State: dispatchapy.HealthMaintenance, From: at.Add(-20 * time.Minute), To: at.Add(-10 * time.Minute)}
	unknown := dispatchapy.Span{State: dispatchapy.HealthUnknown, From: oclock, To: at}
	backwards := dispatchapy.Span{State: dispatchapy.HealthUp, From: at, To: oclock}
	spent(t, s, resourceA, at, true,
		down(oclock.Add(30*time.Minute), 65*time.Minute), up(oclock.Add(95*time.Minute), 35*time.Minute), maintenance, unknown, backwards)
	spent(t, s, resourceA, at.Add(time.Minute), true, up(at, time.Minute+time.Microsecond))
	spent(t, s, resourceB, at, true, down(at.Add(-time.Second), time.Second))

	equal(t, "hours", uptime(t, s, store.UptimeQuery{Since: oclock, Bucket: time.Hour}), []store.UptimeRow{
		{ResourceID: resourceA, Start: oclock, Down: 30 * time.Minute},
		{ResourceID: resourceA, Start: oclock.Add(time.Hour), Down: 35 * time.Minute, Up: 25 * time.Minute},
		{ResourceID: resourceA, Start: oclock.Add(2 * time.Hour), Up: 11*time.Minute + time.Microsecond, Maintenance: 10 * time.Minute},
		{ResourceID: resourceB, Start: oclock.Add(2 * time.Hour), Down: time.Second},
	}, onlyTimes)
	equal(t, "sums", uptime(t, s, store.UptimeQuery{Since: oclock, ResourceIDs: []int64{resourceA}}), []store.UptimeRow{
		{ResourceID: resourceA, Start: oclock, Down: 65 * time.Minute, Up: 36*time.Minute + time.Microsecond, Maintenance: 10 * time.Minute},
	}, onlyTimes)
}

func testUptimeChecks(t *testing.T, s store.Store) {
	spent(t, s, resourceA, oclock, true)
	spent(t, s, resourceA, oclock.Add(time.Hour-time.Microsecond), false)
	spent(t, s, resourceA, oclock.Add(time.Hour), false)
	var three store.Histogram
	three.Add(3 * time.Millisecond)
	equal(t, "checks", uptime(t, s, store.UptimeQuery{Since: oclock, Bucket: time.Hour}), []store.UptimeRow{
		{ResourceID: resourceA, Start: oclock, Checks: 2, Failures: 1, Answer: three},
		{ResourceID: resourceA, Start: oclock.Add(time.Hour), Checks: 1, Failures: 1},
	})
}

func testUptimeBuckets(t *testing.T, s store.Store) {
	for i := range 10 {
		at := oclock.Add(time.Duration(i) * time.Hour)
		spent(t, s, resourceA, at, true)
		spent(t, s, resourceB, at, true)
	}
	counts := func(q store.UptimeQuery) (counts []int64) {
		for _, row := range uptime(t, s, q) {
			counts = append(counts, row.ResourceID, int64(row.Start.Sub(oclock)/time.Hour), row.Checks)
		}
		return counts
	}
	half := 30 * time.Minute
	equal(t, "four hours from the second on", counts(store.UptimeQuery{ResourceIDs: []int64{resourceA},
		Since: oclock.Add(time.Hour + half), Until: oclock.Add(9*time.Hour + half), Bucket: 4 * time.Hour}),
		[]int64{resourceA, 1, 4, resourceA, 5, 4, resourceA, 9, 1})
	equal(t, "until a full hour", counts(store.UptimeQuery{ResourceIDs: []int64{resourceA, 99}, Since: oclock, Until: oclock.Add(3 * time.Hour), Bucket: time.Hour}),
		[]int64{resourceA, 0, 1, resourceA, 1, 1, resourceA, 2, 1})
	equal(t, "all", counts(store.UptimeQuery{Since: oclock}), []int64{resourceA, 0, 10, resourceB, 0, 10})
	equal(t, "none", counts(store.UptimeQuery{Since: oclock, ResourceIDs: []int64{}}), nil)
	for _, bucket := range []time.Duration{time.Hour, 24 * time.Hour} { // from the beginning of time
		if rows := uptime(t, s, store.UptimeQuery{Bucket: bucket}); !rows[0].Start.Equal(oclock.Truncate(bucket)) {
			t.Errorf("the first bucket of %v begins at %v, want %v", bucket, rows[0].Start, oclock.Truncate(bucket))
		}
	}
}

// testUptimeDays: a driver may keep sums by the day as well, which must be what
// the hours come to.
func testUptimeDays(t *testing.T, s store.Store) {
	const day = 24 * time.Hour
	midnight := oclock.Truncate(day)
	for i := range 40 {
		at := midnight.Add(time.Duration(i) * 100 * time.Minute)
		state := up
		if i%3 == 0 {
			state = down
		}
		spent(t, s, resourceA, at, i%3 > 0, state(at.Add(-95*time.Minute), 95*time.Minute))
		spent(t, s, resourceB, at, true)
	}
	var want []store.UptimeRow
	for _, row := range uptime(t, s, store.UptimeQuery{Since: midnight.Add(-day), Bucket: time.Hour}) {
		start := row.Start.Truncate(day)
		if n := len(want); n == 0 || want[n-1].ResourceID != row.ResourceID || !want[n-1].Start.Equal(start) {
			want = append(want, store.UptimeRow{ResourceID: row.ResourceID, Start: start})
		}
		sum := &want[len(want)-1]
		sum.Up, sum.Down, sum.Checks, sum.Failures = sum.Up+row.Up, sum.Down+row.Down, sum.Checks+row.Checks, sum.Failures+row.Failures
		sum.Answer.Merge(&row.Answer)
	}
	if len(want) != 7 { // the day before, because of the first span, and three days of each
		t.Fatalf("%d days, want 7", len(want))
	}
	equal(t, "days", uptime(t, s, store.UptimeQuery{Since: midnight.Add(-day), Bucket: day}), want)
	equal(t, "a day of one", uptime(t, s, store.UptimeQuery{ResourceIDs: []int64{resourceA}, Since: midnight.Add(day), Until: midnight.Add(2 * day), Bucket: day}), want[2:3])
	equal(t, "two days as one", uptime(t, s, store.UptimeQuery{ResourceIDs: []int64{resourceB}, Since: midnight, Until: midnight.Add(2 * day), Bucket: 2 * day})[0].Checks,
		want[4].Checks+want[5].Checks)
}

func testUptimeStale(t *testing.T, s store.Store) {
	old := force(t, s, resourceA, expiredLease)
	force(t, s, resourceA, longLease)
	o := probed(old, time.Hour)
	o.Spans = []dispatchapy.Span{up(oclock, time.Hour)}
	if stale, err := s.RecordProbes(t.Context(), []store.ProbeOutcome{o}); err != nil || len(stale) != 1 {
		t.Fatalf("RecordProbes gave %v, %v, want one stale", stale, err)
	}
	if rows := uptime(t, s, store.UptimeQuery{}); len(rows) != 0 {
		t.Errorf("a stale check was counted: %+v", rows)
	}
}

func testUptimeLongSpan(t *testing.T, s store.Store) {
	spent(t, s, resourceA, oclock, true, up(oclock.Add(-1000*24*time.Hour), 1000*24*time.Hour))
	rows := uptime(t, s, store.UptimeQuery{})
	if len(rows) != 1 || rows[0].Up != dispatchapy.MaxSpan {
		t.Errorf("a span of years counts as %+v, want %v", rows, dispatchapy.MaxSpan)
	}
}

func testUptimeRetention(t *testing.T, s store.Store) {
	const days = 24 * time.Hour
	for age := range 4 {
		at := oclock.Add(-time.Duration(age) * 10 * days)
		spent(t, s, resourceA, at, true, up(at, time.Minute))
		spent(t, s, resourceB, at, true, up(at, time.Minute))
	}
	n, err := s.DeleteOldUptime(t.Context(), 15*days, 3)
	if err != nil || n != 3 {
		t.Errorf("DeleteOldUptime gave %d, %v, want the limit, 3", n, err)
	}
	n, err = s.DeleteOldUptime(t.Context(), 15*days, 100)
	if err != nil || n != 1 {
		t.Errorf("DeleteOldUptime gave %d, %v, want the last one", n, err)
	}
	equal(t, "left", len(uptime(t, s, store.UptimeQuery{Since: oclock.Add(-99 * days), Bucket: time.Hour})), 4)
	equal(t, "days left", len(uptime(t, s, store.UptimeQuery{Since: oclock.Truncate(days).Add(-99 * days), Bucket: days})), 4)

	ids := change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{{Kind: store.KindResource, Name: "r"}}})
	spent(t, s, ids[0], oclock, true, up(oclock, time.Minute))
	change(t, s, store.ConfigUpdate{Delete: []store.ObjectRef{{Kind: store.KindResource, ID: ids[0]}}})
	for _, q := range []store.UptimeQuery{{ResourceIDs: ids}, {ResourceIDs: ids, Bucket: time.Hour}} {
		if rows := uptime(t, s, q); len(rows) != 0 {
			t.Errorf("a deleted resource has the history %+v", rows)
		}
	}
}

func testUptimeRefusals(t *testing.T, s store.Store) {
	for _, bucket := range []time.Duration{-time.Hour, time.Minute, 90 * time.Minute} {
		_, err := s.Uptime(t.Context(), store.UptimeQuery{Bucket: bucket})
		if dispatchapy.ErrorCode(err) != dispatchapy.CodeInvalid {
			t.Errorf("bucket %v: error %v", bucket, err)
		}
	}
}

func testRecentChecks(t *testing.T, s store.Store) {
	var want []dispatchapy.CheckMark
	states := []dispatchapy.HealthState{dispatchapy.HealthUp, dispatchapy.HealthDown, dispatchapy.HealthUnknown}
	for i := range store.MaxRecent + 5 {
		o := probed(force(t, s, resourceA, longLease), time.Hour)
		o.Check.At = oclock.Add(time.Duration(i)*time.Second + time.Microsecond)
		o.Check.OK, o.Check.State = i%2 == 0, states[i%len(states)]
		o.Check.Duration = time.Duration(i)*time.Millisecond + 7*time.Microsecond + 7*time.Nanosecond
		if i == store.MaxRecent {
			o.Check.Duration = 3 * dispatchapy.MaxMarkDuration
		}
		recordProbe(t, s, o)
		want = append(want, dispatchapy.CheckMark{At: o.Check.At, OK: o.Check.OK, State: o.Check.State,
			Duration: min(o.Check.Duration.Truncate(time.Microsecond), dispatchapy.MaxMarkDuration)})
	}
	spent(t, s, resourceB, oclock, true)
	change(t, s, store.ConfigUpdate{ResetHealth: []int64{resourceA}}) // forgets the state, not the history

	all, err := s.RecentChecks(t.Context(), nil)
	if err != nil || len(all) != 2 || all[1].ResourceID != resourceB || len(all[1].Checks) != 1 {
		t.Fatalf("RecentChecks gave %+v, %v, want those of two resources", all, err)
	}
	equal(t, "recent checks", all[0], store.Recent{ResourceID: resourceA, Checks: want[5:]})
	one, err := s.RecentChecks(t.Context(), []int64{99, resourceA})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "recent checks of one", one, all[:1])
	if none, err := s.RecentChecks(t.Context(), []int64{}); err != nil || len(none) != 0 {
		t.Errorf("asked for none, got %+v, %v", none, err)
	}
}
