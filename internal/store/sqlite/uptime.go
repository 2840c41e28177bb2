package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"slices"
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

// uptimeTable is one of the tables that the history is added up in.
type uptimeTable struct {
	unit             time.Duration // of its rows
	read, write, del string
	list             string // the rows of the resources r, from a unit to another
}

var (
	uptimeHours = uptimeTable{
		unit: time.Hour,
		read: "SELECT up, down, maintenance, checks, failures, answer FROM uptime WHERE resource_id = ? AND hour = ?",
		write: `INSERT OR REPLACE INTO uptime (resource_id, hour, up, down, maintenance, checks, failures, answer)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		del: `DELETE FROM uptime WHERE (resource_id, hour) IN
			(SELECT u.resource_id, u.hour FROM resource_health AS r CROSS JOIN uptime AS u ON u.resource_id = r.resource_id
			WHERE u.hour < ? LIMIT ?)`,
		list: `SELECT u.resource_id, u.hour, u.up, u.down, u.maintenance, u.checks, u.failures, u.answer
			FROM r CROSS JOIN uptime AS u ON u.resource_id = r.resource_id WHERE u.hour >= ? AND u.hour <= ?`,
	}
	uptimeDays = uptimeTable{
		unit: 24 * time.Hour,
		read: "SELECT up, down, maintenance, checks, failures, answer FROM uptime_days WHERE resource_id = ? AND day = ?",
		write: `INSERT OR REPLACE INTO uptime_days (resource_id, day, up, down, maintenance, checks, failures, answer)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		del: `DELETE FROM uptime_days WHERE (resource_id, day) IN
			(SELECT u.resource_id, u.day FROM resource_health AS r CROSS JOIN uptime_days AS u ON u.resource_id = r.resource_id
			WHERE u.day < ? LIMIT ?)`,
		list: `SELECT u.resource_id, u.day, u.up, u.down, u.maintenance, u.checks, u.failures, u.answer
			FROM r CROSS JOIN uptime_days AS u ON u.resource_id = r.resource_id WHERE u.day >= ? AND u.day <= ?`,
	}
)

// addUptime counts a check and the spans before it.
func addUptime(tx *tx, o *store.ProbeOutcome) error {
	hours, days := map[int64]*uptimeRow{}, map[int64]*uptimeRow{}
	of := func(rows map[int64]*uptimeRow, at int64) *uptimeRow {
		if rows[at] == nil {
			rows[at] = &uptimeRow{}
		}
		return rows[at]
	}
	if c := &o.Check; !c.At.IsZero() {
		row := of(hours, micros(c.At)/hour)
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
			of(hours, from/hour).spend(span.State, end-from)
			from = end
		}
	}
	for at, row := range hours {
		of(days, at/24).merge(row)
	}
	if err := uptimeHours.add(tx, o.Health.ResourceID, hours); err != nil {
		return err
	}
	return uptimeDays.add(tx, o.Health.ResourceID, days)
}

// add adds to the stored rows of a resource.
func (t *uptimeTable) add(tx *tx, resourceID int64, rows map[int64]*uptimeRow) error {
	for at, row := range rows {
		var (
			stored uptimeRow
			answer []byte
		)
		err := tx.row(t.read, []any{resourceID, at}, &stored.up, &stored.down, &stored.maintenance, &stored.checks, &stored.failures, &answer)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		stored.answer = decodeHistogram(answer)
		row.merge(&stored)
		if _, err := tx.exec(t.write, resourceID, at, row.up, row.down, row.maintenance, row.checks, row.failures, encodeHistogram(&row.answer)); err != nil {
			return err
		}
	}
	return nil
}

// uptimeTableFor gives the table that has what is asked for with the fewest
// rows.
func uptimeTableFor(q *store.UptimeQuery) *uptimeTable {
	whole := func(t time.Time) bool { return t.IsZero() || micros(t)%(24*hour) == 0 }
	if q.Bucket%uptimeDays.unit == 0 && whole(q.Since) && whole(q.Until) {
		return &uptimeDays
	}
	return &uptimeHours
}

// Uptime implements store.HealthHistory.
func (s *Store) Uptime(ctx context.Context, q store.UptimeQuery) ([]store.UptimeRow, error) {
	if q.Bucket < 0 || q.Bucket%time.Hour != 0 {
		return nil, &dispatchapy.Error{Code: dispatchapy.CodeInvalid, Message: "the history of health cannot be given like this",
			Fields: []dispatchapy.FieldError{{Path: "bucket", Message: "give whole hours"}}}
	}
	// Resource by resource, because that is the order of the rows: reading the
	// hours of all of them in one range would read every hour there is.
	resources, args := "SELECT resource_id FROM resource_health", []any(nil)
	if q.ResourceIDs != nil {
		resources, args = "SELECT DISTINCT value AS resource_id FROM json_each(?)", []any{jsonIDs(q.ResourceIDs)}
	}
	table := uptimeTableFor(&q)
	sum := uptimeSum{query: &q, unit: table.unit, groups: map[uptimeGroup]int{}}
	last := int64(math.MaxInt64)
	if !q.Until.IsZero() {
		last = (ceilMicros(q.Until) - 1) / table.unit.Microseconds()
	}
	err := s.reading(func() error {
		rows, err := s.read.QueryContext(ctx, "WITH r AS ("+resources+") "+table.list, append(args, sum.first(), last)...)
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
	return sum.sorted(), nil
}

// uptimeSum adds up stored rows.
type uptimeSum struct {
	query  *store.UptimeQuery
	unit   time.Duration // of the rows that are added
	groups map[uptimeGroup]int
	rows   []store.UptimeRow
}

// uptimeGroup is what one row of the answer is about.
type uptimeGroup struct{ resourceID, bucket int64 }

func (s *uptimeSum) add(rows *sql.Rows) error {
	var (
		group  uptimeGroup
		at     int64
		row    uptimeRow
		answer sql.RawBytes
	)
	if err := rows.Scan(&group.resourceID, &at, &row.up, &row.down, &row.maintenance, &row.checks, &row.failures, &answer); err != nil {
		return err
	}
	row.answer = decodeHistogram(answer)
	if s.query.Bucket > 0 {
		group.bucket = (at - s.first()) / int64(s.query.Bucket/s.unit)
	}
	last, known := s.groups[group]
	if !known {
		last = len(s.rows)
		s.groups[group] = last
		s.rows = append(s.rows, store.UptimeRow{ResourceID: group.resourceID, Start: s.start(group.bucket)})
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

// first gives the unit in which the buckets begin.
func (s *uptimeSum) first() int64 { return max(0, micros(s.query.Since)/s.unit.Microseconds()) }

func (s *uptimeSum) start(bucket int64) time.Time {
	if s.query.Bucket == 0 {
		return s.query.Since
	}
	return fromMicros(s.first()*s.unit.Microseconds() + bucket*s.query.Bucket.Microseconds())
}

// sorted gives what was added up, in order.
func (s *uptimeSum) sorted() []store.UptimeRow {
	slices.SortFunc(s.rows, func(a, b store.UptimeRow) int {
		return cmp.Or(cmp.Compare(a.ResourceID, b.ResourceID), a.Start.Compare(b.Start))
	})
	return s.rows
}

// DeleteOldUptime implements store.HealthHistory. Days are not counted: there
// are few of them.
func (s *Store) DeleteOldUptime(ctx context.Context, age time.Duration, limit int) (int, error) {
	return s.inSteps(ctx, limit, func(tx *tx, limit int) (int, error) {
		oldest := tx.wall - age.Microseconds()
		if _, err := tx.exec(uptimeDays.del, oldest/(24*hour), limit); err != nil {
			return 0, err
		}
		deleted, err := tx.change(uptimeHours.del, oldest/hour, limit)
		return int(deleted), err
	})
}

// jsonIDs writes ids for json_each.
func jsonIDs(ids []int64) string {
	text, _ := json.Marshal(ids) // integers can always be written
	return string(text)
}
