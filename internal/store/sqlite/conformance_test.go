package sqlite_test

import (
	"flag"
	"path/filepath"
	"testing"

	"dispatchapy/internal/store"
	"dispatchapy/internal/store/sqlite"
	"dispatchapy/internal/store/storetest"
)

func TestConformance(t *testing.T) { storetest.Run(t, openNew) }

func TestReopen(t *testing.T) {
	storetest.RunReopen(t, func(t testing.TB) func() store.Store {
		path := filepath.Join(t.TempDir(), "dispatchapy.db")
		return func() store.Store { return openAt(t, path) }
	})
}

func TestCrash(t *testing.T) {
	storetest.RunCrash(t,
		func(t testing.TB) string { return filepath.Join(t.TempDir(), "dispatchapy.db") },
		func(path string) (store.Store, error) {
			return sqlite.Open(t.Context(), sqlite.Options{Path: path})
		})
}

func TestBackup(t *testing.T) { storetest.RunBackup(t, openAt) }

var rows = flag.Int("rows", storetest.Rows, "finished tasks in the benchmarks of a large database")

func BenchmarkStore(b *testing.B) {
	storetest.Rows = *rows
	storetest.Bench(b, openNew)
}
