package service_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/service"
)

func TestActionsAreToldToThoseWhoWatch(t *testing.T) {
	n := startNode(t)
	shop, sms := n.table.Load().Config.Client("shop").ID, n.table.Load().Config.Endpoint("sms").ID
	held := n.insert(task{client: "shop", endpoint: "sms", ref: "r", hold: true})[0]
	change := func(state string) dispatchapy.Change {
		return dispatchapy.Change{Kind: dispatchapy.ChangeTask, ID: held, State: state, ClientID: shop, EndpointID: sms}
	}
	ofHeld := dispatchapy.Change{Kind: dispatchapy.ChangeHeld, ClientID: shop}
	for _, step := range []struct {
		action dispatchapy.Action
		want   []dispatchapy.Change
	}{
		{dispatchapy.ActionDelete, []dispatchapy.Change{change("deleted"), ofHeld}},
		{dispatchapy.ActionRestore, []dispatchapy.Change{change("held"), ofHeld}},
		{dispatchapy.ActionSend, []dispatchapy.Change{change("queued"), ofHeld}},
		{dispatchapy.ActionSend, nil}, // refused
		{dispatchapy.ActionStop, []dispatchapy.Change{change("stopped")}},
	} {
		n.published = nil
		_, _ = n.ActOnTask(t.Context(), admin, step.action, held)
		if diff := cmp.Diff(step.want, n.published); diff != "" {
			t.Errorf("%s: %s", step.action, diff)
		}
	}
}

func TestWatch(t *testing.T) {
	n := startNode(t)
	for name, tt := range map[string]struct {
		who  dispatchapy.Principal
		want watched
	}{
		"admin":    {admin, watched{0, "p"}},
		"viewer":   {dispatchapy.Principal{Role: dispatchapy.RoleViewer}, watched{0, "p"}},
		"a client": {n.client("shop-token-1234"), watched{n.client("shop-token-1234").ClientID, "p"}},
	} {
		reader, err := n.Watch(t.Context(), tt.who, "p")
		if err != nil || reader.(fakeReader).watched != tt.want {
			t.Errorf("%s follows %+v, %v; want %+v", name, reader, err, tt.want)
		}
	}
	_, err := service.New(service.Options{Table: n.table}).Watch(t.Context(), admin, "")
	wantCode(t, err, dispatchapy.CodeUnavailable)
}
