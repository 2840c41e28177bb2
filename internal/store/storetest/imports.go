package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"dispatchapy"
	"dispatchapy/internal/store"
)

var importCases = []testCase{
	{"RoundTrip", testImportRoundTrip},
	{"GoesOn", testImportGoesOn},
	{"IsFound", testImportFound},
	{"AllOrNothing", testImportRefused},
	{"IsNotCounted", testImportStats},
	{"Checks", testImportChecks},
	{"Names", testImportNames},
	{"Resent", testResent},
}

func importTasks(t testing.TB, s store.Store, tasks ...store.TaskDetail) []int64 {
	t.Helper()
	ids, err := s.ImportTasks(t.Context(), tasks)
	if err != nil {
		t.Fatalf("ImportTasks: %v", err)
	}
	if len(ids) != len(tasks) {
		t.Fatalf("%d tasks were imported, %d ids came back", len(tasks), len(ids))
	}
	return ids
}

// oldTask makes a task that was accepted long ago elsewhere.
func oldTask(status dispatchapy.Status, ago time.Duration) store.TaskDetail {
	accepted := now().Add(-ago)
	d := store.TaskDetail{
		Task: dispatchapy.Task{
			Status: status, ClientID: clientA, EndpointID: endpointA, ResourceID: resourceB, Ref: "r1", Scope: "old",
			Source:       []byte(`{"ref":"r1","scope":"old","n":12345678901234567890}`),
			AttemptCount: 1, AttemptBase: 1, MaxAttempts: 5, Refused: []int64{resourceA}, LastError: "500",
			CreatedAt: accepted, BudgetFrom: accepted.Add(time.Second), ResendOf: 1 << 40,
		},
		Attempts: []dispatchapy.Attempt{
			{Number: 1, ResourceID: resourceA, Outcome: dispatchapy.OutcomeRefused, StatusCode: 404, Error: dispatchapy.ErrorStatus4xx,
				Detail: "404", StartedAt: accepted, RequestBody: []byte(`{"sent":"once"}`)},
			{Number: 2, ResourceID: resourceB, Outcome: dispatchapy.OutcomeFailed, StatusCode: 500, Error: dispatchapy.ErrorStatus5xx,
				Detail: "500", StartedAt: accepted.Add(time.Second), ResponseBody: []byte("\x00\xff")},
		},
		Log: []dispatchapy.LogEntry{{At: accepted, Message: "first"}, {At: accepted, Message: "second"}},
	}
	if status.Finished() {
		d.Task.FinishedAt = accepted.Add(time.Minute)
	}
	return d
}

func testImportRoundTrip(t *testing.T, s store.Store) {
	before := insertOne(t, s)
	var want []store.TaskDetail
	for _, status := range []dispatchapy.Status{dispatchapy.StatusSuccess, dispatchapy.StatusFailed, dispatchapy.StatusStopped, dispatchapy.StatusHeld, dispatchapy.StatusPending} {
		want = append(want, oldTask(status, 100*24*time.Hour))
	}
	ids := importTasks(t, s, want...)
	last := before
	for i, id := range ids {
		if id <= last {
			t.Errorf("imported tasks have the ids %v after %d, want growing ones", ids, before)
		}
		last = id
		want[i].Task.ID = id
		equal(t, string(want[i].Task.Status), detail(t, s, id), want[i], cmpopts.IgnoreFields(dispatchapy.Task{}, "RunAt"))
	}
}

// testImportGoesOn: what was waiting is sent, and its numbers go on.
func testImportGoesOn(t *testing.T, s store.Store) {
	due, later, odd := oldTask(dispatchapy.StatusPending, time.Hour), oldTask(dispatchapy.StatusPending, time.Hour), oldTask(dispatchapy.StatusPending, time.Hour)
	later.Task.EndpointID, later.Task.RunAt = endpointB, now().Add(time.Hour)
	odd.Task.EndpointID, odd.Task.AttemptCount, odd.Task.AttemptBase = 13, 0, 0 // although there were two attempts
	ids := importTasks(t, s, due, later, odd)

	l := claimOne(t, s, endpointA)
	if l.Task.ID != ids[0] || l.Task.AttemptBase+l.Task.AttemptCount != 2 {
		t.Errorf("claimed %+v, want task %d after two attempts", l.Task, ids[0])
	}
	record(t, s, store.Outcome{Lease: l.Lease, Status: dispatchapy.StatusSuccess})
	if c := claim(t, s, endpointB, 10, longLease); len(c.Tasks) != 0 || c.NextDue[endpointB] < 50*time.Minute || c.NextDue[endpointB] > time.Hour {
		t.Errorf("a task due in an hour: claimed %d, next due in %v", len(c.Tasks), c.NextDue[endpointB])
	}
	l = claimOne(t, s, 13)
	if next := l.Task.AttemptBase + l.Task.AttemptCount + 1; next != 3 || l.Task.AttemptCount != 0 {
		t.Errorf("the next attempt of a task with two has the number %d, and %d are spent; want 3 and 0", next, l.Task.AttemptCount)
	}
	record(t, s, store.Outcome{Lease: l.Lease, Status: dispatchapy.StatusSuccess, Attempts: []dispatchapy.Attempt{try(3, resourceA, dispatchapy.OutcomeDelivered)}})
	if got := detail(t, s, ids[2]).Attempts; len(got) != 3 {
		t.Errorf("attempts %+v, want the two imported ones and a new one", got)
	}
}

// testImportFound: by the time at which they were accepted, by text, and by
// retention, among tasks that came before and after.
func testImportFound(t *testing.T, s store.Store) {
	first := insertOne(t, s)
	ids := importTasks(t, s, oldTask(dispatchapy.StatusSuccess, 72*time.Hour), oldTask(dispatchapy.StatusFailed, 48*time.Hour))
	last := insertOne(t, s)
	for name, c := range map[string]struct {
		f    store.TaskFilter
		want []int64
	}{
		"all":            {store.TaskFilter{}, []int64{first, ids[0], ids[1], last}},
		"of that day":    {store.TaskFilter{Since: now().Add(-60 * time.Hour), Until: now().Add(-24 * time.Hour)}, []int64{ids[1]}},
		"of before":      {store.TaskFilter{Until: now().Add(-time.Hour)}, ids},
		"of today":       {store.TaskFilter{Since: now().Add(-time.Hour)}, []int64{first, last}},
		"status":         {store.TaskFilter{Statuses: []dispatchapy.Status{dispatchapy.StatusFailed}}, []int64{ids[1]}},
		"source":         {store.TaskFilter{Text: "12345678901234567890"}, ids},
		"what was sent":  {store.TaskFilter{Text: "once"}, ids},
		"scope, of then": {store.TaskFilter{Text: "old", Since: now().Add(-60 * time.Hour)}, []int64{ids[1]}},
	} {
		equal(t, name, pages(t, s, c.f, 10), newestFirst(c.want...))
	}
	if n, err := s.DeleteFinished(t.Context(), 60*time.Hour, 10); err != nil || n != 1 {
		t.Errorf("DeleteFinished gives %d, %v; want the one that is old enough", n, err)
	}
	equal(t, "left", pages(t, s, store.TaskFilter{}, 10), newestFirst(first, ids[1], last))
}

func testImportRefused(t *testing.T, s store.Store) {
	for _, status := range []dispatchapy.Status{dispatchapy.StatusProcessing, "", "unheard of"} {
		if ids, err := s.ImportTasks(t.Context(), []store.TaskDetail{oldTask(dispatchapy.StatusSuccess, 0), oldTask(status, 0)}); err == nil {
			t.Errorf("a task that is %q was imported as %v", status, ids)
		}
	}
	if left := pages(t, s, store.TaskFilter{}, 10); len(left) != 0 {
		t.Errorf("refused imports left the tasks %v", left)
	}
}

func testImportStats(t *testing.T, s store.Store) {
	importTasks(t, s, oldTask(dispatchapy.StatusSuccess, time.Hour))
	if rows := stats(t, s, store.StatsQuery{}); len(rows) != 0 {
		t.Errorf("imported tasks are counted: %+v", rows)
	}
}

func testImportChecks(t *testing.T, s store.Store) {
	var want []dispatchapy.Check
	for i := range store.MaxChecks + 3 {
		want = append(want, dispatchapy.Check{
			ResourceID: resourceA, At: now().Add(time.Duration(i-5000) * time.Minute), Method: "actual", Manual: i%2 == 0, OK: i%3 == 0,
			StatusCode: 200 + i%5, Error: dispatchapy.ErrorTimeout, Detail: fmt.Sprintf("check %d", i), Duration: time.Duration(i), State: dispatchapy.HealthDown,
		})
	}
	want = append(want, dispatchapy.Check{ResourceID: resourceB, At: now()})
	if err := s.ImportChecks(t.Context(), want); err != nil {
		t.Fatalf("ImportChecks: %v", err)
	}
	got := checks(t, s, resourceA, 0, 2*store.MaxChecks)
	if len(got) != store.MaxChecks {
		t.Fatalf("%d checks are kept, want %d", len(got), store.MaxChecks)
	}
	for i := range 10 {
		equal(t, "check", got[i], want[store.MaxChecks+2-i], cmpopts.IgnoreFields(dispatchapy.Check{}, "ID"))
	}
	if other := checks(t, s, resourceB, 0, 10); len(other) != 1 {
		t.Errorf("another resource has %d checks, want 1", len(other))
	}
	if known := health(t, s); len(known) != 0 {
		t.Errorf("imported checks made the health %+v", known)
	}
	// What was imported makes room for what comes, before and after a first check.
	recordProbe(t, s, probed(force(t, s, resourceA, longLease), time.Hour))
	if err := s.ImportChecks(t.Context(), want[:5]); err != nil {
		t.Fatal(err)
	}
	recordProbe(t, s, probed(force(t, s, resourceA, longLease), time.Hour))
	if got := checks(t, s, resourceA, 0, 2*store.MaxChecks); len(got) != store.MaxChecks || got[0].State != dispatchapy.HealthDown || got[1].Detail != "check 4" {
		t.Errorf("%d checks are kept after two more, the latest are %+v", len(got), got[:2])
	}
}

func testResent(t *testing.T, s store.Store) {
	original := insertOne(t, s)
	from := func(n *store.NewTask) { n.ResendOf = original }
	var want []int64
	for range store.MaxResent + 2 {
		want = append(want, insertOne(t, s, from))
	}
	l := insertLeased(t, s, from)
	want = append(want, l.Task.ID)
	if l.Task.ResendOf != original || detail(t, s, want[0]).Task.ResendOf != original {
		t.Errorf("tasks made from %d say that they come from %d and %d", original, l.Task.ResendOf, detail(t, s, want[0]).Task.ResendOf)
	}
	d := detail(t, s, original)
	equal(t, "tasks made from it", d.Resent, want[len(want)-store.MaxResent:])
	if d.Task.ResendOf != 0 || len(detail(t, s, want[0]).Resent) != 0 {
		t.Errorf("the original comes from %d, and from a copy came %v", d.Task.ResendOf, detail(t, s, want[0]).Resent)
	}
}

// testImportNames: names get ids of their own, are those of deleted objects, and
// stand in nobody's way.
func testImportNames(t *testing.T, s store.Store) {
	before, _, err := s.LoadConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ids, err := s.ImportNames(t.Context(), store.KindClient, []string{"O'Neil's CRM", "old shop"})
	if err != nil || len(ids) != 2 || ids[0] == 0 || ids[0] == ids[1] {
		t.Fatalf("ids %v: %v", ids, err)
	}
	names, err := s.ObjectNames(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]store.ObjectName{}
	for _, n := range names {
		found[n.Name] = n
	}
	for i, name := range []string{"O'Neil's CRM", "old shop"} {
		if n := found[name]; n.ID != ids[i] || n.Kind != store.KindClient || !n.Deleted {
			t.Errorf("%q is %+v, want id %d, deleted", name, n, ids[i])
		}
	}
	after, objects, err := s.LoadConfig(t.Context())
	if err != nil || after != before || slices.ContainsFunc(objects, func(o store.ConfigObject) bool { return o.Name == "old shop" }) {
		t.Errorf("version %d, before %d, %d objects: %v", after, before, len(objects), err)
	}
	_, made, err := s.ApplyConfig(t.Context(), store.ConfigUpdate{Expect: after, Put: []store.ConfigObject{{Kind: store.KindClient, Name: "old shop", Body: []byte("b")}}})
	if err != nil || made[0] == ids[1] {
		t.Errorf("an object with the name of a former one has id %v: %v", made, err)
	}
	if none, err := s.ImportNames(t.Context(), store.KindClient, nil); err != nil || len(none) != 0 {
		t.Errorf("no names: %v %v", none, err)
	}
}
