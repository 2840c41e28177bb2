package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// settingsID is the id of the one settings object.
const settingsID = 1

// LoadConfig implements store.Store.
func (s *Store) LoadConfig(ctx context.Context) (version int64, objects []store.ConfigObject, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, configVersion).Scan(&version); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, "SELECT kind, id, name, version, body FROM config_objects WHERE deleted_at = 0 ORDER BY id")
		objects, err = collect(rows, err, func(rows *sql.Rows) (o store.ConfigObject, err error) {
			err = rows.Scan(&o.Kind, &o.ID, &o.Name, &o.Version, &o.Body)
			return o, err
		})
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	return version, objects, nil
}

const configVersion = "SELECT value FROM meta WHERE key = 'config_version'"

// ConfigVersion implements store.Store.
func (s *Store) ConfigVersion(ctx context.Context) (version int64, err error) {
	err = s.reading(func() error { return s.read.QueryRowContext(ctx, configVersion).Scan(&version) })
	return version, err
}

// ObjectNames implements store.Store.
func (s *Store) ObjectNames(ctx context.Context) (names []store.ObjectName, err error) {
	err = s.reading(func() error {
		rows, err := s.read.QueryContext(ctx, "SELECT kind, id, name, deleted_at > 0 FROM config_objects ORDER BY id")
		names, err = collect(rows, err, func(rows *sql.Rows) (n store.ObjectName, err error) {
			err = rows.Scan(&n.Kind, &n.ID, &n.Name, &n.Deleted)
			return n, err
		})
		return err
	})
	return names, err
}

// ApplyConfig implements store.Store. Besides ErrVersionConflict it gives
// ErrNotFound for an object that does not exist, and a CodeConflict error for
// a name that another object has.
func (s *Store) ApplyConfig(ctx context.Context, update store.ConfigUpdate) (version int64, ids []int64, err error) {
	err = s.writes.Do(ctx, func(tx *tx) error {
		version, ids, err = applyConfig(tx, &update)
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	return version, ids, nil
}

func applyConfig(tx *tx, update *store.ConfigUpdate) (version int64, ids []int64, err error) {
	if err := tx.row(configVersion, nil, &version); err != nil {
		return 0, nil, err
	}
	if version != update.Expect {
		return 0, nil, store.ErrVersionConflict
	}
	version++
	if _, err := tx.exec("UPDATE meta SET value = ? WHERE key = 'config_version'", version); err != nil {
		return 0, nil, err
	}
	for _, ref := range update.Delete {
		if err := deleteObject(tx, ref); err != nil {
			return 0, nil, err
		}
		if err := forgetPreferences(tx, ref); err != nil {
			return 0, nil, err
		}
	}
	if ids, err = putObjects(tx, version, update.Put); err != nil {
		return 0, nil, err
	}
	for _, id := range update.ResetHealth {
		if err := resetHealth(tx, id); err != nil {
			return 0, nil, err
		}
	}
	tx.hint.Config = true
	if len(update.Audit) == 0 {
		return version, ids, nil
	}
	if err := tx.addEvents([]dispatchapy.Event{store.ConfigChanged(update.Audit)}); err != nil {
		return 0, nil, err
	}
	return version, ids, addAudit(tx, auditOf(update, version, ids)...)
}

// auditOf completes the update's entries with what is known only now.
func auditOf(update *store.ConfigUpdate, version int64, ids []int64) []store.AuditEntry {
	type name struct {
		kind store.Kind
		name string
	}
	put := make(map[name]int64, len(ids))
	for i := range update.Put {
		put[name{update.Put[i].Kind, update.Put[i].Name}] = ids[i]
	}
	entries := slices.Clone(update.Audit)
	for i := range entries {
		e := &entries[i]
		e.Version = version
		if e.ObjectID == 0 {
			e.ObjectID = put[name{e.Kind, e.Name}]
		}
	}
	return entries
}

func deleteObject(tx *tx, ref store.ObjectRef) error {
	deleted, err := tx.change(`UPDATE config_objects SET deleted_at = ?, body = x'' WHERE id = ? AND kind = ? AND deleted_at = 0`,
		tx.wall, ref.ID, string(ref.Kind))
	if err != nil {
		return err
	}
	if deleted == 0 {
		return fmt.Errorf("%s %d: %w", ref.Kind, ref.ID, store.ErrNotFound)
	}
	if err := closeIncidentsOf(tx, ref); err != nil {
		return err
	}
	if err := forgetConditions(tx, ref); err != nil {
		return err
	}
	switch ref.Kind {
	case store.KindResource:
		return deleteHealth(tx, ref.ID)
	case store.KindClient, store.KindToken:
		return forgetTokenUse(tx, ref)
	}
	return nil
}

// putObjects stores objects in order, after it has taken the old names away
// from those that change, so that names can be exchanged.
func putObjects(tx *tx, version int64, objects []store.ConfigObject) ([]int64, error) {
	for i := range objects {
		if objects[i].ID == 0 {
			continue // it has no old name
		}
		// No name that people give has a control character in it.
		if _, err := tx.exec("UPDATE config_objects SET name = char(0) || id WHERE id = ? AND kind = ? AND deleted_at = 0 AND name <> ?",
			objects[i].ID, string(objects[i].Kind), objects[i].Name); err != nil {
			return nil, err
		}
	}
	ids := make([]int64, len(objects))
	for i := range objects {
		id, err := putObject(tx, version, &objects[i])
		if err != nil {
			return nil, err
		}
		ids[i] = id
	}
	return ids, nil
}

func putObject(tx *tx, version int64, o *store.ConfigObject) (id int64, err error) {
	switch {
	case o.Kind == store.KindSettings:
		_, err = tx.exec(`INSERT INTO config_objects (id, kind, name, version, body) VALUES (?1, ?2, ?3, ?4, ?5)
			ON CONFLICT (id) DO UPDATE SET name = ?3, version = ?4, body = ?5`,
			settingsID, string(o.Kind), o.Name, version, notNull(o.Body))
		return settingsID, err
	case o.ID == 0:
		return insertObject(tx, version, o)
	}
	return o.ID, updateObject(tx, version, o)
}

func insertObject(tx *tx, version int64, o *store.ConfigObject) (id int64, err error) {
	result, err := tx.exec("INSERT INTO config_objects (kind, name, version, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
		string(o.Kind), o.Name, version, notNull(o.Body))
	if err != nil {
		return 0, err
	}
	inserted, err := result.RowsAffected()
	if err == nil && inserted == 0 {
		err = nameTaken(o)
	}
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

func updateObject(tx *tx, version int64, o *store.ConfigObject) error {
	updated, err := tx.change("UPDATE OR IGNORE config_objects SET name = ?, version = ?, body = ? WHERE id = ? AND kind = ? AND deleted_at = 0",
		o.Name, version, notNull(o.Body), o.ID, string(o.Kind))
	if err != nil || updated > 0 {
		return err
	}
	var found bool
	if err := tx.row("SELECT count(*) > 0 FROM config_objects WHERE id = ? AND kind = ? AND deleted_at = 0",
		[]any{o.ID, string(o.Kind)}, &found); err != nil {
		return err
	}
	if found {
		return nameTaken(o)
	}
	return fmt.Errorf("%s %d: %w", o.Kind, o.ID, store.ErrNotFound)
}

func nameTaken(o *store.ConfigObject) error {
	return dispatchapy.Errorf(dispatchapy.CodeConflict, "there is another %s with the name %q", o.Kind, o.Name)
}
