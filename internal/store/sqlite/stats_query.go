package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// Stats implements store.Management.
func (s *Store) Stats(ctx context.Context, q store.StatsQuery) ([]store.StatsRow, error) {
	if q.Bucket < 0 || q.Bucket%time.Hour != 0 {
		return nil, &dispatchapy.Error{Code: dispatchapy.CodeInvalid, Message: "the statistics cannot be given like this",
			Fields: []dispatchapy.FieldError{{Path: "bucket", Message: "give whole hours"}}}
	}
	where, args := statsConditions(&q)
	sum := newStatsSum(&q)
	err := s.reading(func() error {
		rows, err := s.read.QueryContext(ctx, `SELECT hour, endpoint_id, client_id, scope, resource_id,
			delivered, failed, attempts, failed_attempts, latency, answer FROM stats WHERE `+where, args...)
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
	return sum.rows(), nil
}

func statsConditions(q *store.StatsQuery) (where string, args []any) {
	last := int64(math.MaxInt64)
	if !q.Until.IsZero() {
		last = (ceilMicros(q.Until) - 1) / hour
	}
	conditions := []string{"hour >= ? AND hour <= ?"}
	args = []any{firstHour(q.Since), last}
	one := func(sql string, given bool, arg any) {
		if given {
			conditions, args = append(conditions, sql), append(args, arg)
		}
	}
	one("endpoint_id = ?", q.EndpointID != 0, q.EndpointID)
	one("client_id = ?", q.ClientID != 0, q.ClientID)
	one("resource_id = ?", q.ResourceID != 0, q.ResourceID)
	one("scope = ?", q.Scope != "", q.Scope)
	return strings.Join(conditions, " AND "), args
}

// firstHour gives the hour since 1970 of a time, 0 for the zero time.
func firstHour(since time.Time) int64 { return max(0, micros(since)/hour) }

// statsGroup is what one row of the answer is about.
type statsGroup struct {
	bucket   int64
	objectID int64
	scope    string
}

// statsSum adds up stored rows.
type statsSum struct {
	query  *store.StatsQuery
	groups map[statsGroup]*statsRow
	scopes map[string]bool
}

func newStatsSum(q *store.StatsQuery) *statsSum {
	return &statsSum{query: q, groups: map[statsGroup]*statsRow{}, scopes: map[string]bool{}}
}

func (s *statsSum) add(rows *sql.Rows) error {
	var (
		at              int64
		key             statsKey
		row             statsRow
		latency, answer sql.RawBytes
	)
	err := rows.Scan(&at, &key.endpointID, &key.clientID, &key.scope, &key.resourceID,
		&row.delivered, &row.failed, &row.attempts, &row.failedAttempts, &latency, &answer)
	if err != nil {
		return err
	}
	row.latency, row.answer = decodeHistogram(latency), decodeHistogram(answer)
	group := s.groupOf(at, &key)
	if s.groups[group] == nil {
		if len(s.groups) == store.MaxStatsRows {
			return &dispatchapy.Error{Code: dispatchapy.CodeInvalid, Message: "these are too many rows of statistics",
				Fields: []dispatchapy.FieldError{{Path: "bucket", Message: "give a longer one, or a shorter time, or no group"}}}
		}
		s.groups[group] = &statsRow{}
	}
	s.groups[group].merge(&row)
	return nil
}

func (s *statsSum) groupOf(at int64, key *statsKey) (g statsGroup) {
	if s.query.Bucket > 0 {
		g.bucket = (at - firstHour(s.query.Since)) / int64(s.query.Bucket/time.Hour)
	}
	switch s.query.Group {
	case store.ByEndpoint:
		g.objectID = key.endpointID
	case store.ByClient:
		g.objectID = key.clientID
	case store.ByResource:
		g.objectID = key.resourceID
	case store.ByScope:
		if len(s.scopes) < store.MaxScopes {
			s.scopes[key.scope] = true
		}
		if s.scopes[key.scope] {
			g.scope = key.scope
		}
	}
	return g
}

// rows gives what was added up, in order.
func (s *statsSum) rows() []store.StatsRow {
	groups := slices.SortedFunc(maps.Keys(s.groups), func(a, b statsGroup) int {
		return cmp.Or(cmp.Compare(a.bucket, b.bucket), cmp.Compare(a.objectID, b.objectID), cmp.Compare(a.scope, b.scope))
	})
	rows := make([]store.StatsRow, len(groups))
	for i, g := range groups {
		row := s.groups[g]
		rows[i] = store.StatsRow{
			Start: s.start(g.bucket), ObjectID: g.objectID, Scope: g.scope,
			Delivered: row.delivered, Failed: row.failed, Attempts: row.attempts, FailedAttempts: row.failedAttempts,
			Latency: row.latency, Answer: row.answer,
		}
	}
	return rows
}

func (s *statsSum) start(bucket int64) time.Time {
	if s.query.Bucket == 0 {
		return s.query.Since
	}
	return time.UnixMicro(firstHour(s.query.Since) * hour).UTC().Add(time.Duration(bucket) * s.query.Bucket)
}

// DeleteOldStats implements store.Management.
func (s *Store) DeleteOldStats(ctx context.Context, age time.Duration, limit int) (int, error) {
	type storedKey struct {
		hour int64
		statsKey
	}
	return s.inSteps(ctx, limit, func(tx *tx, limit int) (int, error) {
		rows, err := tx.query("SELECT hour, endpoint_id, client_id, scope, resource_id FROM stats WHERE hour < ? ORDER BY hour LIMIT ?",
			(tx.wall-age.Microseconds())/hour, limit)
		keys, err := collect(rows, err, func(rows *sql.Rows) (k storedKey, err error) {
			err = rows.Scan(&k.hour, &k.endpointID, &k.clientID, &k.scope, &k.resourceID)
			return k, err
		})
		if err != nil {
			return 0, err
		}
		for _, k := range keys {
			if _, err := tx.exec("DELETE FROM stats WHERE hour = ? AND endpoint_id = ? AND client_id = ? AND scope = ? AND resource_id = ?",
				k.hour, k.endpointID, k.clientID, k.scope, k.resourceID); err != nil {
				return 0, err
			}
		}
		return len(keys), nil
	})
}
