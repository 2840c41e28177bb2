package dispatch

import (
	"sync"
	"time"

	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// Limits of a node. A lane is one endpoint's share of the node: its tasks that
// are being sent. One endpoint with a hanging provider fills its own lane and
// no other; when the node as a whole is full every lane still has its
// reserve.
const (
	laneSlots   = 256  // tasks of one endpoint in flight
	nodeSlots   = 2048 // tasks in flight, reserves apart
	laneReserve = 4    // slots of each lane that do not depend on the others
	claimLanes  = 256  // lanes in one claim
	claimTasks  = 512  // tasks in one claim

	// Payloads in memory, in bytes. Beyond them a lane gets no more than what
	// it is sending; every lane may always send one task, however large.
	laneBytes = 32 << 20
	nodeBytes = 256 << 20

	minTimerWait = time.Millisecond
)

// lanes keeps, for each endpoint, what is in flight and when its next task is
// due. Knowing the due times in memory spares the database all questions about
// lanes that have nothing waiting.
type lanes struct {
	mu       sync.Mutex
	byID     map[int64]*lane
	waiting  map[int64]*lane // those with a due time
	inFlight int
	bytes    int64 // payloads of what is in flight
}

type lane struct {
	endpointID int64
	inFlight   int
	bytes      int64
	starting   int       // of those: have not asked for a resource yet, which still shows their room
	crowded    bool      // not claimed for because of those that are starting
	due        time.Time // when its next waiting task is due; zero: none known
	lastIdle   time.Time // when the last of the tasks comes back that were turned away
}

// A task is turned away if no resource could take it: those that have room have
// refused it. It comes back after idleRetry, which bounds the delay after a
// recovery, and not sooner than idlePace after the one before it: many such
// tasks, coming back all the time, would leave no room for the others.
const (
	idleRetry = 500 * time.Millisecond
	idlePace  = 2 * time.Millisecond
)

func newLanes() *lanes {
	return &lanes{byID: map[int64]*lane{}, waiting: map[int64]*lane{}}
}

func (ls *lanes) lane(id int64) *lane {
	l := ls.byID[id]
	if l == nil {
		l = &lane{endpointID: id}
		ls.byID[id] = l
	}
	return l
}

// room says how many more tasks a lane may take.
func (ls *lanes) room(l *lane) int {
	if l.inFlight > 0 && (l.bytes >= laneBytes || ls.bytes >= nodeBytes) {
		return 0
	}
	node := max(nodeSlots-ls.inFlight, laneReserve-l.inFlight, 0)
	return max(min(laneSlots-l.inFlight, node), 0)
}

// load notes the payload of a task that is going to be sent.
func (ls *lanes) load(endpointID, bytes int64) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.lane(endpointID).bytes += bytes
	ls.bytes += bytes
}

// reserve takes a slot for a task that is about to be inserted, unless older
// ones are due already: they go first. able is how many tasks the endpoint's
// resources could take, asked for under the lock: a place that a starting task
// takes in between would be counted twice.
func (ls *lanes) reserve(endpointID int64, able func() int, now time.Time) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.lane(endpointID)
	if (!l.due.IsZero() && !l.due.After(now)) || ls.room(l) == 0 || able() <= l.starting {
		return false
	}
	ls.take(l, 1)
	return true
}

// started notes that the task of a slot has asked for a resource, and reports
// whether a waiting task may want what it left.
func (ls *lanes) started(endpointID int64) (wanted bool) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.lane(endpointID)
	l.starting--
	wanted = l.crowded
	l.crowded = false
	return wanted
}

// turnAway says when a task of the lane that no resource could take comes back.
func (ls *lanes) turnAway(endpointID int64, now time.Time) time.Duration {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.lane(endpointID)
	at := now.Add(idleRetry)
	if next := l.lastIdle.Add(idlePace); next.After(at) {
		at = next
	}
	l.lastIdle = at
	return at.Sub(now)
}

// free gives back the slot of a task that was started, with what load noted,
// and reports whether a waiting task may want it: one of this lane, or, where
// the node was full, of any.
func (ls *lanes) free(endpointID, bytes int64) (wanted bool) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.lane(endpointID)
	wasFull := ls.inFlight == nodeSlots || ls.bytes >= nodeBytes
	l.inFlight--
	ls.inFlight--
	l.bytes -= bytes
	ls.bytes -= bytes
	return !l.due.IsZero() || wasFull && len(ls.waiting) > 0
}

// take takes slots for tasks that are going to start; a negative n gives back
// those that will not.
func (ls *lanes) take(l *lane, n int) {
	l.inFlight += n
	l.starting += n
	ls.inFlight += n
}

// expect notes that a task of the lane becomes due at the given time.
func (ls *lanes) expect(endpointID int64, at time.Time) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.expectLocked(ls.lane(endpointID), at)
}

func (ls *lanes) expectLocked(l *lane, at time.Time) {
	if l.due.IsZero() || at.Before(l.due) {
		l.due = at
		ls.waiting[l.endpointID] = l
	}
}

// plan gives the claims to make now, with the slots for them taken, and how
// long to wait before planning again if nothing happens (0: no limit).
// available says how many tasks an endpoint's resources could take, and if
// none, in how long that may change by itself (0: an event will tell).
func (ls *lanes) plan(now time.Time, available func(endpointID int64) (room int, wait time.Duration)) (claims []store.LaneClaim, again time.Duration) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	sooner := func(d time.Duration) {
		if again == 0 || d < again {
			again = max(d, minTimerWait)
		}
	}
	total := 0
	for _, l := range ls.waiting {
		if wait := l.due.Sub(now); wait > 0 {
			sooner(wait)
			continue
		}
		if len(claims) == claimLanes || total == claimTasks {
			sooner(minTimerWait)
			break
		}
		room := min(ls.room(l), claimTasks-total)
		if room == 0 {
			continue // a slot that becomes free wakes us
		}
		able, wait := available(l.endpointID)
		if able <= l.starting {
			l.crowded = able > 0
			if able == 0 && wait > 0 {
				sooner(wait)
			}
			continue
		}
		n := min(room, able-l.starting)
		claims = append(claims, store.LaneClaim{EndpointID: l.endpointID, Limit: n, MaxBytes: max(laneBytes-l.bytes, 1)})
		ls.take(l, n)
		total += n
		// Until the answer is here nothing is known to wait; whatever is
		// noted meanwhile is added to it.
		l.due = time.Time{}
		delete(ls.waiting, l.endpointID)
	}
	return claims, again
}

// settle takes the answer to a claim: slots that got no task are free again,
// and lanes with more tasks are waiting again.
func (ls *lanes) settle(claims []store.LaneClaim, claimed store.Claimed, now time.Time) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	got := map[int64]int{}
	for i := range claimed.Tasks {
		got[claimed.Tasks[i].Task.EndpointID]++
	}
	for _, c := range claims {
		l := ls.lane(c.EndpointID)
		ls.take(l, got[c.EndpointID]-c.Limit)
		if in, more := claimed.NextDue[c.EndpointID]; more {
			ls.expectLocked(l, now.Add(in))
		}
	}
}

// forfeit undoes a claim that failed: everything is still waiting.
func (ls *lanes) forfeit(claims []store.LaneClaim, retryAt time.Time) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, c := range claims {
		l := ls.lane(c.EndpointID)
		ls.take(l, -c.Limit)
		ls.expectLocked(l, retryAt)
	}
}

// depths gives what is in flight per endpoint, for metrics.
func (ls *lanes) depths() map[int64]int {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	out := make(map[int64]int, len(ls.byID))
	for id, l := range ls.byID {
		out[id] = l.inFlight
	}
	return out
}

// availableAt sums what an endpoint's resources could take. A lane is worth
// claiming for as soon as one of them is usable.
func availableAt(e *routing.Endpoint, view *routing.Availability) (room int, wait time.Duration) {
	for _, route := range e.Routes {
		n, _, w := view.Want(route.Resource)
		room = min(room+n, routing.Unlimited)
		if w > 0 && (wait == 0 || w < wait) {
			wait = w
		}
	}
	return room, wait
}
