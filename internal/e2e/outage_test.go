package e2e_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// afterRecovery is within how long waiting tasks leave when a resource is known
// to be back. The promise is a second; the rest is for busy machines.
const afterRecovery = 3 * time.Second

// TestRecoveryByHealthCheck takes all resources away: tasks wait, spend nothing
// and leave as soon as a check says that a resource is back.
func TestRecoveryByHealthCheck(t *testing.T) {
	t.Parallel()
	first, second := newProvider(t, works), newProvider(t, works)
	first.vanish()
	second.vanish()
	g := start(t, fill(`
version: 1
resources:
  - name: first
    url: "$first"
    health_check: {enabled: true, method: simple, interval: {min: 1s, max: 1s}}
  - name: second
    url: "$second"
    health_check: {enabled: true, method: simple, interval: {min: 1s, max: 1s}}
endpoints:
  - path: send_sms
    resources: [first, second]
    mapping: {first: {ref: {from: ref}}, second: {ref: {from: ref}}}
clients:
  - {name: shop, token: `+shopToken+`, endpoints: [send_sms]}
`, map[string]string{"first": first.url(), "second": second.url()}))
	g.awaitHealth(t, "first", "down")
	g.awaitHealth(t, "second", "down")

	ids := g.flood(t, "send_sms", "r", 50)
	g.awaitChecks(t, "first", 3) // in the meantime nothing must have been tried
	g.checkUntouched(t, ids)

	second.listen(t)
	g.awaitHealth(t, "second", "up")
	second.await(t, afterRecovery, keys(ids)...)
	second.checkOnce(t, keys(ids))
	g.awaitQuiet(t, patience)
	for _, id := range ids {
		if n := g.task(t, id).AttemptCount; n != 1 {
			t.Errorf("task %d spent %d attempts, want 1: waiting costs nothing", id, n)
		}
	}
}

// TestRecoveryByTraffic does the same where nothing checks the resource: the
// circuit breaker keeps tasks back and tries one now and then.
func TestRecoveryByTraffic(t *testing.T) {
	t.Parallel()
	only := newProvider(t, answers(http.StatusServiceUnavailable))
	g := start(t, fill(`
version: 1
settings:
  max_attempts: 8
  retry: {base: 20ms, factor: 1, cap: 20ms, jitter: 0}
resources:
  - {name: only, url: "$only"}
endpoints:
  - path: send_sms
    resources: [only]
    mapping: {only: {ref: {from: ref}}}
clients:
  - {name: shop, token: `+shopToken+`, endpoints: [send_sms]}
`, map[string]string{"only": only.url()}))
	ids := g.flood(t, "send_sms", "early", 20)
	eventually(t, patience, "the circuit breaker is open", func() (bool, any) {
		return g.metrics(t)[`dispatchapy_resource_breaker{resource="only",state="open"}`] == 1, nil
	})
	for ref, id := range g.flood(t, "send_sms", "late", 100) {
		ids[ref] = id
	}
	before := len(only.all())
	only.awaitReceived(t, before+1) // a trial, which fails
	if after := len(only.all()); after > before+1 {
		t.Errorf("%d requests instead of one trial while the breaker was open", after-before)
	}

	only.now(works)
	eventually(t, patience, "a successful trial", func() (bool, any) { return len(only.accepted()) > 0, nil })
	only.await(t, afterRecovery, keys(ids)...)
	g.awaitQuiet(t, patience)
	only.checkOnce(t, keys(ids))
	spent := 0
	for _, id := range ids {
		found := g.task(t, id)
		if found.Status != "success" {
			t.Errorf("task %d is %s: %s", id, found.Status, found.LastError)
		}
		spent += found.AttemptCount
	}
	if wasted := spent - len(ids); wasted != len(only.all())-len(ids) || wasted > 60 {
		t.Errorf("%d attempts were wasted in the outage, for %d requests", wasted, len(only.all()))
	}
}

// TestDeadEndpointDelaysNobody fills one endpoint with more than it may have in
// flight at a provider that hangs, and looks at another endpoint.
func TestDeadEndpointDelaysNobody(t *testing.T) {
	t.Parallel()
	released := make(chan struct{})
	hanging, healthy := newProvider(t, hangs(released)), newProvider(t, works)
	g := start(t, fill(`
version: 1
resources:
  - {name: hanging, url: "$hanging", timeout: 60s}
  - {name: healthy, url: "$healthy"}
endpoints:
  - path: stuck
    resources: [hanging]
    mapping: {hanging: {ref: {from: ref}}}
  - path: fluent
    resources: [healthy]
    mapping: {healthy: {ref: {from: ref}}}
clients:
  - {name: shop, token: `+shopToken+`, endpoints: [stuck, fluent]}
`, map[string]string{"hanging": hanging.url(), "healthy": healthy.url()}))
	stuck := g.flood(t, "stuck", "stuck", 400)
	hanging.awaitReceived(t, 200)
	fluent := g.flood(t, "fluent", "fluent", 200)
	healthy.await(t, afterRecovery, keys(fluent)...)
	if n := len(hanging.accepted()); n != 0 {
		t.Fatalf("the hanging provider answered %d messages: this test shows nothing", n)
	}
	close(released)
	hanging.await(t, patience, keys(stuck)...)
	hanging.checkOnce(t, keys(stuck))
	healthy.checkOnce(t, keys(fluent))
}

func (g *gateway) awaitHealth(t *testing.T, resource, state string) {
	t.Helper()
	eventually(t, patience, resource+" is "+state, func() (bool, any) {
		is := g.health(t, resource)
		return is == state, is
	})
}

// awaitChecks waits until so many checks of a resource are in its history.
func (g *gateway) awaitChecks(t *testing.T, resource string, n int) {
	t.Helper()
	var resources struct {
		Items []struct {
			ID   int64  `json:"id"`
			Name string `json:"name"`
		} `json:"items"`
	}
	g.get(t, "/v1/resources", &resources)
	for _, r := range resources.Items {
		if r.Name != resource {
			continue
		}
		eventually(t, patience, "health checks", func() (bool, any) {
			var history struct {
				Items []struct{} `json:"items"`
			}
			g.get(t, fmt.Sprintf("/v1/resources/%d/health", r.ID), &history)
			return len(history.Items) >= n, len(history.Items)
		})
		return
	}
	t.Fatalf("there is no resource %s", resource)
}

// checkUntouched demands that tasks wait and that nothing was tried.
func (g *gateway) checkUntouched(t *testing.T, ids map[string]int64) {
	t.Helper()
	for _, id := range ids {
		found := g.task(t, id)
		if found.Status != "pending" || found.AttemptCount != 0 || len(found.Attempts) != 0 {
			t.Fatalf("task %d is %s with %d attempts, want pending with none", id, found.Status, found.AttemptCount)
		}
	}
}
