package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"dispatchapy/internal/config"
)

// oneProvider is an endpoint with one resource. In braces is what a test adds
// to the resource, the endpoint and the client.
const oneProvider = `
version: 1
settings:
  max_attempts: 3
  retry: {base: 20ms, factor: 1, cap: 20ms, jitter: 0}
resources:
  - {name: only, url: "$only", timeout: 30s $resource}
endpoints:
  - path: send_sms
    resources: [only]
    mapping: {only: {ref: {from: ref}, to: {from: phone}, text: {from: message}}}
    $endpoint
clients:
  - {name: shop, token: ` + shopToken + `, endpoints: [send_sms] $client}
  - {name: other, token: dpy_another-token-0123456789, endpoints: [send_sms]}
`

// asOther are the headers of the second client.
var asOther = []string{"X-API-Token", "dpy_another-token-0123456789"}

func fillOne(p *provider, values ...string) string {
	all := map[string]string{"only": p.url(), "resource": "", "endpoint": "", "client": ""}
	for i := 0; i+1 < len(values); i += 2 {
		all[values[i]] = values[i+1]
	}
	return fill(oneProvider, all)
}

// TestHoldThenSend keeps messages back by either switch and lets them go.
func TestHoldThenSend(t *testing.T) {
	t.Parallel()
	for name, where := range map[string][]string{
		"client":   {"client", ", dev: {hold: true}"},
		"endpoint": {"endpoint", "dev: {enabled: true, hold: true}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, works)
			g := start(t, fillOne(p, where...))
			answer, err := g.try(t.Context(), "send_sms", message("held"))
			if err != nil || answer.HTTP != http.StatusOK || answer.Status != "held" {
				t.Fatalf("the answer is %+v, %v; want held", answer, err)
			}
			// Had it been sent, it would have gone before this one.
			g.apply(t, fillOne(p, "client", ", dev: {hold: false}", "endpoint", "dev: {enabled: false}"))
			g.send(t, "send_sms", "after")
			p.await(t, patience, "after")
			if found := g.task(t, answer.ID); found.Status != "held" || found.AttemptCount != 0 {
				t.Fatalf("the held task is %+v", found)
			}
			p.checkOnce(t, []string{"after"})

			if status := g.act(t, answer.ID, "send"); status != http.StatusOK {
				t.Fatalf("send: %d", status)
			}
			g.awaitStatus(t, answer.ID, "success")
			p.checkOnce(t, []string{"after", "held"})
			if status := g.act(t, answer.ID, "send"); status != http.StatusConflict {
				t.Errorf("sending a task that was delivered: %d, want 409", status)
			}
		})
	}
}

// TestOverrides shows that a client's and an endpoint's rules change what is
// sent and nothing else, and that the endpoint wins.
func TestOverrides(t *testing.T) {
	t.Parallel()
	p := newProvider(t, works)
	g := start(t, fillOne(p,
		"client", `, dev: {rules_enabled: true, rules: [
			{if: {param: phone, matches: "^62"}, set: {param: phone, value: "by-client"}},
			{endpoint: send_sms, set: {param: message, value: "by-client"}}]}`,
		"endpoint", `dev: {enabled: true, rules_enabled: true, rules: [{if: {param: phone, matches: "^62"}, set: {param: phone, value: "by-endpoint"}}]}`))
	id := g.send(t, "send_sms", "ruled")
	found := g.awaitStatus(t, id, "success")

	want := map[string]string{"ref": "ruled", "to": "by-endpoint", "text": "by-client"}
	for what, body := range map[string][]byte{"received": p.accepted()["ruled"][0].Body, "shown": found.Target} {
		var got map[string]string
		if err := json.Unmarshal(body, &got); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the target payload %s is %s, want %v (%v)", what, body, want, err)
		}
	}
	if string(found.Source) != message("ruled") {
		t.Errorf("the source is %s, want it as it was sent", found.Source)
	}
	for _, want := range []string{"client rule set message", "endpoint rule set phone"} {
		if !slices.ContainsFunc(found.Log, func(e entry) bool { return strings.Contains(e.Message, want) }) {
			t.Errorf("the task's log does not say %q: %v", want, found.Log)
		}
	}

	// The other client has no rules; those of the endpoint hold for everybody.
	g.awaitStatus(t, g.send(t, "send_sms", "other", asOther...), "success")
	if body := string(p.accepted()["other"][0].Body); !strings.Contains(body, "by-endpoint") || strings.Contains(body, "by-client") {
		t.Errorf("the other client's message went out as %s", body)
	}
}

// TestBudgetAndRetry spends a task's budget and retries it by hand.
func TestBudgetAndRetry(t *testing.T) {
	t.Parallel()
	p := newProvider(t, answers(http.StatusInternalServerError))
	g := start(t, fillOne(p))
	id := g.send(t, "send_sms", "r1")
	failed := g.awaitStatus(t, id, "failed")
	if failed.AttemptCount != 3 || failed.MaxAttempts != 3 || len(p.all()) != 3 || failed.LastError == "" {
		t.Fatalf("the failed task is %+v after %d requests", failed, len(p.all()))
	}

	p.now(works)
	if status := g.act(t, id, "retry"); status != http.StatusOK {
		t.Fatalf("retry: %d", status)
	}
	done := g.awaitStatus(t, id, "success")
	if done.AttemptCount != 1 {
		t.Errorf("after the retry %d attempts are spent, want a fresh budget with 1", done.AttemptCount)
	}
	var numbers []int
	for _, a := range done.Attempts {
		numbers = append(numbers, a.Number)
	}
	if !slices.Equal(numbers, []int{1, 2, 3, 4}) {
		t.Errorf("the attempts have the numbers %v, want 1 to 4", numbers)
	}
	for _, r := range p.all() {
		if r.Key != p.all()[0].Key {
			t.Errorf("the idempotency key changed from %s to %s", p.all()[0].Key, r.Key)
		}
	}
	if status := g.act(t, id, "retry"); status != http.StatusConflict {
		t.Errorf("retrying a task that was delivered: %d, want 409", status)
	}
}

// TestStopWhilePending stops a task that waits. It never goes out.
func TestStopWhilePending(t *testing.T) {
	t.Parallel()
	p := newProvider(t, works)
	g := start(t, fillOne(p, "resource", ", active: false"))
	stopped, goes := g.send(t, "send_sms", "stopped"), g.send(t, "send_sms", "goes")
	if status := g.act(t, stopped, "stop"); status != http.StatusOK {
		t.Fatalf("stop: %d", status)
	}
	g.apply(t, fillOne(p, "resource", ", active: true"))
	g.awaitStatus(t, goes, "success")
	g.awaitStatus(t, g.send(t, "send_sms", "later"), "success")
	p.checkOnce(t, []string{"goes", "later"})
	if found := g.task(t, stopped); found.Status != "stopped" || found.AttemptCount != 0 {
		t.Errorf("the stopped task is %+v", found)
	}
	if status := g.act(t, stopped, "stop"); status != http.StatusConflict {
		t.Errorf("stopping twice: %d, want 409", status)
	}
}

// TestGuardsWhileProcessing refuses to touch a task that is being sent.
func TestGuardsWhileProcessing(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	p := newProvider(t, hangs(release))
	g := start(t, fillOne(p))
	id := g.send(t, "send_sms", "r1")
	p.awaitReceived(t, 1)
	for _, action := range []string{"retry", "stop", "send"} {
		if status := g.act(t, id, action); status != http.StatusConflict {
			t.Errorf("%s while processing: %d, want 409", action, status)
		}
	}
	if status := g.delete(t, id); status != http.StatusConflict {
		t.Errorf("delete while processing: %d, want 409", status)
	}
	if found := g.task(t, id); found.Status != "processing" {
		t.Fatalf("the task is %s, want processing", found.Status)
	}
	close(release)
	g.awaitStatus(t, id, "success")
	p.checkOnce(t, []string{"r1"})
	if status := g.delete(t, id); status != http.StatusNoContent {
		t.Errorf("delete after success: %d, want 204", status)
	}
	if status := g.delete(t, id); status != http.StatusNotFound {
		t.Errorf("delete twice: %d, want 404", status)
	}
}

// TestLastUseOfAClient is known after a message and after a question, and
// outlives the process.
func TestLastUseOfAClient(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := newProvider(t, works)
	at := func(o *config.Options) { o.DataDir = dir }
	uses := func(g *local) map[string]string {
		t.Helper()
		var clients struct {
			Items []struct {
				Name    string `json:"name"`
				LastUse string `json:"last_use"`
			}
		}
		g.get(t, "/v1/clients", &clients)
		last := map[string]string{}
		for _, c := range clients.Items {
			last[c.Name] = c.LastUse
		}
		return last
	}
	g := start(t, fillOne(p), at)
	if last := uses(g); last["shop"] != "" || last["other"] != "" {
		t.Errorf("before any use: %v", last)
	}
	g.send(t, "send_sms", "r-1")
	if last := uses(g); last["shop"] == "" || last["other"] != "" {
		t.Errorf("after a message: %v", last)
	}
	if status, body := g.manageAs(t, "dpy_another-token-0123456789", http.MethodGet, "/v1/clients", ""); status != http.StatusOK || strings.Contains(string(body), `"last_use":null`) {
		t.Errorf("a client sees of itself: %d %s", status, body)
	}
	before := uses(g)
	g.stop()
	g = start(t, fillOne(p), at)
	if last := uses(g); last["shop"] != before["shop"] || last["other"] != before["other"] {
		t.Errorf("after a restart: %v, before it: %v", last, before)
	}
}
