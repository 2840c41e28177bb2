// Package sqlite is the store's driver for SQLite: one file, one process.
//
// Every change goes through one goroutine that commits the operations of all
// callers in batches (see store.Batcher and writer.go); reading uses a pool of
// connections of its own that cannot write. Nothing is acknowledged before its
// batch was synced to disk.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/pressly/goose/v3"

	"dispatchapy/internal/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options say where the database is and who hears of its work.
type Options struct {
	Path string       // of the database file; its directory is made if needed
	Log  *slog.Logger // nil: slog.Default()

	// Observe, if set, is told of every commit, from the committing goroutine.
	Observe func(store.BatchStats)
}

// readers is how many queries run at the same time.
const readers = 4

// Store is a store.Store in an SQLite file.
type Store struct {
	log       *slog.Logger
	path      string // of the database file
	lock      *os.File
	clock     clock
	writes    *store.Batcher[operation]
	writer    *writer // belongs to the goroutine of writes, like failing
	failing   bool    // the last commit failed
	read      *sql.DB
	index     *indexer
	budget    budget
	searching chan struct{} // holds the searches under way
	watchers  broadcast
	leased    factsOfLeased

	// life is held for reading by those who read, and for writing to close.
	life   sync.RWMutex
	closed chan struct{}

	// closing ends when Close is called, for reading that would take long.
	closing context.Context
	end     context.CancelFunc
}

var _ store.Store = (*Store)(nil)

// Open opens the database, creating or migrating it as needed. It refuses a
// database that another process has open, or that a newer version wrote.
func Open(ctx context.Context, options Options) (*Store, error) {
	return open(ctx, options, time.Now())
}

func open(ctx context.Context, options Options, wall time.Time) (_ *Store, err error) {
	path, err := filepath.Abs(options.Path)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", options.Path, err)
	}
	s := &Store{log: options.Log, path: path, budget: pageBudget, searching: make(chan struct{}, searches), closed: make(chan struct{})}
	s.closing, s.end = context.WithCancel(context.Background())
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.lock, err = prepareFiles(path); err != nil {
		return nil, err
	}
	s.writer = &writer{db: connect(path, writerPragmas, 1)}
	s.read = connect(path, readerPragmas, readers)
	defer func() {
		if err != nil {
			err = fmt.Errorf("database %s: %w", path, errors.Join(err, s.release()))
		}
	}()
	if err := migrate(ctx, s.writer.db, migrations); err != nil {
		return nil, err
	}
	var persisted int64
	if err := s.read.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'clock'").Scan(&persisted); err != nil {
		return nil, err
	}
	s.clock = startClock(wall, persisted)
	s.writes = store.NewBatcher(s.commit, store.BatcherOptions{Observe: options.Observe})
	s.index = newIndexer(s, path)
	s.index.start()
	return s, nil
}

// errLocked is lockFile's error for a file that another process has locked.
var errLocked = errors.New("locked by another process")

// prepareFiles makes the directory and the file, for the owner only, and takes
// the lock that keeps a second process away.
func prepareFiles(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of the database: %w", err)
	}
	lock, err := lockFile(path + ".lock")
	if errors.Is(err, errLocked) {
		return nil, fmt.Errorf("the database %s is in use by another process, which holds %s.lock: stop it first", path, path)
	}
	if err != nil {
		return nil, fmt.Errorf("lock the database: %w", err)
	}
	// SQLite gives its other files the permissions of this one.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database: %w", err), lock.Close())
	}
	return lock, errors.Join(f.Close())
}

var (
	// A checkpoint every 8000 pages (32 MB) instead of every 1000 writes the
	// same pages less often; measured 1.2 times the throughput.
	writerPragmas = []string{
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(0)", "temp_store(MEMORY)",
		"cache_size(-32000)", "wal_autocheckpoint(8000)", "journal_size_limit(67108864)",
	}
	readerPragmas = []string{"busy_timeout(10000)", "query_only(1)", "temp_store(MEMORY)", "cache_size(-4000)"}
)

func connect(path string, pragmas []string, connections int) *sql.DB {
	query := url.Values{"_pragma": pragmas, "_txlock": {"deferred"}}
	source := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", source.String())
	if err != nil { // only an unknown driver name can fail here
		panic(err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db
}

// migrate brings the database up to the newest schema. Migrations that were
// left out, because they were added after one with a higher number, are made
// up for: they do not depend on those.
func migrate(ctx context.Context, db *sql.DB, from fs.FS) error {
	files, err := fs.Sub(from, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(true))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the version of the schema: %w", err)
	}
	if current > target {
		return fmt.Errorf("it was written by a newer version of this program (schema %d, this one knows %d): "+
			"start that version, or restore a backup made before the upgrade", current, target)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// CheckWritable implements store.Store. What it writes is the clock.
func (s *Store) CheckWritable(ctx context.Context) error { return s.writes.Do(ctx, saveClock) }

func saveClock(tx *tx) error {
	_, err := tx.exec("UPDATE meta SET value = max(value, ?) WHERE key = 'clock'", tx.now)
	return err
}

// InstanceKey implements store.Store.
func (s *Store) InstanceKey(ctx context.Context) (key [32]byte, err error) {
	var value []byte
	err = s.reading(func() error {
		return s.read.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'instance_key'").Scan(&value)
	})
	if err == nil && copy(key[:], value) != len(key) {
		err = errors.New("the instance key in the database is damaged")
	}
	return key, err
}

// reading runs a part that reads, unless the store is closed.
func (s *Store) reading(do func() error) error {
	s.life.RLock()
	defer s.life.RUnlock()
	select {
	case <-s.closed:
		return store.ErrClosed
	default:
		return do()
	}
}

// Close implements store.Store. It may be called more than once.
func (s *Store) Close() error {
	s.end()
	s.index.stop() // it reads, so that it has to end before the lock is taken
	s.life.Lock()
	defer s.life.Unlock()
	select {
	case <-s.closed:
		return nil
	default:
	}
	// A failure only means that the clock starts from an older time.
	if err := s.writes.Do(context.Background(), saveClock); err != nil {
		s.log.Warn("the store's clock was not saved", "error", err)
	}
	s.writes.Close()
	close(s.closed)
	return s.release()
}

// release closes what is open. Closing the last connection checkpoints.
func (s *Store) release() error {
	err := s.read.Close()
	if s.index != nil {
		err = errors.Join(err, s.index.close())
	}
	s.writer.close()
	return errors.Join(err, s.writer.db.Close(), s.lock.Close())
}
