package httpapi_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
)

// The rows of the matrix for incidents and health.
func init() {
	maps.Copy(matrix, map[string]access{
		"list-incidents":       {nobody: 401, shop: 403, bank: 403, admin: 200},
		"get-incident":         {nobody: 401, shop: 403, bank: 403, admin: 200},
		"note-incident":        {nobody: 401, shop: 403, bank: 403, admin: 200, body: `{"note":"n"}`},
		"acknowledge-incident": {nobody: 401, shop: 403, bank: 403, admin: 200},
	})
}

func TestIncidents(t *testing.T) {
	g := staffed(t)
	cfg := g.table.Load().Config
	g.probe(cfg.Resource("primary").ID, false)
	operator := g.tokens[dispatchapy.RoleOperator]

	post := func(path, body string) *response {
		return g.do(request{method: http.MethodPost, path: path, body: body, token: operator})
	}
	post("/v1/incidents/1/note", `{"note":" looking "}`).want(200)
	post("/v1/incidents/1/acknowledge", "").want(200)
	var got struct {
		Open           bool
		Note           string
		AcknowledgedBy string `json:"acknowledged_by"`
		Timeline       []struct {
			Kind, By, Detail string
			Count            int
		}
	}
	decode(t, post("/v1/incidents/1/acknowledge", `{"note":"the provider knows"}`).want(200).body, &got)
	var lines []string
	for _, e := range got.Timeline {
		lines = append(lines, fmt.Sprintf("%s %s %d %s", e.Kind, e.By, e.Count, e.Detail))
	}
	want := []string{"opened  1 no answer", "note token operator 1 looking", "acknowledged token operator 1 ", "note token operator 1 the provider knows"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
	if !got.Open || got.Note != "the provider knows" || got.AcknowledgedBy != "token operator" {
		t.Errorf("incident %+v", got)
	}

	post("/v1/incidents/1/note", `{"note":" "}`).wantProblem(422, dispatchapy.CodeInvalid)
	post("/v1/incidents/1/note", `{"note":"`+strings.Repeat("é", 2001)+`"}`).wantProblem(422, dispatchapy.CodeInvalid)
	post("/v1/incidents/2/acknowledge", "").wantProblem(404, dispatchapy.CodeNotFound)
	post("/v1/incidents/2/note", `{"note":"n"}`).wantProblem(404, dispatchapy.CodeNotFound)
	g.get("/v1/incidents/2").wantProblem(404, dispatchapy.CodeNotFound)

	// The resource is gone: its incident is over, and still shown by name.
	path := fmt.Sprintf("/v1/resources/%d", cfg.Resource("primary").ID)
	seen := http.Header{"If-Match": {fmt.Sprint(g.get(path + "/impact").want(200).object()["version"])}}
	g.do(request{method: "DELETE", path: path + "?confirm=true", header: seen}).want(204)
	list := g.get("/v1/incidents").want(200).body
	for _, part := range []string{`"resource":"primary"`, `"open":false`} {
		if !strings.Contains(list, part) {
			t.Errorf("%s is not in %s", part, list)
		}
	}
}

func TestFiltersOfIncidentsAndEvents(t *testing.T) {
	g := newGateway(t)
	cfg := g.table.Load().Config
	g.probe(cfg.Resource("primary").ID, false) // opened at 2026-01-02T03:04:05.678Z
	g.probe(cfg.Resource("backup").ID, false)
	for query, want := range map[string]int{
		"":                              2,
		"?resource=primary":             1,
		"?resource=nobody":              0,
		"?endpoint=sms":                 0,
		"?kind=resource.down":           2,
		"?kind=task.failed":             0,
		"?kind=task.failed,resource.up": 0,
		"?until=2026-01-02T03:04:05Z":   0,
		"?until=2026-01-02T03:04:06Z":   2,
		"?limit=1":                      1,
		"?resource=backup&until=2027-01-01T00:00:00Z&since=2026-01-01T00:00:00Z": 1,
	} {
		for _, path := range []string{"/v1/incidents", "/v1/events"} {
			var got struct{ Items []struct{ ID int64 } }
			body := g.get(path + query).want(200).body
			decode(t, body, &got)
			events := 0
			for range got.Items {
				events++
			}
			if path == "/v1/events" && query == "" {
				events-- // of the configuration
			}
			if events != want {
				t.Errorf("%s%s gives %d, want %d: %s", path, query, events, want, body)
			}
		}
	}
	for query, want := range map[string]int{"?open=true": 2, "?open=false": 0, "?since=2026-02-01T00:00:00Z": 2} {
		var got struct{ Items []struct{ ID int64 } }
		decode(t, g.get("/v1/incidents"+query).want(200).body, &got)
		if len(got.Items) != want {
			t.Errorf("%s gives %d, want %d", query, len(got.Items), want)
		}
	}
	var got struct{ Items []struct{ Kind string } }
	decode(t, g.get("/v1/events?incident=1").want(200).body, &got)
	if len(got.Items) != 1 || got.Items[0].Kind != "resource.down" {
		t.Errorf("events of an incident: %+v", got)
	}
	g.get("/v1/incidents?open=maybe").wantProblem(422, dispatchapy.CodeInvalid)
	g.get("/v1/incidents?since=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z").wantProblem(422, dispatchapy.CodeInvalid)
	g.get("/v1/events?since=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z").wantProblem(422, dispatchapy.CodeInvalid)
}

func TestMaintenanceIsSaidEverywhere(t *testing.T) {
	g := newGateway(t)
	primary := g.table.Load().Config.Resource("primary")
	path := fmt.Sprintf("/v1/resources/%d", primary.ID)
	now := time.Now().UTC().Truncate(time.Second)
	body := fmt.Sprintf(`{"maintenance":[{"from":%q,"until":%q,"note":"the provider moves"}]}`, now.Add(-time.Hour).Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339))
	g.change("PATCH", path, `"1"`, body).want(200)
	said := fmt.Sprintf(`"maintenance":{"from":"%s","until":"%s","note":"the provider moves"}`,
		now.Add(-time.Hour).Format("2006-01-02T15:04:05.000Z"), now.Add(time.Hour).Format("2006-01-02T15:04:05.000Z"))
	for _, path := range []string{path, "/v1/resources", "/v1/health"} {
		if got := g.get(path).want(200).body; !strings.Contains(got, said) || strings.Count(got, said) != 1 {
			t.Errorf("%s does not say %s once: %s", path, said, got)
		}
	}
	preview := g.posted(fmt.Sprintf("/v1/endpoints/%d/preview", g.table.Load().Config.Endpoint("sms").ID), "", `{"payload":{"ref":"r","scope":"s"}}`).want(200)
	if !strings.Contains(preview.body, `"in maintenance"`) {
		t.Errorf("the preview is %s", preview.body)
	}
	g.change("PATCH", path, `"2"`, `{"maintenance":[{"weekly":{"days":["noday"],"at":"02:30","for":"1h"}}]}`).wantProblem(422, dispatchapy.CodeInvalid)
	g.change("PATCH", path, `"2"`, `{"maintenance":null}`).want(200)
	if got := g.get(path).want(200).body; strings.Contains(got, "maintenance") {
		t.Errorf("taken back: %s", got)
	}
}
