package service

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"dispatchapy"
)

// How often a client may change its own part of the configuration.
const (
	ownChangesEvery = 10 * time.Second
	ownChangesBurst = 20
	ownChangesMost  = 10_000 // clients that are remembered
)

// ownChanges counts the changes that clients make to themselves. The zero value
// is ready.
type ownChanges struct {
	mu      sync.Mutex
	clients map[int64]*rate.Limiter
}

// allow counts one change of a client. The error is CodeLimited.
func (o *ownChanges) allow(clientID int64) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	limiter := o.clients[clientID]
	if limiter == nil {
		if o.clients == nil || len(o.clients) >= ownChangesMost {
			o.clients = map[int64]*rate.Limiter{} // everybody gets a new burst
		}
		limiter = rate.NewLimiter(rate.Every(ownChangesEvery), ownChangesBurst)
		o.clients[clientID] = limiter
	}
	if limiter.Allow() {
		return nil
	}
	return &dispatchapy.Error{Code: dispatchapy.CodeLimited, Message: "too many changes: wait before the next one", RetryAfter: ownChangesEvery}
}

// changesItself lets staff through, and a client that changes itself and does
// not do so all the time.
func (s *Service) changesItself(p dispatchapy.Principal, id int64) error {
	switch {
	case p.IsStaff():
		return nil
	case p.ClientID != id:
		return notFound("client", id)
	}
	return s.ownChanges.allow(id)
}
