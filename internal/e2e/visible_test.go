package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dispatchapy/internal/config"
)

// TestMetrics looks for everything that operators are promised to see.
func TestMetrics(t *testing.T) {
	t.Parallel()
	primary, backup := newProvider(t, answers(http.StatusInternalServerError)), newProvider(t, works)
	g := start(t, fill(twoProviders, map[string]string{"primary": primary.url(), "backup": backup.url(), "timeout": "10s"}))
	g.flood(t, "send_sms", "r", 5)
	if answer, err := g.try(t.Context(), "nowhere", message("lost")); err != nil || answer.HTTP != http.StatusNotFound {
		t.Fatalf("%+v, %v", answer, err)
	}
	g.awaitQuiet(t, patience)
	backup.now(answers(http.StatusInternalServerError))
	g.awaitStatus(t, g.send(t, "send_sms", "doomed"), "failed")

	var m map[string]float64
	eventually(t, patience, "the last task is counted", func() (bool, any) {
		m = g.metrics(t)
		return m["dispatchapy_tasks_failed_total"] == 1, m["dispatchapy_tasks_failed_total"]
	})
	for series, want := range map[string]float64{
		`dispatchapy_tasks_accepted_total`:                                6,
		`dispatchapy_requests_rejected_total{reason="unknown_endpoint"}`:  1,
		`dispatchapy_tasks_delivered_total`:                               5,
		`dispatchapy_attempts_total{outcome="success",resource="backup"}`: 5,
		`dispatchapy_attempts_total{outcome="failed",resource="backup"}`:  2,
		`dispatchapy_attempts_total{outcome="failed",resource="primary"}`: 7,
		`dispatchapy_accept_seconds_count`:                                6,
		`dispatchapy_accept_to_delivered_seconds_count`:                   5,
		`dispatchapy_resource_health{resource="backup",state="unknown"}`:  1,
		`dispatchapy_resource_breaker{resource="backup",state="closed"}`:  1,
		`dispatchapy_lane_in_flight{endpoint="send_sms"}`:                 0,
		`dispatchapy_accept_to_delivered_seconds_bucket{le="+Inf"}`:       5,
		`dispatchapy_accept_seconds_bucket{le="+Inf"}`:                    6,
	} {
		if m[series] != want {
			t.Errorf("%s is %v, want %v", series, m[series], want)
		}
	}
	for _, series := range []string{
		`dispatchapy_lane_tasks{endpoint="send_sms"}`, `dispatchapy_lane_oldest_seconds{endpoint="send_sms"}`,
		`dispatchapy_lane_in_flight{endpoint="send_sms"}`,
	} {
		if _, shown := m[series]; !shown {
			t.Errorf("%s is not shown", series)
		}
	}
	for _, series := range []string{`dispatchapy_store_batch_operations_count`, `dispatchapy_store_commit_seconds_count`} {
		if m[series] == 0 {
			t.Errorf("%s is 0", series)
		}
	}
}

// TestBacklogMetrics looks at tasks that wait.
func TestBacklogMetrics(t *testing.T) {
	t.Parallel()
	p := newProvider(t, works)
	g := start(t, fillOne(p, "resource", ", active: false"))
	g.flood(t, "send_sms", "r", 7)
	eventually(t, patience, "the waiting tasks are counted", func() (bool, any) {
		m := g.metrics(t)
		depth, oldest := m[`dispatchapy_lane_tasks{endpoint="send_sms"}`], m[`dispatchapy_lane_oldest_seconds{endpoint="send_sms"}`]
		return depth == 7 && oldest > 0, fmt.Sprintf("%v tasks, the oldest %v s old", depth, oldest)
	})
}

// plantedSigning is the key of a signature, which is written in base64.
const plantedSigning = "UExBTlRFRC1zaWduaW5nLXNlY3JldC0wMTIzNDU2Nzg5"

// TestSecretsStayInside plants secrets wherever a configuration has room for
// them and searches everything that the gateway writes.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	const secretKey = "e2e-PLANTED-secret-key-0123456789abcdef"
	broken, p := newProvider(t, answers(http.StatusInternalServerError)), newProvider(t, works)
	g := start(t, fill(`
version: 1
settings:
  max_attempts: 2
  retry: {base: 10ms, factor: 1, cap: 10ms, jitter: 0}
  smtp: {host: localhost, port: 2525, username: u, password: PLANTED-smtp, from: a@example.com, encryption: none}
  status_page: {enabled: true, public: false, token: PLANTED-status-page, endpoints: [{path: good}]}
  alerts:
    channels:
      - name: chat
        webhook: {url: "http://127.0.0.1:1/{secret:key}", headers: {X-Key: PLANTED-channel}, secrets: {key: PLANTED-channel-key}, signing_secret: whsec_$signing}
    task_failed: {enabled: true, channels: [chat]}
    resource_down: {channels: [chat]}
resources:
  - name: only
    url: "$url?key=PLANTED-query"
    headers: {Authorization: "Bearer PLANTED-header"}
    health_check: {enabled: true, method: actual, interval: {min: 1s, max: 1s}, test_values: {to: PLANTED-test}}
    notify: {webhook: {enabled: true, url: "http://127.0.0.1:1/?t=PLANTED-hook", headers: {X-Key: PLANTED-hookheader}, payload: {text: down}}}
  - {name: broken, url: "$broken?key=PLANTED-query2", headers: {X-Key: PLANTED-header2}}
  - name: refusing
    url: "http://127.0.0.1:1/?key=PLANTED-query3"
    headers: {X-Key: PLANTED-header3}
    health_check: {enabled: true, method: actual, interval: {min: 1s, max: 1s}}
    notify: {webhook: {enabled: true, url: "http://127.0.0.1:1/?key=PLANTED-own-url", headers: {X-Key: PLANTED-own-header}}}
endpoints:
  - {path: good, resources: [only], mapping: {only: {ref: {from: ref}, key: {value: in-payload}}}}
  - {path: bad, resources: [broken, refusing], mapping: {broken: {ref: {from: ref}}, refusing: {ref: {from: ref}}}}
clients:
  - {name: shop, token: dpy_PLANTED-client-token-0123456789, endpoints: [good, bad]}
`, map[string]string{"url": p.url(), "broken": broken.url(), "signing": plantedSigning}),
		func(o *config.Options) { o.SecretKey, o.AdminToken = secretKey, adminToken })
	asShop := []string{"X-API-Token", "dpy_PLANTED-client-token-0123456789"}
	g.awaitStatus(t, g.send(t, "good", "good", asShop...), "success")
	failed := g.awaitStatus(t, g.send(t, "bad", "bad", asShop...), "failed")
	if got := p.accepted()["good"][0].Header.Get("Authorization"); got != "Bearer PLANTED-header" {
		t.Fatalf("the provider got the header %q: nothing is shown if the secret is not used", got)
	}
	_, _ = g.try(t.Context(), "good", message("x"), "X-API-Token", "PLANTED-wrong-token")
	_, refusal := g.manage(t, http.MethodPut, "/v1/config", "version: 1\nclients: [{name: c, token: PLANTED}]\nresources: [{name: r, url: 'http://u:PLANTED@h/', headers: {\"bad name\": PLANTED}}]")

	eventually(t, patience, "both channels were tried", func() (bool, any) {
		_, body := g.manage(t, http.MethodGet, "/v1/notifications", "")
		return strings.Contains(string(body), `"channel":"chat"`) && strings.Contains(string(body), `"resource":"refusing"`) &&
			strings.Count(string(body), `"last_error":"`) >= 2, string(body)
	})

	seen := map[string]string{"the refusal of a file": string(refusal)}
	for _, path := range []string{
		"/metrics", "/v1/tasks", fmt.Sprintf("/v1/tasks/%d", failed.ID), "/v1/clients", "/v1/endpoints", "/v1/settings", "/v1/events", "/readyz",
		"/v1/notifications", "/v1/notifications/1", "/v1/incidents", "/v1/incidents/1", "/v1/health", "/v1/status", "/v1/status?token=PLANTED-status-page",
		"/v1/tasks/export",
	} {
		_, body := g.manage(t, http.MethodGet, path, "")
		seen[path] = string(body)
	}
	for _, path := range []string{"/v1/resources", "/v1/endpoints", "/v1/clients", fmt.Sprintf("/v1/tasks/%d", failed.ID)} {
		_, body := g.manageAs(t, asShop[1], http.MethodGet, path, "")
		seen[path+" for the client"] = string(body)
	}
	search(t, "while running", g.dir, seen)
	g.stop()
	seen["the log"] = g.logs.String()
	search(t, "after the stop", g.dir, seen)
}

// search looks for planted secrets in texts and in all files of a directory.
func search(t *testing.T, when, dir string, seen map[string]string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in the data directory: %v", err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		seen[name] = string(content)
	}
	for where, text := range seen {
		for _, secret := range []string{"PLANTED", plantedSigning, adminToken} {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("%s: a secret stands in %s: ...%q...", when, where, text[max(at-100, 0):min(at+60, len(text))])
			}
		}
	}
}
