package service_test

import (
	"strings"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// TestPreviewTaskIsForThoseWhoMayReadIt: staff of every role sees the requests,
// a client only if it may read of providers, and never those of others.
func TestPreviewTaskIsForThoseWhoMayReadIt(t *testing.T) {
	n := startNode(t)
	task := n.insert(task{client: "shop", endpoint: "sms", ref: "r1", hold: true})[0]
	for _, role := range []dispatchapy.Role{dispatchapy.RoleAdmin, dispatchapy.RoleOperator, dispatchapy.RoleViewer} {
		got, err := n.PreviewTask(t.Context(), dispatchapy.Principal{Name: "x", Role: role}, task, nil)
		if err != nil {
			t.Fatalf("%s: %v", role, err)
		}
		if len(got.Routes) != 2 || got.Chosen != "primary" || string(got.Routes[0].Request.Body) != `{"ref":"r1"}` {
			t.Errorf("%s sees %+v", role, got)
		}
		if key := got.Routes[0].Request.Header["X-Key"]; strings.Contains(key, "hush") {
			t.Errorf("%s sees the secret %q", role, key)
		}
	}
	shop := n.client("shop-token-1234")
	got, err := n.PreviewTask(t.Context(), shop, task, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Routes != nil || got.Chosen != "" || string(got.Payload) != `{"ref":"r1"}` {
		t.Errorf("a client sees %+v", got)
	}
	_, err = n.PreviewTask(t.Context(), n.client("bank-token-1234"), task, nil)
	wantCode(t, err, dispatchapy.CodeNotFound)

	n.apply("version: 1\nclients: [{name: shop, endpoints: [sms], show_provider_bodies: true}]\n", service.ApplyOptions{})
	if got, err = n.PreviewTask(t.Context(), shop, task, nil); err != nil || len(got.Routes) != 2 {
		t.Errorf("a client that may read of providers sees %+v, %v", got, err)
	}
}

func TestPreviewTaskOfAnotherPayload(t *testing.T) {
	n := startNode(t)
	task := n.insert(task{client: "shop", endpoint: "sms", ref: "r1", hold: true})[0]
	got, err := n.PreviewTask(t.Context(), admin, task, []byte(`{"ref":"r2","n":12345678901234567890}`))
	if err != nil {
		t.Fatal(err)
	}
	if body := string(got.Routes[1].Request.Body); body != `{"ref":"r2","n":12345678901234567890}` {
		t.Errorf("would send %s", body)
	}
	if got, err = n.PreviewTask(t.Context(), admin, task, []byte("refused")); err != nil || got.Status != 400 || got.Detail != "no JSON" || got.Routes[0].Request != nil {
		t.Errorf("of what is refused it shows %+v, %v", got, err)
	}
	sms := n.table.Load().Config.Endpoint("sms")
	if err := n.DeleteEndpoint(t.Context(), admin, sms.ID, &sms.Version, true); err != nil {
		impact, _ := n.EndpointImpact(t.Context(), admin, sms.ID)
		if err := n.DeleteEndpoint(t.Context(), admin, sms.ID, &impact.Version, true); err != nil {
			t.Fatal(err)
		}
	}
	_, err = n.PreviewTask(t.Context(), admin, task, nil)
	wantCode(t, err, dispatchapy.CodeConflict)
}
