package sqlite_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"dispatchapy/internal/store"
	"dispatchapy/internal/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openNew(t testing.TB) store.Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "dispatchapy.db"))
}

func openAt(t testing.TB, path string) store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return s
}

func shut(t testing.TB, s store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "on the way?&%41#")
	s := openAt(t, filepath.Join(dir, "a ?#%20 b.db"))
	defer shut(t, s)
	if err := s.CheckWritable(t.Context()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v, %v, want mode 0700", info.Mode(), err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		info, err := file.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, want mode 0600", file.Name(), info.Mode(), err)
		}
		if !strings.HasPrefix(file.Name(), "a ?#%20 b.db") {
			t.Errorf("%s is not named after the database", file.Name())
		}
	}
	if len(files) < 3 { // database, log and lock
		t.Errorf("files %v", files)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dispatchapy.db")
	s := openAt(t, path)
	second, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	if err == nil {
		shut(t, second)
		t.Fatal("the database was opened twice")
	}
	if !strings.Contains(err.Error(), path+".lock") {
		t.Errorf("the error does not name the lock file: %v", err)
	}
	shut(t, s)
	shut(t, openAt(t, path))
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dispatchapy.db")
	shut(t, openAt(t, path))
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the refusal gives the lock back
		_, err = sqlite.Open(t.Context(), sqlite.Options{Path: path})
		if err == nil || !strings.Contains(err.Error(), "newer version") {
			t.Fatalf("Open = %v, want a refusal of the newer database", err)
		}
	}
}

func TestWhatIsNoDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dispatchapy.db")
	content := strings.Repeat("this is not a database. ", 1000)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), sqlite.Options{Path: path}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Open = %v, want an error that names the file", err)
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != content {
		t.Error("the file was changed")
	}
}
