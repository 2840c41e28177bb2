package sqlite

import (
	"context"
	"database/sql"

	"dispatchapy/internal/store"
)

// FailedAttempts implements store.Store.
func (s *Store) FailedAttempts(ctx context.Context, resourceID int64, limit int) (found []store.FailedAttempt, err error) {
	err = s.reading(func() error {
		rows, err := s.read.QueryContext(ctx, `SELECT a.task_id, t.endpoint_id, t.client_id, t.ref, a.number, a.resource_id, a.outcome, a.status_code,
				a.error, a.detail, a.started_at, a.duration
			FROM (SELECT * FROM attempts INDEXED BY attempts_failed WHERE resource_id = ?1 AND outcome <> 'success'
				ORDER BY started_at DESC, task_id DESC, number DESC LIMIT ?2) a
			JOIN tasks t ON t.id = a.task_id
			ORDER BY a.started_at DESC, a.task_id DESC, a.number DESC`, resourceID, max(limit, 0))
		found, err = collect(rows, err, func(rows *sql.Rows) (a store.FailedAttempt, err error) {
			var started int64
			err = rows.Scan(&a.TaskID, &a.EndpointID, &a.ClientID, &a.Ref, &a.Number, &a.ResourceID, &a.Outcome, &a.StatusCode,
				&a.Error, &a.Detail, &started, &a.Duration)
			a.StartedAt = fromMicros(started)
			return a, err
		})
		return err
	})
	return found, err
}
