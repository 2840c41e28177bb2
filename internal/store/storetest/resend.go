package storetest

import (
	"testing"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// testInsertResent stores tasks in every way in which one is made from another.
func testInsertResent(t *testing.T, s store.Store) {
	original := insertOne(t, s)
	resent := func(n *store.NewTask) {
		n.ResendOf, n.Refused, n.Note = original, []int64{resourceA, resourceB}, "resent by the test"
		n.By = "somebody"
	}
	pending := insertOne(t, s, resent)
	kept := insertOne(t, s, resent, held("held by the test"))
	leased := insertLeased(t, s, resent).Task
	equal(t, "refused as leased", leased.Refused, []int64{resourceA, resourceB})

	logs := map[int64][]string{
		pending:   {"resent by the test"},
		kept:      {"resent by the test", "held by the test"},
		leased.ID: {"resent by the test"},
	}
	for id, want := range logs {
		d := detail(t, s, id)
		if d.Task.ResendOf != original {
			t.Errorf("task %d was made from %d, want %d", id, d.Task.ResendOf, original)
		}
		equal(t, "refused", d.Task.Refused, []int64{resourceA, resourceB})
		lines := make([]string, len(d.Log))
		for i, entry := range d.Log {
			lines[i] = entry.Message
		}
		equal(t, "log", lines, want)
		equal(t, "who made it", d.Log[0].Data, dispatchapy.LogData{By: "somebody", Task: original})
		if d.Log[0].Kind != dispatchapy.LogResent || len(d.Log) > 1 && d.Log[1].Kind != dispatchapy.LogHeld {
			t.Errorf("log %+v", d.Log)
		}
	}
	equal(t, "made from the original", detail(t, s, original).Resent, []int64{pending, kept, leased.ID})

	transition(t, s, dispatchapy.ActionRetry, pending)
	if got := detail(t, s, pending).Task.Refused; len(got) > 0 {
		t.Errorf("after a retry %v still refuse", got)
	}
}

func testHeld(t *testing.T, s store.Store) {
	for _, status := range dispatchapy.Statuses {
		taskIn(t, s, status)
	}
	first := taskIn(t, s, dispatchapy.StatusHeld, at(endpointB))
	taskIn(t, s, dispatchapy.StatusHeld, at(endpointB))
	lanes, err := s.Held(t.Context())
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
	equal(t, "held", got, map[int64]int{endpointA: 1, endpointB: 2})
}
