package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/store"
)

func openTest(t testing.TB) *Store {
	t.Helper()
	return openTestAt(t, filepath.Join(t.TempDir(), "test.db"), time.Now())
}

func openTestAt(t testing.TB, path string, wall time.Time) *Store {
	t.Helper()
	s, err := open(t.Context(), Options{Path: path}, wall)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// execute runs a statement on the connection that writes.
func execute(t testing.TB, s *Store, query string) {
	t.Helper()
	if err := s.writes.Do(t.Context(), func(tx *tx) error { _, err := tx.exec(query); return err }); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func task(ref string) store.NewTask {
	return store.NewTask{Submission: dispatchapy.Submission{
		EndpointID: 1, ClientID: 2, Ref: ref, Scope: "s", Source: []byte(`{"ref":"r"}`), MaxAttempts: 5,
	}}
}

// TestWhatWasDoneBeforeAFaultIsTold deletes tasks in several transactions, of
// which a later one fails.
func TestWhatWasDoneBeforeAFaultIsTold(t *testing.T) {
	s := openTest(t)
	var ids []int64
	for range 2*moveStep + 5 {
		results, err := s.InsertTasks(t.Context(), []store.NewTask{task("r")})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, results[0].TaskID)
	}
	execute(t, s, fmt.Sprintf("CREATE TEMP TRIGGER fault BEFORE DELETE ON tasks WHEN old.id = %d BEGIN SELECT raise(ABORT, 'fault'); END", ids[moveStep+2]))
	results, err := s.TransitionTasks(t.Context(), ids, store.Transition{Action: dispatchapy.ActionDelete, By: "ann"})
	if err != nil || len(results) != len(ids) {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for i, r := range results {
		_, err := s.Task(t.Context(), r.ID)
		deleted := errors.Is(err, store.ErrNotFound)
		if r.ID != ids[i] || deleted != (i < moveStep) || deleted != (r.Err == nil) {
			t.Errorf("task %d, number %d: deleted %t, result %v", r.ID, i, deleted, r.Err)
		}
	}
	execute(t, s, "DROP TRIGGER fault")
	if _, err := s.TransitionTasks(t.Context(), ids[moveStep:], store.Transition{Action: dispatchapy.ActionDelete, By: "ann"}); err != nil {
		t.Error(err)
	}
}

func TestFullDiskIsToldAndSurvived(t *testing.T) {
	s := openTest(t)
	execute(t, s, "PRAGMA max_page_count = 100") // 400 kB

	var (
		mu           sync.Mutex
		acknowledged []int64
		callers      sync.WaitGroup
	)
	for range 8 {
		callers.Go(func() {
			big := task("r")
			big.Source = []byte(`"` + strings.Repeat("x", 2000) + `"`)
			for range 1000 { // far more than there is room for
				results, err := s.InsertTasks(t.Context(), []store.NewTask{big})
				if err != nil {
					if !errors.Is(err, store.ErrUnavailable) {
						t.Errorf("on a full disk: %v, want %v", err, store.ErrUnavailable)
					}
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, results[0].TaskID)
				mu.Unlock()
			}
			t.Error("the disk never became full")
		})
	}
	callers.Wait()
	if err := s.CheckWritable(t.Context()); err != nil {
		t.Errorf("what needs no room: %v", err)
	}

	execute(t, s, "PRAGMA max_page_count = 1000000")
	results, err := s.InsertTasks(t.Context(), []store.NewTask{task("later")})
	if err != nil {
		t.Fatalf("after there is room again: %v", err)
	}
	acknowledged = append(acknowledged, results[0].TaskID)
	if len(acknowledged) < 10 {
		t.Errorf("only %d tasks were stored before the disk was full", len(acknowledged))
	}
	for _, id := range acknowledged {
		if _, err := s.Task(t.Context(), id); err != nil {
			t.Errorf("an acknowledged task is gone: %v", err)
		}
	}
}

func TestANearlyFullDiskTakesWhatThereIsRoomFor(t *testing.T) {
	s := openTest(t)
	execute(t, s, "PRAGMA max_page_count = 150") // room for some of the batch below, not for all
	big := task("r")
	big.Source = []byte(`"` + strings.Repeat("x", 10_000) + `"`)
	const n = 64
	var ops []operation
	ids := make([]int64, n)
	for i := range n {
		in := newInsert(&big, s.clock)
		ops = append(ops, func(tx *tx) error {
			result, err := in.run(tx)
			ids[i] = result.TaskID
			return err
		})
	}
	errs := make([]error, n)
	s.commit(ops, errs)

	stored := 0
	for i, err := range errs {
		switch {
		case err == nil:
			stored++
			if _, err := s.Task(t.Context(), ids[i]); err != nil {
				t.Errorf("operation %d was acknowledged: %v", i, err)
			}
		case !errors.Is(err, store.ErrUnavailable):
			t.Errorf("operation %d: %v", i, err)
		}
	}
	page, err := s.ListTasks(t.Context(), store.TaskQuery{Limit: n})
	if err != nil {
		t.Fatal(err)
	}
	if stored == 0 || stored == n || len(page.Tasks) != stored {
		t.Errorf("%d of %d acknowledged, %d stored", stored, n, len(page.Tasks))
	}
}

func TestBrokenConnectionIsReplaced(t *testing.T) {
	s := openTest(t)
	execute(t, s, "PRAGMA query_only = 1") // from now on the connection fails as on a read-only disk
	if _, err := s.InsertTasks(t.Context(), []store.NewTask{task("r")}); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("InsertTasks = %v, want %v", err, store.ErrUnavailable)
	}
	if _, err := s.InsertTasks(t.Context(), []store.NewTask{task("r")}); err != nil {
		t.Errorf("InsertTasks after the failure: %v", err)
	}
}

func TestLogHearsOfFailuresOnce(t *testing.T) {
	s := openTest(t)
	var log strings.Builder
	s.log = slog.New(slog.NewTextHandler(&log, nil))
	fails := []operation{func(*tx) error { return sql.ErrConnDone }}
	works := []operation{saveClock}
	for _, ops := range [][]operation{works, fails, fails, fails, works, works, fails, works} {
		errs := make([]error, 1)
		s.commit(ops, errs) // the writer is idle
		if failed := errs[0] != nil; failed != (&ops[0] == &fails[0]) {
			t.Errorf("commit: %v", errs[0])
		}
	}
	for message, want := range map[string]int{"cannot be written": 2, "can be written again": 2} {
		if got := strings.Count(log.String(), message); got != want {
			t.Errorf("%q was logged %d times, want %d:\n%s", message, got, want, log.String())
		}
	}
}

// Nothing is acknowledged before it is synced, on a replaced connection either.
func TestCommitsAreSynced(t *testing.T) {
	s := openTest(t)
	for _, after := range []string{"PRAGMA query_only = 1", "SELECT 1"} {
		var mode string
		var synchronous int
		err := s.writes.Do(t.Context(), func(tx *tx) error {
			if err := tx.row("PRAGMA journal_mode", nil, &mode); err != nil {
				return err
			}
			return tx.row("PRAGMA synchronous", nil, &synchronous)
		})
		if err != nil || mode != "wal" || synchronous < 2 {
			t.Errorf("journal_mode %s, synchronous %d (%v), want wal and at least 2 (full)", mode, synchronous, err)
		}
		execute(t, s, after)
		_ = s.CheckWritable(t.Context()) // fails once, so that the connection is replaced
	}
}

func TestEventsAreBounded(t *testing.T) {
	s := openTest(t)
	execute(t, s, fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		INSERT INTO events (kind, at, resource_id, task_id, detail, run_at) SELECT 'task.failed', 1, 0, i, '', 1 FROM n`, maxEvents+50))
	for range 2 {
		if _, err := s.DeleteExpiredKeys(t.Context(), 40); err != nil {
			t.Fatal(err)
		}
	}
	var left, oldest int
	err := s.read.QueryRowContext(t.Context(), "SELECT count(*), min(id) FROM events").Scan(&left, &oldest)
	if err != nil || left != maxEvents || oldest != 51 {
		t.Errorf("%d events are left, the oldest %d (%v), want the latest %d", left, oldest, err, maxEvents)
	}
}

func TestBadOperationDoesNotSinkItsBatch(t *testing.T) {
	s := openTest(t)
	bad := errors.New("bad")
	insertNamed := func(name string) operation {
		return func(tx *tx) error {
			_, err := tx.exec("INSERT INTO meta (key, value) VALUES (?, 1)", name)
			return err
		}
	}
	ops := []operation{
		insertNamed("first"),
		func(tx *tx) error { return errors.Join(insertNamed("undone")(tx), bad) },
		insertNamed("first"), // breaks the primary key
		insertNamed("last"),
	}
	errs := make([]error, len(ops))
	s.commit(ops, errs) // the writer is idle
	if errs[0] != nil || errs[3] != nil {
		t.Errorf("good operations failed: %v, %v", errs[0], errs[3])
	}
	if !errors.Is(errs[1], bad) || errs[2] == nil {
		t.Errorf("bad operations ended with %v and %v", errs[1], errs[2])
	}
	if errors.Is(errs[2], store.ErrUnavailable) {
		t.Errorf("the fault of an operation is taken for one of the database: %v", errs[2])
	}
	var keys string
	query := "SELECT group_concat(key) FROM (SELECT key FROM meta WHERE value = 1 ORDER BY key)"
	if err := s.read.QueryRowContext(t.Context(), query).Scan(&keys); err != nil || keys != "first,last" {
		t.Errorf("stored %q (%v), want first,last", keys, err)
	}
}

func TestBadTaskDoesNotSinkItsNeighbours(t *testing.T) {
	s := openTest(t)
	execute(t, s, `CREATE TRIGGER spoil AFTER INSERT ON tasks WHEN NEW.ref = 'bad'
		BEGIN SELECT RAISE(ABORT, 'spoiled'); END`)
	results, err := s.InsertTasks(t.Context(), []store.NewTask{task("a"), task("bad"), task("b")})
	if err != nil {
		t.Fatal(err)
	}
	if results[1].Err == nil || results[1].TaskID != 0 {
		t.Errorf("the bad task: %+v", results[1])
	}
	for _, i := range []int{0, 2} {
		if results[i].Err != nil {
			t.Errorf("task %d: %v", i, results[i].Err)
			continue
		}
		if _, err := s.Task(t.Context(), results[i].TaskID); err != nil {
			t.Error(err)
		}
	}
}

func TestOnlyTheLatestHistoryIsKept(t *testing.T) {
	s := openTest(t)
	id := insertOne(t, s)
	number := 0
	for range 3 {
		claimed, err := s.ClaimDue(t.Context(), store.Claim{LeaseFor: time.Minute, Lanes: []store.LaneClaim{{EndpointID: 1, Limit: 1}}})
		if err != nil || len(claimed.Tasks) != 1 {
			t.Fatalf("ClaimDue: %v, %v", claimed, err)
		}
		outcome := store.Outcome{Lease: claimed.Tasks[0].Lease, Status: dispatchapy.StatusPending}
		for range 200 {
			number++
			outcome.Attempts = append(outcome.Attempts, dispatchapy.Attempt{Number: number, Outcome: dispatchapy.OutcomeFailed})
			outcome.Log = append(outcome.Log, dispatchapy.LogEntry{Message: "line"})
		}
		if _, err := s.RecordOutcomes(t.Context(), []store.Outcome{outcome}); err != nil {
			t.Fatal(err)
		}
	}
	detail, err := s.Task(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if got := detail.Attempts; len(got) != maxAttempts || got[len(got)-1].Number != number {
		t.Errorf("%d attempts are kept, want the latest %d", len(got), maxAttempts)
	}
	if len(detail.Log) != maxLog {
		t.Errorf("%d log lines are kept, want %d", len(detail.Log), maxLog)
	}
	if detail.Task.AttemptCount != number {
		t.Errorf("attempt count %d, want %d", detail.Task.AttemptCount, number)
	}
}

func insertOne(t testing.TB, s *Store) int64 {
	t.Helper()
	results, err := s.InsertTasks(t.Context(), []store.NewTask{task("r")})
	if err != nil {
		t.Fatal(err)
	}
	return results[0].TaskID
}

func TestExpiredKeysAreForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	keyed := task("r")
	keyed.IdempotencyKey = "k"
	insert := func(s *Store) int64 {
		t.Helper()
		results, err := s.InsertTasks(t.Context(), []store.NewTask{keyed})
		if err != nil || results[0].Err != nil {
			t.Fatalf("InsertTasks: %v, %v", results, err)
		}
		return results[0].TaskID
	}
	s := openTestAt(t, path, time.Now())
	first := insert(s)
	if n, err := s.DeleteExpiredKeys(t.Context(), 10); n != 0 || err != nil {
		t.Errorf("DeleteExpiredKeys = %d, %v while the key is fresh", n, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = openTestAt(t, path, time.Now().Add(dispatchapy.IdempotencyTTL+time.Second))
	second := insert(s) // the old key is still stored, but past its time
	if second == first {
		t.Error("an expired key was honoured")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTestAt(t, path, time.Now().Add(2*dispatchapy.IdempotencyTTL+time.Minute))
	if n, err := s.DeleteExpiredKeys(t.Context(), 10); n != 1 || err != nil {
		t.Errorf("DeleteExpiredKeys = %d, %v, want the one key", n, err)
	}
}

func TestClockSetBackAcrossRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	wrong := time.Now().Add(48 * time.Hour)
	s := openTestAt(t, path, wrong)
	id := insertOne(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTestAt(t, path, time.Now())
	claimed, err := s.ClaimDue(t.Context(), store.Claim{LeaseFor: time.Hour, Lanes: []store.LaneClaim{{EndpointID: 1, Limit: 1}}})
	if err != nil || len(claimed.Tasks) != 1 || claimed.Tasks[0].Lease.TaskID != id {
		t.Fatalf("ClaimDue = %+v, %v; the task is stranded two days from now", claimed, err)
	}
	if wait := time.Until(claimed.Tasks[0].Task.RunAt); wait < 50*time.Minute || wait > 70*time.Minute {
		t.Errorf("the lease is shown to end in %v, want an hour", wait)
	}
}

func TestWatcherIsToldMergedHints(t *testing.T) {
	var b broadcast
	w := b.add()
	for _, hint := range []store.Hint{{Tasks: []int64{1, 2}}, {Tasks: []int64{2, 3}}, {Config: true}, {Health: true}, {}} {
		b.publish(hint)
	}
	<-w.wake
	want := store.Hint{Tasks: []int64{1, 2, 3}, Config: true, Health: true}
	if diff := cmp.Diff(want, b.take(w)); diff != "" {
		t.Errorf("merged hint (-want +got):\n%s", diff)
	}
	b.publish(store.Hint{})
	if len(w.wake) != 0 {
		t.Error("a watcher was woken for nothing")
	}
	b.remove(w)
	b.publish(store.Hint{Config: true})
	if len(w.wake) != 0 {
		t.Error("a watcher that is gone was woken")
	}
}
