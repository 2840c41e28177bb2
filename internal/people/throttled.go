package people

import (
	"context"
	"fmt"
	"time"

	"dispatchapy"
)

// Bounds of the events about throttled attempts to sign in.
const (
	alarmsEvery = time.Minute
	alarmsBurst = 10
)

// limited refuses an attempt because there were too many before it.
func (p *People) limited(ctx context.Context, name string, from From, wait time.Duration) error {
	if p.throttle.news(addressKey(from.Address), throttledName(name)) {
		p.raiseAlarm(ctx, name, from)
	}
	return &dispatchapy.Error{Code: dispatchapy.CodeLimited, Message: "too many attempts to sign in: wait before the next one", RetryAfter: wait}
}

// raiseAlarm stores an event about attempts that are being throttled. A name
// that nobody has is not written down: see refused.
//
// Failure policy: the attempt is refused anyway; that it could not be written
// is logged.
func (p *People) raiseAlarm(ctx context.Context, name string, from From) {
	skipped, ok := p.alarms.next()
	if !ok {
		return
	}
	detail := "too many attempts to sign in from " + host(from.Address)
	if u := p.directory.Load().userByName[fold(name)]; u != nil {
		detail += " as " + u.Name
	}
	if skipped > 0 {
		detail += fmt.Sprintf("; %d other addresses or names were throttled before", skipped)
	}
	err := p.store.AppendEvents(ctx, []dispatchapy.Event{{Kind: dispatchapy.EventLoginThrottled, At: time.Now(), Detail: detail}})
	if err != nil {
		p.log.Warn("an event about throttled attempts to sign in could not be written", "error", err)
	}
}

// news reports whether it was not spoken of lately that the address or the name
// is blocked, and notes that it is now. While it goes on it is news again after
// forgetAfter.
func (t *throttle) news(address, name string) bool {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	isNews := false
	for _, r := range []*record{t.addresses.get(address, now), t.names.get(name, now)} {
		if r == nil || !r.blocks(now) || now.Sub(r.told) < forgetAfter {
			continue
		}
		r.told, isNews = now, true
	}
	return isNews
}

// blocks reports whether no attempt is let through.
func (r *record) blocks(now time.Time) bool { return r.blocked.After(now) || r.refill(now) > 0 }
