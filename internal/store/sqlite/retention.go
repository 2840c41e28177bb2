package sqlite

import (
	"context"
	"database/sql"
	"time"
)

// deleteStep is how many rows are deleted in one batch, so that retention
// never holds up the others in it for long.
const deleteStep = 200

// DeleteFinished implements store.Store.
func (s *Store) DeleteFinished(ctx context.Context, age time.Duration, limit int) (int, error) {
	return s.inSteps(ctx, limit, func(tx *tx, limit int) (int, error) {
		rows, err := tx.query(`SELECT id FROM tasks INDEXED BY tasks_finished
			WHERE status IN ('success', 'failed') AND finished_at <= ?
			ORDER BY finished_at LIMIT ?`, tx.wall-age.Microseconds(), limit)
		ids, err := collect(rows, err, scanID)
		if err != nil {
			return 0, err
		}
		if err := forget(tx, ids, "DELETE FROM tasks WHERE id = ?"); err != nil {
			return 0, err
		}
		return len(ids), forgetMinutes(tx, limit)
	})
}

// ForgetDeleted implements store.Store.
func (s *Store) ForgetDeleted(ctx context.Context, age time.Duration, limit int) (int, error) {
	return s.inSteps(ctx, limit, func(tx *tx, limit int) (int, error) {
		rows, err := tx.query("SELECT id FROM deleted_tasks WHERE deleted_at <= ? ORDER BY deleted_at, id LIMIT ?",
			tx.now-age.Microseconds(), limit)
		ids, err := collect(rows, err, scanID)
		if err != nil {
			return 0, err
		}
		return len(ids), forget(tx, ids, "DELETE FROM deleted_tasks WHERE id = ?")
	})
}

// forget deletes tasks by the query, and all that was kept of them elsewhere.
func forget(tx *tx, ids []int64, query string) error {
	for _, id := range ids {
		for _, query := range []string{query, "DELETE FROM attempts WHERE task_id = ?", "DELETE FROM task_log WHERE task_id = ?"} {
			if _, err := tx.exec(query, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxEvents is how many events are kept, the latest ones.
const maxEvents = 100_000

// DeleteExpiredKeys implements store.Store. On the same occasion it saves the
// store's clock and deletes events that are too many.
func (s *Store) DeleteExpiredKeys(ctx context.Context, limit int) (int, error) {
	return s.inSteps(ctx, limit, func(tx *tx, limit int) (int, error) {
		if err := saveClock(tx); err != nil {
			return 0, err
		}
		if _, err := tx.exec(`DELETE FROM events WHERE id IN
			(SELECT id FROM events WHERE id <= (SELECT max(id) FROM events) - ? ORDER BY id LIMIT ?)`,
			maxEvents, limit); err != nil {
			return 0, err
		}
		deleted, err := tx.change(`DELETE FROM idempotency WHERE (client_id, endpoint_id, key) IN
			(SELECT client_id, endpoint_id, key FROM idempotency WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`,
			tx.now, limit)
		return int(deleted), err
	})
}

// DeleteOldAudit implements store.Management.
func (s *Store) DeleteOldAudit(ctx context.Context, age time.Duration, limit int) (int, error) {
	return s.deleteOldest(ctx, `DELETE FROM audit WHERE id IN
		(SELECT id FROM (SELECT id, at FROM audit ORDER BY id LIMIT ?2) WHERE at <= ?1)`, age, limit)
}

// DeleteOldEvents implements store.Management.
func (s *Store) DeleteOldEvents(ctx context.Context, age time.Duration, limit int) (int, error) {
	return s.deleteOldest(ctx, `DELETE FROM events WHERE id IN
		(SELECT id FROM (SELECT id, at FROM events ORDER BY id LIMIT ?2) WHERE at <= ?1)`, age, limit)
}

// deleteOldest runs a query that deletes rows up to a time among the first by
// id. Ids are in the order of time as far as the wall clock is, and so there is
// no index to keep, and nothing to read while the first rows are young.
func (s *Store) deleteOldest(ctx context.Context, query string, age time.Duration, limit int) (int, error) {
	return s.inSteps(ctx, limit, func(tx *tx, limit int) (int, error) {
		deleted, err := tx.change(query, tx.wall-age.Microseconds(), limit)
		return int(deleted), err
	})
}

// inSteps deletes up to limit rows, few at a time. After an error the number
// says how many were deleted before it.
func (s *Store) inSteps(ctx context.Context, limit int, step func(tx *tx, limit int) (int, error)) (total int, err error) {
	for total < limit {
		size, deleted := min(limit-total, deleteStep), 0
		err := s.writes.Do(ctx, func(tx *tx) (err error) {
			deleted, err = step(tx, size)
			return err
		})
		if err != nil {
			return total, err
		}
		total += deleted
		if deleted < size {
			break
		}
	}
	return total, nil
}

func scanID(rows *sql.Rows) (id int64, err error) {
	err = rows.Scan(&id)
	return id, err
}
