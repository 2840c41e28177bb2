package sqlite

import (
	"context"
	"database/sql"
	"math"
	"time"

	"dispatchapy/internal/store"
)

// Tasks are found by their time of creation through task_minutes, which has a
// row for every change of the minute.

const minute = int64(time.Minute / time.Microsecond)

// noteMinute is told of every new task. All tasks of a batch have the same
// time, so that once is enough, unless the first one is undone by itself.
func (tx *tx) noteMinute(id int64) error {
	if tx.minuteNoted && !tx.careful {
		return nil
	}
	tx.minuteNoted = true
	return tx.noteMinuteOf(id, tx.wall)
}

// noteOldMinute is told of every task that was created before it is stored.
func (tx *tx) noteOldMinute(id, created int64) error {
	tx.minuteNoted = false
	return tx.noteMinuteOf(id, created)
}

func (tx *tx) noteMinuteOf(id, at int64) error {
	_, err := tx.exec(`INSERT INTO task_minutes (first_id, minute) SELECT ?1, ?2
		WHERE ?2 IS NOT (SELECT minute FROM task_minutes ORDER BY first_id DESC LIMIT 1)`, id, at/minute)
	return err
}

// forgetMinutes deletes up to limit rows about ids that no task has any more,
// nor gets back.
func forgetMinutes(tx *tx, limit int) error {
	_, err := tx.exec(`DELETE FROM task_minutes WHERE first_id IN (SELECT first_id FROM task_minutes WHERE first_id <
		(SELECT max(first_id) FROM task_minutes WHERE first_id <=
			min(coalesce((SELECT min(id) FROM tasks), ?1), coalesce((SELECT min(id) FROM deleted_tasks), ?1)))
		ORDER BY first_id LIMIT ?2)`, int64(math.MaxInt64), limit)
	return err
}

// idRange is the ids from low up to, but without, high.
type idRange struct{ low, high int64 }

// within narrows the range to the ids that tasks created from the filter's
// since to its until can have.
func (r idRange) within(ctx context.Context, tx *sql.Tx, f *store.TaskFilter) (idRange, error) {
	if !f.Since.IsZero() {
		err := tx.QueryRowContext(ctx, "SELECT max(?1, coalesce(min(first_id), ?2)) FROM task_minutes WHERE minute >= ?3",
			r.low, r.high, f.Since.UnixMicro()/minute).Scan(&r.low)
		if err != nil {
			return r, err
		}
	}
	if !f.Until.IsZero() {
		err := tx.QueryRowContext(ctx, `SELECT min(?1, coalesce(min(first_id), ?1)) FROM task_minutes WHERE first_id >
			(SELECT coalesce(max(first_id), 0) FROM task_minutes WHERE minute <= ?2)`,
			r.high, ceilMicros(f.Until)/minute).Scan(&r.high)
		if err != nil {
			return r, err
		}
	}
	return r, nil
}
