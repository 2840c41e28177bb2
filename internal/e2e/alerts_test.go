package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy/internal/config"
)

const alertsFile = `
version: 1
settings:
  max_attempts: 50
  retry: {base: 20ms, factor: 1, cap: 20ms}
  alerts: {endpoint_on_backup: {for: 1s}, breaker_open: {for: 1s}, task_failed: {enabled: false}}
resources:
  - {name: first, url: "$first"}
  - name: second
    url: "$second"
    health_check: {enabled: true, method: simple, interval: {min: 1s, max: 1s}}
endpoints:
  - path: send_sms
    resources: [first, second]
    mapping: {first: {ref: {from: ref}}, second: {ref: {from: ref}}}
clients:
  - {name: shop, token: ` + shopToken + `, endpoints: [send_sms]}
`

// TestWhatPeopleHearOfAnOutage lets the first choice fail, then the backup
// vanish, then both come back, with a restart in between: each is told once.
func TestWhatPeopleHearOfAnOutage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	there := func(o *config.Options) { o.DataDir = dir }
	first, second := newProvider(t, answers(http.StatusServiceUnavailable)), newProvider(t, works)
	file := fill(alertsFile, map[string]string{"first": first.url(), "second": second.url()})
	g := start(t, file, there)
	g.awaitHealth(t, "second", "up")
	// One failed attempt after the other opens the breaker of the first one.
	for i := range 12 {
		g.awaitStatus(t, g.send(t, "send_sms", fmt.Sprint("outage", i)), "success")
	}
	g.awaitEvents(t, "breaker.open", "endpoint.on_backup")
	g.stop()

	second.vanish()
	g = start(t, file, there)
	g.awaitHealth(t, "second", "down")
	g.awaitEvents(t, "breaker.open", "endpoint.on_backup", "resource.down")

	second.listen(t)
	first.now(works)
	g.awaitHealth(t, "second", "up")
	for i := range 12 {
		g.awaitStatus(t, g.send(t, "send_sms", fmt.Sprint("back", i)), "success")
	}
	g.awaitEvents(t, "breaker.open", "endpoint.on_backup", "resource.down", "resource.up", "endpoint.on_primary")

	// Everything that was wrong is an incident, and over but for the breaker,
	// which has to be calm for a minute.
	var list struct {
		Items []struct {
			ID       int64
			Kind     string
			Open     bool
			Endpoint string
		}
	}
	g.get(t, "/v1/incidents", &list)
	var got []string
	for _, i := range list.Items {
		got = append(got, fmt.Sprintf("%s %s %v", i.Kind, i.Endpoint, i.Open))
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"breaker.open  true", "endpoint.on_backup send_sms false", "resource.down  false"}, got); diff != "" {
		t.Errorf("incidents (-want +got):\n%s", diff)
	}
	for _, i := range list.Items {
		if i.Kind == "resource.down" {
			_, timeline := g.manage(t, http.MethodGet, fmt.Sprintf("/v1/incidents/%d", i.ID), "")
			for _, kind := range []string{"opened", "failed_checks", "closed"} {
				if !strings.Contains(string(timeline), `"kind":"`+kind+`"`) {
					t.Errorf("no %s in %s", kind, timeline)
				}
			}
		}
	}
}

// TestAllResourcesDown: people hear that nothing is delivered any more.
func TestAllResourcesDown(t *testing.T) {
	t.Parallel()
	p := newProvider(t, works)
	g := start(t, fillOne(p, "resource", ", health_check: {enabled: true, interval: {min: 1s, max: 1s}}"))
	g.awaitHealth(t, "only", "up")
	p.vanish()
	g.awaitEvents(t, "resource.down", "endpoint.down")
	p.listen(t)
	g.awaitEvents(t, "resource.down", "endpoint.down", "resource.up", "endpoint.up")
}

// awaitEvents waits until these kinds of events, and no others, have happened,
// each once. Changes of the configuration do not count.
func (g *gateway) awaitEvents(t *testing.T, kinds ...string) {
	t.Helper()
	slices.Sort(kinds)
	eventually(t, patience, "the events "+strings.Join(kinds, ", "), func() (bool, any) {
		var list struct {
			Items []struct{ Kind, Detail string }
		}
		g.get(t, "/v1/events?limit=200", &list)
		var got []string
		for _, e := range list.Items {
			if e.Kind != "config.changed" {
				got = append(got, e.Kind)
			}
		}
		slices.Sort(got)
		return slices.Equal(got, kinds), list.Items
	})
}
