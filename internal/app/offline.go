package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"dispatchapy"
	"dispatchapy/internal/config"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/sealer"
	"dispatchapy/internal/service"
	"dispatchapy/internal/store"
	"dispatchapy/internal/store/sqlite"
)

// Backup copies the database of the data directory to a new file, whether a
// gateway runs or not, and says what is in the copy. The secret key is not.
func Backup(ctx context.Context, options config.Options, file string) (facts sqlite.Facts, err error) {
	archive, err := openDatabase(ctx, options)
	if err != nil {
		return facts, err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	if err := archive.Copy(ctx, file); err != nil {
		return facts, err
	}
	made, err := sqlite.OpenArchive(ctx, file)
	if err != nil {
		return facts, err
	}
	facts, err = made.Facts(ctx)
	return facts, errors.Join(err, made.Close())
}

// Restored is what Restore did.
type Restored struct {
	Facts sqlite.Facts
	Aside string // where the old database is now; "" if there was none
}

// Restore puts a backup in the place of the data directory's database, after it
// has made sure that it is whole and that the secret key opens it. It refuses
// while a gateway runs.
func Restore(ctx context.Context, options config.Options, file string) (r Restored, err error) {
	r.Aside, err = sqlite.Restore(ctx, file, options.DatabasePath(), func(backup *sqlite.Archive) error {
		if r.Facts, err = backup.Facts(ctx); err != nil {
			return err
		}
		_, err := openStored(ctx, options, backup)
		if errors.Is(err, sealer.ErrUnknownKey) {
			return dispatchapy.Errorf(dispatchapy.CodeInvalid,
				"the secret key does not open this backup: put the key of the gateway that it was made of in place first: %w", err)
		}
		return err
	})
	return r, err
}

// openDatabase opens the data directory's database for reading.
func openDatabase(ctx context.Context, options config.Options) (*sqlite.Archive, error) {
	if _, err := os.Stat(options.DatabasePath()); errors.Is(err, fs.ErrNotExist) {
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "--data-dir: there is no gateway's data in %s", options.DataDir)
	}
	return sqlite.OpenArchive(ctx, options.DatabasePath())
}

// openStored decrypts and compiles the configuration in a database.
func openStored(ctx context.Context, options config.Options, archive *sqlite.Archive) (*routing.Snapshot, error) {
	empty, err := routing.Compile(&dispatchapy.Config{Settings: dispatchapy.DefaultSettings()})
	if err != nil {
		return nil, err
	}
	version, err := archive.ConfigVersion(ctx)
	if err != nil || version == 0 {
		return empty, err // nothing was ever configured: any key will do
	}
	box, err := openExistingBox(options)
	if err != nil {
		return nil, err
	}
	table := routing.NewTable(empty)
	reader := service.New(service.Options{Store: readStore{archive: archive}, Table: table, Box: box, Log: slog.New(slog.DiscardHandler)})
	if _, err := reader.Refresh(ctx); err != nil {
		return nil, err
	}
	return table.Load(), nil
}

// openExistingBox is openBox without making a key: one made now would open
// nothing.
func openExistingBox(options config.Options) (*sealer.Box, error) {
	if options.SecretKey == "" && options.SecretKeyFile == "" {
		path := filepath.Join(options.DataDir, sealer.KeyFile)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid,
				"the secret key is missing: put it at %s, or set DISPATCHAPY_SECRET_KEY or DISPATCHAPY_SECRET_KEY_FILE", path)
		} else if err != nil {
			return nil, fmt.Errorf("look for the secret key: %w", err)
		}
	}
	return openBox(options)
}

// readStore is an archive as the service wants its store, for reading the
// configuration and nothing else.
type readStore struct {
	service.Store // nil: what is not below is never called
	archive       *sqlite.Archive
}

func (s readStore) LoadConfig(ctx context.Context) (int64, []store.ConfigObject, error) {
	return s.archive.LoadConfig(ctx)
}

func (s readStore) ConfigVersion(ctx context.Context) (int64, error) {
	return s.archive.ConfigVersion(ctx)
}

func (s readStore) ObjectNames(ctx context.Context) ([]store.ObjectName, error) {
	return s.archive.ObjectNames(ctx)
}
