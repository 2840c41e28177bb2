package intake

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
)

const goodBody = `{"ref":"r1","scope":"prod","phone":"+62","text":"hi"}`

func TestAccepted(t *testing.T) {
	t.Parallel()
	d := &desk{receipt: dispatchapy.Receipt{TaskID: 7}}
	server := serve(t, d, nil)
	source := ` {"scope":"prod","ref":12345678901234567890,"phone":null,"text":"a\/b é","amount":1.10,"big":9007199254740993} `
	got := send(t, server, "POST", "/api/send_sms", source, "Token", shopToken, "Content-Type", "application/json")
	if got.status != 200 || got.body != `{"status":"queued","task_id":7}` || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("answer %+v", got)
	}
	if v, replayed := got.header["Idempotent-Replayed"]; replayed {
		t.Errorf("Idempotent-Replayed: %s", v)
	}
	want := dispatchapy.Submission{EndpointID: 11, ClientID: 21, Ref: "12345678901234567890", Scope: "prod", MaxAttempts: 5}
	s := d.submitted[0]
	if string(s.Source) != source {
		t.Errorf("source %q, want the bytes sent", s.Source)
	}
	if s.Source = nil; fmt.Sprint(s) != fmt.Sprint(want) {
		t.Errorf("submission %+v, want %+v", s, want)
	}
	if !slices.Equal(d.observed, []string{"accepted"}) {
		t.Errorf("observed %q", d.observed)
	}
}

func TestHeldAndReplayed(t *testing.T) {
	t.Parallel()
	d := &desk{receipt: dispatchapy.Receipt{TaskID: 9223372036854775807, Held: true, Replayed: true}}
	server := serve(t, d, func(o *Options) {
		o.Snapshots = routing.NewTable(testSnapshot(t, func(c *dispatchapy.Config) {
			c.Clients[0].Dev.Hold = true
			c.Settings.TaskDelay = dispatchapy.DurationRange{Min: dispatchapy.Duration(time.Second), Max: dispatchapy.Duration(5 * time.Second)}
			attempts := 9
			c.Endpoints[0].Retry = &dispatchapy.RetryOverride{MaxAttempts: &attempts}
		}))
		o.Rand = func() float64 { return 0.25 }
	})
	got := send(t, server, "POST", "/api/send_sms", goodBody, "Token", shopToken, "Idempotency-Key", "key 1~")
	if got.status != 200 || got.body != `{"status":"held","task_id":9223372036854775807}` || got.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("answer %+v", got)
	}
	s := d.submitted[0]
	if !strings.Contains(s.Hold, "shop") || s.Delay != 2*time.Second || s.MaxAttempts != 9 || s.IdempotencyKey != "key 1~" {
		t.Errorf("submission %+v", s)
	}
}

func TestAReplacedTokenWorksForItsTime(t *testing.T) {
	t.Parallel()
	d := &desk{receipt: dispatchapy.Receipt{TaskID: 7}}
	now := time.Now()
	server := serve(t, d, func(o *Options) {
		o.Snapshots = routing.NewTable(testSnapshot(t, func(cfg *dispatchapy.Config) {
			cfg.Clients[0].OldTokens = []dispatchapy.OldToken{
				{Hash: dispatchapy.HashToken("dpy_over").String(), Until: now.Add(-time.Second)},
				{Hash: dispatchapy.HashToken("dpy_overlap").String(), Until: now.Add(time.Hour)},
			}
		}))
	})
	for token, want := range map[string]int{shopToken: 200, "dpy_overlap": 200, "dpy_over": 403} {
		if got := send(t, server, "POST", "/api/send_sms", goodBody, "Token", token); got.status != want {
			t.Errorf("%s: %d, want %d: %s", token, got.status, want, got.body)
		}
	}
}

func TestTokenHeaders(t *testing.T) {
	t.Parallel()
	d := &desk{}
	server := serve(t, d, nil)
	const none, wrong = "API token is missing", "Invalid API token for this endpoint"
	tests := []struct {
		header []string
		want   string // "": accepted
	}{
		{[]string{"X-API-Token", shopToken}, ""},
		{[]string{"x-api-token", shopToken}, ""},
		{[]string{"Token", shopToken}, ""},
		{[]string{"TOKEN", "  " + shopToken + " "}, ""},
		{[]string{"Access_Token", shopToken}, ""},
		{[]string{"ACCESS_TOKEN", shopToken}, ""},
		{[]string{"access_token", shopToken}, ""},
		{[]string{"Access-Token", shopToken}, ""},
		{[]string{"X_API_Token", shopToken}, ""},
		{[]string{"x_api_token", shopToken}, ""},
		{[]string{"Authorization", "Bearer " + shopToken}, ""},
		{[]string{"Authorization", "bEARER\t  " + shopToken}, ""},
		{[]string{"Authorization", shopToken}, ""},

		{nil, none},
		{[]string{"Token", ""}, none},
		{[]string{"Authorization", "Bearer"}, none},
		{[]string{"Authorization", "bearer  "}, none},
		{[]string{"Token", "wrong"}, wrong},
		{[]string{"Token", otherToken}, wrong},
		{[]string{"Token", "Bearer " + shopToken}, wrong},
		{[]string{"Token", strings.ToUpper(shopToken)}, wrong},
		{[]string{"Token", strings.Repeat("x", 5000)}, wrong},
		{[]string{"Authorization", "Bearer" + shopToken}, wrong},
		{[]string{"Authorization", "Basic " + shopToken}, wrong},

		// The first header that has one decides.
		{[]string{"X-API-Token", shopToken, "Token", "wrong"}, ""},
		{[]string{"X-API-Token", "wrong", "Token", shopToken}, wrong},
		{[]string{"X-API-Token", "", "Token", shopToken}, ""},
		{[]string{"Token", shopToken, "Access_Token", "wrong"}, ""},
		{[]string{"Access_Token", shopToken, "Access-Token", "wrong"}, ""},
		{[]string{"Access-Token", shopToken, "X_API_Token", "wrong"}, ""},
		{[]string{"X_API_Token", shopToken, "Authorization", "Bearer wrong"}, ""},
		{[]string{"Authorization", "Bearer " + shopToken, "X_API_Token", "wrong"}, wrong},
	}
	for _, tt := range tests {
		got := send(t, server, "POST", "/api/v2/send", goodBody, tt.header...)
		switch tt.want {
		case "":
			if got.status != 200 {
				t.Errorf("%q: %d %s", tt.header, got.status, got.body)
			}
		case none:
			if got.status != 401 || got.detail(t) != none || got.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%q: %+v", tt.header, got)
			}
		default:
			if got.status != 403 || got.detail(t) != wrong {
				t.Errorf("%q: %d %s", tt.header, got.status, got.body)
			}
		}
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	d := &desk{}
	server := serve(t, d, nil)
	for path, want := range map[string]int64{
		"/api/v2/send":       12,
		"/api//v2/send":      12,
		"/api/v2/send/":      12,
		"/api/v2%2Fsend":     12,
		"/api/%2f/v2/send//": 12,
		"/api/%76%32/send":   12,
		"/api/v2/send?x=1":   12,
		"/api/send_sms":      11,
		"/api/":              0,
		"/api":               0,
		"/api/v2":            0,
		"/api/v2//send":      0,
		"/api/V2/send":       0,
		"/api/v2/./send":     0,
		"/api/retired":       0,
		"/api/api/v2/send":   0,
		"/api/v2/send%00":    0,
	} {
		d.submitted = nil
		got := send(t, server, "POST", path, goodBody, "Token", shopToken)
		switch {
		case want == 0:
			if got.status != 404 || got.detail(t) != "Endpoint not found" || d.submitted != nil {
				t.Errorf("%s: %+v", path, got)
			}
		case got.status != 200 || len(d.submitted) != 1 || d.submitted[0].EndpointID != want:
			t.Errorf("%s: %+v, want endpoint %d", path, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	const key, json = "Idempotency-Key", "Content-Type"
	fields := "Payload must include 'ref' and 'scope' fields"
	tests := []struct {
		name   string
		body   string
		header []string
		status int
		reason string
		want   string
	}{
		{"form", goodBody, []string{json, "application/x-www-form-urlencoded"}, 415, ReasonContentType, `Content-Type "application/x-www-form-urlencoded" is not supported: send application/json`},
		{"text", goodBody, []string{json, "text/plain; charset=utf-8"}, 415, ReasonContentType, `Content-Type "text/plain" is not supported: send application/json`},
		{"bare suffix", goodBody, []string{json, "+json"}, 415, ReasonContentType, `Content-Type "+json" is not supported: send application/json`},
		{"compressed", goodBody, []string{"Content-Encoding", "gzip"}, 415, ReasonContentType, `Content-Encoding "gzip" is not supported: send the body uncompressed`},
		{"too large", `{"x":"` + strings.Repeat("x", 1000) + `"}`, nil, 413, ReasonTooLarge, "The body is larger than the 1000 bytes allowed at this endpoint"},
		{"empty body", "", nil, 400, ReasonBody, "The body is empty: send a JSON object"},
		{"array", `[]`, nil, 400, ReasonBody, "The body must be a JSON object, not an array"},
		{"broken", `{"ref":"<&>" x`, nil, 400, ReasonBody, "Invalid JSON at line 1, column 14: found 'x' where ',' or '}' was expected"},
		{"duplicate key", `{"ref":1,"ref":1}`, nil, 400, ReasonBody, `Invalid JSON at line 1, column 10: duplicate key "ref"`},
		{"nothing", `{}`, nil, 400, ReasonFields, fields},
		{"no ref", `{"scope":"s"}`, nil, 400, ReasonFields, fields},
		{"no scope", `{"ref":"r"}`, nil, 400, ReasonFields, fields},
		{"null ref", `{"ref":null,"scope":"s"}`, nil, 400, ReasonFields, fields},
		{"empty scope", `{"ref":"r","scope":""}`, nil, 400, ReasonFields, fields},
		{"ref is an object", `{"ref":{},"scope":"s"}`, nil, 400, ReasonFields, "'ref' must be a string or a number, not an object"},
		{"scope is a boolean", `{"ref":"r","scope":true}`, nil, 400, ReasonFields, "'scope' must be a string or a number, not a boolean"},
		{"first required", `{"ref":"r","scope":"s","in":{"phone":1}}`, nil, 400, ReasonFields, "Missing required parameter: phone"},
		{"second required", `{"ref":"r","scope":"s","phone":null}`, nil, 400, ReasonFields, "Missing required parameter: text"},
		{"empty key", goodBody, []string{key, ""}, 400, ReasonIdempotency, "Idempotency-Key is empty"},
		{"long key", goodBody, []string{key, strings.Repeat("k", 256)}, 400, ReasonIdempotency, "Idempotency-Key is longer than 255 bytes"},
		{"odd key", goodBody, []string{key, "kéy"}, 400, ReasonIdempotency, "Idempotency-Key has characters other than printable ASCII"},
		{"tab in key", goodBody, []string{key, "k\tk"}, 400, ReasonIdempotency, "Idempotency-Key has characters other than printable ASCII"},
		{"two keys", goodBody, []string{key, "a", key, "b"}, 400, ReasonIdempotency, "Idempotency-Key is given more than once"},

		// Whatever else is wrong, the first check decides.
		{"type before body", `{`, []string{json, "text/plain"}, 415, ReasonContentType, `Content-Type "text/plain" is not supported: send application/json`},
		{"size before JSON", strings.Repeat("x", 1001), nil, 413, ReasonTooLarge, "The body is larger than the 1000 bytes allowed at this endpoint"},
		{"ref before required", `{"scope":"s"}`, nil, 400, ReasonFields, fields},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := &desk{}
			server := serve(t, d, nil)
			got := send(t, server, "POST", "/api/send_sms", tt.body, append(tt.header, "Token", shopToken)...)
			if got.status != tt.status || got.detail(t) != tt.want || got.header.Get("Content-Type") != "application/json" {
				t.Errorf("got  %d %s\nwant %d %s", got.status, got.body, tt.status, tt.want)
			}
			if !slices.Equal(d.observed, []string{tt.reason}) || d.submitted != nil {
				t.Errorf("observed %q, want %s; submitted %v", d.observed, tt.reason, d.submitted)
			}
		})
	}
}

func TestContentTypesAccepted(t *testing.T) {
	t.Parallel()
	server := serve(t, &desk{}, nil)
	for _, header := range [][]string{
		nil,
		{"Content-Type", ""},
		{"Content-Type", "application/json"},
		{"Content-Type", "Application/JSON ; charset=UTF-8"},
		{"Content-Type", "application/vnd.api+JSON"},
		{"Content-Encoding", "identity"},
		{"Idempotency-Key", strings.Repeat("k", 255)},
	} {
		if got := send(t, server, "POST", "/api/send_sms", goodBody, append(header, "Token", shopToken)...); got.status != 200 {
			t.Errorf("%q: %d %s", header, got.status, got.body)
		}
	}
}

func TestOtherMethods(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "post"} {
		d := &desk{}
		server := serve(t, d, nil)
		got := send(t, server, method, "/api/send_sms", goodBody, "Token", shopToken)
		if got.status != 405 || got.header.Get("Allow") != "POST" || !slices.Equal(d.observed, []string{ReasonMethod}) {
			t.Errorf("%s: %+v, observed %q", method, got, d.observed)
		}
	}
}

func TestNotReady(t *testing.T) {
	t.Parallel()
	d := &desk{notYet: true}
	server := serve(t, d, nil)
	got := send(t, server, "POST", "/api/send_sms", goodBody, "Token", shopToken)
	if got.status != 503 || got.header.Get("Retry-After") == "" || d.submitted != nil || !slices.Equal(d.observed, []string{ReasonUnavailable}) {
		t.Errorf("%+v, observed %q", got, d.observed)
	}
	if detail := got.detail(t); !strings.Contains(detail, "try again") {
		t.Error(detail)
	}
}

func TestSubmitErrors(t *testing.T) {
	t.Parallel()
	cause := errors.New("disk on fire")
	tests := []struct {
		err    error
		status int
		reason string
		detail string
	}{
		{dispatchapy.Errorf(dispatchapy.CodeConflict, "another body"), 409, ReasonIdempotency, "another body"},
		{&dispatchapy.Error{Code: dispatchapy.CodeUnavailable, Message: "cannot store now", Err: cause}, 503, ReasonUnavailable, "cannot store now"},
		{fmt.Errorf("wrapped: %w", dispatchapy.Errorf(dispatchapy.CodeLimited, "slowly")), 429, ReasonLimited, "slowly"},
		{&dispatchapy.Error{Code: dispatchapy.CodeInvalid, Message: "no", Fields: []dispatchapy.FieldError{{Path: "a", Message: "b"}}}, 422, ReasonRefused, "no: a: b"},
		{dispatchapy.Errorf(dispatchapy.CodeForbidden, "closed"), 403, ReasonRefused, "closed"},
		{dispatchapy.Errorf(dispatchapy.CodeNotFound, "gone"), 404, ReasonEndpoint, "gone"},
		{dispatchapy.Errorf(dispatchapy.CodeTooLarge, "fat"), 413, ReasonTooLarge, "fat"},
	}
	for _, tt := range tests {
		d := &desk{err: tt.err}
		server := serve(t, d, nil)
		got := send(t, server, "POST", "/api/send_sms", goodBody, "Token", shopToken)
		if got.status != tt.status || got.detail(t) != tt.detail || !slices.Equal(d.observed, []string{tt.reason}) {
			t.Errorf("%v: %d %s, observed %q", tt.err, got.status, got.body, d.observed)
		}
		if wait := got.header.Get("Retry-After"); (wait != "") != (tt.status == 503 || tt.status == 429) {
			t.Errorf("%v: Retry-After %q", tt.err, wait)
		}
	}
}

func TestInternalErrorIsLoggedUnderItsID(t *testing.T) {
	t.Parallel()
	for _, err := range []error{errors.New("secret cause"), dispatchapy.Errorf(dispatchapy.CodeInternal, "secret cause")} {
		var log bytes.Buffer
		d := &desk{err: err}
		server := serve(t, d, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		got := send(t, server, "POST", "/api/send_sms", goodBody, "Token", shopToken)
		detail := got.detail(t)
		id := detail[strings.LastIndexByte(detail, ' ')+1:]
		if got.status != 500 || strings.Contains(got.body, "secret") || len(id) != 16 || !slices.Equal(d.observed, []string{ReasonInternal}) {
			t.Errorf("%d %s, observed %q", got.status, got.body, d.observed)
		}
		for _, want := range []string{"error_id=" + id, `err="secret cause"`, "endpoint=send_sms", "client=shop"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%s is not in the log: %s", want, &log)
			}
		}
		if strings.Contains(log.String(), shopToken) {
			t.Error("the log has the token")
		}
	}
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	start := time.Now()
	th := throttle{start: start}
	for i, want := range []bool{true, false, false, true} {
		if got := th.allow(start.Add(time.Duration(i) * 400 * time.Millisecond)); got != want {
			t.Errorf("after %d ms: %v", i*400, got)
		}
	}
}

func TestStoreFailuresAreLoggedSparingly(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	d := &desk{err: &dispatchapy.Error{Code: dispatchapy.CodeUnavailable, Message: "cannot store now", Err: errors.New("disk full")}}
	server := serve(t, d, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	for range 20 {
		if got := send(t, server, "POST", "/api/send_sms", goodBody, "Token", shopToken); got.status != 503 {
			t.Fatalf("%+v", got)
		}
	}
	server.Close()
	if lines := strings.Count(log.String(), "\n"); lines < 1 || lines > 10 || !strings.Contains(log.String(), "disk full") {
		t.Errorf("log: %s", &log)
	}
}

func TestConfigurationIsTakenFromTheNewestSnapshot(t *testing.T) {
	t.Parallel()
	table := routing.NewTable(testSnapshot(t, nil))
	server := serve(t, &desk{}, func(o *Options) { o.Snapshots = table })
	if got := send(t, server, "POST", "/api/v2/send", goodBody, "Token", shopToken); got.status != 200 {
		t.Errorf("before: %+v", got)
	}
	table.Store(testSnapshot(t, func(c *dispatchapy.Config) { c.Clients[0].Token = "dpy_rotated" }))
	if got := send(t, server, "POST", "/api/v2/send", goodBody, "Token", shopToken); got.status != 403 {
		t.Errorf("old token: %+v", got)
	}
	if got := send(t, server, "POST", "/api/v2/send", goodBody, "Token", "dpy_rotated"); got.status != 200 {
		t.Errorf("new token: %+v", got)
	}
}

// TestSeenTokens: whoever comes with a good token is seen, also at an endpoint
// that it is not good for.
func TestSeenTokens(t *testing.T) {
	var seen []int64
	server := serve(t, &desk{}, func(o *Options) { o.Seen = func(id int64) { seen = append(seen, id) } })
	for _, r := range []struct{ path, token string }{{"v2/send", shopToken}, {"others", shopToken}, {"others", otherToken}, {"others", "dpy_nobody"}} {
		send(t, server, "POST", "/api/"+r.path, goodBody, "X-API-Token", r.token)
	}
	if want := []int64{21, 21, 22}; !slices.Equal(seen, want) {
		t.Errorf("clients %v were seen, want %v", seen, want)
	}
}

// TestRecognisedOtherwise: who was recognised by a session is that client,
// whatever token comes with the request.
func TestRecognisedOtherwise(t *testing.T) {
	t.Parallel()
	d := &desk{receipt: dispatchapy.Receipt{TaskID: 7}}
	door := New(Options{Snapshots: routing.NewTable(testSnapshot(t, nil)), Submitter: d, Observer: d})
	ask := func(path string, client int64) int {
		r := httptest.NewRequest(http.MethodPost, "/api/"+path, strings.NewReader(goodBody))
		r.Header.Set("X-API-Token", otherToken)
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r.WithContext(As(r.Context(), client)))
		return w.Code
	}
	for _, tt := range []struct {
		path   string
		client int64
		want   int
	}{{"v2/send", 21, 200}, {"others", 21, 403}, {"v2/send", 22, 403}, {"others", 22, 200}, {"v2/send", 4711, 403}, {"gone", 21, 404}} {
		if got := ask(tt.path, tt.client); got != tt.want {
			t.Errorf("%s as %d: %d, want %d", tt.path, tt.client, got, tt.want)
		}
	}
	if len(d.submitted) != 2 || d.submitted[0].ClientID != 21 || d.submitted[1].ClientID != 22 {
		t.Errorf("submitted %+v", d.submitted)
	}
}
