package service_test

import (
	"strings"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/service"
)

const alertsFile = baseFile + `
settings:
  alerts:
    channels:
      - {name: chat, webhook: {enabled: true, url: "http://127.0.0.1:9100/", headers: {X-Key: hush-channel}}}
    task_failed: {enabled: true, channels: [chat]}
`

func TestChannelsAreMaskedAndKept(t *testing.T) {
	n := startNode(t)
	n.apply(alertsFile, service.ApplyOptions{})
	shown, err := n.Settings(t.Context(), admin)
	if err != nil || shown.Alerts.Channels[0].Webhook.Headers["X-Key"] != dispatchapy.Redacted || !shown.Alerts.TaskFailed.IsOn() || !shown.Alerts.ResourceDown.IsOn() {
		t.Fatalf("settings %+v, %v", shown.Alerts, err)
	}
	for _, entry := range auditOf(t, n) {
		if strings.Contains(string(entry.After), "hush-channel") || strings.Contains(string(entry.Before), "hush-channel") {
			t.Errorf("the audit log shows a secret: %s", entry.After)
		}
	}
	back := shown
	if _, err := n.UpdateSettings(t.Context(), admin, &shown.Version, func(s *dispatchapy.Settings) error { *s = back; s.MaxAttempts = 7; return nil }); err != nil {
		t.Fatal(err)
	}
	if got := n.table.Load().Config.Settings.Alerts.Channels[0].Webhook.Headers["X-Key"]; got != "hush-channel" {
		t.Errorf("sent back masked the header is %q", got.Reveal())
	}
	version := n.table.Load().Config.Settings.Version
	_, err = n.UpdateSettings(t.Context(), admin, &version, func(s *dispatchapy.Settings) error {
		s.Alerts.Channels[0].Webhook.URL = "http://elsewhere.example/"
		return nil
	})
	if f := fieldsOf(err); len(f) != 1 || f[0].Path != "alerts.channels[0].webhook.headers.X-Key" {
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
