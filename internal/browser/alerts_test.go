package browser_test

import "testing"

// toldFile has channels of both kinds, and rules of every place.
const toldFile = `
version: 1
settings:
  alerts:
    channels:
      - {name: ops, email: {to: [ops@example.com, night@example.com]}, quiet: [{from: "22:00", until: "07:00", timezone: Asia/Jakarta}]}
      - {name: pager of those who are on call, webhook: {url: "https://hooks.example.com/{secret:key}", secrets: {key: hush-channel-key}, payload: {text: "{title}"}}, group_by: incident}
      - {name: chat, webhook: {url: "https://chat.example.com/in", enabled: false, payload: {text: "{title}"}}}
    resource_down: {channels: [ops, chat]}
resources:
  - {name: Primary SMS, url: $sink/primary}
  - {name: Backup Chat, url: $sink/backup}
endpoints:
  - {path: send_alert, resources: [Primary SMS, Backup Chat], alerts: {backlog_old: {for: 1h, channels: [ops]}, task_failed: {enabled: true}}}
clients:
  - {name: shop, token: dpy_browser-shop-token-0123456789, endpoints: [send_alert]}
`

// TestAlertPages looks at the rules and channels, and changes some.
func TestAlertPages(t *testing.T) {
	g := start(t, shopFile)
	b := open(t, g.url)
	b.signIn("/settings/alerts")
	b.gates("alerts-empty", "/settings/alerts")
	b.gates("channel-kinds", "/settings/alerts/channel/new")
	b.gates("channel-new-email", "/settings/alerts/channel/new?kind=email")
	b.gates("channel-new-webhook", "/settings/alerts/channel/new?kind=webhook")
	g.apply(toldFile)
	b.gates("alerts", "/settings/alerts")
	b.gates("channel-email", "/settings/alerts/channel?name=ops")
	b.gates("channel-webhook", "/settings/alerts/channel?name=chat")
	b.gates("channel-delete", "/settings/alerts/channel/delete?name=ops")
	b.goTo("/endpoints")
	endpoint := b.linkOf("a.main-link")
	b.gates("endpoint-alerts", endpoint+"/alerts")

	b.goTo("/settings/alerts/channel?name=ops")
	b.click("Add quiet hours")
	b.fill("#f-name", "operations")
	b.click("Save channel")
	b.see("The channel operations is saved.")
	b.see("No mail server is set yet: nothing goes through the channels for mail.")
	b.goTo("/settings/alerts")
	b.fill("Old backlog: how long", "soon")
	b.click("Save")
	b.see("must be a number and a unit")
	b.fill("Old backlog: how long", "45m")
	b.click("Save")
	b.see("Saved.")
	if got := b.value("Old backlog: how long"); got != "45m" {
		t.Errorf("the field shows %q", got)
	}
}
