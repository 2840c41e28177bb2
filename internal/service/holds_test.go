package service_test

import (
	"testing"

	"dispatchapy"
	"dispatchapy/internal/service"
)

func TestHoldsSayWhoHoldsSinceWhen(t *testing.T) {
	n := startNode(t)
	if holds, err := n.Holds(t.Context(), admin); err != nil || len(holds) != 0 {
		t.Fatalf("%v, %v", holds, err)
	}
	shop := n.table.Load().Config.Client("shop")
	held, err := n.UpdateClientDev(t.Context(), admin, shop.ID, &shop.Version, func(d *dispatchapy.ClientDev) error { d.Hold = true; return nil })
	if err != nil {
		t.Fatal(err)
	}
	on, err := n.ListAudit(t.Context(), admin, service.AuditFilter{Kind: "client", Object: shop.ID}, service.PageRequest{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	// A later change of something else is not when it began.
	if _, err := n.UpdateClient(t.Context(), admin, shop.ID, &held.Version, func(c *dispatchapy.Client) error { c.Description = "x"; return nil }); err != nil {
		t.Fatal(err)
	}
	sms := n.table.Load().Config.Endpoint("sms")
	dev := dispatchapy.EndpointDev{Hold: true, RulesEnabled: true, Rules: []dispatchapy.Rule{{Set: dispatchapy.Override{Param: "x", Value: []byte("1")}}}}
	if _, err := n.UpdateEndpoint(t.Context(), admin, sms.ID, &sms.Version, func(d *service.EndpointDraft) error { d.Dev = dev; return nil }); err != nil {
		t.Fatal(err)
	}
	holds, err := n.Holds(t.Context(), dispatchapy.Principal{Name: "v", Role: dispatchapy.RoleViewer})
	if err != nil || len(holds) != 1 {
		t.Fatalf("an endpoint that is not in development mode holds nothing: %+v, %v", holds, err)
	}
	if h := holds[0]; h.Kind != "client" || h.Name != "shop" || h.ID != shop.ID || !h.Since.Equal(on.Items[0].At) {
		t.Errorf("%+v, want since %v", h, on.Items[0].At)
	}
	sms, dev.Enabled = n.table.Load().Config.Endpoint("sms"), true
	if _, err := n.UpdateEndpoint(t.Context(), admin, sms.ID, &sms.Version, func(d *service.EndpointDraft) error { d.Dev = dev; return nil }); err != nil {
		t.Fatal(err)
	}
	holds, err = n.Holds(t.Context(), admin)
	if err != nil || len(holds) != 2 || holds[1].Kind != "endpoint" || holds[1].Name != "sms" || holds[1].Since.IsZero() {
		t.Errorf("%+v, %v", holds, err)
	}
	own, err := n.Holds(t.Context(), n.client("shop-token-1234"))
	if err != nil || len(own) != 1 || own[0].Name != "shop" {
		t.Errorf("a client sees %+v, %v", own, err)
	}
	if other, err := n.Holds(t.Context(), n.client("bank-token-1234")); err != nil || len(other) != 0 {
		t.Errorf("another client sees %+v, %v", other, err)
	}
}
