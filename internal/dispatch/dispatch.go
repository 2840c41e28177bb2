// Package dispatch brings tasks to resources. It owns the path of a task from
// the durable insert to its final status:
//
//	Submit   insert, leased by this node where a slot is free
//	claim    lease what is due: retries, backlog, tasks of a crashed node
//	round    offer the task to the endpoint's resources in order
//	decide   pure: delivered, failed, or again later
//	record   one fenced outcome for the whole round
//
// # Goroutines
//
//	claim loop    one; stopped by Stop; waits when the store is slow
//	lease keeper  one; stopped by Stop after the last task
//	tasks         one per task in flight, at most nodeSlots and the lanes' reserves
package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// Store is what the dispatcher needs from the database.
type Store interface {
	InsertTasks(ctx context.Context, tasks []store.NewTask) ([]store.InsertResult, error)
	ClaimDue(ctx context.Context, claim store.Claim) (store.Claimed, error)
	ExtendLeases(ctx context.Context, leases []store.Lease, by time.Duration) (lost []store.Lease, err error)
	RecordOutcomes(ctx context.Context, outcomes []store.Outcome) (stale []store.Lease, err error)
	Backlog(ctx context.Context) ([]store.LaneBacklog, error)
}

// Sender makes one attempt.
type Sender interface {
	Do(ctx context.Context, t *deliver.Target, key string, body []byte) deliver.Result
}

// Observer is told what happens, for metrics and alerts. Its methods must not
// block.
type Observer interface {
	Attempt(resource string, a dispatchapy.Attempt)
	// Certificate is called when the end of a resource's certificate was seen.
	Certificate(resourceID int64, ends time.Time)
	// Round is called with the outcome of every round of a task, before it is
	// stored.
	Round(task *dispatchapy.Task, o *store.Outcome)
	// Finished is called when a task reached success or failed, with the time
	// since it was accepted.
	Finished(status dispatchapy.Status, since time.Duration)
}

// Publisher is told what changes, for those who watch. It must not block.
type Publisher interface {
	Publish(c dispatchapy.Change)
}

// unwatched is the Publisher where there is none.
type unwatched struct{}

func (unwatched) Publish(dispatchapy.Change) {}

// Options are what a Dispatcher is made from. All fields but Changes are
// needed.
type Options struct {
	Store       Store
	Table       *routing.Table
	Available   *routing.Availability
	Sender      Sender
	Observer    Observer
	Log         *slog.Logger
	InstanceKey [32]byte
	Changes     Publisher

	// Poll is how often every lane is asked for due tasks even without a hint:
	// about a second where other nodes share the database.
	Poll time.Duration
}

// Dispatcher delivers tasks. Make one with New.
type Dispatcher struct {
	store       Store
	table       *routing.Table
	available   *routing.Availability
	sender      Sender
	observe     Observer
	changes     Publisher
	log         *slog.Logger
	instanceKey [32]byte
	poll        time.Duration
	random      func() float64

	lanes  *lanes
	leases *keeper
	wake   chan struct{} // of size one: something may be claimed

	admit      sync.RWMutex // held for reading while a task is taken in
	draining   bool         // guarded by admit
	sending    sync.WaitGroup
	warned     atomic.Pointer[time.Time] // when warnNotSent last spoke
	taskCtx    context.Context           // ends when running deliveries are to be broken off
	breakOff   context.CancelFunc
	stopClaims context.CancelFunc
	claims     sync.WaitGroup // the claim loop
	keeping    sync.WaitGroup // the lease keeper
}

// New makes a Dispatcher. Nothing runs before Start, but Submit works: what it
// takes in is sent at once.
func New(o Options) *Dispatcher {
	d := &Dispatcher{
		store: o.Store, table: o.Table, available: o.Available, sender: o.Sender, observe: o.Observer,
		log: o.Log, instanceKey: o.InstanceKey, poll: o.Poll, random: rand.Float64,
		lanes:  newLanes(),
		leases: newKeeper(o.Store, o.Log),
		wake:   make(chan struct{}, 1),
	}
	if d.changes = o.Changes; d.changes == nil {
		d.changes = unwatched{}
	}
	d.taskCtx, d.breakOff = context.WithCancel(context.Background())
	o.Available.OnChange(d.Wake)
	return d
}

// Start begins to claim due tasks. A crashed node's tasks need nothing special:
// they are due when their leases end.
func (d *Dispatcher) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	d.stopClaims = cancel
	d.claims.Go(func() { d.claimLoop(ctx) })
	d.keeping.Go(func() { d.leases.run(d.taskCtx) })
}

// Stop takes no more tasks, lets running deliveries finish until ctx ends,
// then breaks them off and gives their leases back. When it returns every
// outcome is recorded or has been reported as lost.
func (d *Dispatcher) Stop(ctx context.Context) {
	d.refuse()
	d.stopClaims()
	d.claims.Wait() // a claim under way still hands out its tasks
	finished := make(chan struct{})
	go func() { d.sending.Wait(); close(finished) }()
	select {
	case <-finished:
	case <-ctx.Done():
		d.log.Info("breaking off deliveries that are still running")
	}
	d.breakOff()
	<-finished
	d.keeping.Wait()
}

// refuse makes Submit refuse, and waits for those that it let in before.
func (d *Dispatcher) refuse() {
	d.admit.Lock()
	defer d.admit.Unlock()
	d.draining = true
}

// Wake makes the dispatcher look again for something to claim. It never blocks.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Expect tells that tasks of these endpoints are due, from a hint of the store.
func (d *Dispatcher) Expect(endpointIDs []int64) {
	now := time.Now()
	for _, id := range endpointIDs {
		d.lanes.expect(id, now)
	}
	d.Wake()
}

// InFlight gives the number of tasks being sent per endpoint.
func (d *Dispatcher) InFlight() map[int64]int { return d.lanes.depths() }

// Submit makes a task durable and sees to it that it is sent. If its lane has
// a free slot the task is inserted already leased and goes out at once,
// without being claimed; otherwise it waits its turn in the database.
//
// Failure policy: whatever the store cannot do is CodeUnavailable; the caller
// must not take the message for accepted.
func (d *Dispatcher) Submit(ctx context.Context, s dispatchapy.Submission) (dispatchapy.Receipt, error) {
	d.admit.RLock()
	defer d.admit.RUnlock()
	if d.draining {
		return dispatchapy.Receipt{}, dispatchapy.Errorf(dispatchapy.CodeUnavailable, "shutting down")
	}
	task := store.NewTask{Submission: s}
	direct := s.Hold == "" && s.Delay == 0 && d.canSendNow(s.EndpointID)
	if direct {
		task.LeaseFor = leaseFor
	}
	results, err := d.store.InsertTasks(ctx, []store.NewTask{task})
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		if direct {
			d.returnSlot(s.EndpointID)
		}
		return dispatchapy.Receipt{}, submitError(err)
	}
	result := results[0]
	d.accepted(&s, &result)
	switch {
	case result.Leased != nil:
		d.send(result.Leased)
	case direct: // answered from an idempotency key: nothing to send
		d.returnSlot(s.EndpointID)
	case s.Hold == "":
		d.lanes.expect(s.EndpointID, time.Now().Add(s.Delay))
		d.Wake()
	}
	return result.Receipt, nil
}

func submitError(err error) error {
	if errors.Is(err, store.ErrIdempotencyMismatch) {
		return dispatchapy.Errorf(dispatchapy.CodeConflict, "this Idempotency-Key was used with another body")
	}
	return &dispatchapy.Error{Code: dispatchapy.CodeUnavailable, Message: "the task could not be stored", Err: err}
}

// accepted tells those who watch of a new task.
func (d *Dispatcher) accepted(s *dispatchapy.Submission, r *store.InsertResult) {
	if r.Replayed {
		return
	}
	change := dispatchapy.Change{
		Kind: dispatchapy.ChangeTask, ID: r.TaskID, State: string(dispatchapy.PhaseQueued), ClientID: s.ClientID, EndpointID: s.EndpointID,
	}
	switch {
	case r.Leased != nil:
		change.State = string(dispatchapy.PhaseSending)
	case r.Held:
		change.State = string(dispatchapy.PhaseHeld)
		d.changes.Publish(dispatchapy.Change{Kind: dispatchapy.ChangeHeld, ClientID: s.ClientID})
	}
	d.changes.Publish(change)
}

// became tells those who watch what has become of a task.
func (d *Dispatcher) became(t *dispatchapy.Task, phase dispatchapy.Phase) {
	d.changes.Publish(dispatchapy.Change{
		Kind: dispatchapy.ChangeTask, ID: t.ID, State: string(phase), ClientID: t.ClientID, EndpointID: t.EndpointID,
	})
}

// canSendNow reserves a slot in the lane if a resource could take the task.
func (d *Dispatcher) canSendNow(endpointID int64) bool {
	e := d.table.Load().EndpointByID(endpointID)
	if e == nil {
		return false
	}
	able := func() int {
		room, _ := availableAt(e, d.available)
		return room
	}
	return d.lanes.reserve(endpointID, able, time.Now())
}

// slotStarted notes that the task of a slot has asked for a resource.
func (d *Dispatcher) slotStarted(endpointID int64) {
	if d.lanes.started(endpointID) {
		d.Wake()
	}
}

// freeSlot gives back the slot of a task that was started and had a payload of
// so many bytes.
func (d *Dispatcher) freeSlot(endpointID, bytes int64) {
	if d.lanes.free(endpointID, bytes) {
		d.Wake()
	}
}

// returnSlot gives back a slot that no task came to use.
func (d *Dispatcher) returnSlot(endpointID int64) {
	d.slotStarted(endpointID)
	d.freeSlot(endpointID, 0)
}

// send runs a round in its own goroutine. The caller holds a slot of the lane
// for it and d.admit, or is the claim loop.
func (d *Dispatcher) send(leased *store.Leased) {
	ctx, cancel := context.WithCancel(d.taskCtx)
	d.leases.hold(leased.Lease, cancel)
	endpointID, size := leased.Task.EndpointID, int64(len(leased.Task.Source))
	d.lanes.load(endpointID, size)
	d.sending.Go(func() {
		defer cancel()
		// Counted as starting until it holds a place at a resource: its lane
		// does not claim for that place a second time.
		starting := true
		started := func() {
			if starting {
				starting = false
				d.slotStarted(endpointID)
			}
		}
		outcome := d.runRound(ctx, leased, started)
		started()
		d.observe.Round(&leased.Task, &outcome)
		d.record(leased, outcome)
		d.leases.drop(leased.Lease.TaskID)
		if outcome.Status == dispatchapy.StatusPending {
			d.lanes.expect(endpointID, time.Now().Add(outcome.RetryIn))
			d.Wake()
		}
		d.freeSlot(endpointID, size)
	})
}

// warnEvery is the least time between two warnings of the same kind.
const warnEvery = 10 * time.Second

// warnNotSent says that this machine cannot open connections. Every task finds
// that out, so that most of it is left unsaid.
func (d *Dispatcher) warnNotSent(detail string) {
	now := time.Now()
	last := d.warned.Load()
	if last != nil && now.Sub(*last) < warnEvery || !d.warned.CompareAndSwap(last, &now) {
		return
	}
	d.log.Warn("nothing can be sent: this machine has no connections left", "detail", detail)
}

// recordRetry is the pause between attempts to record an outcome.
const recordRetry = 500 * time.Millisecond

// record stores an outcome.
//
// Failure policy: what was delivered must not be sent again, so a failed write
// is repeated, with the lease kept, until it succeeds or the process is being
// stopped. In that case the task becomes due again when the lease ends and is
// delivered twice: at least once.
func (d *Dispatcher) record(leased *store.Leased, o store.Outcome) {
	for attempt := 1; ; attempt++ {
		o.Lease = d.leases.current(o.Lease.TaskID)
		stale, err := d.store.RecordOutcomes(context.Background(), []store.Outcome{o})
		switch {
		case err == nil && len(stale) > 0 && d.leases.current(o.Lease.TaskID) != o.Lease:
			continue // adopted in this moment
		case err == nil && len(stale) > 0:
			d.log.Warn("outcome refused: another node has the task", "task", o.Lease.TaskID, "status", o.Status)
			return
		case err == nil:
			d.became(&leased.Task, dispatchapy.PhaseOf(o.Status, leased.Task.AttemptCount+len(o.Attempts), false))
			if o.Status.Finished() {
				d.observe.Finished(o.Status, time.Since(leased.Task.CreatedAt))
			}
			return
		case attempt == 1:
			d.log.Error("outcome could not be recorded; trying on", "task", o.Lease.TaskID, "status", o.Status, "error", err)
		}
		select {
		case <-time.After(recordRetry):
		case <-d.taskCtx.Done():
			d.log.Error("outcome lost: the task will be sent again", "task", o.Lease.TaskID, "status", o.Status, "error", err)
			return
		}
	}
}
