package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"dispatchapy"
)

// Restore puts a backup in the place of the database at path: all of it or
// nothing. The backup is copied and the copy checked, all of it, before the
// old database is touched; accept, if not nil, has the last word. The old
// database is kept under the name that is given, "" if there was none. It
// refuses while a gateway has the database open.
func Restore(ctx context.Context, backup, path string, accept func(*Archive) error) (aside string, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return "", err
	}
	if err := checkSource(backup, path); err != nil {
		return "", err
	}
	return replace(ctx, path, func(part string) error {
		if err := copyFile(backup, part); err != nil {
			return fmt.Errorf("copy the backup: %w", err)
		}
		if err := checkPart(ctx, part, backup, accept); err != nil {
			return err
		}
		return forgetSince(ctx, part, path)
	})
}

// forgetSince makes a backup that is going to be used fit for the present:
// sessions in it may have been ended since, and so all end; and ids and versions
// that the old database, if it can be read, has given out since are not given
// out again.
func forgetSince(ctx context.Context, part, old string) (err error) {
	db := connect(part, []string{"busy_timeout(10000)", "journal_mode(DELETE)", "synchronous(FULL)"}, 1)
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := goOnAfter(ctx, tx, old); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM sessions"); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO audit (at, by, action, kind, object_id, name, version, detail)
		VALUES (?, 'system', 'restore', '', 0, '', 0, 'put a backup in the place of the database; all sessions ended')`, time.Now().UnixMicro()); err != nil {
		return err
	}
	return tx.Commit()
}

// goOnAfter makes the ids and versions of a backup go on after those of the old
// database. Others hold on to them: senders to the ids of tasks, receivers to
// those of notifications and incidents, and whoever is about to change an
// object to its version.
func goOnAfter(ctx context.Context, tx *sql.Tx, old string) error {
	ids, version := lastGiven(ctx, old)
	for table, id := range ids {
		// A table into which nothing was ever written has no row yet.
		for _, statement := range []string{
			"INSERT INTO sqlite_sequence (name, seq) SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
			"UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1",
		} {
			if _, err := tx.ExecContext(ctx, statement, table, id); err != nil {
				return err
			}
		}
	}
	_, err := tx.ExecContext(ctx, "UPDATE meta SET value = max(value, ?) WHERE key = 'config_version'", version)
	return err
}

// lastGiven gives the newest ids of a database by table, and the version of its
// configuration.
//
// Failure policy: fail open. One that is damaged or not there says nothing, and
// its ids are given out again; tasks are told apart by their time as well.
func lastGiven(ctx context.Context, path string) (ids map[string]int64, version int64) {
	ids = map[string]int64{}
	archive, err := OpenArchive(ctx, path)
	if err != nil {
		return ids, 0
	}
	defer func() { _ = archive.Close() }() // it was only read
	rows, err := archive.db.QueryContext(ctx, "SELECT name, seq FROM sqlite_sequence WHERE name <> 'goose_db_version'")
	_, _ = collect(rows, err, func(rows *sql.Rows) (name string, err error) { // see above
		var id int64
		err = rows.Scan(&name, &id)
		ids[name] = id
		return name, err
	})
	version, _ = archive.ConfigVersion(ctx)
	return ids, version
}

// Rebuild lets build work on a copy of the database at path, or on the name of
// a new one where there is none, and then puts the result in the place of the
// database: all of it or nothing. build has to close what it opens. The old
// database is kept as by Restore. It refuses while a gateway has the database
// open, and keeps gateways away until it is done.
func Rebuild(ctx context.Context, path string, build func(part string) error) (aside string, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return "", err
	}
	return replace(ctx, path, func(part string) error {
		if _, err := os.Stat(path); err == nil {
			if err := copyWhole(ctx, path, part); err != nil {
				return err
			}
		}
		if err := build(part); err != nil {
			return err
		}
		if err := settle(ctx, part); err != nil {
			return err
		}
		return checkPart(ctx, part, part, nil)
	})
}

func copyWhole(ctx context.Context, path, part string) error {
	archive, err := OpenArchive(ctx, path)
	if err != nil {
		return err
	}
	return errors.Join(archive.Copy(ctx, part), archive.Close())
}

// replace puts the database that fill makes in the place of the one at path,
// which it locks meanwhile.
func replace(ctx context.Context, path string, fill func(part string) error) (aside string, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("make the directory of the database: %w", err)
	}
	lock, err := lockFile(path + ".lock")
	if errors.Is(err, errLocked) {
		return "", dispatchapy.Errorf(dispatchapy.CodeConflict, "a gateway is running with the database %s: stop it first", path)
	}
	if err != nil {
		return "", fmt.Errorf("lock the database: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()

	// A directory of its own takes the files that stand beside a database.
	dir, err := os.MkdirTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	part := filepath.Join(dir, filepath.Base(path))
	if err := fill(part); err != nil {
		return "", err
	}
	if aside, err = setAside(ctx, path); err != nil {
		return "", fmt.Errorf("keep the old database: %w", err)
	}
	if err := os.Rename(part, path); err != nil {
		return "", err
	}
	// The index is of the old database. A new one is made.
	err = removeAll(searchPath(path), searchPath(path)+"-wal", searchPath(path)+"-shm")
	return aside, errors.Join(err, syncDirectory(filepath.Dir(path)))
}

// checkSource refuses what is no backup at first sight.
func checkSource(backup, path string) error {
	info, err := os.Stat(backup)
	if errors.Is(err, fs.ErrNotExist) {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "there is no file %s", backup)
	}
	if err != nil {
		return err
	}
	if old, err := os.Stat(path); err == nil && os.SameFile(info, old) {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "%s is the gateway's database itself", backup)
	}
	if wal, err := os.Stat(backup + "-wal"); err == nil && wal.Size() > 0 {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid,
			"%s has a write-ahead log beside it, in which a part of it is: make a backup of it with dispatchapy backup", backup)
	}
	return nil
}

// checkPart checks the copy, which is what will be used; messages name the
// backup.
func checkPart(ctx context.Context, part, backup string, accept func(*Archive) error) error {
	a, err := openStill(ctx, part)
	if err != nil {
		return fmt.Errorf("the copy of %s: %w", backup, err)
	}
	defer func() { _ = a.Close() }() // it was only read
	a.path = backup
	if err := a.Check(ctx, false); err != nil {
		return err
	}
	if accept == nil {
		return nil
	}
	return accept(a)
}

// setAside gives the old database a second name, so that there is one under
// the first name at every moment.
func setAside(ctx context.Context, path string) (aside string, err error) {
	_, err = os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", removeAll(path+"-wal", path+"-shm")
	}
	if err != nil {
		return "", err
	}
	aside = path + ".before-" + time.Now().UTC().Format("20060102T150405.000")
	if err := settle(ctx, path); err != nil {
		// It is damaged: what is left of it is kept as it is.
		if err := os.Rename(path+"-wal", aside+"-wal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if err := removeAll(path + "-shm"); err != nil {
			return "", err
		}
	}
	if err := os.Link(path, aside); err != nil { // a file system without links
		return aside, copyFile(path, aside)
	}
	return aside, nil
}

// settle brings all of a database into its one file.
func settle(ctx context.Context, path string) (err error) {
	db := connect(path, []string{"busy_timeout(10000)"}, 1)
	defer func() { err = errors.Join(err, db.Close()) }()
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode = DELETE").Scan(&mode); err != nil {
		return err
	}
	if mode != "delete" {
		return fmt.Errorf("the write-ahead log cannot be closed: journal mode %s", mode)
	}
	return nil
}

// copyFile copies a file for its owner only, over another one if need be, and
// makes it durable.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	if err := removeAll(to); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

func removeAll(paths ...string) (err error) {
	for _, path := range paths {
		if e := os.Remove(path); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
