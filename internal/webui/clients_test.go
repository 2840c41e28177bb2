package webui_test

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func init() {
	ofShop := func(suffix string) func(g *gateway, pattern string) string {
		return func(g *gateway, _ string) string { return fmt.Sprintf("/clients/%d%s", g.clientID("shop"), suffix) }
	}
	fresh := func(suffix string) func(g *gateway, pattern string) string {
		return func(g *gateway, _ string) string { return fmt.Sprintf("/clients/%d%s", g.newClient(), suffix) }
	}
	staff := access{nobody: 303, shop: 404, bank: 404, viewer: 200, operator: 200, admin: 200}
	admins := access{nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: 200}
	at := func(a access, path func(g *gateway, pattern string) string, admin int) access {
		a.path, a.admin = path, admin
		return a
	}
	maps.Copy(matrix, map[string]access{
		"GET /clients":                 staff,
		"GET /clients/new":             admins,
		"POST /clients/new":            at(admins, nil, 422),
		"GET /clients/{id}":            at(staff, ofShop(""), 200),
		"POST /clients/{id}":           at(admins, ofShop(""), 409),
		"GET /clients/{id}/token":      at(staff, ofShop("/token"), 200),
		"POST /clients/{id}/token":     at(admins, fresh("/token"), 200),
		"GET /clients/{id}/overrides":  at(staff, ofShop("/overrides"), 200),
		"POST /clients/{id}/overrides": at(admins, ofShop("/overrides"), 409),
		"GET /clients/{id}/activity":   at(staff, ofShop("/activity"), 200),
		"POST /clients/{id}/duplicate": at(admins, fresh("/duplicate"), 200),
		"GET /clients/{id}/delete":     at(admins, ofShop("/delete"), 200),
		"POST /clients/{id}/delete":    at(admins, ofShop("/delete"), 409),
		"POST /settings/sessions/{id}/end": {nobody: 303, shop: 404, bank: 404, viewer: 404, operator: 404, admin: 404,
			path: func(*gateway, string) string { return "/settings/sessions/4711/end" }},
		"POST /settings/sessions/others/end": {nobody: 303, shop: 303, bank: 303, viewer: 303, operator: 303, admin: 303},
	})
}

// hostileTexts are texts of the kind that breaks pages.
var hostileTexts = map[string]string{
	"markup": `O'Neil "x" <img src=x onerror=alert(1)>`,
	"rtl":    "\u202eשלום عالم",
	"emoji":  "👩‍👩‍👧‍👦 {{7*7}} ${7*7}",
}

// listed finds an object of a list of the management API by its name.
func (g *gateway) listed(path, key, name string) map[string]any {
	g.t.Helper()
	var list struct{ Items []map[string]any }
	if err := json.Unmarshal([]byte(g.manage(http.MethodGet, path, "", http.StatusOK)), &list); err != nil {
		g.t.Fatal(err)
	}
	for _, item := range list.Items {
		if item[key] == name {
			return item
		}
	}
	g.t.Fatalf("there is no %s at %s", name, path)
	return nil
}

func (g *gateway) clientID(name string) int64 {
	g.t.Helper()
	return int64(g.listed("/v1/clients?limit=200", "name", name)["id"].(float64))
}

// newClient makes a client that nobody else knows.
func (g *gateway) newClient() int64 {
	g.t.Helper()
	g.made++
	name := fmt.Sprintf("fresh-%d", g.made)
	g.manage(http.MethodPost, "/v1/clients", fmt.Sprintf(`{"name":%q}`, name), http.StatusCreated)
	return g.clientID(name)
}

// value gives what stands in a field of the page.
func (a *answer) value(name string) string {
	a.t.Helper()
	field := regexp.MustCompile(`<input[^>]*name="` + regexp.QuoteMeta(name) + `"[^>]*value="([^"]*)"`).FindStringSubmatch(a.body)
	if field == nil {
		a.t.Fatalf("the page has no field %s", name)
	}
	return field[1]
}

var shownToken = regexp.MustCompile(`value="(dpy_[A-Za-z0-9_-]{43})"`)

// TestClientLife makes, changes, rotates, copies and deletes a client without a
// script.
func TestClientLife(t *testing.T) {
	g := start(t)
	b := g.admin()
	b.get("/clients").want(200).shows(">shop</a>", ">bank</a>").hides(shopToken)

	made := b.post("/clients/new", url.Values{"name": {"crm"}, "endpoints": {"sms", "mail"}}).want(200)
	first := shownToken.FindStringSubmatch(made.body)
	if first == nil {
		t.Fatalf("no token is shown: %.2000s", made.body)
	}
	g.post(first[1], "sms", `{"ref":"a","scope":"b","phone":"1"}`)
	path := fmt.Sprintf("/clients/%d", g.clientID("crm"))
	for _, page := range []string{"/clients", path, path + "/token", path + "/overrides", path + "/activity"} {
		b.get(page).want(200).hides(first[1])
	}
	b.get(path + "/activity").shows(">a</a>")

	page := b.get(path).want(200).shows(`value="crm"`)
	b.post(path, url.Values{"name": {"crm 2"}, "description": {"What it is"}, "version": {page.value("version")}, "show_provider_bodies": {"on"}}).want(303)
	b.get(path).shows("crm 2", "What it is", "checked").hides(`value="sms" checked`)

	page = b.get(path + "/token").want(200)
	rotated := b.post(path+"/token", url.Values{"overlap": {"24h"}, "version": {page.value("version")}}).want(200)
	if second := shownToken.FindStringSubmatch(rotated.body); second == nil || second[1] == first[1] {
		t.Errorf("no new token is shown: %.2000s", rotated.body)
	}
	b.get(path + "/token").shows("works, too")
	b.post(path+"/token", url.Values{"overlap": {"24h"}, "version": {page.value("version")}}).want(409).shows("was changed in the meantime")

	b.post(path+"/duplicate", nil).want(200).shows("crm 2 copy")
	page = b.get(path + "/delete").want(200).shows("no endpoint")
	b.post(path+"/delete", url.Values{"version": {page.value("version")}}).want(303)
	b.get(path).want(404)
}

func TestClientFormKeepsWhatWasWritten(t *testing.T) {
	g := start(t)
	b := g.admin()
	for name, text := range hostileTexts {
		got := b.post("/clients/new", url.Values{"name": {"shop"}, "description": {text}, "endpoints": {"mail"}}).want(422)
		got.shows("names must be unique", `value="mail" checked`).hides("<img src=x")
		if !strings.Contains(got.body, htmlText(text)) {
			t.Errorf("%s: the description is not kept", name)
		}
	}
	long := strings.Repeat("x", 10_000)
	b.post("/clients/new", url.Values{"name": {long}}).want(422).shows("at most 200 characters", long)
	b.post("/clients/new", url.Values{"name": {"n"}, "token": {"short"}}).want(422).shows("8 to 200 characters").hides(`value="short"`)
	b.post("/clients/new", url.Values{"name": {"n"}, "endpoints": {"gone"}}).want(422).shows("there is no endpoint")

	for name, text := range hostileTexts {
		b.post("/clients/new", url.Values{"name": {text}, "description": {text}}).want(200).hides("<img src=x")
		path := fmt.Sprintf("/clients/%d", g.clientID(text))
		for _, suffix := range []string{"", "/token", "/overrides", "/activity", "/delete"} {
			if got := b.get(path + suffix).want(200).hides("<img src=x"); !strings.Contains(got.body, htmlText(text)) {
				t.Errorf("%s%s does not show the name", name, suffix)
			}
		}
	}
	b.get("/clients").want(200).hides("<img src=x")
}

// htmlText is text as it stands in a page.
func htmlText(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;", "+", "&#43;").Replace(text)
}

func TestTwoEditorsOfAClient(t *testing.T) {
	g := start(t)
	b := g.admin()
	path := fmt.Sprintf("/clients/%d", g.clientID("shop"))
	version := b.get(path).value("version")
	b.post(path, url.Values{"name": {"shop"}, "description": {"theirs"}, "version": {version}, "endpoints": {"sms"}}).want(303)
	got := b.post(path, url.Values{"name": {"shop"}, "description": {"mine"}, "version": {version}, "endpoints": {"sms"}}).want(409)
	got.shows("Somebody else saved this", "theirs", "mine").hides(`type="hidden" name="version"`)
	newer := regexp.MustCompile(`name="version" value="(\d+)"`).FindStringSubmatch(got.body)
	b.post(path, url.Values{"name": {"shop"}, "description": {"mine"}, "version": {newer[1]}, "endpoints": {"sms"}}).want(303)
	b.get(path).shows("mine")
}

// TestClientOverrides edits rules without a script, tries and saves them.
func TestClientOverrides(t *testing.T) {
	g := start(t)
	b := g.admin()
	path := fmt.Sprintf("/clients/%d/overrides", g.clientID("shop"))
	form := url.Values{"version": {b.get(path).want(200).value("version")}, "dev.rules_enabled": {"on"}, "do": {"add dev.rules"}, "payload": {`{"scope":"test","phone":"+62"}`}}
	b.post(path, form).want(200).shows(`name="dev.rules[0].set.param"`)

	form.Set("dev.rules[0].active", "on")
	form.Set("dev.rules[0].if.param", "scope")
	form.Set("dev.rules[0].if.matches", "^test$")
	form.Set("dev.rules[0].set.param", "phone")
	form.Set("dev.rules[0].set.value", hostileTexts["markup"])
	form.Set("dev.rules[0].as", "text")
	form.Set("dev.rules[1].set.param", "a")
	form.Set("dev.rules[1].set.value", "{")
	form.Set("dev.rules[1].as", "json")
	form.Set("do", "try")
	b.post(path, form).want(422).shows("is not valid JSON", `aria-invalid="true"`).hides("<img src=x")

	form.Set("dev.rules[1].set.value", `{"n": 12}`)
	form.Set("dev.rules[1].endpoint", "mail")
	b.post(path, form).want(200).shows("Fires", "Does not fire", "It replaces &#34;&#43;62&#34;.")
	form.Set("do", "down dev.rules 0")
	b.post(path, form).want(200).shows(`name="dev.rules[1].if.param" data-name="dev.rules[#].if.param" value="scope"`)
	form.Del("do")
	b.post(path, form).want(303)
	b.get(path).want(200).shows(htmlText(hostileTexts["markup"]), "{&#34;n&#34;: 12}", "^test$")

	b.post(path, form).want(409).shows("Somebody else saved this")
	form.Set("version", b.get(path).value("version"))
	form.Set("dev.rules[0].set.param", "")
	b.post(path, form).want(422).shows("dev.rules[0].set.param", "is missing")
	form = url.Values{"version": form["version"], "dev.rules_enabled": {"on"}}
	b.post(path, form).want(422).shows("add at least one development rule")
	form = url.Values{"version": form["version"], "dev.hold": {"on"}}
	b.post(path, form).want(303)
	b.get("/clients").shows("Holds")
}

var (
	fieldPattern = regexp.MustCompile(`<input[^>]*\sname="([^"]*)"[^>]*>`)
	valuePattern = regexp.MustCompile(`\svalue="([^"]*)"`)
	pathPattern  = regexp.MustCompile(`/settings/sessions/(\d+)/end`)
)

func unescape(match []string) string {
	if match == nil {
		return ""
	}
	return html.UnescapeString(match[1])
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
