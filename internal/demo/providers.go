package demo

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// provider is a fake of somebody's API on the loopback interface.
type provider struct {
	name   string
	addr   string
	behave func(n int, w http.ResponseWriter) bool // answers the nth request; false: refused it

	mu       sync.Mutex
	server   *http.Server // nil while dead
	requests int
	failed   int
	keys     map[string]int // successful answers by idempotency key
}

// providers are the three of the story.
type providers struct{ primary, backup, pager *provider }

func startProviders(ctx context.Context) (*providers, error) {
	p := &providers{
		primary: newProvider("sms-primary", flaky),
		backup:  newProvider("sms-backup", slow),
		pager:   newProvider("pager", reliable),
	}
	for _, one := range p.all() {
		if err := one.live(ctx); err != nil {
			p.stop()
			return nil, err
		}
	}
	return p, nil
}

func (p *providers) all() []*provider { return []*provider{p.primary, p.backup, p.pager} }

func (p *providers) stop() {
	for _, one := range p.all() {
		one.die()
	}
}

// togglePager lets the pager die, or live again.
func (p *providers) togglePager(ctx context.Context) error {
	if p.pager.die() {
		return nil
	}
	return p.pager.live(ctx)
}

// revivePager lets the pager live, if it does not.
func (p *providers) revivePager(ctx context.Context) error {
	return p.pager.live(ctx)
}

// flaky fails two of five requests.
func flaky(n int, w http.ResponseWriter) bool {
	switch n % 5 {
	case 1:
		http.Error(w, `{"error":"internal error"}`, http.StatusInternalServerError)
		return false
	case 3:
		http.Error(w, `{"error":"too busy"}`, http.StatusServiceUnavailable)
		return false
	}
	return reliable(n, w)
}

// slow takes between 0.2 and 0.7 seconds.
func slow(n int, w http.ResponseWriter) bool {
	time.Sleep(200*time.Millisecond + time.Duration(n*137%500)*time.Millisecond)
	return reliable(n, w)
}

func reliable(n int, w http.ResponseWriter) bool {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"accepted":true,"message_id":%d}`, n+1)
	return true
}

func newProvider(name string, behave func(int, http.ResponseWriter) bool) *provider {
	return &provider{name: name, behave: behave, keys: map[string]int{}}
}

// ServeHTTP implements http.Handler.
func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, 1<<20)) // only the fact counts
	p.mu.Lock()
	n := p.requests
	p.requests++
	p.mu.Unlock()
	ok := p.behave(n, w)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !ok {
		p.failed++
		return
	}
	p.keys[r.Header.Get("Idempotency-Key")]++
}

// live makes the provider listen; always on the same address.
func (p *provider) live(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != nil {
		return nil
	}
	addr := p.addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("provider %s: %w", p.name, err)
	}
	p.addr = l.Addr().String()
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 5 * time.Second}
	go p.server.Serve(l) //nolint:errcheck // ends with die
	return nil
}

// die cuts every connection and stops listening. It reports whether there was
// anything to kill.
func (p *provider) die() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil {
		return false
	}
	_ = p.server.Close() // nobody cares how it dies
	p.server = nil
	return true
}

// tally is what a provider has seen.
type tally struct {
	requests, failed int
	distinct         int // different messages that it accepted
	repeated         int // accepted once more
}

func (p *provider) tally() tally {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := tally{requests: p.requests, failed: p.failed, distinct: len(p.keys)}
	for _, times := range p.keys {
		t.repeated += times - 1
	}
	return t
}
