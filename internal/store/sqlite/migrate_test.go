package sqlite

import (
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"dispatchapy"
)

// TestMigrationsInAnyOrder: a database of a build that lacked a migration gets
// it from the next one.
func TestMigrationsInAnyOrder(t *testing.T) {
	files := fstest.MapFS{
		"migrations/00001_a.sql": {Data: []byte("-- +goose Up\nCREATE TABLE a (x);\n-- +goose Down\nDROP TABLE a;\n")},
		"migrations/00003_c.sql": {Data: []byte("-- +goose Up\nALTER TABLE a ADD COLUMN c;\n-- +goose Down\nALTER TABLE a DROP COLUMN c;\n")},
	}
	db := connect(filepath.Join(t.TempDir(), "test.db"), writerPragmas, 1)
	defer db.Close()
	if err := migrate(t.Context(), db, files); err != nil {
		t.Fatal(err)
	}
	files["migrations/00002_b.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nALTER TABLE a ADD COLUMN b;\n-- +goose Down\nALTER TABLE a DROP COLUMN b;\n")}
	for range 2 {
		if err := migrate(t.Context(), db, files); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO a (x, b, c) VALUES (1, 2, 3)"); err != nil {
		t.Error(err)
	}
}

// TestNobodyIsToldOfThePast: events from before notifications wait for nobody.
func TestNobodyIsToldOfThePast(t *testing.T) {
	before := fstest.MapFS{}
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if name < "migrations/00008" {
			data, err := migrations.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			before[name] = &fstest.MapFile{Data: data}
		}
	}
	path := filepath.Join(t.TempDir(), "test.db")
	db := connect(path, writerPragmas, 1)
	if err := migrate(t.Context(), db, before); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO events (kind, at, resource_id, task_id, detail, run_at) VALUES ('resource.down', 1, 1, 0, '', 0)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := openTestAt(t, path, time.Now())
	old, err := s.ClaimEvents(t.Context(), time.Hour, 10)
	if err != nil || len(old) != 0 {
		t.Errorf("claimed %+v, %v", old, err)
	}
	if err := s.AppendEvents(t.Context(), []dispatchapy.Event{{Kind: dispatchapy.EventResourceUp}}); err != nil {
		t.Fatal(err)
	}
	if fresh, err := s.ClaimEvents(t.Context(), time.Hour, 10); err != nil || len(fresh) != 1 {
		t.Errorf("claimed %+v, %v", fresh, err)
	}
}
