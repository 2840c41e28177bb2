package httpapi_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// probe records a health check of a resource, as a node would.
func (g *gateway) probe(resourceID int64, ok bool) {
	g.t.Helper()
	claimed, err := g.store.ClaimProbes(g.t.Context(), store.ProbeClaim{LeaseFor: time.Minute, ResourceIDs: []int64{resourceID}, Force: true})
	if err != nil || len(claimed.Probes) != 1 {
		g.t.Fatalf("claim: %v, %v", claimed, err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.UTC)
	next := dispatchapy.Health{ResourceID: resourceID, State: dispatchapy.HealthDown, Failures: 1, Since: at, CheckedAt: at}
	outcome := store.ProbeOutcome{
		Fence: claimed.Probes[0].Fence, Health: next, NextIn: time.Hour,
		Check: dispatchapy.Check{ResourceID: resourceID, At: at, Method: dispatchapy.CheckSimple, OK: ok,
			Error: dispatchapy.ErrorTimeout, Detail: "no answer", Duration: 3 * time.Second, State: dispatchapy.HealthDown},
		Incident: &store.IncidentChange{
			Kind: dispatchapy.EventResourceDown, ResourceID: resourceID, At: at, Open: true, Cause: "no answer",
			Event: &dispatchapy.Event{Kind: dispatchapy.EventResourceDown, At: at, ResourceID: resourceID, Detail: "no answer"},
		},
	}
	if stale, err := g.store.RecordProbes(g.t.Context(), []store.ProbeOutcome{outcome}); err != nil || len(stale) > 0 {
		g.t.Fatalf("record: stale %v, %v", stale, err)
	}
}

func TestResources(t *testing.T) {
	g := newGateway(t)
	primary := g.table.Load().Config.Resource("primary").ID
	g.probe(primary, false)

	const resource = `{"id":%d,"version":1,"name":"primary","active":true,"url":"http://127.0.0.1:9001/send","method":"POST",` +
		`"headers":{"X-Key":"[redacted]"},"timeout":"15s","health_check":{"enabled":false,"method":"simple",` +
		`"interval":{"min":"1m","max":"1m30s"},"down_after":1,"up_after":1,"flap":{"changes":5,"within":"10m"}},"health":{"state":"down",` +
		`"since":"2026-01-02T03:04:05.678Z","checked_at":"2026-01-02T03:04:05.678Z","flapping":false,"consecutive_failures":1,"consecutive_successes":0}`
	const check = `{"id":1,"at":"2026-01-02T03:04:05.678Z","method":"simple","manual":false,"by":null,"ok":false,"status_code":null,` +
		`"error":"timeout","detail":"no answer","duration_ms":3000,"state":"down"}`
	tests := []struct{ path, token, want string }{
		{fmt.Sprintf("/v1/resources/%d", primary), "", fmt.Sprintf(resource, primary) + `,"last_check":` + check + "}"},
		{fmt.Sprintf("/v1/resources/%d/health", primary), shopToken, `{"items":[` + strings.Replace(check, "no answer", "no answer: timeout", 1) + `],"next":null}`},
		{"/v1/resources?limit=1", shopToken, `{"items":[{"id":` + fmt.Sprint(g.table.Load().Config.Resource("backup").ID) + `,"version":1,"name":"backup","active":true,` +
			`"health":{"state":"unknown","since":null,"checked_at":null,"flapping":false,"consecutive_failures":0,"consecutive_successes":0}}],"next":"YmFja3Vw"}`},
		{"/v1/events?limit=1", "", `{"items":[{"id":2,"kind":"resource.down","at":"2026-01-02T03:04:05.678Z","resource":"primary","endpoint":null,"task_id":null,"incident_id":1,"detail":"no answer","told":[]}],"next":"2"}`},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			got := g.do(request{method: "GET", path: tt.path, token: tt.token})
			got.t = t
			if diff := cmp.Diff(tt.want, strings.TrimSpace(got.want(200).body)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheckNow(t *testing.T) {
	g := newGateway(t)
	got := g.do(request{method: "POST", path: fmt.Sprintf("/v1/resources/%d/check", g.table.Load().Config.Resource("backup").ID)}).want(200)
	want := `{"id":9,"at":"1970-01-01T00:00:01.000Z","method":"simple","manual":true,"by":"admin","ok":false,"status_code":null,` +
		`"error":"refused","detail":"connection refused","duration_ms":1.5,"state":"down"}`
	if diff := cmp.Diff(want, strings.TrimSpace(got.body)); diff != "" {
		t.Error(diff)
	}
}

func TestEndpointsAndClients(t *testing.T) {
	g := newGateway(t)
	sms := g.table.Load().Config.Endpoint("sms").ID
	shop := g.table.Load().Config.Client("shop").ID
	tests := []struct{ path, token, want string }{
		{"/v1/endpoints", shopToken, fmt.Sprintf(`{"items":[{"id":%d,"version":1,"path":"sms","description":"","active":true,"readiness":"Ready",`+
			`"required_params":["ref","scope"],"max_body":1048576,"resources":["primary","backup"],"clients":["shop"]}],"next":null}`, sms)},
		{"/v1/clients", shopToken, fmt.Sprintf(`{"items":[{"id":%d,"version":1,"name":"shop","description":"","endpoints":["sms"],"dev":{"hold":false,"rules_enabled":false},"show_provider_bodies":false,"may_rotate_token":false,"old_token_until":null,"last_use":null}],"next":null}`, shop)},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			got := g.do(request{method: "GET", path: tt.path, token: tt.token})
			got.t = t
			if diff := cmp.Diff(tt.want, strings.TrimSpace(got.want(200).body)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if body := g.get("/v1/endpoints?limit=1").want(200).body; !strings.Contains(body, `"dev":`) {
		t.Errorf("an administrator does not see the development mode: %s", body)
	}
}

func TestSettings(t *testing.T) {
	g := newGateway(t)
	var got struct {
		MaxAttempts int `json:"max_attempts"`
		SMTP        struct{ Host, Password string }
	}
	decode(t, g.get("/v1/settings").want(200).body, &got)
	if got.MaxAttempts != 5 || got.SMTP.Host != "mail.example" || got.SMTP.Password != dispatchapy.Redacted {
		t.Errorf("%+v", got)
	}
}
