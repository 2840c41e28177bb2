package service_test

import (
	"strings"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// TestCompare shows what a file would change, without secrets, and applies it to
// the version that it was compared with, or not at all.
func TestCompare(t *testing.T) {
	n := startNode(t)
	file := []byte(strings.NewReplacer("hush-header", "hush-other", "127.0.0.1:9002", "127.0.0.1:9009", "  - {name: spare, url: \"http://127.0.0.1:9003/send\"}\n", "").Replace(baseFile) +
		"  - {name: crm, endpoints: [mail]}\n")
	before := n.table.Load()
	got, err := n.Compare(t.Context(), admin, "new.yaml", file, service.ApplyOptions{Prune: true})
	if err != nil {
		t.Fatal(err)
	}
	if n.table.Load() != before || got.Version != before.Config.Version {
		t.Error("comparing changed something")
	}
	lines := map[string]service.ComparedChange{}
	for _, c := range got.Changes {
		lines[c.String()] = c
		if text := string(c.Before) + string(c.After); strings.Contains(text, "hush") || c.Token != "" {
			t.Errorf("%s shows a secret: %s", c, text)
		}
	}
	for line, want := range map[string][2]string{
		"~ resource backup: url": {`:9002/send`, `:9009/send`}, "~ resource primary: headers": {"[redacted]", "[redacted]"}, "- resource spare": {"spare", ""}, "+ client crm": {"", "crm"},
	} {
		c, found := lines[line]
		if !found || !strings.Contains(string(c.Before), want[0]) || !strings.Contains(string(c.After), want[1]) || (want[0] == "") != (c.Before == nil) || (want[1] == "") != (c.After == nil) {
			t.Errorf("%s: %s -> %s (%v)", line, c.Before, c.After, found)
		}
	}
	stale := got.Version - 1
	_, err = n.Apply(t.Context(), admin, "new.yaml", file, service.ApplyOptions{Prune: true, Expect: &stale})
	wantConflict(t, err, dispatchapy.CodeConflict)
	result, err := n.Apply(t.Context(), admin, "new.yaml", file, service.ApplyOptions{Prune: true, Expect: &got.Version})
	if err != nil || len(result.Changes) != len(got.Changes) {
		t.Errorf("%v %v", result.Changes, err)
	}
	_, err = n.Compare(t.Context(), admin, "new.yaml", []byte("version: 1\nresources: [{name: x}]\n"), service.ApplyOptions{})
	if err == nil || !strings.Contains(err.Error(), "new.yaml:2:") {
		t.Errorf("a fault without its line: %v", err)
	}
}

// TestSealedExport: what was sealed is opened by the passphrase and by nothing
// else, and the configuration is the same afterwards.
func TestSealedExport(t *testing.T) {
	n := startNode(t)
	plain, err := n.ExportConfig(t.Context(), admin, service.ExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = n.ExportConfig(t.Context(), admin, service.ExportOptions{Passphrase: "short"})
	wantCode(t, err, dispatchapy.CodeInvalid)
	sealed, err := n.ExportConfig(t.Context(), admin, service.ExportOptions{Passphrase: "a long passphrase"})
	if err != nil || strings.Contains(string(sealed), "hush") {
		t.Fatalf("%v %s", err, sealed)
	}
	for _, phrase := range []dispatchapy.Secret{"", "another passphrase"} {
		_, err = n.Apply(t.Context(), admin, "x", sealed, service.ApplyOptions{Passphrase: phrase})
		if wantCode(t, err, dispatchapy.CodeInvalid); !strings.Contains(err.Error(), "passphrase") {
			t.Error(err)
		}
	}
	other := startNode(t)
	other.apply("version: 1\nresources: [{name: gone, url: \"http://127.0.0.1:1\"}]\n", service.ApplyOptions{Prune: true})
	if _, err := other.Apply(t.Context(), admin, "x", sealed, service.ApplyOptions{Prune: true, Passphrase: "a long passphrase"}); err != nil {
		t.Fatal(err)
	}
	again, err := other.ExportConfig(t.Context(), admin, service.ExportOptions{})
	if err != nil || string(again) != string(plain) {
		t.Errorf("%v\n%s", err, again)
	}
}
