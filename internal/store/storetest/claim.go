package storetest

import (
	"sync"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

var claimCases = []testCase{
	{"GivesWholeTasks", testClaimTask},
	{"OldestDueFirst", testClaimOrder},
	{"LanesAndLimits", testClaimLanes},
	{"Bytes", testClaimBytes},
	{"NothingToDo", testClaimNothing},
	{"NextDue", testClaimNextDue},
	{"DelayedTaskComesInTime", testClaimDelayed},
	{"NoDoubleLease", testClaimConcurrent},
	{"Backlog", testBacklog},
	{"Held", testHeld},
}

func testClaimTask(t *testing.T, s store.Store) {
	id := insertOne(t, s)
	before := time.Now()
	l := claimOne(t, s, endpointA)
	if l.Task.ID != id || l.Lease.TaskID != id {
		t.Fatalf("claimed %+v, want task %d", l.Lease, id)
	}
	equal(t, "claimed task", l.Task, detail(t, s, id).Task)
	if l.Task.Status != dispatchapy.StatusProcessing {
		t.Errorf("a claimed task is %s", l.Task.Status)
	}
	if end := l.Task.RunAt; end.Before(before.Add(longLease - time.Minute)) {
		t.Errorf("the lease of %s ends at %v", longLease, end)
	}
}

// testClaimOrder makes the order of becoming due differ from that of the ids.
func testClaimOrder(t *testing.T, s store.Store) {
	last := insertOne(t, s)
	first := insertLeased(t, s, leased(longLease))
	middle := insertOne(t, s)
	record(t, s, store.Outcome{Lease: first.Lease, Status: dispatchapy.StatusPending})
	stopped := insertOne(t, s)
	transition(t, s, dispatchapy.ActionRetry, last)
	transition(t, s, dispatchapy.ActionStop, stopped)

	var got []int64
	for range 3 {
		for _, l := range claim(t, s, endpointA, 1, longLease).Tasks {
			got = append(got, l.Task.ID)
		}
	}
	equal(t, "order of claims", got, []int64{middle, first.Task.ID, last})

	ids := insert(t, s, newTask(at(endpointB)))
	ids = append(ids, insert(t, s, newTask(at(endpointB)))...)
	ids = append(ids, insert(t, s, newTask(at(endpointB)))...)
	got = nil
	for _, l := range claim(t, s, endpointB, 10, longLease).Tasks {
		got = append(got, l.Task.ID)
	}
	equal(t, "order within a claim", got, ids)
}

func testClaimLanes(t *testing.T, s store.Store) {
	insert(t, s, numbered(5)...)
	insert(t, s, numbered(3, at(endpointB))...)
	insert(t, s, numbered(2, at(13))...)
	claimed, err := s.ClaimDue(t.Context(), store.Claim{LeaseFor: longLease, Lanes: []store.LaneClaim{
		{EndpointID: endpointA, Limit: 2}, {EndpointID: endpointB, Limit: 10}, {EndpointID: 14, Limit: 10},
	}})
	if err != nil {
		t.Fatal(err)
	}
	count := map[int64]int{}
	for _, l := range claimed.Tasks {
		count[l.Task.EndpointID]++
	}
	equal(t, "tasks per lane", count, map[int64]int{endpointA: 2, endpointB: 3})
	if wait, ok := claimed.NextDue[endpointA]; !ok || wait != 0 {
		t.Errorf("NextDue of a lane with more due tasks is %v (given: %v), want 0", wait, ok)
	}
	if wait, ok := claimed.NextDue[14]; ok {
		t.Errorf("a lane without tasks is announced as due in %v", wait)
	}
	if _, ok := claimed.NextDue[13]; ok {
		t.Error("NextDue speaks of a lane that was not asked for")
	}
}

func testClaimBytes(t *testing.T, s store.Store) {
	insert(t, s, numbered(5)...)
	size := int64(len(numbered(1)[0].Source))
	ask := func(most int64) int {
		t.Helper()
		claimed, err := s.ClaimDue(t.Context(), store.Claim{LeaseFor: longLease, Lanes: []store.LaneClaim{
			{EndpointID: endpointA, Limit: 10, MaxBytes: most},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if wait, ok := claimed.NextDue[endpointA]; !ok || wait < 0 {
			t.Errorf("NextDue is %v (given: %v) while tasks are left", wait, ok)
		}
		return len(claimed.Tasks)
	}
	equal(t, "tasks for one byte", ask(1), 1)
	equal(t, "tasks for the bytes of two", ask(2*size), 2)
	equal(t, "tasks for any number of bytes", ask(0), 2)
}

func testClaimNothing(t *testing.T, s store.Store) {
	claimed, err := s.ClaimDue(t.Context(), store.Claim{LeaseFor: longLease})
	if err != nil || len(claimed.Tasks) != 0 {
		t.Errorf("a claim for no lane gave %+v, %v", claimed, err)
	}
	insertOne(t, s)
	claimed = claim(t, s, endpointA, 0, longLease)
	if len(claimed.Tasks) != 0 {
		t.Error("a lane with limit 0 got a task")
	}
	if wait, ok := claimed.NextDue[endpointA]; !ok || wait != 0 {
		t.Errorf("NextDue is %v (given: %v) while a task is due, want 0", wait, ok)
	}
}

func testClaimNextDue(t *testing.T, s store.Store) {
	insert(t, s, newTask(delayed(2*time.Hour)), newTask(delayed(time.Hour)))
	claimed := claim(t, s, endpointA, 10, longLease)
	if len(claimed.Tasks) != 0 {
		t.Fatalf("a task delayed by an hour is due at once")
	}
	if wait := claimed.NextDue[endpointA]; wait > time.Hour || wait < time.Hour-time.Minute {
		t.Errorf("next task is due in %v, want about an hour", wait)
	}

	// A leased task becomes due when its lease ends.
	insertOne(t, s, at(endpointB))
	claimed = claim(t, s, endpointB, 10, 30*time.Minute)
	if wait := claimed.NextDue[endpointB]; wait > 30*time.Minute || wait < 29*time.Minute {
		t.Errorf("the only task is leased for 30m, yet the next is due in %v", wait)
	}
}

func testClaimDelayed(t *testing.T, s store.Store) {
	const delay = 80 * time.Millisecond
	start := time.Now()
	id := insertOne(t, s, delayed(delay))
	var got []store.Leased
	eventually(t, "the delayed task becomes due", func() bool {
		got = claim(t, s, endpointA, 1, longLease).Tasks
		return len(got) == 1
	})
	// A millisecond of slack for stores that keep due times in milliseconds.
	if waited := time.Since(start); waited < delay-time.Millisecond {
		t.Errorf("a task delayed by %v was given out after %v", delay, waited)
	}
	if got[0].Task.ID != id {
		t.Errorf("got task %d, want %d", got[0].Task.ID, id)
	}
}

func testClaimConcurrent(t *testing.T, s store.Store) {
	const tasks, claimers = 300, 8
	insert(t, s, numbered(tasks/2)...)
	insert(t, s, numbered(tasks/2, at(endpointB))...)

	var mu sync.Mutex
	owner := map[int64]int{}
	each(claimers, func(i int) {
		for {
			claimed, err := s.ClaimDue(t.Context(), store.Claim{LeaseFor: longLease, Lanes: []store.LaneClaim{
				{EndpointID: endpointA, Limit: 3}, {EndpointID: endpointB, Limit: 5},
			}})
			if err != nil {
				t.Errorf("ClaimDue: %v", err)
				return
			}
			if len(claimed.Tasks) == 0 {
				return
			}
			mu.Lock()
			for _, l := range claimed.Tasks {
				if other, taken := owner[l.Task.ID]; taken {
					t.Errorf("task %d was leased to claimer %d and to %d", l.Task.ID, other, i)
				}
				owner[l.Task.ID] = i
			}
			mu.Unlock()
		}
	})
	if len(owner) != tasks {
		t.Errorf("%d tasks were leased, want %d", len(owner), tasks)
	}
}

func testBacklog(t *testing.T, s store.Store) {
	for _, status := range dispatchapy.Statuses {
		taskIn(t, s, status)
	}
	first := taskIn(t, s, dispatchapy.StatusProcessing, at(endpointB))
	taskIn(t, s, dispatchapy.StatusPending, at(endpointB), delayed(time.Hour))
	taskIn(t, s, dispatchapy.StatusPending, at(endpointB))
	taskIn(t, s, dispatchapy.StatusHeld, at(13))

	lanes, err := s.Backlog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[int64]int{}
	for _, lane := range lanes {
		got[lane.EndpointID] = lane.Tasks
		if lane.EndpointID == endpointB {
			equal(t, "oldest of endpoint B", lane.Oldest, detail(t, s, first).Task.CreatedAt)
		}
	}
	equal(t, "backlog", got, map[int64]int{endpointA: 2, endpointB: 3})
}

var leaseCases = []testCase{
	{"ExpiryAndReclaim", testLeaseExpiry},
	{"ShortLeaseRunsOut", testLeaseShort},
	{"LateOutcomeOfAnExpiredLease", testLeaseLate},
	{"Extend", testLeaseExtend},
	{"ExtendReportsLost", testLeaseExtendLost},
	{"StaleOutcomeChangesNothing", testLeaseStale},
	{"OneOfManyRivalsRecords", testLeaseRivals},
}

func testLeaseExpiry(t *testing.T, s store.Store) {
	id := insertOne(t, s)
	first := claim(t, s, endpointA, 1, expiredLease).Tasks
	second := claim(t, s, endpointA, 1, longLease).Tasks
	if len(first) != 1 || len(second) != 1 || second[0].Task.ID != id {
		t.Fatalf("claims gave %+v and %+v, want task %d twice", first, second, id)
	}
	if second[0].Lease.Fence <= first[0].Lease.Fence {
		t.Errorf("fence went from %d to %d, want it to grow", first[0].Lease.Fence, second[0].Lease.Fence)
	}
	if third := claim(t, s, endpointA, 1, longLease).Tasks; len(third) != 0 {
		t.Error("a leased task was given out again")
	}
	if got := detail(t, s, id).Task; got.AttemptCount != 0 || len(got.Refused) != 0 {
		t.Errorf("losing a lease cost an attempt: %+v", got)
	}
}

// testLeaseShort is the one test that waits for a real lease to run out.
func testLeaseShort(t *testing.T, s store.Store) {
	const lease = 60 * time.Millisecond
	insertOne(t, s)
	start := time.Now()
	claim(t, s, endpointA, 1, lease)
	eventually(t, "the lease runs out", func() bool {
		return len(claim(t, s, endpointA, 1, longLease).Tasks) == 1
	})
	if waited := time.Since(start); waited < lease-time.Millisecond {
		t.Errorf("a lease of %v was taken away after %v", lease, waited)
	}
}

// testLeaseLate: as long as nobody else took the task, its outcome counts.
// Refusing it would only make the gateway send the message again.
func testLeaseLate(t *testing.T, s store.Store) {
	insertOne(t, s)
	l := claim(t, s, endpointA, 1, expiredLease).Tasks[0]
	record(t, s, store.Outcome{Lease: l.Lease, Status: dispatchapy.StatusSuccess})
	if got := detail(t, s, l.Task.ID).Task.Status; got != dispatchapy.StatusSuccess {
		t.Errorf("status %s, want success", got)
	}
}

func testLeaseExtend(t *testing.T, s store.Store) {
	ids := insert(t, s, numbered(2)...)
	leases := []store.Lease{}
	for _, l := range claim(t, s, endpointA, 2, time.Minute).Tasks {
		leases = append(leases, l.Lease)
	}
	before := detail(t, s, ids[0]).Task.RunAt
	lost, err := s.ExtendLeases(t.Context(), leases, longLease)
	if err != nil || len(lost) != 0 {
		t.Fatalf("ExtendLeases gave %+v, %v", lost, err)
	}
	if after := detail(t, s, ids[0]).Task.RunAt; after.Before(before.Add(30 * time.Minute)) {
		t.Errorf("the lease ended at %v and now at %v, want an hour from now", before, after)
	}

	// Counted from now, not added: extending by less gives it up sooner.
	if lost, err = s.ExtendLeases(t.Context(), leases, expiredLease); err != nil || len(lost) != 0 {
		t.Fatalf("ExtendLeases gave %+v, %v", lost, err)
	}
	if got := claim(t, s, endpointA, 2, longLease).Tasks; len(got) != 2 {
		t.Errorf("%d tasks are due after their leases ran out, want 2", len(got))
	}
}

func testLeaseExtendLost(t *testing.T, s store.Store) {
	kept := insertLeased(t, s, at(endpointB))
	done := insertLeased(t, s, at(endpointB))
	record(t, s, store.Outcome{Lease: done.Lease, Status: dispatchapy.StatusSuccess})
	insertOne(t, s)
	old := claim(t, s, endpointA, 1, expiredLease).Tasks[0]
	claim(t, s, endpointA, 1, longLease)
	unknown := store.Lease{TaskID: 1 << 40, Fence: 1}

	lost, err := s.ExtendLeases(t.Context(), []store.Lease{done.Lease, kept.Lease, old.Lease, unknown}, longLease)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "lost leases", lost, []store.Lease{done.Lease, old.Lease, unknown})
	if lost, err = s.ExtendLeases(t.Context(), nil, longLease); err != nil || len(lost) != 0 {
		t.Errorf("extending nothing gave %+v, %v", lost, err)
	}
}

func testLeaseStale(t *testing.T, s store.Store) {
	insertOne(t, s)
	old := claim(t, s, endpointA, 1, expiredLease).Tasks[0]
	present := claimOne(t, s, endpointA)
	good := insertLeased(t, s, at(endpointB))
	before := detail(t, s, old.Task.ID)

	outcome := fullOutcome(old.Lease, dispatchapy.StatusFailed)
	stale, err := s.RecordOutcomes(t.Context(), []store.Outcome{
		outcome, {Lease: good.Lease, Status: dispatchapy.StatusSuccess},
		{Lease: store.Lease{TaskID: 1 << 40, Fence: 1}, Status: dispatchapy.StatusSuccess},
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "stale", stale, []store.Lease{old.Lease, {TaskID: 1 << 40, Fence: 1}})
	equal(t, "task after a stale outcome", detail(t, s, old.Task.ID), before)
	equal(t, "events after a stale outcome", events(t, s), nil)
	if got := detail(t, s, good.Task.ID).Task.Status; got != dispatchapy.StatusSuccess {
		t.Errorf("a stale outcome sank its neighbour, which is %s", got)
	}

	// A lease ends with its outcome: the same one cannot be used twice.
	record(t, s, store.Outcome{Lease: present.Lease, Status: dispatchapy.StatusSuccess})
	before = detail(t, s, old.Task.ID)
	outcome.Lease = present.Lease
	if stale, err = s.RecordOutcomes(t.Context(), []store.Outcome{outcome}); err != nil || len(stale) != 1 {
		t.Errorf("a second outcome under the same lease gave %+v, %v", stale, err)
	}
	equal(t, "task after a second outcome", detail(t, s, old.Task.ID), before)
}

func testLeaseRivals(t *testing.T, s store.Store) {
	l := insertLeased(t, s)
	const rivals = 8
	won := make([]bool, rivals)
	each(rivals, func(i int) {
		stale, err := s.RecordOutcomes(t.Context(), []store.Outcome{{
			Lease: l.Lease, Status: dispatchapy.StatusSuccess, ResourceID: int64(100 + i),
		}})
		if err != nil {
			t.Errorf("RecordOutcomes: %v", err)
		}
		won[i] = len(stale) == 0
	})
	winners := 0
	for i, w := range won {
		if !w {
			continue
		}
		winners++
		if got := detail(t, s, l.Task.ID).Task.ResourceID; got != int64(100+i) {
			t.Errorf("resource %d is stored, the winner wrote %d", got, 100+i)
		}
	}
	if winners != 1 {
		t.Errorf("%d of %d outcomes under one lease were accepted, want 1", winners, rivals)
	}
}
