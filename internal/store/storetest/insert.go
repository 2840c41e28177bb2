package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

var insertCases = []testCase{
	{"EveryFieldIsKept", testInsertFields},
	{"ResultsInOrder", testInsertOrder},
	{"EmptyBatch", testInsertEmpty},
	{"SourceByteForByte", testInsertSource},
	{"Held", testInsertHeld},
	{"MadeFromAnother", testInsertResent},
	{"Leased", testInsertLeased},
	{"LeaseNeverForHeldOrDelayed", testInsertLeaseMisused},
	{"ConcurrentCallersGetTheirOwn", testInsertConcurrent},
	{"IDsAreNotReused", testInsertIDs},
}

func testInsertFields(t *testing.T, s store.Store) {
	before := now()
	n := newTask(at(endpointB), of(clientB), withSource(`{"ref":"ü-1","scope":"prod"}`))
	n.Ref, n.Scope, n.MaxAttempts = "ü-1", "prod", 7
	id := insert(t, s, n)[0]
	d := detail(t, s, id)
	task := d.Task

	if after := time.Now(); task.CreatedAt.Before(before) || task.CreatedAt.After(after) {
		t.Errorf("created at %v, want between %v and %v", task.CreatedAt, before, after)
	}
	if !task.BudgetFrom.Equal(task.CreatedAt) {
		t.Errorf("budget from %v, want the creation time %v", task.BudgetFrom, task.CreatedAt)
	}
	task.CreatedAt, task.BudgetFrom, task.RunAt = time.Time{}, time.Time{}, time.Time{}
	equal(t, "task", task, dispatchapy.Task{
		ID: id, Status: dispatchapy.StatusPending,
		EndpointID: endpointB, ClientID: clientB, Ref: "ü-1", Scope: "prod",
		Source: n.Source, MaxAttempts: 7,
	})
	if len(d.Attempts) != 0 {
		t.Errorf("a new task has attempts: %+v", d.Attempts)
	}
}

func testInsertOrder(t *testing.T, s store.Store) {
	ids := insert(t, s, numbered(50)...)
	for i, id := range ids {
		if got, want := string(detail(t, s, id).Task.Source), fmt.Sprintf(`{"n":%d}`, i); got != want {
			t.Errorf("result %d is the id of the task with source %s, want %s", i, got, want)
		}
		if i > 0 && id <= ids[i-1] {
			t.Errorf("ids do not ascend: %d after %d", id, ids[i-1])
		}
	}
}

func testInsertEmpty(t *testing.T, s store.Store) {
	submit(t, s)
	equal(t, "tasks", pages(t, s, store.TaskFilter{}, 10), nil)
}

func testInsertSource(t *testing.T, s store.Store) {
	var sources []string
	sources = append(sources,
		`{"big":9223372036854775807,"more":12345678901234567890,"dec":0.1000,"exp":1e400}`,
		"{ \"a\" :\t1 ,\r\n \"b\":\"\\u00e9\\ud83d\\ude00\" }",
		`{"quote":"'; DROP TABLE tasks; --","percent":"100%_\\"}`,
		`{"nul":"\u0000","raw":"é😀"}`,
		`{"long":"`+strings.Repeat("x", 1<<20)+`"}`,
		`{}`,
	)
	for _, source := range sources {
		id := insertOne(t, s, withSource(source))
		if got := detail(t, s, id).Task.Source; !bytes.Equal(got, []byte(source)) {
			t.Errorf("source came back changed: %.80q, want %.80q", got, source)
		}
		l := claimOne(t, s, endpointA)
		if !bytes.Equal(l.Task.Source, []byte(source)) {
			t.Errorf("claimed source is changed: %.80q, want %.80q", l.Task.Source, source)
		}
	}
}

func testInsertHeld(t *testing.T, s store.Store) {
	r := submit(t, s, newTask(held("client shop holds its tasks")))[0]
	if r.Err != nil || !r.Held {
		t.Fatalf("result is %+v, want held", r)
	}
	d := detail(t, s, r.TaskID)
	if d.Task.Status != dispatchapy.StatusHeld {
		t.Errorf("status %s, want held", d.Task.Status)
	}
	if len(d.Log) != 1 || !strings.Contains(d.Log[0].Message, "client shop holds its tasks") {
		t.Errorf("log %+v does not say why it is held", d.Log)
	}
	if c := claim(t, s, endpointA, 10, longLease); len(c.Tasks) != 0 || len(c.NextDue) != 0 {
		t.Errorf("a held task was given out or announced: %+v", c)
	}
	if r := submit(t, s, newTask())[0]; r.Held {
		t.Error("an ordinary task is answered as held")
	}
}

func testInsertLeased(t *testing.T, s store.Store) {
	l := insertLeased(t, s, at(endpointB))
	if l.Lease.TaskID != l.Task.ID || l.Task.Status != dispatchapy.StatusProcessing {
		t.Errorf("leased %+v, want a task that is processing under its own lease", l)
	}
	equal(t, "leased task", l.Task, detail(t, s, l.Task.ID).Task)
	if c := claim(t, s, endpointB, 10, longLease); len(c.Tasks) != 0 {
		t.Fatal("a task inserted leased was given to somebody else")
	}
	record(t, s, store.Outcome{Lease: l.Lease, Status: dispatchapy.StatusSuccess})
	if got := detail(t, s, l.Task.ID).Task.Status; got != dispatchapy.StatusSuccess {
		t.Errorf("status %s after its outcome, want success", got)
	}

	short := submit(t, s, newTask(at(endpointB), leased(expiredLease)))[0].Leased
	if short == nil {
		t.Fatal("a task inserted with a lease came back without")
	}
	again := claimOne(t, s, endpointB)
	if again.Task.ID != short.Task.ID || again.Lease.Fence <= short.Lease.Fence {
		t.Errorf("after its lease ran out it was claimed as %+v, first lease %+v", again.Lease, short.Lease)
	}
}

func testInsertLeaseMisused(t *testing.T, s store.Store) {
	for _, option := range []func(*store.NewTask){held("by the test"), delayed(time.Hour)} {
		r := submit(t, s, newTask(leased(longLease), option))[0]
		if r.Err != nil {
			continue // to refuse it is as good as to ignore the lease
		}
		if r.Leased != nil || detail(t, s, r.TaskID).Task.Status == dispatchapy.StatusProcessing {
			t.Errorf("a held or delayed task was handed out for sending: %+v", r)
		}
	}
}

func testInsertConcurrent(t *testing.T, s store.Store) {
	const callers, calls = 16, 10
	var mu sync.Mutex
	seen := map[int64]bool{}
	each(callers, func(i int) {
		for j := range calls {
			source := fmt.Sprintf(`{"caller":%d,"call":%d}`, i, j)
			results, err := s.InsertTasks(t.Context(), []store.NewTask{newTask(withSource(source)), newTask(held("x"))})
			if err != nil || results[0].Err != nil || results[1].Err != nil {
				t.Errorf("InsertTasks: %v, %+v", err, results)
				return
			}
			d, err := s.Task(t.Context(), results[0].TaskID)
			if err != nil || string(d.Task.Source) != source {
				t.Errorf("caller %d got the id of another's task: %s, %v", i, d.Task.Source, err)
			}
			if results[0].Held || !results[1].Held {
				t.Errorf("results are not in the order of the input: %+v", results)
			}
			mu.Lock()
			for _, r := range results {
				if seen[r.TaskID] {
					t.Errorf("id %d was given twice", r.TaskID)
				}
				seen[r.TaskID] = true
			}
			mu.Unlock()
		}
	})
	if len(seen) != callers*calls*2 {
		t.Errorf("%d tasks were acknowledged, want %d", len(seen), callers*calls*2)
	}
	if got := len(pages(t, s, store.TaskFilter{}, 100)); got != len(seen) {
		t.Errorf("%d tasks are listed, want %d", got, len(seen))
	}
}

func testInsertIDs(t *testing.T, s store.Store) {
	first := insertOne(t, s)
	transition(t, s, dispatchapy.ActionDelete, first)
	if second := insertOne(t, s); second <= first {
		t.Errorf("id %d was given after %d was deleted", second, first)
	}
}

var idempotencyCases = []testCase{
	{"Replay", testKeyReplay},
	{"ReplayAfterTheTaskMovedOn", testKeyReplayLater},
	{"OtherBodyIsRefused", testKeyMismatch},
	{"ScopedToClientAndEndpoint", testKeyScope},
	{"WithinOneBatch", testKeyBatch},
	{"ConcurrentDuplicatesMakeOneTask", testKeyConcurrent},
	{"RetentionLeavesLiveKeys", testKeyRetention},
}

func testKeyReplay(t *testing.T, s store.Store) {
	for name, options := range map[string][]func(*store.NewTask){
		"queued": {withKey("k-queued")},
		"held":   {withKey("k-held"), held("by the test")},
		"leased": {withKey("k-leased"), leased(longLease)},
	} {
		first := submit(t, s, newTask(options...))[0]
		if first.Err != nil || first.Replayed {
			t.Fatalf("%s: first result %+v, want a new task", name, first)
		}
		again := submit(t, s, newTask(options...))[0]
		equal(t, name+": replayed result", again, store.InsertResult{Receipt: dispatchapy.Receipt{
			TaskID: first.TaskID, Held: first.Held, Replayed: true,
		}})
	}
	if got := len(pages(t, s, store.TaskFilter{}, 10)); got != 3 {
		t.Errorf("%d tasks are stored, want 3", got)
	}
}

func testKeyReplayLater(t *testing.T, s store.Store) {
	n := newTask(withKey("k"), held("by the test"))
	first := submit(t, s, n)[0]
	transition(t, s, dispatchapy.ActionSend, first.TaskID)
	n.Hold = ""
	again := submit(t, s, n)[0]
	if again.TaskID != first.TaskID || !again.Replayed || !again.Held {
		t.Errorf("replay gave %+v, want the first answer %+v", again, first)
	}
	transition(t, s, dispatchapy.ActionDelete, first.TaskID)
	gone := submit(t, s, n)[0]
	if gone.TaskID != first.TaskID || !gone.Replayed {
		t.Errorf("replay after the task was deleted gave %+v, want the first answer", gone)
	}
}

func testKeyMismatch(t *testing.T, s store.Store) {
	first := insertOne(t, s, withKey("k"), withSource(`{"a":1}`))
	r := submit(t, s, newTask(withKey("k"), withSource(`{"a":2}`)))[0]
	if !errors.Is(r.Err, store.ErrIdempotencyMismatch) {
		t.Errorf("another body under the same key gave %+v, want ErrIdempotencyMismatch", r)
	}
	equal(t, "tasks", pages(t, s, store.TaskFilter{}, 10), []int64{first})
}

func testKeyScope(t *testing.T, s store.Store) {
	results := submit(t, s,
		newTask(withKey("k")),
		newTask(withKey("k"), of(clientB)),
		newTask(withKey("k"), at(endpointB)),
		newTask(withKey("K")),
		newTask(),
		newTask(),
	)
	for i, r := range results {
		if r.Err != nil || r.Replayed {
			t.Errorf("task %d gave %+v, want a task of its own", i, r)
		}
	}
}

func testKeyBatch(t *testing.T, s store.Store) {
	r := submit(t, s,
		newTask(withKey("k"), withSource(`{"a":1}`)),
		newTask(withSource(`{"neighbour":1}`)),
		newTask(withKey("k"), withSource(`{"a":1}`)),
		newTask(withKey("k"), withSource(`{"a":2}`)),
		newTask(withSource(`{"neighbour":2}`)),
	)
	if r[0].Err != nil || r[0].Replayed || r[2].Err != nil || !r[2].Replayed || r[2].TaskID != r[0].TaskID {
		t.Errorf("duplicates in one batch gave %+v and %+v", r[0], r[2])
	}
	if !errors.Is(r[3].Err, store.ErrIdempotencyMismatch) {
		t.Errorf("mismatch in one batch gave %+v", r[3])
	}
	for _, i := range []int{1, 4} {
		if r[i].Err != nil {
			t.Errorf("a bad task sank its neighbour: %v", r[i].Err)
		}
	}
	equal(t, "tasks", pages(t, s, store.TaskFilter{}, 10), newestFirst(r[0].TaskID, r[1].TaskID, r[4].TaskID))
}

func testKeyConcurrent(t *testing.T, s store.Store) {
	const callers = 16
	results := make([]store.InsertResult, callers)
	each(callers, func(i int) {
		r, err := s.InsertTasks(t.Context(), []store.NewTask{newTask(withKey("k"))})
		if err != nil {
			t.Errorf("InsertTasks: %v", err)
			return
		}
		results[i] = r[0]
	})
	fresh := 0
	for _, r := range results {
		if r.Err != nil || r.TaskID != results[0].TaskID {
			t.Errorf("duplicate gave %+v, want task %d", r, results[0].TaskID)
		}
		if !r.Replayed {
			fresh++
		}
	}
	if fresh != 1 {
		t.Errorf("%d callers were told that the task is new, want 1", fresh)
	}
}

func testKeyRetention(t *testing.T, s store.Store) {
	first := insertOne(t, s, withKey("k"))
	n, err := s.DeleteExpiredKeys(t.Context(), 100)
	if err != nil || n != 0 {
		t.Fatalf("DeleteExpiredKeys gave %d, %v; the only key is a moment old", n, err)
	}
	if r := submit(t, s, newTask(withKey("k")))[0]; r.TaskID != first || !r.Replayed {
		t.Errorf("the key is forgotten: %+v", r)
	}
}
