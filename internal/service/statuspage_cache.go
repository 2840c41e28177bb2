package service

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"dispatchapy/internal/routing"
)

const (
	// statusFor is how long a status page stands, or that it cannot be made.
	statusFor = 15 * time.Second
	// statusStale is how old a page may be that is shown because the database
	// cannot be read.
	statusStale = 5 * time.Minute
	// statusMaking is how long making one may take: whoever asked may be gone,
	// but others wait for it.
	statusMaking = 20 * time.Second
)

// statusCache keeps the status page for a moment, so that strangers who ask
// often cost nothing.
//
// Failure policy: fail open for a while. If the database cannot be read, the
// last page is shown until it is too old.
type statusCache struct {
	made atomic.Pointer[madeStatus]
	mu   sync.Mutex // held while one is made
	past statusPast // days that are over, of the endpoints of the page
}

// madeStatus is a page, or why there is none.
type madeStatus struct {
	snapshot *routing.Snapshot // that it was made of
	at       time.Time
	page     *StatusPage
	err      error
}

func (m *madeStatus) of(snapshot *routing.Snapshot) bool { return m != nil && m.snapshot == snapshot }

func (m *madeStatus) fresh(snapshot *routing.Snapshot) bool {
	return m.of(snapshot) && time.Since(m.at) < statusFor
}

func (c *statusCache) get(ctx context.Context, s *Service, snapshot *routing.Snapshot) (*StatusPage, error) {
	last := c.made.Load()
	if last.fresh(snapshot) {
		return last.page, last.err
	}
	if !c.mu.TryLock() {
		if last.of(snapshot) && last.page != nil {
			return last.page, nil // somebody else is making the next one
		}
		c.mu.Lock()
	}
	defer c.mu.Unlock()
	if last = c.made.Load(); last.fresh(snapshot) {
		return last.page, last.err
	}
	making, cancel := context.WithTimeout(context.WithoutCancel(ctx), statusMaking)
	defer cancel()
	next := &madeStatus{snapshot: snapshot}
	next.page, next.err = s.makeStatusPage(making, snapshot, &c.past)
	next.at = time.Now()
	if next.err != nil && last.of(snapshot) && last.page != nil && next.at.Sub(last.page.At) < statusStale {
		next.page, next.err = last.page, nil
	}
	c.made.Store(next)
	return next.page, next.err
}
