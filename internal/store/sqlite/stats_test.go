package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// outcomeOf ends a new task with one attempt.
func outcomeOf(t testing.TB, s *Store, ref string) store.Outcome {
	t.Helper()
	n := task(ref)
	n.LeaseFor = time.Minute
	results, err := s.InsertTasks(t.Context(), []store.NewTask{n})
	if err != nil {
		t.Fatal(err)
	}
	return store.Outcome{Lease: results[0].Leased.Lease, Status: dispatchapy.StatusSuccess, ResourceID: 3,
		Attempts: []dispatchapy.Attempt{{Number: 1, ResourceID: 3, Outcome: dispatchapy.OutcomeDelivered}}}
}

func deliver(t testing.TB, s *Store, n int) {
	t.Helper()
	for range n {
		if stale, err := s.RecordOutcomes(t.Context(), []store.Outcome{outcomeOf(t, s, "r")}); err != nil || len(stale) != 0 {
			t.Fatalf("RecordOutcomes: %v, %v", stale, err)
		}
	}
}

func deliveredBy(t testing.TB, s *Store, q store.StatsQuery) (counts []int64) {
	t.Helper()
	rows, err := s.Stats(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		counts = append(counts, row.Delivered)
	}
	return counts
}

// What an operation did before it was undone is not counted, and what its
// neighbours did is counted once although their batch ran twice.
func TestStatsOfAnUndoneOperation(t *testing.T) {
	s := openTest(t)
	bad := errors.New("bad")
	recording := func(err error) operation {
		o := outcomeOf(t, s, "r")
		return func(tx *tx) error {
			if held, recordErr := recordOutcome(tx, &o, facts{}); recordErr != nil || !held {
				return fmt.Errorf("held %v: %w", held, recordErr)
			}
			return err
		}
	}
	ops := []operation{recording(nil), recording(bad), recording(nil)}
	errs := make([]error, len(ops))
	s.commit(ops, errs) // the writer is idle
	if errs[0] != nil || !errors.Is(errs[1], bad) || errs[2] != nil {
		t.Fatalf("the operations ended with %v", errs)
	}
	if diff := cmp.Diff([]int64{2}, deliveredBy(t, s, store.StatsQuery{})); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
}

// Statistics that cannot be saved hold up nothing else.
func TestStatsFailOpen(t *testing.T) {
	s := openTest(t)
	execute(t, s, "CREATE TRIGGER spoil BEFORE INSERT ON stats BEGIN SELECT RAISE(ABORT, 'spoiled'); END")
	deliver(t, s, 1)
	execute(t, s, "DROP TRIGGER spoil")
	deliver(t, s, 1)
	changeStats(t, s, "UPDATE stats SET latency = x'ffffffffffffffffffffff', answer = x'80'")
	deliver(t, s, 1)
	if diff := cmp.Diff([]int64{2}, deliveredBy(t, s, store.StatsQuery{})); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
}

// age puts what was counted until now some hours back.
func age(t testing.TB, s *Store, hours int) {
	t.Helper()
	changeStats(t, s, fmt.Sprintf("UPDATE stats SET hour = hour - %d", hours))
}

// changeStats changes rows that the writer may hold.
func changeStats(t testing.TB, s *Store, query string) {
	t.Helper()
	execute(t, s, query)
	if err := s.writes.Do(t.Context(), func(tx *tx) error { tx.w.stats.forget(); return nil }); err != nil {
		t.Fatal(err)
	}
}

// A batch that is undone as a whole leaves nothing behind in what is counted
// later.
func TestStatsOfAnUndoneBatch(t *testing.T) {
	s := openTest(t)
	deliver(t, s, 1)
	o := outcomeOf(t, s, "r")
	errs := make([]error, 1)
	s.commit([]operation{func(tx *tx) error { // the writer is idle
		if _, err := recordOutcome(tx, &o, facts{}); err != nil {
			return err
		}
		return errors.Join(tx.saveNotes(), sql.ErrConnDone)
	}}, errs)
	if !errors.Is(errs[0], store.ErrUnavailable) {
		t.Fatalf("a batch on a broken connection: %v", errs[0])
	}
	deliver(t, s, 1)
	if diff := cmp.Diff([]int64{2}, deliveredBy(t, s, store.StatsQuery{})); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
}

func TestStatsBuckets(t *testing.T) {
	s := openTest(t)
	deliver(t, s, 1)
	age(t, s, 5)
	deliver(t, s, 2)
	age(t, s, 1)
	deliver(t, s, 4)
	age(t, s, 3) // 9, 4 and 3 hours ago
	thisHour := time.Now().UTC().Truncate(time.Hour)
	for name, c := range map[string]struct {
		q     store.StatsQuery
		hours []int // ago, when each bucket starts
		want  []int64
	}{
		"by the hour":           {store.StatsQuery{Since: thisHour.Add(-10 * time.Hour), Bucket: time.Hour}, []int{9, 4, 3}, []int64{1, 2, 4}},
		"since within an hour":  {store.StatsQuery{Since: thisHour.Add(-541 * time.Minute), Bucket: 3 * time.Hour}, []int{10, 4}, []int64{1, 6}},
		"from the first to the": {store.StatsQuery{Since: thisHour.Add(-9 * time.Hour), Until: thisHour.Add(-3 * time.Hour), Bucket: time.Hour}, []int{9, 4}, []int64{1, 2}},
		"until within an hour":  {store.StatsQuery{Since: thisHour.Add(-4 * time.Hour), Until: thisHour.Add(-179 * time.Minute), Bucket: time.Hour}, []int{4, 3}, []int64{2, 4}},
	} {
		rows, err := s.Stats(t.Context(), c.q)
		if err != nil {
			t.Fatal(err)
		}
		var starts []time.Time
		for _, ago := range c.hours {
			starts = append(starts, thisHour.Add(-time.Duration(ago)*time.Hour))
		}
		var gotStarts []time.Time
		var got []int64
		for _, row := range rows {
			gotStarts, got = append(gotStarts, row.Start), append(got, row.Delivered)
		}
		if diff := cmp.Diff(starts, gotStarts); diff != "" {
			t.Errorf("%s: starts (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: delivered (-want +got):\n%s", name, diff)
		}
	}
}

func TestOldStatsAreDeletedInSteps(t *testing.T) {
	s := openTest(t)
	for range 5 {
		deliver(t, s, 1)
		age(t, s, 24)
	}
	for _, want := range []int{2, 1, 0} {
		if n, err := s.DeleteOldStats(t.Context(), 60*time.Hour, 2); err != nil || n != want {
			t.Errorf("DeleteOldStats gives %d, %v; want %d", n, err, want)
		}
	}
	if diff := cmp.Diff([]int64{2}, deliveredBy(t, s, store.StatsQuery{})); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
}

// An answer that is bounded does not show whether the rows are.
func TestStatsRowsAreBounded(t *testing.T) {
	s := openTest(t)
	const tasks = store.MaxScopes + 50
	outcomes := make([]store.Outcome, tasks)
	news := make([]store.NewTask, tasks)
	for i := range news {
		news[i] = task("r")
		news[i].Scope, news[i].LeaseFor = fmt.Sprint("scope ", i), time.Minute
	}
	results, err := s.InsertTasks(t.Context(), news)
	if err != nil {
		t.Fatal(err)
	}
	for i := range results {
		outcomes[i] = store.Outcome{Lease: results[i].Leased.Lease, Status: dispatchapy.StatusFailed}
	}
	if _, err := s.RecordOutcomes(t.Context(), outcomes); err != nil {
		t.Fatal(err)
	}
	var rows, most int
	err = s.read.QueryRowContext(t.Context(), "SELECT max(n), max(failed) FROM (SELECT count(*) AS n, max(failed) AS failed FROM stats GROUP BY hour)").Scan(&rows, &most)
	if err != nil || rows != store.MaxScopes+1 || most != tasks-store.MaxScopes {
		t.Errorf("%d rows, of which the largest has %d tasks (%v); want %d and %d", rows, most, err, store.MaxScopes+1, tasks-store.MaxScopes)
	}
}

func TestStatsAnswersAreBounded(t *testing.T) {
	s := openTest(t)
	execute(t, s, fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		INSERT INTO stats SELECT 100 + i / 50, i %% 50, 1, 'scope ' || (i * 7919 %% 5000), 1, 1, 0, 1, 0, x'01', x'01' FROM n`, store.MaxStatsRows+1))
	_, err := s.Stats(t.Context(), store.StatsQuery{Group: store.ByEndpoint, Bucket: time.Hour})
	if dispatchapy.ErrorCode(err) != dispatchapy.CodeInvalid {
		t.Errorf("an answer of too many rows gives %v, want an error of the code %s", err, dispatchapy.CodeInvalid)
	}
	counts := deliveredBy(t, s, store.StatsQuery{Group: store.ByScope})
	var total int64
	for _, n := range counts {
		total += n
	}
	if len(counts) != store.MaxScopes+1 || total != store.MaxStatsRows+1 {
		t.Errorf("%d scopes with %d tasks, want %d and all %d", len(counts), total, store.MaxScopes+1, store.MaxStatsRows+1)
	}
}

func TestHistogramsSurviveEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want store.Histogram
		for range rapid.IntRange(0, 40).Draw(t, "durations") {
			want.Counts[rapid.IntRange(0, len(want.Counts)-1).Draw(t, "bucket")] += rapid.Int64Range(0, 1<<40).Draw(t, "count")
		}
		encoded := encodeHistogram(&want)
		if got := decodeHistogram(encoded); got != want {
			t.Fatalf("%v became %v", want, got)
		}
		decodeHistogram(rapid.SliceOf(rapid.Byte()).Draw(t, "garbage"))
	})
}
