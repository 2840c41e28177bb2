package alert

import (
	"context"
	"log/slog"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

const (
	interval     = 5 * time.Second  // between two looks
	backlogEvery = 30 * time.Second // it costs in proportion to what waits
	reloadEvery  = time.Minute      // what other nodes have recorded

	// calm is how long failures and a broken resource have to be over.
	calm = time.Minute
)

// Store is what is needed of the database.
type Store interface {
	LoadConditions(ctx context.Context) ([]store.Condition, error)
	RecordConditions(ctx context.Context, changes []store.ConditionChange) (stale []int, err error)
	Backlog(ctx context.Context) ([]store.LaneBacklog, error)
}

// Snapshots gives the configuration in force.
type Snapshots interface {
	Load() *routing.Snapshot
}

// Availability is what can be used right now, on this node.
type Availability interface {
	Health(resourceID int64) dispatchapy.Health
	Breaker(resourceID int64) routing.BreakerState
	TurnedAway(resourceID int64) int64
}

// Options are what a Runner is made of. All are required.
type Options struct {
	Store     Store
	Snapshots Snapshots
	Available Availability
	Watch     *Watch
	Log       *slog.Logger
}

// Runner looks at all conditions every few seconds.
type Runner struct {
	Options
	wake    chan struct{}
	begun   time.Time // since when this node watches
	tracked map[store.ConditionKey]*tracked

	loaded  time.Time // zero: never
	counted time.Time // the backlog
	lanes   map[int64]store.LaneBacklog
}

// tracked is a condition with what this node thinks of it.
type tracked struct {
	stored  store.Condition
	pending time.Time
}

// New makes a runner that does nothing before Run.
func New(o Options) *Runner {
	return &Runner{Options: o, wake: make(chan struct{}, 1), tracked: map[store.ConditionKey]*tracked{}}
}

// Wake makes the runner look at once. Call it when health or the configuration
// changed. It never blocks.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends.
//
// Failure policy: fail open. What cannot be read or recorded is looked at again
// after interval; deliveries do not wait for it.
func (r *Runner) Run(ctx context.Context) {
	r.begun = time.Now()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := r.look(ctx); err != nil && ctx.Err() == nil {
			r.Log.Warn("conditions for alerts could not be looked at; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-r.wake:
		}
	}
}

func (r *Runner) look(ctx context.Context) error {
	now := time.Now()
	if err := r.reload(ctx, now); err != nil {
		return err
	}
	if err := r.countBacklog(ctx, now); err != nil {
		return err
	}
	snapshot := r.Snapshots.Load()
	r.Watch.forget(snapshot)
	l := &look{runner: r, snapshot: snapshot, alerts: &snapshot.Config.Settings.Alerts, now: now}
	l.endpoints()
	l.resources()
	l.orphans()
	return r.record(ctx, l.changes)
}

// reload takes over what is stored. What was made of observations stays.
func (r *Runner) reload(ctx context.Context, now time.Time) error {
	if !r.loaded.IsZero() && now.Sub(r.loaded) < reloadEvery {
		return nil
	}
	stored, err := r.Store.LoadConditions(ctx)
	if err != nil {
		return err
	}
	r.loaded = now
	before := r.tracked
	r.tracked = make(map[store.ConditionKey]*tracked, len(stored))
	for _, c := range stored {
		t := &tracked{stored: c}
		if was := before[c.ConditionKey]; was != nil {
			t.pending = was.pending
		}
		r.tracked[c.ConditionKey] = t
	}
	for key, was := range before { // those that are not recorded yet
		if r.tracked[key] == nil && was.stored.Version == 0 {
			r.tracked[key] = was
		}
	}
	return nil
}

func (r *Runner) countBacklog(ctx context.Context, now time.Time) error {
	if !r.counted.IsZero() && now.Sub(r.counted) < backlogEvery {
		return nil
	}
	lanes, err := r.Store.Backlog(ctx)
	if err != nil {
		return err
	}
	r.counted, r.lanes = now, make(map[int64]store.LaneBacklog, len(lanes))
	for _, lane := range lanes {
		r.lanes[lane.EndpointID] = lane
	}
	return nil
}

// change is a transition on its way to the store.
type change struct {
	tracked *tracked
	store.ConditionChange
}

// record makes the changes. Those that another node has made already are read
// again, with all others.
func (r *Runner) record(ctx context.Context, changes []change) error {
	if len(changes) == 0 {
		return nil
	}
	records := make([]store.ConditionChange, len(changes))
	for i := range changes {
		records[i] = changes[i].ConditionChange
	}
	stale, err := r.Store.RecordConditions(ctx, records)
	if err != nil {
		return err
	}
	late := make(map[int]bool, len(stale))
	for _, i := range stale {
		late[i] = true
		r.loaded = time.Time{}
	}
	for i := range changes {
		if late[i] {
			continue
		}
		c := &changes[i]
		c.tracked.stored, c.tracked.pending = c.Condition, time.Time{}
		c.tracked.stored.Version++
		r.say(c)
	}
	return nil
}

func (r *Runner) say(c *change) {
	for _, event := range []*dispatchapy.Event{c.Incident.Event, c.Incident.Always} {
		if event == nil {
			continue
		}
		level := slog.LevelInfo
		if c.Active {
			level = slog.LevelWarn
		}
		r.Log.Log(context.Background(), level, string(event.Kind), "detail", event.Detail, "resource", c.ResourceID, "endpoint", c.EndpointID)
	}
}
