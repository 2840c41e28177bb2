package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestNumbersSurvive sends numbers that no float holds and demands the same
// bytes at the provider, in the task and in the target.
func TestNumbersSurvive(t *testing.T) {
	t.Parallel()
	numbers := map[string]string{
		"above53bits": "9007199254740993",
		"int64":       "9223372036854775807",
		"huge":        "123456789012345678901234567890",
		"money":       "0.10",
		"precise":     "3.14159265358979323846264338327950288",
		"exponent":    "1E+2",
		"negative":    "-0",
		"nested":      `{"b":1.0,"a":[1e400,2.50]}`,
		"text":        `"caf\u00e9 \/ <b>"`,
	}
	var mapping, fields []string
	for _, key := range keys(numbers) {
		mapping = append(mapping, fmt.Sprintf("out_%s: {from: in_%s}", key, key))
		fields = append(fields, fmt.Sprintf("%q:%s", "in_"+key, numbers[key]))
	}
	p := newProvider(t, works)
	g := start(t, fill(`
version: 1
resources: [{name: only, url: "$url"}]
endpoints: [{path: send, resources: [only], mapping: {only: {ref: {from: ref}, $mapping}}}]
clients: [{name: shop, token: `+shopToken+`, endpoints: [send]}]
`, map[string]string{"url": p.url(), "mapping": strings.Join(mapping, ", ")}))

	source := `{"ref":"n1","scope":"e2e",` + strings.Join(fields, ", ") + `}`
	answer, err := g.try(t.Context(), "send", source)
	if err != nil || answer.HTTP != http.StatusOK {
		t.Fatalf("%+v, %v", answer, err)
	}
	found := g.awaitStatus(t, answer.ID, "success")
	for what, body := range map[string][]byte{"at the provider": p.accepted()["n1"][0].Body, "in the task": found.Target} {
		var got map[string]json.RawMessage
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%s: %v in %s", what, err, body)
		}
		for key, want := range numbers {
			if string(got["out_"+key]) != want {
				t.Errorf("%s %s became %s, want %s", what, key, got["out_"+key], want)
			}
		}
	}
	for _, field := range fields {
		if !strings.Contains(string(found.Source), strings.ReplaceAll(field, " ", "")) && !strings.Contains(string(found.Source), field) {
			t.Errorf("the source of the task is %s, without %s", found.Source, field)
		}
	}
}

// TestIdempotencyKey repeats messages: the same one is answered like the first
// and sent once, also when all come at the same time; another one is refused.
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	p := newProvider(t, works)
	g := start(t, fillOne(p))
	const callers = 16
	var (
		wait    sync.WaitGroup
		answers [callers]receipt
		errs    [callers]error
	)
	for i := range callers {
		wait.Go(func() {
			answers[i], errs[i] = g.try(t.Context(), "send_sms", message("once"), "Idempotency-Key", "key-1")
		})
	}
	wait.Wait()
	first := 0
	for i, answer := range answers {
		if errs[i] != nil || answer.HTTP != http.StatusOK || answer.ID != answers[0].ID || answer.Status != answers[0].Status {
			t.Fatalf("answer %d is %+v (%v), want the same as %+v", i, answer, errs[i], answers[0])
		}
		if answer.Header.Get("Idempotent-Replayed") == "" {
			first++
		}
	}
	if first != 1 {
		t.Errorf("%d answers are not marked as replayed, want 1", first)
	}
	g.awaitStatus(t, answers[0].ID, "success")

	for what, c := range map[string]struct {
		body   string
		header []string
		status int
		same   bool
	}{
		"the same after delivery": {message("once"), []string{"Idempotency-Key", "key-1"}, http.StatusOK, true},
		"another body":            {message("twice"), []string{"Idempotency-Key", "key-1"}, http.StatusConflict, false},
		"another key":             {message("again"), []string{"Idempotency-Key", "key-2"}, http.StatusOK, false},
		"another client":          {message("other"), append([]string{"Idempotency-Key", "key-1"}, asOther...), http.StatusOK, false},
	} {
		answer, err := g.try(t.Context(), "send_sms", c.body, c.header...)
		if err != nil || answer.HTTP != c.status || (answer.ID == answers[0].ID) != c.same {
			t.Errorf("%s: %+v, %v; want %d", what, answer, err, c.status)
		}
	}
	g.awaitQuiet(t, patience)
	p.checkOnce(t, []string{"once", "again", "other"})
}

// TestRefusals asks for each answer of the contract that needs no special
// state of the gateway.
func TestRefusals(t *testing.T) {
	t.Parallel()
	p := newProvider(t, works)
	g := start(t, fillOne(p, "endpoint", "required_params: [phone]\n    max_body: 2000"))
	for what, c := range map[string]struct {
		path, body string
		header     []string
		status     int
		detail     string
	}{
		"unknown endpoint": {path: "nowhere", status: http.StatusNotFound, detail: "Endpoint not found"},
		"no token":         {header: []string{"X-API-Token", ""}, status: http.StatusUnauthorized, detail: "API token is missing"},
		"wrong token":      {header: []string{"X-API-Token", "dpy_wrong"}, status: http.StatusForbidden, detail: "Invalid API token for this endpoint"},
		"no scope":         {body: `{"ref":"r","phone":"1"}`, status: http.StatusBadRequest, detail: "'scope'"},
		"no parameter":     {body: `{"ref":"r","scope":"s"}`, status: http.StatusBadRequest, detail: "Missing required parameter: phone"},
		"no object":        {body: `[1]`, status: http.StatusBadRequest, detail: "object"},
		"no JSON":          {body: `{"ref":`, status: http.StatusBadRequest, detail: ""},
		"key twice":        {body: `{"ref":"r","scope":"s","phone":"1","phone":"2"}`, status: http.StatusBadRequest, detail: "phone"},
		"depth bomb":       {body: `{"ref":` + strings.Repeat("[", 900), status: http.StatusBadRequest, detail: ""},
		"too large":        {body: message(strings.Repeat("x", 2000)), status: http.StatusRequestEntityTooLarge, detail: ""},
		"no JSON type":     {header: []string{"Content-Type", "text/plain"}, status: http.StatusUnsupportedMediaType, detail: "application/json"},
	} {
		if c.path == "" {
			c.path = "send_sms"
		}
		if c.body == "" {
			c.body = message("refused")
		}
		answer, err := g.try(t.Context(), c.path, c.body, c.header...)
		if err != nil || answer.HTTP != c.status || answer.Detail == "" || !strings.Contains(answer.Detail, c.detail) {
			t.Errorf("%s: %d %q, %v; want %d %q", what, answer.HTTP, answer.Detail, err, c.status, c.detail)
		}
	}
	if found := g.tasks(t, ""); len(found) != 0 {
		t.Errorf("%d tasks were made of refused messages", len(found))
	}
}

// TestDraining looks at the gateway from outside while it waits for a last
// delivery: messages are refused with the request to come again, also one that
// had begun to arrive, and nothing that was accepted is harmed.
func TestDraining(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	p := newProvider(t, hangs(release))
	g := start(t, fillOne(p))
	g.send(t, "send_sms", "last")
	p.awaitReceived(t, 1)
	half := g.connect(t)
	body := message("half")
	half.write(t, fmt.Sprintf("POST /api/send_sms HTTP/1.1\r\nHost: gateway\r\nX-API-Token: %s\r\nContent-Length: %d\r\n\r\n%s",
		shopToken, len(body), body[:10]))

	stopped := make(chan struct{})
	go func() { defer close(stopped); g.stop() }()
	eventually(t, patience, "not ready", func() (bool, any) {
		status, _ := g.manage(t, http.MethodGet, "/readyz", "")
		return status == http.StatusServiceUnavailable, status
	})
	if status, _ := g.manage(t, http.MethodGet, "/healthz", ""); status != http.StatusOK {
		t.Errorf("/healthz: %d while draining, want 200", status)
	}
	answer, err := g.try(t.Context(), "send_sms", message("late"))
	if err != nil || answer.HTTP != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Errorf("a new message is answered with %+v, %v; want 503 with Retry-After", answer, err)
	}
	half.write(t, body[10:])
	if res := half.answer(t); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("the message that was arriving is answered with %s and Retry-After %q", res.Status, res.Header.Get("Retry-After"))
	}
	close(release)
	<-stopped
	if _, err := g.try(t.Context(), "send_sms", message("gone")); err == nil {
		t.Error("the gateway answers after its end")
	}
	p.checkOnce(t, []string{"last"})
}

// rawConn is a connection on which a test writes HTTP by itself.
type rawConn struct {
	net.Conn
	in *bufio.Reader
}

func (l *local) connect(t *testing.T) *rawConn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.app.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &rawConn{Conn: conn, in: bufio.NewReader(conn)}
}

func (c *rawConn) write(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func (c *rawConn) answer(t *testing.T) *http.Response {
	t.Helper()
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res
}
