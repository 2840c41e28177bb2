package browser_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestLongWordsOfPeople goes to pages with names and texts that have no place
// to break.
func TestLongWordsOfPeople(t *testing.T) {
	t.Parallel()
	g := start(t, strings.Replace(shopFile, "{name: shop,", `{name: shop, description: "`+strings.Repeat("averyveryverylongword", 6)+`", dev: {hold: true, rules_enabled: true, rules: [{if: {param: scope}, set: {param: phone, value: "+1555"}}]},`, 1))
	g.manage(http.MethodPost, "/v1/tokens", `{"name":"`+strings.Repeat("x", 100)+`","role":"viewer"}`)
	g.manage(http.MethodPost, "/v1/users", `{"name":"`+strings.Repeat("u", 100)+`","role":"viewer","password":"hush-long-enough"}`)
	g.post(shopToken, "send_alert", `{"ref":"`+strings.Repeat("r", 100)+`","scope":"live","phone":"+1","message":"Disk 91%"}`)
	b := open(t, g.url)
	b.signIn("/clients")
	shop := b.linkOf("shop")
	for _, path := range []string{"/clients", shop, shop + "/overrides", shop + "/activity", shop + "/delete", "/activity", "/settings/users", "/settings/tokens"} {
		b.arrive(path)
		for _, width := range []int64{1024, 320} {
			b.size(width, 900)
			b.fits()
		}
	}
}

// TestClientSeesOnlyItsOwn is flow B2: a client signs in, has no pages of staff,
// and what belongs to others is not there.
func TestClientSeesOnlyItsOwn(t *testing.T) {
	t.Parallel()
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
	b.at("/settings") // which was asked for
	b.goTo("/")
	b.see("Your endpoints")
	b.see("No endpoint is open to you yet")
	b.notSee("send_alert")
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
