package service_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/service"
)

const channelsFile = `
version: 1
settings:
  alerts:
    channels:
      - {name: ops, email: {to: [ops@example.com]}}
      - {name: chat, webhook: {url: "http://127.0.0.1:9100/{secret:key}", secrets: {key: hush-channel-key}}}
    resource_down: {channels: [ops, chat]}
    login_throttled: {channels: [chat]}
resources:
  - {name: a, url: "http://127.0.0.1:9101/", alerts: {breaker_open: {channels: [chat]}}}
  - {name: b, url: "http://127.0.0.1:9101/", alerts: {breaker_open: {channels: [ops]}}}
endpoints:
  - {path: sms, resources: [a], alerts: {backlog_old: {channels: [ops, chat]}}}
`

func (n *node) settingsVersion() *int64 {
	version := n.table.Load().Config.Settings.Version
	return &version
}

func TestAChannelIsRenamedWhereverItIsNamed(t *testing.T) {
	n := startNode(t)
	n.apply(channelsFile, service.ApplyOptions{})
	uses, err := n.ChannelUses(t.Context(), admin, "chat")
	want := service.ChannelUses{Rules: []string{"resource_down", "login_throttled"}, Resources: []string{"a"}, Endpoints: []string{"sms"}}
	if diff := cmp.Diff(want, uses); diff != "" || err != nil {
		t.Errorf("used by %v (-want +got):\n%s", err, diff)
	}
	before := n.table.Load().Config
	rename := func(to string) func(*dispatchapy.Channel) error {
		return func(c *dispatchapy.Channel) error {
			if c.Webhook.Secrets["key"] != dispatchapy.Redacted {
				t.Error("a secret is shown to who edits")
			}
			c.Name = to
			return nil
		}
	}
	if err := n.SaveChannel(t.Context(), admin, "chat", n.settingsVersion(), rename("team")); err != nil {
		t.Fatal(err)
	}
	cfg := n.table.Load().Config
	a := &cfg.Settings.Alerts
	got := [][]string{a.ResourceDown.Channels, a.LoginThrottled.Channels, cfg.Resource("a").Alerts.BreakerOpen.Channels, cfg.Endpoint("sms").Alerts.BacklogOld.Channels, cfg.Resource("b").Alerts.BreakerOpen.Channels}
	if diff := cmp.Diff([][]string{{"ops", "team"}, {"team"}, {"team"}, {"ops", "team"}, {"ops"}}, got); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if a.Channels[1].Name != "team" || a.Channels[1].Webhook.Secrets["key"] != "hush-channel-key" {
		t.Errorf("the channel is %+v", a.Channels[1])
	}
	if before.Resource("a").Alerts.BreakerOpen.Channels[0] != "chat" || before.Settings.Alerts.Channels[1].Name != "chat" {
		t.Error("the configuration that was in force is another one now")
	}

	err = n.SaveChannel(t.Context(), admin, "team", n.settingsVersion(), rename("ops"))
	if f := fieldsOf(err); len(f) != 1 || f[0].Path != "name" {
		t.Errorf("two of a name: %v", err)
	}
	stale := *n.settingsVersion() - 1
	wantCode(t, n.SaveChannel(t.Context(), admin, "team", &stale, rename("x")), dispatchapy.CodeConflict)
	wantCode(t, n.SaveChannel(t.Context(), admin, "team", nil, rename("x")), dispatchapy.CodePrecondition)
	wantCode(t, n.SaveChannel(t.Context(), admin, "chat", n.settingsVersion(), rename("x")), dispatchapy.CodeNotFound)
}

func TestAChannelIsAddedAndDeleted(t *testing.T) {
	n := startNode(t)
	n.apply(channelsFile, service.ApplyOptions{})
	add := func(c *dispatchapy.Channel) error {
		*c = dispatchapy.Channel{Name: "boss", Webhook: &dispatchapy.WebhookNotice{URL: "nonsense", Headers: map[string]dispatchapy.Secret{"X-Key": dispatchapy.Redacted}}}
		return nil
	}
	err := n.SaveChannel(t.Context(), admin, "", n.settingsVersion(), add)
	if f := fieldsOf(err); len(f) != 1 || f[0].Path != "webhook.headers.X-Key" {
		t.Errorf("a masked value of a new channel: %v", err)
	}
	add = func(c *dispatchapy.Channel) error {
		*c = dispatchapy.Channel{Name: "boss", Email: &dispatchapy.EmailNotice{To: []string{"boss@example.com"}}}
		return nil
	}
	if err := n.SaveChannel(t.Context(), admin, "", n.settingsVersion(), add); err != nil {
		t.Fatal(err)
	}
	if got := n.table.Load().Config.Settings.Alerts.Channels; len(got) != 3 || got[2].Name != "boss" {
		t.Errorf("the channels are %+v", got)
	}
	if err := n.DeleteChannel(t.Context(), admin, "chat", n.settingsVersion()); err != nil {
		t.Fatal(err)
	}
	cfg := n.table.Load().Config
	a := &cfg.Settings.Alerts
	if len(a.Channels) != 2 || len(a.LoginThrottled.Channels) != 0 || !a.LoginThrottled.IsOn() || len(a.ResourceDown.Channels) != 1 || len(cfg.Endpoint("sms").Alerts.BacklogOld.Channels) != 1 {
		t.Errorf("after deleting: %+v", a)
	}
	wantCode(t, n.DeleteChannel(t.Context(), admin, "chat", n.settingsVersion()), dispatchapy.CodeNotFound)
	_, err = n.ChannelUses(t.Context(), admin, "chat")
	wantCode(t, err, dispatchapy.CodeNotFound)
}
