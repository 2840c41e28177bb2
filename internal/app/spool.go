package app

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"dispatchapy/internal/service"
)

// spool keeps uploads beside the database: that directory can be written to,
// and nobody else reads it.
type spool struct {
	dir string
	log *slog.Logger
}

const uploadPattern = "upload-*.tmp"

// newSpool makes a spool and removes what an earlier process left in it.
func newSpool(dir string, log *slog.Logger) *spool {
	s := &spool{dir: dir, log: log}
	left, err := filepath.Glob(filepath.Join(dir, uploadPattern))
	if err != nil {
		log.Warn("uploads that were left could not be looked for", "error", err)
	}
	for _, path := range left {
		s.Remove(path)
	}
	return s
}

// Create implements service.Spool. Only the owner can read the file.
func (s *spool) Create() (service.SpoolFile, error) {
	f, err := os.CreateTemp(s.dir, uploadPattern)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Remove implements service.Spool.
//
// Failure policy: a file that cannot be removed is logged and removed at the
// next start.
func (s *spool) Remove(path string) {
	for _, file := range []string{path, path + "-journal", path + "-wal", path + "-shm"} {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.log.Warn("an upload could not be removed", "file", file, "error", err)
		}
	}
}
