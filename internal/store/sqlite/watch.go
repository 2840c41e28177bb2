package sqlite

import (
	"context"
	"slices"
	"sync"

	"dispatchapy/internal/store"
)

// broadcast passes hints of this process's own commits to those who watch.
// There is no other writer: the lock file sees to that.
type broadcast struct {
	mu       sync.Mutex
	watchers map[*watcher]struct{}
}

// watcher holds what its owner has not been told yet, merged, so that a slow
// one costs no more than the set of endpoints.
type watcher struct {
	pending store.Hint
	wake    chan struct{}
}

func (b *broadcast) publish(hint store.Hint) {
	if len(hint.Tasks) == 0 && !hint.Config && !hint.Health && !hint.Events {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for w := range b.watchers {
		w.pending = merge(w.pending, hint)
		select {
		case w.wake <- struct{}{}:
		default: // it has been woken already
		}
	}
}

func merge(into, hint store.Hint) store.Hint {
	for _, id := range hint.Tasks {
		if !slices.Contains(into.Tasks, id) {
			into.Tasks = append(into.Tasks, id)
		}
	}
	into.Config = into.Config || hint.Config
	into.Health = into.Health || hint.Health
	into.Events = into.Events || hint.Events
	return into
}

func (b *broadcast) add() *watcher {
	w := &watcher{wake: make(chan struct{}, 1)}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.watchers == nil {
		b.watchers = map[*watcher]struct{}{}
	}
	b.watchers[w] = struct{}{}
	return w
}

func (b *broadcast) remove(w *watcher) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.watchers, w)
}

func (b *broadcast) take(w *watcher) store.Hint {
	b.mu.Lock()
	defer b.mu.Unlock()
	hint := w.pending
	w.pending = store.Hint{}
	return hint
}

// Watch implements store.Store. It ends with nil when ctx ends, and with
// ErrClosed when the store is closed.
func (s *Store) Watch(ctx context.Context, notify func(store.Hint)) error {
	w := s.watchers.add()
	defer s.watchers.remove(w)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.closed:
			return store.ErrClosed
		case <-w.wake:
			notify(s.watchers.take(w))
		}
	}
}
