package webui

import (
	"crypto/rand"
	"sync"
	"time"

	"dispatchapy"
)

// Bounds of what is kept between two steps of an import.
const (
	stashFor   = 30 * time.Minute
	stashItems = 4
	stashBytes = 48 << 20
)

// stash keeps what people sent until they have looked at what it would do. A
// gateway file may hold secrets, so that it does not go back into a page.
type stash struct {
	mu    sync.Mutex
	drop  func(path string) // removes an upload
	items map[string]*stashed
}

// stashed is a gateway file, or the path of an upload.
type stashed struct {
	owner dispatchapy.Principal
	until time.Time

	name       string // of the file, as people call it
	data       []byte
	prune      bool
	passphrase dispatchapy.Secret
	path       string
}

// put keeps something and gives the key by which its owner gets it. What was
// put first makes way where there would be too much.
func (s *stash) put(item *stashed) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.items == nil {
		s.items = map[string]*stashed{}
	}
	item.until = time.Now().Add(stashFor)
	key := rand.Text()
	s.items[key] = item
	s.sweep()
	time.AfterFunc(stashFor, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sweep()
	})
	return key
}

// sweep drops what is over, and the oldest while there is too much.
func (s *stash) sweep() {
	for {
		oldest, bytes := "", 0
		for key, item := range s.items {
			bytes += len(item.data)
			if oldest == "" || item.until.Before(s.items[oldest].until) {
				oldest = key
			}
		}
		if oldest == "" || len(s.items) <= stashItems && bytes <= stashBytes && time.Now().Before(s.items[oldest].until) {
			return
		}
		s.remove(oldest)
	}
}

func (s *stash) remove(key string) {
	if item := s.items[key]; item != nil && item.path != "" {
		s.drop(item.path)
	}
	delete(s.items, key)
}

var errStash = dispatchapy.Errorf(dispatchapy.CodeNotFound, "what was sent is not kept any more: send the file again")

// get gives what its owner has put.
func (s *stash) get(key string, owner dispatchapy.Principal) (*stashed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	item := s.items[key]
	if item == nil || item.owner != owner {
		return nil, errStash
	}
	return item, nil
}

// take gives what its owner has put, to be used this once. Whoever takes an
// upload removes it.
func (s *stash) take(key string, owner dispatchapy.Principal) (*stashed, error) {
	item, err := s.get(key, owner)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.items[key] == nil {
		return nil, errStash // somebody was faster
	}
	delete(s.items, key)
	return item, nil
}
