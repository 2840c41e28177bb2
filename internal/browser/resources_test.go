package browser_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
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
  - name: Unchecked
    url: $sink/unchecked
    maintenance: [{weekly: {days: [mon, sun], at: "02:30", for: 90m, timezone: Europe/Berlin}, note: Updates}, {from: 2030-01-01T00:00:00Z, until: 2030-01-02T00:00:00Z}]
  - {name: Moving, url: "$sink/moving", maintenance: [{from: 2026-01-01T00:00:00Z, until: 2026-01-01T01:00:00Z}, {weekly: {days: [mon, tue, wed, thu, fri, sat, sun], at: "00:00", for: 48h}, note: Moves to another house}]}
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
	t.Parallel()
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
	b.gates("resource-maintenance", resourceID(b, "Unchecked")+"/configuration")
	b.gates("resource-moving", resourceID(b, "Moving"))
	b.gates("resource-off", resourceID(b, "Old gateway"))
	b.gates("resource-down", resourceID(b, "Pager"))
}

// resourceID gives the path of a resource's page, out of the list.
func resourceID(b *tab, name string) string {
	b.t.Helper()
	b.goTo("/resources")
	b.visible(name)
	return js[string](b, `[...document.querySelectorAll("a.main-link")].find((a) => a.textContent === `+quoted(name)+`).getAttribute("href")`)
}

// TestResourceLife is flow B4: a resource from a curl example to its end, with
// what can go wrong on the way.
func TestResourceLife(t *testing.T) {
	t.Parallel()
	g := start(t, resourcesFile)
	b := open(t, g.url)
	b.signIn("/resources/new")
	b.fill("A curl command, an address, or an example of a body", `curl -X PUT `+g.sink.url+`/acme -H 'Authorization: Bearer "quoted" it'\''s' -d '{"to":"+1","text":"hi"}'`)
	b.click("Take it over")
	b.await("the address to be filled in", `document.querySelector("#f-url").value === `+quoted(g.sink.url+"/acme"))
	for field, want := range map[string]string{"#f-method": "PUT", `#f-headers\[0\]\.name`: "Authorization", `#f-headers\[0\]\.value`: `Bearer "quoted" it's`, `#f-required_params\[1\]`: "text"} {
		if got := js[string](b, `document.querySelector(`+quoted(field)+`).value`); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}

	// A name that is taken: everything stays.
	b.fill("#f-name", "Primary SMS")
	b.click("Create the resource")
	b.see("there is another resource \"Primary SMS\"")
	b.await("the summary to have the focus", `document.activeElement.matches(".summary")`)
	if got := b.value(`#f-url`); got != g.sink.url+"/acme" {
		t.Errorf("the address is %q after a fault", got)
	}
	b.fill("#f-name", "Acme SMS")
	b.click("Create the resource")
	b.see("Acme SMS is added. No endpoint leads to it yet.")

	// A simple check sends nothing, however often it is pressed.
	b.see("A check connects to")
	js[bool](b, `(() => { const e = `+element("Check now")+`; e.click(); e.click(); return true; })()`)
	b.see("Acme SMS works: connected to")
	b.await("one check in the log", `document.querySelectorAll("#log tbody tr").length === 1`)
	if got := g.sink.received("/acme"); len(got) != 0 {
		t.Errorf("a simple check sent %+v", got)
	}

	// A test request sends all of it.
	b.click("Test request")
	b.see("This is a real call")
	b.click(".grid form button.primary")
	b.see("HTTP 200")
	if got := g.sink.received("/acme"); len(got) != 1 || got[0].header.Get("Authorization") != `Bearer "quoted" it's` || got[0].body == "" {
		t.Errorf("the provider got %+v", got)
	}

	// Actual checks without values are refused, by name; what is written stays.
	b.click("Configuration")
	b.choose("#f-health_check\\.method", "actual")
	b.fill(`#f-test_values\[1\]\.value`, "")
	b.fill(`#f-concurrency`, "7")
	b.click("Save health check")
	b.see("health check method 'actual' requires test values for parameters: text")
	if got := b.value(`#f-concurrency`); got != "7" {
		t.Errorf("what was written elsewhere is %q", got)
	}
	b.see("Not saved yet")
	b.fill(`#f-test_values\[1\]\.value`, "pong")
	b.press("s", chromedp.KeyModifiers(chromedp.ModifierCtrl))
	b.see("Acme SMS is saved.")
	b.gone("Save all")
	b.fill("A curl command, an address, or an example of a body", "{\n \"to\": }")
	b.click("Take it over")
	b.see("line 2, column 8")

	// A header gets another name and keeps its value.
	b.goTo(resourceID(b, "Acme SMS") + "/configuration")
	b.fill(`#f-headers\[0\]\.name`, "X-Auth")
	b.click("Save headers")
	b.see("Acme SMS is saved.")
	before := len(g.sink.received("/acme"))
	b.goTo(resourceID(b, "Acme SMS"))
	b.see("A check sends the test values to")
	js[bool](b, `(() => { const e = `+element("Check now")+`; e.click(); e.click(); return true; })()`)
	b.see("Acme SMS works: ")
	if got := g.sink.received("/acme"); len(got) != before+1 || got[before].header.Get("X-Auth") != `Bearer "quoted" it's` {
		t.Errorf("the provider got %+v", got[before:])
	}

	// Switched off and back, by the way back that is offered.
	b.goTo("/resources")
	b.click("Acme SMS is active")
	b.see("Acme SMS is switched off: it gets no messages.")
	b.await("the switch to be off", element("Acme SMS is active")+`?.getAttribute("aria-checked") === "false"`)
	b.click("Undo")
	b.await("the switch to be on", element("Acme SMS is active")+`?.getAttribute("aria-checked") === "true"`)

	b.click("Actions for Acme SMS")
	b.click("Duplicate")
	b.see("This is the copy.")
	if got := b.value("#f-name"); got != "Acme SMS copy" {
		t.Errorf("the copy is called %q", got)
	}
	b.goTo("/resources")
	b.click("Actions for Primary SMS")
	b.click("Delete…")
	b.see("1 endpoint loses this resource.")
	b.click("Cancel")
	b.await("the page of the resource", `/^\/resources\/\d+$/.test(location.pathname) && document.readyState === "complete"`)
	b.goTo(resourceID(b, "Pager") + "/delete")
	b.see("1 endpoint has no other resource and delivers nothing any more: page")
	b.click("Delete Pager")
	b.see("Pager is deleted.")
	b.at("/resources")
}

// TestResourceHealthIsLive is the part of flow B13 that is on the page of a
// resource: it goes down while somebody looks.
func TestResourceHealthIsLive(t *testing.T) {
	t.Parallel()
	g := start(t, resourcesFile)
	b := open(t, g.url)
	b.signIn("/resources")
	id := resourceID(b, "Primary SMS")
	b.goTo(id)
	b.await("the first check", `document.querySelectorAll("#log tbody tr").length >= 1`)
	g.sink.answer("/primary", http.StatusBadGateway, `{"error":"<img src=x onerror=alert(1)>"}`)
	b.click("Check now")
	b.see("Primary SMS does not work")
	b.see("Down: it gets no messages until a check succeeds.")
	b.see("<img src=x onerror=alert(1)>")
	b.await("the failed check", `document.querySelectorAll("#log .badge.fail").length === 1`)
	b.click("Failed")
	b.await("only the failed check", `document.readyState === "complete" && document.querySelectorAll("#log tbody tr").length === 1`)
	g.sink.answer("/primary", http.StatusOK, `{}`)
	b.click("Check now")
	b.see("Primary SMS works")
	b.gone(".banner.fail")
	c := b.second()
	c.goTo("/resources")
	c.see("Primary SMS")
	g.sink.answer("/primary", http.StatusBadGateway, `{}`)
	g.manage(http.MethodPost, "/v1"+id+"/check", "")
	c.await("the other tab to hear of it", `[...document.querySelectorAll(".resources tbody tr")].some((r) => r.textContent.includes("Primary SMS") && r.textContent.includes("Down"))`)
}
