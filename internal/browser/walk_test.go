package browser_test

import (
	"strconv"
	"testing"
)

// stops lists what the Tab key has to reach, in the order of the page.
const stops = `[...document.querySelectorAll("a[href], button, input, select, textarea, summary, pre[tabindex='0'], json-editor")].filter((e) =>
	e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length && !e.disabled && !e.matches(":disabled") && e.type !== "hidden" && (e.tabIndex >= 0 || e.matches("json-editor")) && !(e.type === "radio" && !e.checked))`

// focused describes what has the focus: its place among the stops, and whether
// one sees that it has it.
const focused = `(() => { const e = document.activeElement; const ring = (x) => x && getComputedStyle(x).outlineStyle !== "none" && parseFloat(getComputedStyle(x).outlineWidth) >= 2;
	return { place: window.walked.indexOf(e), seen: Boolean(ring(e) || ring(e?.closest(".chip-box, .choice, .switch")) || e?.shadowRoot), name: e === document.body ? "" : e.outerHTML.slice(0, 120) }; })()`

// walkable fails the test for a control of the page that the Tab key does not
// reach, that it does not leave again, or on which one does not see the focus.
func (b *tab) walkable() {
	b.t.Helper()
	n := js[int](b, `(window.walked = `+stops+`, document.activeElement?.blur(), window.walked.length)`)
	b.t.Logf("%s: %d controls", js[string](b, `location.pathname`), n)
	reached := make([]bool, n)
	last := -1
	for range n + 5 {
		b.press("Tab")
		at := js[struct {
			Place int
			Seen  bool
			Name  string
		}](b, focused)
		switch {
		case at.Name == "": // the end of the page
			continue
		case at.Place < 0:
			b.t.Errorf("%s: the focus is on what is no control: %s", js[string](b, `location.pathname`), at.Name)
			continue
		case at.Place == last:
			b.t.Errorf("%s: the focus does not leave %s", js[string](b, `location.pathname`), at.Name)
			return
		}
		if !at.Seen {
			b.t.Errorf("%s: the focus is not seen on %s", js[string](b, `location.pathname`), at.Name)
		}
		reached[at.Place], last = true, at.Place
	}
	for i, was := range reached {
		if !was {
			b.t.Errorf("%s: the Tab key does not reach %s", js[string](b, `location.pathname`), js[string](b, `window.walked[`+strconv.Itoa(i)+`].outerHTML.slice(0, 120)`))
		}
	}
}

// TestKeyboard is gate G9: the Tab key reaches every control of the pages that
// B1 to B12 are about, leaves it again, and one sees where it is.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	g := start(t, routesFile)
	g.sink.answer("/primary", 400, `{"error":"unknown number"}`)
	g.settled(g.alert("inv-1"))
	g.apply("version: 1\nclients:\n  - {name: bank, dev: {hold: true}}\n")
	g.post(bankToken, "send_alert", `{"ref":"held","scope":"prod","phone":"+1","message":"m"}`)
	e := g.endpoint("send_alert")
	b := open(t, g.url)
	b.goTo("/login")
	b.walkable()
	b.signIn("/resources")
	resource := resourceID(b, "Primary SMS")
	b.goTo("/clients")
	client := b.linkOf("shop")
	for _, path := range []string{
		"/", "/setup", "/tasks", "/tasks/1", "/tasks/1/resend", "/held", "/endpoints", "/endpoints/new", e.own(""), e.own("rules"), e.own("overrides"), e.own("clients"), e.own("try"), e.own("delete"),
		"/resources", resource, resource + "/configuration", resource + "/delete", "/clients", client, client + "/token", client + "/overrides",
	} {
		b.arrive(path)
		b.await("the scripts", `!document.querySelector("[data-chips]") || document.querySelector(".chip-box")`)
		b.walkable()
	}
}
