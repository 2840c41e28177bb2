package service_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// TestExportsOfSecretsAreInTheAuditLog: who took them, and how they were
// protected. What is masked holds none.
func TestExportsOfSecretsAreInTheAuditLog(t *testing.T) {
	n := startNode(t)
	for _, o := range []service.ExportOptions{{Masked: true}, {}, {Format: service.FormatJSON}, {Passphrase: "a long passphrase"}, {Passphrase: "short"}} {
		if _, err := n.ExportConfig(t.Context(), admin, o); err != nil && o.Passphrase != "short" {
			t.Fatal(err)
		}
	}
	if _, err := n.ExportConfig(t.Context(), dispatchapy.Principal{Role: dispatchapy.RoleViewer}, service.ExportOptions{}); dispatchapy.ErrorCode(err) != dispatchapy.CodeForbidden {
		t.Errorf("a viewer: %v", err)
	}
	page, err := n.ListAudit(t.Context(), admin, service.AuditFilter{}, service.PageRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range page.Items {
		if e.Action == "export" {
			got = append(got, e.By+": "+e.Detail)
		}
	}
	clear := admin.Name + ": the configuration with its secrets in clear"
	want := []string{admin.Name + ": the configuration with its secrets sealed by a passphrase", clear, clear}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("exports in the log (-want +got):\n%s", diff)
	}
}
