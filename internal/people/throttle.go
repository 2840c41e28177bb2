package people

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

// What guessing costs.
const (
	freeFailures = 5                // then each one doubles the delay
	firstDelay   = time.Second      // after the first failure that is not free
	longestDelay = time.Minute      // so that nobody can be locked out for long
	forgetAfter  = 30 * time.Minute // without a failure
	perMinute    = 20               // attempts of one address
	trackedMost  = 10_000           // addresses, and names
)

// throttle slows down guessing of passwords, per address and per name. An
// attempt counts as a failure from its beginning, so that many at once are no
// way around it.
//
// Whoever keeps on guessing a name would keep its owner out as well. So a name
// is not blocked for addresses from which it signed in before; there only the
// failures of the address count.
type throttle struct {
	mu        sync.Mutex
	addresses *tracker
	names     *tracker
	known     *tracker // names with the addresses from which they signed in
}

func newThrottle() *throttle {
	return &throttle{addresses: newTracker(), names: newTracker(), known: newTracker()}
}

// knownKey is a name with an address, as a key.
func knownKey(address, name string) string { return address + "\x00" + name }

// attempt is one that was let through.
type attempt struct {
	throttle      *throttle
	address, name failure
}

// wait says for how long attempts from the address at the name are refused; 0
// if one may be made now.
func (t *throttle) wait(address, name string) time.Duration {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waitLocked(now, address, name)
}

func (t *throttle) waitLocked(now time.Time, address, name string) time.Duration {
	var wait time.Duration
	if r := t.addresses.get(address, now); r != nil {
		wait = max(r.blocked.Sub(now), r.refill(now), 0)
	}
	if r := t.names.get(name, now); r != nil && name != "" && !t.known.has(knownKey(address, name)) {
		wait = max(wait, r.blocked.Sub(now))
	}
	return wait
}

// begin lets an attempt through or says how long to wait. An empty name is
// none: only the address counts.
func (t *throttle) begin(address, name string) (*attempt, time.Duration) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if wait := t.waitLocked(now, address, name); wait > 0 {
		return nil, wait
	}
	from := t.addresses.add(address, now)
	from.attempts++
	a := &attempt{throttle: t, address: from.fail(now)}
	if name != "" {
		a.name = t.names.add(name, now).fail(now)
	}
	return a, 0
}

// succeeded takes the failures back: all of the name, and this one of the
// address, which may be where another name is being guessed.
func (a *attempt) succeeded() {
	a.throttle.mu.Lock()
	defer a.throttle.mu.Unlock()
	a.throttle.names.remove(a.name.key)
	a.throttle.addresses.forgive(a.address)
	if a.name.key != "" {
		a.throttle.known.add(knownKey(a.address.key, a.name.key), time.Now())
	}
}

// withdrawn means that nothing was compared.
func (a *attempt) withdrawn() {
	a.throttle.mu.Lock()
	defer a.throttle.mu.Unlock()
	a.throttle.names.forgive(a.name)
	a.throttle.addresses.forgive(a.address)
}

// record is what is known of one address or name.
type record struct {
	key      string
	failures int
	blocked  time.Time // until then nothing is let through
	last     time.Time // failure
	told     time.Time // when it was spoken of that it is blocked

	attempts    int       // since windowBegan
	windowBegan time.Time // of addresses
}

// failure is one that can be taken back.
type failure struct {
	key           string
	before, after time.Time // until when the record was blocked
}

// fail counts a failure.
func (r *record) fail(now time.Time) failure {
	f := failure{key: r.key, before: r.blocked}
	r.failures++
	r.last = now
	if over := r.failures - freeFailures; over >= 0 {
		r.blocked = now.Add(min(firstDelay<<min(over, 10), longestDelay))
	}
	f.after = r.blocked
	return f
}

// refill says how long it takes until the address may make another attempt,
// as far as their number is concerned.
func (r *record) refill(now time.Time) time.Duration {
	end := r.windowBegan.Add(time.Minute)
	if !now.Before(end) {
		r.attempts, r.windowBegan = 0, now
	}
	if r.attempts < perMinute {
		return 0
	}
	return end.Sub(now)
}

// tracker keeps a bounded number of records, those used last.
type tracker struct {
	records map[string]*list.Element
	order   *list.List // of *record, used last in front
}

func newTracker() *tracker {
	return &tracker{records: map[string]*list.Element{}, order: list.New()}
}

// get gives the record of a key, nil if there is none that still counts.
func (t *tracker) get(key string, now time.Time) *record {
	e, found := t.records[key]
	if !found {
		return nil
	}
	r := e.Value.(*record)
	if now.Sub(r.last) > forgetAfter {
		t.remove(key)
		return nil
	}
	return r
}

// has reports whether there is a record of a key, of whatever age.
func (t *tracker) has(key string) bool {
	_, found := t.records[key]
	return found
}

// add gives the record of a key and makes it the one used last.
func (t *tracker) add(key string, now time.Time) *record {
	if e, found := t.records[key]; found {
		t.order.MoveToFront(e)
		return e.Value.(*record)
	}
	if t.order.Len() >= trackedMost {
		oldest := t.order.Back()
		t.order.Remove(oldest)
		delete(t.records, oldest.Value.(*record).key)
	}
	r := &record{key: key, last: now, windowBegan: now}
	t.records[key] = t.order.PushFront(r)
	return r
}

// forgive takes a failure back.
func (t *tracker) forgive(f failure) {
	e, found := t.records[f.key]
	if !found {
		return
	}
	r := e.Value.(*record)
	r.failures = max(0, r.failures-1)
	if r.blocked.Equal(f.after) { // no other one came after it
		r.blocked = f.before
	}
}

func (t *tracker) remove(key string) {
	if e, found := t.records[key]; found {
		t.order.Remove(e)
		delete(t.records, key)
	}
}

// addressKey is what addresses are told apart by: without the port, and of
// IPv6 the network, because whoever has one address of it has all.
func addressKey(address string) string {
	host := host(address)
	addr, err := netip.ParseAddr(host)
	if err == nil && addr.Is6() {
		if network, err := addr.WithZone("").Prefix(64); err == nil {
			return network.String()
		}
	}
	return host
}

// host gives an address without its port; what is none, as it is.
func host(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		withPort, err := netip.ParseAddrPort(address)
		if err != nil {
			return shorten(address, maxName)
		}
		addr = withPort.Addr()
	}
	return addr.Unmap().String()
}
