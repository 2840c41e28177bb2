package e2e_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// TestConcurrencyLimit never sends more at once than a resource allows, and
// spends nothing on waiting for a place.
func TestConcurrencyLimit(t *testing.T) {
	t.Parallel()
	const limit = 3
	var running, peak atomic.Int64
	p := newProvider(t, func(w http.ResponseWriter, r *http.Request, accept func()) {
		n := running.Add(1)
		defer running.Add(-1)
		for before := peak.Load(); n > before && !peak.CompareAndSwap(before, n); before = peak.Load() {
		}
		takes(2*time.Millisecond)(w, r, accept)
	})
	g := start(t, fillOne(p, "resource", ", concurrency: 3"))
	ids := g.flood(t, "send_sms", "r", 150)
	g.awaitQuiet(t, patience)
	p.checkOnce(t, keys(ids))
	if peak.Load() != limit {
		t.Errorf("%d requests at once, want %d", peak.Load(), limit)
	}
	g.checkFirstAttempts(t, ids)
}

// TestRateLimit spreads messages evenly.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	p := newProvider(t, works)
	g := start(t, fillOne(p, "resource", ", rate_limit: {requests: 100, per: 1s, burst: 5}"))
	ids := g.flood(t, "send_sms", "r", 105)
	g.awaitQuiet(t, patience)
	p.checkOnce(t, keys(ids))
	all := p.all()
	took := all[len(all)-1].At.Sub(all[0].At)
	// The first five at once, the others ten milliseconds apart.
	if took < 950*time.Millisecond || took > 5*time.Second {
		t.Errorf("105 messages took %s at 100 per second", took)
	}
	g.checkFirstAttempts(t, ids)
}

// TestOverflow sends what a resource has no room for to the next one.
func TestOverflow(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	primary, backup := newProvider(t, hangs(release)), newProvider(t, works)
	g := start(t, fill(`
version: 1
resources: [{name: primary, url: "$primary", concurrency: 2}, {name: backup, url: "$backup"}]
endpoints: [{path: send_sms, resources: [primary, backup], mapping: {primary: {ref: {from: ref}}, backup: {ref: {from: ref}}}}]
clients: [{name: shop, token: `+shopToken+`, endpoints: [send_sms]}]
`, map[string]string{"primary": primary.url(), "backup": backup.url()}))
	ids := g.flood(t, "send_sms", "r", 50)
	eventually(t, patience, "all but two are delivered by the backup", func() (bool, any) {
		n := len(backup.accepted())
		return n == len(ids)-2, n
	})
	close(release)
	g.awaitQuiet(t, patience)
	if n := len(primary.accepted()); n != 2 {
		t.Errorf("the primary got %d messages, want 2", n)
	}
	g.checkFirstAttempts(t, ids)
}

// TestRetryAfter leaves a provider alone for as long as it asks to be.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	p := newProvider(t, answers(http.StatusTooManyRequests, "Retry-After", "2"))
	g := start(t, fillOne(p))
	first := g.send(t, "send_sms", "first")
	eventually(t, patience, "the answer is known", func() (bool, any) {
		found := g.task(t, first)
		return len(found.Attempts) == 1 && found.Status == "pending", found
	})
	p.now(works)
	ids := g.flood(t, "send_sms", "r", 20)
	ids["first"] = first
	g.awaitQuiet(t, patience)
	p.checkOnce(t, keys(ids))
	all := p.all()
	if pause := all[1].At.Sub(all[0].At); pause < 1900*time.Millisecond || pause > 2*time.Second+afterRecovery {
		t.Errorf("the next request came after %s, want about 2 s", pause)
	}
	if len(all) != len(ids)+1 {
		t.Errorf("%d requests for %d messages", len(all), len(ids))
	}
}

// checkFirstAttempts demands that every task succeeded with its first attempt.
func (g *gateway) checkFirstAttempts(t *testing.T, ids map[string]int64) {
	t.Helper()
	for _, found := range g.tasks(t, "") {
		if found.Status != "success" || found.AttemptCount != 1 || ids[found.Ref] != found.ID {
			t.Errorf("task %d (%s) is %s after %d attempts", found.ID, found.Ref, found.Status, found.AttemptCount)
		}
	}
}
