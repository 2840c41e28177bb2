package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// maxNotifications is how many finished notifications are kept, the latest
// ones.
const maxNotifications = 50_000

// ListNotifications implements store.Notifications. At most maxPage are given.
func (s *Store) ListNotifications(ctx context.Context, q store.NotificationQuery) (list []dispatchapy.Notification, err error) {
	var w where
	w.and(true, "id < ?", fromNewest(q.Before))
	if len(q.Statuses) > 0 {
		statuses, _ := json.Marshal(q.Statuses) // texts can always be written
		w.and(true, "status IN (SELECT value FROM json_each(?))", string(statuses))
	}
	w.and(q.Channel != "", "channel = ? AND resource_id = 0", q.Channel)
	w.and(q.ResourceID != 0, "channel = '' AND resource_id = ?", q.ResourceID)
	w.and(q.IncidentID != 0, "id IN (SELECT notification_id FROM notification_events WHERE incident_id > 0 AND incident_id = ?)", q.IncidentID)
	err = s.reading(func() error {
		rows, err := s.read.QueryContext(ctx, "SELECT "+notificationColumns+" FROM notifications WHERE "+w.sql()+" ORDER BY id DESC LIMIT ?",
			append(w.args, min(max(q.Limit, 0), maxPage))...)
		list, err = collect(rows, err, func(rows *sql.Rows) (dispatchapy.Notification, error) { return scanNotification(rows, s.clock) })
		return err
	})
	return list, err
}

// Notification implements store.Notifications.
func (s *Store) Notification(ctx context.Context, id int64) (detail store.NotificationDetail, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		row := tx.QueryRowContext(ctx, "SELECT "+notificationColumns+" FROM notifications WHERE id = ?", id)
		if detail.Notification, err = scanNotification(row, s.clock); err != nil {
			return notificationError(id, err)
		}
		rows, err := tx.QueryContext(ctx, eventsOfNotification, id)
		detail.Events, err = collect(rows, err, scanEventDetail)
		return err
	})
	if err != nil {
		return store.NotificationDetail{}, err
	}
	return detail, nil
}

func notificationError(id int64, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("notification %d: %w", id, store.ErrNotFound)
	}
	return err
}

// RetryNotification implements store.Notifications.
func (s *Store) RetryNotification(ctx context.Context, id int64) (n dispatchapy.Notification, err error) {
	err = s.writes.Do(ctx, func(tx *tx) error {
		n, err = scanNotification(txRow{tx, "SELECT " + notificationColumns + " FROM notifications WHERE id = ?", []any{id}}, s.clock)
		if err != nil {
			return notificationError(id, err)
		}
		switch n.Status {
		case dispatchapy.NotificationProcessing:
			return dispatchapy.Errorf(dispatchapy.CodeConflict, "notification %d is being sent", id)
		case dispatchapy.NotificationSent:
			return dispatchapy.Errorf(dispatchapy.CodeConflict, "notification %d was sent", id)
		}
		if err := absorb(tx, id); err != nil {
			return err
		}
		tx.hint.Events = true
		n, err = scanNotification(txRow{tx, `UPDATE notifications SET status = 'pending', run_at = ?1, wanted_at = ?1, finished_at = 0, attempts = 0 WHERE id = ?2
			RETURNING ` + notificationColumns, []any{tx.now, id}}, s.clock)
		return err
	})
	if err != nil {
		return dispatchapy.Notification{}, err
	}
	return n, nil
}

// Told implements store.Notifications.
func (s *Store) Told(ctx context.Context, eventIDs []int64) (told []store.Told, err error) {
	if len(eventIDs) == 0 {
		return nil, nil
	}
	err = s.reading(func() error {
		rows, err := s.read.QueryContext(ctx, `SELECT l.event_id, n.id, n.channel, n.resource_id, n.via, n.status, n.finished_at, n.attempts, n.last_error
			FROM notification_events AS l JOIN notifications AS n ON n.id = l.notification_id
			WHERE l.event_id IN (SELECT value FROM json_each(?)) ORDER BY l.event_id, n.id`, jsonIDs(eventIDs))
		told, err = collect(rows, err, func(rows *sql.Rows) (t store.Told, err error) {
			var finished int64
			err = rows.Scan(&t.EventID, &t.NotificationID, &t.Channel.Name, &t.Channel.ResourceID, &t.Channel.Via, &t.Status, &finished, &t.Attempts, &t.Error)
			t.At = fromMicros(finished)
			return t, err
		})
		return err
	})
	return told, err
}

// NotificationBacklog implements store.Notifications.
func (s *Store) NotificationBacklog(ctx context.Context) (b store.NotificationBacklog, err error) {
	err = s.reading(func() error {
		var oldest int64
		err := s.read.QueryRowContext(ctx, `SELECT count(*), coalesce(min(created_at), 0), (SELECT count(*) FROM events WHERE status = 'pending')
			FROM notifications WHERE status IN ('pending', 'processing')`).Scan(&b.Waiting, &oldest, &b.Events)
		b.Oldest = fromMicros(oldest)
		return err
	})
	return b, err
}

// DeleteOldNotifications implements store.Notifications.
func (s *Store) DeleteOldNotifications(ctx context.Context, age time.Duration, limit int) (int, error) {
	return s.inSteps(ctx, limit, func(tx *tx, limit int) (int, error) {
		// As with events, nothing is read while the first rows are young and few.
		rows, err := tx.query(`SELECT id FROM (SELECT id, created_at FROM notifications WHERE status NOT IN ('pending', 'processing') ORDER BY id LIMIT ?3)
			WHERE created_at <= ?1 OR id <= (SELECT max(id) FROM notifications) - ?2`,
			tx.wall-age.Microseconds(), maxNotifications, limit)
		ids, err := collect(rows, err, scanID)
		if err != nil {
			return 0, err
		}
		for _, id := range ids {
			for _, query := range []string{"DELETE FROM notification_events WHERE notification_id = ?", "DELETE FROM notifications WHERE id = ?"} {
				if _, err := tx.exec(query, id); err != nil {
					return 0, err
				}
			}
		}
		return len(ids), nil
	})
}
