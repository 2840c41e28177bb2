package sqlite

import (
	"path/filepath"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

func do(t *testing.T, s store.Store, action dispatchapy.Action, ids ...int64) {
	t.Helper()
	results, err := s.TransitionTasks(t.Context(), ids, store.Transition{Action: action, By: "test", Within: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}

// TestIndexKnowsDeletedTasks: tasks that were deleted while the index came past
// them are found in it once they are restored, by what came and what was sent.
func TestIndexKnowsDeletedTasks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dispatchapy.db")
	s := openByIndex(t, path)
	ids := someText(t, s, 3, "before")
	s.catchUp(t)
	outcome := store.Outcome{
		Lease: store.Lease{TaskID: ids[0], Fence: 1}, Status: dispatchapy.StatusFailed,
		Attempts: []dispatchapy.Attempt{{Number: 1, ResourceID: 1, RequestBody: []byte(`{"t":"sent at last"}`), StartedAt: time.Now()}},
	}
	if stale, err := s.RecordOutcomes(t.Context(), []store.Outcome{outcome}); err != nil || len(stale) != 0 {
		t.Fatal(stale, err)
	}
	results, err := s.InsertTasks(t.Context(), []store.NewTask{{Submission: dispatchapy.Submission{EndpointID: 1, ClientID: 1, Source: []byte(`{"t":"came at last"}`)}}})
	if err != nil {
		t.Fatal(err)
	}
	late := results[0].TaskID
	do(t, s, dispatchapy.ActionDelete, ids[0], late)
	if err := s.Close(); err != nil { // before the index has them
		t.Fatal(err)
	}

	s = openByIndex(t, path)
	defer s.Close()
	someText(t, s, 3000, "common")
	s.catchUp(t)
	wantFound(t, s, "at last", nil)
	do(t, s, dispatchapy.ActionRestore, ids[0], late)
	page, err := s.Store.ListTasks(t.Context(), store.TaskQuery{Filter: store.TaskFilter{Text: "at last"}, Limit: 10})
	if err != nil || len(page.Tasks) != 2 || page.Next != 0 {
		t.Errorf("the first page has %d tasks, next %d, %v; want both", len(page.Tasks), page.Next, err)
	}
}

// TestForgottenTasksLeaveNothing looks into the tables.
func TestForgottenTasksLeaveNothing(t *testing.T) {
	s := openByIndex(t, filepath.Join(t.TempDir(), "dispatchapy.db"))
	defer s.Close()
	ids := someText(t, s, 1, "text")
	outcome := store.Outcome{
		Lease: store.Lease{TaskID: ids[0], Fence: 1}, Status: dispatchapy.StatusFailed,
		Attempts: []dispatchapy.Attempt{{Number: 1, ResourceID: 1, StartedAt: time.Now()}},
	}
	if _, err := s.RecordOutcomes(t.Context(), []store.Outcome{outcome}); err != nil {
		t.Fatal(err)
	}
	do(t, s, dispatchapy.ActionDelete, ids[0])
	if n, err := s.ForgetDeleted(t.Context(), 0, 10); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	for _, table := range []string{"tasks", "deleted_tasks", "attempts", "task_log"} {
		var rows int
		if err := s.read.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&rows); err != nil || rows != 0 {
			t.Errorf("%s has %d rows, %v", table, rows, err)
		}
	}
}
