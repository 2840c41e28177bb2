package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

var transitionCases = []testCase{
	{"WholeTable", testTransitionTable},
	{"RetryStartsANewBudget", testTransitionRetry},
	{"StopAndRetryWhileWaiting", testTransitionStop},
	{"StoppedForAnother", testTransitionSuccessor},
	{"SendReleasesAHeldTask", testTransitionSend},
	{"DeletedTasksAreGone", testTransitionDelete},
	{"OnlyTheClientsOwn", testTransitionClient},
	{"BatchInOrder", testTransitionBatch},
	{"DispatchersActionsAreRefused", testTransitionForeign},
	{"RivalsHaveOneWinner", testTransitionRivals},
}

// manualActions are those that a person can apply.
var manualActions = []dispatchapy.Action{
	dispatchapy.ActionStop, dispatchapy.ActionRetry, dispatchapy.ActionSend, dispatchapy.ActionDelete,
	dispatchapy.ActionRestore,
}

// kinds are those of the lines that actions leave in the log.
var kinds = map[dispatchapy.Action]dispatchapy.LogKind{
	dispatchapy.ActionStop: dispatchapy.LogStopped, dispatchapy.ActionRetry: dispatchapy.LogRetried, dispatchapy.ActionSend: dispatchapy.LogReleased,
}

func testTransitionTable(t *testing.T, s store.Store) {
	for _, action := range manualActions {
		for _, status := range dispatchapy.Statuses {
			id := taskIn(t, s, status)
			before := detail(t, s, id)
			name := fmt.Sprintf("%s of a task that is %s", action, status)
			r := transition(t, s, action, id)[0]
			want, allowed := action.Next(status)
			if !allowed {
				if dispatchapy.ErrorCode(r.Err) != dispatchapy.CodeConflict {
					t.Errorf("%s gave %v, want a conflict", name, r.Err)
				}
				equal(t, name+" changed it", detail(t, s, id), before)
				continue
			}
			if r.Err != nil || r.Status != want {
				t.Errorf("%s gave %q and %v, want %q", name, r.Status, r.Err, want)
			}
			d, err := s.Task(t.Context(), id)
			if want == dispatchapy.StatusDeleted {
				if !errors.Is(err, store.ErrNotFound) {
					t.Errorf("%s left it there: %v", name, err)
				}
				continue
			}
			if err != nil || d.Task.Status != want {
				t.Errorf("%s left it %s (%v), want %s", name, d.Task.Status, err, want)
			}
			if d.Task.FinishedAt.IsZero() == want.Finished() {
				t.Errorf("%s left the finish time %v", name, d.Task.FinishedAt)
			}
			if last := d.Log[len(d.Log)-1]; !strings.Contains(last.Message, "tester") || last.Data.By != "tester" || last.Kind != kinds[action] {
				t.Errorf("%s: the log says %+v", name, last)
			}
		}
	}
}

func testTransitionRetry(t *testing.T, s store.Store) {
	l := insertLeased(t, s)
	record(t, s, fullOutcome(l.Lease, dispatchapy.StatusFailed))
	before := time.Now()
	transition(t, s, dispatchapy.ActionRetry, l.Task.ID)

	again := claimOne(t, s, endpointA)
	got := again.Task
	if got.AttemptCount != 0 || got.AttemptBase != 2 || len(got.Refused) != 0 || !got.FinishedAt.IsZero() {
		t.Errorf("after a retry the task is %+v, want no attempt spent of a new budget and nobody refusing", got)
	}
	if got.BudgetFrom.Before(before.Add(-time.Millisecond)) || got.CreatedAt.After(before) {
		t.Errorf("budget from %v and created %v, want the first to be the time of the retry", got.BudgetFrom, got.CreatedAt)
	}
	third := dispatchapy.Attempt{Number: 3, ResourceID: resourceA, Outcome: dispatchapy.OutcomeDelivered, StartedAt: now()}
	record(t, s, store.Outcome{Lease: again.Lease, Status: dispatchapy.StatusSuccess, Attempts: []dispatchapy.Attempt{third}})
	d := detail(t, s, l.Task.ID)
	if len(d.Attempts) != 3 || d.Task.AttemptCount != 1 || d.Task.AttemptBase != 2 {
		t.Errorf("%d attempts are kept, count %d, base %d; want 3, 1, 2", len(d.Attempts), d.Task.AttemptCount, d.Task.AttemptBase)
	}
}

func testTransitionSuccessor(t *testing.T, s store.Store) {
	id := insertOne(t, s, held("for the test"))
	if _, err := s.TransitionTasks(t.Context(), []int64{id}, store.Transition{Action: dispatchapy.ActionStop, By: "tester", Successor: 77}); err != nil {
		t.Fatal(err)
	}
	log := detail(t, s, id).Log
	last := log[len(log)-1]
	if last.Message != "stopped by tester: task 77 takes its place" || last.Data != (dispatchapy.LogData{By: "tester", Task: 77}) {
		t.Errorf("the log says %+v", last)
	}
}

func testTransitionStop(t *testing.T, s store.Store) {
	stopped, retried := insertOne(t, s, delayed(time.Hour)), insertOne(t, s, delayed(time.Hour))
	transition(t, s, dispatchapy.ActionStop, stopped)
	transition(t, s, dispatchapy.ActionRetry, retried)
	if l := claimOne(t, s, endpointA); l.Task.ID != retried {
		t.Errorf("task %d is due, want the retried %d", l.Task.ID, retried)
	}
}

func testTransitionSend(t *testing.T, s store.Store) {
	id := insertOne(t, s, held("by the test"))
	if r := transition(t, s, dispatchapy.ActionSend, id)[0]; r.Err != nil {
		t.Fatal(r.Err)
	}
	if l := claimOne(t, s, endpointA); l.Task.ID != id || l.Task.MaxAttempts != 5 {
		t.Errorf("claimed %+v, want the task that was held", l.Task)
	}
}

func testTransitionDelete(t *testing.T, s store.Store) {
	l := insertLeased(t, s)
	record(t, s, fullOutcome(l.Lease, dispatchapy.StatusFailed))
	other := insertOne(t, s)
	transition(t, s, dispatchapy.ActionDelete, l.Task.ID)
	if _, err := s.Task(t.Context(), l.Task.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a deleted task gives %v, want ErrNotFound", err)
	}
	equal(t, "listed tasks", pages(t, s, store.TaskFilter{}, 10), []int64{other})
	for _, action := range manualActions {
		if action == dispatchapy.ActionRestore {
			continue
		}
		if r := transition(t, s, action, l.Task.ID)[0]; !errors.Is(r.Err, store.ErrNotFound) {
			t.Errorf("%s of a deleted task gives %v, want ErrNotFound", action, r.Err)
		}
	}
	if stale, err := s.RecordOutcomes(t.Context(), []store.Outcome{fullOutcome(l.Lease, dispatchapy.StatusSuccess)}); err != nil || len(stale) != 1 {
		t.Errorf("an outcome for a deleted task gives %+v, %v; want it stale", stale, err)
	}
}

func testTransitionClient(t *testing.T, s store.Store) {
	own, foreign := insertOne(t, s, of(clientB)), insertOne(t, s)
	before := detail(t, s, foreign)
	for _, action := range manualActions {
		results, err := s.TransitionTasks(t.Context(), []int64{foreign}, store.Transition{Action: action, By: "b", ClientID: clientB})
		if err != nil || len(results) != 1 || !errors.Is(results[0].Err, store.ErrNotFound) || results[0].Status != "" {
			t.Errorf("%s of another client's task gives %+v, %v; want ErrNotFound and no status", action, results, err)
		}
	}
	equal(t, "another client's task", detail(t, s, foreign), before)
	results, err := s.TransitionTasks(t.Context(), []int64{own}, store.Transition{Action: dispatchapy.ActionStop, By: "b", ClientID: clientB})
	if err != nil || results[0].Err != nil {
		t.Errorf("stopping its own task gives %+v, %v", results, err)
	}
}

func testTransitionBatch(t *testing.T, s store.Store) {
	pending, success, pending2 := insertOne(t, s), taskIn(t, s, dispatchapy.StatusSuccess), insertOne(t, s)
	results := transition(t, s, dispatchapy.ActionStop, pending2, 1<<40, success, pending, pending2)
	for i, want := range []dispatchapy.Code{"", "not found", dispatchapy.CodeConflict, "", dispatchapy.CodeConflict} {
		got := dispatchapy.ErrorCode(results[i].Err)
		if errors.Is(results[i].Err, store.ErrNotFound) {
			got = "not found"
		}
		if got != want {
			t.Errorf("result %d is %v, want %q", i, results[i].Err, want)
		}
	}
	equal(t, "stopped tasks", pages(t, s, store.TaskFilter{Statuses: []dispatchapy.Status{dispatchapy.StatusStopped}}, 10), newestFirst(pending, pending2))
	transition(t, s, dispatchapy.ActionStop)
}

func testTransitionForeign(t *testing.T, s store.Store) {
	id := insertOne(t, s)
	before := detail(t, s, id)
	for _, action := range []dispatchapy.Action{dispatchapy.ActionClaim, dispatchapy.ActionSucceed, "nonsense", ""} {
		results, err := s.TransitionTasks(t.Context(), []int64{id}, store.Transition{Action: action, By: "tester"})
		if err == nil && (len(results) != 1 || results[0].Err == nil) {
			t.Errorf("action %q is not a person's, yet it was done: %+v", action, results)
		}
	}
	equal(t, "task", detail(t, s, id), before)
}

func testTransitionRivals(t *testing.T, s store.Store) {
	id := insertOne(t, s)
	const rivals = 8
	won := make(chan struct{}, rivals)
	each(rivals, func(int) {
		results, err := s.TransitionTasks(t.Context(), []int64{id}, store.Transition{Action: dispatchapy.ActionStop, By: "tester"})
		switch {
		case err != nil || len(results) != 1:
			t.Errorf("TransitionTasks: %+v, %v", results, err)
		case results[0].Err == nil:
			won <- struct{}{}
		}
	})
	if len(won) != 1 {
		t.Errorf("%d of %d people stopped the same task, want 1", len(won), rivals)
	}
}
