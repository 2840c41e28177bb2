package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

var undoCases = []testCase{
	{"RestoredAsItWas", testRestoreEverything},
	{"DeletedTasksAreNotCounted", testDeletedCounts},
	{"DueAsBefore", testRestoreDue},
	{"OnlyWithinItsTime", testRestoreTime},
	{"OnlyTheClientsOwn", testRestoreClient},
	{"OnlyDeletedTasks", testRestoreOthers},
	{"FoundByTextAgain", testRestoreSearch},
	{"FoundByTimeAgain", testRestoreByTime},
	{"ResentTasks", testRestoreResent},
	{"KeysGoOnAnswering", testRestoreKeys},
	{"RivalsHaveOneWinner", testRestoreRivals},
	{"ForgottenForGood", testForgetDeleted},
	{"RetentionLeavesThemAlone", testForgetFinished},
	{"RestoredTasksAreAnnounced", testRestoreHint},
	{"DeletionsAreInTheAudit", testDeletionAudit},
}

// restore restores one task and gives what became of it.
func restore(t testing.TB, s store.Store, id int64) store.TransitionResult {
	t.Helper()
	return transition(t, s, dispatchapy.ActionRestore, id)[0]
}

// gone demands that nobody sees a task.
func gone(t testing.TB, s store.Store, id int64) {
	t.Helper()
	if _, err := s.Task(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("deleted task %d gives %v, want ErrNotFound", id, err)
	}
	if slices.Contains(pages(t, s, store.TaskFilter{}, 100), id) {
		t.Errorf("deleted task %d is listed", id)
	}
}

// testRestoreEverything deletes and restores a task in every status, with all
// that a task can have.
func testRestoreEverything(t *testing.T, s store.Store) {
	var ids []int64
	for _, status := range dispatchapy.Statuses {
		if status != dispatchapy.StatusProcessing {
			ids = append(ids, taskIn(t, s, status, withKey("key of "+string(status))))
		}
	}
	l := insertLeased(t, s)
	record(t, s, fullOutcome(l.Lease, dispatchapy.StatusFailed))
	transition(t, s, dispatchapy.ActionRetry, l.Task.ID)
	ids = append(ids, l.Task.ID)
	listed := pages(t, s, store.TaskFilter{}, 100)
	for _, id := range ids {
		before := detail(t, s, id)
		if r := transition(t, s, dispatchapy.ActionDelete, id)[0]; r.Err != nil || r.Status != dispatchapy.StatusDeleted {
			t.Fatalf("deleting a task that is %s gave %+v", before.Task.Status, r)
		}
		gone(t, s, id)
		if r := restore(t, s, id); r.Err != nil || r.Status != before.Task.Status {
			t.Fatalf("restoring a task that was %s gave %+v", before.Task.Status, r)
		}
		after := detail(t, s, id)
		if lines := len(before.Log); len(after.Log) != lines+2 {
			t.Errorf("the log has %+v, want a line for the deletion and one for the restoration", after.Log)
		} else {
			equal(t, "log", []string{after.Log[lines].Message, after.Log[lines+1].Message}, []string{"deleted by tester", "restored by tester"})
			after.Log = after.Log[:lines]
		}
		equal(t, fmt.Sprintf("task that was %s", before.Task.Status), after, before)
	}
	equal(t, "listed tasks", pages(t, s, store.TaskFilter{}, 100), listed)
	if again := insertOne(t, s); again <= slices.Max(ids) {
		t.Errorf("id %d was given again", again)
	}
}

func testDeletedCounts(t *testing.T, s store.Store) {
	lanes := func(list func(context.Context) ([]store.LaneBacklog, error)) (n int) {
		found, err := list(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, lane := range found {
			n += lane.Tasks
		}
		return n
	}
	held, pending := taskIn(t, s, dispatchapy.StatusHeld), taskIn(t, s, dispatchapy.StatusPending)
	transition(t, s, dispatchapy.ActionDelete, held, pending)
	if h, b, c := lanes(s.Held), lanes(s.Backlog), count(t, s, store.TaskFilter{}, 10).Tasks; h+b+c != 0 {
		t.Errorf("deleted tasks count as %d held, %d waiting, %d in all", h, b, c)
	}
	transition(t, s, dispatchapy.ActionRestore, held, pending)
	if h, b, c := lanes(s.Held), lanes(s.Backlog), count(t, s, store.TaskFilter{}, 10).Tasks; h != 1 || b != 1 || c != 2 {
		t.Errorf("restored tasks count as %d held, %d waiting, %d in all", h, b, c)
	}
}

func testRestoreDue(t *testing.T, s store.Store) {
	due, later := insertOne(t, s), insertOne(t, s, delayed(time.Hour))
	transition(t, s, dispatchapy.ActionDelete, due, later)
	if c := claim(t, s, endpointA, 10, longLease); len(c.Tasks) != 0 || len(c.NextDue) != 0 {
		t.Errorf("deleted tasks are claimed: %+v", c)
	}
	transition(t, s, dispatchapy.ActionRestore, due, later)
	c := claim(t, s, endpointA, 10, longLease)
	if len(c.Tasks) != 1 || c.Tasks[0].Task.ID != due {
		t.Errorf("claimed %+v, want task %d, which was due", c.Tasks, due)
	}
	if r := transition(t, s, dispatchapy.ActionDelete, due)[0]; dispatchapy.ErrorCode(r.Err) != dispatchapy.CodeConflict {
		t.Errorf("a task that is being sent is deleted: %+v", r)
	}
	// What held it before the deletion holds it no more.
	record(t, s, store.Outcome{Lease: c.Tasks[0].Lease, Status: dispatchapy.StatusSuccess})
	transition(t, s, dispatchapy.ActionDelete, due)
	transition(t, s, dispatchapy.ActionRestore, due)
	if stale, err := s.RecordOutcomes(t.Context(), []store.Outcome{{Lease: c.Tasks[0].Lease, Status: dispatchapy.StatusFailed}}); err != nil || len(stale) != 1 {
		t.Errorf("an old lease of a restored task is held: %+v, %v", stale, err)
	}
}

func testRestoreTime(t *testing.T, s store.Store) {
	id := insertOne(t, s)
	transition(t, s, dispatchapy.ActionDelete, id)
	within := func(d time.Duration) error {
		results, err := s.TransitionTasks(t.Context(), []int64{id}, store.Transition{Action: dispatchapy.ActionRestore, By: "tester", Within: d})
		if err != nil {
			t.Fatal(err)
		}
		return results[0].Err
	}
	eventually(t, "the time for an undo runs out", func() bool { return errors.Is(within(0), store.ErrNotFound) })
	gone(t, s, id)
	if err := within(time.Hour); err != nil {
		t.Errorf("within an hour it is restored: %v", err)
	}
}

func testRestoreClient(t *testing.T, s store.Store) {
	id := insertOne(t, s, of(clientB))
	transition(t, s, dispatchapy.ActionDelete, id)
	as := func(client int64) error {
		results, err := s.TransitionTasks(t.Context(), []int64{id}, store.Transition{Action: dispatchapy.ActionRestore, By: "c", ClientID: client, Within: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		return results[0].Err
	}
	if err := as(clientA); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another client's deleted task gives %v, want ErrNotFound", err)
	}
	if err := as(clientB); err != nil {
		t.Errorf("its own deleted task gives %v", err)
	}
}

func testRestoreOthers(t *testing.T, s store.Store) {
	id := insertOne(t, s)
	if r := restore(t, s, id); dispatchapy.ErrorCode(r.Err) != dispatchapy.CodeConflict {
		t.Errorf("restoring what was not deleted gives %v, want a conflict", r.Err)
	}
	if r := restore(t, s, 1<<40); !errors.Is(r.Err, store.ErrNotFound) {
		t.Errorf("restoring what never was gives %v, want ErrNotFound", r.Err)
	}
	transition(t, s, dispatchapy.ActionDelete, id)
	for _, action := range manualActions {
		if action == dispatchapy.ActionRestore {
			continue
		}
		if r := transition(t, s, action, id)[0]; !errors.Is(r.Err, store.ErrNotFound) {
			t.Errorf("%s of a deleted task gives %v, want ErrNotFound", action, r.Err)
		}
	}
	results := transition(t, s, dispatchapy.ActionRestore, id, id)
	if results[0].Err != nil || dispatchapy.ErrorCode(results[1].Err) != dispatchapy.CodeConflict {
		t.Errorf("restored twice: %+v", results)
	}
}

func testRestoreSearch(t *testing.T, s store.Store) {
	byTarget, bySource := sent(t, s, `{"t":"ephemeral"}`), insertOne(t, s, withSource(`{"m":"ephemeral"}`))
	transition(t, s, dispatchapy.ActionDelete, byTarget, bySource)
	insert(t, s, numbered(20)...)
	equal(t, "found while deleted", search(t, s, "ephemeral"), nil)
	transition(t, s, dispatchapy.ActionRestore, byTarget, bySource)
	equal(t, "found after it", search(t, s, "ephemeral"), newestFirst(byTarget, bySource))
}

// testRestoreByTime: what finds tasks by their time must not be cleaned up
// under those that can come back.
func testRestoreByTime(t *testing.T, s store.Store) {
	id := taskIn(t, s, dispatchapy.StatusHeld)
	created := detail(t, s, id).Task.CreatedAt
	transition(t, s, dispatchapy.ActionDelete, id)
	taskIn(t, s, dispatchapy.StatusSuccess)
	if _, err := s.DeleteFinished(t.Context(), 0, 100); err != nil {
		t.Fatal(err)
	}
	restore(t, s, id)
	equal(t, "since it was created", pages(t, s, store.TaskFilter{Since: created}, 10), []int64{id})
	equal(t, "before it was created", pages(t, s, store.TaskFilter{Until: created}, 10), nil)
}

func testRestoreResent(t *testing.T, s store.Store) {
	original := insertOne(t, s)
	copied := insertOne(t, s, func(n *store.NewTask) { n.ResendOf = original })
	transition(t, s, dispatchapy.ActionDelete, copied)
	equal(t, "made from it, while that is deleted", detail(t, s, original).Resent, nil)
	restore(t, s, copied)
	equal(t, "made from it", detail(t, s, original).Resent, []int64{copied})
}

func testRestoreKeys(t *testing.T, s store.Store) {
	id := insertOne(t, s, withKey("k"))
	for _, action := range []dispatchapy.Action{dispatchapy.ActionDelete, dispatchapy.ActionRestore} {
		transition(t, s, action, id)
		if r := submit(t, s, newTask(withKey("k")))[0]; r.TaskID != id || !r.Replayed {
			t.Errorf("after %s the key gives %+v, want the first answer", action, r)
		}
	}
	equal(t, "tasks", pages(t, s, store.TaskFilter{}, 10), []int64{id})
}

func testRestoreRivals(t *testing.T, s store.Store) {
	id := insertOne(t, s)
	transition(t, s, dispatchapy.ActionDelete, id)
	const rivals = 8
	won := make(chan struct{}, rivals)
	each(rivals, func(int) {
		results, err := s.TransitionTasks(t.Context(), []int64{id}, store.Transition{Action: dispatchapy.ActionRestore, By: "tester", Within: time.Hour})
		switch {
		case err != nil || len(results) != 1:
			t.Errorf("TransitionTasks: %+v, %v", results, err)
		case results[0].Err == nil:
			won <- struct{}{}
		}
	})
	if len(won) != 1 {
		t.Errorf("%d of %d people restored the same task, want 1", len(won), rivals)
	}
}

func testForgetDeleted(t *testing.T, s store.Store) {
	ids := insert(t, s, numbered(5)...)
	// One after the other, so that it is known which was deleted first.
	for _, id := range []int64{ids[2], ids[0], ids[4]} {
		transition(t, s, dispatchapy.ActionDelete, id)
	}
	forget := func(age time.Duration, limit, want int) {
		t.Helper()
		if n, err := s.ForgetDeleted(t.Context(), age, limit); err != nil || n != want {
			t.Errorf("ForgetDeleted(%v, %d) gave %d, %v; want %d", age, limit, n, err, want)
		}
	}
	forget(time.Hour, 100, 0)
	forget(0, 2, 2)
	for i, id := range []int64{ids[2], ids[0]} {
		if r := restore(t, s, id); !errors.Is(r.Err, store.ErrNotFound) {
			t.Errorf("number %d was deleted first and is restored: %+v", i+1, r)
		}
	}
	if r := restore(t, s, ids[4]); r.Err != nil {
		t.Errorf("what was deleted last is forgotten first: %v", r.Err)
	}
	forget(0, 100, 0)
	equal(t, "tasks", pages(t, s, store.TaskFilter{}, 10), newestFirst(ids[1], ids[3], ids[4]))
}

func testForgetFinished(t *testing.T, s store.Store) {
	id := taskIn(t, s, dispatchapy.StatusFailed)
	before := detail(t, s, id).Task
	transition(t, s, dispatchapy.ActionDelete, id)
	if n, err := s.DeleteFinished(t.Context(), 0, 100); err != nil || n != 0 {
		t.Errorf("DeleteFinished gave %d, %v; want 0", n, err)
	}
	restore(t, s, id)
	equal(t, "task", detail(t, s, id).Task, before)
	if n, err := s.DeleteFinished(t.Context(), 0, 100); err != nil || n != 1 {
		t.Errorf("DeleteFinished of a restored task gave %d, %v; want 1", n, err)
	}
}

func testRestoreHint(t *testing.T, s store.Store) {
	id := insertOne(t, s, at(endpointB))
	transition(t, s, dispatchapy.ActionDelete, id)
	seen := watch(t, s)
	eventually(t, "a hint of a restored task", func() bool {
		restore(t, s, id)
		if seen(func(h store.Hint) bool { return slices.Contains(h.Tasks, endpointB) }) {
			return true
		}
		transition(t, s, dispatchapy.ActionDelete, id)
		return false
	})
}

// testDeletionAudit: the log of a task goes with it, and so who deleted it is
// said elsewhere; of tasks that were not deleted nothing is said.
func testDeletionAudit(t *testing.T, s store.Store) {
	a, b, others := insertOne(t, s, of(clientA)), insertOne(t, s, of(clientA)), insertOne(t, s, of(clientB))
	mine := store.Transition{Action: dispatchapy.ActionDelete, By: "ann", ClientID: clientA}
	for _, ids := range [][]int64{{a, others, 4711, b}, {others}} {
		if _, err := s.TransitionTasks(t.Context(), ids, mine); err != nil {
			t.Fatal(err)
		}
	}
	transition(t, s, dispatchapy.ActionStop, others)
	entries, err := s.ListAudit(t.Context(), store.AuditQuery{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("2 tasks: %d, %d", a, b)
	if len(entries) != 1 || entries[0].By != "ann" || entries[0].Action != "delete" || entries[0].Detail != want || entries[0].At.IsZero() {
		t.Errorf("audit %+v, want one entry with %q", entries, want)
	}
}
