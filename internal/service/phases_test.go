package service_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/service"
	"dispatchapy/internal/store"
)

// tried stores a pending task of the client bank that every one of the
// resources was tried for, in vain. It is not due for long.
func (n *node) tried(endpoint, ref string, refused ...string) int64 {
	n.t.Helper()
	cfg := n.table.Load().Config
	results, err := n.store.InsertTasks(n.t.Context(), []store.NewTask{{LeaseFor: time.Hour, Submission: dispatchapy.Submission{
		EndpointID: cfg.Endpoint(endpoint).ID, ClientID: cfg.Client("bank").ID, Ref: ref, Scope: "test",
		Source: []byte(`{"ref":"` + ref + `"}`), MaxAttempts: 5,
	}}})
	if err != nil {
		n.t.Fatal(err)
	}
	outcome := store.Outcome{Lease: results[0].Leased.Lease, Status: dispatchapy.StatusPending, RetryIn: time.Hour, Attempts: []dispatchapy.Attempt{
		{Number: 1, ResourceID: cfg.Resource("backup").ID, Outcome: dispatchapy.OutcomeFailed, StartedAt: time.Now()},
	}}
	for _, name := range refused {
		outcome.Refused = append(outcome.Refused, cfg.Resource(name).ID)
	}
	if _, err := n.store.RecordOutcomes(n.t.Context(), []store.Outcome{outcome}); err != nil {
		n.t.Fatal(err)
	}
	return results[0].TaskID
}

// phases gives the phase of every task found, by ref.
func (n *node) phases(f service.TaskFilter) map[string]dispatchapy.Phase {
	n.t.Helper()
	page, err := n.ListTasks(n.t.Context(), admin, f, service.PageRequest{})
	if err != nil {
		n.t.Fatal(err)
	}
	out := map[string]dispatchapy.Phase{}
	for _, found := range page.Items {
		out[found.Ref] = found.Phase
	}
	return out
}

func TestPhasesFollowWhatCanBeUsed(t *testing.T) {
	n := startNode(t)
	n.insert(task{client: "bank", endpoint: "sms", ref: "new"}, task{client: "bank", endpoint: "sms", ref: "held", hold: true})
	n.tried("sms", "tried")
	n.insert(task{client: "bank", endpoint: "mail", ref: "mail"})
	const queued, retrying, waiting, held = dispatchapy.PhaseQueued, dispatchapy.PhaseRetrying, dispatchapy.PhaseWaiting, dispatchapy.PhaseHeld
	type phases = map[string]dispatchapy.Phase
	for _, tt := range []struct {
		name  string
		rooms fakeRooms
		want  phases
	}{
		{"everything works", fakeRooms{}, phases{"new": queued, "tried": retrying, "mail": queued, "held": held}},
		{"the first is down", fakeRooms{"primary": routing.Down}, phases{"new": queued, "tried": retrying, "mail": queued, "held": held}},
		{"the second is down", fakeRooms{"backup": routing.Down}, phases{"new": queued, "tried": retrying, "mail": waiting, "held": held}},
		{"both cannot be used", fakeRooms{"primary": routing.Broken, "backup": routing.Inactive}, phases{"new": waiting, "tried": waiting, "mail": waiting, "held": held}},
		{"one is only full", fakeRooms{"primary": routing.Down, "backup": routing.Full}, phases{"new": queued, "tried": retrying, "mail": queued, "held": held}},
	} {
		clear(n.rooms)
		for name, why := range tt.rooms {
			n.rooms[name] = why
		}
		if diff := cmp.Diff(tt.want, n.phases(service.TaskFilter{})); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		// By phase exactly those are found that are shown in it.
		for _, phase := range dispatchapy.Phases {
			want := phases{}
			for ref, p := range tt.want {
				if p == phase {
					want[ref] = p
				}
			}
			if diff := cmp.Diff(want, n.phases(service.TaskFilter{Phases: []dispatchapy.Phase{phase}})); diff != "" {
				t.Errorf("%s, by phase %s: %s", tt.name, phase, diff)
			}
		}
	}
}

func TestFilterByPhaseTogetherWithOthers(t *testing.T) {
	n := startNode(t)
	n.rooms["backup"] = routing.Down
	n.insert(
		task{client: "bank", endpoint: "mail", ref: "mail"}, task{client: "bank", endpoint: "sms", ref: "sms"},
		task{client: "shop", endpoint: "sms", ref: "shop"}, task{client: "shop", endpoint: "sms", ref: "held", hold: true},
	)
	shop := n.client("shop-token-1234")
	type phase = []dispatchapy.Phase
	for name, tt := range map[string]struct {
		who    dispatchapy.Principal
		filter service.TaskFilter
		want   []string
	}{
		"several":                  {admin, service.TaskFilter{Phases: phase{dispatchapy.PhaseHeld, dispatchapy.PhaseWaiting}}, []string{"held", "mail"}},
		"all of pending":           {admin, service.TaskFilter{Phases: phase{dispatchapy.PhaseQueued, dispatchapy.PhaseWaiting, dispatchapy.PhaseRetrying}}, []string{"shop", "sms", "mail"}},
		"with a client":            {admin, service.TaskFilter{Phases: phase{dispatchapy.PhaseQueued}, Clients: []string{"bank"}}, []string{"sms"}},
		"with its endpoint":        {admin, service.TaskFilter{Phases: phase{dispatchapy.PhaseWaiting}, Endpoints: []string{"mail"}}, []string{"mail"}},
		"with another endpoint":    {admin, service.TaskFilter{Phases: phase{dispatchapy.PhaseWaiting}, Endpoints: []string{"sms"}}, []string{}},
		"with its status":          {admin, service.TaskFilter{Phases: phase{dispatchapy.PhaseWaiting}, Statuses: []dispatchapy.Status{"pending"}}, []string{"mail"}},
		"with another status":      {admin, service.TaskFilter{Phases: phase{dispatchapy.PhaseWaiting}, Statuses: []dispatchapy.Status{"held"}}, []string{}},
		"a client sees its own":    {shop, service.TaskFilter{Phases: phase{dispatchapy.PhaseQueued, dispatchapy.PhaseWaiting}}, []string{"shop"}},
		"with text":                {admin, service.TaskFilter{Phases: phase{dispatchapy.PhaseWaiting}, Text: "mail"}, []string{"mail"}},
		"with text of the other":   {admin, service.TaskFilter{Phases: phase{dispatchapy.PhaseWaiting}, Text: "shop"}, []string{}},
		"none of it can be chosen": {admin, service.TaskFilter{Phases: phase{dispatchapy.PhaseSending}}, []string{}},
	} {
		if diff := cmp.Diff(tt.want, n.refs(tt.who, tt.filter)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	_, err := n.ListTasks(t.Context(), admin, service.TaskFilter{Phases: phase{"asleep"}}, service.PageRequest{})
	if fields := fieldsOf(err); len(fields) != 1 || fields[0].Path != "phase" {
		t.Errorf("an unknown phase gives %v", err)
	}
}

func TestABatchByPhaseActsOnThatPhaseAlone(t *testing.T) {
	n := startNode(t)
	n.rooms["backup"] = routing.Down
	ids := n.insert(task{client: "bank", endpoint: "mail", ref: "waiting"}, task{client: "bank", endpoint: "sms", ref: "queued"})
	batch := service.Batch{Action: dispatchapy.ActionStop, Filter: &service.TaskFilter{Phases: []dispatchapy.Phase{dispatchapy.PhaseWaiting}}}
	result, err := n.ActOnTasks(t.Context(), admin, batch)
	if err != nil || len(result.Results) != 1 || result.Results[0].ID != ids[0] {
		t.Errorf("stopped %+v, %v; want task %d", result.Results, err, ids[0])
	}
	batch = service.Batch{Action: dispatchapy.ActionSend, Filter: &service.TaskFilter{Phases: []dispatchapy.Phase{dispatchapy.PhaseQueued}}}
	if result, err := n.ActOnTasks(t.Context(), admin, batch); err != nil || len(result.Results) != 0 {
		t.Errorf("queued tasks cannot be sent, and %+v were chosen, %v", result.Results, err)
	}
}

func TestATaskSaysWhatKeepsItWaiting(t *testing.T) {
	n := startNode(t)
	n.rooms["primary"], n.rooms["backup"] = routing.Down, routing.Paused
	id := n.tried("sms", "r", "primary")
	found, err := n.Task(t.Context(), admin, id)
	if err != nil {
		t.Fatal(err)
	}
	want := []service.RouteState{
		{Resource: "primary", Reason: routing.Down, Wait: time.Second, Refused: true},
		{Resource: "backup", Reason: routing.Paused, Wait: time.Second},
	}
	if diff := cmp.Diff(want, found.Routes); diff != "" || found.Phase != dispatchapy.PhaseWaiting {
		t.Errorf("%s: %s", found.Phase, diff)
	}
	stopped, err := n.ActOnTask(t.Context(), admin, dispatchapy.ActionStop, id)
	if err != nil || stopped.Routes != nil || stopped.Phase != dispatchapy.PhaseStopped {
		t.Errorf("a stopped task waits for nothing: %s, %+v, %v", stopped.Phase, stopped.Routes, err)
	}
}
