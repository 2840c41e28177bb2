package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"dispatchapy/internal/store"
)

const preferenceColumns = "name, value, updated_at"

func scanPreference(row scanner) (p store.Preference, err error) {
	var updated int64
	err = row.Scan(&p.Name, &p.Value, &updated)
	p.UpdatedAt = fromMicros(updated)
	return p, err
}

// ListPreferences implements store.Preferences.
func (s *Store) ListPreferences(ctx context.Context, owner store.ObjectRef) (list []store.Preference, err error) {
	err = s.reading(func() error {
		rows, err := s.read.QueryContext(ctx, "SELECT "+preferenceColumns+" FROM preferences WHERE kind = ? AND object_id = ? ORDER BY name",
			string(owner.Kind), owner.ID)
		list, err = collect(rows, err, func(rows *sql.Rows) (store.Preference, error) { return scanPreference(rows) })
		return err
	})
	return list, err
}

// Preference implements store.Preferences.
func (s *Store) Preference(ctx context.Context, owner store.ObjectRef, name string) (p store.Preference, err error) {
	err = s.reading(func() error {
		p, err = scanPreference(s.read.QueryRowContext(ctx,
			"SELECT "+preferenceColumns+" FROM preferences WHERE kind = ? AND object_id = ? AND name = ?", string(owner.Kind), owner.ID, name))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("preference %q: %w", name, store.ErrNotFound)
	}
	if err != nil {
		return store.Preference{}, err
	}
	return p, nil
}

// PutPreference implements store.Preferences.
func (s *Store) PutPreference(ctx context.Context, owner store.ObjectRef, p store.Preference) (store.Preference, error) {
	full := false
	err := s.writes.Do(ctx, func(tx *tx) error {
		var others int
		if err := tx.row("SELECT count(*) FROM preferences WHERE kind = ? AND object_id = ? AND name <> ?",
			[]any{string(owner.Kind), owner.ID, p.Name}, &others); err != nil {
			return err
		}
		if full = others >= store.MaxPreferences; full {
			return nil
		}
		p.UpdatedAt = fromMicros(tx.wall)
		_, err := tx.exec("INSERT OR REPLACE INTO preferences (kind, object_id, "+preferenceColumns+") VALUES (?, ?, ?, ?, ?)",
			string(owner.Kind), owner.ID, p.Name, notNull(p.Value), tx.wall)
		return err
	})
	if err == nil && full {
		err = store.ErrFull
	}
	if err != nil {
		return store.Preference{}, err
	}
	return p, nil
}

// DeletePreference implements store.Preferences.
func (s *Store) DeletePreference(ctx context.Context, owner store.ObjectRef, name string) error {
	var deleted int64
	err := s.writes.Do(ctx, func(tx *tx) (err error) {
		deleted, err = tx.change("DELETE FROM preferences WHERE kind = ? AND object_id = ? AND name = ?", string(owner.Kind), owner.ID, name)
		return err
	})
	if err == nil && deleted == 0 {
		err = fmt.Errorf("preference %q: %w", name, store.ErrNotFound)
	}
	return err
}

// forgetPreferences deletes what belongs to an object that is deleted.
func forgetPreferences(tx *tx, owner store.ObjectRef) error {
	if owner.Kind != store.KindUser && owner.Kind != store.KindClient {
		return nil
	}
	_, err := tx.exec("DELETE FROM preferences WHERE kind = ? AND object_id = ?", string(owner.Kind), owner.ID)
	return err
}
