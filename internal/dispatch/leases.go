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
	held map[store.Lease]*holding
}

type holding struct {
	cancel context.CancelFunc // breaks the sending off
	since  time.Time          // when the lease was taken or last extended
}

func newKeeper(s Store, log *slog.Logger) *keeper {
	return &keeper{store: s, log: log, held: map[store.Lease]*holding{}}
}

// hold keeps a lease alive until drop.
func (k *keeper) hold(l store.Lease, cancel context.CancelFunc) {
	k.mu.Lock()
	k.held[l] = &holding{cancel: cancel, since: time.Now()}
	k.mu.Unlock()
}

func (k *keeper) drop(l store.Lease) {
	k.mu.Lock()
	delete(k.held, l)
	k.mu.Unlock()
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
	for l, h := range k.held {
		if now.Sub(h.since) >= leaseFor/3 {
			old = append(old, l)
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
		if h := k.held[l]; h != nil {
			h.since = now
		}
	}
	for _, l := range lost {
		if h := k.held[l]; h != nil {
			k.log.Warn("lease lost: another node sends the task", "task", l.TaskID)
			h.cancel()
		}
	}
}
