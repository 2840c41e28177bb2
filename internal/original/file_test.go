package original_test

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/original"
)

func TestRefusedFiles(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	plain, other := filepath.Join(dir, "other.db"), filepath.Join(dir, "other ?#%41.db")
	change(t, plain, "CREATE TABLE tasks (id INTEGER PRIMARY KEY)")
	if err := os.Rename(plain, other); err != nil {
		t.Fatal(err)
	}
	computed := database(t, "ALTER TABLE tasks ADD COLUMN more TEXT AS (hex(zeroblob(200000000)))", tidy, manyTasks)
	virtual := database(t, "DROP TABLE settings", "CREATE VIRTUAL TABLE settings USING fts5(smtp_host)")
	damaged := database(t, tidy, manyTasks)
	damage(t, damaged)

	tests := []struct {
		name, path string
		code       dispatchapy.Code
		says       string
	}{
		{"missing", filepath.Join(dir, "none.db"), dispatchapy.CodeInvalid, "there is no file"},
		{"a folder", dir, dispatchapy.CodeInvalid, "is not a file"},
		{"not a database", text, dispatchapy.CodeInvalid, "is not an SQLite database"},
		{"empty", empty, dispatchapy.CodeInvalid, "it has no table clients, client_dev_rules"},
		{"another program's", other, dispatchapy.CodeInvalid, "it has no table clients, client_dev_rules, development_rules, endpoints, " +
			"endpoint_client_links, endpoint_resource_links, parameter_rules, resources, settings"},
		{"with a column that is computed", computed, dispatchapy.CodeInvalid, "it has no table tasks"},
		{"with a virtual table", virtual, dispatchapy.CodeInvalid, "it has no table settings"},
		{"damaged", damaged, dispatchapy.CodeInvalid, ".recover"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			im, err := original.Read(t.Context(), tt.path)
			if im != nil || dispatchapy.ErrorCode(err) != tt.code {
				t.Fatalf("got %v and error %v, want code %s", im, err, tt.code)
			}
			if !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), tt.path) {
				t.Errorf("error %q does not say %q and the path", err, tt.says)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(dir, "none.db")); !errors.Is(err, os.ErrNotExist) {
		t.Error("the missing file was created")
	}
}

// damage overwrites the middle of a file.
func damage(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rand.Read(data[len(data)/3 : len(data)*2/3]); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A file whose writer was killed in the middle of a transaction needs its
// journal played back, which is writing.
func TestFileOfAWriterThatWasKilled(t *testing.T) {
	path := database(t, tidy, manyTasks)
	killed := filepath.Join(t.TempDir(), "killed.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	// More than the cache holds goes to the file before the commit.
	for _, statement := range []string{"PRAGMA cache_size = 5", "BEGIN", "UPDATE tasks SET last_error = hex(randomblob(9000))"} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for _, suffix := range []string{"", "-journal"} {
		data, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(killed+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err = original.Read(t.Context(), killed)
	if dispatchapy.ErrorCode(err) != dispatchapy.CodeInvalid || !strings.Contains(err.Error(), "start and stop it once") {
		t.Errorf("error %v, want one that says how to finish the transaction", err)
	}
}

// A file that breaks its own constraints, as a crude repair leaves it, is read.
func TestBrokenConstraintsAreNoDamage(t *testing.T) {
	path := database(t, tidy, oneTask, `
		UPDATE tasks SET status = NULL;
		PRAGMA writable_schema = ON;
		UPDATE sqlite_master SET sql = replace(sql, 'status VARCHAR', 'status VARCHAR NOT NULL CHECK (status <> '''')') WHERE name = 'tasks'`)
	if got := tasks(t, read(t, path)); len(got) != 1 || got[0].Task.Status != dispatchapy.StatusStopped {
		t.Errorf("tasks: %+v", got)
	}
}

func TestFileStaysAsItIs(t *testing.T) {
	path := database(t, tidy, manyTasks)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if n := len(tasks(t, read(t, path))); n != 250 {
		t.Errorf("%d tasks, want 250", n)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) {
		t.Error("the file was changed")
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("files beside it: %v, %v", files, err)
	}
}

// The database of a gateway that was used, if it is at hand.
func TestRealFile(t *testing.T) {
	path := filepath.Join("..", "..", "..", "shared", "mission", "original-1.2.1.db")
	if _, err := os.Stat(path); err != nil {
		t.Skip("the real database is not here")
	}
	im := read(t, path)
	if err := im.Config.Validate(); err != nil {
		t.Error(err)
	}
	c := im.Config
	if len(c.Resources) != 2 || len(c.Endpoints) != 2 || len(c.Clients) != 2 || len(im.Checks) != 10 {
		t.Errorf("%d resources, %d endpoints, %d clients, %d checks", len(c.Resources), len(c.Endpoints), len(c.Clients), len(im.Checks))
	}
	if evil := c.Client("EvilClient"); evil == nil || evil.TokenHash != hash("evil") || len(evil.Endpoints) != 2 {
		t.Errorf("EvilClient: %+v", evil)
	}
	if c.Endpoint("send_alert_copy") == nil {
		t.Error("the path with a space was not mended")
	}
	counts := map[dispatchapy.Status]int{}
	attempts, log := 0, 0
	for _, task := range tasks(t, im) {
		counts[task.Task.Status]++
		attempts += len(task.Attempts)
		log += len(task.Log)
	}
	if counts[dispatchapy.StatusSuccess] != 55 || counts[dispatchapy.StatusFailed] != 3 || counts[dispatchapy.StatusHeld] != 1 || len(counts) != 3 {
		t.Errorf("tasks: %v", counts)
	}
	if attempts != 11+52 || log != 23 {
		t.Errorf("%d attempts and %d log lines, want 63 and 23", attempts, log)
	}
	for _, line := range im.Mended() {
		t.Log(line)
	}
}
