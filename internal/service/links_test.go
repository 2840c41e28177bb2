package service_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/service"
)

func TestRenamingRewritesWhatRefersToIt(t *testing.T) {
	n := startNode(t)
	n.apply(`
version: 1
endpoints:
  - path: sms
    resources: [primary, backup]
    mapping: {primary: {to: {from: phone}}, backup: {to: {from: mobile}}}
clients:
  - name: shop
    endpoints: [sms]
    dev: {rules_enabled: true, rules: [{endpoint: sms, set: {param: a, value: 1}}, {set: {param: b, value: 2}}]}
`, service.ApplyOptions{})
	n.insert(task{client: "shop", endpoint: "sms", ref: "r"})
	primary, sms := n.resource("primary"), n.endpoint("sms")
	if _, err := n.UpdateResource(t.Context(), admin, primary.ID, &primary.Version, func(r *dispatchapy.Resource) error { r.Name = "first"; return nil }); err != nil {
		t.Fatal(err)
	}
	renamed := n.endpoint("sms")
	if _, err := n.UpdateEndpoint(t.Context(), admin, sms.ID, &renamed.Version, func(d *service.EndpointDraft) error { d.Path = "text"; return nil }); err != nil {
		t.Fatal(err)
	}
	cfg := n.stored()
	if cfg.Resource("primary") != nil || cfg.Resource("first").ID != primary.ID || cfg.Endpoint("sms") != nil {
		t.Error("the old names are still there, or ids changed")
	}
	text := cfg.Endpoint("text")
	if text.ID != sms.ID || !cmp.Equal(text.Resources, []string{"first", "backup"}) || text.Mapping["first"]["to"].From != "phone" || len(text.Mapping) != 2 {
		t.Errorf("endpoint: %+v", text)
	}
	shop := cfg.Client("shop")
	if !cmp.Equal(shop.Endpoints, []string{"text"}) || shop.Dev.Rules[0].Endpoint != "text" || shop.Dev.Rules[1].Endpoint != "" {
		t.Errorf("client: %+v", shop)
	}
	if bank := cfg.Client("bank"); !cmp.Equal(bank.Endpoints, []string{"mail", "text"}) {
		t.Errorf("client: %+v", bank)
	}
	found, err := n.ListTasks(t.Context(), admin, service.TaskFilter{Endpoints: []string{"text"}}, service.PageRequest{})
	if err != nil || len(found.Items) != 1 || found.Items[0].Endpoint != "text" {
		t.Errorf("its tasks: %+v, %v", found, err)
	}
	if len(n.store.updates) != 3 || len(n.store.updates[2].Put) != 3 {
		t.Error("a rename was not one change")
	}
}

func TestLinksOfAnEndpoint(t *testing.T) {
	n := startNode(t)
	sms := n.endpoint("sms")
	e, err := n.UpdateEndpoint(t.Context(), admin, sms.ID, &sms.Version, func(d *service.EndpointDraft) error {
		if !cmp.Equal(d.Clients, []string{"bank", "shop"}) {
			t.Errorf("clients are %v", d.Clients)
		}
		d.Clients = []string{"bank"}
		return nil
	})
	if err != nil || !cmp.Equal(e.Clients, []string{"bank"}) {
		t.Errorf("%+v, %v", e, err)
	}
	if got := n.stored().Client("shop").Endpoints; len(got) != 0 {
		t.Errorf("shop may post to %v", got)
	}
}

func TestDuplicates(t *testing.T) {
	n := startNode(t)
	ctx := t.Context()
	n.apply(`
version: 1
resources: [{name: primary, url: "http://127.0.0.1:9001/send", headers: {X-Key: hush-header}, health_check: {enabled: true}}]
endpoints: [{path: sms, resources: [primary, backup], mapping: {primary: {to: {from: phone}}}, dev: {enabled: true, hold: true, rules: [{set: {param: a, value: 1}}]}}]
`, service.ApplyOptions{})
	primary, sms, shop := n.resource("primary"), n.endpoint("sms"), n.clientNamed("shop")
	for _, want := range []string{"primary copy", "primary copy 2", "primary copy 3"} {
		r, err := n.DuplicateResource(ctx, admin, primary.ID)
		if err != nil || r.Name != want || r.IsActive() || r.HealthCheck.Enabled || r.ID == primary.ID || r.URL != primary.URL {
			t.Errorf("%+v, %v", r, err)
		}
		if got := n.resource(want).Headers["X-Key"].Reveal(); got != "hush-header" {
			t.Errorf("the copy's header is %q", got)
		}
	}
	for _, want := range []string{"sms-copy", "sms-copy-2"} {
		e, err := n.DuplicateEndpoint(ctx, admin, sms.ID)
		if err != nil || e.Path != want || !cmp.Equal(e.Clients, []string{"bank", "shop"}) || !cmp.Equal(e.Resources, sms.Resources) ||
			!cmp.Equal(e.Mapping, sms.Mapping) || !cmp.Equal(e.Dev, sms.Dev) {
			t.Errorf("%+v, %v", e, err)
		}
	}
	c, err := n.DuplicateClient(ctx, admin, shop.ID)
	if err != nil || c.Name != "shop copy" || !cmp.Equal(c.Endpoints, []string{"sms", "sms-copy", "sms-copy-2"}) {
		t.Fatalf("%+v, %v", c, err)
	}
	if n.client(c.Token).ClientID == n.client("shop-token-1234").ClientID {
		t.Error("the copy has the token of the original")
	}
	n.stored()
	wantCode(t, second(n.DuplicateClient(ctx, admin, 4711)), dispatchapy.CodeNotFound)
}

func TestDeletingSaysWhatItDoes(t *testing.T) {
	n := startNode(t)
	ctx := t.Context()
	n.insert(task{client: "bank", endpoint: "mail", ref: "1"}, task{client: "bank", endpoint: "mail", ref: "2"}, task{client: "shop", endpoint: "sms", ref: "3"})
	backup, spare := n.resource("backup"), n.resource("spare")

	if err := n.DeleteResource(ctx, admin, spare.ID, &spare.Version, false); err != nil {
		t.Errorf("deleting what nobody uses: %v", err)
	}
	impact, err := n.ResourceImpact(ctx, admin, backup.ID)
	if err != nil || !cmp.Equal(impact.Endpoints, []string{"mail", "sms"}) || !cmp.Equal(impact.Stranded, []string{"mail"}) || impact.WaitingTasks != 2 || !impact.InUse() {
		t.Errorf("%+v, %v", impact, err)
	}
	conflict := wantConflict(t, n.DeleteResource(ctx, admin, backup.ID, &backup.Version, false), dispatchapy.CodeConflict)
	if conflict.Impact == nil || conflict.Impact.WaitingTasks != 2 || conflict.Version != impact.Version {
		t.Errorf("%+v", conflict)
	}
	// Somebody makes the impact larger meanwhile.
	if _, err := n.CreateEndpoint(ctx, admin, &service.EndpointDraft{Endpoint: dispatchapy.Endpoint{Path: "push", Resources: []string{"backup"}}}); err != nil {
		t.Fatal(err)
	}
	conflict = wantConflict(t, n.DeleteResource(ctx, admin, backup.ID, &impact.Version, true), dispatchapy.CodeConflict)
	if !cmp.Equal(conflict.Impact.Endpoints, []string{"mail", "push", "sms"}) || conflict.Version == impact.Version {
		t.Errorf("%+v", conflict.Impact)
	}
	if err := n.DeleteResource(ctx, admin, backup.ID, &conflict.Version, true); err != nil {
		t.Fatal(err)
	}
	cfg := n.stored()
	if cfg.Resource("backup") != nil || len(cfg.Endpoint("mail").Resources) != 0 || !cmp.Equal(cfg.Endpoint("sms").Resources, []string{"primary"}) {
		t.Errorf("after the deletion: %+v", cfg.Endpoints)
	}
	wantCode(t, n.DeleteResource(ctx, admin, backup.ID, &conflict.Version, true), dispatchapy.CodeNotFound)
}

func TestDeletingEndpointsAndClients(t *testing.T) {
	n := startNode(t)
	ctx := t.Context()
	n.apply(`{version: 1, clients: [{name: shop, endpoints: [sms], dev: {rules_enabled: true, rules: [{endpoint: sms, set: {param: a, value: 1}}]}}]}`, service.ApplyOptions{})
	n.insert(task{client: "shop", endpoint: "sms", ref: "1"})
	sms, shop := n.endpoint("sms"), n.clientNamed("shop")
	impact, err := n.EndpointImpact(ctx, admin, sms.ID)
	if err != nil || !cmp.Equal(impact.Clients, []string{"bank", "shop"}) || impact.WaitingTasks != 1 || impact.Version != shop.Version {
		t.Errorf("%+v, %v", impact, err)
	}
	if err := n.DeleteEndpoint(ctx, admin, sms.ID, &impact.Version, true); err != nil {
		t.Fatal(err)
	}
	cfg := n.stored()
	if got := cfg.Client("shop"); len(got.Endpoints) != 0 || len(got.Dev.Rules) != 0 || got.Dev.RulesEnabled {
		t.Errorf("%+v", got)
	}
	bank := n.clientNamed("bank")
	conflict := wantConflict(t, n.DeleteClient(ctx, admin, bank.ID, &bank.Version, false), dispatchapy.CodeConflict)
	if !cmp.Equal(conflict.Impact.Endpoints, []string{"mail"}) {
		t.Errorf("%+v", conflict.Impact)
	}
	if err := n.DeleteClient(ctx, admin, bank.ID, &conflict.Version, true); err != nil {
		t.Fatal(err)
	}
	if _, ok := n.Authenticate("bank-token-1234"); ok {
		t.Error("the token of a deleted client still works")
	}
	wantCode(t, second(n.ClientImpact(ctx, admin, bank.ID)), dispatchapy.CodeNotFound)
}
