package browser_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

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
	t.Parallel()
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

// watchedFile has a resource with a backup, and people who are told of it by
// mail and webhook. $port is that of the mail server.
const watchedFile = `
version: 1
settings:
  smtp: {host: 127.0.0.1, port: $port, encryption: none, from: gateway@example.com}
  alerts:
    channels:
      - {name: ops, group_for: 1s, email: {to: [ops@example.com]}}
      - {name: chat, group_for: 1s, webhook: {url: "$sink/chat", payload: {text: "{title}"}}}
      - {name: pager, group_for: 1s, webhook: {url: "http://127.0.0.1:1/", retries: 0}}
    endpoint_on_backup: {enabled: false}
    breaker_open: {enabled: false}
resources:
  - {name: Primary SMS, url: $sink/primary, health_check: {enabled: true, method: actual, interval: {min: 1h, max: 2h}}}
  - {name: Backup Chat, url: $sink/backup}
endpoints:
  - {path: send_alert, resources: [Primary SMS, Backup Chat]}
clients:
  - {name: shop, token: dpy_browser-shop-token-0123456789, endpoints: [send_alert]}
`

// TestHealth is flow B13: a resource goes down and comes back, and people are
// told of each once.
func TestHealth(t *testing.T) {
	t.Parallel()
	port, mails := mailServer(t)
	g := start(t, strings.ReplaceAll(watchedFile, "$port", port))
	b := open(t, g.url)
	b.signIn("/resources")
	primary := resourceID(b, "Primary SMS")
	b.goTo("/incidents/notifications")
	b.see("Nobody was told anything yet")
	b.gates("notifications-empty", "/incidents/notifications")
	first := len(g.sink.received("/primary"))

	b.goTo(primary)
	release := g.sink.block("/primary")
	b.click("Check now")
	b.await("the check to be under way", `document.querySelector("form[action$='/check'] button")`)
	eventually(t, "the check", func() bool { return len(g.sink.received("/primary")) == first+1 })
	b.click("Check now")
	release()
	b.see("Primary SMS works")
	if made := len(g.sink.received("/primary")) - first; made != 1 {
		t.Errorf("two clicks made %d requests", made)
	}

	g.sink.answer("/primary", http.StatusBadGateway, `{"error":"overloaded"}`)
	b.click("Check now")
	b.see("Primary SMS does not work")
	b.see("Down: it gets no messages until a check succeeds.")
	if mail := <-mails; !strings.Contains(mail, "Primary SMS") || !strings.Contains(mail, "DOWN") {
		t.Errorf("the mail is %s", mail)
	}
	eventually(t, "the webhook", func() bool { return len(g.sink.received("/chat")) == 1 })
	b.goTo("/")
	b.see("Primary SMS is down; Backup Chat takes over.")
	b.see("Primary SMS is down")
	b.goTo("/incidents")
	b.click("Primary SMS is down")
	b.await("three outcomes", `document.querySelectorAll(".notices > li .badge.ok").length === 2 && document.querySelectorAll(".notices > li .badge.fail").length === 1`)
	incident := js[string](b, `location.pathname`)
	b.gates("incident-told", incident)
	b.gates("notifications", "/incidents/notifications")
	b.goTo("/incidents/notifications?state=failed")
	notification := b.linkOf("a.main-link")
	b.gates("notification", notification)

	g.sink.answer("/primary", http.StatusOK, `{}`)
	b.goTo(primary)
	b.click("Check now")
	b.see("Primary SMS works")
	if mail := <-mails; !strings.Contains(mail, "Primary SMS") || !strings.Contains(mail, "UP") {
		t.Errorf("the mail is %s", mail)
	}
	eventually(t, "the second webhook", func() bool { return len(g.sink.received("/chat")) == 2 })
	for range 4 {
		g.manage(http.MethodPost, "/v1"+primary+"/check", "")
	}
	b.goTo(primary)
	b.await("more than five checks", `document.querySelectorAll("#log tbody tr").length > 5`)
	b.await("the outcome in the log", `document.querySelectorAll("#log .told-list a").length >= 6`)
	b.gates("resource-told", primary)
	b.goTo(incident)
	b.see("Primary SMS was down")
	b.see("It is over")
	if len(mails) != 0 || len(g.sink.received("/chat")) != 2 {
		t.Errorf("%d mails and %d calls too many", len(mails), len(g.sink.received("/chat"))-2)
	}
}

// eventually waits for something that no page shows.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s: did not come", what)
		}
		time.Sleep(10 * time.Millisecond) // between two looks, not for something to happen
	}
}

// TestMaintenance starts and ends the maintenance of a resource, and finds it
// everywhere.
func TestMaintenance(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	b := open(t, g.url)
	b.signIn("/resources")
	primary := resourceID(b, "Primary SMS")
	b.gates("maintenance-start", primary+"/maintenance")
	b.goTo(primary + "/maintenance")
	b.fill("It takes", "2h")
	b.fill("#f-note", "The provider moves to another building")
	b.click("Start maintenance")
	b.see("In maintenance: it gets no messages and no checks, and nobody is told. The provider moves to another building")
	b.goTo("/")
	b.see("Primary SMS is in maintenance; Backup Chat takes over.")
	b.goTo("/endpoints")
	endpoint := b.linkOf("a.main-link")
	b.gates("maintenance-resource", primary)
	b.gates("maintenance-resources", "/resources")
	b.gates("maintenance-overview", "/")
	b.gates("maintenance-endpoint", endpoint)
	b.goTo(primary)
	b.click("End it now")
	b.see("The maintenance of Primary SMS is over.")
	b.click("Undo")
	b.see("In maintenance: it gets no messages")
}
