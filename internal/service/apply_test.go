package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/service"
	"dispatchapy/internal/store"
)

func changesOf(r service.ApplyResult) []string {
	var out []string
	for _, c := range r.Changes {
		out = append(out, fmt.Sprintf("%s %s %s", c.Action, c.Kind, c.Name))
	}
	return out
}

func TestApplyIsInForceWhenItReturns(t *testing.T) {
	n := startNode(t)
	snapshot := n.table.Load()
	if snapshot.Config.Version != 1 || len(snapshot.Endpoints) != 2 {
		t.Fatalf("snapshot has version %d and %d endpoints", snapshot.Config.Version, len(snapshot.Endpoints))
	}
	if last := n.seen[len(n.seen)-1]; last != snapshot {
		t.Error("OnConfig was not given the snapshot in force")
	}
	sms := snapshot.Endpoint("sms")
	if sms.ID == 0 || sms != snapshot.EndpointByID(sms.ID) {
		t.Errorf("endpoint sms has id %d and cannot be found by it", sms.ID)
	}
	if sms.Routes[0].Resource.Target.ResourceID != snapshot.Config.Resource("primary").ID {
		t.Error("a compiled target does not know the id of its new resource")
	}
	if p := n.client("shop-token-1234"); p.ClientID != snapshot.Config.Client("shop").ID || p.Name != "shop" {
		t.Errorf("the token leads to %+v", p)
	}
}

func TestApplyTwiceChangesNothing(t *testing.T) {
	n := startNode(t)
	before := n.table.Load()
	result := n.apply(baseFile, service.ApplyOptions{})
	if len(result.Changes) != 0 || result.Version != 1 || len(n.store.updates) != 0 {
		t.Errorf("second time: %v, version %d, %d writes", changesOf(result), result.Version, len(n.store.updates))
	}
	if n.table.Load() != before {
		t.Error("the snapshot was replaced")
	}
	// Nor on a node that knows the configuration from the database alone.
	other := newNode(t, n.store.Store, 1)
	other.refresh()
	if result := other.apply(baseFile, service.ApplyOptions{}); len(result.Changes) != 0 {
		t.Errorf("after reading it back: %v", changesOf(result))
	}
}

func TestApplyWritesOnlyWhatChanged(t *testing.T) {
	n := startNode(t)
	primary := n.table.Load().Config.Resource("primary").ID
	spare := n.table.Load().Config.Resource("spare").ID
	result := n.apply(`
version: 1
resources:
  - {name: primary, url: "http://127.0.0.1:9999/moved"}
  - {name: backup, url: "http://127.0.0.1:9002/send", timeout: 3s}
`, service.ApplyOptions{})
	if diff := cmp.Diff([]string{"update resource backup", "update resource primary"}, sorted(changesOf(result))); diff != "" {
		t.Error(diff)
	}
	update := n.store.updates[0]
	if len(update.Put) != 2 || len(update.Delete) != 0 || update.Audit[0].By != "root" {
		t.Errorf("update: %d put, %d deleted, by %q", len(update.Put), len(update.Delete), update.Audit[0].By)
	}
	if diff := cmp.Diff([]int64{primary}, update.ResetHealth); diff != "" {
		t.Errorf("health is forgotten of those that moved, and of no other: %s", diff)
	}
	if got := n.table.Load().Config.Resource("primary").ID; got != primary {
		t.Errorf("id changed from %d to %d", primary, got)
	}
	if got := n.table.Load().Config.Resource("spare"); got == nil || got.ID != spare {
		t.Error("what is absent from the file did not stay as it was")
	}
}

func TestApplyPrune(t *testing.T) {
	n := startNode(t)
	id := n.table.Load().Config.Resource("spare").ID
	result := n.apply(strings.Replace(baseFile, `  - {name: spare, url: "http://127.0.0.1:9003/send"}`, "", 1), service.ApplyOptions{Prune: true})
	if diff := cmp.Diff([]string{"delete resource spare"}, changesOf(result)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]store.ObjectRef{{Kind: store.KindResource, ID: id}}, n.store.updates[0].Delete); diff != "" {
		t.Error(diff)
	}
	if n.table.Load().ResourceByID(id) != nil {
		t.Error("the deleted resource is still in force")
	}
}

func TestDryRunChangesNothing(t *testing.T) {
	n := startNode(t)
	before := n.table.Load()
	result := n.apply("version: 1\nclients: [{name: new}]\n", service.ApplyOptions{DryRun: true})
	if diff := cmp.Diff([]string{"create client new"}, changesOf(result)); diff != "" {
		t.Error(diff)
	}
	if result.Changes[0].Token != "" {
		t.Error("a token was given that will never work")
	}
	if result.Version != 1 || len(n.store.updates) != 0 || n.table.Load() != before {
		t.Error("a dry run changed something")
	}
}

func TestGeneratedTokenWorks(t *testing.T) {
	n := startNode(t)
	result := n.apply("version: 1\nclients: [{name: new, endpoints: [sms]}]\n", service.ApplyOptions{})
	token := result.Changes[0].Token
	if p := n.client(token); p.Name != "new" {
		t.Errorf("the generated token leads to %+v", p)
	}
	if _, ok := n.Authenticate("something else"); ok {
		t.Error("an unknown token was accepted")
	}
	if _, ok := n.Authenticate(""); ok {
		t.Error("the empty token was accepted")
	}
}

func TestInvalidFileChangesNothing(t *testing.T) {
	tests := []struct{ name, file, field string }{
		{"syntax", "version: 1\nresources: [", ""},
		{"unknown key", "version: 1\nresourcez: []\n", "resourcez"},
		{"validation", "version: 1\nresources: [{name: x, url: \"ftp://x\"}]\n", "resources[0].url"},
		{"compilation", "version: 1\nendpoints: [{path: sms, resources: [primary], mapping: {primary: {to: {template: \"{{open\"}}}}]\n", "endpoints[0].mapping.primary.to"},
		{"dangling after prune", "version: 1\nendpoints: [{path: sms, resources: [nowhere]}]\n", "endpoints[0].resources[0]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := startNode(t)
			before := n.table.Load()
			_, err := n.Apply(t.Context(), admin, "gateway.yaml", []byte(tt.file), service.ApplyOptions{})
			wantCode(t, err, dispatchapy.CodeInvalid)
			if err == nil || !strings.Contains(err.Error(), "gateway.yaml:") {
				t.Errorf("error %q does not name file and line", err)
			}
			if fields := fieldsOf(err); tt.field != "" && (len(fields) == 0 || !strings.HasPrefix(fields[0].Path, tt.field)) {
				t.Errorf("fields = %+v, want %s", fields, tt.field)
			}
			if len(n.store.updates) != 0 || n.table.Load() != before {
				t.Error("an invalid file changed something")
			}
		})
	}
}

func TestNothingSecretIsStoredInClear(t *testing.T) {
	n := startNode(t)
	n.apply("version: 1\nsettings: {smtp: {host: h, from: a@b.example, username: u, password: hush-smtp}}\n", service.ApplyOptions{})
	_, objects, err := n.store.LoadConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		for _, secret := range []string{"hush-header", "shop-token-1234", "hush-smtp", "http://", `"name"`} {
			if bytes.Contains(o.Body, []byte(secret)) {
				t.Errorf("%s %s is stored with %q in clear", o.Kind, o.Name, secret)
			}
		}
	}
	for _, u := range n.store.updates {
		for _, e := range u.Audit {
			if text := fmt.Sprintf("%s %s %s", e.Detail, e.Before, e.After); strings.Contains(text, "hush") || strings.Contains(text, "token") {
				t.Errorf("audit entry %q holds a secret", text)
			}
		}
	}
	if got := n.table.Load().Config.Client("shop").Token; got != "" {
		t.Error("the token in clear stays in memory")
	}
	if strings.Contains(n.logs.String(), "hush") {
		t.Error("a secret was logged")
	}
}

func TestExportAppliedElsewhereGivesTheSame(t *testing.T) {
	n := startNode(t)
	for _, format := range []service.Format{service.FormatYAML, service.FormatJSON} {
		text, err := n.ExportConfig(t.Context(), admin, service.ExportOptions{Format: format})
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("shop-token-1234")) {
			t.Error("the export holds a client's token in clear")
		}
		other := newNode(t, openStore(t), 2)
		other.refresh()
		other.apply(string(text), service.ApplyOptions{})
		again, err := other.ExportConfig(t.Context(), admin, service.ExportOptions{Format: format})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(text), string(again)); diff != "" {
			t.Errorf("%s: %s", format, diff)
		}
		other.client("shop-token-1234")
	}
}

func TestConcurrentChangesAreAllKept(t *testing.T) {
	db := openStore(t)
	nodes := []*node{newNode(t, db, 1), newNode(t, db, 1), newNode(t, db, 1)}
	var wg sync.WaitGroup
	for i, n := range nodes {
		n.refresh()
		wg.Go(func() {
			file := fmt.Sprintf("version: 1\nresources: [{name: r%d, url: \"http://x.example/\"}]\n", i)
			if _, err := n.Apply(t.Context(), admin, "f", []byte(file), service.ApplyOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, n := range nodes {
		n.refresh()
		if got := n.table.Load(); len(got.Resources) != 3 || got.Config.Version != 3 {
			t.Errorf("%d resources in version %d, want 3 in 3", len(got.Resources), got.Config.Version)
		}
	}
}

func TestApplyFailures(t *testing.T) {
	tests := []struct {
		name string
		err  error
		code dispatchapy.Code
	}{
		{"always somebody else", store.ErrVersionConflict, dispatchapy.CodeConflict},
		{"database down", fmt.Errorf("disk full: %w", store.ErrUnavailable), dispatchapy.CodeUnavailable},
		{"fault of ours", errors.New("syntax error near SELECT"), dispatchapy.CodeInternal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := startNode(t)
			before := n.table.Load()
			n.store.applyErr = tt.err
			_, err := n.Apply(t.Context(), admin, "f", []byte("version: 1\nclients: [{name: new}]\n"), service.ApplyOptions{})
			wantCode(t, err, tt.code)
			if n.table.Load() != before {
				t.Error("the snapshot changed although nothing was stored")
			}
		})
	}
}

func TestRefreshFollowsOtherNodes(t *testing.T) {
	n := startNode(t)
	other := newNode(t, n.store.Store, 1)
	if !other.refresh() {
		t.Error("the first refresh changed nothing")
	}
	if other.refresh() {
		t.Error("a refresh without a new version changed something")
	}
	n.apply("version: 1\nendpoints: [{path: new}]\n", service.ApplyOptions{})
	if !other.refresh() || other.table.Load().Endpoint("new") == nil {
		t.Error("the change did not arrive")
	}
	if len(other.seen) != 2 {
		t.Errorf("OnConfig was called %d times, want 2", len(other.seen))
	}
}

func TestStartOnAnEmptyDatabase(t *testing.T) {
	n := newNode(t, openStore(t), 1)
	n.refresh()
	if got := n.table.Load().Config.Settings.MaxAttempts; got != dispatchapy.DefaultSettings().MaxAttempts {
		t.Errorf("max_attempts = %d, want the default", got)
	}
}

func TestWrongKeyAtStart(t *testing.T) {
	n := startNode(t)
	_, err := newNode(t, n.store.Store, 9).Refresh(t.Context())
	if err == nil || !strings.Contains(err.Error(), "secret key") {
		t.Errorf("err = %v, want one that names the secret key", err)
	}
}

func TestUnusableVersionKeepsTheOldOne(t *testing.T) {
	n := startNode(t)
	before := n.table.Load()
	_, _, err := n.store.Store.ApplyConfig(context.Background(), store.ConfigUpdate{
		Expect: 1, Put: []store.ConfigObject{{Kind: store.KindClient, Name: "x", Body: []byte("not sealed")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if n.refresh() {
			t.Error("an unusable version was taken over")
		}
	}
	if n.table.Load() != before {
		t.Error("the snapshot was replaced")
	}
	if got := strings.Count(n.logs.String(), "cannot be used"); got != 1 {
		t.Errorf("logged %d times, want once", got)
	}
	_, err = n.Apply(t.Context(), admin, "f", []byte("version: 1\nclients: [{name: new}]\n"), service.ApplyOptions{})
	wantCode(t, err, dispatchapy.CodeUnavailable)
}

func TestFailedFirstRefreshIsTriedAgain(t *testing.T) {
	n := startNode(t)
	wrong := newNode(t, n.store.Store, 9)
	for range 2 {
		if _, err := wrong.Refresh(t.Context()); err == nil {
			t.Fatal("a configuration that cannot be read was taken for loaded")
		}
	}
}

func TestApplyWarnsOfWhatTheFileHas(t *testing.T) {
	n := startNode(t)
	const file = `
version: 1
clients:
  - {name: shop, dev: {rules: [{if: {param: phone, matches: "(62"}, set: {param: phone, value: "0"}}]}}
`
	for range 2 { // also where nothing changes any more
		result := n.apply(file, service.ApplyOptions{})
		if len(result.Warnings) != 1 || result.Warnings[0].Path != "clients[0].dev.rules[0].if.matches" || !strings.HasPrefix(result.Warnings[0].Message, "gateway.yaml:4:") {
			t.Errorf("warnings %+v", result.Warnings)
		}
	}
	if result := n.apply("version: 1\nclients: [{name: bank}]\n", service.ApplyOptions{}); len(result.Warnings) != 0 {
		t.Errorf("a file gets warnings of what is not in it: %+v", result.Warnings)
	}
}
