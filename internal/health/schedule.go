package health

import (
	"cmp"
	"reflect"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

const (
	// minInterval keeps a resource from being checked without pause, whatever
	// is configured.
	minInterval = 100 * time.Millisecond

	// backstop is how long at most the runner sleeps, in case that no hint came
	// about what another node has changed.
	backstop = 30 * time.Second

	// retryWait is the pause after an error of the store.
	retryWait = 2 * time.Second

	// gather is the least time between two looks at what is due, so that many
	// checks cost few looks and few claims.
	gather = 100 * time.Millisecond
)

// Where many checks are due at once, after a start or a change of many
// resources, they are begun no faster than headroom times what their intervals
// come to, but at paceFloor a second at least and paceBurst at once. So they
// are spread over the interval from the first one on, and stay it.
const (
	headroom  = 1.05
	paceFloor = 2.0
	paceBurst = 16
)

// schedule is what the loop believes about when each resource is due. Only the
// store knows: a claim before time costs a question, nothing more.
type schedule struct {
	snapshot *routing.Snapshot // that entries follow
	entries  map[int64]*entry
	running  int
	pace     *rate.Limiter
}

func newSchedule() *schedule {
	return &schedule{entries: map[int64]*entry{}, pace: rate.NewLimiter(paceFloor, paceBurst)}
}

type entry struct {
	resource *routing.Resource
	due      time.Time // zero: not known yet, ask the store
	running  bool      // by this loop
	gone     bool      // no longer watched; forgotten once its check has ended
}

// finished is the message of a check that has ended.
type finished struct {
	id  int64
	due time.Time // zero: ask the store
}

// loop is the goroutine that starts the checks. Each check is a goroutine of
// its own, at most r.slots at once.
func (r *Runner) loop() {
	s := newSchedule()
	ended := make(chan finished, r.slots) // never full: nobody blocks on it
	timer := time.NewTimer(0)
	defer timer.Stop()
	next := time.Now() // when the timer fires
	in := func(wait time.Duration) {
		next = time.Now().Add(wait)
		timer.Reset(wait)
	}
	var looked, reloaded time.Time
	changed := true
	for {
		select {
		case <-r.life.Done():
			return
		case f := <-ended:
			s.end(f)
			if time.Until(next) > gather {
				in(gather)
			}
		case <-r.wake:
			changed = true
			if wait := max(gather-time.Since(looked), 0); time.Until(next) > wait {
				in(wait)
			}
		case <-timer.C:
			looked = time.Now()
			if changed || looked.Sub(reloaded) >= backstop {
				r.reload()
				r.release(r.snapshots.Load())
				changed, reloaded = false, looked
			}
			in(r.startDue(s, ended))
		}
	}
}

// reload is Load for the loop. Failure policy: keep the gate as it is, the next
// time comes soon.
func (r *Runner) reload() {
	if err := r.Load(r.life); err != nil && r.life.Err() == nil {
		r.log.Warn("stored health cannot be read; the known states stay", "error", err)
	}
}

// startDue starts the checks that are due, as far as there are slots, and says
// how long to sleep.
func (r *Runner) startDue(s *schedule, ended chan<- finished) time.Duration {
	s.follow(r.snapshots.Load())
	for r.life.Err() == nil {
		// One question asks for no more than may be started, because whatever
		// is due is leased by it.
		ids := s.due(time.Now(), min(r.slots-s.running, int(s.pace.Tokens())))
		if len(ids) == 0 {
			break
		}
		claimed, err := r.store.ClaimProbes(r.life, store.ProbeClaim{LeaseFor: leaseFor, ResourceIDs: ids})
		if err != nil {
			if r.life.Err() == nil {
				r.log.Warn("due health checks cannot be claimed; trying again", "error", err)
			}
			return retryWait
		}
		s.note(ids, claimed, time.Now())
		s.pace.AllowN(time.Now(), len(claimed.Probes))
		for _, lease := range claimed.Probes {
			res := s.start(lease.Health.ResourceID)
			r.running.Go(func() { r.run(res, lease, ended) })
		}
	}
	return s.sleep(time.Now(), r.slots)
}

// run makes one scheduled check, or visits a resource that is in maintenance.
func (r *Runner) run(res *routing.Resource, lease store.ProbeLease, ended chan<- finished) {
	f := finished{id: res.ID, due: time.Now().Add(leaseFor)}
	defer func() { ended <- f }()
	var (
		nextIn time.Duration
		held   bool
		err    error
	)
	if window, planned := res.InMaintenance(r.now()); planned {
		outcome := visit(res, lease, window, r.now())
		nextIn = outcome.NextIn
		held, err = r.keep(&outcome)
	} else {
		check, canceled := r.ask(r.life, res)
		if canceled {
			return
		}
		nextIn, held, err = r.settle(res, lease, &check)
	}
	switch {
	case err != nil:
		r.log.Warn("health check cannot be stored; it will be made again", "resource", res.Name, "error", err)
	case held:
		f.due = time.Now().Add(nextIn)
	default:
		f.due = time.Time{}
	}
}

// follow takes over the configuration: new resources, changed ones, those that
// are gone or no longer watched.
func (s *schedule) follow(snapshot *routing.Snapshot) {
	if snapshot == s.snapshot {
		return
	}
	s.snapshot = snapshot
	perSecond := 0.0
	wanted := make(map[int64]bool, len(snapshot.Resources))
	for _, res := range snapshot.Resources {
		if !watched(res) {
			continue
		}
		wanted[res.ID] = true
		perSecond += 1 / max(res.HealthCheck.Interval.At(0.5), minInterval).Seconds()
		e := s.entries[res.ID]
		if e == nil {
			e = &entry{resource: res}
			s.entries[res.ID] = e
		}
		if !sameResource(e.resource.Resource, res.Resource) {
			e.due = time.Time{} // a change may have made it due
		}
		e.resource = res
	}
	for id, e := range s.entries {
		if e.gone = !wanted[id]; e.gone && !e.running {
			delete(s.entries, id)
		}
	}
	s.pace.SetLimit(rate.Limit(max(headroom*perSecond, paceFloor)))
}

func sameResource(a, b *dispatchapy.Resource) bool { return a == b || reflect.DeepEqual(a, b) }

// due lists resources that are believed to be due, the longest first.
func (s *schedule) due(now time.Time, limit int) []int64 {
	var ids []int64
	for id, e := range s.entries {
		if !e.running && !e.due.After(now) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b int64) int {
		return cmp.Or(s.entries[a].due.Compare(s.entries[b].due), cmp.Compare(a, b))
	})
	return ids[:min(len(ids), max(limit, 0))]
}

// note takes over what the store said about those asked for.
func (s *schedule) note(ids []int64, claimed store.ClaimedProbes, now time.Time) {
	for _, id := range ids {
		in, known := claimed.NextDue[id]
		if !known {
			in = backstop
		}
		s.entries[id].due = now.Add(max(in, minInterval)) // never ask in a circle
	}
}

func (s *schedule) start(id int64) *routing.Resource {
	e := s.entries[id]
	e.running = true
	s.running++
	return e.resource
}

func (s *schedule) end(f finished) {
	s.running--
	e := s.entries[f.id]
	e.running, e.due = false, f.due
	if e.gone {
		delete(s.entries, f.id)
	}
}

// sleep gives the time to the next due resource, at most backstop. While all
// slots are taken the end of a check is what to wait for.
func (s *schedule) sleep(now time.Time, slots int) time.Duration {
	wait := backstop
	if s.running >= slots {
		return wait
	}
	for _, e := range s.entries {
		if !e.running {
			wait = min(wait, max(e.due.Sub(now), 0))
		}
	}
	// What is due has to wait for its turn.
	if tokens := s.pace.TokensAt(now); tokens < 1 {
		turn := time.Duration((1 - tokens) / float64(s.pace.Limit()) * float64(time.Second))
		wait = max(wait, turn+time.Millisecond)
	}
	return max(wait, gather)
}
