package sqlite

import (
	"context"
	"database/sql"
	"strings"

	"dispatchapy/internal/store"
)

// AppendAudit implements store.Management.
func (s *Store) AppendAudit(ctx context.Context, entries []store.AuditEntry) error {
	if len(entries) == 0 {
		return nil
	}
	return s.writes.Do(ctx, func(tx *tx) error { return addAudit(tx, entries...) })
}

// addAudit gives entries without a time the present one.
func addAudit(tx *tx, entries ...store.AuditEntry) error {
	for i := range entries {
		e := &entries[i]
		at := micros(e.At)
		if at == 0 {
			at = tx.wall
		}
		if _, err := tx.exec(`INSERT INTO audit (at, by, action, kind, object_id, name, version, detail, before, after)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			at, e.By, e.Action, string(e.Kind), e.ObjectID, e.Name, e.Version, e.Detail, e.Before, e.After); err != nil {
			return err
		}
	}
	return nil
}

// ListAudit implements store.Management. At most maxPage entries are given.
func (s *Store) ListAudit(ctx context.Context, q store.AuditQuery) (entries []store.AuditEntry, err error) {
	where, args := auditConditions(&q)
	err = s.reading(func() error {
		rows, err := s.read.QueryContext(ctx, `SELECT id, at, by, action, kind, object_id, name, version, detail, before, after
			FROM audit WHERE `+where+" ORDER BY id DESC LIMIT ?", append(args, min(max(q.Limit, 0), maxPage))...)
		entries, err = collect(rows, err, func(rows *sql.Rows) (e store.AuditEntry, err error) {
			var at int64
			err = rows.Scan(&e.ID, &at, &e.By, &e.Action, &e.Kind, &e.ObjectID, &e.Name, &e.Version, &e.Detail, &e.Before, &e.After)
			e.At = fromMicros(at)
			return e, err
		})
		return err
	})
	return entries, err
}

func auditConditions(q *store.AuditQuery) (where string, args []any) {
	conditions := []string{"id < ?"}
	args = []any{fromNewest(q.Before)}
	one := func(sql string, given bool, arg any) {
		if given {
			conditions, args = append(conditions, sql), append(args, arg)
		}
	}
	one("by = ?", q.By != "", q.By)
	one("kind = ?", q.Kind != "", string(q.Kind))
	one("object_id > 0 AND object_id = ?", q.ObjectID != 0, q.ObjectID)
	one("at >= ?", !q.Since.IsZero(), ceilMicros(q.Since))
	one("at < ?", !q.Until.IsZero(), ceilMicros(q.Until))
	return strings.Join(conditions, " AND "), args
}

// RewriteAudit implements store.Management.
func (s *Store) RewriteAudit(ctx context.Context, after int64, limit int, rewrite func([]byte) ([]byte, error)) (last int64, err error) {
	err = s.writes.Do(ctx, func(tx *tx) error {
		last = 0
		rows, err := tx.query("SELECT id, before, after FROM audit WHERE id > ? ORDER BY id LIMIT ?", after, limit)
		entries, err := collect(rows, err, func(rows *sql.Rows) (e store.AuditEntry, err error) {
			err = rows.Scan(&e.ID, &e.Before, &e.After)
			return e, err
		})
		if err != nil {
			return err
		}
		for i := range entries {
			e := &entries[i]
			last = e.ID
			for _, text := range []*[]byte{&e.Before, &e.After} {
				if *text == nil {
					continue
				}
				if *text, err = rewrite(*text); err != nil {
					return err
				}
			}
			if _, err := tx.exec("UPDATE audit SET before = ?, after = ? WHERE id = ?", e.Before, e.After, e.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return last, nil
}
