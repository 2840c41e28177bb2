package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"dispatchapy/internal/store"
)

// Sessions end by the wall clock: they last for days, and their ends are shown
// to people.

const sessionColumns = "id, hash, user_id, client_id, address, agent, created_at, seen_at, idle_end, absolute_end"

// notEnded holds for sessions that go on after the time given, and ended for
// the others; both are answered by the index sessions_end.
const (
	notEnded = "min(idle_end, absolute_end) > ?"
	ended    = "min(idle_end, absolute_end) <= ?"
)

// PutSession implements store.Management.
func (s *Store) PutSession(ctx context.Context, session store.Session) error {
	return s.writes.Do(ctx, func(tx *tx) error {
		_, err := tx.exec(`INSERT INTO sessions (hash, user_id, client_id, address, agent, created_at, seen_at, idle_end, absolute_end)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (hash) DO UPDATE SET user_id = ?2, client_id = ?3,
			address = ?4, agent = ?5, created_at = ?6, seen_at = ?7, idle_end = ?8, absolute_end = ?9`,
			session.Hash[:], session.UserID, session.ClientID, session.Address, session.Agent,
			micros(session.CreatedAt), micros(session.SeenAt), micros(session.IdleEnd), micros(session.AbsoluteEnd))
		return err
	})
}

// Session implements store.Management.
func (s *Store) Session(ctx context.Context, hash [32]byte) (session store.Session, err error) {
	err = s.reading(func() error {
		session, err = scanSession(s.read.QueryRowContext(ctx,
			"SELECT "+sessionColumns+" FROM sessions WHERE hash = ? AND "+notEnded, hash[:], time.Now().UnixMicro()))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("session: %w", store.ErrNotFound)
	}
	if err != nil {
		return store.Session{}, err
	}
	return session, nil
}

// scanSession reads sessionColumns.
func scanSession(row scanner) (session store.Session, err error) {
	var (
		hash                          []byte
		created, seen, idle, absolute int64
	)
	err = row.Scan(&session.ID, &hash, &session.UserID, &session.ClientID, &session.Address, &session.Agent,
		&created, &seen, &idle, &absolute)
	copy(session.Hash[:], hash)
	session.CreatedAt, session.SeenAt = fromMicros(created), fromMicros(seen)
	session.IdleEnd, session.AbsoluteEnd = fromMicros(idle), fromMicros(absolute)
	return session, err
}

// TouchSessions implements store.Management.
func (s *Store) TouchSessions(ctx context.Context, seen []store.SessionSeen) error {
	if len(seen) == 0 {
		return nil
	}
	return s.writes.Do(ctx, func(tx *tx) error {
		for i := range seen {
			if _, err := tx.exec(`UPDATE sessions SET seen_at = max(seen_at, ?), idle_end = max(idle_end, ?)
				WHERE hash = ? AND `+notEnded,
				micros(seen[i].SeenAt), micros(seen[i].IdleEnd), seen[i].Hash[:], tx.wall); err != nil {
				return err
			}
		}
		return nil
	})
}

// LimitSessions implements store.Management.
func (s *Store) LimitSessions(ctx context.Context, idle, absolute time.Duration) error {
	return s.writes.Do(ctx, func(tx *tx) error {
		_, err := tx.exec(`UPDATE sessions SET idle_end = min(idle_end, seen_at + ?1), absolute_end = min(absolute_end, created_at + ?2)
			WHERE idle_end > seen_at + ?1 OR absolute_end > created_at + ?2`, idle.Microseconds(), absolute.Microseconds())
		return err
	})
}

// ListSessions implements store.Management.
func (s *Store) ListSessions(ctx context.Context, userID, clientID int64) (sessions []store.Session, err error) {
	query, args := "SELECT "+sessionColumns+" FROM sessions WHERE "+notEnded, []any{time.Now().UnixMicro()}
	if userID != 0 {
		query, args = query+" AND user_id > 0 AND user_id = ?", append(args, userID)
	}
	if clientID != 0 {
		query, args = query+" AND client_id > 0 AND client_id = ?", append(args, clientID)
	}
	err = s.reading(func() error {
		rows, err := s.read.QueryContext(ctx, query+" ORDER BY seen_at DESC, id DESC", args...)
		sessions, err = collect(rows, err, func(rows *sql.Rows) (store.Session, error) { return scanSession(rows) })
		return err
	})
	return sessions, err
}

// DeleteSessions implements store.Management.
func (s *Store) DeleteSessions(ctx context.Context, q store.SessionSelection) (int, error) {
	if len(q.IDs) == 0 && q.UserID == 0 && q.ClientID == 0 {
		return 0, nil
	}
	ids, err := json.Marshal(q.IDs)
	if err != nil {
		return 0, err
	}
	var deleted int64
	err = s.writes.Do(ctx, func(tx *tx) (err error) {
		deleted, err = tx.change(`DELETE FROM sessions WHERE (?1 = 0 OR id IN (SELECT value FROM json_each(?2)))
			AND (?3 = 0 OR user_id = ?3) AND (?4 = 0 OR client_id = ?4) AND hash <> ?5 AND `+notEnded,
			len(q.IDs), string(ids), q.UserID, q.ClientID, q.Except[:], tx.wall)
		return err
	})
	if err != nil {
		return 0, err
	}
	return int(deleted), nil
}

// DeleteEndedSessions implements store.Management.
func (s *Store) DeleteEndedSessions(ctx context.Context, limit int) (int, error) {
	return s.inSteps(ctx, limit, func(tx *tx, limit int) (int, error) {
		deleted, err := tx.change("DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE "+ended+" LIMIT ?)", tx.wall, limit)
		return int(deleted), err
	})
}
