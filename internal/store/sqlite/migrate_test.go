package sqlite

import (
	"path/filepath"
	"testing"
	"testing/fstest"
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
