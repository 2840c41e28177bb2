package sqlite

import (
	"context"
	"fmt"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// maxAttempts is how many attempts are kept per task, the latest ones.
const maxAttempts = 200

// RecordOutcomes implements store.Store.
func (s *Store) RecordOutcomes(ctx context.Context, outcomes []store.Outcome) ([]store.Lease, error) {
	if len(outcomes) == 0 {
		return nil, nil
	}
	for i := range outcomes {
		switch outcomes[i].Status {
		case dispatchapy.StatusSuccess, dispatchapy.StatusFailed, dispatchapy.StatusPending:
		default:
			return nil, fmt.Errorf("outcome of task %d: %q is not a status in which a lease can end",
				outcomes[i].Lease.TaskID, outcomes[i].Status)
		}
	}
	var stale []store.Lease
	known := s.leased.of(outcomes)
	err := s.writes.Do(ctx, func(tx *tx) error {
		stale = nil
		for i := range outcomes {
			held, err := recordOutcome(tx, &outcomes[i], known[i])
			if err != nil {
				return err
			}
			if !held {
				stale = append(stale, outcomes[i].Lease)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.leased.forget(outcomes)
	s.index.touch(outcomes)
	return stale, nil
}

// recordOutcome reports whether the lease was still held; if not, it changed
// nothing.
func recordOutcome(tx *tx, o *store.Outcome, task facts) (held bool, err error) {
	refused, err := encodeIDs(o.Refused)
	if err != nil {
		return false, err
	}
	runAt, finishedAt := tx.now, tx.wall
	if o.Status == dispatchapy.StatusPending {
		runAt, finishedAt = after(tx.now, o.RetryIn), 0
	}
	changed, err := tx.change(`UPDATE tasks SET status = ?1, run_at = ?2, finished_at = ?3,
		attempt_count = attempt_count + ?4, resource_id = iif(?5 = 0, resource_id, ?5), refused = ?6, last_error = ?7
		WHERE id = ?8 AND fence = ?9 AND status = 'processing'`,
		string(o.Status), runAt, finishedAt, len(o.Attempts), o.ResourceID, refused, o.LastError,
		o.Lease.TaskID, o.Lease.Fence)
	if err != nil || changed == 0 {
		return false, err
	}
	if task == (facts{}) {
		if err := task.read(tx, o.Lease.TaskID); err != nil {
			return true, err
		}
	}
	if err := addAttempts(tx, o.Lease.TaskID, o.Attempts); err != nil {
		return true, err
	}
	if err := tx.addLog(o.Lease.TaskID, o.Log...); err != nil {
		return true, err
	}
	if err := tx.addEvents(o.Events); err != nil {
		return true, err
	}
	if o.Status == dispatchapy.StatusPending {
		tx.hintTasks(task.endpointID)
	}
	return true, tx.noteOutcome(&task, o)
}

// addAttempts replaces an attempt of the same number, so that nothing that a
// caller numbers wrongly makes its outcome fail.
func addAttempts(tx *tx, taskID int64, attempts []dispatchapy.Attempt) error {
	last := 0
	for i := range attempts {
		a := &attempts[i]
		last = max(last, a.Number)
		if _, err := tx.exec(`INSERT OR REPLACE INTO attempts (task_id, number, resource_id, outcome, status_code,
			error, detail, started_at, duration, dns, connect, tls, first_byte, request_body, response_body, details)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			taskID, a.Number, a.ResourceID, string(a.Outcome), a.StatusCode,
			string(a.Error), a.Detail, micros(a.StartedAt), int64(a.Duration), int64(a.Timing.DNS),
			int64(a.Timing.Connect), int64(a.Timing.TLS), int64(a.Timing.FirstByte), a.RequestBody, a.ResponseBody, encodeDetails(a)); err != nil {
			return err
		}
	}
	if last > maxAttempts {
		_, err := tx.exec("DELETE FROM attempts WHERE task_id = ? AND number <= ?", taskID, last-maxAttempts)
		return err
	}
	return nil
}
