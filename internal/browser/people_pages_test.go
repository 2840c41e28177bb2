package browser_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestPagesOfPeopleFitEverywhere goes to the pages of clients, settings and the
// documentation with longer texts than any language has, and makes the window
// narrow and wide.
func TestPagesOfPeopleFitEverywhere(t *testing.T) {
	g := start(t, strings.Replace(shopFile, "{name: shop,", `{name: shop, description: "`+strings.Repeat("averyveryverylongword", 6)+`", dev: {hold: true, rules_enabled: true, rules: [{if: {param: scope}, set: {param: phone, value: "+1555"}}]},`, 1))
	g.manage(http.MethodPost, "/v1/tokens", `{"name":"`+strings.Repeat("x", 100)+`","role":"viewer"}`)
	g.manage(http.MethodPost, "/v1/users", `{"name":"`+strings.Repeat("u", 100)+`","role":"viewer","password":"hush-long-enough"}`)
	g.post(shopToken, "send_alert", `{"ref":"`+strings.Repeat("r", 100)+`","scope":"live","phone":"+1","message":"Disk 91%"}`)
	b := open(t, g.url)
	b.signIn("/clients")
	shop := b.linkOf("shop")
	js[bool](b, `(document.cookie = "lang=en-XA; path=/") && true`)
	pages := []string{"/clients", "/clients/new", shop, shop + "/token", shop + "/overrides", shop + "/activity", shop + "/delete", "/activity", "/documentation", "/documentation/explorer"}
	for _, section := range []string{"", "/delivery", "/retention", "/email", "/security", "/users", "/users/new", "/tokens", "/tokens/new", "/transfer", "/look", "/about"} {
		pages = append(pages, "/settings"+section)
	}
	for _, path := range pages {
		b.size(1024, 900)
		b.goTo(path)
		b.await("the page to be whole", `document.readyState === "complete"`)
		for _, width := range []int64{1024, 768, 390, 320} {
			b.size(width, 900)
			b.fits()
		}
		b.shot("pseudo" + strings.ReplaceAll(path, "/", "-"))
	}
}

// TestClientSeesOnlyItsOwn is flow B2: a client signs in, has no pages of staff,
// and what belongs to others is not there.
func TestClientSeesOnlyItsOwn(t *testing.T) {
	g := start(t, shopFile)
	g.post(shopToken, "send_alert", `{"ref":"inv-1","scope":"live","phone":"+1","message":"Disk 91%"}`)
	b := open(t, g.url)
	b.goTo("/settings?as=client")
	b.at("/login")
	b.click("a:nth-child(2)")
	b.fill("Token", "dpy_wrong")
	b.click("button.primary")
	b.see("the token is not valid")
	b.fill("Token", bankToken)
	b.click("button.primary")
	b.await("to be signed in", `!location.pathname.startsWith("/login")`)
	b.goTo("/")
	for _, place := range []string{"Resources", "Clients", "Activity"} {
		if js[bool](b, `[...document.querySelectorAll("nav a")].some((a) => a.textContent.trim() === `+quoted(place)+`)`) {
			t.Errorf("a client has the place %s", place)
		}
	}
	for _, path := range []string{"/tasks/1", "/clients", "/clients/1", "/resources", "/endpoints", "/activity", "/settings/users", "/settings/email", "/settings/transfer"} {
		b.goTo(path)
		b.see("Nothing here")
	}
	b.accessible()
}
