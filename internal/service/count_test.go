package service_test

import (
	"testing"

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
	if got := count(); got != (service.BatchCount{Matching: bound}) {
		t.Errorf("%d tasks are counted as %+v", bound, got)
	}
	n.insert(task{client: "shop", endpoint: "sms", ref: "r"})
	if got := count(); got != (service.BatchCount{Matching: bound, AtLeast: true}) {
		t.Errorf("one more is counted as %+v", got)
	}
}
