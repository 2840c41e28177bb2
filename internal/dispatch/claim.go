package dispatch

import (
	"context"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// claimRetry is the pause after a claim that failed.
const claimRetry = time.Second

// claimLoop leases what is due whenever there is room for it. It sleeps until
// the next due time it knows of, and is woken by anything that may change that:
// a free slot, a new or released task, a resource that recovered, a new
// configuration. In long intervals it asks for every lane, because hints may
// be lost and other nodes may have put tasks there.
func (d *Dispatcher) claimLoop(ctx context.Context) {
	poll := time.NewTimer(0)
	defer poll.Stop()
	again := time.NewTimer(0)
	defer again.Stop()
	var searched *routing.Snapshot // the one for which orphans were looked for
	for {
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
			snapshot := d.table.Load()
			d.expectEverything(snapshot)
			if snapshot != searched && d.expectOrphans(ctx, snapshot) {
				searched = snapshot
			}
			poll.Reset(time.Duration(float64(d.poll) * (0.75 + d.random()/2)))
		case <-d.wake:
		case <-again.C:
		}
		for ctx.Err() == nil {
			claims, wait := d.lanes.plan(time.Now(), d.laneAvailable)
			if len(claims) == 0 {
				if wait > 0 {
					again.Reset(wait)
				}
				break
			}
			d.claim(ctx, claims)
		}
	}
}

// expectEverything marks every lane of the configuration for a claim.
func (d *Dispatcher) expectEverything(snapshot *routing.Snapshot) {
	now := time.Now()
	for _, e := range snapshot.Endpoints {
		d.lanes.expect(e.ID, now)
	}
}

// expectOrphans marks the lanes of deleted endpoints that still have tasks:
// these are to be ended. It reports whether it could look.
func (d *Dispatcher) expectOrphans(ctx context.Context, snapshot *routing.Snapshot) bool {
	backlog, err := d.store.Backlog(ctx)
	if err != nil {
		if ctx.Err() == nil {
			d.log.Warn("backlog could not be read", "error", err)
		}
		return false
	}
	now := time.Now()
	for _, b := range backlog {
		if snapshot.EndpointByID(b.EndpointID) == nil {
			d.lanes.expect(b.EndpointID, now)
		}
	}
	return true
}

func (d *Dispatcher) laneAvailable(endpointID int64) (room int, wait time.Duration) {
	e := d.table.Load().EndpointByID(endpointID)
	if e == nil {
		return laneSlots, 0 // deleted: its tasks are only ended
	}
	return availableAt(e, d.available)
}

func (d *Dispatcher) claim(ctx context.Context, claims []store.LaneClaim) {
	claimed, err := d.store.ClaimDue(ctx, store.Claim{LeaseFor: leaseFor, Lanes: claims})
	now := time.Now()
	if err != nil {
		if ctx.Err() == nil {
			d.log.Warn("tasks could not be claimed", "error", err)
		}
		d.lanes.forfeit(claims, now.Add(claimRetry))
		return
	}
	d.lanes.settle(claims, claimed, now)
	for i := range claimed.Tasks {
		leased := &claimed.Tasks[i]
		if d.leases.adopt(leased.Lease) {
			d.returnSlot(leased.Task.EndpointID)
			continue
		}
		d.became(&leased.Task, dispatchapy.PhaseSending)
		d.send(leased)
	}
}
