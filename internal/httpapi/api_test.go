package httpapi_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/store"
)

var update = flag.Bool("update", false, "write the OpenAPI document anew")

// TestDocument keeps the published document under review: it is valid, and it
// only changes together with the file.
func TestDocument(t *testing.T) {
	const file = "testdata/openapi.json"
	g := newGateway(t)
	answer := g.do(request{method: "GET", path: "/v1/openapi.json", token: "-"}).want(200)
	doc := g.document()
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("it is an OpenAPI %s document", doc.OpenAPI)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, []byte(answer.body), "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	if *update {
		if err := os.WriteFile(file, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), pretty.String()); diff != "" {
		t.Errorf("the document changed; if that is meant, run go test ./internal/httpapi -update\n%s", diff)
	}
}

// document loads the document that is served.
func (g *gateway) document() *openapi3.T {
	g.t.Helper()
	text := g.do(request{method: "GET", path: "/v1/openapi.json", token: "-"}).want(200).body
	doc, err := openapi3.NewLoader().LoadFromData([]byte(text))
	if err != nil {
		g.t.Fatal(err)
	}
	return doc
}

// wantDocumented checks that the answer is one that the document promises for
// the operation.
func (r *response) wantDocumented(doc *openapi3.T, method, path string) {
	r.t.Helper()
	responses := doc.Paths.Value(path).GetOperation(method).Responses
	promised := responses.Status(r.status)
	if promised == nil && r.status >= 400 {
		promised = responses.Default()
	}
	if promised == nil {
		r.t.Fatalf("%s %s: status %d is not in the document", method, path, r.status)
	}
	if len(promised.Value.Content) == 0 && r.body == "" {
		return
	}
	media := promised.Value.Content.Get(r.header.Get("Content-Type"))
	if media == nil {
		r.t.Fatalf("%s %s: Content-Type %q is not in the document", method, path, r.header.Get("Content-Type"))
	}
	if kind, _, _ := strings.Cut(r.header.Get("Content-Type"), ";"); kind == "application/x-ndjson" || kind == "text/csv" {
		return
	}
	var value any
	decode(r.t, r.body, &value)
	if err := media.Schema.Value.VisitJSON(value, openapi3.EnableJSONSchema2020()); err != nil {
		r.t.Errorf("%s %s: the answer is not as in the document: %v", method, path, err)
	}
}

func TestAnswersAreAsInTheDocument(t *testing.T) {
	g := newGateway(t)
	primary := g.table.Load().Config.Resource("primary").ID
	g.probe(primary, false)
	task, notification := g.delivered(), g.givenUp()
	doc := g.document()
	for path, id := range map[string]int64{
		"/v1/tasks": 0, "/v1/tasks/{id}": task, "/v1/resources": 0, "/v1/resources/{id}": primary,
		"/v1/resources/{id}/health": primary, "/v1/resources/{id}/uptime": primary, "/v1/health": 0, "/v1/incidents": 0, "/v1/incidents/{id}": 1, "/v1/events": 0, "/v1/settings": 0, "/v1/config": 0,
		"/v1/notifications": 0, "/v1/notifications/{id}": notification, "/v1/alerts/templates": 0,
	} {
		t.Run(path, func(t *testing.T) {
			got := g.get(strings.Replace(path, "{id}", fmt.Sprint(id), 1))
			got.t = t
			got.want(200).wantDocumented(doc, "GET", path)
		})
	}
}

func TestRequestFaults(t *testing.T) {
	g := newGateway(t)
	id := g.insert("shop", false)
	tests := []struct {
		name string
		request
		status int
		code   dispatchapy.Code
		field  string
	}{
		{"no such path", request{method: "GET", path: "/v1/nothing"}, 404, dispatchapy.CodeNotFound, ""},
		{"no such task", request{method: "GET", path: "/v1/tasks/4711"}, 404, dispatchapy.CodeNotFound, ""},
		{"id is no number", request{method: "GET", path: "/v1/tasks/hush"}, 422, dispatchapy.CodeInvalid, "id"},
		{"id is too large", request{method: "GET", path: "/v1/tasks/99999999999999999999"}, 422, dispatchapy.CodeInvalid, "id"},
		{"limit too large", request{method: "GET", path: "/v1/tasks?limit=201"}, 422, dispatchapy.CodeInvalid, "limit"},
		{"limit too small", request{method: "GET", path: "/v1/resources?limit=0"}, 422, dispatchapy.CodeInvalid, "limit"},
		{"bad cursor", request{method: "GET", path: "/v1/events?cursor=hush"}, 422, dispatchapy.CodeInvalid, "cursor"},
		{"unknown status", request{method: "GET", path: "/v1/tasks?status=hush"}, 422, dispatchapy.CodeInvalid, "status"},
		{"bad time", request{method: "GET", path: "/v1/tasks?since=hush"}, 422, dispatchapy.CodeInvalid, "since"},
		{"misspelt filter", request{method: "GET", path: "/v1/tasks?statuss=failed"}, 422, dispatchapy.CodeInvalid, "statuss"},
		{"unknown body field", request{method: "POST", path: "/v1/tasks/batch", body: `{"action":"stop","ids":[1],"hushhush":"hush"}`}, 422, dispatchapy.CodeInvalid, "hushhush"},
		{"unknown filter", request{method: "POST", path: "/v1/tasks/batch", body: `{"action":"stop","filter":{"clients":"hush"}}`}, 422, dispatchapy.CodeInvalid, "filter.clients"},
		{"unknown action", request{method: "POST", path: "/v1/tasks/batch", body: `{"action":"hush","ids":[1]}`}, 422, dispatchapy.CodeInvalid, "action"},
		{"too many ids", request{method: "POST", path: "/v1/tasks/batch", body: `{"action":"stop","ids":[` + strings.Repeat("1,", 1000) + `1]}`}, 422, dispatchapy.CodeInvalid, "ids"},
		{"not JSON", request{method: "POST", path: "/v1/tasks/batch", body: `{"action":hush`}, 400, dispatchapy.CodeInvalid, "body"},
		{"no body", request{method: "POST", path: "/v1/tasks/batch"}, 400, dispatchapy.CodeInvalid, ""},
		{"body too large", request{method: "POST", path: "/v1/tasks/batch", body: strings.Repeat(" ", 2<<20)}, 413, dispatchapy.CodeTooLarge, ""},
		{"other type", request{method: "POST", path: "/v1/tasks/batch", body: "a=b", header: http.Header{"Content-Type": {"text/plain"}}}, 415, dispatchapy.CodeUnsupportedType, "body"},
		{"wrong state", request{method: "POST", path: fmt.Sprintf("/v1/tasks/%d/send", id)}, 409, dispatchapy.CodeConflict, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := g.do(tt.request)
			got.t = t
			p := got.wantProblem(tt.status, tt.code)
			if tt.field == "" && len(p.Fields) > 0 || tt.field != "" && (len(p.Fields) == 0 || p.Fields[0].Path != tt.field) {
				t.Errorf("fields %+v, want %q", p.Fields, tt.field)
			}
			if body := strings.ReplaceAll(got.body, "hushhush", ""); strings.Contains(body, "hush") {
				t.Errorf("the answer echoes what was sent: %s", got.body)
			}
		})
	}
	if g.logs.Len() > 0 {
		t.Errorf("faults of the caller were logged: %s", g.logs)
	}
}

func TestMethodNotAllowed(t *testing.T) {
	g := newGateway(t)
	got := g.do(request{method: "PATCH", path: "/v1/tasks/1"})
	got.wantProblem(405, dispatchapy.CodeInvalid)
	if allow := got.header.Get("Allow"); allow != "GET, DELETE" {
		t.Errorf("Allow: %q", allow)
	}
}

func TestErrorTable(t *testing.T) {
	g := newGateway(t)
	tests := []struct {
		err        error
		status     int
		code       dispatchapy.Code
		retryAfter string
	}{
		{dispatchapy.Errorf(dispatchapy.CodeInvalid, "m"), 422, dispatchapy.CodeInvalid, ""},
		{dispatchapy.Errorf(dispatchapy.CodeForbidden, "m"), 403, dispatchapy.CodeForbidden, ""},
		{dispatchapy.Errorf(dispatchapy.CodeConflict, "m"), 409, dispatchapy.CodeConflict, ""},
		{dispatchapy.Errorf(dispatchapy.CodeLimited, "m"), 429, dispatchapy.CodeLimited, "1"},
		{dispatchapy.Errorf(dispatchapy.CodeTooLarge, "m"), 413, dispatchapy.CodeTooLarge, ""},
		{fmt.Errorf("disk: %w", store.ErrUnavailable), 503, dispatchapy.CodeUnavailable, "1"},
		{store.ErrClosed, 503, dispatchapy.CodeUnavailable, "1"},
		{context.DeadlineExceeded, 503, dispatchapy.CodeUnavailable, "1"},
	}
	for _, tt := range tests {
		t.Run(string(tt.code), func(t *testing.T) {
			g.store.listTasks = func() error { return tt.err }
			got := g.get("/v1/tasks")
			got.t = t
			got.wantProblem(tt.status, tt.code)
			if after := got.header.Get("Retry-After"); after != tt.retryAfter {
				t.Errorf("Retry-After %q, want %q", after, tt.retryAfter)
			}
		})
	}
	if g.logs.Len() > 0 {
		t.Errorf("expected errors were logged: %s", g.logs)
	}
}

func TestFaultsOfOurs(t *testing.T) {
	for name, fail := range map[string]func() error{
		"unknown error": func() error { return errors.New("hush: near SELECT") },
		"internal":      func() error { return dispatchapy.Errorf(dispatchapy.CodeInternal, "hush: near SELECT") },
		"panic":         func() error { panic("hush: near SELECT") },
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t)
			g.store.listTasks = fail
			got := g.get("/v1/tasks")
			p := got.wantProblem(500, dispatchapy.CodeInternal)
			if strings.Contains(got.body, "hush") {
				t.Errorf("the cause is shown: %s", got.body)
			}
			var line struct{ ID, Error string }
			decode(t, g.logs.String(), &line)
			if line.ID == "" || !strings.HasSuffix(p.Detail, line.ID) || !strings.Contains(line.Error, "hush") {
				t.Errorf("detail %q and log %s do not belong together", p.Detail, g.logs)
			}
			if n := strings.Count(g.logs.String(), "\n"); n != 1 {
				t.Errorf("logged %d times", n)
			}
		})
	}
}

func TestACallerThatLeftIsNoFault(t *testing.T) {
	g := newGateway(t)
	ctx, cancel := context.WithCancel(t.Context())
	g.store.listTasks = func() error { cancel(); return ctx.Err() }
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/tasks", nil)
	req.Header.Set("Authorization", "Bearer "+adminToken)
	g.handler.ServeHTTP(httptest.NewRecorder(), req)
	if g.logs.Len() > 0 {
		t.Errorf("it was logged: %s", g.logs)
	}
}

// TestBrokenOffBody talks to a real server: only there can a body break off.
func TestBrokenOffBody(t *testing.T) {
	g := newGateway(t)
	server := httptest.NewServer(g.handler)
	defer server.Close()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "PUT /v1/config HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 100\r\n\r\nversion: 1", adminToken)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := &response{t: t, status: answer.StatusCode, header: answer.Header, body: string(body)}
	got.wantProblem(400, dispatchapy.CodeInvalid)
	if v := g.table.Load().Config.Version; v != 1 {
		t.Errorf("half a file was applied: version %d", v)
	}
}

func TestAnswersAreNotCached(t *testing.T) {
	g := newGateway(t)
	for _, path := range []string{"/v1/config", "/v1/nothing"} {
		if got := g.get(path).header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
	}
}
