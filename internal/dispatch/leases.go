package dispatch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"dispatchapy/internal/store"
)

// leaseFor is how long a claimed task belongs to a node. If the node dies its
// tasks are due again after that. Leases of tasks that take longer are
// extended when a third of it has passed.
const leaseFor = 15 * time.Second

// keeper extends the leases of tasks that are still being sent.
type keeper struct {
	store Store
	log   *slog.Logger

	mu   sync.Mutex
	held map[int64]*holding // by task
}

type holding struct {
	lease  store.Lease
	cancel context.CancelFunc // breaks the sending off
	since  time.Time          // when the lease was taken or last extended
}

func newKeeper(s Store, log *slog.Logger) *keeper {
	return &keeper{store: s, log: log, held: map[int64]*holding{}}
}

// hold keeps a lease alive until drop.
func (k *keeper) hold(l store.Lease, cancel context.CancelFunc) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held[l.TaskID] = &holding{lease: l, cancel: cancel, since: time.Now()}
}

// adopt gives a new lease to the sending that is already under way here, if
// there is one. That happens when the process stood still (the machine slept)
// until its leases had run out: it must not send beside itself.
func (k *keeper) adopt(l store.Lease) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	h := k.held[l.TaskID]
	if h == nil {
		return false
	}
	h.lease, h.since = l, time.Now()
	return true
}

// current gives the latest lease of a task that is being sent here.
func (k *keeper) current(taskID int64) store.Lease {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.held[taskID].lease
}

func (k *keeper) drop(taskID int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.held, taskID)
}

// run extends leases until ctx ends.
//
// Failure policy: if leases cannot be extended the tasks go on. Either nobody
// can write, so nobody else can claim them; or the outcome will be refused as
// stale, and the message may be delivered twice, which at-least-once permits.
func (k *keeper) run(ctx context.Context) {
	tick := time.NewTicker(leaseFor / 6)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			k.extend(ctx, now)
		}
	}
}

func (k *keeper) extend(ctx context.Context, now time.Time) {
	var old []store.Lease
	k.mu.Lock()
	for _, h := range k.held {
		if now.Sub(h.since) >= leaseFor/3 {
			old = append(old, h.lease)
		}
	}
	k.mu.Unlock()
	if len(old) == 0 {
		return
	}
	lost, err := k.store.ExtendLeases(ctx, old, leaseFor)
	if err != nil {
		k.log.Warn("leases could not be extended", "leases", len(old), "error", err)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, l := range old {
		if h := k.held[l.TaskID]; h != nil && h.lease == l {
			h.since = now
		}
	}
	for _, l := range lost {
		if h := k.held[l.TaskID]; h != nil && h.lease == l {
			k.log.Warn("lease lost: another node sends the task", "task", l.TaskID)
			h.cancel()
		}
	}
}
