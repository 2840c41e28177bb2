package service_test

import (
	"slices"
	"strings"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/service"
)

const alertsFile = baseFile + `
settings:
  alerts:
    channels:
      - {name: chat, webhook: {url: "http://127.0.0.1:9100/{secret:key}", headers: {X-Key: hush-channel}, secrets: {key: hush-channel-key}, signing_secret: whsec_aHVzaC1jaGFubmVsLXNpZ25zLXdpdGgtdGhpcw==}}
    task_failed: {enabled: true, channels: [chat]}
`

func TestChannelsAreMaskedAndKept(t *testing.T) {
	n := startNode(t)
	n.apply(alertsFile, service.ApplyOptions{})
	shown, err := n.Settings(t.Context(), admin)
	secret := func(w *dispatchapy.WebhookNotice) []dispatchapy.Secret {
		return []dispatchapy.Secret{w.Headers["X-Key"], w.Secrets["key"], w.SigningSecret}
	}
	masked := slices.Repeat([]dispatchapy.Secret{dispatchapy.Redacted}, 3)
	if err != nil || !slices.Equal(secret(shown.Alerts.Channels[0].Webhook), masked) || !shown.Alerts.TaskFailed.IsOn() || !shown.Alerts.ResourceDown.IsOn() {
		t.Fatalf("settings %+v, %v", shown.Alerts, err)
	}
	for _, entry := range auditOf(t, n) {
		if all := string(entry.Before) + string(entry.After); strings.Contains(all, "hush-channel") || strings.Contains(all, "whsec_") {
			t.Errorf("the audit log shows a secret: %s", entry.After)
		}
	}
	back := shown
	if _, err := n.UpdateSettings(t.Context(), admin, &shown.Version, func(s *dispatchapy.Settings) error { *s = back; s.MaxAttempts = 7; return nil }); err != nil {
		t.Fatal(err)
	}
	kept := []dispatchapy.Secret{"hush-channel", "hush-channel-key", "whsec_aHVzaC1jaGFubmVsLXNpZ25zLXdpdGgtdGhpcw=="}
	if got := secret(n.table.Load().Config.Settings.Alerts.Channels[0].Webhook); !slices.Equal(got, kept) {
		t.Error("sent back masked the secrets are others")
	}
	version := n.table.Load().Config.Settings.Version
	_, err = n.UpdateSettings(t.Context(), admin, &version, func(s *dispatchapy.Settings) error {
		s.Alerts.Channels[0].Webhook.URL = "http://elsewhere.example/{secret:key}"
		return nil
	})
	if f := fieldsOf(err); len(f) != 2 || f[0].Path != "alerts.channels[0].webhook.headers.X-Key" || f[1].Path != "alerts.channels[0].webhook.secrets.key" {
		t.Errorf("another address with the masked header: %v", err)
	}
}

func auditOf(t *testing.T, n *node) []service.AuditEntry {
	t.Helper()
	page, err := n.ListAudit(t.Context(), admin, service.AuditFilter{}, service.PageRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return page.Items
}
