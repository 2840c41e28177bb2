package sqlite

import (
	"context"
	"database/sql"

	"dispatchapy/internal/store"
)

// LoadConditions implements store.Conditions.
func (s *Store) LoadConditions(ctx context.Context) (all []store.Condition, err error) {
	err = s.reading(func() error {
		rows, err := s.read.QueryContext(ctx, "SELECT kind, resource_id, endpoint_id, active, level, since, version FROM conditions ORDER BY kind, resource_id, endpoint_id")
		all, err = collect(rows, err, func(rows *sql.Rows) (c store.Condition, err error) {
			var since int64
			err = rows.Scan(&c.Kind, &c.ResourceID, &c.EndpointID, &c.Active, &c.Level, &since, &c.Version)
			c.Since = fromMicros(since)
			return c, err
		})
		return err
	})
	return all, err
}

// RecordConditions implements store.Conditions.
func (s *Store) RecordConditions(ctx context.Context, changes []store.ConditionChange) (stale []int, err error) {
	if len(changes) == 0 {
		return nil, nil
	}
	err = s.writes.Do(ctx, func(tx *tx) error {
		stale = nil
		for i := range changes {
			held, err := recordCondition(tx, &changes[i])
			if err != nil {
				return err
			}
			if !held {
				stale = append(stale, i)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return stale, nil
}

// recordCondition reports whether the version was still the stored one; if not,
// it changed nothing.
func recordCondition(tx *tx, c *store.ConditionChange) (held bool, err error) {
	changed, err := tx.change(`INSERT INTO conditions (kind, resource_id, endpoint_id, active, level, since, version)
		SELECT ?1, ?2, ?3, ?4, ?5, ?6, 1 WHERE ?7 = 0
		ON CONFLICT (kind, resource_id, endpoint_id) DO NOTHING`,
		string(c.Kind), c.ResourceID, c.EndpointID, c.Active, c.Level, micros(c.Since), c.Version)
	if err == nil && c.Version > 0 {
		changed, err = tx.change(`UPDATE conditions SET active = ?, level = ?, since = ?, version = version + 1
			WHERE kind = ? AND resource_id = ? AND endpoint_id = ? AND version = ?`,
			c.Active, c.Level, micros(c.Since), string(c.Kind), c.ResourceID, c.EndpointID, c.Version)
	}
	if err != nil || changed == 0 {
		return false, err
	}
	if c.Incident == nil {
		return true, nil
	}
	return true, changeIncident(tx, c.Incident)
}

// forgetConditions is told of objects that are deleted.
func forgetConditions(tx *tx, ref store.ObjectRef) error {
	switch ref.Kind {
	case store.KindResource:
		_, err := tx.exec("DELETE FROM conditions WHERE resource_id = ?", ref.ID)
		return err
	case store.KindEndpoint:
		_, err := tx.exec("DELETE FROM conditions WHERE endpoint_id = ?", ref.ID)
		return err
	}
	return nil
}
