package service_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/service"
)

func TestCountTasks(t *testing.T) {
	n := startNode(t)
	n.rooms["backup"] = routing.Down
	ids := n.insert(
		task{client: "shop", endpoint: "sms", ref: "s1"}, task{client: "shop", endpoint: "sms", ref: "s2"}, task{client: "shop", endpoint: "sms", ref: "s3"},
		task{client: "bank", endpoint: "mail", ref: "waits"}, task{client: "bank", endpoint: "sms", ref: "held", hold: true},
	)
	n.tried("sms", "tried")
	if _, err := n.ActOnTask(t.Context(), admin, dispatchapy.ActionStop, ids[0]); err != nil {
		t.Fatal(err)
	}
	type counts = map[dispatchapy.Phase]int
	const queued, retrying, waiting, held, stopped = dispatchapy.PhaseQueued, dispatchapy.PhaseRetrying, dispatchapy.PhaseWaiting, dispatchapy.PhaseHeld, dispatchapy.PhaseStopped
	for name, tt := range map[string]struct {
		who    dispatchapy.Principal
		filter service.TaskFilter
		want   counts
	}{
		"all":                      {admin, service.TaskFilter{}, counts{queued: 2, retrying: 1, waiting: 1, held: 1, stopped: 1}},
		"a client counts its own":  {n.client("shop-token-1234"), service.TaskFilter{}, counts{queued: 2, stopped: 1}},
		"of another client":        {n.client("shop-token-1234"), service.TaskFilter{Clients: []string{"bank"}}, counts{}},
		"by endpoint":              {admin, service.TaskFilter{Endpoints: []string{"mail"}}, counts{waiting: 1}},
		"by ref":                   {admin, service.TaskFilter{Ref: "s2"}, counts{queued: 1}},
		"by text":                  {admin, service.TaskFilter{Text: "s"}, counts{queued: 2, retrying: 1, waiting: 1, held: 1, stopped: 1}},
		"by text in one":           {admin, service.TaskFilter{Text: "waits"}, counts{waiting: 1}},
		"by status":                {admin, service.TaskFilter{Statuses: []dispatchapy.Status{"pending"}}, counts{queued: 2, retrying: 1, waiting: 1}},
		"a phase and another text": {admin, service.TaskFilter{Phases: []dispatchapy.Phase{held}, Text: "waits"}, counts{}},
		"some phases":              {admin, service.TaskFilter{Phases: []dispatchapy.Phase{held, waiting}}, counts{waiting: 1, held: 1}},
	} {
		found, err := n.CountTasks(t.Context(), tt.who, tt.filter)
		if err != nil {
			t.Fatal(err)
		}
		got := counts{}
		for phase, count := range found {
			if count.AtLeast {
				t.Errorf("%s: %s was not counted to the end", name, phase)
			}
			if count.N > 0 {
				got[phase] = count.N
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	_, err := n.CountTasks(t.Context(), admin, service.TaskFilter{Phases: []dispatchapy.Phase{"asleep"}})
	wantCode(t, err, dispatchapy.CodeInvalid)
}

func TestCountTasksStopsAtTheBound(t *testing.T) {
	n := startNode(t)
	many := make([]task, service.MaxCount+1)
	for i := range many {
		many[i] = task{client: "shop", endpoint: "sms", ref: "r"}
	}
	n.insert(many...)
	for _, text := range []string{"", "ref"} {
		got, err := n.CountTasks(t.Context(), admin, service.TaskFilter{Text: text})
		if want := (service.Count{N: service.MaxCount, AtLeast: true}); err != nil || got[dispatchapy.PhaseQueued] != want {
			t.Errorf("with text %q: %+v, %v; want %+v", text, got[dispatchapy.PhaseQueued], err, want)
		}
	}
}
