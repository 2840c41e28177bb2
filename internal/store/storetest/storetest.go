// Package storetest is the conformance suite for drivers of [store.Store]: it
// turns the rules written beside the interface into tests, and every driver
// runs all of it.
//
// A driver's test file calls Run, RunReopen, RunCrash and RunBackup, and its
// benchmark file Bench. The suite knows nothing of any driver; where two drivers may
// rightly differ (which of two equally due tasks comes first) it accepts both.
package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// Opener opens a store on a new, empty database. The suite closes the store;
// the opener cleans up whatever else it made (t.Cleanup, t.TempDir).
type Opener func(t testing.TB) store.Store

// testCase is one rule. It gets a store of its own.
type testCase struct {
	name string
	run  func(t *testing.T, s store.Store)
}

// Run checks a driver against every rule that needs one open store.
func Run(t *testing.T, open Opener) {
	t.Helper()
	// Alone and first: it counts goroutines, which others would disturb.
	t.Run("CloseLeavesNothingBehind", func(t *testing.T) { testNoLeak(t, open) })

	runGroups(t, open, []group{
		{"Insert", insertCases},
		{"Idempotency", idempotencyCases},
		{"Claim", claimCases},
		{"Lease", leaseCases},
		{"Outcome", outcomeCases},
		{"Transition", transitionCases},
		{"Undo", undoCases},
		{"List", listCases},
		{"Search", searchCases},
		{"Retention", retentionCases},
		{"Config", configCases},
		{"Probes", probeCases},
		{"Uptime", uptimeCases},
		{"Incidents", incidentCases},
		{"Plans", planCases},
		{"Notifications", notificationCases},
		{"Conditions", conditionCases},
		{"Audit", auditCases},
		{"Sessions", sessionCases},
		{"TokenUse", tokenUseCases},
		{"Preferences", preferenceCases},
		{"Stats", statsCases},
		{"Import", importCases},
		{"Life", lifeCases},
		{"Model", modelCases},
	})
}

// RunSearch checks the part of Run that is about finding tasks. It is for
// drivers that have another way of doing it among many tasks than among few.
func RunSearch(t *testing.T, open Opener) {
	t.Helper()
	runGroups(t, open, []group{{"List", listCases}, {"Search", searchCases}, {"Undo", undoCases}, {"Model", modelCases}})
}

type group struct {
	name  string
	cases []testCase
}

func runGroups(t *testing.T, open Opener, groups []group) {
	t.Helper()
	for _, group := range groups {
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range group.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.run(t, opened(t, open))
				})
			}
		})
	}
}

// opened opens a store that is closed at the end of the test.
func opened(t testing.TB, open Opener) store.Store {
	t.Helper()
	s := open(t)
	t.Cleanup(func() {
		// A test may have closed it already.
		if err := s.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// Ids used throughout. The store does not demand that configuration objects
// exist: tasks outlive them.
const (
	endpointA = int64(11)
	endpointB = int64(12)
	clientA   = int64(21)
	clientB   = int64(22)
	resourceA = int64(31)
	resourceB = int64(32)
)

const (
	// longLease outlives every test.
	longLease = time.Hour
	// expiredLease has run out by the time that the caller holds it, so that
	// expiry can be tested without waiting.
	expiredLease = time.Nanosecond
	// patience bounds every wait. Reaching it is a failure.
	patience = 20 * time.Second
)

// newTask gives a plain task for endpointA and clientA, due at once, changed
// by the options.
func newTask(options ...func(*store.NewTask)) store.NewTask {
	n := store.NewTask{Submission: dispatchapy.Submission{
		EndpointID:  endpointA,
		ClientID:    clientA,
		Ref:         "r1",
		Scope:       "test",
		Source:      []byte(`{"ref":"r1","scope":"test","message":"hello"}`),
		MaxAttempts: 5,
	}}
	for _, option := range options {
		option(&n)
	}
	return n
}

func at(endpointID int64) func(*store.NewTask) {
	return func(n *store.NewTask) { n.EndpointID = endpointID }
}

func of(clientID int64) func(*store.NewTask) {
	return func(n *store.NewTask) { n.ClientID = clientID }
}

func withSource(source string) func(*store.NewTask) {
	return func(n *store.NewTask) { n.Source = []byte(source) }
}

func withKey(key string) func(*store.NewTask) {
	return func(n *store.NewTask) { n.IdempotencyKey = key }
}

func delayed(d time.Duration) func(*store.NewTask) {
	return func(n *store.NewTask) { n.Delay = d }
}

func leased(d time.Duration) func(*store.NewTask) {
	return func(n *store.NewTask) { n.LeaseFor = d }
}

func held(reason string) func(*store.NewTask) {
	return func(n *store.NewTask) { n.Hold = reason }
}

// submit inserts tasks in one call and demands that the call works.
func submit(t testing.TB, s store.Store, tasks ...store.NewTask) []store.InsertResult {
	t.Helper()
	results, err := s.InsertTasks(t.Context(), tasks)
	if err != nil {
		t.Fatalf("InsertTasks: %v", err)
	}
	if len(results) != len(tasks) {
		t.Fatalf("InsertTasks of %d tasks gave %d results", len(tasks), len(results))
	}
	return results
}

// insert inserts tasks in one call, demands that each is accepted, and gives
// their ids.
func insert(t testing.TB, s store.Store, tasks ...store.NewTask) []int64 {
	t.Helper()
	var ids []int64
	for i, r := range submit(t, s, tasks...) {
		if r.Err != nil {
			t.Fatalf("task %d of %d was not inserted: %v", i, len(tasks), r.Err)
		}
		ids = append(ids, r.TaskID)
	}
	return ids
}

// insertOne inserts one task and gives its id.
func insertOne(t testing.TB, s store.Store, options ...func(*store.NewTask)) int64 {
	t.Helper()
	return insert(t, s, newTask(options...))[0]
}

// insertLeased inserts one task that the caller holds.
func insertLeased(t testing.TB, s store.Store, options ...func(*store.NewTask)) store.Leased {
	t.Helper()
	r := submit(t, s, newTask(append(options, leased(longLease))...))[0]
	if r.Err != nil || r.Leased == nil {
		t.Fatalf("inserting a leased task gave %+v", r)
	}
	return *r.Leased
}

// claim leases up to limit due tasks of one endpoint.
func claim(t testing.TB, s store.Store, endpointID int64, limit int, lease time.Duration) store.Claimed {
	t.Helper()
	claimed, err := s.ClaimDue(t.Context(), store.Claim{
		LeaseFor: lease,
		Lanes:    []store.LaneClaim{{EndpointID: endpointID, Limit: limit}},
	})
	if err != nil {
		t.Fatalf("ClaimDue: %v", err)
	}
	return claimed
}

// claimOne leases the one due task of an endpoint.
func claimOne(t testing.TB, s store.Store, endpointID int64) store.Leased {
	t.Helper()
	claimed := claim(t, s, endpointID, 10, longLease)
	if len(claimed.Tasks) != 1 {
		t.Fatalf("endpoint %d has %d due tasks, want 1", endpointID, len(claimed.Tasks))
	}
	return claimed.Tasks[0]
}

// record records one outcome and demands that its lease is still held.
func record(t testing.TB, s store.Store, outcome store.Outcome) {
	t.Helper()
	stale, err := s.RecordOutcomes(t.Context(), []store.Outcome{outcome})
	if err != nil {
		t.Fatalf("RecordOutcomes: %v", err)
	}
	if len(stale) != 0 {
		t.Fatalf("outcome for lease %+v was stale", outcome.Lease)
	}
}

// transition applies an action of any client to tasks.
func transition(t testing.TB, s store.Store, action dispatchapy.Action, ids ...int64) []store.TransitionResult {
	t.Helper()
	results, err := s.TransitionTasks(t.Context(), ids, store.Transition{Action: action, By: "tester", Within: time.Hour})
	if err != nil {
		t.Fatalf("TransitionTasks(%s): %v", action, err)
	}
	if len(results) != len(ids) {
		t.Fatalf("TransitionTasks(%s) of %d tasks gave %d results", action, len(ids), len(results))
	}
	for i, r := range results {
		if r.ID != ids[i] {
			t.Fatalf("result %d is about task %d, want %d", i, r.ID, ids[i])
		}
	}
	return results
}

// detail reads one task that must exist.
func detail(t testing.TB, s store.Store, id int64) store.TaskDetail {
	t.Helper()
	d, err := s.Task(t.Context(), id)
	if err != nil {
		t.Fatalf("Task(%d): %v", id, err)
	}
	if d.Task.ID != id {
		t.Fatalf("Task(%d) gave task %d", id, d.Task.ID)
	}
	return d
}

// taskIn makes a task in the given status and gives its id.
func taskIn(t testing.TB, s store.Store, status dispatchapy.Status, options ...func(*store.NewTask)) int64 {
	t.Helper()
	switch status {
	case dispatchapy.StatusPending:
		return insertOne(t, s, options...)
	case dispatchapy.StatusProcessing:
		return insertLeased(t, s, options...).Task.ID
	case dispatchapy.StatusSuccess, dispatchapy.StatusFailed:
		l := insertLeased(t, s, options...)
		record(t, s, store.Outcome{Lease: l.Lease, Status: status})
		return l.Task.ID
	case dispatchapy.StatusStopped:
		id := insertOne(t, s, options...)
		if r := transition(t, s, dispatchapy.ActionStop, id)[0]; r.Err != nil {
			t.Fatalf("stopping a pending task: %v", r.Err)
		}
		return id
	case dispatchapy.StatusHeld:
		return insertOne(t, s, append(options, held("for the test"))...)
	}
	t.Fatalf("unknown status %q", status)
	return 0
}

// pages follows a list to its end and gives the ids. It checks what holds for
// every page: newest first, below Before, within the limit, moving forward.
func pages(t testing.TB, s store.Store, filter store.TaskFilter, limit int) []int64 {
	t.Helper()
	ids := []int64{}
	for _, task := range pagesOfTasks(t, s, filter, limit) {
		ids = append(ids, task.ID)
	}
	return ids
}

func pagesOfTasks(t testing.TB, s store.Store, filter store.TaskFilter, limit int) []dispatchapy.Task {
	t.Helper()
	var all []dispatchapy.Task
	q := store.TaskQuery{Filter: filter, Limit: limit}
	for range 10_000 {
		page := onePage(t, s, q)
		all = append(all, page.Tasks...)
		if page.Next == 0 {
			return all
		}
		q.Before = page.Next
	}
	t.Fatal("the list has no end")
	return nil
}

// onePage reads one page and checks what holds for each.
func onePage(t testing.TB, s store.Store, q store.TaskQuery) store.TaskPage {
	t.Helper()
	page, err := s.ListTasks(t.Context(), q)
	if err != nil {
		t.Fatalf("ListTasks(%+v): %v", q, err)
	}
	if len(page.Tasks) > q.Limit {
		t.Fatalf("a page of at most %d tasks has %d", q.Limit, len(page.Tasks))
	}
	last := q.Before
	for _, task := range page.Tasks {
		if last != 0 && task.ID >= last {
			t.Fatalf("task %d comes after id %d in a list that is newest first", task.ID, last)
		}
		last = task.ID
	}
	if page.Next != 0 && (q.Before != 0 && page.Next >= q.Before || page.Next > last && len(page.Tasks) > 0) {
		t.Fatalf("next page begins below %d, this one ended at %d (before %d)", page.Next, last, q.Before)
	}
	return page
}

// newestFirst gives ids in the order of a list.
func newestFirst(ids ...int64) []int64 {
	sorted := append([]int64{}, ids...)
	slices.SortFunc(sorted, func(a, b int64) int { return int(b - a) })
	return sorted
}

// equal demands that got is want. Empty and nil are the same; times are
// compared as moments.
func equal[T any](t testing.TB, what string, got, want T, options ...cmp.Option) {
	t.Helper()
	options = append(options, cmpopts.EquateEmpty())
	if diff := cmp.Diff(want, got, options...); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// eventually polls until done says so. It is for what only time brings, such
// as a delay running out.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited %s in vain: %s", patience, what)
		}
	}
}

// now gives the time in the resolution that a store must keep at least.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// numbered makes n tasks whose sources tell them apart.
func numbered(n int, options ...func(*store.NewTask)) []store.NewTask {
	tasks := make([]store.NewTask, n)
	for i := range tasks {
		tasks[i] = newTask(append(options, withSource(fmt.Sprintf(`{"n":%d}`, i)))...)
	}
	return tasks
}

// each runs f in n goroutines at once and waits for them.
func each(n int, f func(i int)) {
	start := make(chan struct{})
	done := make(chan struct{})
	for i := range n {
		go func() {
			defer func() { done <- struct{}{} }()
			<-start
			f(i)
		}()
	}
	close(start)
	for range n {
		<-done
	}
}
