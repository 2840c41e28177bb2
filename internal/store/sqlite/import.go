package sqlite

import (
	"context"
	"fmt"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// ImportTasks implements store.Management.
func (s *Store) ImportTasks(ctx context.Context, tasks []store.TaskDetail) ([]int64, error) {
	for i := range tasks {
		switch t := &tasks[i].Task; t.Status {
		case dispatchapy.StatusPending, dispatchapy.StatusSuccess, dispatchapy.StatusFailed,
			dispatchapy.StatusStopped, dispatchapy.StatusHeld:
		default:
			return nil, fmt.Errorf("task %d of %d to import: %q is not a status that it can have", i+1, len(tasks), t.Status)
		}
	}
	if len(tasks) == 0 {
		return nil, nil
	}
	ids := make([]int64, len(tasks))
	err := s.writes.Do(ctx, func(tx *tx) (err error) {
		for i := range tasks {
			if ids[i], err = importTask(tx, &tasks[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}

func importTask(tx *tx, d *store.TaskDetail) (id int64, err error) {
	t := &d.Task
	refused, err := encodeIDs(t.Refused)
	if err != nil {
		return 0, err
	}
	created := micros(t.CreatedAt)
	inserted, err := tx.exec(`INSERT INTO tasks (status, run_at, endpoint_id, client_id, resource_id, attempt_count, attempt_base,
		max_attempts, created_at, budget_from, finished_at, refused, resend_of, last_error, ref, scope, source)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		string(t.Status), importedRunAt(tx, t), t.EndpointID, t.ClientID, t.ResourceID, t.AttemptCount, attemptBase(d),
		t.MaxAttempts, created, orElse(micros(t.BudgetFrom), created), importedFinish(t), refused, t.ResendOf,
		t.LastError, t.Ref, t.Scope, notNull(t.Source))
	if err != nil {
		return 0, err
	}
	if id, err = inserted.LastInsertId(); err != nil {
		return 0, err
	}
	if err := tx.noteOldMinute(id, created); err != nil {
		return 0, err
	}
	if err := addAttempts(tx, id, d.Attempts); err != nil {
		return 0, err
	}
	if t.Status == dispatchapy.StatusPending {
		tx.hintTasks(t.EndpointID)
	}
	return id, tx.addLog(id, d.Log...)
}

// importedRunAt keeps a pending task waiting for as long as it has still to.
func importedRunAt(tx *tx, t *dispatchapy.Task) int64 {
	if t.RunAt.IsZero() {
		return tx.now
	}
	return after(tx.now, time.Duration(t.RunAt.UnixMicro()-tx.wall)*time.Microsecond)
}

// importedFinish gives every finished task a time, for retention goes by it.
func importedFinish(t *dispatchapy.Task) int64 {
	if !t.Status.Finished() {
		return 0
	}
	return orElse(micros(t.FinishedAt), micros(t.CreatedAt))
}

// attemptBase sees to it that the next attempt does not get the number of one
// that is there already, which it would replace.
func attemptBase(d *store.TaskDetail) int {
	base := d.Task.AttemptBase
	for i := range d.Attempts {
		base = max(base, d.Attempts[i].Number-d.Task.AttemptCount)
	}
	return base
}

// orElse gives the time at, or else the other one if at is never.
func orElse(at, other int64) int64 {
	if at == 0 {
		return other
	}
	return at
}

// ImportChecks implements store.Management.
func (s *Store) ImportChecks(ctx context.Context, checks []dispatchapy.Check) error {
	if len(checks) == 0 {
		return nil
	}
	return s.writes.Do(ctx, func(tx *tx) error {
		resources := map[int64]bool{}
		for i := range checks {
			if err := addCheck(tx, &checks[i]); err != nil {
				return err
			}
			resources[checks[i].ResourceID] = true
		}
		for id := range resources {
			if err := trimChecks(tx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// ImportNames implements store.Store.
func (s *Store) ImportNames(ctx context.Context, kind store.Kind, names []string) ([]int64, error) {
	if len(names) == 0 {
		return nil, nil
	}
	ids := make([]int64, len(names))
	err := s.writes.Do(ctx, func(tx *tx) error {
		for i, name := range names {
			inserted, err := tx.exec("INSERT INTO config_objects (kind, name, version, body, deleted_at) VALUES (?, ?, 0, x'', ?)", string(kind), name, tx.wall)
			if err != nil {
				return err
			}
			if ids[i], err = inserted.LastInsertId(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}
