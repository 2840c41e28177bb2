package dispatch

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

// memory is a store of tasks in memory that keeps the rules of package store
// and works with the fake clock of synctest.
type memory struct {
	mu       sync.Mutex
	tasks    map[int64]*dispatchapy.Task
	fences   map[int64]int64
	attempts map[int64][]dispatchapy.Attempt
	log      map[int64][]string
	events   []dispatchapy.Event
	claims   int
	writes   int    // of outcomes
	broken   error  // every write fails with it
	onRecord func() // called before an outcome is written
}

func newMemory() *memory {
	return &memory{
		tasks: map[int64]*dispatchapy.Task{}, fences: map[int64]int64{},
		attempts: map[int64][]dispatchapy.Attempt{}, log: map[int64][]string{},
	}
}

func (m *memory) InsertTasks(_ context.Context, tasks []store.NewTask) ([]store.InsertResult, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return nil, m.broken
	}
	var out []store.InsertResult
	for _, n := range tasks {
		now := time.Now()
		t := &dispatchapy.Task{
			ID: int64(len(m.tasks) + 1), Status: dispatchapy.StatusPending, EndpointID: n.EndpointID, ClientID: n.ClientID,
			Source: n.Source, MaxAttempts: n.MaxAttempts, CreatedAt: now, BudgetFrom: now, RunAt: now.Add(n.Delay),
		}
		m.tasks[t.ID] = t
		r := store.InsertResult{Receipt: dispatchapy.Receipt{TaskID: t.ID, Held: n.Hold != ""}}
		switch {
		case n.Hold != "":
			t.Status = dispatchapy.StatusHeld
		case n.LeaseFor > 0:
			r.Leased = m.lease(t, n.LeaseFor)
		}
		out = append(out, r)
	}
	return out, nil
}

func (m *memory) lease(t *dispatchapy.Task, d time.Duration) *store.Leased {
	m.fences[t.ID]++
	t.Status, t.RunAt = dispatchapy.StatusProcessing, time.Now().Add(d)
	return &store.Leased{Lease: store.Lease{TaskID: t.ID, Fence: m.fences[t.ID]}, Task: *t}
}

func (m *memory) ClaimDue(_ context.Context, c store.Claim) (store.Claimed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.claims++
	if m.broken != nil {
		return store.Claimed{}, m.broken
	}
	out := store.Claimed{NextDue: map[int64]time.Duration{}}
	for _, lane := range c.Lanes {
		n := 0
		for _, id := range slices.Sorted(maps.Keys(m.tasks)) {
			t := m.tasks[id]
			if t.EndpointID != lane.EndpointID || (t.Status != dispatchapy.StatusPending && t.Status != dispatchapy.StatusProcessing) {
				continue
			}
			if wait := time.Until(t.RunAt); wait > 0 || n == lane.Limit {
				if d, known := out.NextDue[lane.EndpointID]; !known || wait < d {
					out.NextDue[lane.EndpointID] = max(wait, 0)
				}
				continue
			}
			out.Tasks = append(out.Tasks, *m.lease(t, c.LeaseFor))
			n++
		}
	}
	return out, nil
}

func (m *memory) ExtendLeases(_ context.Context, leases []store.Lease, by time.Duration) (lost []store.Lease, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range leases {
		if m.fences[l.TaskID] != l.Fence {
			lost = append(lost, l)
			continue
		}
		m.tasks[l.TaskID].RunAt = time.Now().Add(by)
	}
	return lost, nil
}

func (m *memory) RecordOutcomes(_ context.Context, outcomes []store.Outcome) (stale []store.Lease, err error) {
	if m.onRecord != nil {
		m.onRecord()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes += len(outcomes)
	if m.broken != nil {
		return nil, m.broken
	}
	for _, o := range outcomes {
		t := m.tasks[o.Lease.TaskID]
		if m.fences[o.Lease.TaskID] != o.Lease.Fence || t.Status != dispatchapy.StatusProcessing {
			stale = append(stale, o.Lease)
			continue
		}
		t.Status, t.RunAt, t.LastError, t.Refused = o.Status, time.Now().Add(o.RetryIn), o.LastError, o.Refused
		t.AttemptCount += len(o.Attempts)
		m.attempts[t.ID] = append(m.attempts[t.ID], o.Attempts...)
		for _, line := range o.Log {
			m.log[t.ID] = append(m.log[t.ID], line.Message)
		}
		m.events = append(m.events, o.Events...)
	}
	return stale, nil
}

func (m *memory) Backlog(context.Context) ([]store.LaneBacklog, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	count := map[int64]int{}
	for _, t := range m.tasks {
		if t.Status == dispatchapy.StatusPending || t.Status == dispatchapy.StatusProcessing {
			count[t.EndpointID]++
		}
	}
	var out []store.LaneBacklog
	for id, n := range count {
		out = append(out, store.LaneBacklog{EndpointID: id, Tasks: n})
	}
	return out, nil
}

func (m *memory) setBroken(err error) {
	m.mu.Lock()
	m.broken = err
	m.mu.Unlock()
}

func (m *memory) task(id int64) dispatchapy.Task {
	m.mu.Lock()
	defer m.mu.Unlock()
	return *m.tasks[id]
}

func (m *memory) outcomes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.writes
}

func (m *memory) count(s dispatchapy.Status) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.tasks {
		if t.Status == s {
			n++
		}
	}
	return n
}

var errDisk = errors.New("disk full")

// providers answers attempts, by resource name. The default is delivered.
type providers struct {
	mu     sync.Mutex
	answer map[string]func(ctx context.Context) deliver.Result
	got    []string // "resource key body"
	keys   map[string]bool
}

func newProviders() *providers {
	return &providers{answer: map[string]func(context.Context) deliver.Result{}, keys: map[string]bool{}}
}

func (p *providers) Do(ctx context.Context, t *deliver.Target, key string, body []byte) deliver.Result {
	p.mu.Lock()
	p.got = append(p.got, t.Name+" "+string(body))
	p.keys[t.Name+" "+key] = true
	answer := p.answer[t.Name]
	p.mu.Unlock()
	if answer == nil {
		return deliver.Result{Outcome: dispatchapy.OutcomeDelivered, StatusCode: 200, StartedAt: time.Now()}
	}
	return answer(ctx)
}

func (p *providers) set(resource string, answer func(context.Context) deliver.Result) {
	p.mu.Lock()
	p.answer[resource] = answer
	p.mu.Unlock()
}

func (p *providers) calls() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got)
}

func status(code int) func(context.Context) deliver.Result {
	return func(context.Context) deliver.Result {
		r := deliver.Result{Outcome: dispatchapy.OutcomeFailed, StatusCode: code, Detail: "no", StartedAt: time.Now()}
		switch {
		case code < 300:
			r.Outcome, r.Detail = dispatchapy.OutcomeDelivered, ""
		case code < 500 && code != 429:
			r.Outcome = dispatchapy.OutcomeRefused
		}
		return r
	}
}

// hang answers only when it is broken off.
func hang(ctx context.Context) deliver.Result {
	<-ctx.Done()
	return deliver.Result{Canceled: true}
}

type silent struct{}

func (silent) Attempt(string, dispatchapy.Attempt)        {}
func (silent) Finished(dispatchapy.Status, time.Duration) {}
func (silent) Certificate(int64, time.Time)               {}
func (silent) Round(*dispatchapy.Task, *store.Outcome)    {}

// gateway is a dispatcher with everything around it.
type gateway struct {
	*Dispatcher
	store     *memory
	providers *providers
	available *routing.Availability
	table     *routing.Table
	changes   *changes
}

// changes keeps what those who watch would be told.
type changes struct {
	mu  sync.Mutex
	all []dispatchapy.Change
}

func (c *changes) Publish(change dispatchapy.Change) {
	c.mu.Lock()
	c.all = append(c.all, change)
	c.mu.Unlock()
}

// states gives what was told of one object, or of any of its kind.
func (c *changes) states(kind dispatchapy.ChangeKind, id int64) (states []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, change := range c.all {
		if change.Kind == kind && change.ID == id {
			states = append(states, change.State)
		}
	}
	return states
}

// baseConfig has the resources a, b and c, and the endpoints "ab" (a, then b)
// and "c".
func baseConfig() *dispatchapy.Config {
	settings := dispatchapy.DefaultSettings()
	settings.Retry.Jitter = 0
	cfg := &dispatchapy.Config{
		Settings: settings,
		Resources: []dispatchapy.Resource{
			{ID: 1, Name: "a", URL: "http://a.test"}, {ID: 2, Name: "b", URL: "http://b.test"}, {ID: 3, Name: "c", URL: "http://c.test"},
		},
		Endpoints: []dispatchapy.Endpoint{
			{ID: 1, Path: "ab", Resources: []string{"a", "b"}}, {ID: 2, Path: "c", Resources: []string{"c"}},
		},
		Clients: []dispatchapy.Client{{ID: 1, Name: "shop", Endpoints: []string{"ab", "c"}}},
	}
	return cfg
}

func newGateway(t *testing.T, change func(*dispatchapy.Config)) *gateway {
	t.Helper()
	g := &gateway{store: newMemory(), providers: newProviders(), available: routing.NewAvailability(), changes: &changes{}}
	g.table = routing.NewTable(compile(t, change))
	g.Dispatcher = New(Options{
		Store: g.store, Table: g.table, Available: g.available, Sender: g.providers, Observer: silent{},
		Log: slog.New(slog.DiscardHandler), Changes: g.changes, Poll: time.Minute,
	})
	return g
}

func compile(t *testing.T, change func(*dispatchapy.Config)) *routing.Snapshot {
	t.Helper()
	cfg := baseConfig()
	if change != nil {
		change(cfg)
	}
	cfg.Normalize()
	snapshot, err := routing.Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

func (g *gateway) submit(t *testing.T, endpoint int64) int64 {
	t.Helper()
	r, err := g.Submit(t.Context(), dispatchapy.Submission{EndpointID: endpoint, ClientID: 1, Source: []byte(`{"n":1}`), MaxAttempts: 5})
	if err != nil {
		t.Fatal(err)
	}
	return r.TaskID
}

func (g *gateway) stop(grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	g.Stop(ctx)
}
