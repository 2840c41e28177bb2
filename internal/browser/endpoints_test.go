package browser_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// routesFile is a gateway with much of what an endpoint can have.
const routesFile = `
version: 1
resources:
  - {name: Primary SMS, url: $sink/primary, headers: {Authorization: Bearer hush-provider-key}, required_params: [to, text, idem, priority]}
  - {name: Backup Chat, url: $sink/backup, required_params: [number, message.body]}
  - {name: "O'Brien \"<b>\" Mail", url: $sink/mail}
  - {name: Old Pager, url: $sink/pager, active: false}
endpoints:
  - path: send_alert
    description: Send an alert to a telephone, by whichever provider works at this moment
    required_params: [phone, message]
    resources: [Primary SMS, Backup Chat, "O'Brien \"<b>\" Mail"]
    mapping:
      Primary SMS: {to: {from: phone}, text: {template: "{{message}} ({{ref}})"}, idem: {uuid: true}, priority: {value: high}}
      Backup Chat: {number: {from: phone, type: string}}
    dev:
      enabled: true
      rules_enabled: true
      rules:
        - {if: {param: scope, matches: "^staging$"}, set: {param: phone, value: "+15550000"}}
        - {active: false, set: {param: message, value: test}}
  - {path: invoices/monthly, resources: [Backup Chat], required_params: [customer]}
  - {path: empty}
  - {path: retired, active: false, resources: [Old Pager]}
clients:
  - {name: shop, token: dpy_browser-shop-token-0123456789, endpoints: [send_alert, retired]}
  - {name: bank, token: dpy_browser-bank-token-0123456789, endpoints: [send_alert]}
  - {name: "O'Neil \"x\" <img src=x onerror=alert(1)>", token: dpy_browser-oneil-token-0123456789, endpoints: [send_alert]}
`

// endpointView is an endpoint as the management API shows it.
type endpointView struct {
	ID        int64
	Path      string
	Resources []string
	Active    bool
	Mapping   map[string]map[string]json.RawMessage
}

func (g *gateway) endpoint(path string) endpointView {
	g.t.Helper()
	_, body := g.manage(http.MethodGet, "/v1/endpoints?limit=200", "")
	var all struct{ Items []endpointView }
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		g.t.Fatal(err)
	}
	for _, e := range all.Items {
		if e.Path == path {
			return e
		}
	}
	g.t.Fatalf("there is no endpoint %s", path)
	return endpointView{}
}

func (e endpointView) own(below string) string {
	return strings.TrimSuffix(fmt.Sprintf("/endpoints/%d/%s", e.ID, below), "/")
}

func TestEndpointPages(t *testing.T) {
	g := start(t, "")
	b := open(t, g.url)
	b.signIn("/endpoints")
	b.gates("endpoints-empty", "/endpoints")
	b.gates("endpoint-new-empty", "/endpoints/new")
	g.apply(routesFile)
	for i := range 5 {
		g.post(shopToken, "send_alert", fmt.Sprintf(`{"ref":"inv-%d","scope":"prod","phone":"+1555%d","message":"Disk 9%d %%"}`, 1000+i, i, i))
	}
	e := g.endpoint("send_alert")
	b.gates("endpoints", "/endpoints")
	b.gates("endpoint-new", "/endpoints/new")
	b.gates("endpoint", e.own(""))
	b.gates("endpoint-what-if", e.own("")+"?down=Primary+SMS")
	b.gates("endpoint-delete", e.own("delete"))
}

// inOrder waits until the endpoint has its resources in an order.
func (b *tab) inOrder(g *gateway, path string, want ...string) {
	b.t.Helper()
	shown := strings.Join(want, ", ")
	b.visible("[data-grip]") // the script is there
	b.await("the order "+shown, `[...document.querySelectorAll("#failover [data-order] > [data-item]")].map((e) => e.dataset.name).join(", ") === `+quoted(shown))
	for range 200 {
		if strings.Join(g.endpoint(path).Resources, ", ") == shown {
			return
		}
		b.frame()
	}
	b.t.Fatalf("stored is %q, want %s", g.endpoint(path).Resources, shown)
}

// TestEndpointAndOrder is flow B5.
func TestEndpointAndOrder(t *testing.T) {
	g := start(t, routesFile)
	b := open(t, g.url)

	b.signIn("/endpoints/new")
	const mail = `O'Brien "<b>" Mail`
	b.fill("#f-path", "send_alert")
	b.fill("Description (optional)", "Texts")
	b.fill(".chip-box input", "phone")
	b.press("Enter")
	b.fill(".chip-box input", "message")
	if n := js[int](b, `document.querySelectorAll("input[name=use]:checked").length`); n != 0 {
		t.Errorf("%d resources are ticked from the start", n)
	}
	for i, name := range []string{"Primary SMS", "Backup Chat", mail} {
		b.click(name)
		b.await(name+" to be ticked", fmt.Sprintf(`document.querySelectorAll("input[name=use]:checked").length === %d`, i+1))
	}
	b.fill("#f-path", "send_alert")
	b.press("Enter") // saves, although there are other buttons before
	b.see("there is another endpoint")
	if got := b.value("Description (optional)"); got != "Texts" {
		t.Errorf("the description is %q after a refusal", got)
	}
	b.fill("#f-path", "alerts")
	b.click("Save and go to the mapping")
	b.await("the endpoint", `/^.endpoints.\d+.rules$/.test(location.pathname)`)
	e := g.endpoint("alerts")
	b.goTo(e.own(""))
	first := []string{"Backup Chat", mail, "Primary SMS"}
	b.inOrder(g, "alerts", first...)
	row := func(name string) string {
		return "#" + js[string](b, `[...document.querySelectorAll("[data-item]")].find((e) => e.dataset.name === `+quoted(name)+`).id`)
	}

	// By the keyboard.
	js[bool](b, `(document.querySelector(`+quoted(row("Primary SMS")+" [data-up]")+`).focus(), true)`)
	b.press("ArrowUp", chromedp.KeyModifiers(chromedp.ModifierAlt))
	b.await("the announcement", `document.querySelector("#say").textContent === "Primary SMS, position 2 of 3"`)
	b.press("ArrowUp", chromedp.KeyModifiers(chromedp.ModifierAlt))
	b.await("the announcement", `document.querySelector("#say").textContent === "Primary SMS, position 1 of 3"`)
	b.inOrder(g, "alerts", "Primary SMS", "Backup Chat", mail)
	if focus := js[string](b, `document.activeElement.closest("[data-item]")?.dataset.name ?? ""`); focus != "Primary SMS" {
		t.Errorf("the focus went to %q", focus)
	}
	// By the buttons, and back.
	b.click(row("Primary SMS") + " [data-down]")
	b.inOrder(g, "alerts", "Backup Chat", "Primary SMS", mail)
	b.click("Undo")
	b.inOrder(g, "alerts", "Primary SMS", "Backup Chat", mail)
	// By the mouse, and it stays.
	b.dragTo(row(mail)+" [data-grip]", row("Primary SMS"))
	b.inOrder(g, "alerts", mail, "Primary SMS", "Backup Chat")
	b.goTo(e.own(""))
	b.inOrder(g, "alerts", mail, "Primary SMS", "Backup Chat")
	// With a finger.
	b.size(390, 900)
	b.goTo(e.own(""))
	b.touchTo(row("Backup Chat")+" [data-grip]", row(mail))
	b.inOrder(g, "alerts", "Backup Chat", mail, "Primary SMS")
	b.size(1400, 900)
	b.goTo(e.own(""))

	b.click(row(mail) + " .use button")
	b.see("is not used any more.")
	b.inOrder(g, "alerts", "Backup Chat", "Primary SMS")
	b.click("What if one is down?")
	b.see("Backup Chat would take the messages.")
	b.click(row("Backup Chat") + " .use a")
	b.see("Primary SMS would take the messages.")
	b.click("End what if")

	if status, _ := g.post(shopToken, "send_alert", `{"ref":"r","scope":"s","phone":"1","message":"m"}`); status != http.StatusOK {
		t.Errorf("before it is switched off: %d", status)
	}
	b.goTo("/endpoints")
	b.click("send_alert is active")
	b.see("/api/send_alert is switched off")
	if status, _ := g.post(shopToken, "send_alert", `{"ref":"r","scope":"s","phone":"1","message":"m"}`); status != http.StatusNotFound {
		t.Errorf("switched off it answers %d", status)
	}
	b.click("Undo")
	b.see("/api/send_alert is switched on")
}
