package service_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/service"
)

func TestCountOfABatchIsBounded(t *testing.T) {
	n := startNode(t)
	const bound = 10_000
	many := make([]task, bound)
	for i := range many {
		many[i] = task{client: "shop", endpoint: "sms", ref: "r"}
	}
	n.insert(many...)
	batch := service.Batch{Action: dispatchapy.ActionStop, Filter: &service.TaskFilter{}}
	count := func() service.BatchCount {
		t.Helper()
		got, err := n.CountBatch(t.Context(), admin, batch)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := count(); got.Matching != bound || got.AtLeast || len(got.Skipped) != 0 {
		t.Errorf("%d tasks are counted as %+v", bound, got)
	}
	n.insert(task{client: "shop", endpoint: "sms", ref: "r"})
	if got := count(); got.Matching != bound || !got.AtLeast {
		t.Errorf("one more is counted as %+v", got)
	}
}

func TestCountOfABatchSaysWhatIsPassedOver(t *testing.T) {
	n := startNode(t)
	ids := n.insert(
		task{client: "shop", endpoint: "sms", ref: "1", hold: true}, task{client: "shop", endpoint: "sms", ref: "2"},
		task{client: "shop", endpoint: "sms", ref: "3"}, task{client: "bank", endpoint: "sms", ref: "4"},
	)
	if _, err := n.ActOnTask(t.Context(), admin, dispatchapy.ActionStop, ids[2]); err != nil {
		t.Fatal(err)
	}
	shop := n.client("shop-token-1234")
	const queued, stopped = dispatchapy.PhaseQueued, dispatchapy.PhaseStopped
	for name, tt := range map[string]struct {
		batch service.Batch
		want  map[dispatchapy.Phase]service.Count
	}{
		"by filter":       {service.Batch{Filter: &service.TaskFilter{}}, map[dispatchapy.Phase]service.Count{queued: {N: 1}, stopped: {N: 1}}},
		"by ids":          {service.Batch{IDs: ids}, map[dispatchapy.Phase]service.Count{queued: {N: 1}, stopped: {N: 1}, service.SkippedGone: {N: 1}}},
		"by phase":        {service.Batch{Filter: &service.TaskFilter{Phases: []dispatchapy.Phase{stopped, dispatchapy.PhaseHeld}}}, map[dispatchapy.Phase]service.Count{stopped: {N: 1}}},
		"all of them fit": {service.Batch{Filter: &service.TaskFilter{Ref: "1"}}, map[dispatchapy.Phase]service.Count{}},
	} {
		tt.batch.Action = dispatchapy.ActionSend
		got, err := n.CountBatch(t.Context(), shop, tt.batch)
		if err != nil || got.Matching != 1 {
			t.Errorf("%s: %d match, %v; want 1", name, got.Matching, err)
		}
		if diff := cmp.Diff(tt.want, got.Skipped); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
