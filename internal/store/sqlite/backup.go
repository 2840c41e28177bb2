package sqlite

import (
	"context"
	"errors"

	"dispatchapy/internal/store"
)

// Backup implements store.Management. It reads one state of the database from
// beginning to end, so that the journal grows by what is written meanwhile.
// Close ends it.
func (s *Store) Backup(ctx context.Context, path string) error {
	return s.reading(func() error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(s.closing, cancel)()
		err := s.copyTo(ctx, path)
		if err != nil && s.closing.Err() != nil {
			return store.ErrClosed
		}
		return err
	})
}

// copyTo uses a connection of its own, which may not write to the database.
func (s *Store) copyTo(ctx context.Context, path string) error {
	archive, err := OpenArchive(ctx, s.path)
	if err != nil {
		return err
	}
	return errors.Join(archive.Copy(ctx, path), archive.Close())
}
