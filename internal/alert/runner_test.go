package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ Store = store.Store(nil)
var _ Availability = (*routing.Availability)(nil)

// memory keeps conditions as the real stores do.
type memory struct {
	mu     sync.Mutex
	rows   map[store.ConditionKey]store.Condition
	open   map[store.ConditionKey]bool
	said   []string // events, with their details
	lanes  []store.LaneBacklog
	asked  int   // for the backlog
	broken error // what everything fails with
}

func newMemory() *memory {
	return &memory{rows: map[store.ConditionKey]store.Condition{}, open: map[store.ConditionKey]bool{}}
}

func (m *memory) LoadConditions(context.Context) (all []store.Condition, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.rows {
		all = append(all, c)
	}
	return all, m.broken
}

func (m *memory) Backlog(context.Context) ([]store.LaneBacklog, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	return slices.Clone(m.lanes), m.broken
}

func (m *memory) RecordConditions(_ context.Context, changes []store.ConditionChange) (stale []int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return nil, m.broken
	}
	for i, c := range changes {
		if m.rows[c.ConditionKey].Version != c.Version {
			stale = append(stale, i)
			continue
		}
		row := c.Condition
		row.Version++
		m.rows[c.ConditionKey] = row
		was := m.open[c.ConditionKey]
		m.open[c.ConditionKey] = (was || c.Incident.Open) && !c.Incident.Close
		if e := c.Incident.Event; e != nil && was != m.open[c.ConditionKey] {
			m.said = append(m.said, fmt.Sprintf("%s: %s", e.Kind, e.Detail))
		}
		if e := c.Incident.Always; e != nil {
			m.said = append(m.said, fmt.Sprintf("%s: %s", e.Kind, e.Detail))
		}
	}
	return stale, nil
}

func (m *memory) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

// heard gives what was said since it was asked last.
func (m *memory) heard() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	said := m.said
	m.said = nil
	return said
}

// node is a runner with what it looks at.
type node struct {
	*Runner
	t         *testing.T
	memory    *memory
	table     *routing.Table
	available *routing.Availability
	cancel    func()
}

func newNode(t *testing.T, m *memory, change func(*dispatchapy.Config)) *node {
	t.Helper()
	n := &node{t: t, memory: m, table: routing.NewTable(snapshot(t, change)), available: routing.NewAvailability()}
	n.Runner = New(Options{Store: m, Snapshots: n.table, Available: n.available, Watch: NewWatch(n.table), Log: slog.New(slog.DiscardHandler)})
	return n
}

func (n *node) start() {
	ctx, cancel := context.WithCancel(n.t.Context())
	done := make(chan struct{})
	go func() { n.Run(ctx); close(done) }()
	n.cancel = func() { cancel(); <-done }
	synctest.Wait()
}

// bubble runs a test with a started node under a fake clock.
func bubble(t *testing.T, change func(*dispatchapy.Config), test func(t *testing.T, n *node)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newMemory(), change)
		n.start()
		test(t, n)
		n.cancel()
	})
}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// want compares what was said since it was asked last.
func (n *node) want(what string, want ...string) {
	n.t.Helper()
	if diff := cmp.Diff(want, n.memory.heard()); diff != "" {
		n.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func (n *node) health(resourceID int64, state dispatchapy.HealthState) {
	n.available.SetHealth(dispatchapy.Health{ResourceID: resourceID, State: state})
	n.Wake()
	synctest.Wait()
}

var sms = &dispatchapy.Task{ID: 7, EndpointID: 11}

func TestOnBackupAndBack(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *node) {
		n.Watch.Round(sms, round("1 failed", "2 success"))
		pass(10 * time.Minute)
		n.want("after one failed attempt")
		for range 100 {
			n.Watch.Round(sms, round("2 success, over 1 down"))
		}
		pass(time.Minute + interval)
		n.want("while one is down", "endpoint.on_backup: one is down: two delivers")
		n.Watch.Round(sms, round("1 success"))
		n.Watch.Round(sms, round("1 failed", "2 success"))
		n.Watch.Round(sms, round("1 failed", "2 success"))
		pass(5 * time.Minute)
		n.want("while it is not sure")
		n.Watch.Round(sms, round("1 success"))
		pass(30 * time.Second)
		n.want("half a minute later")
		pass(time.Minute)
		if said := n.memory.heard(); len(said) != 1 || said[0][:30] != "endpoint.on_primary: one deliv" {
			t.Errorf("back: %q", said)
		}
		pass(time.Hour)
		n.want("an hour later")
	})
}

func TestEndpointDownAndUp(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *node) {
		n.health(1, dispatchapy.HealthDown)
		n.want("one is down", "endpoint.down: its resource is down: one") // of the other endpoint
		n.health(2, dispatchapy.HealthDown)
		n.health(3, dispatchapy.HealthDown)
		n.want("all are down", "endpoint.down: all its resources are down: one, two, three")
		pass(time.Minute)
		n.health(3, dispatchapy.HealthUp)
		n.want("one is up", "endpoint.up: three can be used, after 1m0s")
		n.table.Store(snapshot(t, func(c *dispatchapy.Config) { c.Resources[0].HealthCheck.Enabled = false }))
		n.Wake()
		synctest.Wait()
		n.want("one is not checked any more", "endpoint.up: one can be used, after 1m0s")
	})
}

func TestBacklog(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *node) {
		begun := time.Now()
		n.memory.set(func() { n.memory.lanes = []store.LaneBacklog{{EndpointID: 12, Tasks: 2, Oldest: begun}} })
		pass(15 * time.Minute)
		n.want("a quarter of an hour")
		pass(backlogEvery + interval)
		n.want("and more", "backlog.old: 2 tasks wait, the oldest for 15m5s")
		asked := 0
		n.memory.set(func() { asked, n.memory.lanes = n.memory.asked, nil })
		if most := int(time.Since(begun)/backlogEvery) + 1; asked > most {
			t.Errorf("the backlog was counted %d times, want at most %d", asked, most)
		}
		pass(backlogEvery)
		n.want("gone", "backlog.ok: nothing waits, after 55s")
	})
}

func TestFailures(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *node) {
		failed := round("1 failed")
		failed.Status = dispatchapy.StatusFailed
		for range 15 {
			n.Watch.Round(sms, round("1 success"))
		}
		for range 5 {
			n.Watch.Round(sms, failed)
		}
		pass(interval)
		n.want("a quarter of them", "failures.high: 5 of 20 tasks failed within 10m")
		pass(10 * time.Minute)
		n.want("ten minutes later")
		pass(2 * time.Minute)
		n.want("when they are too old", "failures.ok: 0 of 0 tasks failed within 10m, after 11m55s")
	})
}

func TestBreaker(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *node) {
		r := n.table.Load().ResourceByID(1)
		use := func(alive bool) {
			t.Helper()
			permit, why := n.available.Acquire(r)
			if permit == nil {
				t.Fatalf("it is %s", why)
			}
			permit.Done(alive, 0)
		}
		for range 10 {
			use(false)
		}
		pass(30 * time.Second)
		n.want("half a minute") // a look comes first
		pass(interval)
		n.want("and more", "breaker.open: deliveries to one fail")
		use(true)
		pass(time.Hour)
		n.want("nothing was seen of it")
		n.Watch.Round(sms, round("1 success"))
		pass(calm + 2*interval)
		if said := n.memory.heard(); len(said) != 1 || said[0][:36] != "breaker.closed: one takes messages, " {
			t.Errorf("closed: %q", said)
		}
	})
}

func TestSaturation(t *testing.T) {
	limited := func(c *dispatchapy.Config) {
		c.Resources[0].Concurrency = 1
		on := true
		c.Resources[0].Alerts = &dispatchapy.ResourceAlerts{ResourceSaturated: dispatchapy.LastingAlert{Enabled: &on, For: dispatchapy.Duration(time.Minute)}}
	}
	bubble(t, limited, func(t *testing.T, n *node) {
		r := n.table.Load().ResourceByID(1)
		permit, _ := n.available.Acquire(r)
		for range 5 {
			n.available.Want(r)
			pass(10 * time.Second)
		}
		n.available.Room(r) // whoever only looks is not turned away
		pass(2 * time.Minute)
		n.want("for less than a minute")
		for range 9 {
			n.available.Acquire(r)
			pass(10 * time.Second)
		}
		n.want("for longer", "resource.saturated: the limits of one turn tasks away")
		permit.GiveBack()
		pass(2 * time.Minute)
		if said := n.memory.heard(); len(said) != 1 || said[0][:56] != "resource.unsaturated: the limits of one have room, after" {
			t.Errorf("later: %q", said)
		}
	})
}

func TestCertificates(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *node) {
		const day = 24 * time.Hour
		see := func(left time.Duration) {
			n.Watch.Certificate(1, time.Now().Add(left))
			pass(interval)
		}
		see(10 * day)
		n.want("ten days", "certificate.expiring: the certificate of one expires on 2000-01-11, in 9 days")
		see(8 * day)
		n.want("no other threshold")
		see(6 * day)
		n.want("a week", "certificate.expiring: the certificate of one expires on 2000-01-07, in 5 days")
		pass(time.Hour)
		see(12 * time.Hour)
		n.want("a day", "certificate.expiring: the certificate of one expires on 2000-01-01, in 12h0m0s")
		see(0)
		n.want("over", "certificate.expiring: the certificate of one has expired on 2000-01-01")
		see(90 * day)
		n.want("renewed", "certificate.renewed: the certificate of one is good until 2000-03-31, after 1h0m25s")
	})
}

func TestSwitchedOff(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *node) {
		n.health(1, dispatchapy.HealthDown)
		n.want("down", "endpoint.down: its resource is down: one")
		off := false
		n.table.Store(snapshot(t, func(c *dispatchapy.Config) {
			c.Endpoints[1].Alerts = &dispatchapy.EndpointAlerts{EndpointDown: dispatchapy.Alert{Enabled: &off}}
		}))
		pass(interval)
		n.want("switched off")
		n.memory.set(func() {
			for key, open := range n.memory.open {
				if open {
					t.Errorf("the incident of %+v is open", key)
				}
			}
		})
		n.table.Store(snapshot(t, nil))
		pass(interval)
		n.want("switched on", "endpoint.down: its resource is down: one")
	})
}

func TestGoneObjects(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *node) {
		n.health(1, dispatchapy.HealthDown)
		n.Watch.Round(&dispatchapy.Task{EndpointID: 12}, round("1 success"))
		n.Watch.Certificate(2, time.Now().Add(time.Hour))
		n.memory.heard()
		n.table.Store(snapshot(t, func(c *dispatchapy.Config) { c.Endpoints = c.Endpoints[:1]; c.Resources[1].ID = 5 }))
		pass(2 * time.Minute)
		n.want("of an endpoint that is gone")
		n.memory.set(func() {
			for key, open := range n.memory.open {
				if open && key.EndpointID == 12 {
					t.Errorf("the incident of %+v is open", key)
				}
			}
		})
		n.Watch.Round(&dispatchapy.Task{EndpointID: 12}, round("1 success"))
		if len(n.Watch.endpoints) != 0 || n.Watch.resources[2] != nil {
			t.Errorf("remembered are %v, %v", n.Watch.endpoints, n.Watch.resources)
		}
	})
}

func TestARestartForgetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		n := newNode(t, m, nil)
		n.start()
		n.health(1, dispatchapy.HealthDown)
		for range 3 {
			n.Watch.Round(sms, round("1 failed", "2 success"))
		}
		pass(2 * time.Minute)
		n.cancel()
		n.want("before", "endpoint.down: its resource is down: one", "endpoint.on_backup: one fails (HTTP 500): two delivers")

		n = newNode(t, m, nil)
		n.available.SetHealth(dispatchapy.Health{ResourceID: 1, State: dispatchapy.HealthDown})
		n.start()
		pass(time.Hour)
		n.want("after it")
		n.Watch.Round(sms, round("1 success"))
		n.health(1, dispatchapy.HealthUp)
		pass(2 * time.Minute)
		n.cancel()
		if said := m.heard(); len(said) != 2 {
			t.Errorf("when it is over: %q", said)
		}
	})
}

func TestSeveralNodesTellOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		nodes := []*node{newNode(t, m, nil), newNode(t, m, nil), newNode(t, m, nil)}
		for _, n := range nodes {
			n.start()
		}
		all := func(state dispatchapy.HealthState) {
			for _, n := range nodes {
				n.health(1, state)
			}
			pass(2 * reloadEvery)
		}
		all(dispatchapy.HealthDown)
		all(dispatchapy.HealthUp)
		all(dispatchapy.HealthDown)
		for _, n := range nodes {
			n.cancel()
		}
		said := m.heard()
		for i := range said {
			said[i] = said[i][:13]
		}
		if diff := cmp.Diff([]string{"endpoint.down", "endpoint.up: ", "endpoint.down"}, said); diff != "" {
			t.Errorf("said (-want +got):\n%s", diff)
		}
	})
}

func TestABrokenStoreLosesNothing(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *node) {
		n.memory.set(func() { n.memory.broken = errors.New("disk full") })
		n.health(1, dispatchapy.HealthDown)
		for range 3 {
			n.Watch.Round(sms, round("1 failed", "2 success"))
		}
		pass(10 * time.Minute)
		n.want("while it is broken")
		n.memory.set(func() { n.memory.broken = nil })
		pass(interval)
		slices.Sort(n.memory.said)
		n.want("when it works", "endpoint.down: its resource is down: one", "endpoint.on_backup: one fails (HTTP 500): two delivers")
	})
}

func TestFailuresOfAResourceAreTakenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWatch(routing.NewTable(snapshot(t, nil)))
		failed := attempt("1 failed")
		failed.StartedAt = time.Now()
		for range maxFailures + 5 {
			time.Sleep(time.Second)
			failed.StartedAt = time.Now()
			w.Round(sms, &store.Outcome{Status: dispatchapy.StatusPending, Attempts: []dispatchapy.Attempt{failed, attempt("2 refused")}})
		}
		got := w.TakeFailures(1)
		if len(got) != maxFailures || !got[len(got)-1].At.Equal(failed.StartedAt) || got[0].TaskID != 7 || got[0].Detail != "HTTP 500" || got[0].Kind != dispatchapy.EntryFailedAttempts {
			t.Errorf("%d failures, the first %+v", len(got), got[0])
		}
		if again, other := w.TakeFailures(1), w.TakeFailures(2); len(again) != 0 || len(other) != 0 {
			t.Errorf("taken again: %v, of one that refused: %v", again, other)
		}
		w.Round(sms, &store.Outcome{Status: dispatchapy.StatusPending, Attempts: []dispatchapy.Attempt{failed}})
		time.Sleep(failuresAge + time.Second)
		if old := w.TakeFailures(1); len(old) != 0 {
			t.Errorf("old ones are taken: %v", old)
		}
	})
}

// BenchmarkRound is what each round costs the dispatcher.
func BenchmarkRound(b *testing.B) {
	w := NewWatch(routing.NewTable(snapshot(b, nil)))
	o := round("1 success, over 4 switched off")
	b.ReportAllocs()
	for b.Loop() {
		w.Round(sms, o)
	}
}

// BenchmarkLook looks at the conditions of 1,000 resources and endpoints.
func BenchmarkLook(b *testing.B) {
	cfg := &dispatchapy.Config{Settings: dispatchapy.DefaultSettings()}
	for i := range 1000 {
		name := fmt.Sprint("r", i)
		cfg.Resources = append(cfg.Resources, dispatchapy.Resource{ID: int64(i + 1), Name: name, URL: "https://h/"})
		cfg.Endpoints = append(cfg.Endpoints, dispatchapy.Endpoint{ID: int64(i + 2001), Path: name, Resources: []string{name}})
	}
	cfg.Normalize()
	s, err := routing.Compile(cfg)
	if err != nil {
		b.Fatal(err)
	}
	table := routing.NewTable(s)
	r := New(Options{Store: newMemory(), Snapshots: table, Available: routing.NewAvailability(), Watch: NewWatch(table), Log: slog.New(slog.DiscardHandler)})
	b.ReportAllocs()
	for b.Loop() {
		if err := r.look(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
