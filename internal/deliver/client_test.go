package deliver

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"dispatchapy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func always() bool { return true }

func newTestClient(t *testing.T) *Client {
	t.Helper()
	c := NewClient(Options{AllowPrivate: always})
	t.Cleanup(c.Close)
	return c
}

func targetOf(url string) *Target {
	t := NewTarget(&dispatchapy.Resource{
		ID: 1, Name: "r", Method: http.MethodPost, URL: url, Timeout: dispatchapy.Duration(10 * time.Second),
	})
	return &t
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// serveRaw answers each connection with what script does to it; it gives the
// server's URL. The first request's head and body are read before.
func serveRaw(t *testing.T, script func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer nc.Close()
				req, err := http.ReadRequest(bufio.NewReader(nc))
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				script(nc)
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); running.Wait() })
	return "http://" + l.Addr().String() + "/send?secret=topsecret"
}

func write(text string) func(net.Conn) {
	return func(nc net.Conn) { _, _ = io.WriteString(nc, text) }
}

// hang keeps the connection open until the other side gives up.
func hang(nc net.Conn) { _, _ = io.Copy(io.Discard, nc) }

func TestDoSendsTheMessage(t *testing.T) {
	var got *http.Request
	var body []byte
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"ok":true}`)
	})
	target := NewTarget(&dispatchapy.Resource{
		Method:  http.MethodPut,
		URL:     strings.Replace(s.URL, "http://", "http://user:pass@", 1) + "/a/b?c=d",
		Headers: map[string]dispatchapy.Secret{"x-key": "k", "host": "api.example.com", "idempotency-key": "constant"},
		Timeout: dispatchapy.Duration(time.Minute),
	})
	r := newTestClient(t).Do(t.Context(), &target, "key-1", []byte(`{"n":12345678901234567890}`))
	if r.Outcome != dispatchapy.OutcomeDelivered || r.StatusCode != 200 || r.Error != "" || r.Detail != "" {
		t.Fatalf("result = %+v", r)
	}
	if string(r.Body) != `{"ok":true}` || string(body) != `{"n":12345678901234567890}` {
		t.Errorf("bodies = %s, %s", r.Body, body)
	}
	if r.StartedAt.IsZero() || r.Timing.Connect <= 0 || r.Timing.FirstByte < r.Timing.Connect || r.Duration < r.Timing.FirstByte {
		t.Errorf("timing = %+v in %v", r.Timing, r.Duration)
	}
	want := http.Header{
		"Content-Type": {"application/json"}, "X-Key": {"k"}, "Idempotency-Key": {"key-1"}, "User-Agent": {"dispatchapy"},
		"Accept-Encoding": {"gzip"}, "Authorization": {"Basic dXNlcjpwYXNz"}, "Content-Length": {"26"},
	}
	if diff := cmp.Diff(want, got.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if got.Method != "PUT" || got.RequestURI != "/a/b?c=d" || got.Host != "api.example.com" {
		t.Errorf("request = %s %s at %s", got.Method, got.RequestURI, got.Host)
	}
}

func TestDoKeepsTheResourcesOwnHeaders(t *testing.T) {
	var got http.Header
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
	target := NewTarget(&dispatchapy.Resource{Method: "POST", URL: s.URL, Headers: map[string]dispatchapy.Secret{
		"content-type": "application/vnd.x+json", "user-agent": "mine", "accept-encoding": "identity",
	}})
	newTestClient(t).Do(t.Context(), &target, "", nil)
	want := http.Header{
		"Content-Type": {"application/vnd.x+json"}, "User-Agent": {"mine"}, "Accept-Encoding": {"identity"}, "Content-Length": {"0"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestDoWithoutPreparedTarget(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	c := newTestClient(t)
	if r := c.Do(t.Context(), &Target{Method: "POST", URL: s.URL}, "k", nil); r.Outcome != dispatchapy.OutcomeDelivered {
		t.Errorf("result = %+v", r)
	}
	r := c.Do(t.Context(), &Target{Method: "POST", URL: "ftp://h/?token=topsecret"}, "k", nil)
	if r.Outcome != dispatchapy.OutcomeFailed || r.Error != dispatchapy.ErrorOther || strings.Contains(r.Detail, "topsecret") {
		t.Errorf("bad URL: result = %+v", r)
	}
}

func TestStatusCodes(t *testing.T) {
	const (
		delivered = dispatchapy.OutcomeDelivered
		failed    = dispatchapy.OutcomeFailed
		refused   = dispatchapy.OutcomeRefused
	)
	tests := []struct {
		status  int
		outcome dispatchapy.AttemptOutcome
		class   dispatchapy.ErrorClass
		detail  string
	}{
		{200, delivered, "", ""},
		{201, delivered, "", ""},
		{204, delivered, "", ""},
		{301, failed, "redirect", "HTTP 301 Moved Permanently: redirects are not followed (to elsewhere.example)"},
		{307, failed, "redirect", "HTTP 307 Temporary Redirect: redirects are not followed (to elsewhere.example)"},
		{400, refused, "client_error", "HTTP 400 Bad Request"},
		{404, refused, "client_error", "HTTP 404 Not Found"},
		{408, failed, "client_error", "HTTP 408 Request Timeout"},
		{422, refused, "client_error", "HTTP 422 Unprocessable Entity"},
		{425, failed, "client_error", "HTTP 425 Too Early"},
		{429, failed, "client_error", "HTTP 429 Too Many Requests"},
		{500, failed, "server_error", "HTTP 500 Internal Server Error"},
		{503, failed, "server_error", "HTTP 503 Service Unavailable"},
		{599, failed, "server_error", "HTTP 599"},
		{600, failed, "protocol", "HTTP 600"},
	}
	var asked atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		status, _ := strconv.Atoi(r.URL.Path[1:])
		if status/100 == 3 {
			w.Header().Set("Location", "http://elsewhere.example/x?token=topsecret")
		}
		w.WriteHeader(status)
		if status != 204 {
			_, _ = io.WriteString(w, "words")
		}
	})
	c := newTestClient(t)
	for i, tt := range tests {
		r := c.Do(t.Context(), targetOf(fmt.Sprintf("%s/%d", s.URL, tt.status)), "k", []byte("{}"))
		if r.StatusCode != tt.status || r.Outcome != tt.outcome || r.Error != tt.class || r.Detail != tt.detail || r.Canceled {
			t.Errorf("%d: result = %+v, want %s %s %q", tt.status, r, tt.outcome, tt.class, tt.detail)
		}
		if tt.status != 204 && string(r.Body) != "words" {
			t.Errorf("%d: body = %q", tt.status, r.Body)
		}
		if n := int(asked.Load()); n != i+1 {
			t.Fatalf("%d: server was asked %d times, want %d", tt.status, n, i+1)
		}
	}
}

// TestBrokenAnswers shows what each way of not answering properly counts as.
func TestBrokenAnswers(t *testing.T) {
	reset := func(nc net.Conn) {
		_ = nc.(*net.TCPConn).SetLinger(0)
	}
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
	tests := []struct {
		name    string
		script  func(net.Conn)
		outcome dispatchapy.AttemptOutcome
		class   dispatchapy.ErrorClass
		detail  string
		body    string
	}{
		{"closes", func(net.Conn) {}, "failed", "reset", "connection closed before the answer was complete", ""},
		{"resets", reset, "failed", "reset", "connection closed before the answer was complete", ""},
		{"closes in the status line", write("HTTP/1.1 2"), "failed", "protocol", "the answer is not valid HTTP: ", ""},
		{"closes in the head", write("HTTP/1.1 200 OK\r\nX: y\r\n"), "failed", "reset", "connection closed before the answer was complete", ""},
		{"garbage", write("\x00\x01 garbage\r\n\r\n"), "failed", "protocol", "the answer is not valid HTTP: ", ""},
		{"bad header", write("HTTP/1.1 200 OK\r\n: x\r\n\r\n"), "failed", "protocol", "the answer is not valid HTTP: ", ""},
		{"two lengths", write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), "failed", "protocol", "the answer is not valid HTTP: ", ""},
		{"endless head", func(nc net.Conn) {
			_, _ = io.WriteString(nc, "HTTP/1.1 200 OK\r\n")
			for line := []byte("X: " + strings.Repeat("x", 1000) + "\r\n"); ; {
				if _, err := nc.Write(line); err != nil {
					return
				}
			}
		}, "failed", "protocol", "the answer is not valid HTTP: ", ""},
		{"switches protocols", write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), "failed", "protocol", "HTTP 101 Switching Protocols", ""},
		{"length too long", write(head + "short"), "success", "", "accepted with HTTP 200; the answer's body is incomplete: connection closed", "short"},
		{"length too short", write(head + "0123456789and more"), "success", "", "", "0123456789"},
		{"bad chunks", write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n"), "success", "", "accepted with HTTP 200; the answer's body is incomplete: malformed", "abc"},
		{"reset in the body", func(nc net.Conn) { write("HTTP/1.1 500 X\r\nContent-Length: 10\r\n\r\nabc")(nc) }, "failed", "server_error", "HTTP 500 Internal Server Error; the answer's body is incomplete: connection closed", "abc"},
		{"no length", write("HTTP/1.0 200 OK\r\n\r\nuntil the end"), "success", "", "", "until the end"},
		{"not gzip", write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n0123456789"), "success", "", "accepted with HTTP 200; the answer's body is incomplete: bad compression", ""},
		{"gzip without body", write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"), "success", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url := serveRaw(t, tt.script)
			r := newTestClient(t).Do(t.Context(), targetOf(url), "k", []byte("{}"))
			if r.Outcome != tt.outcome || r.Error != tt.class || string(r.Body) != tt.body || r.Canceled {
				t.Errorf("result = %+v (body %q), want %s %s %q", r, r.Body, tt.outcome, tt.class, tt.body)
			}
			if !strings.HasPrefix(r.Detail, tt.detail) || tt.detail == "" && r.Detail != "" || strings.Contains(r.Detail, "topsecret") {
				t.Errorf("detail = %q, want %q", r.Detail, tt.detail)
			}
		})
	}
}

// TestTimeout covers every phase: the limit holds for the whole exchange.
func TestTimeout(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
	trickle := func(nc net.Conn) {
		for range time.Tick(time.Millisecond) {
			if _, err := nc.Write([]byte("x")); err != nil {
				return
			}
		}
	}
	tests := []struct {
		name    string
		script  func(net.Conn)
		outcome dispatchapy.AttemptOutcome
		class   dispatchapy.ErrorClass
		detail  string
	}{
		{"no answer", hang, "failed", "timeout", "no answer within 50ms"},
		{"half a head", func(nc net.Conn) { write(head[:20])(nc); hang(nc) }, "failed", "timeout", "no answer within 50ms"},
		{"head byte by byte", func(nc net.Conn) { write("HTTP/1.1 200 OK\r\nX: ")(nc); trickle(nc) }, "failed", "timeout", "no answer within 50ms"},
		{"half a body", func(nc net.Conn) { write(head + "abc")(nc); hang(nc) }, "success", "", "accepted with HTTP 200; the answer's body is incomplete: it did not arrive in time"},
		{"body byte by byte", func(nc net.Conn) { write(head)(nc); trickle(nc) }, "success", "", "accepted with HTTP 200; the answer's body is incomplete: it did not arrive in time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := targetOf(serveRaw(t, tt.script))
			target.Timeout = 50 * time.Millisecond
			r := newTestClient(t).Do(t.Context(), target, "k", []byte("{}"))
			if r.Outcome != tt.outcome || r.Error != tt.class || r.Detail != tt.detail || r.Canceled {
				t.Errorf("result = %+v, want %s %s %q", r, tt.outcome, tt.class, tt.detail)
			}
			if r.Duration < target.Timeout || r.Duration > 5*time.Second {
				t.Errorf("took %v, want %v", r.Duration, target.Timeout)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	cause := errors.New("going down")
	tests := map[string]func() (context.Context, func()){
		"plain": func() (context.Context, func()) { return context.WithCancel(t.Context()) },
		"with a cause": func() (context.Context, func()) {
			ctx, cancel := context.WithCancelCause(t.Context())
			return ctx, func() { cancel(cause) }
		},
	}
	for name, newContext := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := newContext()
			url := serveRaw(t, func(nc net.Conn) { cancel(); hang(nc) })
			r := newTestClient(t).Do(ctx, targetOf(url), "k", []byte("{}"))
			if !r.Canceled || r.Outcome != dispatchapy.OutcomeFailed || r.Error != dispatchapy.ErrorOther {
				t.Errorf("result = %+v, want canceled", r)
			}
		})
	}
	t.Run("after the verdict", func(t *testing.T) {
		const sent = 32 << 20 // more than the sockets hold: when it is written, the head has been read
		ctx, cancel := context.WithCancel(t.Context())
		url := serveRaw(t, func(nc net.Conn) {
			_, _ = fmt.Fprintf(nc, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 2*sent)
			_, _ = io.CopyN(nc, zeros{}, sent)
			cancel()
			hang(nc)
		})
		c := NewClient(Options{AllowPrivate: always, MaxBody: 2 * sent})
		t.Cleanup(c.Close)
		r := c.Do(ctx, targetOf(url), "k", []byte("{}"))
		if r.Canceled || r.Outcome != dispatchapy.OutcomeDelivered || !strings.HasSuffix(r.Detail, "incomplete: cancelled") {
			t.Errorf("result = %s %q (canceled %v), want delivered", r.Outcome, r.Detail, r.Canceled)
		}
	})
}

func TestNetworkErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	_ = l.Close()
	c := newTestClient(t)

	r := c.Do(t.Context(), targetOf("http://"+closed+"/?k=topsecret"), "k", []byte("{}"))
	if r.Outcome != dispatchapy.OutcomeFailed || r.Error != dispatchapy.ErrorRefused || r.Detail != "connection refused by "+closed {
		t.Errorf("refused: result = %+v", r)
	}
	r = c.Do(t.Context(), targetOf("http://no-such-host.invalid/?k=topsecret"), "k", []byte("{}"))
	if r.Outcome != dispatchapy.OutcomeFailed || r.Error != dispatchapy.ErrorDNS || strings.Contains(r.Detail, "topsecret") {
		t.Errorf("dns: result = %+v", r)
	}
	if r.Timing.DNS <= 0 {
		t.Errorf("dns: timing = %+v", r.Timing)
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
	t.Cleanup(s.Close)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)

	t.Run("unknown authority", func(t *testing.T) {
		r := newTestClient(t).Do(t.Context(), targetOf(s.URL), "k", []byte("{}"))
		if r.Error != dispatchapy.ErrorTLS || !strings.Contains(r.Detail, "certificate") || r.Timing.TLS <= 0 {
			t.Errorf("result = %+v", r)
		}
	})
	t.Run("trusted", func(t *testing.T) {
		c := newTestClient(t)
		c.dialer.tls.RootCAs = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
		for i := range 2 {
			r := c.Do(t.Context(), targetOf(s.URL), "k", []byte("{}"))
			if r.Outcome != dispatchapy.OutcomeDelivered || (r.Timing.TLS > 0) != (i == 0) {
				t.Errorf("request %d: result = %+v", i, r)
			}
		}
		r := c.Do(t.Context(), targetOf(strings.Replace(s.URL, "127.0.0.1", "localhost", 1)), "k", []byte("{}"))
		if r.Error != dispatchapy.ErrorTLS {
			t.Errorf("other name: result = %+v", r)
		}
	})
	t.Run("speaks no TLS", func(t *testing.T) {
		plain := serve(t, func(http.ResponseWriter, *http.Request) {})
		r := newTestClient(t).Do(t.Context(), targetOf(strings.Replace(plain.URL, "http:", "https:", 1)), "k", []byte("{}"))
		if r.Error != dispatchapy.ErrorTLS {
			t.Errorf("result = %+v", r)
		}
	})
}

func zipped(t *testing.T, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.CopyN(z, zeros{}, size); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestBodyIsBounded(t *testing.T) {
	const limit = DefaultMaxBody
	bomb := zipped(t, 64<<20)
	tests := []struct {
		name   string
		answer http.HandlerFunc
		kept   int
		reused bool // the connection is still good for the next request
	}{
		{"empty", func(http.ResponseWriter, *http.Request) {}, 0, true},
		{"at the limit", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.CopyN(w, zeros{}, limit) }, limit, true},
		{"little more", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.CopyN(w, zeros{}, limit+1000) }, limit, true},
		{"1 GiB", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(1<<30))
			_, _ = io.CopyN(w, zeros{}, 1<<30)
		}, limit, false},
		{"1 GiB in chunks", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.CopyN(w, zeros{}, 1<<30) }, limit, false},
		{"small gzip", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "GZIP")
			_, _ = w.Write(zipped(t, 1000))
		}, 1000, true},
		{"gzip bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb)
		}, limit, false},
		{"unknown encoding", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			_, _ = io.WriteString(w, "as it is")
		}, 8, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, connections := countingServer(t, tt.answer)
			c := newTestClient(t)
			for range 2 {
				r := c.Do(t.Context(), targetOf(s.URL), "k", []byte("{}"))
				if r.Outcome != dispatchapy.OutcomeDelivered || len(r.Body) != tt.kept || r.Detail != "" {
					t.Fatalf("result = %s %q with %d bytes, want %d", r.Outcome, r.Detail, len(r.Body), tt.kept)
				}
			}
			if reused := connections.Load() == 1; reused != tt.reused {
				t.Errorf("%d connections for two requests, want reuse %v", connections.Load(), tt.reused)
			}
		})
	}
}

// countingServer counts the connections made to it.
func countingServer(t *testing.T, h http.HandlerFunc) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	var n atomic.Int32
	s := httptest.NewUnstartedServer(h)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			n.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s, &n
}

func TestConnectionsAreReused(t *testing.T) {
	s, connections := countingServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	c := newTestClient(t)
	target := targetOf(s.URL)
	for i := range 20 {
		r := c.Do(t.Context(), target, "k", []byte("{}"))
		if (r.Timing.Connect > 0) != (i == 0) {
			t.Errorf("request %d: timing = %+v", i, r.Timing)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections for 20 requests, want 1", n)
	}
}

// TestDeadConnections: a resource closed its kept connections, or closes each
// as soon as it is used again. One attempt sends the request twice at most.
func TestDeadConnections(t *testing.T) {
	const kept = 5
	var phase, seen atomic.Int32
	var together sync.WaitGroup
	together.Add(kept)
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		seen.Add(1)
		if phase.Load() == 0 { // answer at once, so that each needs its own connection
			together.Done()
			together.Wait()
			return
		}
		nc, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = nc.Close()
		}
	})
	c := newTestClient(t)
	target := targetOf(s.URL)
	var all sync.WaitGroup
	for range kept {
		all.Go(func() {
			if r := c.Do(t.Context(), target, "k", []byte("{}")); r.Outcome != dispatchapy.OutcomeDelivered {
				t.Errorf("result = %+v", r)
			}
		})
	}
	all.Wait()
	phase.Store(1)
	seen.Store(0)
	r := c.Do(t.Context(), target, "k", []byte("{}"))
	if r.Error != dispatchapy.ErrorReset || seen.Load() != 2 {
		t.Errorf("sent %d times, result = %+v; want 2 times and reset", seen.Load(), r)
	}
}

func TestServerRestart(t *testing.T) {
	s, _ := countingServer(t, func(http.ResponseWriter, *http.Request) {})
	c := newTestClient(t)
	target := targetOf(s.URL)
	for i := range 5 {
		if r := c.Do(t.Context(), target, "k", []byte("{}")); r.Outcome != dispatchapy.OutcomeDelivered {
			t.Errorf("request %d: result = %+v", i, r)
		}
		s.CloseClientConnections()
	}
}

func TestClosedClientEndsDials(t *testing.T) {
	c := NewClient(Options{AllowPrivate: always})
	c.Close()
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	if r := c.Do(t.Context(), targetOf(s.URL), "k", nil); !r.Canceled {
		t.Errorf("result = %+v, want canceled", r)
	}
}

func TestDial(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	c := newTestClient(t)
	addr := strings.TrimPrefix(s.URL, "http://")
	if r := c.Dial(t.Context(), addr); r.Outcome != dispatchapy.OutcomeDelivered || r.Timing.Connect <= 0 {
		t.Errorf("open port: result = %+v", r)
	}
	s.Close()
	if r := c.Dial(t.Context(), addr); r.Error != dispatchapy.ErrorRefused || r.Detail != "connection refused by "+addr {
		t.Errorf("closed port: result = %+v", r)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if r := c.Dial(ctx, addr); r.Error != dispatchapy.ErrorTimeout || r.Canceled {
		t.Errorf("no time: result = %+v", r)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if r := c.Dial(ctx, addr); !r.Canceled {
		t.Errorf("cancelled: result = %+v", r)
	}
	if r := c.Dial(t.Context(), "169.254.169.254:80"); r.Error != dispatchapy.ErrorBlocked {
		t.Errorf("metadata: result = %+v", r)
	}
}

// newBenchServer answers like a small provider, with as little work as can be,
// so that the client is what is measured. It gives its URL.
func newBenchServer(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	const answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"
	var running sync.WaitGroup
	running.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer nc.Close()
				buf := make([]byte, 4096) // one request is one packet
				for {
					if _, err := nc.Read(buf); err != nil {
						return
					}
					if _, err := io.WriteString(nc, answer); err != nil {
						return
					}
				}
			})
		}
	})
	b.Cleanup(func() { _ = l.Close() })
	return "http://" + l.Addr().String()
}
