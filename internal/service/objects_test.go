package service_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/service"
	"dispatchapy/internal/store"
)

func (n *node) resource(name string) dispatchapy.Resource {
	n.t.Helper()
	r := n.table.Load().Config.Resource(name)
	if r == nil {
		n.t.Fatalf("there is no resource %s", name)
	}
	return *r
}

func (n *node) endpoint(path string) dispatchapy.Endpoint {
	n.t.Helper()
	e := n.table.Load().Config.Endpoint(path)
	if e == nil {
		n.t.Fatalf("there is no endpoint %s", path)
	}
	return *e
}

func (n *node) clientNamed(name string) dispatchapy.Client {
	n.t.Helper()
	c := n.table.Load().Config.Client(name)
	if c == nil {
		n.t.Fatalf("there is no client %s", name)
	}
	return *c
}

// stored reads the configuration back from the database as another node does.
func (n *node) stored() *dispatchapy.Config {
	n.t.Helper()
	other := newNode(n.t, n.store.Store, 1)
	other.refresh()
	return other.table.Load().Config
}

func keepResource(*dispatchapy.Resource) error { return nil }

func wantConflict(t *testing.T, err error, code dispatchapy.Code) *service.ConflictError {
	t.Helper()
	wantCode(t, err, code)
	var conflict *service.ConflictError
	if !errors.As(err, &conflict) {
		t.Fatalf("%v is no ConflictError", err)
	}
	return conflict
}

func TestWhatIsCreatedIsInForceAndStored(t *testing.T) {
	n := startNode(t)
	r, err := n.CreateResource(t.Context(), admin, &dispatchapy.Resource{Name: " third ", URL: "http://x.example/", Headers: map[string]dispatchapy.Secret{"X": "hush"}})
	if err != nil {
		t.Fatal(err)
	}
	if r.ID == 0 || r.Version != 2 || r.Name != "third" || r.Headers["X"].Reveal() != dispatchapy.Redacted || r.Health.State != dispatchapy.HealthUnknown {
		t.Errorf("created %+v", r)
	}
	e, err := n.CreateEndpoint(t.Context(), admin, &service.EndpointDraft{Endpoint: dispatchapy.Endpoint{Path: "/push/", Resources: []string{"third"}}, Clients: []string{"shop"}})
	if err != nil {
		t.Fatal(err)
	}
	if e.Path != "push" || e.Readiness != dispatchapy.ReadinessReady || !cmp.Equal(e.Clients, []string{"shop"}) || e.Version != 3 {
		t.Errorf("created %+v", e)
	}
	c, err := n.CreateClient(t.Context(), admin, &dispatchapy.Client{Name: "new", Endpoints: []string{"push"}})
	if err != nil {
		t.Fatal(err)
	}
	if p := n.client(c.Token); p.ClientID != c.ID {
		t.Errorf("the token leads to %+v", p)
	}
	if !strings.HasPrefix(c.Token.Reveal(), "dpy_") || c.TokenHash != "" {
		t.Errorf("created %+v", c)
	}
	cfg := n.stored()
	if got := cfg.Resource("third"); got.ID != r.ID || got.Version != 2 || got.Headers["X"].Reveal() != "hush" {
		t.Errorf("stored %+v", got)
	}
	if got := cfg.Client("shop"); got.Version != 3 || !cmp.Equal(got.Endpoints, []string{"push", "sms"}) {
		t.Errorf("stored %+v", got)
	}
	if cfg.Client("bank").Version != 1 || cfg.Client("new").Version != 4 {
		t.Error("versions tell who changed when")
	}
}

func TestInvalidObjectsChangeNothing(t *testing.T) {
	n := startNode(t)
	ctx := t.Context()
	sms, primary, shop := n.endpoint("sms"), n.resource("primary"), n.clientNamed("shop")
	tests := []struct {
		name, field string
		do          func() error
	}{
		{"no URL", "url", func() error {
			_, err := n.CreateResource(ctx, admin, &dispatchapy.Resource{Name: "x"})
			return err
		}},
		{"no name", "name", func() error { _, err := n.CreateClient(ctx, admin, &dispatchapy.Client{}); return err }},
		{"no path", "path", func() error {
			_, err := n.CreateEndpoint(ctx, admin, &service.EndpointDraft{Clients: []string{"shop"}})
			return err
		}},
		{"name taken", "name", func() error {
			_, err := n.CreateResource(ctx, admin, &dispatchapy.Resource{Name: "spare", URL: "http://x.example/"})
			return err
		}},
		{"renamed to one that is taken", "name", func() error {
			_, err := n.UpdateResource(ctx, admin, primary.ID, &primary.Version, func(r *dispatchapy.Resource) error { r.Name = "backup"; return nil })
			return err
		}},
		{"path taken", "path", func() error {
			_, err := n.UpdateEndpoint(ctx, admin, sms.ID, &sms.Version, func(d *service.EndpointDraft) error { d.Path = "/mail"; return nil })
			return err
		}},
		{"unknown resource", "resources[1]", func() error {
			_, err := n.UpdateEndpoint(ctx, admin, sms.ID, &sms.Version, func(d *service.EndpointDraft) error {
				d.Resources = []string{"primary", "nowhere"}
				return nil
			})
			return err
		}},
		{"unknown client", "clients[0]", func() error {
			_, err := n.UpdateEndpoint(ctx, admin, sms.ID, &sms.Version, func(d *service.EndpointDraft) error { d.Clients = []string{"nobody"}; return nil })
			return err
		}},
		{"does not compile", "mapping.primary.to.template", func() error {
			_, err := n.UpdateEndpoint(ctx, admin, sms.ID, &sms.Version, func(d *service.EndpointDraft) error {
				d.Mapping = map[string]dispatchapy.Mapping{"primary": {"to": {Template: "{{open"}}}
				return nil
			})
			return err
		}},
		{"token of another", "token", func() error {
			_, err := n.UpdateClient(ctx, admin, shop.ID, &shop.Version, func(c *dispatchapy.Client) error { c.Token = "bank-token-1234"; return nil })
			return err
		}},
		{"token too short", "token", func() error {
			_, err := n.CreateClient(ctx, admin, &dispatchapy.Client{Name: "x", Token: "short"})
			return err
		}},
		{"no secret to keep", "headers.X-New", func() error {
			_, err := n.UpdateResource(ctx, admin, primary.ID, &primary.Version, func(r *dispatchapy.Resource) error {
				r.Headers["X-New"] = dispatchapy.Redacted
				return nil
			})
			return err
		}},
		{"no password to keep", "smtp.password", func() error {
			version := int64(0)
			_, err := n.UpdateSettings(ctx, admin, &version, func(s *dispatchapy.Settings) error {
				s.SMTP = &dispatchapy.SMTP{Host: "h", From: "a@b.example", Password: dispatchapy.Redacted}
				return nil
			})
			return err
		}},
		{"settings", "max_attempts", func() error {
			version := int64(0)
			_, err := n.UpdateSettings(ctx, admin, &version, func(s *dispatchapy.Settings) error { s.MaxAttempts = 0; return nil })
			return err
		}},
		{"overlap", "overlap", func() error { _, err := n.RotateToken(ctx, admin, shop.ID, nil, time.Minute); return err }},
	}
	before := n.table.Load()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.do()
			wantCode(t, err, dispatchapy.CodeInvalid)
			if fields := fieldsOf(err); len(fields) == 0 || fields[0].Path != tt.field {
				t.Errorf("fields %+v, want %s", fields, tt.field)
			}
		})
	}
	if n.table.Load() != before || len(n.store.updates) != 0 {
		t.Error("something was changed")
	}
}

func TestAFaultElsewhereSaysWhere(t *testing.T) {
	n := startNode(t)
	n.apply("version: 1\nresources: [{name: primary, url: 'http://127.0.0.1:9001/send', required_params: [to]}]\n"+
		"endpoints: [{path: sms, resources: [primary, backup], retry: {cap: 5s}}]\n", service.ApplyOptions{})
	version := n.table.Load().Config.Settings.Version
	_, err := n.UpdateSettings(t.Context(), admin, &version, func(s *dispatchapy.Settings) error {
		s.Retry.Base, s.Retry.Cap = dispatchapy.Duration(10*time.Second), dispatchapy.Duration(time.Minute)
		return nil
	})
	fields := fieldsOf(err)
	if len(fields) != 1 || fields[0].Path != "endpoints[1].retry.cap" || !strings.Contains(fields[0].Message, `(endpoint "sms")`) {
		t.Errorf("%+v", fields)
	}
}

func TestChangesNeedTheVersionTheyAreBasedOn(t *testing.T) {
	n := startNode(t)
	ctx := t.Context()
	primary := n.resource("primary")
	rename := func(to string) func(*dispatchapy.Resource) error {
		return func(r *dispatchapy.Resource) error { r.URL = to; return nil }
	}
	conflict := wantConflict(t, second(n.UpdateResource(ctx, admin, primary.ID, nil, rename("http://mine.example/"))), dispatchapy.CodePrecondition)
	if conflict.Version != primary.Version {
		t.Errorf("the present version is %d, told was %d", primary.Version, conflict.Version)
	}
	theirs, err := n.UpdateResource(ctx, admin, primary.ID, &primary.Version, rename("http://theirs.example/"))
	if err != nil || theirs.Version != 2 {
		t.Fatalf("%+v, %v", theirs, err)
	}
	conflict = wantConflict(t, second(n.UpdateResource(ctx, admin, primary.ID, &primary.Version, func(r *dispatchapy.Resource) error {
		r.URL, r.Headers["X-Mine"] = "http://mine.example/", "hush-mine"
		return nil
	})), dispatchapy.CodeConflict)
	current, yours := conflict.Current.(dispatchapy.Resource), conflict.Yours.(dispatchapy.Resource)
	if conflict.Version != 2 || current.URL != "http://theirs.example/" || yours.URL != "http://mine.example/" {
		t.Errorf("both sides: %+v and %+v", current, yours)
	}
	if text := fmt.Sprintf("%q %q", current.Headers["X-Key"].Reveal(), yours.Headers["X-Mine"].Reveal()); strings.Contains(text, "hush") {
		t.Errorf("secrets are shown: %s", text)
	}
	shop := n.clientNamed("shop")
	wantConflict(t, second(n.UpdateClient(ctx, admin, shop.ID, nil, func(*dispatchapy.Client) error { return nil })), dispatchapy.CodePrecondition)
	wantConflict(t, second(n.UpdateSettings(ctx, admin, nil, func(*dispatchapy.Settings) error { return nil })), dispatchapy.CodePrecondition)
	stale := int64(77)
	conflict = wantConflict(t, second(n.UpdateSettings(ctx, admin, &stale, func(s *dispatchapy.Settings) error { s.MaxAttempts = 7; return nil })), dispatchapy.CodeConflict)
	if conflict.Current.(dispatchapy.Settings).MaxAttempts != 5 || conflict.Yours.(dispatchapy.Settings).MaxAttempts != 7 {
		t.Errorf("%+v", conflict)
	}
	wantConflict(t, n.DeleteResource(ctx, admin, primary.ID, nil, true), dispatchapy.CodePrecondition)
	wantConflict(t, n.DeleteResource(ctx, admin, primary.ID, &stale, true), dispatchapy.CodeConflict)
	if got := n.stored().Resource("primary").URL; got != "http://theirs.example/" {
		t.Errorf("the URL is %s", got)
	}
}

func second[T any](_ T, err error) error { return err }

func TestAChangeThatChangesNothingWritesNothing(t *testing.T) {
	n := startNode(t)
	primary := n.resource("primary")
	r, err := n.UpdateResource(t.Context(), admin, primary.ID, &primary.Version, keepResource)
	if err != nil || r.Version != primary.Version || len(n.store.updates) != 0 {
		t.Errorf("version %d, %d writes, %v", r.Version, len(n.store.updates), err)
	}
	if got := n.resource("primary").Headers["X-Key"].Reveal(); got != "hush-header" {
		t.Errorf("the header is %q", got)
	}
}

func TestMaskedSecretsStayAsTheyAre(t *testing.T) {
	n := startNode(t)
	n.apply("version: 1\nsettings: {smtp: {host: h, from: a@b.example, username: u, password: hush-smtp}}\nresources:\n"+
		"  - {name: hook, url: 'http://x.example/', headers: {A: hush-a, B: hush-b}, notify: {webhook: {enabled: true, url: 'http://y.example/', headers: {C: hush-c}}}}\n", service.ApplyOptions{})
	hook := n.resource("hook")
	_, err := n.UpdateResource(t.Context(), admin, hook.ID, &hook.Version, func(r *dispatchapy.Resource) error {
		for name, value := range map[string]dispatchapy.Secret{"A": r.Headers["A"], "C": r.Notify.Webhook.Headers["C"]} {
			if value.Reveal() != dispatchapy.Redacted {
				t.Errorf("the edited object shows %s: %q", name, value.Reveal())
			}
		}
		r.Headers["B"] = "new-b"
		r.Timeout = dispatchapy.Duration(time.Second)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got := n.stored().Resource("hook")
	if got.Headers["A"].Reveal() != "hush-a" || got.Headers["B"].Reveal() != "new-b" || got.Notify.Webhook.Headers["C"].Reveal() != "hush-c" {
		t.Errorf("stored: %q %q %q", got.Headers["A"].Reveal(), got.Headers["B"].Reveal(), got.Notify.Webhook.Headers["C"].Reveal())
	}
	version := n.table.Load().Config.Settings.Version
	settings, err := n.UpdateSettings(t.Context(), admin, &version, func(s *dispatchapy.Settings) error { s.SMTP.Port = 25; return nil })
	if err != nil || settings.SMTP.Password.Reveal() != dispatchapy.Redacted || settings.Version != 4 {
		t.Errorf("%+v, %v", settings, err)
	}
	if smtp := n.stored().Settings.SMTP; smtp.Port != 25 || smtp.Password.Reveal() != "hush-smtp" {
		t.Errorf("stored: port %d, password %q", smtp.Port, smtp.Password.Reveal())
	}
}

func TestAuditOfChanges(t *testing.T) {
	n := startNode(t)
	ctx := t.Context()
	primary := n.resource("primary")
	if _, err := n.UpdateResource(ctx, admin, primary.ID, &primary.Version, func(r *dispatchapy.Resource) error {
		r.Name, r.Headers["X-Key"] = "first", "hush-new"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	made, err := n.CreateClient(ctx, dispatchapy.Principal{Name: "eve", Role: dispatchapy.RoleAdmin}, &dispatchapy.Client{Name: "new"})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.DeleteClient(ctx, admin, made.ID, &made.Version, false); err != nil {
		t.Fatal(err)
	}
	page, err := n.ListAudit(ctx, admin, service.AuditFilter{}, service.PageRequest{Limit: 4})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range page.Items {
		if e.At.IsZero() || strings.Contains(string(e.Before)+string(e.After), "hush") || strings.Contains(string(e.Before)+string(e.After), "token") {
			t.Errorf("%+v: %s %s", e, e.Before, e.After)
		}
		got = append(got, fmt.Sprintf("%d %s %s %s %s %s: %s -> %s", e.Version, e.By, e.Action, e.Kind, e.Name, e.Detail, e.Before, e.After))
	}
	const url = `"url":"http://127.0.0.1:9001/send","headers":{"X-Key":"[redacted]"}`
	want := []string{
		`4 root delete client new : {"name":"new"} -> `,
		`3 eve create client new :  -> {"name":"new"}`,
		`2 root update endpoint sms resources: {"path":"sms","resources":["primary","backup"]} -> {"path":"sms","resources":["first","backup"]}`,
		`2 root update resource first name, headers (was "primary"): {"name":"primary",` + url + `} -> {"name":"first",` + url + `}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for i, f := range []service.AuditFilter{{Object: primary.ID, Kind: "resource"}, {By: "eve"}, {Kind: string(store.KindEndpoint), Since: page.Items[3].At}} {
		found, err := n.ListAudit(ctx, admin, f, service.PageRequest{})
		if want := []int{2, 1, 1}[i]; err != nil || len(found.Items) != want {
			t.Errorf("%+v: %d entries, want %d, %v", f, len(found.Items), want, err)
		}
	}
	now := time.Now()
	wantCode(t, second(n.ListAudit(ctx, admin, service.AuditFilter{Since: now, Until: now.Add(-time.Second)}, service.PageRequest{})), dispatchapy.CodeInvalid)
}

func TestListsFilterByName(t *testing.T) {
	n := startNode(t)
	for text, want := range map[string][]string{"": {"backup", "primary", "spare"}, "AR": {"primary", "spare"}, "none": {}} {
		page, err := n.ListResources(t.Context(), admin, service.PageRequest{Text: text})
		if diff := cmp.Diff(want, names(t, page, err, func(r service.Resource) string { return r.Name })); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestNodesDoNotOverwriteEachOther(t *testing.T) {
	n := startNode(t)
	nodes := []*node{n, newNode(t, n.store.Store, 1), newNode(t, n.store.Store, 1)}
	primary := n.resource("primary")
	var wg sync.WaitGroup
	results := make([]error, len(nodes))
	for i, node := range nodes {
		node.refresh()
		wg.Go(func() {
			_, results[i] = node.UpdateResource(t.Context(), admin, primary.ID, &primary.Version, func(r *dispatchapy.Resource) error {
				r.URL = fmt.Sprintf("http://node-%d.example/", i)
				return nil
			})
			if _, err := node.CreateClient(t.Context(), admin, &dispatchapy.Client{Name: fmt.Sprint("client of ", i)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	won := 0
	for i, err := range results {
		if err == nil {
			won++
			if got := n.stored().Resource("primary").URL; got != fmt.Sprintf("http://node-%d.example/", i) {
				t.Errorf("node %d was told that it won, the URL is %s", i, got)
			}
			continue
		}
		wantConflict(t, err, dispatchapy.CodeConflict)
	}
	if cfg := n.stored(); won != 1 || len(cfg.Clients) != 5 {
		t.Errorf("%d changes of one version were made, there are %d clients", won, len(cfg.Clients))
	}
}

func TestAFailingDatabaseChangesNothing(t *testing.T) {
	n := startNode(t)
	before := n.table.Load()
	n.store.applyErr = fmt.Errorf("disk full: %w", store.ErrUnavailable)
	primary, shop := n.resource("primary"), n.clientNamed("shop")
	impact, err := n.ResourceImpact(t.Context(), admin, primary.ID)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"create": second(n.CreateClient(t.Context(), admin, &dispatchapy.Client{Name: "new"})),
		"update": second(n.UpdateResource(t.Context(), admin, primary.ID, &primary.Version, func(r *dispatchapy.Resource) error { r.Name = "x"; return nil })),
		"rotate": second(n.RotateToken(t.Context(), admin, shop.ID, nil, time.Hour)),
		"delete": n.DeleteResource(t.Context(), admin, primary.ID, &impact.Version, true),
	} {
		if dispatchapy.ErrorCode(err) != dispatchapy.CodeUnavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n.table.Load() != before || before.Config.Resource("primary") == nil || before.Endpoint("sms").Resources[0] != "primary" {
		t.Error("the configuration in force was changed")
	}
	if !cmp.Equal(before.Config.Client("shop").Endpoints, []string{"sms"}) || before.Config.Client("shop").OldTokens != nil {
		t.Errorf("%+v", before.Config.Client("shop"))
	}
}
