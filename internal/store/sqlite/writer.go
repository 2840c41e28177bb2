package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	sqlitedriver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"dispatchapy/internal/store"
)

// operation changes the database within a transaction. It may be run more than
// once: it assigns its results and has no other effect. An error undoes it.
// What is merely refused (a stale lease, a version conflict) changes nothing
// and is a result, not an error, because errors make the batch run again.
type operation func(tx *tx) error

// commit is the store.CommitFunc. Policy on failure: fail closed. Everybody in
// the batch is told that the database cannot be written, and the next batch
// tries again. The log hears of it once, and once when it is over.
//
// On a disk that is nearly full a large batch may find no room where a small
// one does: the first half of it is tried, then the half of that. Those who are
// left over come again.
func (s *Store) commit(ops []operation, errs []error) {
	tx, err := s.writer.commit(s.clock.now(), ops, errs)
	full := err
	for n := len(ops) / 2; n > 0 && isFull(err); n /= 2 {
		tx, err = s.writer.commit(s.clock.now(), ops[:n], errs[:n])
		if err == nil {
			refuse(errs[n:], full)
		}
	}
	if failing := full != nil; failing != s.failing {
		s.failing = failing
		if failing {
			s.log.Error("the database cannot be written", "error", full)
		} else {
			s.log.Info("the database can be written again")
		}
	}
	if err != nil {
		refuse(errs, err)
		return
	}
	if tx.unsaved != nil {
		s.log.Error("statistics were not saved", "error", tx.unsaved)
	}
	s.watchers.publish(tx.hint)
}

// refuse tells everybody that the database cannot be written.
func refuse(errs []error, err error) {
	for i := range errs {
		errs[i] = fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
}

// writer owns the one connection that writes. Only the goroutine that commits
// batches uses it.
type writer struct {
	db    *sql.DB
	conn  *sql.Conn // nil: to be opened
	stmts map[string]*sql.Stmt
	stats statsCache
}

// commit runs the operations in one transaction: fast if all of them succeed,
// else again with each in a savepoint, so that a bad one does not sink its
// neighbours. It fills in errs and gives the transaction, for what is to be
// told of it. After an error nothing was changed.
func (w *writer) commit(now int64, ops []operation, errs []error) (*tx, error) {
	if err := w.open(); err != nil {
		return nil, err
	}
	t := &tx{w: w, now: now, wall: time.Now().UnixMicro()}
	err := w.transaction(t, ops, errs)
	if err != nil && !faulty(err) {
		t = &tx{w: w, now: t.now, wall: t.wall, careful: true}
		err = w.transaction(t, ops, errs)
	}
	if err != nil {
		w.recover(err)
		return nil, err
	}
	return t, nil
}

func (w *writer) transaction(tx *tx, ops []operation, errs []error) error {
	if _, err := tx.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for i, op := range ops {
		fate, err := tx.alone(func() error { return op(tx) })
		if err != nil {
			w.rollback()
			return err
		}
		errs[i] = fate
	}
	if tx.unsaved = tx.saveNotes(); faulty(tx.unsaved) {
		w.rollback()
		return tx.unsaved
	}
	if _, err := tx.exec("COMMIT"); err != nil {
		w.rollback()
		return err
	}
	return nil
}

// rollback ends a failed transaction. SQLite may have done it already, which
// it reports as an error; any other error shows again at the next BEGIN.
func (w *writer) rollback() {
	w.stats.forget()
	_, _ = w.conn.ExecContext(context.Background(), "ROLLBACK")
}

// recover gives up a connection that may be broken; the next batch opens a new
// one. A full disk leaves it sound.
func (w *writer) recover(err error) {
	if !isFull(err) {
		w.close()
	}
}

func isFull(err error) bool {
	var e *sqlitedriver.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_FULL
}

func (w *writer) open() error {
	if w.conn != nil {
		return nil
	}
	conn, err := w.db.Conn(context.Background())
	if err != nil {
		return fmt.Errorf("open the database for writing: %w", err)
	}
	w.conn, w.stmts = conn, map[string]*sql.Stmt{}
	return nil
}

// close closes the connection, and not only returns it to the pool.
func (w *writer) close() {
	if w.conn == nil {
		return
	}
	for _, stmt := range w.stmts {
		_ = stmt.Close() // nothing depends on it any more
	}
	_ = w.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = w.conn.Close()
	w.conn, w.stmts = nil, nil
}

// stmt gives the prepared statement of a query. Queries are constants, so that
// their number is bounded.
func (w *writer) stmt(query string) (*sql.Stmt, error) {
	if stmt, ok := w.stmts[query]; ok {
		return stmt, nil
	}
	stmt, err := w.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	w.stmts[query] = stmt
	return stmt, nil
}

// tx is the transaction of one batch.
type tx struct {
	w       *writer
	now     int64 // the store's time
	wall    int64 // the wall clock's time
	careful bool  // with savepoints
	hint    store.Hint
	event   int64  // the latest one that was written
	notes   []note // for the statistics, saved at the end
	unsaved error  // why they were not saved, but for faults of the database

	minuteNoted bool // see noteMinute
}

// alone runs a part of the batch that can fail by itself. It gives the fate of
// the part, or an error on which the whole batch has to be rolled back.
func (tx *tx) alone(do func() error) (fate, err error) {
	if !tx.careful {
		return nil, do()
	}
	if _, err := tx.exec("SAVEPOINT part"); err != nil {
		return nil, err
	}
	noted := len(tx.notes)
	fate = do()
	if fate != nil {
		if faulty(fate) {
			return nil, fate
		}
		tx.notes = tx.notes[:noted]
		if _, err := tx.exec("ROLLBACK TO part"); err != nil {
			return nil, err
		}
	}
	_, err = tx.exec("RELEASE part")
	return fate, err
}

func (tx *tx) exec(query string, args ...any) (sql.Result, error) {
	stmt, err := tx.w.stmt(query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(context.Background(), args...)
}

// change runs a statement and gives the number of rows that it changed.
func (tx *tx) change(query string, args ...any) (int64, error) {
	result, err := tx.exec(query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (tx *tx) query(query string, args ...any) (*sql.Rows, error) {
	stmt, err := tx.w.stmt(query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(context.Background(), args...)
}

// row reads the only row of a query into dest, or gives sql.ErrNoRows.
func (tx *tx) row(query string, args []any, dest ...any) error {
	stmt, err := tx.w.stmt(query)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(context.Background(), args...).Scan(dest...)
}

// hintTasks notes that an endpoint has a task that may be due.
func (tx *tx) hintTasks(endpointID int64) {
	tx.hint = merge(tx.hint, store.Hint{Tasks: []int64{endpointID}})
}

// faulty reports whether an error says that the database cannot be written, as
// opposed to one that is the fault of a single operation.
func faulty(err error) bool {
	var e *sqlitedriver.Error
	if !errors.As(err, &e) {
		return errors.Is(err, sql.ErrConnDone) || errors.Is(err, driver.ErrBadConn)
	}
	switch e.Code() & 0xff { // the primary code
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
		sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_BUSY,
		sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PERM, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_INTERRUPT:
		return true
	}
	return false
}
