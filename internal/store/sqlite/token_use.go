package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"dispatchapy/internal/store"
)

// useStep is how many uses are written in one batch, so that those of many
// clients do not hold up the others in it for long.
const useStep = 500

// RecordTokenUse implements store.Management.
func (s *Store) RecordTokenUse(ctx context.Context, uses map[store.ObjectRef]time.Time) error {
	for step := range slices.Chunk(slices.Collect(maps.Keys(uses)), useStep) {
		err := s.writes.Do(ctx, func(tx *tx) error {
			for _, ref := range step {
				if _, err := tx.exec(`INSERT INTO token_use (kind, object_id, used_at) VALUES (?1, ?2, ?3)
					ON CONFLICT (kind, object_id) DO UPDATE SET used_at = max(used_at, ?3)`,
					string(ref.Kind), ref.ID, micros(uses[ref])); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// forgetTokenUse is for an object that is deleted. A use that is written later
// leaves a row that nobody asks for.
func forgetTokenUse(tx *tx, ref store.ObjectRef) error {
	_, err := tx.exec("DELETE FROM token_use WHERE kind = ? AND object_id = ?", string(ref.Kind), ref.ID)
	return err
}

// TokenUses implements store.Management.
func (s *Store) TokenUses(ctx context.Context, kind store.Kind, ids []int64) (map[int64]time.Time, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	last := map[int64]time.Time{}
	err = s.reading(func() error {
		rows, err := s.read.QueryContext(ctx, `SELECT object_id, used_at FROM token_use
			WHERE kind = ? AND object_id IN (SELECT value FROM json_each(?))`, string(kind), string(list))
		_, err = collect(rows, err, func(rows *sql.Rows) (id int64, err error) {
			var at int64
			err = rows.Scan(&id, &at)
			last[id] = fromMicros(at)
			return id, err
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return last, nil
}
