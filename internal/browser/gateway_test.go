package browser_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"dispatchapy/internal/app"
	"dispatchapy/internal/config"
)

const (
	adminToken    = "browser-admin-token-0123456789"
	adminPassword = "correct horse battery"
	shopToken     = "dpy_browser-shop-token-0123456789"
	bankToken     = "dpy_browser-bank-token-0123456789"
)

// gateway is a gateway in this process, with what is needed to play a provider.
type gateway struct {
	t       testing.TB
	url     string
	app     *app.App
	options config.Options
	logs    *bytes.Buffer
	sink    *sink
}

// start starts a gateway with a gateway file, in which $sink is the address of
// the providers.
func start(t testing.TB, file string) *gateway {
	t.Helper()
	g := &gateway{t: t, logs: &bytes.Buffer{}, sink: newSink(t)}
	g.options = config.Options{Addr: "127.0.0.1:0", DataDir: t.TempDir(), AdminToken: adminToken, AdminPassword: adminPassword, Grace: 2 * time.Second}
	g.run()
	t.Cleanup(func() {
		g.app.Stop()
		if t.Failed() {
			t.Logf("the gateway's log:\n%s", g.logs)
		}
	})
	if file != "" {
		g.apply(file)
	}
	return g
}

func (g *gateway) run() {
	g.t.Helper()
	var err error
	g.app, err = app.New(g.t.Context(), g.options, "test", slog.New(slog.NewJSONHandler(g.logs, nil)))
	if err != nil {
		g.t.Fatal(err)
	}
	if err := g.app.Start(); err != nil {
		g.t.Fatal(err)
	}
	g.options.Addr = g.app.Addr()
	g.url = "http://" + g.app.Addr()
}

// interrupt stops the gateway, does something, and starts it again at the same
// address.
func (g *gateway) interrupt(meanwhile func()) {
	g.t.Helper()
	g.app.Stop()
	meanwhile()
	g.run()
}

// apply applies a gateway file.
func (g *gateway) apply(file string) {
	g.t.Helper()
	file = os.Expand(file, func(name string) string {
		if name == "sink" {
			return g.sink.url
		}
		return "$" + name
	})
	if status, body := g.manage(http.MethodPut, "/v1/config", file); status != http.StatusOK {
		g.t.Fatalf("the gateway file was refused with %d: %s", status, body)
	}
}

// manage makes a request to the management API as the administrator.
func (g *gateway) manage(method, path, body string) (int, string) {
	g.t.Helper()
	kind := "application/json"
	if method == http.MethodPut && path == "/v1/config" {
		kind = "application/yaml"
	}
	return g.request(method, path, body, http.Header{"Authorization": {"Bearer " + adminToken}, "Content-Type": {kind}})
}

// post sends a message as a client and gives the answer.
func (g *gateway) post(token, endpoint, body string) (int, string) {
	g.t.Helper()
	return g.request(http.MethodPost, "/api/"+endpoint, body, http.Header{"X-Api-Token": {token}, "Content-Type": {"application/json"}})
}

func (g *gateway) request(method, path, body string, header http.Header) (int, string) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, g.url+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header = header
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

// sink plays the providers: each path is one, which answers as told.
type sink struct {
	url string

	mu      sync.Mutex
	answers map[string]answer
	gates   map[string]chan struct{} // paths that do not answer before these are closed
	got     map[string][]received
}

type answer struct {
	status int
	body   string
}

type received struct {
	header http.Header
	body   string
}

func newSink(t testing.TB) *sink {
	s := &sink{answers: map[string]answer{}, gates: map[string]chan struct{}{}, got: map[string][]received{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// answer says how a provider answers from now on. Others answer with 200.
func (s *sink) answer(path string, status int, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[path] = answer{status, body}
}

// block has a provider not answer until it is released.
func (s *sink) block(path string) (release func()) {
	gate := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gates[path] = gate
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.gates, path)
		close(gate)
	})
}

// received gives what a provider got.
func (s *sink) received(path string) []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got[path]
}

// ServeHTTP implements http.Handler.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.got[r.URL.Path] = append(s.got[r.URL.Path], received{r.Header.Clone(), string(body)})
	gate := s.gates[r.URL.Path]
	s.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-r.Context().Done():
			return
		}
	}
	s.mu.Lock()
	a, told := s.answers[r.URL.Path]
	s.mu.Unlock()
	if !told {
		a = answer{http.StatusOK, `{"status":"ok"}`}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// shopFile is a small gateway that most tests start with.
const shopFile = `
version: 1
resources:
  - name: Primary SMS
    url: $sink/primary
    headers: {Authorization: Bearer hush-provider-key}
    required_params: [to, text]
  - name: Backup Chat
    url: $sink/backup
    required_params: [number, body]
endpoints:
  - path: send_alert
    description: Send an alert to a telephone
    required_params: [phone, message]
    resources: [Primary SMS, Backup Chat]
    mapping:
      Primary SMS: {to: {from: phone}, text: {from: message}}
      Backup Chat: {number: {from: phone}, body: {template: "{{message}} ({{ref}})"}}
clients:
  - {name: shop, token: dpy_browser-shop-token-0123456789, endpoints: [send_alert]}
  - {name: bank, token: dpy_browser-bank-token-0123456789}
`
