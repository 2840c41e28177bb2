package storetest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"

	"github.com/google/go-cmp/cmp/cmpopts"
)

// Reopener makes an empty database and gives a function that opens a store on
// it. The function is called again only after the store before was closed.
type Reopener func(t testing.TB) (open func() store.Store)

// RunReopen checks what must outlive a restart.
func RunReopen(t *testing.T, reopener Reopener) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(t *testing.T, open func() store.Store)
	}{
		{"TasksAndLeases", testReopenTasks},
		{"ConfigAndHealth", testReopenConfig},
		{"IDsAreNotReused", testReopenIDs},
		{"SearchIsComplete", testReopenSearch},
		{"DeletedTasks", testReopenDeleted},
		{"CloseUnderLoad", testReopenLoad},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, reopener(t))
		})
	}
	t.Run("DatabasesDiffer", func(t *testing.T) {
		t.Parallel()
		a, b := reopener(t)(), reopener(t)()
		defer shut(t, a)
		defer shut(t, b)
		keyA, errA := a.InstanceKey(t.Context())
		keyB, errB := b.InstanceKey(t.Context())
		if errA != nil || errB != nil || keyA == keyB {
			t.Errorf("two databases have the instance keys %x and %x (%v, %v)", keyA, keyB, errA, errB)
		}
	})
}

// shut closes a store, which must work.
func shut(t testing.TB, s store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

func testReopenTasks(t *testing.T, open func() store.Store) {
	s := open()
	l := insertLeased(t, s)
	record(t, s, fullOutcome(l.Lease, dispatchapy.StatusFailed))
	keyed := insertOne(t, s, withKey("k"), at(13))
	waiting := insertOne(t, s, delayed(time.Hour), at(13))
	running := insertLeased(t, s, at(endpointB))
	crashed := submit(t, s, newTask(leased(expiredLease)))[0].Leased
	want := []store.TaskDetail{}
	ids := []int64{l.Task.ID, keyed, waiting, running.Task.ID, crashed.Task.ID}
	for _, id := range ids {
		want = append(want, detail(t, s, id))
	}
	shut(t, s)

	s = open()
	defer shut(t, s)
	got := []store.TaskDetail{}
	for _, id := range ids {
		got = append(got, detail(t, s, id))
	}
	equal(t, "tasks after a restart", got, want)
	if r := submit(t, s, newTask(withKey("k"), at(13)))[0]; r.TaskID != keyed || !r.Replayed {
		t.Errorf("an idempotency key was forgotten: %+v", r)
	}
	// No start-up reset: a live lease is still held, an expired one is due.
	if c := claim(t, s, endpointB, 10, longLease); len(c.Tasks) != 0 {
		t.Errorf("a restart took a lease away: %+v", c.Tasks)
	}
	if again := claimOne(t, s, endpointA); again.Task.ID != crashed.Task.ID || again.Lease.Fence <= crashed.Lease.Fence {
		t.Errorf("claimed %+v after a restart, want the task of the expired lease %+v", again.Lease, crashed.Lease)
	}
	if c := claim(t, s, 13, 10, longLease); len(c.Tasks) != 1 || c.NextDue[13] < 50*time.Minute {
		t.Errorf("after a restart %d tasks are due and the next in %v, want 1 and an hour", len(c.Tasks), c.NextDue[13])
	}
	record(t, s, store.Outcome{Lease: running.Lease, Status: dispatchapy.StatusSuccess})
}

func testReopenConfig(t *testing.T, open func() store.Store) {
	s := open()
	key, err := s.InstanceKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{object(store.KindResource, "a"), object(store.KindClient, "b")}})
	version, g := load(t, s)
	want := probed(force(t, s, resourceA, longLease), time.Hour)
	want.Events = []dispatchapy.Event{{Kind: dispatchapy.EventResourceDown, At: now(), ResourceID: resourceA}}
	recordProbe(t, s, want)
	running := force(t, s, resourceB, longLease)
	shut(t, s)

	s = open()
	defer shut(t, s)
	if again, err := s.InstanceKey(t.Context()); err != nil || again != key {
		t.Errorf("the instance key was %x and is %x (%v)", key, again, err)
	}
	versionAfter, after := load(t, s)
	equal(t, "configuration after a restart", after, g)
	if versionAfter != version {
		t.Errorf("the version was %d and is %d", version, versionAfter)
	}
	equal(t, "health after a restart", health(t, s)[resourceA], want.Health)
	equal(t, "checks after a restart", checks(t, s, resourceA, 0, 10), []dispatchapy.Check{want.Check}, cmpopts.IgnoreFields(dispatchapy.Check{}, "ID", "EventID"))
	equal(t, "events after a restart", events(t, s), want.Events, cmpopts.IgnoreFields(dispatchapy.Event{}, "ID"))
	c := probes(t, s, store.ProbeClaim{LeaseFor: longLease, ResourceIDs: []int64{resourceA, resourceB}})
	if len(c.Probes) != 0 || c.NextDue[resourceA] < 50*time.Minute {
		t.Errorf("after a restart the due probes are %+v, the next in %v", c.Probes, c.NextDue)
	}
	recordProbe(t, s, probed(running, time.Hour))
}

func testReopenIDs(t *testing.T, open func() store.Store) {
	s := open()
	task := insertOne(t, s)
	transition(t, s, dispatchapy.ActionDelete, task)
	object1 := change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{object(store.KindClient, "a")}})[0]
	change(t, s, store.ConfigUpdate{Delete: []store.ObjectRef{{Kind: store.KindClient, ID: object1}}})
	shut(t, s)

	s = open()
	defer shut(t, s)
	if again := insertOne(t, s); again <= task {
		t.Errorf("task id %d was given after %d was deleted", again, task)
	}
	if again := change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{object(store.KindClient, "a")}})[0]; again <= object1 {
		t.Errorf("object id %d was given after %d was deleted", again, object1)
	}
}

func testReopenDeleted(t *testing.T, open func() store.Store) {
	s := open()
	l := insertLeased(t, s)
	record(t, s, fullOutcome(l.Lease, dispatchapy.StatusFailed))
	want := detail(t, s, l.Task.ID)
	transition(t, s, dispatchapy.ActionDelete, l.Task.ID)
	shut(t, s)

	s = open()
	defer shut(t, s)
	gone(t, s, l.Task.ID)
	restore(t, s, l.Task.ID)
	got := detail(t, s, l.Task.ID)
	got.Log = got.Log[:len(want.Log)]
	equal(t, "restored after a restart", got, want)
	equal(t, "found by what was sent", search(t, s, string(want.Attempts[0].RequestBody)), []int64{l.Task.ID})
}

func testReopenSearch(t *testing.T, open func() store.Store) {
	var want []int64
	for round := range 3 {
		s := open()
		want = append(want, insertOne(t, s, withSource(`{"m":"findable"}`)), sent(t, s, `{"t":"findable"}`))
		equal(t, "tasks found", search(t, s, "findable"), newestFirst(want...))
		if round == 1 {
			transition(t, s, dispatchapy.ActionDelete, want[0])
			want = want[1:]
		}
		shut(t, s)
	}
	s := open()
	defer shut(t, s)
	equal(t, "tasks found", search(t, s, "findable"), newestFirst(want...))
}

// testReopenLoad closes the store while others write. Everybody gets either a
// stored task or an error.
func testReopenLoad(t *testing.T, open func() store.Store) {
	s := open()
	var mu sync.Mutex
	var acknowledged []int64
	enough := make(chan struct{})
	var once sync.Once
	var closing sync.WaitGroup
	closing.Go(func() {
		<-enough
		shut(t, s)
	})
	each(8, func(int) {
		for range 100_000 {
			r, err := s.InsertTasks(t.Context(), []store.NewTask{newTask()})
			if err != nil {
				if !errors.Is(err, store.ErrClosed) {
					t.Errorf("an insert during Close gives %v, want ErrClosed", err)
				}
				return
			}
			mu.Lock()
			acknowledged = append(acknowledged, r[0].TaskID)
			if len(acknowledged) >= 100 {
				once.Do(func() { close(enough) })
			}
			mu.Unlock()
		}
		t.Error("a closed store still takes tasks")
	})
	closing.Wait()

	s = open()
	defer shut(t, s)
	listed := pages(t, s, store.TaskFilter{}, 500)
	for _, id := range acknowledged {
		if !slices.Contains(listed, id) {
			t.Errorf("task %d was acknowledged while the store was closed and is gone", id)
		}
	}
}
