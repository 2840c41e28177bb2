package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// Backup implements store.Management. It reads one state of the database from
// beginning to end on a connection of its own, so that the journal grows by
// what is written meanwhile. A store that is closed ends it.
func (s *Store) Backup(ctx context.Context, path string) error {
	return s.reading(func() (err error) {
		// For the owner only, like the database; and never over another file.
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // a place that the administrator names
		if errors.Is(err, fs.ErrExist) {
			return dispatchapy.Errorf(dispatchapy.CodeConflict, "there is already a file %s: choose another place for the backup", path)
		}
		if err != nil {
			return dispatchapy.Errorf(dispatchapy.CodeInvalid, "the backup cannot be written: %w", err)
		}
		defer func() {
			if err = errors.Join(err, f.Close()); err != nil {
				err = errors.Join(err, os.Remove(path))
			}
		}()
		if err := s.copyTo(ctx, path); err != nil {
			return err
		}
		return errors.Join(f.Sync(), syncDirectory(filepath.Dir(path)))
	})
}

// copyTo fills an empty file. The connection may not write to the database
// itself.
func (s *Store) copyTo(ctx context.Context, path string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.closing, cancel)()
	db := connectWith(url.Values{"mode": {"ro"}}, s.path, []string{"busy_timeout(10000)", "cache_size(-4000)"}, 1)
	_, err := db.ExecContext(ctx, "VACUUM INTO ?", path)
	if err != nil && s.closing.Err() != nil {
		err = store.ErrClosed
	}
	if err != nil {
		err = fmt.Errorf("copy the database: %w", err)
	}
	return errors.Join(err, db.Close())
}

// syncDirectory makes the name of a new file in it durable.
func syncDirectory(path string) error {
	if runtime.GOOS == "windows" {
		return nil // which does it by itself, and has no way to ask for it
	}
	d, err := os.Open(path) //nolint:gosec // a place that the administrator names
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
