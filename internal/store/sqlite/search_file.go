package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"

	sqlitedriver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// searchFormat changes whenever the index has to be built anew: with its
// tables, and with what foldText and foldJSON make of a text.
const searchFormat = "1"

// partitionBits: a partition of the index covers 1<<partitionBits task ids.
// Retention empties whole partitions, which are then dropped; that is much
// cheaper than deleting documents one by one.
const partitionBits = 18

func partitionOf(id int64) int64 { return id >> partitionBits }

func partitionTable(partition int64) string { return fmt.Sprintf("part_%d", partition) }

var (
	searchWriterPragmas = []string{
		// The index is derived data. After a power failure it may lack what was
		// written last, together with the mark of how far it reaches.
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(NORMAL)", "temp_store(MEMORY)",
		"cache_size(-4000)", "journal_size_limit(33554432)",
	}
	searchReaderPragmas = []string{"busy_timeout(10000)", "query_only(1)", "temp_store(MEMORY)", "cache_size(-2000)"}
)

// searchFile is the database with the full-text index: one FTS5 table per
// partition, whose row ids are task ids, holding trigrams and nothing else
// (contentless, no positions).
//
// A task may be indexed again when it has more text. Without positions that
// adds the new trigrams to those that the row id has already.
type searchFile struct {
	path string

	mu     sync.RWMutex // for reading: using the file; for writing: replacing it
	write  *sql.DB
	read   *sql.DB
	owner  string
	tables map[int64]bool // partitions that exist; changed by the indexing goroutine under mu
}

// searchMark says how far the index reaches.
type searchMark struct {
	indexed int64 // every task up to this id is in it
	settled int64 // wall clock: with all attempts that were recorded before
}

// openSearchFile opens the index that belongs to the database owner. One that
// does not, or is of another format, or is damaged, is made anew: nothing in
// it is worth keeping.
func openSearchFile(ctx context.Context, path, owner string) (*searchFile, searchMark, error) {
	f := &searchFile{path: path, owner: owner}
	mark, err := f.open(ctx)
	if err == nil {
		return f, mark, nil
	}
	if !damaged(err) && !errors.Is(err, errForeignIndex) {
		return nil, mark, errors.Join(err, f.close())
	}
	if err := f.remake(ctx); err != nil {
		return nil, mark, errors.Join(err, f.close())
	}
	return f, searchMark{}, nil
}

var errForeignIndex = errors.New("the index belongs to another database or version")

func (f *searchFile) open(ctx context.Context) (mark searchMark, err error) {
	file, err := os.OpenFile(f.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return mark, err
	}
	if err := file.Close(); err != nil {
		return mark, err
	}
	f.write = connect(f.path, searchWriterPragmas, 1)
	f.read = connect(f.path, searchReaderPragmas, readers)
	if _, err := f.write.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS mark (format TEXT, owner TEXT, indexed INTEGER, settled INTEGER)"); err != nil {
		return mark, err
	}
	if _, err := f.write.ExecContext(ctx, "INSERT INTO mark SELECT ?, ?, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM mark)", searchFormat, f.owner); err != nil {
		return mark, err
	}
	var format, owner string
	err = f.write.QueryRowContext(ctx, "SELECT format, owner, indexed, settled FROM mark").Scan(&format, &owner, &mark.indexed, &mark.settled)
	if err != nil {
		return mark, err
	}
	if format != searchFormat || owner != f.owner {
		return searchMark{}, errForeignIndex
	}
	f.tables, err = f.partitions(ctx)
	return mark, err
}

func (f *searchFile) partitions(ctx context.Context) (map[int64]bool, error) {
	rows, err := f.write.QueryContext(ctx, "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%'")
	names, err := collect(rows, err, func(rows *sql.Rows) (name string, err error) {
		err = rows.Scan(&name)
		return name, err
	})
	if err != nil {
		return nil, err
	}
	found := map[int64]bool{}
	for _, name := range names {
		var partition int64
		if _, err := fmt.Sscanf(name, "part_%d", &partition); err != nil {
			return nil, errForeignIndex
		}
		found[partition] = true
	}
	return found, nil
}

// remake throws the index away and begins an empty one.
func (f *searchFile) remake(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.closeAll(); err != nil {
		return err
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(f.path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	_, err := f.open(ctx)
	return err
}

// searchDoc is the text to index for a task, folded.
type searchDoc struct {
	id   int64
	text string
}

// add indexes documents, in order of id, and moves the mark, in one
// transaction.
func (f *searchFile) add(ctx context.Context, docs []searchDoc, mark searchMark) error {
	for _, doc := range docs {
		if err := f.makePartition(ctx, partitionOf(doc.id)); err != nil {
			return err
		}
	}
	tx, err := f.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := insertDocs(ctx, tx, docs); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE mark SET indexed = ?, settled = ?", mark.indexed, mark.settled); err != nil {
		return err
	}
	return tx.Commit()
}

func insertDocs(ctx context.Context, tx *sql.Tx, docs []searchDoc) (err error) {
	var stmt *sql.Stmt
	partition := int64(-1)
	for _, doc := range docs {
		if p := partitionOf(doc.id); p != partition {
			partition = p
			if stmt, err = tx.PrepareContext(ctx, "INSERT INTO "+partitionTable(p)+" (rowid, text) VALUES (?, ?)"); err != nil {
				return err
			}
			defer func() { _ = stmt.Close() }() // it ends with its transaction at the latest
		}
		if _, err := stmt.ExecContext(ctx, doc.id, doc.text); err != nil {
			return err
		}
	}
	return nil
}

func (f *searchFile) makePartition(ctx context.Context, partition int64) error {
	if f.tables[partition] {
		return nil
	}
	name := partitionTable(partition)
	// Case was folded before, by the same function that folds the text to be
	// found.
	_, err := f.write.ExecContext(ctx, "CREATE VIRTUAL TABLE "+name+
		" USING fts5 (text, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1')")
	if err != nil {
		return err
	}
	// What is gathered in memory becomes a segment: fewer and longer ones.
	if _, err := f.write.ExecContext(ctx, "INSERT INTO "+name+" ("+name+", rank) VALUES ('hashsize', 4194304)"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tables[partition] = true
	return nil
}

// drop forgets a partition.
func (f *searchFile) drop(ctx context.Context, partition int64) error {
	f.mu.Lock()
	delete(f.tables, partition)
	f.mu.Unlock()
	_, err := f.write.ExecContext(ctx, "DROP TABLE IF EXISTS "+partitionTable(partition))
	return err
}

// find gives up to limit tasks whose text has all trigrams of the expression,
// within the range, newest first.
func (f *searchFile) find(ctx context.Context, expression string, within idRange, limit int) (ids []int64, err error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, partition := range newestFirst(f.tables) {
		if partition<<partitionBits >= within.high || (partition+1)<<partitionBits <= within.low {
			continue
		}
		table := partitionTable(partition)
		rows, err := f.read.QueryContext(ctx, "SELECT rowid FROM "+table+" WHERE "+table+" MATCH ? AND rowid >= ? AND rowid < ? ORDER BY rowid DESC LIMIT ?",
			expression, within.low, within.high, limit-len(ids))
		more, err := collect(rows, err, scanID)
		if err != nil {
			return nil, err
		}
		if ids = append(ids, more...); len(ids) >= limit {
			break
		}
	}
	return ids, nil
}

func (f *searchFile) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closeAll()
}

func (f *searchFile) closeAll() error {
	var errs []error
	for _, db := range []*sql.DB{f.read, f.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// damaged reports whether an error says that the file cannot be used any more.
func damaged(err error) bool {
	var e *sqlitedriver.Error
	if !errors.As(err, &e) {
		return false
	}
	code := e.Code() & 0xff
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}
