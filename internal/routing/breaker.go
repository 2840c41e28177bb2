package routing

import "time"

// The breaker opens after breakerThreshold failures in a row. Its first pause
// is breakerMinPause; every failed trial doubles it up to breakerMaxPause.
const (
	breakerThreshold = 10
	breakerMinPause  = 1 * time.Second
	breakerMaxPause  = 5 * time.Second
)

// BreakerState is what live traffic says of a resource.
type BreakerState string

// The breaker states.
const (
	BreakerClosed   BreakerState = "closed"    // traffic flows
	BreakerOpen     BreakerState = "open"      // no traffic until the pause is over
	BreakerHalfOpen BreakerState = "half_open" // the pause is over: one request may try
)

// breaker is a circuit breaker without a clock or a lock of its own. The zero
// value is closed. It is ours rather than a library's because failover needs
// to ask how long a pause still lasts, and to return a trial without a verdict.
type breaker struct {
	failures int           // in a row, while closed
	pause    time.Duration // length of the present pause; 0 while closed
	until    time.Time     // end of the present pause
	trial    bool          // the one request of the half-open state is under way
}

func (b *breaker) state(now time.Time) BreakerState {
	switch {
	case b.pause == 0:
		return BreakerClosed
	case now.Before(b.until):
		return BreakerOpen
	}
	return BreakerHalfOpen
}

// ready reports whether a request may start, and if not, in how long (0: when
// the trial under way has ended).
func (b *breaker) ready(now time.Time) (ok bool, wait time.Duration) {
	switch b.state(now) {
	case BreakerClosed:
		return true, 0
	case BreakerOpen:
		return false, b.until.Sub(now)
	}
	return !b.trial, 0
}

// start notes that a request begins and reports whether it is the trial. Call
// it only after ready.
func (b *breaker) start(now time.Time) (trial bool) {
	if b.state(now) == BreakerHalfOpen {
		b.trial = true
	}
	return b.trial
}

// giveBack ends a trial without a verdict: another may try.
func (b *breaker) giveBack() { b.trial = false }

// record takes the verdict of a request and reports whether the breaker has
// opened or closed by it. While it is not closed only the trial counts: the
// others began before it opened. A trial that failed keeps it open.
func (b *breaker) record(now time.Time, trial, ok bool) (changed bool) {
	switch {
	case b.pause == 0 && ok:
		b.failures = 0
	case b.pause == 0:
		if b.failures++; b.failures >= breakerThreshold {
			b.open(now, breakerMinPause)
			return true
		}
	case trial && ok:
		*b = breaker{}
		return true
	case trial:
		b.open(now, min(2*b.pause, breakerMaxPause))
	}
	return false
}

func (b *breaker) open(now time.Time, pause time.Duration) {
	*b = breaker{pause: pause, until: now.Add(pause)}
}

// shorten ends a pause at once: a health check succeeded, so a trial is due.
func (b *breaker) shorten(now time.Time) {
	if b.until.After(now) {
		b.until = now
	}
}
