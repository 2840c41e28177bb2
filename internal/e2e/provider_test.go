package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// request is a message as a provider got it.
type request struct {
	Key      string // of the Idempotency-Key header
	Header   http.Header
	Body     []byte
	Accepted bool // answered with a 2xx
	At       time.Time
}

// ref reads the key "ref" of the body; every mapping in these tests fills it.
func (r *request) ref() string {
	var body struct {
		Ref string `json:"ref"`
	}
	_ = json.Unmarshal(r.Body, &body) // no ref: found by the test that looks for it
	return body.Ref
}

// behaviour is what a provider does with a request whose body it has read. It
// calls accept just before it answers with a 2xx.
type behaviour func(w http.ResponseWriter, r *http.Request, accept func())

// works accepts everything.
func works(w http.ResponseWriter, _ *http.Request, accept func()) {
	accept()
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"ok":true}`)
}

// answers gives one status, with header names and values in turn.
func answers(status int, header ...string) behaviour {
	return func(w http.ResponseWriter, _ *http.Request, _ func()) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		http.Error(w, "scripted answer", status)
	}
}

// takes accepts everything after some time.
func takes(d time.Duration) behaviour {
	return func(w http.ResponseWriter, r *http.Request, accept func()) {
		select {
		case <-time.After(d):
			works(w, r, accept)
		case <-r.Context().Done():
		}
	}
}

// hangs gives no answer until the channel is closed, then it accepts.
func hangs(until <-chan struct{}) behaviour {
	return func(w http.ResponseWriter, r *http.Request, accept func()) {
		select {
		case <-until:
			works(w, r, accept)
		case <-r.Context().Done():
		}
	}
}

// resets breaks the connection off.
func resets(w http.ResponseWriter, _ *http.Request, _ func()) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset instead of an orderly end
	}
	_ = conn.Close()
}

// babbles answers with something that is not HTTP.
func babbles(w http.ResponseWriter, _ *http.Request, _ func()) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, "220 mail.example.com ESMTP ready\r\n\r\n")
	_ = conn.Close()
}

// provider is an HTTP server that does as it is told and remembers what it got.
type provider struct {
	addr string

	mu       sync.Mutex
	behave   behaviour
	received []request
	server   *http.Server // nil: nobody listens
	running  sync.WaitGroup
}

// newProvider starts a provider. It ends with the test.
func newProvider(t *testing.T, b behaviour) *provider {
	t.Helper()
	p := &provider{behave: b, addr: "127.0.0.1:0"}
	p.listen(t)
	t.Cleanup(p.vanish)
	return p
}

// listen makes the provider reachable, at the same address as before.
func (p *provider) listen(t *testing.T) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: p, ReadHeaderTimeout: time.Minute}
	p.mu.Lock()
	p.addr, p.server = listener.Addr().String(), server
	p.mu.Unlock()
	p.running.Go(func() { _ = server.Serve(listener) }) // ends with ErrServerClosed
}

// vanish makes the provider refuse connections, and cuts those it has.
func (p *provider) vanish() {
	p.mu.Lock()
	server := p.server
	p.server = nil
	p.mu.Unlock()
	if server != nil {
		_ = server.Close()
	}
	p.running.Wait()
}

// now changes what the provider does from the next request on.
func (p *provider) now(b behaviour) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.behave = b
}

func (p *provider) url() string { return "http://" + p.addr + "/send" }

// ServeHTTP implements http.Handler.
func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	p.mu.Lock()
	n := len(p.received)
	p.received = append(p.received, request{
		Key: r.Header.Get("Idempotency-Key"), Header: r.Header.Clone(), Body: body, At: time.Now(),
	})
	behave := p.behave
	p.mu.Unlock()
	behave(w, r, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.received[n].Accepted = true
	})
}

// all gives every request so far.
func (p *provider) all() []request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.received)
}

// accepted gives the accepted requests so far, by ref.
func (p *provider) accepted() map[string][]request {
	out := map[string][]request{}
	for _, r := range p.all() {
		if r.Accepted {
			out[r.ref()] = append(out[r.ref()], r)
		}
	}
	return out
}

// await waits until messages with these refs were accepted.
func (p *provider) await(t *testing.T, within time.Duration, refs ...string) {
	t.Helper()
	eventually(t, within, "every message accepted by the provider", func() (bool, any) {
		missing := without(refs, p.accepted())
		return len(missing) == 0, few(missing)
	})
}

// awaitReceived waits until the provider got n requests, whatever it did with them.
func (p *provider) awaitReceived(t *testing.T, n int) {
	t.Helper()
	eventually(t, patience, "requests received by the provider", func() (bool, any) {
		got := len(p.all())
		return got >= n, got
	})
}

func without(refs []string, got map[string][]request) (missing []string) {
	for _, ref := range refs {
		if len(got[ref]) == 0 {
			missing = append(missing, ref)
		}
	}
	return missing
}

// checkOnce demands that the accepted messages are exactly these, each once,
// and each under an idempotency key of its own.
func (p *provider) checkOnce(t *testing.T, refs []string) {
	t.Helper()
	got := p.accepted()
	owner := map[string]string{}
	var repeated []string
	for ref, requests := range got {
		if len(requests) != 1 {
			repeated = append(repeated, ref)
		}
		key := requests[0].Key
		if key == "" || owner[key] != "" {
			t.Errorf("messages %s and %s have the same idempotency key %q", ref, owner[key], key)
		}
		owner[key] = ref
	}
	if len(repeated) > 0 {
		t.Errorf("messages were accepted more than once: %s", few(repeated))
	}
	if missing := without(refs, got); len(missing) > 0 {
		t.Errorf("messages did not arrive: %s", few(missing))
	}
	if len(got) != len(refs) {
		t.Errorf("%d messages arrived, want %d", len(got), len(refs))
	}
}

// few shortens a list of refs for a message.
func few(refs []string) string {
	return fmt.Sprintf("%d, such as %v", len(refs), refs[:min(len(refs), 5)])
}

// keys gives the keys of a set in order.
func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
