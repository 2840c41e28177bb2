package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

const notificationColumns = `id, channel, resource_id, via, status, kind, severity, events, created_at, run_at, finished_at, attempts, title, last_error`

// scanNotification reads notificationColumns and whatever comes after them.
func scanNotification(row scanner, clock clock, more ...any) (n dispatchapy.Notification, err error) {
	var created, run, finished int64
	err = row.Scan(append([]any{&n.ID, &n.Channel.Name, &n.Channel.ResourceID, &n.Channel.Via, &n.Status, &n.Kind, &n.Severity, &n.Events,
		&created, &run, &finished, &n.Attempts, &n.Title, &n.LastError}, more...)...)
	n.CreatedAt, n.FinishedAt = fromMicros(created), fromMicros(finished)
	if !n.Status.Finished() {
		n.RunAt = clock.display(run)
	}
	return n, err
}

// dueLanes finds the first due notification of each lane that is not at work.
// Its work is in proportion to the lanes that have something to say, not to what
// they have to say.
const dueLanes = `WITH RECURSIVE lanes (lane) AS (
		SELECT min(lane) FROM notifications INDEXED BY notifications_due WHERE status IN ('pending', 'processing')
		UNION ALL
		SELECT (SELECT min(n.lane) FROM notifications AS n INDEXED BY notifications_due WHERE n.status IN ('pending', 'processing') AND n.lane > lanes.lane)
		FROM lanes WHERE lanes.lane IS NOT NULL)
	SELECT n.id FROM lanes JOIN notifications AS n ON n.id =
		(SELECT d.id FROM notifications AS d INDEXED BY notifications_due
		 WHERE d.status IN ('pending', 'processing') AND d.lane = lanes.lane AND d.run_at <= ?1 ORDER BY d.id LIMIT 1)
	WHERE n.via = ?2 AND NOT EXISTS (SELECT 1 FROM notifications AS b WHERE b.status = 'processing' AND b.lane = lanes.lane AND b.run_at > ?1)
	ORDER BY n.run_at, n.id LIMIT ?3`

// ClaimNotifications implements store.Notifications.
func (s *Store) ClaimNotifications(ctx context.Context, c store.NotificationClaim) (claimed store.ClaimedNotifications, err error) {
	if err := checkLease(c.LeaseFor); err != nil {
		return claimed, err
	}
	err = s.writes.Do(ctx, func(tx *tx) error {
		claimed = store.ClaimedNotifications{}
		for _, via := range []dispatchapy.Via{dispatchapy.ViaEmail, dispatchapy.ViaWebhook} {
			if c.Limits[via] <= 0 {
				continue
			}
			rows, err := tx.query(dueLanes, tx.now, string(via), min(c.Limits[via], maxPage))
			ids, err := collect(rows, err, scanID)
			if err != nil {
				return err
			}
			for _, id := range ids {
				leased, err := s.leaseNotification(tx, id, c.LeaseFor)
				if err != nil {
					return err
				}
				claimed.Notifications = append(claimed.Notifications, leased)
			}
		}
		var next sql.NullInt64
		if err := tx.row("SELECT min(run_at) FROM notifications INDEXED BY notifications_next WHERE status IN ('pending', 'processing') AND run_at > ?",
			[]any{tx.now}, &next); err != nil {
			return err
		}
		if next.Valid {
			claimed.Next = until(tx.now, next.Int64)
		}
		return nil
	})
	if err != nil {
		return store.ClaimedNotifications{}, err
	}
	return claimed, nil
}

func (s *Store) leaseNotification(tx *tx, id int64, leaseFor time.Duration) (l store.LeasedNotification, err error) {
	var (
		wanted int64
		rest   string
	)
	l.Notification, err = scanNotification(txRow{tx, `UPDATE notifications SET status = 'processing', run_at = ?, fence = fence + 1 WHERE id = ?
		RETURNING ` + notificationColumns + ", fence, wanted_at, rest", []any{after(tx.now, leaseFor), id}}, s.clock, &l.Fence, &wanted, &rest)
	if err != nil {
		return l, err
	}
	if l.Notification.Attempts > 0 {
		l.Wanted = until(wanted, tx.now)
	}
	if rest != "" {
		l.Rest = strings.Split(rest, "\n")
	}
	rows, err := tx.query(eventsOfNotification, id)
	l.Events, err = collect(rows, err, scanEventDetail)
	return l, err
}

const eventsOfNotification = `SELECT e.id, e.kind, e.at, e.resource_id, e.endpoint_id, e.task_id, e.incident_id, e.detail,
		coalesce(r.name, ''), coalesce(p.name, ''), coalesce(i.opened_at, 0), coalesce(i.closed_at, 0)
	FROM notification_events AS l INDEXED BY notification_events_notification JOIN events AS e ON e.id = l.event_id
		LEFT JOIN config_objects AS r ON r.id = e.resource_id LEFT JOIN config_objects AS p ON p.id = e.endpoint_id
		LEFT JOIN incidents AS i ON i.id = e.incident_id
	WHERE l.notification_id = ? ORDER BY e.id`

func scanEventDetail(rows *sql.Rows) (e store.EventDetail, err error) {
	var opened, closed int64
	e.Event, err = scanEvent(rows, &e.Resource, &e.Endpoint, &opened, &closed)
	e.OpenedAt, e.ClosedAt = fromMicros(opened), fromMicros(closed)
	return e, err
}

// RecordNotifications implements store.Notifications.
func (s *Store) RecordNotifications(ctx context.Context, outcomes []store.NotificationOutcome) (stale []int64, err error) {
	if len(outcomes) == 0 {
		return nil, nil
	}
	for i := range outcomes {
		if o := &outcomes[i]; o.Status != dispatchapy.NotificationPending && !o.Status.Finished() {
			return nil, fmt.Errorf("outcome of notification %d: %q is not a status in which a lease can end", o.ID, o.Status)
		}
	}
	err = s.writes.Do(ctx, func(tx *tx) error {
		stale = nil
		for i := range outcomes {
			held, err := recordNotification(tx, &outcomes[i])
			if err != nil {
				return err
			}
			if !held {
				stale = append(stale, outcomes[i].ID)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return stale, nil
}

// recordNotification reports whether the lease was still held; if not, it
// changed nothing.
func recordNotification(tx *tx, o *store.NotificationOutcome) (held bool, err error) {
	var found int
	err = tx.row("SELECT count(*) FROM notifications WHERE id = ? AND fence = ? AND status = 'processing'", []any{o.ID, o.Fence}, &found)
	if err != nil || found == 0 {
		return false, err
	}
	runAt, finished := int64(0), tx.wall
	if o.Status == dispatchapy.NotificationPending {
		runAt, finished = after(tx.now, o.RetryIn), 0
		if len(o.Rest) > 0 {
			err = keepFor(tx, o.ID, o.Rest)
		} else {
			err = absorb(tx, o.ID)
		}
		if err != nil {
			return true, err
		}
	}
	if _, err := tx.exec(`UPDATE notifications SET status = ?1, run_at = ?2, finished_at = ?3, attempts = attempts + ?4,
		title = iif(?5 = '', title, ?5), last_error = ?6, wanted_at = iif(attempts = 0, ?8, wanted_at) WHERE id = ?7`,
		string(o.Status), runAt, finished, o.Attempted, o.Title, o.Error, o.ID, tx.now); err != nil {
		return true, err
	}
	return true, addToTimelines(tx, o)
}

// keepFor keeps a notification for some of its recipients, in a group of its
// own.
func keepFor(tx *tx, id int64, rest []string) error {
	_, err := tx.exec("UPDATE notifications SET rest = ?1, group_key = iif(rest = '', group_key || ' rest ' || id, group_key) WHERE id = ?2",
		strings.Join(rest, "\n"), id)
	return err
}

// absorb takes the pending notification of the same channel and group in.
func absorb(tx *tx, id int64) error {
	var (
		other, wanted, latest int64
		events                int
		kind                  string
		severity, own         dispatchapy.Severity
	)
	err := tx.row(`SELECT o.id, o.events, o.kind, o.severity, o.wanted_at, n.severity, n.wanted_at FROM notifications AS n
		JOIN notifications AS o ON o.lane = n.lane AND o.group_key = n.group_key AND o.status = 'pending' AND o.id <> n.id
		WHERE n.id = ?`, []any{id}, &other, &events, &kind, &severity, &wanted, &own, &latest)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if own.Over(severity) {
		severity = own
	}
	if _, err := tx.exec("UPDATE notifications SET events = events + ?, kind = ?, severity = ?, wanted_at = ? WHERE id = ?",
		events, kind, string(severity), max(wanted, latest), id); err != nil {
		return err
	}
	if err := moveLinks(tx, other, id); err != nil {
		return err
	}
	_, err = tx.exec("DELETE FROM notifications WHERE id = ?", other)
	return err
}

// moveLinks lists the events of one notification with those of another.
func moveLinks(tx *tx, from, to int64) error {
	rows, err := tx.query("SELECT event_id, incident_id FROM notification_events WHERE notification_id = ? ORDER BY event_id", from)
	moved, err := collect(rows, err, func(rows *sql.Rows) (e dispatchapy.Event, err error) {
		err = rows.Scan(&e.ID, &e.IncidentID)
		return e, err
	})
	if err != nil {
		return err
	}
	if _, err := tx.exec("DELETE FROM notification_events WHERE notification_id = ?", from); err != nil {
		return err
	}
	for i := range moved {
		if err := linkEvent(tx, to, &moved[i]); err != nil {
			return err
		}
	}
	return nil
}

// addToTimelines tells the incidents of a notification who was told.
func addToTimelines(tx *tx, o *store.NotificationOutcome) error {
	if o.Entry == "" {
		return nil
	}
	rows, err := tx.query(`SELECT DISTINCT l.incident_id FROM notification_events AS l JOIN incidents AS i ON i.id = l.incident_id
		WHERE l.notification_id = ? ORDER BY l.incident_id`, o.ID)
	incidents, err := collect(rows, err, scanID)
	if err != nil {
		return err
	}
	for _, incident := range incidents {
		if err := addEntry(tx, incident, &dispatchapy.IncidentEntry{Kind: dispatchapy.EntryNotified, Detail: o.Entry}); err != nil {
			return err
		}
	}
	return nil
}
