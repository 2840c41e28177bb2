package sqlite

import (
	"context"
	"database/sql"

	"dispatchapy"
)

// AppendEvents implements store.Store.
func (s *Store) AppendEvents(ctx context.Context, events []dispatchapy.Event) error {
	if len(events) == 0 {
		return nil
	}
	return s.writes.Do(ctx, func(tx *tx) error { return tx.addEvents(events) })
}

// ListEvents implements store.Store.
func (s *Store) ListEvents(ctx context.Context, before int64, limit int) (events []dispatchapy.Event, err error) {
	err = s.reading(func() error {
		rows, err := s.read.QueryContext(ctx, `SELECT id, kind, at, resource_id, task_id, detail FROM events
			WHERE id < ? ORDER BY id DESC LIMIT ?`, fromNewest(before), max(limit, 0))
		events, err = collect(rows, err, func(rows *sql.Rows) (e dispatchapy.Event, err error) {
			var at int64
			err = rows.Scan(&e.ID, &e.Kind, &at, &e.ResourceID, &e.TaskID, &e.Detail)
			e.At = fromMicros(at)
			return e, err
		})
		return err
	})
	return events, err
}
