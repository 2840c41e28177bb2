package browser_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestSetup is flow B3 and gate G20: from an empty gateway to a delivered
// message in at most nine inputs, on one page.
func TestSetup(t *testing.T) {
	for _, width := range []int64{1400, 390} {
		t.Run(fmt.Sprint(width), func(t *testing.T) { setup(t, width) })
	}
}

func setup(t *testing.T, width int64) {
	t.Parallel()
	g := start(t, "")
	b := open(t, g.url)
	b.signIn("/")
	b.at("/setup")
	if width == 1400 {
		b.gates("setup", "/setup")
	}
	b.size(width, 900)
	b.goTo("/setup")
	begun := time.Now()
	inputs := 0
	input := func(act func()) { inputs++; act() }

	input(func() { b.click("To the built-in echo") })
	b.see("/echo")
	b.see(`"to": "+15550123"`)
	b.see(`"text": "Disk at 91 %"`)
	b.shot("setup-filled")
	input(func() { b.click("Create and send") })
	b.see("The token, shown only now")
	b.see("Your application my-app posts to /api/send_sms.")
	b.await("the message to be delivered", `document.querySelector("#sent .badge.ok")`)
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	if inputs > 9 {
		t.Errorf("it took %d inputs", inputs)
	}
	if path := js[string](b, "location.pathname"); path != "/setup" {
		t.Errorf("it went on at %s", path)
	}
	b.accessible()
	b.fits()
	if width < 640 {
		b.touchable()
	}
	b.shot(fmt.Sprintf("setup-done-%d", width))

	// The command works as it is shown.
	command := js[string](b, `document.querySelector(".token-card pre").textContent`)
	token := b.value(`.token-card input`)
	if !strings.Contains(command, "X-API-Token: "+token) || !strings.Contains(command, g.url+"/api/send_sms") {
		t.Errorf("the command is %s", command)
	}
	if status, body := g.post(token, "send_sms", `{"ref":"x","scope":"s","phone":"+1","message":"m"}`); status != 200 {
		t.Errorf("the token gives %d %s", status, body)
	}
	b.click("Send another one")
	b.await("another message to be delivered", `document.querySelector("#sent .badge.ok") && document.querySelector("#sent").dataset.liveId !== "1"`)
	if b.value(`.token-card input`) != token {
		t.Error("the token is gone")
	}
	if width == 1400 {
		b.gates("setup-sent", "/setup/sent?task=1")
	}
	b.goTo("/")
	b.at("/")
	b.see("The endpoint delivers.")
	b.notSee("From nothing to a delivered task")
}

// TestSetupWithAProvider is flow B3 with one's own provider and message: a curl
// command and an example are pasted, what is suggested is changed, and what is
// shown is what the provider gets.
func TestSetupWithAProvider(t *testing.T) {
	t.Parallel()
	g := start(t, "")
	b := open(t, g.url)
	b.signIn("/setup")
	b.fill("A curl command, an address, or an example of a body", `curl -X PUT `+g.sink.url+`/acme -H 'X-Key: hush-"1"' -d '{"sender":"ACME","msisdn":"+1","body":{"text":"hi"}}'`)
	b.see("PUT " + g.sink.url + "/acme")
	b.see(`"msisdn": "+15550123"`)
	b.fillJSON(`{"ref":"r-1","scope":"s","message":"Fuel low","telephone":"+1999"}`)
	b.see(`"text": "Fuel low"`) // the mapping follows
	b.await("the keys of the example to be demanded", `[...document.querySelectorAll(".chips .tag")].map((e) => e.textContent).includes("telephone")`)
	b.fillJSON(`{"ref":"inv-1042","scope":"prod","phone":"+15550123","message":"Disk at 91 %"}`)
	b.see(`"text": "Disk at 91 %"`)
	b.choose("Source of body.text", "Text with {{…}}")
	b.await("the text to be a template", `document.querySelector("#f-map\\[2\\]\\.kind").value === "template"`)
	b.fill("Value for body.text", "{{message}} ({{ref}})")
	b.see(`"text": "Disk at 91 % (inv-1042)"`)
	b.shot("setup-provider")
	shown := js[string](b, `JSON.stringify(JSON.parse(document.querySelector('[aria-label="Will be sent"]').textContent))`)
	b.click("Create and send")
	b.await("the message to be delivered", `document.querySelector("#sent .badge.ok")`)
	got := g.sink.received("/acme")
	if len(got) != 1 || got[0].body != shown || got[0].header.Get("X-Key") != `hush-"1"` {
		t.Errorf("the provider got %+v, shown was %s", got, shown)
	}
	if html := js[string](b, "document.documentElement.outerHTML"); strings.Contains(html, "hush-") {
		t.Error("the key stands in the page")
	}
}

// TestSetupByKeyboard is flow B17 for B3: without a mouse.
func TestSetupByKeyboard(t *testing.T) {
	t.Parallel()
	g := start(t, "")
	b := open(t, g.url)
	b.signIn("/setup")
	b.tabTo(`input[name=to]:checked`)
	b.press("ArrowDown")
	b.see(`"to": "+15550123"`)
	b.tabTo(`input[name=path]`)
	b.write("alerts")
	b.await("the path to be written", `document.querySelector("input[name=path]").value === "alerts"`)
	b.tabTo(`.last-step button`)
	b.press("Enter")
	b.see("Your application my-app posts to /api/alerts.")
	b.await("the message to be delivered", `document.querySelector("#sent .badge.ok")`)
}

// TestSetupIsFoundAgain leaves the set-up in the middle and comes back.
func TestSetupIsFoundAgain(t *testing.T) {
	t.Parallel()
	g := start(t, "")
	b := open(t, g.url)
	b.signIn("/setup")
	b.fill("A curl command, an address, or an example of a body", `curl `+g.sink.url+`/acme -H 'X-Key: hush-1' -d '{"msisdn":"+1","body":"hi"}'`)
	b.see(`"msisdn": "+15550123"`)
	b.choose("Source of body", "Text with {{…}}")
	b.await("the body to be a template", `document.querySelector("#f-map\\[1\\]\\.kind").value === "template"`)
	b.fill("Value for body", "{{message}}!")
	b.see(`"body": "Disk at 91 %!"`)
	b.goTo("/tasks")
	b.goTo("/setup")
	b.see(`"body": "Disk at 91 %!"`)
	b.see("POST " + g.sink.url + "/acme")
	if kept := js[string](b, `sessionStorage.getItem("draft:setup")`); strings.Contains(kept, "hush-") || !strings.Contains(kept, "acme") {
		t.Errorf("kept is %s", kept)
	}
	b.click("Create and send")
	b.see("The token, shown only now")
	b.await("the draft to be gone", `sessionStorage.getItem("draft:setup") === null`)
}

// tabTo presses Tab until an element has the focus, and looks whether that can
// be seen.
func (b *tab) tabTo(selector string) {
	b.t.Helper()
	for range 120 {
		b.press("Tab")
		if js[bool](b, `document.activeElement?.matches(`+quoted(selector)+`) ?? false`) {
			if !js[bool](b, `(() => { const e = document.activeElement; const box = e.closest(".choice, .switch") ?? e; return [e, box].some((e) => getComputedStyle(e).outlineStyle !== "none"); })()`) {
				b.t.Errorf("%s has the focus, and nobody sees it", selector)
			}
			return
		}
	}
	b.t.Fatalf("%s is not reached by the keyboard\n%s", selector, b.where())
}
