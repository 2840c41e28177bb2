package routing

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"dispatchapy"
)

// Reason says why a resource cannot be used right now.
type Reason string

// The reasons.
const (
	Usable      Reason = ""
	Inactive    Reason = "switched off"
	Maintenance Reason = "in maintenance" // planned
	Down        Reason = "down"
	Broken      Reason = "failing"      // the circuit breaker is open
	Paused      Reason = "paused"       // the provider asked to wait (Retry-After)
	Full        Reason = "full"         // concurrency limit
	RateLimited Reason = "rate limited" // rate limit
)

// Limited reports whether the resource works and has no room only because of
// its limits.
func (r Reason) Limited() bool { return r == Full || r == RateLimited }

// Unlimited is the room of a resource without limits.
const Unlimited = math.MaxInt32

// Availability knows which resources can be used right now: switched on, not
// down by their health checks, not broken by live traffic, not paused by the
// provider, with room under their limits. A resource at its limit is passed
// over like one that is down, so that the next in order takes the overflow.
//
// It is per node and starts empty; only health is shared between nodes.
type Availability struct {
	mu       sync.Mutex
	gates    map[int64]*gate
	onChange func()
}

// gate is what is known about one resource.
type gate struct {
	health   dispatchapy.Health
	breaker  breaker
	pauseEnd time.Time
	inFlight int
	limited  bool // by concurrency when last looked at: somebody may wait for a place
	limiter  *rate.Limiter
	limit    dispatchapy.RateLimit // what limiter was made from

	turnedAway int64 // how often somebody wanted to send and the limits said no
}

// NewAvailability makes a view in which everything is unknown and usable.
func NewAvailability() *Availability {
	return &Availability{gates: map[int64]*gate{}, onChange: func() {}}
}

// OnChange sets what is called, outside the lock, when a resource may have
// become usable. Set it before use; it must not block.
func (a *Availability) OnChange(f func()) { a.onChange = f }

// SetHealth takes a resource's state after a check or from the store. A check
// that succeeded also lets a broken resource be tried at once.
func (a *Availability) SetHealth(h dispatchapy.Health) {
	a.mu.Lock()
	g := a.gate(h.ResourceID)
	g.health = h
	if h.State == dispatchapy.HealthUp && h.Successes > 0 {
		g.breaker.shorten(time.Now())
	}
	a.mu.Unlock()
	a.onChange()
}

// Health gives the state last set; unknown if none was.
func (a *Availability) Health(resourceID int64) dispatchapy.Health {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.gate(resourceID).health
}

// Breaker gives the state of a resource's circuit breaker on this node.
func (a *Availability) Breaker(resourceID int64) BreakerState {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.gate(resourceID).breaker.state(time.Now())
}

// Room says how many requests a resource could take right now. If none: why,
// and in how long that may change by itself (0: not before OnChange).
func (a *Availability) Room(r *Resource) (room int, why Reason, wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.gate(r.ID).room(r, time.Now())
}

// Want is Room for somebody who has something to send.
func (a *Availability) Want(r *Resource) (room int, why Reason, wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	g := a.gate(r.ID)
	room, why, wait = g.room(r, time.Now())
	g.note(why)
	return room, why, wait
}

// TurnedAway counts how often somebody wanted to send to a resource and its
// limits left no room, on this node.
func (a *Availability) TurnedAway(resourceID int64) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.gate(resourceID).turnedAway
}

func (g *gate) note(why Reason) {
	if why.Limited() {
		g.turnedAway++
	}
}

// Acquire takes the right to send one request, or says why there is none. The
// permit must be ended with exactly one of its methods.
func (a *Availability) Acquire(r *Resource) (*Permit, Reason) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	g := a.gate(r.ID)
	if room, why, _ := g.room(r, now); room == 0 {
		g.note(why)
		return nil, why
	}
	if g.limiter != nil {
		g.limiter.AllowN(now, 1)
	}
	g.inFlight++
	return &Permit{view: a, gate: g, trial: g.breaker.start(now)}, Usable
}

// Permit is the right to send one request to one resource.
type Permit struct {
	view  *Availability
	gate  *gate
	trial bool
}

// Done ends the request with its verdict: alive says whether the resource
// works (a refusal of one message is alive), pause > 0 how long it asked to be
// left alone. If the circuit breaker has opened or closed by it the new state
// is given, otherwise "".
func (p *Permit) Done(alive bool, pause time.Duration) (changed BreakerState) {
	p.end(func(now time.Time) {
		if p.gate.breaker.record(now, p.trial, alive) {
			changed = p.gate.breaker.state(now)
		}
		if pause > 0 {
			p.gate.pauseEnd = now.Add(pause)
		}
	})
	return changed
}

// GiveBack ends the permit without a verdict: nothing was sent, or we broke off.
func (p *Permit) GiveBack() {
	p.end(func(time.Time) {
		if p.trial {
			p.gate.breaker.giveBack()
		}
	})
}

func (p *Permit) end(verdict func(now time.Time)) {
	p.view.mu.Lock()
	p.gate.inFlight--
	verdict(time.Now())
	awaited := p.gate.limited || p.trial
	p.view.mu.Unlock()
	if awaited {
		p.view.onChange()
	}
}

// gate finds or makes a resource's gate. Gates of deleted resources stay: ids
// are never reused and a gate is small.
func (a *Availability) gate(id int64) *gate {
	g := a.gates[id]
	if g == nil {
		g = &gate{health: dispatchapy.Health{ResourceID: id, State: dispatchapy.HealthUnknown}}
		a.gates[id] = g
	}
	return g
}

func (g *gate) room(r *Resource, now time.Time) (int, Reason, time.Duration) {
	if !r.IsActive() {
		return 0, Inactive, 0
	}
	if w, in := r.InMaintenance(now); in {
		return 0, Maintenance, w.Until.Sub(now)
	}
	// Without checks nobody would ever find out that it is up again.
	if r.HealthCheck.Enabled && g.health.State == dispatchapy.HealthDown {
		return 0, Down, 0
	}
	if now.Before(g.pauseEnd) {
		return 0, Paused, g.pauseEnd.Sub(now)
	}
	if ok, wait := g.breaker.ready(now); !ok {
		return 0, Broken, wait
	}
	room := Unlimited
	if g.breaker.state(now) == BreakerHalfOpen {
		room = 1
	}
	if g.limited = r.Concurrency > 0; g.limited {
		if room = min(room, r.Concurrency-g.inFlight); room <= 0 {
			return 0, Full, 0
		}
	}
	g.adjust(r.RateLimit)
	if g.limiter != nil {
		tokens := g.limiter.TokensAt(now)
		if tokens < 1 {
			perToken := float64(time.Second) / float64(g.limiter.Limit())
			return 0, RateLimited, time.Duration((1-tokens)*perToken) + time.Millisecond
		}
		room = min(room, int(tokens))
	}
	return room, Usable, 0
}

// limiterSlack is how much of a rate may be made up for. Whoever waits for a
// token is late by a timer and a claim; a bucket that cannot hold the tokens of
// that time would lose them, two thirds of them at a thousand a second.
const limiterSlack = 20 * time.Millisecond

// adjust makes the limiter follow the configuration without forgetting what
// was spent where nothing changed.
func (g *gate) adjust(l *dispatchapy.RateLimit) {
	switch {
	case l == nil:
		g.limiter, g.limit = nil, dispatchapy.RateLimit{}
	case g.limiter == nil || g.limit != *l:
		perSecond := float64(l.Requests) / l.Per.Std().Seconds()
		burst := max(l.Burst, 1+int(perSecond*limiterSlack.Seconds()))
		g.limiter, g.limit = rate.NewLimiter(rate.Limit(perSecond), burst), *l
	}
}
