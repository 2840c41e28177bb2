package sqlite

import (
	"context"
	"database/sql"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// AppendEvents implements store.Store.
func (s *Store) AppendEvents(ctx context.Context, events []dispatchapy.Event) error {
	if len(events) == 0 {
		return nil
	}
	return s.writes.Do(ctx, func(tx *tx) error { return tx.addEvents(events) })
}

// addEvents gives events without a time the present one.
func (tx *tx) addEvents(events []dispatchapy.Event) error {
	for i := range events {
		e := &events[i]
		at := micros(e.At)
		if at == 0 {
			at = tx.wall
		}
		inserted, err := tx.exec(`INSERT INTO events (kind, at, resource_id, endpoint_id, task_id, incident_id, detail, run_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			string(e.Kind), at, e.ResourceID, e.EndpointID, e.TaskID, e.IncidentID, e.Detail, tx.now)
		if err != nil {
			return err
		}
		if tx.event, err = inserted.LastInsertId(); err != nil {
			return err
		}
		tx.hint.Events = true
	}
	return nil
}

// ListEvents implements store.Store. At most maxPage events are given.
func (s *Store) ListEvents(ctx context.Context, q store.EventQuery) (events []dispatchapy.Event, err error) {
	var w where
	w.and(true, "id < ?", fromNewest(q.Before))
	w.kinds(q.Kinds)
	w.and(q.ResourceID != 0, "resource_id > 0 AND resource_id = ?", q.ResourceID)
	w.and(q.EndpointID != 0, "endpoint_id > 0 AND endpoint_id = ?", q.EndpointID)
	w.and(q.IncidentID != 0, "incident_id > 0 AND incident_id = ?", q.IncidentID)
	w.and(!q.Since.IsZero(), "at >= ?", ceilMicros(q.Since))
	w.and(!q.Until.IsZero(), "at < ?", ceilMicros(q.Until))
	err = s.reading(func() error {
		rows, err := s.read.QueryContext(ctx, "SELECT "+eventColumns+" FROM events WHERE "+w.sql()+" ORDER BY id DESC LIMIT ?",
			append(w.args, min(max(q.Limit, 0), maxPage))...)
		events, err = collect(rows, err, func(rows *sql.Rows) (dispatchapy.Event, error) { return scanEvent(rows) })
		return err
	})
	return events, err
}
