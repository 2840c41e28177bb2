package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"dispatchapy"
	"dispatchapy/internal/config"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/sealer"
	"dispatchapy/internal/service"
	"dispatchapy/internal/store/sqlite"
)

// Rotated is what RotateKey did.
type Rotated struct {
	Objects int    // sealed anew
	File    string // key file; "" if the key is from the environment
	OldKeys string // file with the older keys; "" if there were none
}

// RotateKey replaces the secret key of a data directory that no gateway uses: a
// new key is put into the key file before the old one, everything stored is
// sealed with it, and then the old key is taken out. Wherever that is broken
// off, the file has every key that is needed, and doing it again goes on. A key
// from the environment is the user's to change: with the new one in a line
// before the old one, this seals everything with the new one.
func RotateKey(ctx context.Context, options config.Options) (r Rotated, err error) {
	if _, err := openExistingBox(options); err != nil {
		return r, err
	}
	if _, err := os.Stat(options.DatabasePath()); err != nil {
		return r, dispatchapy.Errorf(dispatchapy.CodeInvalid, "--data-dir: there is no gateway's data in %s", options.DataDir)
	}
	// The store's lock keeps gateways away until everything is done.
	store, err := sqlite.Open(ctx, sqlite.Options{Path: options.DatabasePath(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if options.SecretKey == "" {
		r.File = options.SecretKeyFile
		if r.File == "" {
			r.File = filepath.Join(options.DataDir, sealer.KeyFile)
		}
		if err := sealer.PutNewKey(r.File); err != nil {
			return r, err
		}
	}
	box, err := openBox(options)
	if err != nil {
		return r, err
	}
	empty, err := routing.Compile(&dispatchapy.Config{Settings: dispatchapy.DefaultSettings()})
	if err != nil {
		return r, err
	}
	seals := service.New(service.Options{Store: store, Table: routing.NewTable(empty), Box: box, Log: slog.New(slog.DiscardHandler)})
	if r.Objects, err = seals.Reseal(ctx, System); err != nil || r.File == "" {
		return r, err
	}
	aside := r.File + ".old-" + time.Now().UTC().Format("20060102T150405.000")
	if err := sealer.KeepFirstKey(r.File, aside); err != nil {
		return r, fmt.Errorf("everything is sealed with the new key, but the old one is still in the key file: %w", err)
	}
	if _, err := os.Stat(aside); err == nil {
		r.OldKeys = aside
	}
	return r, nil
}
