package health

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// fakeStore keeps probes as the real ones do, with the (fake) clock.
type fakeStore struct {
	mu      sync.Mutex
	rows    map[int64]*fakeRow
	checks  []dispatchapy.Check
	events  []dispatchapy.Event
	open    map[int64]bool // resources with an open incident
	entries []dispatchapy.IncidentEntry
	spans   []dispatchapy.Span
	asked   int   // calls of ClaimProbes
	claim   error // what ClaimProbes fails with
	record  error // what RecordProbes fails with
	maxHeld int   // most leases at once
}

type fakeRow struct {
	health dispatchapy.Health
	due    time.Time
	fence  int64
	leased bool
}

func newFakeStore() *fakeStore { return &fakeStore{rows: map[int64]*fakeRow{}, open: map[int64]bool{}} }

func (f *fakeStore) ClaimProbes(_ context.Context, claim store.ProbeClaim) (store.ClaimedProbes, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	if f.claim != nil {
		return store.ClaimedProbes{}, f.claim
	}
	now := time.Now()
	out := store.ClaimedProbes{NextDue: map[int64]time.Duration{}}
	for _, id := range claim.ResourceIDs {
		row := f.row(id)
		if !row.due.After(now) || claim.Force && !row.leased {
			row.due, row.leased = now.Add(claim.LeaseFor), true
			row.fence++
			out.Probes = append(out.Probes, store.ProbeLease{Health: row.health, Fence: row.fence})
		}
		out.NextDue[id] = row.due.Sub(now)
	}
	held := 0
	for _, row := range f.rows {
		if row.leased && row.due.After(now) {
			held++
		}
	}
	f.maxHeld = max(f.maxHeld, held)
	return out, nil
}

func (f *fakeStore) row(id int64) *fakeRow {
	if f.rows[id] == nil {
		f.rows[id] = &fakeRow{health: dispatchapy.Health{ResourceID: id, State: dispatchapy.HealthUnknown}}
	}
	return f.rows[id]
}

func (f *fakeStore) RecordProbes(_ context.Context, outcomes []store.ProbeOutcome) (stale []int64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.record != nil {
		return nil, f.record
	}
	for _, o := range outcomes {
		row := f.row(o.Health.ResourceID)
		if row.fence != o.Fence || !row.leased {
			stale = append(stale, o.Health.ResourceID)
			continue
		}
		row.health, row.leased, row.due = o.Health, false, time.Now().Add(o.NextIn)
		if !o.Check.At.IsZero() {
			f.checks = append(f.checks, o.Check)
		}
		f.events = append(f.events, o.Events...)
		f.spans = append(f.spans, o.Spans...)
		f.incident(o.Incident)
	}
	return stale, nil
}

// incident opens and closes incidents as a store does.
func (f *fakeStore) incident(c *store.IncidentChange) {
	if c == nil || !f.open[c.ResourceID] && !c.Open {
		return
	}
	isNew := !f.open[c.ResourceID]
	f.entries = append(f.entries, c.Entries...)
	f.open[c.ResourceID] = !c.Close
	if c.Event != nil && (isNew || c.Close) {
		f.events = append(f.events, *c.Event)
	}
	for _, e := range []*dispatchapy.Event{c.Always, c.Reminder} {
		if e != nil {
			f.events = append(f.events, *e)
		}
	}
}

func (f *fakeStore) LoadHealth(context.Context) ([]dispatchapy.Health, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []dispatchapy.Health
	for _, id := range slices.Sorted(maps.Keys(f.rows)) {
		if h := f.rows[id].health; !h.Since.IsZero() {
			all = append(all, h)
		}
	}
	return all, nil
}

// reset is what a change of the resource's address does.
func (f *fakeStore) reset(id int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	row := f.row(id)
	row.health = dispatchapy.Health{ResourceID: id, State: dispatchapy.HealthUnknown, Since: time.Now()}
	row.due, row.leased = time.Now(), false
	row.fence++
}

// set changes the store under its lock.
func (f *fakeStore) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fakeStore) history() []dispatchapy.Check {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.checks)
}

// counts gives how often it was asked, and the most leases at once.
func (f *fakeStore) counts() (asked, maxHeld int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked, f.maxHeld
}

func (f *fakeStore) written() []dispatchapy.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.events)
}

// fakeClient answers without a network.
type fakeClient struct {
	mu     sync.Mutex
	answer func(ctx context.Context) deliver.Result
	dialed []string
	sent   []string

	looked  []string // at certificates
	ends    time.Time
	refused error
}

func (c *fakeClient) Dial(ctx context.Context, addr string) deliver.Result {
	c.mu.Lock()
	c.dialed = append(c.dialed, addr)
	answer := c.answer
	c.mu.Unlock()
	return answer(ctx)
}

func (c *fakeClient) Do(ctx context.Context, _ *deliver.Target, _ string, body []byte) deliver.Result {
	c.mu.Lock()
	c.sent = append(c.sent, string(body))
	answer := c.answer
	c.mu.Unlock()
	return answer(ctx)
}

func (c *fakeClient) CertificateEnds(_ context.Context, addr string) (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looked = append(c.looked, addr)
	return c.ends, c.refused
}

func (c *fakeClient) set(answer func(context.Context) deliver.Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = answer
}

// requests gives the addresses dialed and the bodies sent so far.
func (c *fakeClient) requests() (dialed, sent []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.dialed), slices.Clone(c.sent)
}

func good(context.Context) deliver.Result {
	return deliver.Result{Outcome: dispatchapy.OutcomeDelivered, StatusCode: 200, Duration: time.Millisecond}
}

func bad(context.Context) deliver.Result {
	return deliver.Result{Outcome: dispatchapy.OutcomeFailed, Error: dispatchapy.ErrorRefused, Detail: "connection refused"}
}

// taking answers like another one after some time, or not at all if cancelled.
func taking(d time.Duration, answer func(context.Context) deliver.Result) func(context.Context) deliver.Result {
	return func(ctx context.Context) deliver.Result {
		select {
		case <-time.After(d):
			return answer(ctx)
		case <-ctx.Done():
			return deliver.Result{Outcome: dispatchapy.OutcomeFailed, Canceled: true}
		}
	}
}

// fakeGate remembers what it was told.
type fakeGate struct {
	mu   sync.Mutex
	told []dispatchapy.Health
}

func (g *fakeGate) SetHealth(h dispatchapy.Health) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.told = append(g.told, h)
}

func (g *fakeGate) all() []dispatchapy.Health {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.told)
}

func (g *fakeGate) states() []dispatchapy.HealthState {
	var out []dispatchapy.HealthState
	for _, h := range g.all() {
		out = append(out, h.State)
	}
	return out
}

// world is a runner with everything around it.
type world struct {
	*Runner
	store  *fakeStore
	client *fakeClient
	gate   *fakeGate
	table  *routing.Table
}

// newWorld makes a runner that is not started. Intervals are 60s to 90s; the
// random number is 0.5, which makes it 75s.
func newWorld(t *testing.T, resources ...dispatchapy.Resource) *world {
	t.Helper()
	w := &world{
		store: newFakeStore(), client: &fakeClient{answer: good}, gate: &fakeGate{},
		table: routing.NewTable(compile(t, resources...)),
	}
	w.Runner = New(Options{
		Store: w.store, Gate: w.gate, Snapshots: w.table, Client: w.client,
		Log: slog.New(slog.DiscardHandler), Concurrency: 4,
		Random: func() float64 { return 0.5 },
	})
	return w
}

func compile(t testing.TB, resources ...dispatchapy.Resource) *routing.Snapshot {
	t.Helper()
	cfg := &dispatchapy.Config{Settings: dispatchapy.DefaultSettings(), Resources: slices.Clone(resources)}
	cfg.Normalize()
	s, err := routing.Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func watchedResource(id int64) dispatchapy.Resource {
	r := dispatchapy.Resource{ID: id, Name: "r" + string(rune('0'+id%10)) + string(rune('a'+id/10)), URL: "http://h:81/send?k=v"}
	r.HealthCheck.Enabled = true
	return r
}

var errDisk = errors.New("disk full")
