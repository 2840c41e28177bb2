package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dispatchapy"
	"dispatchapy/internal/store"
)

var modelCases = []testCase{{"RandomRun", testModel}}

// model is what a store must do with tasks, in the plainest way. Time is the
// number of the step: what is due at once is due from that step on, what is
// delayed never comes.
type model struct {
	step  int
	tasks map[int64]*modelTask
	// deleted are those that nobody sees and that can be restored.
	deleted map[int64]*modelTask
	keys    map[modelKey]modelAnswer
	// given are all leases that were ever handed out, held or not.
	given []store.Lease
}

type modelTask struct {
	status                   dispatchapy.Status
	endpoint, client         int64
	source, ref              string
	due                      int // step; never: delayed or under a long lease
	fence                    int64
	count, base, allAttempts int
}

type modelKey struct {
	client, endpoint int64
	key              string
}

type modelAnswer struct {
	id   int64
	body string
	held bool
}

const never = int(1) << 40

func (m *model) lane(endpoint int64) (due []int64, waiting int) {
	for id, task := range m.tasks {
		if task.endpoint != endpoint || task.status != dispatchapy.StatusPending && task.status != dispatchapy.StatusProcessing {
			continue
		}
		if task.due <= m.step {
			due = append(due, id)
		} else {
			waiting++
		}
	}
	return due, waiting
}

func (m *model) holds(lease store.Lease) bool {
	task := m.tasks[lease.TaskID]
	return task != nil && task.status == dispatchapy.StatusProcessing && task.fence == lease.Fence
}

// machine plays random steps on a store and on the model and compares.
type machine struct {
	s     store.Store
	model model
	// Every run has clients and endpoints of its own, so that all runs can
	// share one store.
	clients, endpoints []int64
}

// modelBudget is after how much time no new run is begun. Some drivers are very
// much slower under the race detector; one that is not makes all runs in it.
const modelBudget = 6 * time.Second

// testModel makes random runs of the task methods against the model.
func testModel(t *testing.T, s store.Store) {
	start := time.Now()
	var runs int64
	failed := false
	rapid.Check(t, func(rt *rapid.T) {
		// A run that failed is repeated to simplify it, however long it takes.
		if !failed && time.Since(start) > modelBudget {
			return
		}
		defer func() { failed = failed || rt.Failed() }()
		runs++
		base := runs * 10
		m := &machine{
			s:         s,
			model:     model{tasks: map[int64]*modelTask{}, deleted: map[int64]*modelTask{}, keys: map[modelKey]modelAnswer{}},
			clients:   []int64{base + 1, base + 2},
			endpoints: []int64{base + 3, base + 4},
		}
		// What earlier runs finished and deleted is not this one's to delete.
		if _, err := s.DeleteFinished(t.Context(), 0, 1_000_000); err != nil {
			rt.Fatal(err)
		}
		if _, err := s.ForgetDeleted(t.Context(), 0, 1_000_000); err != nil {
			rt.Fatal(err)
		}
		step := func(f func(*rapid.T)) func(*rapid.T) {
			return func(rt *rapid.T) { m.model.step++; f(rt) }
		}
		rt.Repeat(map[string]func(*rapid.T){
			"insert": step(m.insert), "insert again": step(m.insert), "claim": step(m.claim), "record": step(m.record),
			"extend": step(m.extend), "transition": step(m.transition), "clean up": step(m.cleanUp), "forget": step(m.forget),
			"": m.check,
		})
	})
	t.Logf("%d random runs", runs)
}

func (m *machine) insert(t *rapid.T) {
	var batch []store.NewTask
	for range rapid.IntRange(1, 4).Draw(t, "tasks") {
		n := newTask(at(rapid.SampledFrom(m.endpoints).Draw(t, "endpoint")), of(rapid.SampledFrom(m.clients).Draw(t, "client")))
		n.Source = []byte(rapid.SampledFrom([]string{`{"m":"one"}`, `{"m":"two"}`, `{"m":"ONE two"}`}).Draw(t, "source"))
		n.Ref = rapid.SampledFrom([]string{"r1", "r2"}).Draw(t, "ref")
		n.IdempotencyKey = rapid.SampledFrom([]string{"", "", "k1", "k2"}).Draw(t, "key")
		switch rapid.SampledFrom([]string{"plain", "plain", "held", "delayed", "leased", "expired"}).Draw(t, "shape") {
		case "held":
			n.Hold = "by the model"
		case "delayed":
			n.Delay = time.Hour
		case "leased":
			n.LeaseFor = longLease
		case "expired":
			n.LeaseFor = expiredLease
		}
		batch = append(batch, n)
	}
	results, err := m.s.InsertTasks(t.Context(), batch)
	if err != nil || len(results) != len(batch) {
		t.Fatalf("InsertTasks gave %d results, %v", len(results), err)
	}
	for i, r := range results {
		m.inserted(t, batch[i], r)
	}
}

// inserted judges one result and brings the model up to it.
func (m *machine) inserted(t *rapid.T, n store.NewTask, r store.InsertResult) {
	key := modelKey{n.ClientID, n.EndpointID, n.IdempotencyKey}
	if first, used := m.model.keys[key]; used && n.IdempotencyKey != "" {
		if first.body != string(n.Source) {
			if !errors.Is(r.Err, store.ErrIdempotencyMismatch) {
				t.Fatalf("key with another body gave %+v", r)
			}
			return
		}
		if r.Err != nil || !r.Replayed || r.TaskID != first.id || r.Held != first.held || r.Leased != nil {
			t.Fatalf("repeated key gave %+v, want the first answer %+v", r, first)
		}
		return
	}
	if r.Err != nil || r.Replayed || m.model.tasks[r.TaskID] != nil || r.Held != (n.Hold != "") || (r.Leased != nil) != (n.LeaseFor > 0) {
		t.Fatalf("new task %+v gave %+v", n, r)
	}
	task := &modelTask{
		status: dispatchapy.StatusPending, endpoint: n.EndpointID, client: n.ClientID,
		source: string(n.Source), ref: n.Ref, due: m.model.step,
	}
	switch {
	case r.Held:
		task.status = dispatchapy.StatusHeld
	case r.Leased != nil:
		m.lease(task, *r.Leased, n.LeaseFor)
	case n.Delay > 0:
		task.due = never
	}
	m.model.tasks[r.TaskID] = task
	if n.IdempotencyKey != "" {
		m.model.keys[key] = modelAnswer{r.TaskID, string(n.Source), r.Held}
	}
}

func (m *machine) lease(task *modelTask, l store.Leased, d time.Duration) {
	task.status, task.fence, task.due = dispatchapy.StatusProcessing, l.Lease.Fence, m.leaseEnd(d)
	m.model.given = append(m.model.given, l.Lease)
}

func (m *machine) leaseEnd(d time.Duration) int {
	if d == expiredLease {
		return m.model.step
	}
	return never
}

var leaseDurations = rapid.SampledFrom([]time.Duration{longLease, longLease, expiredLease})

func (m *machine) claim(t *rapid.T) {
	c := store.Claim{LeaseFor: leaseDurations.Draw(t, "lease")}
	for _, endpoint := range m.endpoints {
		c.Lanes = append(c.Lanes, store.LaneClaim{EndpointID: endpoint, Limit: rapid.IntRange(0, 4).Draw(t, "limit")})
	}
	claimed, err := m.s.ClaimDue(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, lane := range c.Lanes {
		m.claimed(t, lane, c.LeaseFor, claimed)
	}
}

// claimed judges what one lane got.
func (m *machine) claimed(t *rapid.T, lane store.LaneClaim, leaseFor time.Duration, claimed store.Claimed) {
	due, _ := m.model.lane(lane.EndpointID)
	got, latest := 0, 0
	for _, l := range claimed.Tasks {
		task := m.model.tasks[l.Task.ID]
		if task == nil || !slices.Contains(due, l.Task.ID) && task.endpoint == lane.EndpointID {
			t.Fatalf("claimed task %+v is not due: %+v", l, task)
		}
		if task.endpoint != lane.EndpointID {
			continue
		}
		if l.Lease.TaskID != l.Task.ID || l.Lease.Fence <= task.fence {
			t.Fatalf("lease %+v of task %d, whose fence was %d", l.Lease, l.Task.ID, task.fence)
		}
		if task.due < latest {
			t.Fatalf("task %d became due before the one claimed before it", l.Task.ID)
		}
		latest = task.due
		got++
		due = slices.DeleteFunc(due, func(id int64) bool { return id == l.Task.ID })
		m.lease(task, l, leaseFor)
	}
	if got > lane.Limit || got < lane.Limit && len(due) > 0 {
		t.Fatalf("lane got %d tasks with limit %d, and %d due ones are left", got, lane.Limit, len(due))
	}
	for _, id := range due {
		if m.model.tasks[id].due < latest {
			t.Fatalf("task %d was passed over although it became due earlier", id)
		}
	}
	m.nextDue(t, lane.EndpointID, claimed)
}

func (m *machine) nextDue(t *rapid.T, endpoint int64, claimed store.Claimed) {
	due, waiting := m.model.lane(endpoint)
	wait, announced := claimed.NextDue[endpoint]
	if announced != (len(due)+waiting > 0) {
		t.Fatalf("next due announced: %v, with %d due and %d waiting", announced, len(due), waiting)
	}
	// A lease that has just been given for a moment may count as ended or not.
	if announced && (len(due) > 0 && wait > time.Second || len(due) == 0 && wait < time.Minute) {
		t.Fatalf("next task is due in %v, with %d due and %d waiting", wait, len(due), waiting)
	}
}

// someLeases draws leases that were given out at any time, and one that never
// was. No task comes twice.
func (m *machine) someLeases(t *rapid.T) []store.Lease {
	picked := []store.Lease{{TaskID: 1 << 41, Fence: 1}}
	for range rapid.IntRange(0, 4).Draw(t, "leases") {
		if len(m.model.given) == 0 {
			break
		}
		// Counted from the end: late leases are the ones that may be held.
		back := rapid.IntRange(1, len(m.model.given)).Draw(t, "lease")
		lease := m.model.given[len(m.model.given)-back]
		if !slices.ContainsFunc(picked, func(l store.Lease) bool { return l.TaskID == lease.TaskID }) {
			picked = append(picked, lease)
		}
	}
	return picked
}

func (m *machine) notHeld(leases []store.Lease) []store.Lease {
	return slices.DeleteFunc(slices.Clone(leases), m.model.holds)
}

func (m *machine) record(t *rapid.T) {
	leases := m.someLeases(t)
	want := m.notHeld(leases)
	var outcomes []store.Outcome
	for _, lease := range leases {
		o := store.Outcome{
			Lease:  lease,
			Status: rapid.SampledFrom([]dispatchapy.Status{dispatchapy.StatusSuccess, dispatchapy.StatusFailed, dispatchapy.StatusPending}).Draw(t, "status"),
		}
		if o.Status == dispatchapy.StatusPending {
			o.RetryIn = rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(t, "retry")
		}
		task := m.model.tasks[lease.TaskID]
		if m.model.holds(lease) {
			for range rapid.IntRange(0, 2).Draw(t, "attempts") {
				task.count++
				task.allAttempts++
				o.Attempts = append(o.Attempts, dispatchapy.Attempt{
					Number: task.base + task.count, ResourceID: resourceA, Outcome: dispatchapy.OutcomeFailed, StartedAt: now(),
				})
			}
			task.status, task.due = o.Status, m.model.step
			if o.RetryIn > 0 {
				task.due = never
			}
		}
		outcomes = append(outcomes, o)
	}
	stale, err := m.s.RecordOutcomes(t.Context(), outcomes)
	if err != nil || !slices.Equal(stale, want) {
		t.Fatalf("stale leases %+v, %v; want %+v", stale, err, want)
	}
}

func (m *machine) extend(t *rapid.T) {
	leases := m.someLeases(t)
	by := leaseDurations.Draw(t, "by")
	lost, err := m.s.ExtendLeases(t.Context(), leases, by)
	if want := m.notHeld(leases); err != nil || !slices.Equal(lost, want) {
		t.Fatalf("lost leases %+v, %v; want %+v", lost, err, want)
	}
	for _, lease := range leases {
		if m.model.holds(lease) {
			m.model.tasks[lease.TaskID].due = m.leaseEnd(by)
		}
	}
}

func (m *machine) transition(t *rapid.T) {
	known := slices.Sorted(maps.Keys(m.model.tasks))
	known = slices.AppendSeq(known, slices.Values(slices.Sorted(maps.Keys(m.model.deleted))))
	ids := []int64{1 << 41}
	for range rapid.IntRange(0, 4).Draw(t, "ids") {
		if len(known) > 0 {
			ids = append(ids, rapid.SampledFrom(known).Draw(t, "id"))
		}
	}
	tr := store.Transition{
		Action: rapid.SampledFrom(manualActions).Draw(t, "action"), By: "model",
		ClientID: rapid.SampledFrom(append([]int64{0, 0}, m.clients...)).Draw(t, "as client"),
		Within:   time.Hour,
	}
	results, err := m.s.TransitionTasks(t.Context(), ids, tr)
	if err != nil || len(results) != len(ids) {
		t.Fatalf("TransitionTasks gave %+v, %v", results, err)
	}
	for i, r := range results {
		if r.ID != ids[i] {
			t.Fatalf("result %d is about task %d, want %d", i, r.ID, ids[i])
		}
		m.transitioned(t, tr, r)
	}
}

func (m *machine) transitioned(t *rapid.T, tr store.Transition, r store.TransitionResult) {
	task := m.model.tasks[r.ID]
	if gone := m.model.deleted[r.ID]; gone != nil && tr.Action == dispatchapy.ActionRestore && (tr.ClientID == 0 || tr.ClientID == gone.client) {
		if r.Err != nil || r.Status != gone.status {
			t.Fatalf("restoring a task that was %s gave %+v", gone.status, r)
		}
		delete(m.model.deleted, r.ID)
		m.model.tasks[r.ID] = gone
		return
	}
	if task == nil || tr.ClientID != 0 && task.client != tr.ClientID {
		if !errors.Is(r.Err, store.ErrNotFound) {
			t.Fatalf("%s of a task that is not there gave %+v", tr.Action, r)
		}
		return
	}
	next, allowed := tr.Action.Next(task.status)
	if !allowed {
		if dispatchapy.ErrorCode(r.Err) != dispatchapy.CodeConflict {
			t.Fatalf("%s of a task that is %s gave %+v", tr.Action, task.status, r)
		}
		return
	}
	if r.Err != nil || r.Status != next {
		t.Fatalf("%s of a task that is %s gave %+v", tr.Action, task.status, r)
	}
	switch tr.Action {
	case dispatchapy.ActionDelete:
		delete(m.model.tasks, r.ID)
		m.model.deleted[r.ID] = task
		return // with the status that it had
	case dispatchapy.ActionRetry:
		task.base, task.count, task.due = task.base+task.count, 0, m.model.step
	case dispatchapy.ActionSend:
		task.due = m.model.step
	}
	task.status = next
}

func (m *machine) cleanUp(t *rapid.T) {
	limit := rapid.IntRange(1, 5).Draw(t, "limit")
	n, err := m.s.DeleteFinished(t.Context(), 0, limit)
	if err != nil {
		t.Fatal(err)
	}
	var finished, gone int
	for id, task := range m.model.tasks {
		if task.status != dispatchapy.StatusSuccess && task.status != dispatchapy.StatusFailed {
			continue
		}
		finished++
		if _, err := m.s.Task(t.Context(), id); errors.Is(err, store.ErrNotFound) {
			gone++
			delete(m.model.tasks, id)
		}
	}
	if n != gone || n != min(limit, finished) {
		t.Fatalf("clean-up says %d, %d are gone, of %d finished with limit %d", n, gone, finished, limit)
	}
}

// forget makes what was deleted final.
func (m *machine) forget(t *rapid.T) {
	n, err := m.s.ForgetDeleted(t.Context(), 0, 1000)
	if err != nil || n != len(m.model.deleted) {
		t.Fatalf("%d deleted tasks were forgotten, %v; want %d", n, err, len(m.model.deleted))
	}
	clear(m.model.deleted)
}

// check compares everything that can be seen.
func (m *machine) check(t *rapid.T) {
	filter := store.TaskFilter{ClientIDs: m.clients}
	match := func(*modelTask) bool { return true }
	switch rapid.IntRange(0, 4).Draw(t, "filter") {
	case 1:
		filter.Text, match = "one", func(task *modelTask) bool { return task.source != `{"m":"two"}` }
	case 2:
		filter.Ref, match = "r2", func(task *modelTask) bool { return task.ref == "r2" }
	case 3:
		status := rapid.SampledFrom(dispatchapy.Statuses).Draw(t, "status")
		filter.Statuses, match = []dispatchapy.Status{status}, func(task *modelTask) bool { return task.status == status }
	case 4:
		filter.EndpointIDs, match = m.endpoints[:1], func(task *modelTask) bool { return task.endpoint == m.endpoints[0] }
	}
	var want []int64
	for id, task := range m.model.tasks {
		if match(task) {
			want = append(want, id)
		}
	}
	if counts, err := m.s.CountTasks(t.Context(), []store.TaskFilter{filter}, 100); err != nil || !fitting(counts[0], len(want)) {
		t.Fatalf("%+v counts %+v, %v; want %d", filter, counts, err, len(want))
	}
	got := m.list(t, filter)
	if ids := idsOf(got); !slices.Equal(ids, newestFirst(want...)) {
		t.Fatalf("list of %+v gives %v, want %v", filter, ids, newestFirst(want...))
	}
	for _, task := range got {
		m.checkTask(t, task)
	}
}

func (m *machine) checkTask(t *rapid.T, got dispatchapy.Task) {
	w := m.model.tasks[got.ID]
	want := fmt.Sprint(w.status, w.endpoint, w.client, w.source, w.ref, w.count, w.base, !w.status.Finished())
	have := fmt.Sprint(got.Status, got.EndpointID, got.ClientID, string(got.Source), got.Ref, got.AttemptCount, got.AttemptBase, got.FinishedAt.IsZero())
	if have != want {
		t.Fatalf("task %d is\n%s, want\n%s", got.ID, have, want)
	}
}

func (m *machine) list(t *rapid.T, filter store.TaskFilter) []dispatchapy.Task {
	var all []dispatchapy.Task
	q := store.TaskQuery{Filter: filter, Limit: rapid.SampledFrom([]int{3, 100}).Draw(t, "page")}
	for {
		page, err := m.s.ListTasks(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Tasks...)
		if page.Next == 0 {
			return all
		}
		if q.Before != 0 && page.Next >= q.Before {
			t.Fatalf("paging stands still at %d", page.Next)
		}
		q.Before = page.Next
	}
}

func idsOf(tasks []dispatchapy.Task) []int64 {
	ids := []int64{}
	for _, task := range tasks {
		ids = append(ids, task.ID)
	}
	return ids
}
