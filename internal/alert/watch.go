package alert

import (
	"slices"
	"sync"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// Bounds of what Watch remembers of a resource.
const (
	maxFailures = 20 // failed attempts, the latest ones
	failuresAge = 10 * time.Minute
)

// Watch remembers what this node sees of deliveries. Its methods cost a lock
// and a look-up, and never block on anything else.
type Watch struct {
	snapshots Snapshots
	mu        sync.Mutex
	endpoints map[int64]*endpointTally
	resources map[int64]*resourceTally
}

// endpointTally is what was seen of an endpoint.
type endpointTally struct {
	evidence evidence
	window   window
}

// resourceTally is what was seen of a resource.
type resourceTally struct {
	failures    []dispatchapy.IncidentEntry
	certificate time.Time // its end; zero: not seen
	alive       bool      // it answered an attempt
	turnedAway  int64     // see routing.Availability
	turnedAt    time.Time // when turnedAway grew last; zero: it has not
}

// NewWatch makes a watch that has seen nothing.
func NewWatch(snapshots Snapshots) *Watch {
	return &Watch{snapshots: snapshots, endpoints: map[int64]*endpointTally{}, resources: map[int64]*resourceTally{}}
}

// Round takes the outcome of a round.
func (w *Watch) Round(task *dispatchapy.Task, o *store.Outcome) {
	e := w.snapshots.Load().EndpointByID(task.EndpointID)
	if e == nil {
		return
	}
	c := count(o)
	v := judge(e, o)
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	tally := w.endpoint(e.ID)
	if c != (counts{}) {
		tally.window.add(now, c)
	}
	tally.evidence.add(v)
	for i := range o.Attempts {
		w.attempt(&o.Attempts[i], task.ID)
	}
}

// count gives what an outcome adds to the counts of its endpoint.
func count(o *store.Outcome) counts {
	var c counts
	if o.Status.Finished() {
		c.tasks = 1
		if o.Status == dispatchapy.StatusFailed {
			c.failedTasks = 1
		}
	}
	for i := range o.Attempts {
		c.attempts++
		if o.Attempts[i].Outcome != dispatchapy.OutcomeDelivered {
			c.failedAttempts++
		}
	}
	return c
}

// attempt remembers a failed attempt for the resource's incident. A refusal is
// about the message, and says that the resource works.
func (w *Watch) attempt(a *dispatchapy.Attempt, taskID int64) {
	r := w.resource(a.ResourceID)
	if a.Outcome != dispatchapy.OutcomeFailed {
		r.alive = r.alive || a.StatusCode > 0
		return
	}
	if len(r.failures) == maxFailures {
		r.failures = slices.Delete(r.failures, 0, 1)
	}
	r.failures = append(r.failures, dispatchapy.IncidentEntry{
		Kind: dispatchapy.EntryFailedAttempts, At: a.StartedAt, TaskID: taskID, Detail: a.Detail,
	})
}

// TakeFailures gives the latest failed attempts at a resource and forgets them,
// for the timeline of its incident.
func (w *Watch) TakeFailures(resourceID int64) []dispatchapy.IncidentEntry {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.resources[resourceID]
	if r == nil {
		return nil
	}
	taken := r.failures
	r.failures = nil
	return slices.DeleteFunc(taken, func(e dispatchapy.IncidentEntry) bool { return time.Since(e.At) > failuresAge })
}

// Certificate takes when the certificate of a resource's server expires.
func (w *Watch) Certificate(resourceID int64, ends time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.resource(resourceID).certificate = ends
}

func (w *Watch) endpoint(id int64) *endpointTally {
	t := w.endpoints[id]
	if t == nil {
		t = &endpointTally{}
		w.endpoints[id] = t
	}
	return t
}

func (w *Watch) resource(id int64) *resourceTally {
	t := w.resources[id]
	if t == nil {
		t = &resourceTally{}
		w.resources[id] = t
	}
	return t
}

// forget drops what is about objects that are gone.
func (w *Watch) forget(snapshot *routing.Snapshot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range w.endpoints {
		if snapshot.EndpointByID(id) == nil {
			delete(w.endpoints, id)
		}
	}
	for id := range w.resources {
		if snapshot.ResourceByID(id) == nil {
			delete(w.resources, id)
		}
	}
}
