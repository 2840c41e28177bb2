package browser_test

import (
	"fmt"
	"net/http"
	"testing"
)

// brokenFile has resources that go down, one of which has a backup.
const brokenFile = `
version: 1
settings:
  alerts: {endpoint_on_backup: {for: 1s}}
resources:
  - name: Primary SMS
    url: $sink/primary
    headers: {Authorization: Bearer hush-provider-key}
    health_check: {enabled: true, method: actual, interval: {min: 1h, max: 2h}}
  - {name: Backup Chat, url: $sink/backup}
  - name: Pager of the people who are on call in the night and on the weekend
    url: http://127.0.0.1:1/page
    health_check: {enabled: true, interval: {min: 1h, max: 2h}}
endpoints:
  - {path: send_alert, resources: [Primary SMS, Backup Chat]}
  - {path: page, resources: [Pager of the people who are on call in the night and on the weekend]}
clients:
  - {name: shop, token: dpy_browser-shop-token-0123456789, endpoints: [send_alert, page]}
`

// TestIncidentPages looks at incidents in every state, and follows one that
// begins and ends while somebody looks.
func TestIncidentPages(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	b := open(t, g.url)
	b.signIn("/incidents")
	b.see("No incidents yet")
	b.gates("incidents-empty", "/incidents")

	g.apply(brokenFile)
	b.see("Pager of the people who are on call in the night and on the weekend is down")
	b.await("the rail to count", `Number(document.querySelector(".rail [data-count-of=incident]")?.textContent) >= 1`)
	primary := resourceID(b, "Primary SMS")
	b.goTo("/incidents")
	g.sink.answer("/primary", http.StatusBadGateway, `{"error":"overloaded <b>now</b>"}`)
	for i := range 4 {
		g.post(shopToken, "send_alert", fmt.Sprintf(`{"ref":"inv-%d","scope":"prod"}`, i))
	}
	g.manage(http.MethodPost, "/v1"+primary+"/check", "")
	b.see("Primary SMS is down")
	b.see("/api/send_alert runs on its backup")
	b.click("Acknowledge: Primary SMS is down")
	b.see("You take care of it.")
	b.see("admin takes care of it")
	b.gates("incidents", "/incidents")
	b.gates("overview-incidents", "/")
	b.goTo("/")
	b.see("Primary SMS is down; Backup Chat takes over.")
	b.click("Acknowledge: /api/page delivers nothing")
	b.see("You take care of it.")

	b.goTo("/incidents")
	b.click("Primary SMS is down")
	b.see("4 deliveries failed")
	b.fill("What others should know", "The provider is informed.\nTicket 4711.")
	b.click("Add note")
	b.see("The note is added.")
	b.see("admin wrote")
	path := js[string](b, `location.pathname`)
	b.gates("incident-ongoing", path)
	b.goTo(path)
	g.sink.answer("/primary", http.StatusOK, `{}`)
	b.click("Check now")
	b.see("Primary SMS was down")
	b.see("It is over")
	b.gates("incident-over", path)
	b.gates("incidents-over", "/incidents?state=over")
	b.goTo("/incidents")
	b.choose("#f-resource", "Primary SMS")
	b.await("the others to be gone", `!document.body.innerText.includes("delivers nothing") && document.body.innerText.includes("Primary SMS was down")`)
	b.gates("incidents-resources", "/incidents/resources")
}
