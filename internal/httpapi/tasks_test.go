package httpapi_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// delivered stores a task that failed at the first resource and was accepted
// by the second.
func (g *gateway) delivered() int64 {
	g.t.Helper()
	cfg := g.table.Load().Config
	inserted, err := g.store.InsertTasks(g.t.Context(), []store.NewTask{{
		LeaseFor: time.Minute,
		Submission: dispatchapy.Submission{
			EndpointID: cfg.Endpoint("sms").ID, ClientID: cfg.Client("shop").ID, Ref: "r1", Scope: "prod",
			Source: []byte(`{"ref":"r1","n":12345678901234567890,"d":1.10}`), MaxAttempts: 5,
		},
	}})
	if err != nil {
		g.t.Fatal(err)
	}
	started := time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.FixedZone("", 3600))
	_, err = g.store.RecordOutcomes(g.t.Context(), []store.Outcome{{
		Lease: inserted[0].Leased.Lease, Status: dispatchapy.StatusSuccess, ResourceID: cfg.Resource("backup").ID,
		Attempts: []dispatchapy.Attempt{
			{
				Number: 1, ResourceID: cfg.Resource("primary").ID, Outcome: dispatchapy.OutcomeFailed, StatusCode: 500,
				Error: dispatchapy.ErrorStatus5xx, Detail: "500 Internal Server Error", RequestBody: []byte(`{"a":1}`),
				ResponseBody: []byte("caf\xe9 <b>"), StartedAt: started, Duration: 12_345 * time.Microsecond,
				Timing: dispatchapy.Timing{FirstByte: 12 * time.Millisecond},
			},
			{
				Number: 2, ResourceID: cfg.Resource("backup").ID, Outcome: dispatchapy.OutcomeDelivered, StatusCode: 200,
				RequestBody: []byte(`{"big":12345678901234567890}`), StartedAt: started, Duration: time.Millisecond,
			},
		},
		Log: []dispatchapy.LogEntry{{At: started, Message: "tried <primary>"}},
	}})
	if err != nil {
		g.t.Fatal(err)
	}
	return inserted[0].TaskID
}

var timePattern = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"`)

// withoutTimes replaces the times that depend on the clock, which must all be
// in UTC with milliseconds.
func withoutTimes(text string) string {
	return timePattern.ReplaceAllStringFunc(text, func(s string) string {
		if strings.HasPrefix(s, `"2026-01-02T02:`) {
			return s // made by the test
		}
		return `"TIME"`
	})
}

func TestTaskAsInTheContract(t *testing.T) {
	g := newGateway(t)
	id := g.delivered()
	got := strings.TrimSpace(withoutTimes(g.get(fmt.Sprintf("/v1/tasks/%d", id)).want(200).body))
	want := `{"id":1,"status":"success","phase":"delivered","client":"shop","endpoint":"sms","ref":"r1","scope":"prod","resource":"backup",` +
		`"source_payload":{"ref":"r1","n":12345678901234567890,"d":1.10},"attempt_count":2,"max_attempts":5,"last_error":null,` +
		`"created_at":"TIME","run_at":null,"finished_at":"TIME","resend_of":null,"target_payload":{"big":12345678901234567890},` +
		`"attempts":[{"number":1,"resource":"primary","outcome":"failed","status_code":500,"error":"server_error",` +
		`"detail":"500 Internal Server Error","response_headers":[],"response_headers_omitted":0,"response_body":"caf` + "\uFFFD" + ` <b>","started_at":"2026-01-02T02:04:05.678Z","duration_ms":12.345,` +
		`"timing":{"dns_ms":0,"connect_ms":0,"tls_ms":0,"first_byte_ms":12}},` +
		`{"number":2,"resource":"backup","outcome":"success","status_code":200,"error":null,"detail":"","response_headers":[],"response_headers_omitted":0,"response_body":"",` +
		`"started_at":"2026-01-02T02:04:05.678Z","duration_ms":1,"timing":{"dns_ms":0,"connect_ms":0,"tls_ms":0,"first_byte_ms":0}}],` +
		`"log":[{"at":"2026-01-02T02:04:05.678Z","message":"tried <primary>"}],` +
		`"timeline":[{"at":"TIME","kind":"received"},{"at":"2026-01-02T02:04:05.678Z","kind":"note","text":"tried <primary>"},` +
		`{"at":"2026-01-02T02:04:05.678Z","kind":"attempt","resource":"primary","attempt":1},` +
		`{"at":"2026-01-02T02:04:05.678Z","kind":"attempt","resource":"backup","attempt":2},{"at":"TIME","kind":"delivered","resource":"backup"}],` +
		`"resent_as":[],"routes":[]}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatAnAttemptExchanged(t *testing.T) {
	l := newLive(t)
	status, _ := l.send(shopToken, `{"ref":"r1","scope":"s","phone":"+1"}`)
	if status != 200 {
		t.Fatal(status)
	}
	l.ended()
	type exchanged struct {
		Attempts []struct {
			Request *struct {
				Method, URL, Curl string
				Headers           []struct{ Name, Value string }
				Body              map[string]any
			}
			Headers []struct{ Name, Value string } `json:"response_headers"`
		}
	}
	var got exchanged
	body := l.get("/v1/tasks/1").want(200).body
	decode(t, body, &got)
	r := got.Attempts[0].Request
	if r == nil || r.Method != http.MethodPost || !strings.HasPrefix(r.URL, l.primary.URL) || r.Body["to"] != "+1" || !strings.HasPrefix(r.Curl, "curl ") {
		t.Fatalf("request: %+v", r)
	}
	shown := map[string]string{}
	for _, h := range r.Headers {
		shown[h.Name] = h.Value
	}
	if shown["Content-Type"] != "application/json" || shown["Idempotency-Key"] == "" || len(got.Attempts[0].Headers) == 0 {
		t.Errorf("headers %v, of the answer %v", shown, got.Attempts[0].Headers)
	}
	if strings.Contains(body, "hush") {
		t.Errorf("a secret is shown: %s", body)
	}
	got = exchanged{}
	decode(t, l.do(request{method: "GET", path: "/v1/tasks/1", token: shopToken}).want(200).body, &got)
	if a := got.Attempts[0]; a.Request != nil || len(a.Headers) > 0 {
		t.Errorf("a client reads what is exchanged with a provider: %+v", a)
	}
}

func TestATimelineTellsWhyThatResource(t *testing.T) {
	l := newLive(t)
	l.put("", `{"version":1,"resources":[{"name":"primary","url":"http://127.0.0.1:1/","active":false}]}`, "application/json").want(200)
	if status, answer := l.send(shopToken, `{"ref":"r1","scope":"s","phone":"62811"}`); status != 200 {
		t.Fatal(answer)
	}
	l.ended()
	var got struct {
		Log      []struct{ Kind string }
		Attempts []struct {
			Place, Routes int
			PassedOver    []struct{ Resource, Why string } `json:"passed_over"`
		}
		Timeline []struct {
			Kind, Resource string
			Place          int
			Rule           *struct{ Origin, Param, Before, After string }
		}
	}
	decode(t, l.get("/v1/tasks/1").want(200).body, &got)
	var kinds []string
	for _, e := range got.Timeline {
		kinds = append(kinds, e.Kind)
		if e.Kind == "override" && e.Rule.Param == "phone" && (e.Rule.Before != `"62811"` || e.Rule.After != `"000"` || e.Rule.Origin != "endpoint") {
			t.Errorf("override %+v", e.Rule)
		}
	}
	if diff := cmp.Diff([]string{"received", "override", "override", "attempt", "delivered"}, kinds); diff != "" {
		t.Error(diff)
	}
	if a := got.Attempts[0]; a.Place != 2 || a.Routes != 2 || len(a.PassedOver) != 1 || a.PassedOver[0].Resource != "primary" || a.PassedOver[0].Why != "switched off" {
		t.Errorf("attempt %+v", a)
	}
	if len(got.Log) != 3 || got.Log[2].Kind != "passed_over" {
		t.Errorf("log %+v", got.Log)
	}
}

func TestTaskBeforeItsFirstAttempt(t *testing.T) {
	g := newGateway(t)
	pending, held := g.insert("shop", false), g.insert("shop", true)
	for id, runAt := range map[int64]bool{pending: true, held: false} {
		var got map[string]any
		decode(t, g.get(fmt.Sprintf("/v1/tasks/%d", id)).want(200).body, &got)
		for _, key := range []string{"resource", "target_payload", "last_error", "finished_at"} {
			if value, there := got[key]; !there || value != nil {
				t.Errorf("%s is %v, want null", key, value)
			}
		}
		if (got["run_at"] != nil) != runAt {
			t.Errorf("task that is %s: run_at is %v", got["status"], got["run_at"])
		}
	}
}

func TestATaskThatWaitsForAResource(t *testing.T) {
	g := newGateway(t)
	id := g.insert("bank", false)
	g.insert("shop", false)
	g.put("", `{"version":1,"resources":[{"name":"backup","url":"http://127.0.0.1:9002/send","active":false}]}`, "application/json").want(200)

	var got struct {
		Phase  string
		Routes []struct {
			Resource, Reason string
			Usable           bool
		}
	}
	decode(t, g.get(fmt.Sprintf("/v1/tasks/%d", id)).want(200).body, &got)
	if got.Phase != "waiting" || len(got.Routes) != 1 || got.Routes[0].Reason != "switched off" || got.Routes[0].Usable {
		t.Errorf("%+v", got)
	}
	for query, want := range map[string]int{"phase=waiting": 1, "phase=queued": 1, "phase=waiting,queued": 2, "phase=retrying": 0, "phase=waiting&status=held": 0} {
		if found := g.list(query); len(found.Items) != want {
			t.Errorf("%s: %d tasks, want %d", query, len(found.Items), want)
		}
	}
	body := g.do(request{method: "POST", path: "/v1/tasks/batch", body: `{"action":"stop","filter":{"phase":"waiting"},"dry_run":true}`}).want(200).body
	if !strings.Contains(body, `"matching":1,`) {
		t.Errorf("a batch by phase: %s", body)
	}
	counts := g.get("/v1/tasks/counts?client=bank").want(200).body
	if !strings.HasPrefix(counts, `{"queued":{"count":0,"at_least":false},"retrying":{"count":0,"at_least":false},"waiting":{"count":1,"at_least":false}`) {
		t.Errorf("counts: %s", counts)
	}
	g.get("/v1/tasks?phase=pending").wantProblem(422, dispatchapy.CodeInvalid)
}

type taskList struct {
	Items []struct {
		ID     int64
		Status string
	}
	Next *string
}

func (g *gateway) list(query string) taskList {
	g.t.Helper()
	var got taskList
	decode(g.t, g.get("/v1/tasks?"+query).want(200).body, &got)
	return got
}

func TestListTasks(t *testing.T) {
	g := newGateway(t)
	g.delivered()           // 1, shop
	g.insert("shop", true)  // 2
	g.insert("bank", false) // 3
	tests := map[string][]int64{
		"":                                  {3, 2, 1},
		"status=held":                       {2},
		"status=held,success":               {2, 1},
		"status=held&status=success":        {2, 1},
		"client=shop":                       {2, 1},
		"client=shop&client=bank":           {3, 2, 1},
		"client=nobody":                     {},
		"endpoint=mail":                     {3},
		"resource=backup":                   {1},
		"ref=r1&scope=prod":                 {1},
		"ref=r*":                            {3, 2, 1},
		"ref=r*&scope=prod":                 {1},
		"ref=s*":                            {},
		"q=bank":                            {3},
		"q=12345678901234567890":            {3, 2, 1},
		"since=2020-01-01T00:00:00Z":        {3, 2, 1},
		"until=2020-01-01T00:00:00%2B01:00": {},
		"limit=2":                           {3, 2},
	}
	for query, want := range tests {
		t.Run(query, func(t *testing.T) {
			ids := []int64{}
			for _, item := range g.list(query).Items {
				ids = append(ids, item.ID)
			}
			if diff := cmp.Diff(want, ids); diff != "" {
				t.Error(diff)
			}
		})
	}
	g.get("/v1/tasks?ref=*").wantProblem(422, dispatchapy.CodeInvalid)
	first := g.list("limit=2")
	second := g.list("limit=2&cursor=" + *first.Next)
	if len(second.Items) != 1 || second.Items[0].ID != 1 {
		t.Errorf("second page: %+v", second)
	}
	if body := g.get("/v1/tasks?client=nobody").body; !strings.Contains(body, `"items":[]`) || !strings.Contains(body, `"next":null`) {
		t.Errorf("an empty list is %s", body)
	}
}

func TestTaskActions(t *testing.T) {
	g := newGateway(t)
	held := g.insert("shop", true)
	var got struct {
		ID     int64
		Status string
		Log    []struct{ Message string }
	}
	decode(t, g.do(request{method: "POST", path: fmt.Sprintf("/v1/tasks/%d/send", held)}).want(200).body, &got)
	if got.ID != held || got.Status != "pending" || !strings.Contains(got.Log[len(got.Log)-1].Message, "admin") {
		t.Errorf("after send: %+v", got)
	}
	path := fmt.Sprintf("/v1/tasks/%d", held)
	if body := g.do(request{method: "DELETE", path: path}).want(204).body; body != "" {
		t.Errorf("delete answers %q", body)
	}
	g.get(path).wantProblem(404, dispatchapy.CodeNotFound)
}

func TestBatchByFilter(t *testing.T) {
	g := newGateway(t)
	g.insert("shop", false)
	g.insert("bank", false)
	g.insert("bank", true)
	for body, want := range map[string]string{
		`{"action":"stop","filter":{"client":"bank","status":["pending","failed"],"since":"2020-01-01T00:00:00Z"}}`: `{"succeeded":1,"failed":0,"results":[{"id":2,"status":"stopped"}],"next":null}`,
		`{"action":"delete","filter":{"status":"held,failed"}}`:                                                     `{"succeeded":1,"failed":0,"results":[{"id":3,"status":null}],"next":null}`,
	} {
		got := strings.TrimSpace(g.do(request{method: "POST", path: "/v1/tasks/batch", body: body}).want(200).body)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}
