package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// ClaimProbes implements store.Store.
func (s *Store) ClaimProbes(ctx context.Context, claim store.ProbeClaim) (store.ClaimedProbes, error) {
	if err := checkLease(claim.LeaseFor); err != nil {
		return store.ClaimedProbes{}, err
	}
	var claimed store.ClaimedProbes
	err := s.writes.Do(ctx, func(tx *tx) error {
		claimed = store.ClaimedProbes{NextDue: make(map[int64]time.Duration, len(claim.ResourceIDs))}
		for _, id := range claim.ResourceIDs {
			probe, dueAt, err := claimProbe(tx, id, claim)
			if err != nil {
				return err
			}
			if probe != nil {
				claimed.Probes = append(claimed.Probes, *probe)
			}
			claimed.NextDue[id] = until(tx.now, dueAt)
		}
		return nil
	})
	if err != nil {
		return store.ClaimedProbes{}, err
	}
	return claimed, nil
}

// claimProbe leases the probe of a resource if it may, and says when it is due
// next.
func claimProbe(tx *tx, id int64, claim store.ProbeClaim) (probe *store.ProbeLease, dueAt int64, err error) {
	var (
		fence  int64
		leased bool
	)
	health, err := scanHealth(healthRow{tx, id}, &dueAt, &fence, &leased)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		health = dispatchapy.Health{ResourceID: id, State: dispatchapy.HealthUnknown}
	case err != nil:
		return nil, 0, err
	case dueAt > tx.now && (leased || !claim.Force):
		return nil, dueAt, nil
	}
	isNew := fence == 0
	fence++
	dueAt = after(tx.now, claim.LeaseFor)
	if isNew {
		_, err = tx.exec(`INSERT INTO resource_health (resource_id, state, due_at, fence, leased, kept)
			VALUES (?1, ?2, ?3, ?4, 1, (SELECT count(*) FROM health_checks WHERE resource_id = ?1))`,
			id, string(health.State), dueAt, fence)
	} else {
		_, err = tx.exec("UPDATE resource_health SET due_at = ?, fence = ?, leased = 1 WHERE resource_id = ?", dueAt, fence, id)
	}
	return &store.ProbeLease{Health: health, Fence: fence}, dueAt, err
}

const healthColumns = "resource_id, state, failures, successes, since, checked_at, counted_to, holds_until, failed_from, flapping, changes, remind_at"

// healthRow is a resource's row with its schedule.
type healthRow struct {
	tx *tx
	id int64
}

func (r healthRow) Scan(dest ...any) error {
	return r.tx.row("SELECT "+healthColumns+", due_at, fence, leased FROM resource_health WHERE resource_id = ?",
		[]any{r.id}, dest...)
}

// scanHealth reads healthColumns and whatever comes after them.
func scanHealth(row scanner, more ...any) (h dispatchapy.Health, err error) {
	var (
		since, checked, counted, holds, failed, remind int64
		changes                                        []byte
	)
	err = row.Scan(append([]any{&h.ResourceID, &h.State, &h.Failures, &h.Successes, &since, &checked, &counted, &holds, &failed,
		&h.Flapping, &changes, &remind}, more...)...)
	h.Since, h.CheckedAt = fromMicros(since), fromMicros(checked)
	h.CountedTo, h.HoldsUntil, h.FailedFrom = fromMicros(counted), fromMicros(holds), fromMicros(failed)
	h.RemindAt, h.Changes = fromMicros(remind), decodeTimes(changes)
	return h, err
}

// encodeTimes writes a few times, eight bytes each.
func encodeTimes(times []time.Time) []byte {
	b := make([]byte, 0, 8*len(times))
	for _, t := range times {
		b = binary.BigEndian.AppendUint64(b, uint64(micros(t)))
	}
	return b
}

func decodeTimes(b []byte) (times []time.Time) {
	for ; len(b) >= 8; b = b[8:] {
		times = append(times, fromMicros(int64(binary.BigEndian.Uint64(b))))
	}
	return times
}

// RecordProbes implements store.Store.
func (s *Store) RecordProbes(ctx context.Context, outcomes []store.ProbeOutcome) ([]int64, error) {
	if len(outcomes) == 0 {
		return nil, nil
	}
	var stale []int64
	err := s.writes.Do(ctx, func(tx *tx) error {
		stale = nil
		for i := range outcomes {
			held, err := recordProbe(tx, &outcomes[i])
			if err != nil {
				return err
			}
			if !held {
				stale = append(stale, outcomes[i].Health.ResourceID)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return stale, nil
}

// recordProbe reports whether the lease was still held; if not, it changed
// nothing.
func recordProbe(tx *tx, o *store.ProbeOutcome) (held bool, err error) {
	h, c := &o.Health, o.Check
	c.ResourceID = h.ResourceID
	checks, mark := 0, []byte{}
	if !c.At.IsZero() {
		checks, mark = 1, encodeMark(&c)
	}
	since := micros(h.Since)
	if since == 0 {
		since = tx.wall // 0 would mean never checked
	}
	var kept int
	err = tx.row(`UPDATE resource_health SET state = ?, failures = ?, successes = ?, since = ?, checked_at = ?, failed_from = ?,
		counted_to = ?, holds_until = ?, flapping = ?, changes = ?, remind_at = ?, recent = substr(CAST(recent || ? AS BLOB), -?), due_at = ?, leased = 0, kept = min(kept, ?) + ?
		WHERE resource_id = ? AND fence = ? AND leased = 1 RETURNING kept`,
		[]any{string(h.State), h.Failures, h.Successes, since, micros(h.CheckedAt), micros(h.FailedFrom),
			micros(h.CountedTo), micros(h.HoldsUntil), h.Flapping, encodeTimes(h.Changes), micros(h.RemindAt), mark, store.MaxRecent * markSize,
			after(tx.now, o.NextIn), store.MaxChecks, checks, h.ResourceID, o.Fence}, &kept)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := addUptime(tx, o); err != nil {
		return true, err
	}
	tx.event = 0
	if o.Incident != nil {
		if err := changeIncident(tx, o.Incident); err != nil {
			return true, err
		}
	}
	if err := tx.addEvents(o.Events); err != nil {
		return true, err
	}
	// Nobody waits for a check that found what was known.
	if h.Since.Equal(h.CountedTo) {
		tx.hint.Health = true
	}
	if checks == 0 {
		return true, nil
	}
	c.EventID = tx.event
	return true, recordCheck(tx, &c, kept)
}

// recordCheck adds to the history, of which so many rows are kept then.
func recordCheck(tx *tx, c *dispatchapy.Check, kept int) error {
	if err := addCheck(tx, c); err != nil || kept <= store.MaxChecks {
		return err
	}
	// Only the oldest: finding out how many there are takes reading them.
	_, err := tx.exec("DELETE FROM health_checks WHERE id = (SELECT min(id) FROM health_checks WHERE resource_id = ?)", c.ResourceID)
	return err
}

// addCheck writes a row of the history.
func addCheck(tx *tx, c *dispatchapy.Check) error {
	_, err := tx.exec(`INSERT INTO health_checks
		(resource_id, at, method, manual, by, ok, status_code, error, detail, duration, state, event_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		c.ResourceID, micros(c.At), string(c.Method), c.Manual, c.By, c.OK, c.StatusCode, string(c.Error), c.Detail,
		int64(c.Duration), string(c.State), c.EventID)
	return err
}

// trimChecks deletes the checks of a resource that are too old and counts the
// others.
func trimChecks(tx *tx, resourceID int64) error {
	if _, err := tx.exec(`DELETE FROM health_checks WHERE resource_id = ?1 AND id <=
		(SELECT id FROM health_checks WHERE resource_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`,
		resourceID, store.MaxChecks); err != nil {
		return err
	}
	_, err := tx.exec("UPDATE resource_health SET kept = (SELECT count(*) FROM health_checks WHERE resource_id = ?1) WHERE resource_id = ?1",
		resourceID)
	return err
}

// resetHealth forgets what is known of a resource and makes it due. A probe
// that is under way asks the resource's old address: its lease ends.
func resetHealth(tx *tx, id int64) error {
	_, err := tx.exec(`UPDATE resource_health SET state = ?, failures = 0, successes = 0, since = iif(since = 0, 0, ?),
		checked_at = 0, counted_to = 0, holds_until = 0, failed_from = 0,
		flapping = 0, changes = x'', remind_at = 0, due_at = ?, fence = fence + 1, leased = 0 WHERE resource_id = ?`,
		string(dispatchapy.HealthUnknown), tx.wall, tx.now, id)
	tx.hint.Health = true
	return err
}

func deleteHealth(tx *tx, id int64) error {
	if _, err := tx.exec("DELETE FROM resource_health WHERE resource_id = ?", id); err != nil {
		return err
	}
	if _, err := tx.exec("DELETE FROM uptime WHERE resource_id = ?", id); err != nil {
		return err
	}
	if _, err := tx.exec("DELETE FROM uptime_days WHERE resource_id = ?", id); err != nil {
		return err
	}
	_, err := tx.exec("DELETE FROM health_checks WHERE resource_id = ?", id)
	return err
}

// LoadHealth implements store.Store.
func (s *Store) LoadHealth(ctx context.Context) (all []dispatchapy.Health, err error) {
	err = s.reading(func() error {
		rows, err := s.read.QueryContext(ctx, "SELECT "+healthColumns+" FROM resource_health WHERE since > 0 ORDER BY resource_id")
		all, err = collect(rows, err, func(rows *sql.Rows) (dispatchapy.Health, error) { return scanHealth(rows) })
		return err
	})
	return all, err
}

// ListChecks implements store.Store.
func (s *Store) ListChecks(ctx context.Context, resourceID, before int64, limit int) (checks []dispatchapy.Check, err error) {
	err = s.reading(func() error {
		rows, err := s.read.QueryContext(ctx, `SELECT id, resource_id, at, method, manual, by, ok, status_code, error, detail, duration, state, event_id
			FROM health_checks INDEXED BY health_checks_resource
			WHERE resource_id = ? AND id < ? ORDER BY id DESC LIMIT ?`, resourceID, fromNewest(before), max(limit, 0))
		checks, err = collect(rows, err, func(rows *sql.Rows) (c dispatchapy.Check, err error) {
			var at int64
			err = rows.Scan(&c.ID, &c.ResourceID, &at, &c.Method, &c.Manual, &c.By, &c.OK, &c.StatusCode, &c.Error,
				&c.Detail, &c.Duration, &c.State, &c.EventID)
			c.At = fromMicros(at)
			return c, err
		})
		return err
	})
	return checks, err
}
