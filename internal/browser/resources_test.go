package browser_test

import (
	"fmt"
	"net/http"
	"testing"
)

// resourcesFile has resources in every state.
const resourcesFile = `
version: 1
resources:
  - name: Primary SMS
    url: $sink/primary
    headers: {Authorization: Bearer hush-provider-key}
    required_params: [to, text]
    concurrency: 20
    rate_limit: {requests: 100, per: 1s, burst: 10}
    health_check: {enabled: true, method: actual, interval: {min: 1h, max: 2h}, test_values: {to: "+1555", text: ping}}
  - name: Backup Chat
    url: $sink/backup
    required_params: [number, body]
    health_check: {enabled: true, interval: {min: 1h, max: 2h}}
  - name: Pager
    url: http://127.0.0.1:1/page
    health_check: {enabled: true, interval: {min: 1h, max: 2h}}
  - {name: Old gateway, url: "$sink/old", active: false}
  - {name: Unchecked, url: "$sink/unchecked"}
endpoints:
  - path: send_alert
    description: Send an alert to a telephone
    required_params: [phone, message]
    resources: [Primary SMS, Backup Chat]
    mapping:
      Primary SMS: {to: {from: phone}, text: {from: message}}
      Backup Chat: {number: {from: phone}, body: {template: "{{message}} ({{ref}})"}}
  - {path: page, resources: [Pager]}
clients:
  - {name: shop, token: dpy_browser-shop-token-0123456789, endpoints: [send_alert, page]}
`

// TestResources goes through the pages of resources in every state.
func TestResources(t *testing.T) {
	g := start(t, "")
	b := open(t, g.url)
	b.signIn("/resources")
	b.gates("resources-empty", "/resources")

	g.apply(resourcesFile)
	for i := range 12 {
		if i == 8 {
			g.sink.answer("/primary", http.StatusInternalServerError, `{"error":"overloaded <b>now</b>"}`)
		}
		g.post(shopToken, "send_alert", fmt.Sprintf(`{"ref":"inv-%d","scope":"prod","phone":"+1555%d","message":"Disk 9%d %%"}`, 1000+i, i, i))
	}
	for range 3 {
		for id := 1; id <= 5; id++ {
			g.manage(http.MethodPost, fmt.Sprintf("/v1/resources/%d/check", id), "")
		}
	}
	b.gates("resources", "/resources")
	id := resourceID(b, "Primary SMS")
	b.gates("resource-health", id)
	b.gates("resource-delivery", id+"/delivery")
	b.gates("resource-used-by", id+"/used-by")
	b.gates("resource-delete", id+"/delete")
	b.gates("resource-configuration", id+"/configuration")
	b.gates("resource-alerts", id+"/alerts")
	b.gates("resource-test", id+"/test")
	b.gates("resource-new", "/resources/new")
	b.gates("resource-unknown", resourceID(b, "Unchecked"))
	b.gates("resource-off", resourceID(b, "Old gateway"))
}

// resourceID gives the path of a resource's page, out of the list.
func resourceID(b *tab, name string) string {
	b.t.Helper()
	b.goTo("/resources")
	b.visible(name)
	return js[string](b, `[...document.querySelectorAll("a.main-link")].find((a) => a.textContent === `+quoted(name)+`).getAttribute("href")`)
}
