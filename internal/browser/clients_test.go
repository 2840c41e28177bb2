package browser_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestClientPages goes to every page of clients in both themes and widths.
func TestClientPages(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	g.post(shopToken, "send_alert", `{"ref":"inv-1","scope":"live","phone":"+1","message":"Disk 91%"}`)
	g.apply(strings.Replace(shopFile, "endpoints: [send_alert]}", `endpoints: [send_alert], description: "The web shop", dev: {hold: true, rules_enabled: true, rules: [
      {if: {param: scope, matches: "^test$"}, set: {param: phone, value: "+1555"}}, {endpoint: send_alert, set: {param: message, value: {a: 1}}}]}}`, 1))
	b := open(t, g.url)
	b.signIn("/clients")
	shop := b.linkOf("shop")
	b.gates("clients", "/clients")
	b.gates("client-new", "/clients/new")
	for _, tab := range []string{"", "/token", "/overrides", "/activity", "/delete"} {
		b.gates("client"+strings.ReplaceAll(tab, "/", "-"), shop+tab)
	}
}

// linkOf gives where a link of the page leads.
func (b *tab) linkOf(words string) string {
	b.t.Helper()
	b.visible(words)
	return js[string](b, element(words)+`.getAttribute("href")`)
}

// TestClient is flow B8: a client is made, linked, rotated and deleted, and rules
// are written and tried.
func TestClient(t *testing.T) {
	t.Parallel()
	g := start(t, strings.Replace(shopFile, "clients:", "  - {path: send_news, resources: [Backup Chat]}\nclients:", 1))
	b := open(t, g.url)
	b.signIn("/clients")
	b.click("New client")
	b.at("/clients/new")
	b.click("button.primary")
	b.fill("Name", "O'Neil's CRM")
	b.click("/api/send_alert")
	b.click("/api/send_news")
	b.click("Create client")
	b.see("shown this once")
	first := js[string](b, `document.querySelector("[data-copy-source]").value`)
	if status, body := g.post(first, "send_alert", `{"ref":"a","scope":"b","phone":"1","message":"m"}`); status != 200 {
		t.Fatalf("the shown token: %d %s", status, body)
	}
	if status, body := g.post(first, "send_news", `{"ref":"a","scope":"b"}`); status != 200 {
		t.Fatalf("the second endpoint: %d %s", status, body)
	}
	b.await("the address of the token's page", `location.pathname.endsWith("/token")`)
	path := strings.TrimSuffix(js[string](b, `location.pathname`), "/token")
	b.goTo(path + "/token")
	b.see("nobody can show it again")
	b.notSee(first)

	b.click("another 24 hours")
	b.click("Rotate token")
	b.see("The client has a new token.")
	second := js[string](b, `document.querySelector("[data-copy-source]").value`)
	for i, token := range []string{first, second} {
		if status, body := g.post(token, "send_alert", fmt.Sprintf(`{"ref":"c%d","scope":"b","phone":"1","message":"m"}`, i)); status != 200 {
			t.Errorf("token %d during the overlap: %d %s", i, status, body)
		}
	}
	b.click("not at all: it ends now")
	b.click("Rotate token")
	b.await("a third token", `(document.querySelector("[data-copy-source]")?.value ?? `+quoted(second)+`) !== `+quoted(second))
	if status, _ := g.post(second, "send_alert", `{"ref":"d","scope":"b","phone":"1","message":"m"}`); status != 403 {
		t.Errorf("a token that ended at once: %d", status)
	}
	third := js[string](b, `document.querySelector("[data-copy-source]").value`)
	if status, body := g.post(third, "send_alert", `{"ref":"e","scope":"b","phone":"1","message":"m"}`); status != 200 {
		t.Errorf("the token that is left: %d %s", status, body)
	}

	b.goTo(path + "/overrides")
	b.click("Add rule")
	b.fill("When the key", "scope")
	b.fill("matches (expression)", "^test")
	b.fill("set the key", "phone")
	b.fill("to the value", "+1555")
	b.click("Try")
	b.see("Fires")
	b.see(`"phone": "+1555"`)
	b.fill("matches (expression)", "[")
	b.click("Try")
	b.see("is not a regular expression")
	b.fill("matches (expression)", "^test$")
	b.click("Apply the rules")
	b.click("Save")
	b.see("Saved.")
	if got := b.value("to the value"); got != "+1555" {
		t.Errorf("the saved value is %q", got)
	}

	b.goTo(path + "/delete")
	b.see("It may post to 2 endpoints")
	b.click("Delete client")
	b.at("/clients")
	b.see("The client was deleted.")
	b.notSee("O'Neil")
}
