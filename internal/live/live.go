// Package live tells those who watch what has changed, on this node: pages that
// show it, at the moment. Changes are written into a ring that readers follow
// at their own pace, so that whoever publishes never waits and pays the same
// for one reader as for hundreds. A reader that falls behind the ring is told
// to look at everything again, which is always right.
//
// While nobody reads, nothing is written.
package live

import (
	"context"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dispatchapy"
)

const (
	ringSize   = 4096 // changes that are remembered
	maxPending = 256  // objects in one batch of changes; with more everything is looked at again

	// MaxReaders is how many can watch at a time.
	MaxReaders = 200

	// maxOfClient is how many of them can be of one client: it must not keep all
	// others from watching.
	maxOfClient = 50

	// linger is for how long changes are remembered after the last reader has
	// gone: one that was cut off goes on where it was.
	linger = 2 * time.Minute

	// pace is the least time between two batches for one reader.
	pace = 100 * time.Millisecond
)

// ErrFull says that as many read as there may be, in all or of one client.
var ErrFull = dispatchapy.Errorf(dispatchapy.CodeLimited, "as many pages show changes as they happen as can")

// Hub passes changes on. Make one with New.
type Hub struct {
	active atomic.Bool // somebody reads, or may come back
	epoch  string      // differs from process to process

	mu      sync.Mutex
	ring    [ringSize]dispatchapy.Change
	first   uint64 // number of the oldest change in the ring
	next    uint64 // number of the next change
	readers int
	clients map[int64]int // readers, by client
	expiry  *time.Timer   // ends the lingering; nil: somebody reads, or it has ended
	news    chan struct{} // closed with the next change; nil: nobody waits
}

// New makes a hub without readers.
func New() *Hub {
	return &Hub{epoch: strconv.FormatUint(rand.Uint64(), 36), first: 1, next: 1, clients: map[int64]int{}}
}

// Publish tells readers of a change. It never blocks.
func (h *Hub) Publish(c dispatchapy.Change) {
	if !h.active.Load() {
		return
	}
	h.mu.Lock()
	h.ring[h.next%ringSize] = c
	h.next++
	h.first = max(h.first, h.next-min(h.next, ringSize))
	news := h.news
	h.news = nil
	h.mu.Unlock()
	if news != nil {
		close(news)
	}
}

// Audience is whose changes a reader hears of. The zero value hears of all.
type Audience struct {
	ClientID int64 // only of this client's
}

// heard gives a change as the audience may hear of it. Of what is nobody's in
// particular a client learns that something changed, and not what; of other
// clients and of incidents nothing.
func (a Audience) heard(c dispatchapy.Change) (dispatchapy.Change, bool) {
	switch {
	case a.ClientID == 0 || c.ClientID == a.ClientID:
		return c, true
	case c.ClientID == 0 && c.Kind != dispatchapy.ChangeClient && c.Kind != dispatchapy.ChangeIncident:
		return dispatchapy.Change{Kind: c.Kind}, true
	}
	return dispatchapy.Change{}, false
}

// Subscribe begins to read: from now on, or after the Position of changes that
// were read before. Close the reader.
func (h *Hub) Subscribe(a Audience, after string) (*Reader, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.readers == MaxReaders || a.ClientID != 0 && h.clients[a.ClientID] == maxOfClient {
		return nil, ErrFull
	}
	h.readers++
	h.clients[a.ClientID]++
	if h.expiry != nil {
		h.expiry.Stop()
		h.expiry = nil
	}
	h.active.Store(true)
	r := &Reader{hub: h, audience: a, next: h.next}
	if after != "" {
		r.next, r.lost = h.after(after)
	}
	return r, nil
}

// after gives the number to go on with. lost if what came in between is not
// known any more.
func (h *Hub) after(position string) (next uint64, lost bool) {
	epoch, number, _ := strings.Cut(position, "-")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || epoch != h.epoch || n < h.first || n > h.next {
		return h.next, true
	}
	return n, false
}

// leave ends a reader. The last one leaves the ring for a while, in case that
// it comes back.
func (h *Hub) leave(a Audience) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clients[a.ClientID]--; h.clients[a.ClientID] == 0 {
		delete(h.clients, a.ClientID)
	}
	if h.readers--; h.readers == 0 {
		h.linger()
	}
}

// Position gives where a reader begins now. From then on changes are remembered
// for a while, although nobody may read yet: whoever shows something asks before
// it looks, and follows it afterwards.
func (h *Hub) Position() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.readers == 0 {
		if h.expiry != nil {
			h.expiry.Stop()
		}
		h.active.Store(true)
		h.linger()
	}
	return h.position(h.next)
}

func (h *Hub) position(n uint64) string { return h.epoch + "-" + strconv.FormatUint(n, 10) }

// linger has the ring remember for a while without readers.
func (h *Hub) linger() {
	var expiry *time.Timer
	expiry = time.AfterFunc(linger, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.expiry == expiry {
			h.rest()
		}
	})
	h.expiry = expiry
}

// rest stops remembering. Positions from before are no longer good.
func (h *Hub) rest() {
	h.active.Store(false)
	h.expiry = nil
	h.next++
	h.first = h.next
}

// Close ends the lingering. Readers may go on, but hear of nothing new once
// the publishers have ended.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.expiry != nil {
		h.expiry.Stop()
		h.rest()
	}
}

// Reader follows the changes. It is for one goroutine.
type Reader struct {
	hub      *Hub
	audience Audience
	next     uint64 // number of the first change that was not read
	lost     bool   // some were missed
	fresh    []dispatchapy.Change
	last     time.Time // of the latest batch
	closed   bool
}

// Close ends reading. It may be called more than once.
func (r *Reader) Close() {
	if !r.closed {
		r.closed = true
		r.hub.leave(r.audience)
	}
}

// Next waits for changes and gives them, of each object only the latest. It
// waits a little longer for more of them, so that a busy gateway gives few
// large batches. It gives the error of ctx when that ends.
func (r *Reader) Next(ctx context.Context) (dispatchapy.Changes, error) {
	if wait := pace - time.Since(r.last); !r.last.IsZero() && wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return dispatchapy.Changes{}, ctx.Err()
		}
	}
	for {
		changes, news := r.read()
		if news == nil {
			r.last = time.Now()
			return changes, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return dispatchapy.Changes{}, ctx.Err()
		}
	}
}

// object is what a change is about.
type object struct {
	kind dispatchapy.ChangeKind
	id   int64
}

// read gives what has not been read, or what to wait for if there is nothing.
func (r *Reader) read() (changes dispatchapy.Changes, news <-chan struct{}) {
	lost, news := r.fetch()
	if !lost {
		changes.List, lost = r.latest()
	}
	if lost {
		return dispatchapy.Changes{Resync: true, Position: r.Position()}, nil
	}
	if len(changes.List) == 0 {
		return changes, news
	}
	changes.Position = r.Position()
	return changes, nil
}

// fetch copies what is new out of the ring, so that publishers are not kept
// waiting while it is looked at. lost if some of it is there no more.
func (r *Reader) fetch() (lost bool, news <-chan struct{}) {
	h := r.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	lost, r.lost = r.lost || r.next < h.first, false
	r.fresh = r.fresh[:0]
	for n := r.next; n < h.next && !lost; {
		from, size := n%ringSize, min(h.next-n, ringSize-n%ringSize)
		r.fresh = append(r.fresh, h.ring[from:from+size]...)
		n += size
	}
	r.next = h.next
	if h.news == nil {
		h.news = make(chan struct{})
	}
	return lost, h.news
}

// latest gives what the audience may hear of the fresh changes, of each object
// the latest. lost if that is too much for one batch.
func (r *Reader) latest() (list []dispatchapy.Change, lost bool) {
	places := make(map[object]int, min(len(r.fresh), maxPending))
	for _, c := range r.fresh {
		c, heard := r.audience.heard(c)
		if !heard {
			continue
		}
		key := object{c.Kind, c.ID}
		if i, known := places[key]; known {
			list[i] = c
			continue
		}
		if len(list) == maxPending {
			return nil, true
		}
		places[key] = len(list)
		list = append(list, c)
	}
	return list, false
}

// Position gives where the reader is.
func (r *Reader) Position() string { return r.hub.position(r.next) }
