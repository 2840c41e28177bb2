package health

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// Store is what is needed of the database.
type Store interface {
	ClaimProbes(ctx context.Context, claim store.ProbeClaim) (store.ClaimedProbes, error)
	RecordProbes(ctx context.Context, outcomes []store.ProbeOutcome) (stale []int64, err error)
	LoadHealth(ctx context.Context) ([]dispatchapy.Health, error)
}

// Gate is told the state of a resource after every check of it.
type Gate interface {
	SetHealth(h dispatchapy.Health)
}

// Snapshots gives the configuration in force.
type Snapshots interface {
	Load() *routing.Snapshot
}

// Client makes the requests of the checks.
type Client interface {
	Do(ctx context.Context, t *deliver.Target, key string, body []byte) deliver.Result
	Dial(ctx context.Context, addr string) deliver.Result
	CertificateEnds(ctx context.Context, addr string) (time.Time, error)
}

// Watch knows of deliveries, and is told of certificates.
type Watch interface {
	// TakeFailures gives the latest failed attempts at a resource, once.
	TakeFailures(resourceID int64) []dispatchapy.IncidentEntry
	// Certificate takes when the certificate of a resource's server expires.
	Certificate(resourceID int64, ends time.Time)
}

// DefaultConcurrency is how many checks run at once unless told otherwise:
// enough for hundreds of resources that do not answer.
const DefaultConcurrency = 256

// Options are what a Runner is made of.
type Options struct {
	Store     Store
	Gate      Gate
	Snapshots Snapshots
	Client    Client
	Watch     Watch // nil: nobody
	Log       *slog.Logger

	Concurrency int            // checks at once, manual ones not counted; default DefaultConcurrency
	Random      func() float64 // in [0, 1), draws the intervals; default math/rand
}

// Runner checks the active resources that have checks switched on.
type Runner struct {
	store     Store
	gate      Gate
	snapshots Snapshots
	client    Client
	watch     Watch
	log       *slog.Logger
	slots     int
	random    func() float64

	life    context.Context // ends with Stop; manual checks run under it too
	stop    context.CancelFunc
	running sync.WaitGroup
	wake    chan struct{}

	// applying keeps Load from overwriting the result of a check with what it
	// read before: checks hold it shared while they record, Load exclusively.
	applying sync.RWMutex
	known    sync.Map // resource id -> dispatchapy.Health last given to the gate

	certificates sync.Map // resource id -> looked
}

// New makes a runner that does nothing before Start but manual checks.
func New(o Options) *Runner {
	r := &Runner{
		store: o.Store, gate: o.Gate, snapshots: o.Snapshots, client: o.Client, watch: o.Watch, log: o.Log,
		slots:  o.Concurrency,
		random: o.Random,
		wake:   make(chan struct{}, 1),
	}
	if r.slots <= 0 {
		r.slots = DefaultConcurrency
	}
	if r.watch == nil {
		r.watch = nobody{}
	}
	if r.random == nil {
		r.random = rand.Float64
	}
	r.life, r.stop = context.WithCancel(context.Background())
	return r
}

// nobody watches.
type nobody struct{}

func (nobody) TakeFailures(int64) []dispatchapy.IncidentEntry { return nil }
func (nobody) Certificate(int64, time.Time)                   {}

// Start begins checking. Call Load before, so that a resource known to be down
// gets no traffic until its next check.
func (r *Runner) Start() {
	r.running.Go(r.loop)
}

// Stop ends all checks, also those under way, and waits for the scheduled
// ones. Their leases end by themselves.
func (r *Runner) Stop() {
	r.stop()
	r.running.Wait()
}

// Wake makes the runner look at the configuration and at the stored health
// again. Call it when either changed. It never blocks.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default: // it is going to look anyway
	}
}

// Load passes the stored health to the gate where it differs from what the gate
// was told last: at the start, and when another node has made a check.
func (r *Runner) Load(ctx context.Context) error {
	r.applying.Lock()
	defer r.applying.Unlock()
	all, err := r.store.LoadHealth(ctx)
	if err != nil {
		return err
	}
	for _, h := range all {
		r.tellGate(h)
	}
	return nil
}

// tellGate skips what the gate knows: being told of a success opens a broken
// resource for a trial, which is only right after a new check.
func (r *Runner) tellGate(h dispatchapy.Health) {
	if last, known := r.known.Swap(h.ResourceID, h); known {
		was := last.(dispatchapy.Health)
		if was.State == h.State && was.CheckedAt.Equal(h.CheckedAt) {
			return
		}
	}
	r.gate.SetHealth(h)
}

// now gives the time with the precision that stores keep.
func (r *Runner) now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// keep stores an outcome and opens or closes the gate. held is false if the
// lease was lost meanwhile; then nothing changed.
//
// Failure policy: where the result cannot be stored, the gate stays as it was.
// The lease ends by itself and the resource is checked again.
func (r *Runner) keep(outcome *store.ProbeOutcome) (held bool, err error) {
	// Not ended by Stop: a result that is there is worth the moment it takes to
	// store it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.life), recordTimeout)
	defer cancel()
	r.applying.RLock()
	defer r.applying.RUnlock()
	stale, err := r.store.RecordProbes(ctx, []store.ProbeOutcome{*outcome})
	if err != nil || len(stale) > 0 {
		return false, err
	}
	r.tellGate(outcome.Health)
	return true, nil
}

// settle judges a check and keeps the outcome.
func (r *Runner) settle(res *routing.Resource, lease store.ProbeLease, check *dispatchapy.Check) (nextIn time.Duration, held bool, err error) {
	outcome := r.judge(res, lease, check)
	held, err = r.keep(&outcome)
	if first := lease.Health.State == dispatchapy.HealthUnknown && check.OK; held && !first {
		r.logChange(res, outcome.Incident, check)
	}
	return outcome.NextIn, held, err
}

// logChange says what people may hear of, but for the detail: it may be an
// answer that echoes what was sent.
func (r *Runner) logChange(res *routing.Resource, change *store.IncidentChange, check *dispatchapy.Check) {
	if change == nil {
		return
	}
	level := slog.LevelWarn
	if change.Close {
		level = slog.LevelInfo
	}
	for _, event := range []*dispatchapy.Event{change.Event, change.Always, change.Reminder} {
		if event != nil {
			r.log.Log(context.Background(), level, string(event.Kind), "resource", res.Name, "status_code", check.StatusCode, "error", string(check.Error))
		}
	}
}

// recordTimeout bounds the writing of a result.
const recordTimeout = 10 * time.Second

// watched reports whether the checks of a resource are its gate.
func watched(res *routing.Resource) bool { return res.IsActive() && res.HealthCheck.Enabled }

// CheckNow checks a resource at once, by the wish of the person named, and
// gives the result. It counts like any other check if checks are switched on; if not, it
// is only kept in the history and changes no state.
//
// The error is a *dispatchapy.Error with CodeNotFound, with CodeConflict while
// another check of this resource is running or when the resource was changed
// meanwhile, or with CodeUnavailable at shutdown; or one of the store's.
func (r *Runner) CheckNow(ctx context.Context, resourceID int64, by string) (dispatchapy.Check, error) {
	res := r.snapshots.Load().ResourceByID(resourceID)
	if res == nil {
		return dispatchapy.Check{}, dispatchapy.Errorf(dispatchapy.CodeNotFound, "there is no resource with id %d", resourceID)
	}
	claimed, err := r.store.ClaimProbes(ctx, store.ProbeClaim{LeaseFor: leaseFor, ResourceIDs: []int64{resourceID}, Force: true})
	if err != nil {
		return dispatchapy.Check{}, err
	}
	if len(claimed.Probes) == 0 {
		return dispatchapy.Check{}, dispatchapy.Errorf(dispatchapy.CodeConflict, "check already running")
	}
	// From here on not under the caller's context: somebody who does not wait
	// for the answer would leave a lease that blocks the next check.
	check, canceled := r.ask(r.life, res)
	if canceled {
		return dispatchapy.Check{}, dispatchapy.Errorf(dispatchapy.CodeUnavailable, "the gateway cannot check now: it is stopping, or has no connections left")
	}
	check.Manual, check.By = true, by
	_, held, err := r.settle(res, claimed.Probes[0], &check)
	switch {
	case err != nil:
		return dispatchapy.Check{}, err
	case !held:
		return dispatchapy.Check{}, dispatchapy.Errorf(dispatchapy.CodeConflict, "the resource was changed during the check: check again")
	}
	return check, nil
}
