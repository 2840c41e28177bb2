package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// tried is the answer of a test request.
type tried struct {
	Overrides []struct{ Text string }
	Request   outbound
	Response  *struct {
		StatusCode int `json:"status_code"`
		Headers    map[string]string
		Body       string
	}
	Outcome, Error, Detail string
	DurationMS             float64 `json:"duration_ms"`
}

func (l *live) try(resource, body string) tried {
	l.t.Helper()
	var got tried
	answer := l.do(request{method: http.MethodPost, path: fmt.Sprintf("/v1/resources/%d/test", l.resourceID(resource)), body: body}).want(200)
	answer.wantDocumented(l.document(), http.MethodPost, "/v1/resources/{id}/test")
	if strings.Contains(answer.body, "hush") {
		l.t.Errorf("a secret is shown: %s", answer.body)
	}
	decode(l.t, answer.body, &got)
	return got
}

func TestTrialSendsAndShowsEverything(t *testing.T) {
	l := newLive(t)
	tests := []struct{ name, body, sent string }{
		{"payload as the resource gets it", `{"payload": {"to": "1",  "n":1.10}}`, `{"to": "1",  "n":1.10}`},
		{"source through the endpoint", `{"endpoint":"sms","client":"shop","source":{"phone":"62811","amount":"7"}}`,
			`{"amount":7,"id":"DRAWN","meta":{"at":"DRAWN"},"to":"000"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := l.try("primary", tt.body)
			arrived := l.primary.received(t)
			if arrived.Body != got.Request.Body || drawn.ReplaceAllString(arrived.Body, "DRAWN") != tt.sent {
				t.Errorf("arrived %s, shown %s, want %s", arrived.Body, got.Request.Body, tt.sent)
			}
			if arrived.Headers["X-Key"] != "hush-header" || got.Request.Headers["X-Key"] != dispatchapy.Redacted {
				t.Errorf("X-Key arrived as %s, shown as %s", arrived.Headers["X-Key"], got.Request.Headers["X-Key"])
			}
			if arrived.Headers["Idempotency-Key"] != got.Request.Headers["Idempotency-Key"] {
				t.Error("another idempotency key is shown than was sent")
			}
			if got.Outcome != "success" || got.Response == nil || got.Response.StatusCode != http.StatusOK || got.Response.Body != `{"provider":"says"}` ||
				got.Response.Headers["X-Provider"] != "yes" || got.DurationMS <= 0 {
				t.Errorf("%+v, response %+v", got, got.Response)
			}
		})
	}
	if got := l.try("primary", tests[1].body); len(got.Overrides) != 2 {
		t.Errorf("overrides %+v", got.Overrides)
	}
}

// TestTrialsCountForNothing lets more of them fail than open a breaker.
func TestTrialsCountForNothing(t *testing.T) {
	l := newLive(t)
	l.primary.answerWith(500, "broken")
	for range 15 {
		if got := l.try("primary", `{"payload":{}}`); got.Outcome != "failed" || got.Error != "server_error" || got.Response.Body != "broken" {
			t.Fatalf("%+v", got)
		}
		l.primary.received(t)
	}
	if state := l.rooms.Breaker(l.resourceID("primary")); state != routing.BreakerClosed {
		t.Errorf("the breaker is %s", state)
	}
	if got := l.do(request{method: http.MethodGet, path: "/v1/tasks"}).want(200).body; !strings.HasPrefix(got, `{"items":[]`) {
		t.Errorf("a trial became a task: %s", got)
	}
}

func TestTrialOfAResourceThatIsNotThere(t *testing.T) {
	l := newLive(t)
	l.primary.Close()
	if got := l.try("primary", `{"payload":{}}`); got.Response != nil || got.Error != "refused" || got.Detail == "" {
		t.Errorf("%+v", got)
	}
}

func TestTrialsAreAudited(t *testing.T) {
	l := newLive(t)
	l.try("primary", `{"payload":{"secret":"of the message"}}`)
	entries, err := l.store.ListAudit(t.Context(), store.AuditQuery{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(entries)
	if err != nil {
		t.Fatal(err)
	}
	e := entries[0]
	if e.Action != "test" || e.By != "admin" || e.Kind != store.KindResource || e.ObjectID != l.resourceID("primary") || e.Name != "primary" {
		t.Errorf("audit entry %+v", e)
	}
	if strings.Contains(string(text), "of the message") {
		t.Errorf("the payload is in the audit log: %s", text)
	}
	l.primary.received(t)
	l.store.appendAudit = func() error { return store.ErrUnavailable }
	l.do(request{method: http.MethodPost, path: fmt.Sprintf("/v1/resources/%d/test", l.resourceID("primary")), body: `{"payload":{}}`}).
		wantProblem(503, dispatchapy.CodeUnavailable)
	l.primary.nothing(t)
}

func TestTrialFaults(t *testing.T) {
	l := newLive(t)
	path := fmt.Sprintf("/v1/resources/%d/test", l.resourceID("primary"))
	for name, tt := range map[string]struct{ body, field string }{
		"nothing":             {`{}`, "payload"},
		"both":                {`{"payload":{},"endpoint":"sms","source":{}}`, "payload"},
		"client of a payload": {`{"payload":{},"client":"shop"}`, "endpoint"},
		"no such endpoint":    {`{"endpoint":"fax","source":{}}`, "endpoint"},
		"no such client":      {`{"endpoint":"sms","source":{},"client":"x"}`, "client"},
		"source is no object": {`{"endpoint":"sms","source":[]}`, "source"},
		"does not fit":        {`{"endpoint":"sms","source":{"amount":"much"}}`, "amount"},
		"unknown key":         {`{"paylod":{}}`, "paylod"},
	} {
		t.Run(name, func(t *testing.T) {
			got := l.do(request{method: http.MethodPost, path: path, body: tt.body})
			got.t = t
			if p := got.wantProblem(422, dispatchapy.CodeInvalid); len(p.Fields) == 0 || p.Fields[0].Path != tt.field {
				t.Errorf("fields %+v, want %s", p.Fields, tt.field)
			}
		})
	}
	l.do(request{method: http.MethodPost, path: "/v1/resources/4711/test", body: `{"payload":{}}`}).wantProblem(404, dispatchapy.CodeNotFound)
	l.primary.nothing(t)
}

func TestTrialsAtTheSameTimeAreBounded(t *testing.T) {
	l := newLive(t)
	arrived, open := make(chan struct{}, 10), make(chan struct{})
	release := sync.OnceFunc(func() { close(open) })
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived <- struct{}{}; <-open }))
	defer slow.Close()
	defer release() // before, or closing would wait for ever where the test fails
	l.apply(fmt.Sprintf(liveFile, slow.URL, l.backup.URL))
	trial := request{method: http.MethodPost, path: fmt.Sprintf("/v1/resources/%d/test", l.resourceID("primary")), body: `{"payload":{}}`}
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() { l.do(trial) })
	}
	for range 4 {
		<-arrived
	}
	l.do(trial).wantProblem(429, dispatchapy.CodeLimited)
	release()
	running.Wait()
	l.do(trial).want(200)
}
