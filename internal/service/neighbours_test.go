package service_test

import (
	"slices"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/service"
)

func TestNeighbours(t *testing.T) {
	n := startNode(t)
	ids := n.insert(
		task{client: "shop", endpoint: "sms", ref: "1"}, task{client: "bank", endpoint: "sms", ref: "2"},
		task{client: "shop", endpoint: "sms", ref: "3", hold: true}, task{client: "shop", endpoint: "sms", ref: "4"},
	)
	shop := n.client("shop-token-1234")
	for name, tt := range map[string]struct {
		who          dispatchapy.Principal
		filter       service.TaskFilter
		id           int64
		newer, older int64
	}{
		"in the middle":            {admin, service.TaskFilter{}, ids[1], ids[2], ids[0]},
		"the newest":               {admin, service.TaskFilter{}, ids[3], 0, ids[2]},
		"the oldest":               {admin, service.TaskFilter{}, ids[0], ids[1], 0},
		"a client passes others":   {shop, service.TaskFilter{}, ids[0], ids[2], 0},
		"by phase":                 {admin, service.TaskFilter{Phases: []dispatchapy.Phase{dispatchapy.PhaseQueued}}, ids[1], ids[3], ids[0]},
		"beside one not in it":     {admin, service.TaskFilter{Ref: "4"}, ids[0], ids[3], 0},
		"by text":                  {admin, service.TaskFilter{Text: "shop"}, ids[2], ids[3], ids[0]},
		"of another client's list": {shop, service.TaskFilter{Clients: []string{"bank"}}, ids[0], 0, 0},
	} {
		newer, older, err := n.Neighbours(t.Context(), tt.who, tt.filter, tt.id)
		if err != nil || newer != tt.newer || older != tt.older {
			t.Errorf("%s: newer %d, older %d, %v; want %d and %d", name, newer, older, err, tt.newer, tt.older)
		}
	}
	_, _, err := n.Neighbours(t.Context(), admin, service.TaskFilter{Phases: []dispatchapy.Phase{"asleep"}}, 1)
	wantCode(t, err, dispatchapy.CodeInvalid)
}

func TestOldestTasks(t *testing.T) {
	n := startNode(t)
	ids := n.insert(
		task{client: "shop", endpoint: "sms", ref: "1", hold: true}, task{client: "bank", endpoint: "sms", ref: "2", hold: true},
		task{client: "shop", endpoint: "sms", ref: "3"}, task{client: "shop", endpoint: "sms", ref: "4", hold: true},
	)
	held := service.TaskFilter{Phases: []dispatchapy.Phase{dispatchapy.PhaseHeld}}
	for name, tt := range map[string]struct {
		who   dispatchapy.Principal
		limit int
		want  []int64
	}{
		"everybody's": {admin, 0, []int64{ids[0], ids[1], ids[3]}},
		"the first":   {admin, 1, ids[:1]},
		"its own":     {n.client("shop-token-1234"), 0, []int64{ids[0], ids[3]}},
	} {
		found, err := n.OldestTasks(t.Context(), tt.who, held, tt.limit)
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, task := range found {
			got = append(got, task.ID)
		}
		if !slices.Equal(got, tt.want) || found[0].Client != "shop" {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	_, err := n.OldestTasks(t.Context(), admin, service.TaskFilter{Text: "x"}, 0)
	wantCode(t, err, dispatchapy.CodeInvalid)
	_, err = n.OldestTasks(t.Context(), admin, held, service.MaxLimit+1)
	wantCode(t, err, dispatchapy.CodeInvalid)
}
