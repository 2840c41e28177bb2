package browser_test

import (
	"strings"
	"testing"
)

// statusFile has a status page for those with a token.
const statusFile = `
version: 1
settings:
  status_page:
    enabled: true
    public: false
    title: Messages of the shop
    token: hush-status-token-0123456789
    resources: true
    endpoints: [{path: send_alert, name: "Alerts to telephones, for customers & colleagues"}, {path: page, name: Pager}, {path: calm}]
resources:
  - {name: Primary SMS, url: "http://127.0.0.1:1/sms", health_check: {enabled: true, interval: {min: 1h, max: 2h}}}
  - {name: Backup Chat, url: $sink/backup}
  - {name: Pager, url: "http://127.0.0.1:1/page", health_check: {enabled: true, interval: {min: 1h, max: 2h}}}
  - {name: Rest, url: $sink/rest, maintenance: [{from: 2020-01-01T00:00:00Z, until: 2090-01-01T00:00:00Z, note: planned}]}
endpoints:
  - {path: send_alert, resources: [Primary SMS, Backup Chat]}
  - {path: page, resources: [Pager]}
  - {path: calm, resources: [Rest]}
clients:
  - {name: shop, token: dpy_browser-shop-token-0123456789, endpoints: [send_alert, page, calm]}
`

// TestStatusPages looks at the status page as a stranger sees it, and at what is
// set of it.
func TestStatusPages(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	b := open(t, g.url)
	b.signIn("/settings/status")
	b.gates("settings-status-empty", "/settings/status")
	b.goTo("/settings/status")
	b.click("There is a status page")
	b.choose("It is shown to", "everybody")
	b.click("Add all others")
	b.await("the endpoint", `document.querySelector("input[name='status_page.endpoints[0].path']")?.value === "send_alert"`)
	b.fill("#f-status_page\\.endpoints\\[0\\]\\.name", "Alerts")
	b.click("Save")
	b.see("Saved.")
	b.see("Badges")
	stranger := open(t, g.url)
	stranger.gates("status-fine", "/status")
	stranger.goTo("/status")
	stranger.see("Everything works: messages are delivered.")
	if n := js[int](stranger, `document.scripts.length + document.querySelectorAll(".bars > rect:not(.notch)").length`); n != 90 {
		t.Errorf("there are %d scripts and bars, want 90 bars", n)
	}
	b.gates("settings-status", "/settings/status")

	g.apply(statusFile)
	eventually(t, "the endpoint to be down", func() bool {
		_, body := g.manage("GET", "/v1/incidents?open=true&kind=endpoint.down", "")
		return strings.Contains(body, `"page"`)
	})
	stranger.gates("status-locked", "/status")
	stranger.goTo("/status")
	stranger.fill("Token", "hush-status-token-0123456780")
	stranger.click("Show the status")
	stranger.see("That is not its token.")
	stranger.fill("Token", "hush-status-token-0123456789")
	stranger.click("Show the status")
	stranger.see("Messages of the shop")
	stranger.see("Messages are not delivered at the moment.")
	stranger.gates("status", "/status?token=hush-status-token-0123456789")
	b.gates("settings-status-token", "/settings/status")
}
