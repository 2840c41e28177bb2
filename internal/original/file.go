package original

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"modernc.org/sqlite" // with the driver "sqlite"

	"dispatchapy"
)

// oldLogTable is where earlier versions kept the lines that are in logs now.
const oldLogTable = "task_logs"

var (
	// neededTables tell that a file is the original's. The rules are among
	// them: without them test messages would go to real recipients.
	neededTables = []string{
		"clients", "client_dev_rules", "development_rules", "endpoints", "endpoint_client_links",
		"endpoint_resource_links", "parameter_rules", "resources", "settings", "tasks",
	}
	// historyTables can be done without.
	historyTables = []string{"health_check_logs", "logs", "task_attempt_logs", oldLogTable}
)

// file is an open database of the original.
type file struct {
	db     *sql.DB
	path   string
	tables map[string]bool
}

// open opens a file for reading and makes sure that it is the original's.
func open(ctx context.Context, path string) (*file, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "there is no file %s", path)
	case err != nil:
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "%s cannot be read: %w", path, err)
	case !info.Mode().IsRegular():
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "%s is not a file: name the original's database file", path)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	query := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(10000)", "query_only(1)", "trusted_schema(0)"}}
	source := url.URL{Scheme: "file", Path: filepath.ToSlash(absolute), RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", source.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	f := &file{db: db, path: path}
	if err := f.examine(ctx); err != nil {
		f.close()
		return nil, f.failure(err)
	}
	return f, nil
}

func (f *file) close() { _ = f.db.Close() } // only read: nothing can be lost

// failure says what an error of the database means for the person who named
// the file. The whole import fails, because a file of which only a part can be
// read would leave a gateway with rules missing.
func (f *file) failure(err error) error {
	var known *dispatchapy.Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	const corrupt, notDatabase = 11, 26 // SQLITE_CORRUPT, SQLITE_NOTADB
	code := 0
	var e *sqlite.Error
	if errors.As(err, &e) {
		code = e.Code() & 0xff
	}
	switch code {
	case corrupt:
		return f.damaged(err)
	case notDatabase:
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "%s is not an SQLite database: name the original's database file", f.path)
	}
	return dispatchapy.Errorf(dispatchapy.CodeInvalid,
		"%s cannot be read (if the original did not stop properly, start and stop it once): %w", f.path, err)
}

func (f *file) damaged(why error) error {
	return dispatchapy.Errorf(dispatchapy.CodeInvalid,
		"%s is damaged: repair it first, for example with the command .recover of sqlite3: %w", f.path, why)
}

// examine refuses files that are not the original's. A table counts if its rows
// are stored: of a small file, virtual tables and columns that are computed make
// any amount of memory.
func (f *file) examine(ctx context.Context) error {
	f.tables = map[string]bool{}
	err := f.each(ctx, "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0", nil, func(r row) {
		f.tables[r.text("name")] = true
	})
	if err != nil {
		return err
	}
	const generated = "SELECT t.name AS name FROM sqlite_master t, pragma_table_xinfo(t.name) c WHERE t.type = 'table' AND t.rootpage > 0 AND c.hidden > 1"
	if err := f.each(ctx, generated, nil, func(r row) { delete(f.tables, r.text("name")) }); err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(neededTables), func(name string) bool { return f.tables[name] })
	if len(missing) > 0 {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid,
			"%s is not a database of the original Dispatchapy 1.2.1: it has no table %s", f.path, strings.Join(missing, ", "))
	}
	return nil
}

// checkDamage refuses a file that could only be read in part. It reads all of
// it, which is the price for not failing half-way.
func (f *file) checkDamage(ctx context.Context) error {
	damage := ""
	err := f.each(ctx, "PRAGMA quick_check(20)", nil, func(r row) {
		if line := r.text("quick_check"); damage == "" && isDamage(line) {
			damage = line
		}
	})
	if err == nil && damage != "" {
		err = f.damaged(errors.New(damage))
	}
	return err
}

// isDamage tells a file that cannot be read from one whose values break its
// own constraints, which are mended here.
func isDamage(line string) bool {
	if line == "ok" || strings.HasPrefix(line, "CHECK constraint failed") || strings.HasPrefix(line, "non-unique entry") {
		return false
	}
	return !strings.Contains(line, " value in ")
}

func (f *file) count(ctx context.Context, query string) (n int64, err error) {
	err = f.db.QueryRowContext(ctx, query).Scan(&n)
	return n, err
}

// each calls visit for every row of a query. The row is valid only until visit
// returns.
func (f *file) each(ctx context.Context, query string, args []any, visit func(row)) error {
	rows, err := f.db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	r := row{columns: make(map[string]int, len(names)), values: make([]any, len(names))}
	targets := make([]any, len(names))
	for i, name := range names {
		r.columns[name] = i
		targets[i] = &r.values[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return fmt.Errorf("read a row: %w", err)
		}
		visit(r)
	}
	return rows.Err()
}
