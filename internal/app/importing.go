package app

import (
	"context"
	"errors"
	"log/slog"

	"dispatchapy"
	"dispatchapy/internal/config"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/service"
	"dispatchapy/internal/store/sqlite"
)

// ImportOptions say how an import is made.
type ImportOptions struct {
	DryRun bool // read and count, and change nothing
	Merge  bool // into a gateway that has something already
}

// Imported is what an import brought, or would bring.
type Imported struct {
	service.Imported
	Aside string `json:"aside,omitempty"` // where the old database is now
}

// ImportOriginal brings everything from the database of the original into a
// data directory that no gateway uses: all of it or nothing. It is otherwise
// what service.ImportOriginal does.
func ImportOriginal(ctx context.Context, options config.Options, file string, o ImportOptions) (result Imported, err error) {
	if result.Imported, err = service.SurveyOriginal(ctx, file); err != nil || o.DryRun {
		return result, err
	}
	box, err := openBox(options)
	if err != nil {
		return result, err
	}
	result.Aside, err = sqlite.Rebuild(ctx, options.DatabasePath(), func(part string) (err error) {
		db, err := sqlite.Open(ctx, sqlite.Options{Path: part, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		empty, err := routing.Compile(&dispatchapy.Config{Settings: dispatchapy.DefaultSettings()})
		if err != nil {
			return err
		}
		gateway := service.New(service.Options{Store: db, Table: routing.NewTable(empty), Box: box, Log: slog.New(slog.DiscardHandler)})
		if _, err := gateway.Refresh(ctx); err != nil {
			return err
		}
		result.Imported, err = gateway.ImportOriginal(ctx, System, file, service.OriginalOptions{Merge: o.Merge})
		if dispatchapy.ErrorCode(err) == dispatchapy.CodeConflict && !o.Merge {
			return dispatchapy.Errorf(dispatchapy.CodeConflict, "the gateway is not empty: give --merge to add to what it has")
		}
		return err
	})
	return result, err
}
