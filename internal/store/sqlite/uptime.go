package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// uptimeRow is what a row of the table uptime counts.
type uptimeRow struct {
	up, down, maintenance int64 // microseconds
	checks, failures      int64
	answer                store.Histogram
}

func (r *uptimeRow) merge(other *uptimeRow) {
	r.up += other.up
	r.down += other.down
	r.maintenance += other.maintenance
	r.checks += other.checks
	r.failures += other.failures
	r.answer.Merge(&other.answer)
}

// spend adds time in a state.
func (r *uptimeRow) spend(state dispatchapy.HealthState, us int64) {
	switch state {
	case dispatchapy.HealthUp:
		r.up += us
	case dispatchapy.HealthDown:
		r.down += us
	case dispatchapy.HealthMaintenance:
		r.maintenance += us
	}
}

// addUptime counts a check and the spans before it.
func addUptime(tx *tx, o *store.ProbeOutcome) error {
	hours := map[int64]*uptimeRow{}
	of := func(at int64) *uptimeRow {
		if hours[at/hour] == nil {
			hours[at/hour] = &uptimeRow{}
		}
		return hours[at/hour]
	}
	if c := &o.Check; !c.At.IsZero() {
		row := of(micros(c.At))
		row.checks++
		if c.OK {
			row.answer.Add(c.Duration)
		} else {
			row.failures++
		}
	}
	for _, span := range o.Spans {
		to := micros(span.To)
		from := max(micros(span.From), to-dispatchapy.MaxSpan.Microseconds())
		for from < to {
			end := min((from/hour+1)*hour, to)
			of(from).spend(span.State, end-from)
			from = end
		}
	}
	for at, row := range hours {
		if err := addUptimeRow(tx, o.Health.ResourceID, at, row); err != nil {
			return err
		}
	}
	return nil
}

func addUptimeRow(tx *tx, resourceID, hour int64, row *uptimeRow) error {
	var (
		stored uptimeRow
		answer []byte
	)
	err := tx.row("SELECT up, down, maintenance, checks, failures, answer FROM uptime WHERE resource_id = ? AND hour = ?",
		[]any{resourceID, hour}, &stored.up, &stored.down, &stored.maintenance, &stored.checks, &stored.failures, &answer)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	stored.answer = decodeHistogram(answer)
	row.merge(&stored)
	_, err = tx.exec(`INSERT OR REPLACE INTO uptime (resource_id, hour, up, down, maintenance, checks, failures, answer)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		resourceID, hour, row.up, row.down, row.maintenance, row.checks, row.failures, encodeHistogram(&row.answer))
	return err
}

// Uptime implements store.HealthHistory.
func (s *Store) Uptime(ctx context.Context, q store.UptimeQuery) ([]store.UptimeRow, error) {
	if q.Bucket < 0 || q.Bucket%time.Hour != 0 {
		return nil, &dispatchapy.Error{Code: dispatchapy.CodeInvalid, Message: "the history of health cannot be given like this",
			Fields: []dispatchapy.FieldError{{Path: "bucket", Message: "give whole hours"}}}
	}
	// Resource by resource, because that is the order of the rows: reading the
	// hours of all of them in one range would read every hour there is.
	resources, args := "SELECT resource_id FROM resource_health ORDER BY resource_id", []any(nil)
	if q.ResourceIDs != nil {
		resources, args = "SELECT value AS resource_id FROM json_each(?) ORDER BY value", []any{jsonIDs(q.ResourceIDs)}
	}
	last := int64(math.MaxInt64)
	if !q.Until.IsZero() {
		last = (ceilMicros(q.Until) - 1) / hour
	}
	sum := uptimeSum{query: &q}
	err := s.reading(func() error {
		rows, err := s.read.QueryContext(ctx, `SELECT u.resource_id, u.hour, u.up, u.down, u.maintenance, u.checks, u.failures, u.answer
			FROM (`+resources+`) AS r CROSS JOIN uptime AS u ON u.resource_id = r.resource_id
			WHERE u.hour >= ? AND u.hour <= ? ORDER BY u.resource_id, u.hour`, append(args, firstHour(q.Since), last)...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }() // its error is that of Err
		for rows.Next() {
			if err := sum.add(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err
	}
	return sum.rows, nil
}

// uptimeSum adds up stored rows, which come in order.
type uptimeSum struct {
	query *store.UptimeQuery
	rows  []store.UptimeRow
}

func (s *uptimeSum) add(rows *sql.Rows) error {
	var (
		id, at int64
		row    uptimeRow
		answer sql.RawBytes
	)
	if err := rows.Scan(&id, &at, &row.up, &row.down, &row.maintenance, &row.checks, &row.failures, &answer); err != nil {
		return err
	}
	row.answer = decodeHistogram(answer)
	start := s.start(at)
	last := len(s.rows) - 1
	if last < 0 || s.rows[last].ResourceID != id || !s.rows[last].Start.Equal(start) {
		s.rows = append(s.rows, store.UptimeRow{ResourceID: id, Start: start})
		last++
	}
	sum := &s.rows[last]
	sum.Up += time.Duration(row.up) * time.Microsecond
	sum.Down += time.Duration(row.down) * time.Microsecond
	sum.Maintenance += time.Duration(row.maintenance) * time.Microsecond
	sum.Checks += row.checks
	sum.Failures += row.failures
	sum.Answer.Merge(&row.answer)
	return nil
}

// start gives the beginning of the bucket of an hour.
func (s *uptimeSum) start(at int64) time.Time {
	if s.query.Bucket == 0 {
		return s.query.Since
	}
	first, length := firstHour(s.query.Since), int64(s.query.Bucket/time.Hour)
	return fromMicros((first + (at-first)/length*length) * hour)
}

// DeleteOldUptime implements store.HealthHistory.
func (s *Store) DeleteOldUptime(ctx context.Context, age time.Duration, limit int) (int, error) {
	return s.inSteps(ctx, limit, func(tx *tx, limit int) (int, error) {
		deleted, err := tx.change(`DELETE FROM uptime WHERE (resource_id, hour) IN
			(SELECT u.resource_id, u.hour FROM resource_health AS r CROSS JOIN uptime AS u ON u.resource_id = r.resource_id
			WHERE u.hour < ? LIMIT ?)`, (tx.wall-age.Microseconds())/hour, limit)
		return int(deleted), err
	})
}

// jsonIDs writes ids for json_each.
func jsonIDs(ids []int64) string {
	text, _ := json.Marshal(ids) // integers can always be written
	return string(text)
}
