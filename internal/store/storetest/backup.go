package storetest

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// RunBackup checks that a copy made while tasks come in can be opened and has
// all that was acknowledged before. It is for drivers whose backup is something
// that open can open.
func RunBackup(t *testing.T, open func(t testing.TB, path string) store.Store) {
	t.Helper()
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "gateway.db"))
	defer shut(t, s)
	change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{object(store.KindResource, "a")}})
	put(t, s, session(1))

	ctx, cancel := context.WithCancel(t.Context())
	acknowledged, ended := writeUntil(ctx, t, s)
	for i := range 3 {
		before := acknowledged(100 * (i + 1))
		path := filepath.Join(dir, fmt.Sprintf("copy-%d.db", i))
		if err := s.Backup(t.Context(), path); err != nil {
			t.Fatalf("Backup: %v", err)
		}
		checkBackup(t, open, path, before)
	}
	existing := filepath.Join(dir, "copy-0.db")
	if err := s.Backup(t.Context(), existing); dispatchapy.ErrorCode(err) != dispatchapy.CodeInvalid {
		t.Errorf("a backup onto a file that exists gives %v, want an error of the code %s", err, dispatchapy.CodeInvalid)
	}
	cancel()
	ended.Wait()
}

// writeUntil inserts tasks until ctx ends. acknowledged waits until there are
// at least n, and gives their ids.
func writeUntil(ctx context.Context, t *testing.T, s store.Store) (acknowledged func(n int) []int64, ended *sync.WaitGroup) {
	var (
		mu    sync.Mutex
		ids   []int64
		grown = sync.NewCond(&mu)
	)
	ended = &sync.WaitGroup{}
	for range 4 {
		ended.Go(func() {
			for ctx.Err() == nil {
				r, err := s.InsertTasks(context.WithoutCancel(ctx), []store.NewTask{newTask()})
				if err != nil {
					t.Errorf("an insert during a backup: %v", err)
					mu.Lock() // so that whoever is about to wait does so before
					grown.Broadcast()
					mu.Unlock()
					return
				}
				mu.Lock()
				ids = append(ids, r[0].TaskID)
				mu.Unlock()
				grown.Broadcast()
			}
		})
	}
	return func(n int) []int64 {
		mu.Lock()
		defer mu.Unlock()
		for len(ids) < n && !t.Failed() {
			grown.Wait()
		}
		return append([]int64{}, ids...)
	}, ended
}

func checkBackup(t *testing.T, open func(t testing.TB, path string) store.Store, path string, acknowledged []int64) {
	t.Helper()
	c := open(t, path)
	defer shut(t, c)
	stored := map[int64]bool{}
	for _, id := range pages(t, c, store.TaskFilter{}, 1000) {
		stored[id] = true
	}
	for _, id := range acknowledged {
		if !stored[id] {
			t.Errorf("task %d was acknowledged before the backup and is not in it", id)
		}
	}
	if version, g := load(t, c); version != 1 || len(g) != 1 {
		t.Errorf("the backup has version %d and %+v", version, g)
	}
	if list := listSessions(t, c, 0, 0); len(list) != 1 {
		t.Errorf("the backup has the sessions %+v", list)
	}
	insertOne(t, c)
}
