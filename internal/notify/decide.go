package notify

import (
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/mail"
	"dispatchapy/internal/store"
)

const (
	firstRetry = 10 * time.Second
	lastRetry  = 15 * time.Minute // waits do not become longer: whoever is back hears soon
	retryFor   = 24 * time.Hour   // after the first attempt, or the latest event after that
	jitter     = 0.2
)

// result is how an attempt ended.
type result struct {
	title      string // what was sent
	to         string // whom or where it was sent, in words
	refused    []mail.Refusal
	err        string // why nothing was sent; "": something was
	said       string // what whoever took it answered
	retryAfter time.Duration
	undecided  bool // it was broken off by us, and nothing is known
}

// decide says what follows from an attempt. random is in [0, 1).
func decide(l *store.LeasedNotification, c *dispatchapy.Channel, r *result, random float64) store.NotificationOutcome {
	o := store.NotificationOutcome{ID: l.Notification.ID, Fence: l.Fence, Title: r.title, Attempted: true}
	if r.undecided {
		o.Status, o.Attempted, o.Error, o.RetryIn = dispatchapy.NotificationPending, false, l.Notification.LastError, time.Second
		return o
	}
	attempts := l.Notification.Attempts + 1
	for _, refused := range r.refused {
		if refused.Temporary {
			o.Rest = append(o.Rest, refused.To)
		}
	}
	if r.err == "" && len(o.Rest) == 0 {
		o.Status, o.Error = dispatchapy.NotificationSent, refusals(r.refused)
		o.Entry = "told: " + r.to
		if o.Error != "" {
			o.Entry += "; not told: " + o.Error
		}
		return o
	}
	if o.Error = r.err; o.Error == "" {
		o.Error = refusals(r.refused)
	}
	wait := max(backoff(attempts, random), r.retryAfter)
	if isSpent(c, attempts, l.Wanted+wait) {
		o.Status, o.Entry, o.Rest = dispatchapy.NotificationFailed, "given up: "+r.to+": "+o.Error, nil
		return o
	}
	o.Status, o.RetryIn = dispatchapy.NotificationPending, wait
	if attempts == 1 {
		o.Entry = "not told yet: " + r.to + ": " + o.Error
	}
	return o
}

// backoff gives the wait after the attempt of a number, from 1.
func backoff(attempts int, random float64) time.Duration {
	wait := lastRetry
	if attempts < 8 { // before it would be longer
		wait = min(firstRetry<<(attempts-1), lastRetry)
	}
	return time.Duration(float64(wait) * (1 - jitter + 2*jitter*random))
}

// isSpent reports whether there is no other attempt at a time after what it is
// about.
func isSpent(c *dispatchapy.Channel, attempts int, wanted time.Duration) bool {
	if w := c.Webhook; w != nil && w.Retries != nil && attempts > *w.Retries {
		return true
	}
	return wanted > retryFor
}

func refusals(list []mail.Refusal) string {
	words := make([]string, len(list))
	for i, r := range list {
		words[i] = r.To + ": " + r.Detail
	}
	return cut(strings.Join(words, "; "), maxReason)
}
