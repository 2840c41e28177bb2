package deliver

import (
	"bufio"
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
	if r.Outcome != dispatchapy.OutcomeDelivered || r.StatusCode != http.StatusOK || r.Error != "" || r.Detail != "" {
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
	if got.Method != http.MethodPut || got.RequestURI != "/a/b?c=d" || got.Host != "api.example.com" {
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
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(s.Close)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)

	t.Run("unknown authority", func(t *testing.T) {
		r := newTestClient(t).Do(t.Context(), targetOf(s.URL), "k", []byte("{}"))
		if r.Error != dispatchapy.ErrorTLS || !strings.Contains(r.Detail, "certificate") || r.Timing.TLS <= 0 || !r.CertificateEnds.Equal(s.Certificate().NotAfter) {
			t.Errorf("result = %+v", r)
		}
	})
	t.Run("trusted", func(t *testing.T) {
		c := newTestClient(t)
		c.dialer.tls.RootCAs = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
		for i := range 2 {
			r := c.Do(t.Context(), targetOf(s.URL), "k", []byte("{}"))
			if r.Outcome != dispatchapy.OutcomeDelivered || (r.Timing.TLS > 0) != (i == 0) || !r.CertificateEnds.Equal(s.Certificate().NotAfter) {
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

func TestCertificateEnds(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") }))
	t.Cleanup(s.Close)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	addr := s.Listener.Addr().String()
	trusting := newTestClient(t)
	trusting.dialer.tls.RootCAs = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for name, c := range map[string]*Client{"trusted": trusting, "unknown authority": newTestClient(t)} {
		if ends, err := c.CertificateEnds(t.Context(), addr); err != nil || !ends.Equal(s.Certificate().NotAfter) {
			t.Errorf("%s: %v, %v, want %v", name, ends, err, s.Certificate().NotAfter)
		}
	}
	guarded := NewClient(Options{})
	t.Cleanup(guarded.Close)
	if _, err := guarded.CertificateEnds(t.Context(), addr); err == nil {
		t.Error("a private address was looked at although that is not allowed")
	}
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	if ends, err := trusting.CertificateEnds(t.Context(), plain.Listener.Addr().String()); err == nil {
		t.Errorf("a server without TLS has a certificate until %v", ends)
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
	s, connections := countingServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
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
