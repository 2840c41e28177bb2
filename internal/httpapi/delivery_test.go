package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/dispatch"
	"dispatchapy/internal/intake"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/service"
	"dispatchapy/internal/store"
)

// delivery is the way of a message, except that nothing leaves the database by
// itself.
func (g *gateway) delivery() service.Delivery {
	client := deliver.NewClient(deliver.Options{AllowPrivate: func() bool { return true }})
	g.t.Cleanup(client.Close)
	g.sender, g.rooms = client, routing.NewAvailability()
	return service.Delivery{Judge: intake.Judge, Submitter: shelf{g.store}, Sender: client, Rooms: g.rooms, InFlight: func() map[int64]int { return nil }}
}

// shelf stores messages and leaves it at that.
type shelf struct{ store *faultyStore }

func (s shelf) Submit(ctx context.Context, m dispatchapy.Submission) (dispatchapy.Receipt, error) {
	results, err := s.store.InsertTasks(ctx, []store.NewTask{{Submission: m}})
	if err != nil {
		return dispatchapy.Receipt{}, err
	}
	return results[0].Receipt, results[0].Err
}

// provider is an API to which messages are delivered. It keeps what it gets.
type provider struct {
	*httptest.Server
	arrived chan outbound

	mu     sync.Mutex
	status int
	answer string
}

// outbound is a request as a provider receives it.
type outbound struct {
	Method, URL, Body string
	Headers           map[string]string
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{arrived: make(chan outbound, 10), status: http.StatusOK, answer: `{"provider":"says"}`}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := outbound{Method: r.Method, URL: "http://" + r.Host + r.URL.String(), Body: string(body), Headers: map[string]string{"Host": r.Host}}
		for name, values := range r.Header {
			got.Headers[name] = strings.Join(values, ", ")
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		w.Header().Set("X-Provider", "yes")
		w.WriteHeader(p.status)
		_, _ = io.WriteString(w, p.answer)
		p.arrived <- got
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *provider) answerWith(status int, body string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status, p.answer = status, body
}

// received waits for the next message.
func (p *provider) received(t *testing.T) outbound {
	t.Helper()
	select {
	case got := <-p.arrived:
		return got
	case <-time.After(10 * time.Second):
		t.Fatal("no message arrived")
		return outbound{}
	}
}

// nothing checks that no message has arrived.
func (p *provider) nothing(t *testing.T) {
	t.Helper()
	select {
	case got := <-p.arrived:
		t.Fatalf("a message arrived: %+v", got)
	default:
	}
}

// live is a gateway that delivers, with two providers.
type live struct {
	*gateway
	primary, backup *provider
	intake          http.Handler
	finished        chan struct{} // one for every task that reached its end
}

// liveFile has the providers' addresses for %s.
const liveFile = `
version: 1
settings: {max_attempts: 2, retry: {base: 1h, factor: 1, cap: 1h, jitter: 0}}
resources:
  - {name: primary, url: "%s/send?channel=c&key=hush", headers: {X-Key: hush-header}, required_params: [to, id]}
  - {name: backup, url: "%s/in"}
endpoints:
  - path: sms
    resources: [primary, backup]
    required_params: [phone]
    mapping:
      primary: {to: {from: phone}, id: {uuid: true}, meta.at: {now: true}, amount: {from: amount, type: number}}
    dev:
      enabled: true
      rules_enabled: true
      rules: [{if: {param: phone, matches: "^62"}, set: {param: phone, value: "000"}}]
clients:
  - {name: shop, token: shop-token-1234, endpoints: [sms], dev: {rules_enabled: true, rules: [{set: {param: note, value: test}}]}}
  - {name: bank, token: bank-token-1234, endpoints: [sms]}
`

func newLive(t *testing.T) *live {
	t.Helper()
	g := newGateway(t)
	l := &live{gateway: g, primary: newProvider(t), backup: newProvider(t), finished: make(chan struct{}, 100)}
	key, err := g.store.InstanceKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dispatcher := dispatch.New(dispatch.Options{
		Store: g.store, Table: g.table, Available: g.rooms, Sender: g.sender, Observer: l,
		Log: slog.New(slog.DiscardHandler), InstanceKey: key, Poll: time.Hour,
	})
	dispatcher.Start()
	t.Cleanup(func() { dispatcher.Stop(context.Background()) })
	watching, stop := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	watch.Go(func() {
		if err := g.store.Watch(watching, func(h store.Hint) { dispatcher.Expect(h.Tasks) }); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); watch.Wait() })
	l.serve(service.Delivery{Judge: intake.Judge, Submitter: dispatcher, Sender: g.sender, Rooms: g.rooms, InFlight: dispatcher.InFlight})
	l.intake = intake.New(intake.Options{Snapshots: g.table, Submitter: dispatcher, Observer: l})
	l.apply(fmt.Sprintf(liveFile, l.primary.URL, l.backup.URL))
	return l
}

// apply makes a gateway file the whole configuration.
func (g *gateway) apply(file string) {
	g.t.Helper()
	admin := dispatchapy.Principal{Name: "setup", Role: dispatchapy.RoleAdmin}
	if _, err := g.service.Apply(g.t.Context(), admin, "live.yaml", []byte(file), service.ApplyOptions{Prune: true}); err != nil {
		g.t.Fatal(err)
	}
}

func (l *live) Accepted(time.Duration) {}
func (l *live) Rejected(string)        {}

func (l *live) Attempt(string, dispatchapy.Attempt) {}

func (l *live) Certificate(int64, time.Time) {}

func (l *live) Round(*dispatchapy.Task, *store.Outcome) {}

func (l *live) Finished(dispatchapy.Status, time.Duration) { l.finished <- struct{}{} }

// send posts a message as a client and gives the answer.
func (l *live) send(token, body string) (status int, answer string) {
	l.t.Helper()
	r := httptest.NewRequestWithContext(l.t.Context(), http.MethodPost, "/api/sms", strings.NewReader(body))
	r.Header.Set("X-API-Token", token)
	w := httptest.NewRecorder()
	l.intake.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

// ended waits until a task has reached its end.
func (l *live) ended() {
	l.t.Helper()
	select {
	case <-l.finished:
	case <-time.After(10 * time.Second):
		l.t.Fatal("no task came to its end")
	}
}

// ids finds objects of the configuration.
func (g *gateway) endpointID(path string) int64 { return g.table.Load().Config.Endpoint(path).ID }
func (g *gateway) resourceID(name string) int64 { return g.table.Load().Config.Resource(name).ID }
