package storetest

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"

	"github.com/google/go-cmp/cmp/cmpopts"
)

var outcomeCases = []testCase{
	{"RoundTrip", testOutcomeRoundTrip},
	{"Statuses", testOutcomeStatuses},
	{"RetryLater", testOutcomeRetry},
	{"AttemptsAddUp", testOutcomeAttempts},
	{"ResourceIsKept", testOutcomeResource},
	{"Events", testOutcomeEvents},
	{"MuchExchanged", testOutcomeLarge},
	{"FailedAttempts", testFailedAttempts},
	{"Concurrent", testOutcomeConcurrent},
}

// fullOutcome has every field set, with bytes that only survive when nothing
// on the way takes them for text.
func fullOutcome(lease store.Lease, status dispatchapy.Status) store.Outcome {
	start := now()
	return store.Outcome{
		Lease:  lease,
		Status: status,
		Attempts: []dispatchapy.Attempt{
			{
				Number: 1, ResourceID: resourceA, Outcome: dispatchapy.OutcomeRefused,
				StatusCode: 404, Error: dispatchapy.ErrorStatus4xx, Detail: "404 Not Found: 'x' \"y\" é",
				RequestBody: []byte(`{"id":12345678901234567890}`), ResponseBody: []byte("\x00\xff\xfe binary \x80\n"),
				StartedAt: start, Duration: 1234567 * time.Microsecond,
				Timing: dispatchapy.Timing{DNS: time.Millisecond, Connect: 2 * time.Millisecond, TLS: 3 * time.Millisecond, FirstByte: 40 * time.Millisecond},
				Exchange: &dispatchapy.Exchange{
					Method: "POST", URL: "https://api.example/send?key=[redacted]&to=<1>",
					Request:  []dispatchapy.Header{{Name: "Content-Type", Value: "application/json"}, {Name: "X-Key", Value: dispatchapy.Redacted}},
					Response: []dispatchapy.Header{{Name: "Etag", Value: "\"a\\b\""}, {Name: "X", Value: ""}, {Name: "Server", Value: "é\t<&>"}},
					Omitted:  2,
				},
			},
			{
				Number: 2, ResourceID: resourceB, Outcome: dispatchapy.OutcomeFailed,
				Error: dispatchapy.ErrorTimeout, Detail: "no answer within 15s", StartedAt: start.Add(time.Second),
				Place: 3, Routes: 4, PassedOver: []dispatchapy.PassedOver{{ResourceID: resourceA, Why: "refused"}, {ResourceID: 1 << 40, Why: "a \"reason\""}},
				Exchange: &dispatchapy.Exchange{Method: "POST", URL: "https://api.example/send"},
			},
		},
		ResourceID: resourceB,
		Refused:    []int64{resourceA, 1<<62 + 1},
		LastError:  "no answer within 15s",
		Log: []dispatchapy.LogEntry{{At: start, Message: "rule: phone = 000"}, {At: start, Message: "second line, same moment"},
			{At: start, Message: "a rule", Kind: dispatchapy.LogOverride, Data: dispatchapy.LogData{
				By: "x", Task: 1, Resource: resourceA, Origin: "client", Rule: 2, Param: "p", Before: `"<é>"`, After: "1"}}},
		Events: []dispatchapy.Event{{Kind: dispatchapy.EventTaskFailed, At: start, TaskID: lease.TaskID, Detail: "spent"}},
	}
}

func testOutcomeRoundTrip(t *testing.T, s store.Store) {
	l := insertLeased(t, s)
	want := fullOutcome(l.Lease, dispatchapy.StatusFailed)
	record(t, s, want)
	d := detail(t, s, l.Task.ID)
	equal(t, "attempts", d.Attempts, want.Attempts)
	equal(t, "log", d.Log, want.Log)
	equal(t, "refused", d.Task.Refused, want.Refused)
	if d.Task.LastError != want.LastError || d.Task.ResourceID != resourceB || d.Task.AttemptCount != 2 {
		t.Errorf("task is %+v, want the outcome's error, resource and two attempts", d.Task)
	}
	page := onePage(t, s, store.TaskQuery{Limit: 1})
	equal(t, "listed task", page.Tasks, []dispatchapy.Task{d.Task})
}

func testOutcomeStatuses(t *testing.T, s store.Store) {
	for _, status := range []dispatchapy.Status{dispatchapy.StatusSuccess, dispatchapy.StatusFailed} {
		before := now()
		id := taskIn(t, s, status)
		got := detail(t, s, id).Task
		if got.Status != status {
			t.Errorf("status %s, want %s", got.Status, status)
		}
		if got.FinishedAt.Before(before) || got.FinishedAt.After(time.Now()) {
			t.Errorf("%s task finished at %v, want just now", status, got.FinishedAt)
		}
	}
	if c := claim(t, s, endpointA, 10, longLease); len(c.Tasks) != 0 || len(c.NextDue) != 0 {
		t.Errorf("finished tasks are given out or announced: %+v", c)
	}
}

func testOutcomeRetry(t *testing.T, s store.Store) {
	soon, later := insertLeased(t, s), insertLeased(t, s, at(endpointB))
	record(t, s, store.Outcome{Lease: soon.Lease, Status: dispatchapy.StatusPending})
	record(t, s, store.Outcome{Lease: later.Lease, Status: dispatchapy.StatusPending, RetryIn: time.Hour})

	got := detail(t, s, soon.Task.ID).Task
	if got.Status != dispatchapy.StatusPending || got.AttemptCount != 0 || !got.FinishedAt.IsZero() {
		t.Errorf("a lease given back left the task as %+v, want pending and no attempt spent", got)
	}
	again := claimOne(t, s, endpointA)
	if again.Lease.Fence <= soon.Lease.Fence {
		t.Errorf("fence went from %d to %d, want it to grow", soon.Lease.Fence, again.Lease.Fence)
	}
	c := claim(t, s, endpointB, 10, longLease)
	if wait := c.NextDue[endpointB]; len(c.Tasks) != 0 || wait > time.Hour || wait < 59*time.Minute {
		t.Errorf("a task to be retried in an hour: claimed %d, next due in %v", len(c.Tasks), wait)
	}
}

func testOutcomeAttempts(t *testing.T, s store.Store) {
	id := insertOne(t, s)
	var want []dispatchapy.Attempt
	for round := range 3 {
		l := claimOne(t, s, endpointA)
		if l.Task.AttemptCount != len(want) {
			t.Fatalf("round %d begins with %d attempts spent, want %d", round, l.Task.AttemptCount, len(want))
		}
		var attempts []dispatchapy.Attempt
		for i := range round + 1 {
			attempts = append(attempts, dispatchapy.Attempt{
				Number: len(want) + 1 + i, ResourceID: resourceA, Outcome: dispatchapy.OutcomeFailed,
				Detail: fmt.Sprintf("round %d attempt %d", round, i), StartedAt: now(),
			})
		}
		want = append(want, attempts...)
		record(t, s, store.Outcome{Lease: l.Lease, Status: dispatchapy.StatusPending, Attempts: attempts})
	}
	d := detail(t, s, id)
	equal(t, "attempts", d.Attempts, want)
	if d.Task.AttemptCount != 6 || d.Task.AttemptBase != 0 {
		t.Errorf("attempt count %d and base %d, want 6 and 0", d.Task.AttemptCount, d.Task.AttemptBase)
	}
}

// testFailedAttempts asks what a resource did not accept, of tasks that ended
// well elsewhere, too.
func testFailedAttempts(t *testing.T, s store.Store) {
	start := now()
	var want []store.FailedAttempt
	var first int64
	for i := range 4 {
		l := insertLeased(t, s)
		if i == 0 {
			first = l.Task.ID
		}
		failed := dispatchapy.Attempt{Number: 1, ResourceID: resourceA, Outcome: dispatchapy.OutcomeFailed, StatusCode: 503, Error: dispatchapy.ErrorStatus5xx,
			Detail: "503 \"x\"", StartedAt: start.Add(time.Duration(i) * time.Second), Duration: time.Millisecond}
		refused := dispatchapy.Attempt{Number: 2, ResourceID: resourceA, Outcome: dispatchapy.OutcomeRefused, StatusCode: 400, Error: dispatchapy.ErrorStatus4xx,
			StartedAt: start.Add(time.Duration(i)*time.Second + time.Millisecond)}
		delivered := dispatchapy.Attempt{Number: 3, ResourceID: resourceB, Outcome: dispatchapy.OutcomeDelivered, StatusCode: 200, StartedAt: start.Add(time.Hour)}
		record(t, s, store.Outcome{Lease: l.Lease, Status: dispatchapy.StatusSuccess, ResourceID: resourceB, Attempts: []dispatchapy.Attempt{failed, refused, delivered}})
		for _, a := range []dispatchapy.Attempt{failed, refused} {
			want = append([]store.FailedAttempt{{Attempt: a, TaskID: l.Task.ID, EndpointID: l.Task.EndpointID, ClientID: l.Task.ClientID, Ref: l.Task.Ref}}, want...)
		}
	}
	ask := func(resource int64, limit int) []store.FailedAttempt {
		t.Helper()
		got, err := s.FailedAttempts(t.Context(), resource, limit)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	equal(t, "all of them", ask(resourceA, 100), want)
	equal(t, "the latest ones", ask(resourceA, 3), want[:3])
	equal(t, "none of what was accepted", len(ask(resourceB, 100)), 0)
	equal(t, "nothing asked for", len(ask(resourceA, 0)), 0)
	transition(t, s, dispatchapy.ActionDelete, first)
	equal(t, "without those of a deleted task", ask(resourceA, 100), want[:6])
}

func testOutcomeResource(t *testing.T, s store.Store) {
	insertOne(t, s)
	record(t, s, store.Outcome{Lease: claimOne(t, s, endpointA).Lease, Status: dispatchapy.StatusPending, ResourceID: resourceA, Refused: []int64{resourceA}})
	l := claimOne(t, s, endpointA)
	equal(t, "refused", l.Task.Refused, []int64{resourceA})
	record(t, s, store.Outcome{Lease: l.Lease, Status: dispatchapy.StatusPending, Refused: []int64{resourceA}})
	l = claimOne(t, s, endpointA)
	if l.Task.ResourceID != resourceA {
		t.Errorf("resource %d after an outcome without one, want %d", l.Task.ResourceID, resourceA)
	}
	record(t, s, store.Outcome{Lease: l.Lease, Status: dispatchapy.StatusPending, ResourceID: resourceB})
	if got := claimOne(t, s, endpointA).Task; got.ResourceID != resourceB || len(got.Refused) != 0 {
		t.Errorf("resource %d, refused %v; want the outcome's %d and none", got.ResourceID, got.Refused, resourceB)
	}
}

// testOutcomeLarge: what is read of a task is bounded, whatever it exchanged.
func testOutcomeLarge(t *testing.T, s store.Store) {
	l := insertLeased(t, s)
	var made []dispatchapy.Attempt
	for i := range 7 {
		made = append(made, dispatchapy.Attempt{
			Number: i + 1, ResourceID: resourceA, Outcome: dispatchapy.OutcomeFailed, StartedAt: now(), Detail: "kept",
			RequestBody: bytes.Repeat([]byte("x"), store.MaxExchanged/5), ResponseBody: []byte("answer"),
			Exchange: &dispatchapy.Exchange{Method: "POST", URL: "http://provider.example/"},
		})
	}
	record(t, s, store.Outcome{Lease: l.Lease, Status: dispatchapy.StatusPending, Attempts: made})
	whole := func() (numbers []int) {
		t.Helper()
		detail, err := s.Task(t.Context(), l.Task.ID)
		if err != nil {
			t.Fatalf("Task: %v", err)
		}
		for _, a := range detail.Attempts {
			if a.Detail != "kept" || a.Abridged == (a.RequestBody != nil) || a.Abridged == (a.ResponseBody != nil) || a.Abridged == (a.Exchange != nil) {
				t.Errorf("attempt %d: abridged %t, %d and %d bytes", a.Number, a.Abridged, len(a.RequestBody), len(a.ResponseBody))
			}
			if !a.Abridged {
				numbers = append(numbers, a.Number)
			}
		}
		return numbers
	}
	equal(t, "attempts that are whole", whole(), []int{4, 5, 6, 7})
	again := claimOne(t, s, endpointA)
	huge := made[0]
	huge.Number, huge.RequestBody = 8, bytes.Repeat([]byte("x"), store.MaxExchanged+1)
	record(t, s, store.Outcome{Lease: again.Lease, Status: dispatchapy.StatusFailed, Attempts: []dispatchapy.Attempt{huge}})
	equal(t, "attempts that are whole beside a huge one", whole(), []int{8})
}

// events reads all events, newest first.
func events(t testing.TB, s store.Store) []dispatchapy.Event {
	t.Helper()
	list, err := s.ListEvents(t.Context(), store.EventQuery{Limit: 100})
	if err != nil {
		t.Fatalf("ListEvents: %v", err)
	}
	return list
}

func testOutcomeEvents(t *testing.T, s store.Store) {
	a, b := insertLeased(t, s), insertLeased(t, s)
	first := dispatchapy.Event{Kind: dispatchapy.EventTaskFailed, At: now(), TaskID: a.Task.ID, Detail: "first"}
	second := dispatchapy.Event{Kind: dispatchapy.EventResourceDown, At: now(), ResourceID: resourceA, Detail: "second"}
	third := dispatchapy.Event{Kind: dispatchapy.EventTaskFailed, At: now(), TaskID: b.Task.ID, ResourceID: resourceB, Detail: "third"}
	record(t, s, store.Outcome{Lease: a.Lease, Status: dispatchapy.StatusFailed, Events: []dispatchapy.Event{first, second}})
	record(t, s, store.Outcome{Lease: b.Lease, Status: dispatchapy.StatusFailed, Events: []dispatchapy.Event{third}})

	got := events(t, s)
	equal(t, "events", got, []dispatchapy.Event{third, second, first}, cmpopts.IgnoreFields(dispatchapy.Event{}, "ID"))
	if t.Failed() {
		return
	}
	page, err := s.ListEvents(t.Context(), store.EventQuery{Before: got[0].ID, Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "one event below the newest", page, got[1:2])
}

func testOutcomeConcurrent(t *testing.T, s store.Store) {
	const workers, each1 = 8, 10
	ids := insert(t, s, numbered(workers*each1)...)
	leases := claim(t, s, endpointA, len(ids), longLease).Tasks
	if len(leases) != len(ids) {
		t.Fatalf("claimed %d tasks, want %d", len(leases), len(ids))
	}
	each(workers, func(i int) {
		for _, l := range leases[i*each1 : (i+1)*each1] {
			stale, err := s.RecordOutcomes(t.Context(), []store.Outcome{{
				Lease: l.Lease, Status: dispatchapy.StatusSuccess,
				Attempts: []dispatchapy.Attempt{{Number: 1, ResourceID: l.Task.ID, Outcome: dispatchapy.OutcomeDelivered, StartedAt: now()}},
			}})
			if err != nil || len(stale) != 0 {
				t.Errorf("RecordOutcomes: stale %+v, %v", stale, err)
			}
		}
	})
	for _, id := range ids {
		if d := detail(t, s, id); d.Task.Status != dispatchapy.StatusSuccess || len(d.Attempts) != 1 || d.Attempts[0].ResourceID != id {
			t.Errorf("task %d is %s with attempts %+v", id, d.Task.Status, d.Attempts)
		}
	}
}
