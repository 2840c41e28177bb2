package sqlite_test

import (
	"path/filepath"
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
