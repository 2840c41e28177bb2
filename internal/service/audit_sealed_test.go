package service_test

import (
	"bytes"
	"strings"
	"testing"

	"dispatchapy/internal/service"
	"dispatchapy/internal/store"
)

// What the audit says of an object is encrypted in the database and readable
// for those who may read it; a text whose key is gone does not hide the entry.
func TestAuditIsSealed(t *testing.T) {
	n := startNode(t)
	raw, err := n.store.ListAudit(t.Context(), store.AuditQuery{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range raw {
		if bytes.Contains(e.After, []byte("127.0.0.1")) || bytes.Contains(e.After, []byte("name")) {
			t.Errorf("the database holds %s %s in clear: %s", e.Kind, e.Name, e.After)
		}
	}
	if err := n.store.AppendAudit(t.Context(), []store.AuditEntry{{By: "somebody", Action: "update", Kind: store.KindResource, Name: "old", After: []byte{1, 2, 3}}}); err != nil {
		t.Fatal(err)
	}
	page, err := n.ListAudit(t.Context(), admin, service.AuditFilter{}, service.PageRequest{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, e := range page.Items {
		seen[string(e.Kind)+" "+e.Name] = string(e.After)
	}
	if got := seen["resource primary"]; !strings.Contains(got, `"url"`) {
		t.Errorf("an administrator reads %q", got)
	}
	if got := seen["resource old"]; !strings.Contains(got, "unreadable") {
		t.Errorf("instead of what cannot be opened: %q", got)
	}
}
