package e2e_test

import (
	"net/http"
	"testing"
)

// twoProviders is an endpoint with a primary and a backup.
const twoProviders = `
version: 1
settings:
  max_attempts: 4
  retry: {base: 50ms, factor: 2, cap: 500ms, jitter: 0}
resources:
  - {name: primary, url: "$primary", timeout: $timeout, required_params: [to, text, id]}
  - {name: backup, url: "$backup", required_params: [msisdn]}
endpoints:
  - path: send_sms
    required_params: [phone, message]
    resources: [primary, backup]
    mapping:
      primary: {ref: {from: ref}, to: {from: phone}, text: {from: message}, id: {uuid: true}}
      backup: {ref: {from: ref}, msisdn: {from: phone}}
clients:
  - {name: shop, token: ` + shopToken + `, endpoints: [send_sms]}
`

// TestFailover breaks the primary in every way and demands that all messages
// arrive through the backup, each once.
func TestFailover(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	for name, primary := range map[string]struct {
		behave behaviour // nil: nobody listens
		class  string    // how its attempts are classified
		every  bool      // it is tried for every message, because it is alive
	}{
		"answers 500":     {behave: answers(http.StatusInternalServerError), class: "server_error"},
		"refuses":         {class: "refused"},
		"hangs":           {behave: hangs(never), class: "timeout"},
		"resets":          {behave: resets, class: "reset"},
		"answers garbage": {behave: babbles, class: "protocol"},
		"redirects":       {behave: answers(http.StatusFound, "Location", "http://127.0.0.1:1/"), class: "redirect"},
		"refuses 400":     {behave: answers(http.StatusBadRequest), class: "client_error", every: true},
		"throttles":       {behave: answers(http.StatusTooManyRequests, "Retry-After", "60"), class: "client_error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broken, backup := newProvider(t, primary.behave), newProvider(t, works)
			if primary.behave == nil {
				broken.vanish()
			}
			timeout := "10s"
			if primary.class == "timeout" {
				timeout = "150ms"
			}
			g := start(t, fill(twoProviders, map[string]string{"primary": broken.url(), "backup": backup.url(), "timeout": timeout}))
			ids := g.flood(t, "send_sms", "r", 200)
			g.awaitQuiet(t, patience)
			backup.checkOnce(t, keys(ids))
			checkFailedOver(t, g.gateway, ids, primary.class, primary.every)
		})
	}
}

func checkFailedOver(t *testing.T, g *gateway, ids map[string]int64, class string, every bool) {
	t.Helper()
	tried := 0
	for ref, id := range ids {
		found := g.task(t, id)
		n := len(found.Attempts)
		if found.Status != "success" || found.Resource != "backup" || found.Ref != ref || n != found.AttemptCount {
			t.Fatalf("task %d is not a success of the backup: %+v", id, found)
		}
		if last := found.Attempts[n-1]; last.Resource != "backup" || last.StatusCode != http.StatusOK || last.Outcome != "success" {
			t.Fatalf("the last attempt of task %d is %+v", id, last)
		}
		for i, a := range found.Attempts[:n-1] {
			if a.Number != i+1 || a.Resource != "primary" || a.Error != class {
				t.Fatalf("attempt %d of task %d is %+v, want error %s at the primary", i+1, id, a, class)
			}
			tried++
		}
	}
	if tried == 0 || every && tried != len(ids) {
		t.Fatalf("the primary was tried %d times for %d messages", tried, len(ids))
	}
}
