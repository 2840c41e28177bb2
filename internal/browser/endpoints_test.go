package browser_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

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
	t.Parallel()
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
	b.gates("endpoint-mapping", e.own("rules"))
	b.gates("endpoint-mapping-empty", g.endpoint("empty").own("rules"))
	b.gates("endpoint-overrides", e.own("overrides"))
	b.gates("endpoint-clients", e.own("clients"))
	b.gates("endpoint-clients-empty", g.endpoint("empty").own("clients"))
	b.gates("endpoint-try", e.own("try"))
	b.gates("endpoint-try-sent", e.own("try")+"?task=1")
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
	t.Parallel()
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

	// What is being written stays, and is saved on top of the new order.
	b.fill("Description (optional)", "half written")
	b.click(row("Backup Chat") + " [data-down]")
	b.inOrder(g, "alerts", mail, "Backup Chat", "Primary SMS")
	b.click("Undo")
	b.inOrder(g, "alerts", "Backup Chat", mail, "Primary SMS")
	if got := b.value("Description (optional)"); got != "half written" {
		t.Errorf("after a change of the order the description is %q", got)
	}
	b.click("Save")
	b.see("The route is saved.")
	if got := b.value("Description (optional)"); got != "half written" {
		t.Errorf("saved is %q", got)
	}

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

// TestMapping is flow B6.
func TestMapping(t *testing.T) {
	t.Parallel()
	g := start(t, routesFile)
	e := g.endpoint("send_alert")
	b := open(t, g.url)
	b.signIn(e.own("rules"))
	field := func(row int, name string) string { return fmt.Sprintf("[id='f-mapping[0][%d].%s']", row, name) }
	line := func(text string) { // of what will be sent
		b.await("to be sent: "+text, `[...document.querySelectorAll("#sent .body span")].some((e) => e.textContent.trim() === `+quoted(text)+`)`)
	}
	b.fillJSON(`{"ref":"r-9","scope":"prod","phone":"+1777","message":"Disk \"full\"","big":12345678901234567890,"host":{"name":"db"}}`)
	line(`"text": "Disk \"full\" (r-9)",`)
	line(`"idem": ‹new for every task›,`)
	// Every kind of source, seen at once.
	b.fill(field(0, "from"), "host.name")
	line(`"to": "db"`)
	b.choose(field(3, "kind"), "from")
	b.fill(field(3, "from"), "big")
	line(`"priority": 12345678901234567890,`)
	b.choose(field(3, "kind"), "now")
	line(`"priority": ‹time of sending›,`)
	b.choose(field(3, "kind"), "value")
	b.fill(field(3, "value"), "urgent")
	line(`"priority": "urgent",`)
	b.choose(field(0, "kind"), "template")
	b.fill(field(0, "template"), "tel:{{phone}}")
	line(`"to": "tel:+1777"`)
	b.await("the changed line to glow", `document.querySelector("#sent .flash-row")`)
	if b.visibleNow(field(2, "from")) {
		t.Error("a UUID asks for a source")
	}
	// What is missing is named.
	b.click(`[id="map-tab-1"]`)
	b.see("Backup Chat needs one more key: message.body")
	b.click("Suggest")
	b.see("All that it requires is there.")
	b.await("the tab to say so", `document.querySelector("#map-tab-1").classList.contains("ok")`)
	js[bool](b, `(document.querySelector("#map-tab-1").focus(), true)`)
	b.press("ArrowRight")
	b.await("the next tab", `document.activeElement.id === "map-tab-2" && !document.querySelector("#map-panel-2").hidden`)
	b.press("ArrowLeft")
	b.click("All resources")
	b.await("all three requests", `document.querySelectorAll("#sent .sent-route").length === 3`)
	exact := map[string]string{}
	for i, path := range []string{"/primary", "/backup", "/mail"} {
		exact[path] = js[string](b, fmt.Sprintf(`document.getElementById("exact-%d").textContent`, i))
	}
	b.click("Save")
	b.see("The mapping is saved.")
	// What is sent is what was shown.
	_, _ = g.post(shopToken, "send_alert", `{"ref":"r-9","scope":"prod","phone":"+1777","message":"Disk \"full\"","big":12345678901234567890,"host":{"name":"db"}}`)
	uuid := regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	sent := g.delivered("/primary")
	if got, want := uuid.ReplaceAllString(sent, "UUID"), uuid.ReplaceAllString(exact["/primary"], "UUID"); got != want {
		t.Errorf("sent %s, shown %s", got, want)
	}
	if strings.Contains(sent, "_raw") {
		t.Errorf("the whole message went along: %s", sent)
	}
	// A real test request to the backup, which is named first.
	b.click(`[id="map-tab-1"]`)
	b.click("Send a test to Backup Chat …")
	b.see("This sends a real request to Backup Chat")
	b.click("Send it to Backup Chat")
	b.see("Test request to Backup Chat")
	if got := g.delivered("/backup"); got != exact["/backup"] {
		t.Errorf("sent %s, shown %s", got, exact["/backup"])
	}
}

// fillJSON writes into the editor of an example.
func (b *tab) fillJSON(text string) {
	b.t.Helper()
	b.await("the editor", `document.querySelector("json-editor textarea")?.setText`)
	js[bool](b, `(document.querySelector("json-editor textarea").setText(`+quoted(text)+`), true)`)
}

// visibleNow reports whether an element can be seen at this moment.
func (b *tab) visibleNow(wanted string) bool {
	b.t.Helper()
	return js[bool](b, "Boolean("+element(wanted)+")")
}

// delivered waits for a provider to get something and gives the last of it.
func (g *gateway) delivered(path string) string {
	g.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		if got := g.sink.received(path); len(got) > 0 {
			return got[len(got)-1].body
		}
		if time.Now().After(deadline) {
			g.t.Fatalf("%s got nothing", path)
		}
		time.Sleep(5 * time.Millisecond) // between two looks
	}
}

// TestOverrides is flow B7.
func TestOverrides(t *testing.T) {
	t.Parallel()
	g := start(t, strings.Replace(routesFile, "endpoints: [send_alert, retired]}", "endpoints: [send_alert, retired], dev: {rules_enabled: true, rules: [{set: {param: phone, value: of-the-client}}]}}", 1))
	e := g.endpoint("send_alert")
	b := open(t, g.url)
	b.signIn(e.own("overrides"))
	b.fillJSON(`{"ref":"r","scope":"staging","phone":"+1555","message":"hi"}`)
	b.see(`"+1555" → "+15550000"`)
	b.fillJSON(`{"ref":"r","scope":"prod","phone":"+1555","message":"hi"}`)
	b.see("Does not fire")
	b.fill(`[id="f-dev.rules[0].if.matches"]`, "^(staging")
	b.see("is not a regular expression")
	b.fill(`[id="f-dev.rules[0].if.matches"]`, "^staging$")
	b.fillJSON(`{"ref":"r","scope":"staging","phone":"+1555","message":"hi"}`)
	b.choose("#f-sender", "shop")
	b.see("Together with the rules of shop")
	b.see("replaced below")
	b.see(`"of-the-client" → "+15550000"`)
	// A second rule, by the keyboard, and the switch that the mode needs.
	b.click("Add rule")
	b.await("the new rule to be focused", `document.activeElement.closest(".rule")?.matches(":last-child")`)
	b.fill(`[id="f-dev.rules[2].set.param"]`, "message")
	b.fill(`[id="f-dev.rules[2].set.value"]`, "TEST")
	b.see(`"hi" → "TEST"`)
	b.click("Apply the rules")
	b.click("Save")
	b.see("development mode requires")
	b.click("Apply the rules")
	b.click("Save")
	b.see("The rules work from now on.")
	_, _ = g.post(bankToken, "send_alert", `{"ref":"s-1","scope":"staging","phone":"+1777","message":"real"}`)
	if got := g.delivered("/primary"); !strings.Contains(got, `"text":"TEST (s-1)","to":"+15550000"`) {
		t.Errorf("staging was sent %s", got)
	}
	_, _ = g.post(bankToken, "send_alert", `{"ref":"p-1","scope":"prod","phone":"+1777","message":"real"}`)
	g.until(func() bool { return len(g.sink.received("/primary")) == 2 })
	if got := g.delivered("/primary"); !strings.Contains(got, `"to":"+1777"`) {
		t.Errorf("production was sent %s", got)
	}
}

// TestTryEndpoint is the part of flow B15 that is done by staff: a message is
// sent by hand, and the page tells how it fares while it does.
func TestTryEndpoint(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	e := g.endpoint("send_alert")
	b := open(t, g.url)
	b.signIn(e.own("clients"))
	b.click("Take shop away")
	b.see("shop may post to /api/send_alert no more.")
	b.click("Undo")
	b.see("shop may post to /api/send_alert.")
	b.fill("#f-name", "fresh app")
	b.click("Create and link")
	b.see("It is shown this once")
	token := b.value("Token")
	if status, _ := g.post(token, "send_alert", `{"ref":"r","scope":"s","phone":"1","message":"m"}`); status != http.StatusOK {
		t.Errorf("the new token gives %d", status)
	}
	g.until(func() bool { return len(g.sink.received("/primary")) == 1 })
	g.sink.answer("/primary", http.StatusServiceUnavailable, `{"error":"<img src=x onerror=alert(1)>"}`)
	b.goTo(e.own("try"))
	b.choose("In the name of", "fresh app")
	b.fill(`[id="f-message[2].value"]`, "+1888")
	b.click("As JSON")
	b.see("Field by field")
	b.fillJSON(`{"ref":"r-7","scope":"s","phone":"+1888","message":"by hand","big":12345678901234567890}`)
	b.click("Send it")
	b.await("the delivery", `document.querySelector("#try-task .badge.ok")`)
	b.see("Backup Chat")
	if got := g.delivered("/backup"); got != `{"body":"by hand (r-7)","number":"+1888"}` {
		t.Errorf("sent %s", got)
	}
	b.click("Field by field")
	b.await("the fields", `document.querySelector("[id='f-message[4].value']")?.value === "12345678901234567890"`)
	b.click("Python")
	b.see("urllib.request")
}

// until waits for something to be so.
func (g *gateway) until(so func() bool) {
	g.t.Helper()
	deadline := time.Now().Add(patience)
	for !so() {
		if time.Now().After(deadline) {
			g.t.Fatal("it did not come")
		}
		time.Sleep(5 * time.Millisecond) // between two looks
	}
}
