package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

const incidentColumns = "id, kind, resource_id, endpoint_id, opened_at, closed_at, cause, acknowledged_by, acknowledged_at, note"

func scanIncident(row scanner) (i dispatchapy.Incident, err error) {
	var opened, closed, acknowledged int64
	err = row.Scan(&i.ID, &i.Kind, &i.ResourceID, &i.EndpointID, &opened, &closed, &i.Cause, &i.AcknowledgedBy, &acknowledged, &i.Note)
	i.OpenedAt, i.ClosedAt, i.AcknowledgedAt = fromMicros(opened), fromMicros(closed), fromMicros(acknowledged)
	return i, err
}

// changeIncident makes a change of the incident that it is about.
func changeIncident(tx *tx, c *store.IncidentChange) error {
	var (
		id           int64
		acknowledged string
	)
	err := tx.row("SELECT id, acknowledged_by FROM incidents WHERE closed_at = 0 AND kind = ? AND resource_id = ? AND endpoint_id = ?",
		[]any{string(c.Kind), c.ResourceID, c.EndpointID}, &id, &acknowledged)
	isNew := errors.Is(err, sql.ErrNoRows)
	switch {
	case isNew && !c.Open:
		return addEventOf(tx, 0, c.Always)
	case isNew:
		id, err = openIncident(tx, c)
	}
	if err != nil {
		return err
	}
	if err := addEntries(tx, id, c.Entries); err != nil {
		return err
	}
	if c.Close {
		if err := closeIncident(tx, id, micros(c.At), c.Reason); err != nil {
			return err
		}
	}
	if isNew || c.Close {
		if err := addEventOf(tx, id, c.Event); err != nil {
			return err
		}
	}
	if err := addEventOf(tx, id, c.Always); err != nil {
		return err
	}
	if r := c.Reminder; r != nil && acknowledged == "" {
		if err := addEntry(tx, id, &dispatchapy.IncidentEntry{Kind: dispatchapy.EntryReminder, At: r.At, Detail: r.Detail}); err != nil {
			return err
		}
		return addEventOf(tx, id, r)
	}
	return nil
}

// addEventOf writes an event, if there is one, as one of an incident.
func addEventOf(tx *tx, incidentID int64, event *dispatchapy.Event) error {
	if event == nil {
		return nil
	}
	e := *event
	e.IncidentID = incidentID
	return tx.addEvents([]dispatchapy.Event{e})
}

func openIncident(tx *tx, c *store.IncidentChange) (id int64, err error) {
	inserted, err := tx.exec("INSERT INTO incidents (kind, resource_id, endpoint_id, opened_at, cause) VALUES (?, ?, ?, ?, ?)",
		string(c.Kind), c.ResourceID, c.EndpointID, micros(c.At), c.Cause)
	if err != nil {
		return 0, err
	}
	if id, err = inserted.LastInsertId(); err != nil {
		return 0, err
	}
	return id, addEntry(tx, id, &dispatchapy.IncidentEntry{Kind: dispatchapy.EntryOpened, At: c.At, Detail: c.Cause})
}

func closeIncident(tx *tx, id, at int64, reason string) error {
	// Not before it was opened, whatever the clocks of several nodes say.
	if _, err := tx.exec("UPDATE incidents SET closed_at = max(?, opened_at) WHERE id = ?", at, id); err != nil {
		return err
	}
	return addEntry(tx, id, &dispatchapy.IncidentEntry{Kind: dispatchapy.EntryClosed, At: fromMicros(at), Detail: reason})
}

// closeIncidentsOf closes what is open about an object that is deleted.
func closeIncidentsOf(tx *tx, ref store.ObjectRef) error {
	column := map[store.Kind]string{store.KindResource: "resource_id", store.KindEndpoint: "endpoint_id"}[ref.Kind]
	if column == "" {
		return nil
	}
	rows, err := tx.query("SELECT id FROM incidents INDEXED BY incidents_closed WHERE closed_at = 0 AND "+column+" = ?", ref.ID)
	ids, err := collect(rows, err, scanID)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := closeIncident(tx, id, tx.wall, "the "+string(ref.Kind)+" was deleted"); err != nil {
			return err
		}
	}
	return nil
}

func addEntries(tx *tx, id int64, entries []dispatchapy.IncidentEntry) error {
	for i := range entries {
		if err := addEntry(tx, id, &entries[i]); err != nil {
			return err
		}
	}
	return nil
}

// addEntry adds to a timeline, or counts in the latest entry of the kind where
// there are as many as there may be.
func addEntry(tx *tx, id int64, e *dispatchapy.IncidentEntry) error {
	at, last, count := micros(e.At), micros(e.LastAt), max(e.Count, 1)
	if at == 0 {
		at = tx.wall
	}
	if last == 0 {
		last = at
	}
	lastDetail := e.LastDetail
	if lastDetail == "" {
		lastDetail = e.Detail
	}
	var (
		entries int
		latest  sql.NullInt64
	)
	if err := tx.row("SELECT count(*), max(id) FROM incident_entries WHERE incident_id = ? AND kind = ?",
		[]any{id, string(e.Kind)}, &entries, &latest); err != nil {
		return err
	}
	if entries >= e.Kind.MaxEntries() {
		_, err := tx.exec("UPDATE incident_entries SET last_at = max(last_at, ?), count = count + ?, last_detail = ? WHERE id = ?",
			last, count, lastDetail, latest.Int64)
		return err
	}
	_, err := tx.exec(`INSERT INTO incident_entries (incident_id, kind, at, last_at, count, by, detail, last_detail, task_id)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, id, string(e.Kind), at, last, count, e.By, e.Detail, lastDetail, e.TaskID)
	return err
}

// ListIncidents implements store.Incidents. At most maxPage are given.
func (s *Store) ListIncidents(ctx context.Context, q store.IncidentQuery) (list []dispatchapy.Incident, err error) {
	var w where
	w.and(true, "id < ?", fromNewest(q.Before))
	w.kinds(q.Kinds)
	w.and(q.ResourceID != 0, "resource_id > 0 AND resource_id = ?", q.ResourceID)
	w.and(q.EndpointID != 0, "endpoint_id > 0 AND endpoint_id = ?", q.EndpointID)
	w.and(q.Open != nil && *q.Open, "closed_at = 0")
	w.and(q.Open != nil && !*q.Open, "closed_at > 0")
	w.and(!q.Since.IsZero(), "(closed_at = 0 OR closed_at >= ?)", ceilMicros(q.Since))
	w.and(!q.Until.IsZero(), "opened_at < ?", ceilMicros(q.Until))
	err = s.reading(func() error {
		rows, err := s.read.QueryContext(ctx, "SELECT "+incidentColumns+" FROM incidents WHERE "+w.sql()+" ORDER BY id DESC LIMIT ?",
			append(w.args, min(max(q.Limit, 0), maxPage))...)
		list, err = collect(rows, err, func(rows *sql.Rows) (dispatchapy.Incident, error) { return scanIncident(rows) })
		return err
	})
	return list, err
}

// Incident implements store.Incidents.
func (s *Store) Incident(ctx context.Context, id int64) (detail store.IncidentDetail, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		row := tx.QueryRowContext(ctx, "SELECT "+incidentColumns+" FROM incidents WHERE id = ?", id)
		if detail.Incident, err = scanIncident(row); err != nil {
			return incidentError(id, err)
		}
		rows, err := tx.QueryContext(ctx, `SELECT id, kind, at, last_at, count, by, detail, last_detail, task_id FROM incident_entries
			WHERE incident_id = ? ORDER BY at, id`, id)
		detail.Timeline, err = collect(rows, err, func(rows *sql.Rows) (e dispatchapy.IncidentEntry, err error) {
			var at, last int64
			err = rows.Scan(&e.ID, &e.Kind, &at, &last, &e.Count, &e.By, &e.Detail, &e.LastDetail, &e.TaskID)
			e.At, e.LastAt = fromMicros(at), fromMicros(last)
			return e, err
		})
		return err
	})
	if err != nil {
		return store.IncidentDetail{}, err
	}
	return detail, nil
}

func incidentError(id int64, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("incident %d: %w", id, store.ErrNotFound)
	}
	return err
}

// AnnotateIncident implements store.Incidents.
func (s *Store) AnnotateIncident(ctx context.Context, id int64, a store.Annotation) (incident dispatchapy.Incident, err error) {
	err = s.writes.Do(ctx, func(tx *tx) error {
		if incident, err = scanIncident(incidentRow{tx, id}); err != nil {
			return incidentError(id, err)
		}
		if a.Acknowledge && incident.AcknowledgedBy == "" {
			if !incident.IsOpen() {
				return dispatchapy.Errorf(dispatchapy.CodeConflict, "incident %d is closed: there is nothing to acknowledge", id)
			}
			incident.AcknowledgedBy, incident.AcknowledgedAt = a.By, fromMicros(tx.wall)
			if err := addEntry(tx, id, &dispatchapy.IncidentEntry{Kind: dispatchapy.EntryAcknowledged, By: a.By}); err != nil {
				return err
			}
		}
		if a.Note != "" {
			incident.Note = a.Note
			if err := addEntry(tx, id, &dispatchapy.IncidentEntry{Kind: dispatchapy.EntryNote, By: a.By, Detail: a.Note}); err != nil {
				return err
			}
		}
		_, err := tx.exec("UPDATE incidents SET acknowledged_by = ?, acknowledged_at = ?, note = ? WHERE id = ?",
			incident.AcknowledgedBy, micros(incident.AcknowledgedAt), incident.Note, id)
		return err
	})
	if err != nil {
		return dispatchapy.Incident{}, err
	}
	return incident, nil
}

// incidentRow is an incident's row within a transaction.
type incidentRow struct {
	tx *tx
	id int64
}

func (r incidentRow) Scan(dest ...any) error {
	return r.tx.row("SELECT "+incidentColumns+" FROM incidents WHERE id = ?", []any{r.id}, dest...)
}

// AddIncidentEntries implements store.Incidents.
func (s *Store) AddIncidentEntries(ctx context.Context, id int64, entries []dispatchapy.IncidentEntry) error {
	return s.writes.Do(ctx, func(tx *tx) error {
		var found int
		if err := tx.row("SELECT count(*) FROM incidents WHERE id = ?", []any{id}, &found); err != nil {
			return err
		}
		if found == 0 {
			return incidentError(id, sql.ErrNoRows)
		}
		return addEntries(tx, id, entries)
	})
}

// Repairs implements store.Incidents.
func (s *Store) Repairs(ctx context.Context, kind dispatchapy.EventKind, since time.Time, resourceIDs []int64) (all []store.Repairs, err error) {
	// What was closed before the time was opened before it, too.
	var w where
	w.and(true, "(closed_at = 0 OR closed_at >= ?2) AND kind = ?1 AND resource_id > 0", string(kind), ceilMicros(since))
	w.and(resourceIDs != nil, "resource_id IN (SELECT value FROM json_each(?3))", jsonIDs(resourceIDs))
	err = s.reading(func() error {
		rows, err := s.read.QueryContext(ctx, `SELECT resource_id, sum(opened_at >= ?2), sum(closed_at > 0),
			sum(iif(closed_at > 0, closed_at - opened_at, 0)) FROM incidents INDEXED BY incidents_closed
			WHERE `+w.sql()+" GROUP BY resource_id ORDER BY resource_id", w.args...)
		all, err = collect(rows, err, func(rows *sql.Rows) (r store.Repairs, err error) {
			var took int64
			err = rows.Scan(&r.ResourceID, &r.Opened, &r.Closed, &took)
			r.Took = time.Duration(took) * time.Microsecond
			return r, err
		})
		return err
	})
	return all, err
}

// DeleteOldIncidents implements store.Incidents.
func (s *Store) DeleteOldIncidents(ctx context.Context, age time.Duration, limit int) (int, error) {
	return s.inSteps(ctx, limit, func(tx *tx, limit int) (int, error) {
		rows, err := tx.query("SELECT id FROM incidents INDEXED BY incidents_closed WHERE closed_at > 0 AND closed_at <= ? ORDER BY closed_at LIMIT ?",
			tx.wall-age.Microseconds(), limit)
		ids, err := collect(rows, err, scanID)
		if err != nil {
			return 0, err
		}
		for _, id := range ids {
			if _, err := tx.exec("DELETE FROM incident_entries WHERE incident_id = ?", id); err != nil {
				return 0, err
			}
			if _, err := tx.exec("DELETE FROM incidents WHERE id = ?", id); err != nil {
				return 0, err
			}
		}
		return len(ids), nil
	})
}
