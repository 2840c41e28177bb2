package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/pressly/goose/v3"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// Archive is a database that is only looked at: a backup, or that of a gateway
// which may be running. It takes no lock and migrates nothing.
type Archive struct {
	reads
	db   *sql.DB
	path string
}

// reads are the methods of Store that an Archive has as well.
type reads interface {
	LoadConfig(ctx context.Context) (version int64, objects []store.ConfigObject, err error)
	ConfigVersion(ctx context.Context) (int64, error)
	ObjectNames(ctx context.Context) ([]store.ObjectName, error)
	Backlog(ctx context.Context) ([]store.LaneBacklog, error)
	LoadHealth(ctx context.Context) ([]dispatchapy.Health, error)
}

// Facts are what an Archive holds.
type Facts struct {
	ConfigVersion int64
	Newest        int64     // id of the newest task there ever was
	Waiting       int64     // tasks pending or being sent
	Clock         time.Time // the store's time when it was last written; zero if it is new
	Bytes         int64     // size of the file, without its write-ahead log
}

// OpenArchive opens a database for reading. The error is a *dispatchapy.Error
// with CodeInvalid if there is no such file, or if it is not a gateway's
// database, or that of a newer version.
func OpenArchive(ctx context.Context, path string) (*Archive, error) {
	return openArchive(ctx, path, url.Values{"mode": {"ro"}})
}

// openStill opens a file that nobody writes to: SQLite then makes no files
// beside it.
func openStill(ctx context.Context, path string) (*Archive, error) {
	return openArchive(ctx, path, url.Values{"mode": {"ro"}, "immutable": {"1"}})
}

func openArchive(ctx context.Context, path string, query url.Values) (*Archive, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(absolute)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "there is no file %s", path)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "%s is not a file", path)
	}
	query["_pragma"] = readerPragmas
	source := url.URL{Scheme: "file", Path: absolute, RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", source.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	a := &Archive{
		reads: &Store{read: db, log: slog.New(slog.DiscardHandler), closed: make(chan struct{}), searching: make(chan struct{}, searches)},
		db:    db,
		path:  path,
	}
	if err := a.examine(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return a, nil
}

// examine refuses files that are no database of this program or an older
// version of it.
func (a *Archive) examine(ctx context.Context) error {
	var tables int
	err := a.db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name IN ('meta', 'tasks', 'config_objects', 'goose_db_version')").Scan(&tables)
	if damaged(err) {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "%s is not a database, or is damaged: %w", a.path, err)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", a.path, err)
	}
	if tables < 4 {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "%s is not a gateway's database", a.path)
	}
	var schema int64
	if err := a.db.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version WHERE is_applied").Scan(&schema); err != nil {
		return fmt.Errorf("read the schema of %s: %w", a.path, err)
	}
	known, err := knownSchema()
	if err == nil && schema > known {
		err = dispatchapy.Errorf(dispatchapy.CodeInvalid, "%s was written by a newer version of this program (schema %d, this one knows %d)", a.path, schema, known)
	}
	return err
}

// knownSchema is the version of the latest migration.
func knownSchema() (latest int64, err error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return 0, err
		}
		latest = max(latest, version)
	}
	return latest, err
}

// Check reads the whole file and finds what is damaged. A quick check leaves
// out whether the indexes agree with the tables.
func (a *Archive) Check(ctx context.Context, quick bool) error {
	query := "PRAGMA integrity_check(5)"
	if quick {
		query = "PRAGMA quick_check(5)"
	}
	rows, err := a.db.QueryContext(ctx, query)
	lines, err := collect(rows, err, func(rows *sql.Rows) (line string, err error) {
		err = rows.Scan(&line)
		return line, err
	})
	if err == nil && (len(lines) != 1 || lines[0] != "ok") {
		err = errors.New(strings.Join(lines, "; "))
	}
	if err != nil && ctx.Err() == nil {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "%s is damaged: %w", a.path, err)
	}
	return err
}

// Facts reads what the database holds.
func (a *Archive) Facts(ctx context.Context) (f Facts, err error) {
	var clock int64
	err = a.db.QueryRowContext(ctx, `SELECT
		(SELECT value FROM meta WHERE key = 'config_version'), (SELECT value FROM meta WHERE key = 'clock'),
		coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'tasks'), 0),
		(SELECT count(*) FROM tasks WHERE status IN ('pending', 'processing')),
		(SELECT page_count * page_size FROM pragma_page_count, pragma_page_size)`,
	).Scan(&f.ConfigVersion, &clock, &f.Newest, &f.Waiting, &f.Bytes)
	f.Clock = fromMicros(clock)
	return f, err
}

// Indexed gives the id of the task up to which the search index reaches, 0
// if there is no index.
func (a *Archive) Indexed(ctx context.Context) (id int64, err error) {
	path := searchPath(a.path)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return 0, err
	}
	source := url.URL{Scheme: "file", Path: absolute, RawQuery: url.Values{"mode": {"ro"}, "_pragma": searchReaderPragmas}.Encode()}
	db, err := sql.Open("sqlite", source.String())
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }() // it was only read
	err = db.QueryRowContext(ctx, "SELECT indexed FROM mark").Scan(&id)
	return id, err
}

// searchPath is where the search index of a database is.
func searchPath(path string) string { return strings.TrimSuffix(path, ".db") + ".search.db" }

// Copy writes a consistent copy of the database to a new file, with everything
// that was acknowledged before the call. The gateway may go on writing; the
// write-ahead log grows meanwhile. The file is checked before it appears under
// its name, and is for its owner only. After an error there is no file.
func (a *Archive) Copy(ctx context.Context, path string) (err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "%s exists already: name a new file", path)
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".backup-*") // mode 0700
	if err != nil {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "the backup cannot be written there: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	part := filepath.Join(dir, "part")
	// SQLite writes into a file that exists if it is empty, and keeps its mode.
	if err := os.WriteFile(part, nil, 0o600); err != nil {
		return err
	}
	if err := a.vacuumInto(ctx, part); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	if err := checkStill(ctx, part); err != nil {
		return err
	}
	return appear(part, path)
}

// vacuumInto lifts the ban on writing for as long as it takes: it is about all
// files of the connection, also the one that is made.
func (a *Archive) vacuumInto(ctx context.Context, path string) (err error) {
	conn, err := a.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, "PRAGMA query_only(0)"); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "VACUUM INTO ?", path)
	_, again := conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA query_only(1)")
	return errors.Join(err, again)
}

// checkStill checks a file that nobody writes to, all of it.
func checkStill(ctx context.Context, path string) error {
	a, err := openStill(ctx, path)
	if err != nil {
		return err
	}
	return errors.Join(a.Check(ctx, false), a.Close())
}

// appear gives a finished file its name, unless another file got it meanwhile.
func appear(part, path string) error {
	if err := syncFile(part); err != nil {
		return err
	}
	err := os.Link(part, path)
	if errors.Is(err, fs.ErrExist) {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "%s exists already: name a new file", path)
	}
	if err != nil { // a file system without links
		err = os.Rename(part, path)
	}
	return errors.Join(err, syncDirectory(filepath.Dir(path)))
}

// syncFile makes what is in a file survive power loss.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncDirectory makes the names in a directory survive power loss.
func syncDirectory(path string) error {
	if runtime.GOOS == "windows" {
		return nil // does it by itself, and has no way to ask for it
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Close ends reading.
func (a *Archive) Close() error { return a.db.Close() }
