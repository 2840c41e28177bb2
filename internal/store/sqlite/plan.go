package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

const eventColumns = "id, kind, at, resource_id, endpoint_id, task_id, incident_id, detail"

// scanEvent reads eventColumns and whatever comes after them.
func scanEvent(row scanner, more ...any) (e dispatchapy.Event, err error) {
	var at int64
	err = row.Scan(append([]any{&e.ID, &e.Kind, &at, &e.ResourceID, &e.EndpointID, &e.TaskID, &e.IncidentID, &e.Detail}, more...)...)
	e.At = fromMicros(at)
	return e, err
}

// ClaimEvents implements store.Notifications.
func (s *Store) ClaimEvents(ctx context.Context, leaseFor time.Duration, limit int) (leased []store.LeasedEvent, err error) {
	if err := checkLease(leaseFor); err != nil {
		return nil, err
	}
	err = s.writes.Do(ctx, func(tx *tx) error {
		rows, err := tx.query("SELECT "+eventColumns+`, fence FROM events INDEXED BY events_due
			WHERE status = 'pending' AND run_at <= ? ORDER BY run_at, id LIMIT ?`, tx.now, min(max(limit, 0), maxPage))
		leased, err = collect(rows, err, func(rows *sql.Rows) (l store.LeasedEvent, err error) {
			l.Event, err = scanEvent(rows, &l.Fence)
			l.Fence++
			return l, err
		})
		if err != nil {
			return err
		}
		for i := range leased {
			if _, err := tx.exec("UPDATE events SET run_at = ?, fence = ? WHERE id = ?",
				after(tx.now, leaseFor), leased[i].Fence, leased[i].Event.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return leased, err
}

// PlanEvents implements store.Notifications.
func (s *Store) PlanEvents(ctx context.Context, plans []store.EventPlan) (stale []int64, err error) {
	if len(plans) == 0 {
		return nil, nil
	}
	err = s.writes.Do(ctx, func(tx *tx) error {
		stale = nil
		for i := range plans {
			held, err := planEvent(tx, &plans[i])
			if err != nil {
				return err
			}
			if !held {
				stale = append(stale, plans[i].EventID)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return stale, nil
}

// planEvent reports whether the lease was still held; if not, it changed
// nothing.
func planEvent(tx *tx, p *store.EventPlan) (held bool, err error) {
	event, err := scanEvent(txRow{tx, "UPDATE events SET status = 'planned' WHERE id = ? AND fence = ? AND status = 'pending' RETURNING " + eventColumns,
		[]any{p.EventID, p.Fence}})
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for i := range p.Notices {
		if err := addNotice(tx, &event, &p.Notices[i]); err != nil {
			return true, err
		}
	}
	return true, nil
}

// txRow is the row of a query within a transaction.
type txRow struct {
	tx    *tx
	query string
	args  []any
}

func (r txRow) Scan(dest ...any) error { return r.tx.row(r.query, r.args, dest...) }

// laneOf is the lane of a channel, as the table makes it.
const laneOf = "(?1 || '/' || ?2 || '/' || ?3)"

func laneArgs(c dispatchapy.ChannelRef) []any {
	return []any{c.Name, c.ResourceID, string(c.Via)}
}

// addNotice adds an event to what a channel has to say, unless it says it
// already.
func addNotice(tx *tx, e *dispatchapy.Event, n *store.Notice) error {
	if known, err := isTold(tx, e, n.Channel); known || err != nil {
		return err
	}
	var (
		id       int64
		severity dispatchapy.Severity
	)
	err := tx.row("SELECT id, severity FROM notifications WHERE status = 'pending' AND lane = "+laneOf+" AND group_key = ?4",
		append(laneArgs(n.Channel), n.Group), &id, &severity)
	if errors.Is(err, sql.ErrNoRows) {
		id, severity, err = anyWaiting(tx, n.Channel)
	}
	if err != nil {
		return err
	}
	if id == 0 {
		return openNotification(tx, e, n)
	}
	if own := e.Kind.Severity(); own.Over(severity) {
		severity = own
	}
	// After an attempt that failed the next one comes when it was to come. What can
	// be told with a pause brings nothing forward.
	if _, err := tx.exec(`UPDATE notifications SET events = events + 1, kind = ?, severity = ?, wanted_at = ?,
		run_at = iif(attempts = 0 AND NOT ?, min(run_at, ?), run_at) WHERE id = ?`,
		string(e.Kind), string(severity), tx.now, n.Pause > 0, after(tx.now, n.Wait), id); err != nil {
		return err
	}
	return linkEvent(tx, id, e)
}

// anyWaiting gives what a notice joins of a channel that has too many
// notifications; 0: it has not.
func anyWaiting(tx *tx, c dispatchapy.ChannelRef) (id int64, severity dispatchapy.Severity, err error) {
	var waiting int
	err = tx.row("SELECT count(*) FROM notifications INDEXED BY notifications_due WHERE status IN ('pending', 'processing') AND lane = "+laneOf,
		laneArgs(c), &waiting)
	if err != nil || waiting < store.MaxWaiting {
		return 0, "", err
	}
	err = tx.row("SELECT id, severity FROM notifications INDEXED BY notifications_open WHERE status = 'pending' AND lane = "+laneOf+" ORDER BY id DESC LIMIT 1",
		laneArgs(c), &id, &severity)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", nil
	}
	return id, severity, err
}

// isTold reports whether a channel has been told, or is to be, what an event
// has to say of its incident.
func isTold(tx *tx, e *dispatchapy.Event, c dispatchapy.ChannelRef) (bool, error) {
	if e.IncidentID == 0 {
		return false, nil
	}
	var (
		kind    dispatchapy.EventKind
		detail  string
		waiting bool
	)
	err := tx.row(`SELECT e.kind, e.detail, n.status IN ('pending', 'processing') FROM notification_events AS l
		JOIN notifications AS n ON n.id = l.notification_id JOIN events AS e ON e.id = l.event_id
		WHERE l.incident_id > 0 AND l.incident_id = ?4 AND n.lane = `+laneOf+" ORDER BY l.event_id DESC LIMIT 1",
		append(laneArgs(c), e.IncidentID), &kind, &detail, &waiting)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return kind == e.Kind && detail == e.Detail || e.Kind == dispatchapy.EventResourceReminder && waiting, nil
}

func openNotification(tx *tx, e *dispatchapy.Event, n *store.Notice) error {
	runAt := after(tx.now, n.Wait)
	if n.Pause > 0 {
		latest, err := latestMessage(tx, n.Channel)
		if err != nil {
			return err
		}
		if passed := time.Duration(max(tx.wall-latest, 0)) * time.Microsecond; latest > 0 && passed < n.Pause {
			runAt = max(runAt, after(tx.now, n.Pause-passed))
		}
	}
	inserted, err := tx.exec(`INSERT INTO notifications (status, run_at, channel, resource_id, via, group_key, kind, severity, events, created_at, wanted_at)
		VALUES ('pending', ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)`, runAt, n.Channel.Name, n.Channel.ResourceID, string(n.Channel.Via), n.Group,
		string(e.Kind), string(e.Kind.Severity()), tx.wall, tx.now)
	if err != nil {
		return err
	}
	id, err := inserted.LastInsertId()
	if err != nil {
		return err
	}
	return linkEvent(tx, id, e)
}

// latestMessage gives when a channel got its latest message, by the wall clock;
// 0: never. What is being sent is got now.
func latestMessage(tx *tx, c dispatchapy.ChannelRef) (at int64, err error) {
	var sending int
	if err := tx.row("SELECT count(*) FROM notifications WHERE status = 'processing' AND lane = "+laneOf, laneArgs(c), &sending); err != nil {
		return 0, err
	}
	if sending > 0 {
		return tx.wall, nil
	}
	err = tx.row("SELECT finished_at FROM notifications WHERE status = 'sent' AND lane = "+laneOf+" ORDER BY id DESC LIMIT 1", laneArgs(c), &at)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return at, err
}

// linkEvent lists an event. Where too many are listed it takes the place of the
// latest one.
func linkEvent(tx *tx, id int64, e *dispatchapy.Event) error {
	var listed int
	if err := tx.row("SELECT count(*) FROM notification_events WHERE notification_id = ?", []any{id}, &listed); err != nil {
		return err
	}
	if listed >= store.MaxListed {
		if _, err := tx.exec(`DELETE FROM notification_events WHERE notification_id = ?1 AND event_id =
			(SELECT max(event_id) FROM notification_events WHERE notification_id = ?1)`, id); err != nil {
			return err
		}
	}
	_, err := tx.exec("INSERT OR IGNORE INTO notification_events (event_id, notification_id, incident_id) VALUES (?, ?, ?)", e.ID, id, e.IncidentID)
	return err
}
