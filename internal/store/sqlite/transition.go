package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// deeds says what a person did, for the task's log.
var deeds = map[dispatchapy.Action]struct {
	kind dispatchapy.LogKind
	word string
}{
	dispatchapy.ActionStop:    {dispatchapy.LogStopped, "stopped"},
	dispatchapy.ActionRetry:   {dispatchapy.LogRetried, "retried"},
	dispatchapy.ActionSend:    {dispatchapy.LogReleased, "sent"},
	dispatchapy.ActionDelete:  {dispatchapy.LogDeleted, "deleted"},
	dispatchapy.ActionRestore: {dispatchapy.LogRestored, "restored"},
}

// How many tasks are changed in one batch, so that an action on thousands of
// tasks does not hold up the others in it for long. Those that are moved to
// another table are written anew with their payloads, however long.
const (
	transitionStep = 500
	moveStep       = 20
)

func stepOf(action dispatchapy.Action) int {
	if action == dispatchapy.ActionDelete || action == dispatchapy.ActionRestore {
		return moveStep
	}
	return transitionStep
}

// TransitionTasks implements store.Store.
//
// Failure policy: a step that fails changes nothing, and ends it. What was done
// before stays done, and that is told: the tasks that are left have the error.
func (s *Store) TransitionTasks(ctx context.Context, ids []int64, t store.Transition) ([]store.TransitionResult, error) {
	if deeds[t.Action].word == "" {
		return nil, fmt.Errorf("%q is not an action of a person on a task", t.Action)
	}
	results := make([]store.TransitionResult, 0, len(ids))
	for step := range slices.Chunk(ids, stepOf(t.Action)) {
		var some []store.TransitionResult
		err := s.writes.Do(ctx, func(tx *tx) error {
			some = make([]store.TransitionResult, len(step))
			for i, id := range step {
				var err error
				if some[i], err = transition(tx, id, t); err != nil {
					return err
				}
			}
			return noteDeletion(tx, some, t)
		})
		if err != nil && len(results) == 0 {
			return nil, err
		}
		if err != nil {
			for _, id := range ids[len(results):] {
				results = append(results, store.TransitionResult{ID: id, Err: err})
			}
			return results, nil
		}
		results = append(results, some...)
	}
	return results, nil
}

// noteDeletion says in the audit log who deleted tasks: their own log goes with
// them.
func noteDeletion(tx *tx, results []store.TransitionResult, t store.Transition) error {
	var deleted []string
	for i := range results {
		if t.Action == dispatchapy.ActionDelete && results[i].Err == nil {
			deleted = append(deleted, strconv.FormatInt(results[i].ID, 10))
		}
	}
	detail := "task " + strings.Join(deleted, ", ")
	switch len(deleted) {
	case 0:
		return nil
	case 1:
	default:
		detail = fmt.Sprintf("%d tasks: %s", len(deleted), strings.Join(deleted, ", "))
	}
	return addAudit(tx, store.AuditEntry{At: fromMicros(tx.wall), By: t.By, Action: "delete", Detail: detail})
}

// transition acts on one task. Its error is one of the database.
func transition(tx *tx, id int64, t store.Transition) (store.TransitionResult, error) {
	r := store.TransitionResult{ID: id}
	status, before, err := find(tx, &r, t)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && t.ClientID != 0 && r.ClientID != t.ClientID:
		return store.TransitionResult{ID: id, Err: store.ErrNotFound}, nil
	case err != nil:
		return r, err
	}
	next, ok := t.Action.Next(status)
	if !ok {
		return store.TransitionResult{ID: id, Status: status, Err: t.Action.Refuse(id, status)}, nil
	}
	if t.Action == dispatchapy.ActionRestore {
		next = before
	}
	r.Before, r.Status = status, next
	if err := act(tx, id, t.Action); err != nil {
		return r, err
	}
	if next == dispatchapy.StatusPending {
		tx.hintTasks(r.EndpointID)
	}
	return r, tx.addLog(id, deedOf(t, fromMicros(tx.wall)))
}

func deedOf(t store.Transition, at time.Time) dispatchapy.LogEntry {
	deed := deeds[t.Action]
	entry := dispatchapy.LogEntry{
		At: at, Message: deed.word + " by " + t.By, Kind: deed.kind, Data: dispatchapy.LogData{By: t.By, Task: t.Successor},
	}
	if t.Successor != 0 {
		entry.Message += fmt.Sprintf(": task %d takes its place", t.Successor)
	}
	return entry
}

// find gives a task's status, and that in which it was deleted if it was, and
// fills in whose it is. Only who restores finds deleted ones.
func find(tx *tx, r *store.TransitionResult, t store.Transition) (status, before dispatchapy.Status, err error) {
	err = tx.row("SELECT status, endpoint_id, client_id FROM tasks WHERE id = ?", []any{r.ID}, &status, &r.EndpointID, &r.ClientID)
	if t.Action == dispatchapy.ActionRestore && errors.Is(err, sql.ErrNoRows) {
		status = dispatchapy.StatusDeleted
		err = tx.row("SELECT status, endpoint_id, client_id FROM deleted_tasks WHERE id = ? AND deleted_at > ?",
			[]any{r.ID, tx.now - t.Within.Microseconds()}, &before, &r.EndpointID, &r.ClientID)
	}
	return status, before, err
}

func act(tx *tx, id int64, action dispatchapy.Action) (err error) {
	switch action {
	case dispatchapy.ActionStop:
		_, err = tx.exec("UPDATE tasks SET status = 'stopped', finished_at = ? WHERE id = ?", tx.wall, id)
	case dispatchapy.ActionSend:
		// The time that it was held does not count against the budget's age.
		_, err = tx.exec("UPDATE tasks SET status = 'pending', run_at = ?, budget_from = ? WHERE id = ?",
			tx.now, tx.wall, id)
	case dispatchapy.ActionRetry:
		// The last error stays until there is a newer one.
		_, err = tx.exec(`UPDATE tasks SET status = 'pending', run_at = ?, budget_from = ?, finished_at = 0, refused = '',
			attempt_base = attempt_base + attempt_count, attempt_count = 0 WHERE id = ?`, tx.now, tx.wall, id)
	case dispatchapy.ActionDelete:
		_, err = tx.exec("INSERT INTO deleted_tasks (deleted_at, "+taskColumns+") SELECT ?, "+taskColumns+" FROM tasks WHERE id = ?", tx.now, id)
		if err == nil {
			_, err = tx.exec("DELETE FROM tasks WHERE id = ?", id)
		}
	case dispatchapy.ActionRestore:
		_, err = tx.exec("INSERT INTO tasks ("+taskColumns+") SELECT "+taskColumns+" FROM deleted_tasks WHERE id = ?", id)
		if err == nil {
			_, err = tx.exec("DELETE FROM deleted_tasks WHERE id = ?", id)
		}
	}
	return err
}
