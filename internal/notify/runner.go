package notify

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

const (
	planLease  = 30 * time.Second // of events
	sendLease  = 2 * attemptFor   // of notifications: no attempt outlives it
	planAtOnce = 200              // events
	poll       = 30 * time.Second // without a hint: hints may be lost
	storeRetry = time.Second      // after the store failed
)

// places are how many messages are sent at once, by means. All mails go to the
// same server, which takes few connections at once.
var places = map[dispatchapy.Via]int{dispatchapy.ViaEmail: 4, dispatchapy.ViaWebhook: 32}

// Store is what is needed of the database.
type Store interface {
	ClaimEvents(ctx context.Context, leaseFor time.Duration, limit int) ([]store.LeasedEvent, error)
	PlanEvents(ctx context.Context, plans []store.EventPlan) (stale []int64, err error)
	ClaimNotifications(ctx context.Context, c store.NotificationClaim) (store.ClaimedNotifications, error)
	RecordNotifications(ctx context.Context, outcomes []store.NotificationOutcome) (stale []int64, err error)
}

// Snapshots gives the configuration in force.
type Snapshots interface {
	Load() *routing.Snapshot
}

// Observer is told what became of notifications, for metrics. It must not block.
type Observer interface {
	Notified(via dispatchapy.Via, status dispatchapy.NotificationStatus)
}

// Options are what a Runner is made of. All but the last ones are required.
type Options struct {
	Store     Store
	Snapshots Snapshots
	Mailer    Mailer
	Poster    Poster
	Log       *slog.Logger

	InstanceKey [32]byte // the same for every node
	Host        string   // name of the gateway where the settings have no URL

	Observer Observer       // may be nil
	Random   func() float64 // in [0, 1); nil: real chance
}

// Runner plans events and sends notifications.
type Runner struct {
	store     Store
	snapshots Snapshots
	mailer    Mailer
	poster    Poster
	log       *slog.Logger
	instance  string
	host      string
	observe   Observer
	random    func() float64

	wakePlan chan struct{}
	wakeSend chan struct{}
	stop     context.CancelFunc // ends the loops
	cut      context.CancelFunc // breaks off what is being sent
	sends    context.Context
	loops    sync.WaitGroup
	sending  sync.WaitGroup

	claiming sync.Mutex // held from a claim until all that it gave has begun

	mu         sync.Mutex
	busy       map[dispatchapy.Via]int
	unrecorded map[int64]*store.NotificationOutcome // sent or not, but not stored yet
}

// New makes a runner that does nothing before Start.
func New(o Options) *Runner {
	r := &Runner{
		store: o.Store, snapshots: o.Snapshots, mailer: o.Mailer, poster: o.Poster, log: o.Log,
		instance: instanceName(o.InstanceKey), host: o.Host, observe: o.Observer, random: o.Random,
		wakePlan: make(chan struct{}, 1), wakeSend: make(chan struct{}, 1),
		busy: map[dispatchapy.Via]int{}, unrecorded: map[int64]*store.NotificationOutcome{},
	}
	if r.random == nil {
		r.random = rand.Float64
	}
	return r
}

// Start begins to plan and to send.
func (r *Runner) Start() {
	loops, stop := context.WithCancel(context.Background())
	r.sends, r.cut = context.WithCancel(context.Background())
	r.stop = stop
	r.loops.Go(func() { r.planLoop(loops) })
	r.loops.Go(func() { r.sendLoop(loops) })
}

// Stop ends the loops and waits for what is being sent, but not longer than ctx:
// then it is broken off, and sent again by whoever comes next.
func (r *Runner) Stop(ctx context.Context) {
	r.stop()
	r.loops.Wait()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.sending.Wait()
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	r.cut()
	<-ended
}

// Wake makes the runner look for new events and for what is due. It never
// blocks.
func (r *Runner) Wake() {
	nudge(r.wakePlan)
	nudge(r.wakeSend)
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// planLoop plans whatever waits, and waits for more.
//
// Failure policy: events that could not be planned are leased again when their
// lease has ended. Nobody hears twice by it, only later.
func (r *Runner) planLoop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wakePlan:
		case <-timer.C:
		}
		wait := poll
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = r.plan(ctx); err != nil && ctx.Err() == nil {
				r.log.Warn("events could not be planned; trying again", "error", err)
				wait = storeRetry
			}
		}
		timer.Reset(wait)
	}
}

// plan plans some events, and reports whether there may be more.
func (r *Runner) plan(ctx context.Context) (more bool, err error) {
	events, err := r.store.ClaimEvents(ctx, planLease, planAtOnce)
	if err != nil || len(events) == 0 {
		return false, err
	}
	snapshot := r.snapshots.Load()
	plans := make([]store.EventPlan, len(events))
	notices := 0
	for i := range events {
		plans[i] = store.EventPlan{EventID: events[i].Event.ID, Fence: events[i].Fence, Notices: noticesFor(snapshot, &events[i].Event)}
		notices += len(plans[i].Notices)
	}
	if _, err := r.store.PlanEvents(ctx, plans); err != nil {
		return false, err
	}
	if notices > 0 {
		nudge(r.wakeSend)
	}
	return len(events) == planAtOnce, nil
}

// sendLoop sends what is due while there are places.
//
// Failure policy: what could not be claimed is claimed later.
func (r *Runner) sendLoop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wakeSend:
		case <-timer.C:
		}
		wait := poll
		if free := r.free(); free != nil {
			next, err := r.claim(ctx, free)
			switch {
			case err != nil && ctx.Err() == nil:
				r.log.Warn("notifications could not be claimed; trying again", "error", err)
				wait = storeRetry
			case next > 0:
				wait = min(wait, next)
			}
		}
		timer.Reset(wait)
	}
}

// claim begins to send what is due, as far as there are places, and gives when
// more will be; 0: it is not known.
func (r *Runner) claim(ctx context.Context, free map[dispatchapy.Via]int) (next time.Duration, err error) {
	r.claiming.Lock()
	defer r.claiming.Unlock()
	claimed, err := r.store.ClaimNotifications(ctx, store.NotificationClaim{LeaseFor: sendLease, Limits: free})
	for i := range claimed.Notifications {
		r.begin(&claimed.Notifications[i])
	}
	return claimed.Next, err
}

// free gives the places that are free; nil: there are none.
func (r *Runner) free() map[dispatchapy.Via]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	var free map[dispatchapy.Via]int
	for via, all := range places {
		if n := all - r.busy[via]; n > 0 {
			if free == nil {
				free = map[dispatchapy.Via]int{}
			}
			free[via] = n
		}
	}
	return free
}

// begin sends a notification, unless this node has sent it already and could
// not store that: then it goes on storing it, under the new lease.
func (r *Runner) begin(l *store.LeasedNotification) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if o := r.unrecorded[l.Notification.ID]; o != nil {
		o.Fence = l.Fence
		return
	}
	via := l.Notification.Channel.Via
	r.busy[via]++
	r.sending.Go(func() {
		outcome := r.attempt(r.sends, l)
		r.record(l, outcome)
		r.mu.Lock()
		r.busy[via]--
		r.mu.Unlock()
		nudge(r.wakeSend)
	})
}

// record stores an outcome.
//
// Failure policy: it is repeated while the process lives, because what was sent
// must not be sent again. At the end of the process the lease runs out, and the
// message is sent once more, under the same id.
func (r *Runner) record(l *store.LeasedNotification, outcome store.NotificationOutcome) {
	id := l.Notification.ID
	r.mu.Lock()
	r.unrecorded[id] = &outcome
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.unrecorded, id)
		r.mu.Unlock()
	}()
	for {
		r.mu.Lock()
		o := outcome
		r.mu.Unlock()
		stale, err := r.store.RecordNotifications(context.WithoutCancel(r.sends), []store.NotificationOutcome{o})
		switch {
		case err == nil && len(stale) > 0 && r.renewed(&outcome, o.Fence):
			continue
		case err == nil && len(stale) > 0:
			r.log.Warn("another node has sent the notification meanwhile", "notification", id)
			return
		case err == nil:
			r.say(l, &o)
			return
		case r.sends.Err() != nil:
			r.log.Error("the outcome of a notification could not be stored; it may be sent again", "notification", id, "error", err)
			return
		}
		r.log.Warn("the outcome of a notification could not be stored; trying again", "notification", id, "error", err)
		select {
		case <-time.After(storeRetry):
		case <-r.sends.Done():
		}
	}
}

// renewed reports whether this node has got a new lease for an outcome while it
// was being stored under the one of a fence.
func (r *Runner) renewed(o *store.NotificationOutcome, fence int64) bool {
	r.claiming.Lock() // a claim under way may be where it is
	defer r.claiming.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	return o.Fence != fence
}

// say tells log and metrics of an outcome.
func (r *Runner) say(l *store.LeasedNotification, o *store.NotificationOutcome) {
	n := &l.Notification
	if r.observe != nil && (o.Attempted || o.Status.Finished()) {
		r.observe.Notified(n.Channel.Via, o.Status)
	}
	attrs := []any{"notification", n.ID, "channel", n.Channel.Name, "resource", n.Channel.ResourceID, "via", string(n.Channel.Via), "events", n.Events}
	switch {
	case o.Status == dispatchapy.NotificationSent:
		r.log.Info("people were told", append(attrs, "title", o.Title)...)
	case o.Status == dispatchapy.NotificationPending && !o.Attempted:
		r.log.Debug("a notification waits", append(attrs, "why", o.Error)...)
	default:
		r.log.Warn("people could not be told", append(attrs, "status", string(o.Status), "error", o.Error, "again_in", o.RetryIn.String())...)
	}
}
