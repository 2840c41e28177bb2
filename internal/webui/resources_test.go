package webui_test

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func init() {
	of := func(suffix string) func(g *gateway, pattern string) string {
		return func(g *gateway, _ string) string { return g.resource("primary") + suffix }
	}
	fresh := func(suffix string) func(g *gateway, pattern string) string {
		return func(g *gateway, _ string) string { return g.newResource() + suffix }
	}
	staff := func(path func(*gateway, string) string) access {
		return access{nobody: 303, shop: 404, bank: 404, viewer: 200, operator: 200, admin: 200, path: path}
	}
	admins := func(path func(*gateway, string) string, status int) access {
		return access{nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: status, path: path}
	}
	maps.Copy(matrix, map[string]access{
		"GET /resources":                 staff(nil),
		"GET /resources/{id}":            staff(of("")),
		"GET /resources/{id}/delivery":   staff(of("/delivery")),
		"GET /resources/{id}/used-by":    staff(of("/used-by")),
		"POST /resources/{id}/check":     {nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 303, admin: 303, path: fresh("/check")},
		"POST /resources/{id}/active":    admins(fresh("/active"), 303),
		"POST /resources/{id}/duplicate": admins(fresh("/duplicate"), 303),
		"GET /resources/{id}/delete":     admins(of("/delete"), 200),
		"POST /resources/{id}/delete":    admins(fresh("/delete"), 409),
	})
}

// resource gives the path of a resource's page.
func (g *gateway) resource(name string) string {
	g.t.Helper()
	return fmt.Sprintf("/resources/%d", int64(g.listed("/v1/resources?limit=200", "name", name)["id"].(float64)))
}

// newResource makes a resource that nobody else knows.
func (g *gateway) newResource() string {
	g.t.Helper()
	g.made++
	name := fmt.Sprintf("fresh-%d", g.made)
	g.manage(http.MethodPost, "/v1/resources", fmt.Sprintf(`{"name":%q,"url":%q}`, name, g.sink.URL+"/fresh"), http.StatusCreated)
	return g.resource(name)
}

// untilDown waits for the first check of a resource to fail.
func (g *gateway) untilDown(path string) {
	g.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !strings.Contains(g.manage(http.MethodGet, "/v1"+path, "", http.StatusOK), `"state":"down"`) {
		if time.Now().After(deadline) {
			g.t.Fatal("it does not go down")
		}
	}
}

// toast gives what the browser is told on the next page.
func (b *browser) toast() string {
	b.g.t.Helper()
	_, rest, _ := strings.Cut(b.get("/nowhere").body, `<div class="toast `)
	_, rest, _ = strings.Cut(rest, `<span class="grow">`)
	text, _, _ := strings.Cut(rest, "</span>")
	return html.UnescapeString(text)
}

func TestResourcesAreListedFailingOnesFirst(t *testing.T) {
	g := start(t)
	b := g.admin()
	g.manage(http.MethodPost, "/v1/resources", `{"name":"zebra","url":"http://127.0.0.1:1/x","health_check":{"enabled":true,"interval":{"min":"1h","max":"2h"}}}`, http.StatusCreated)
	g.manage(http.MethodPost, "/v1/resources", `{"name":"alpha-off","url":"http://127.0.0.1:1/x","active":false}`, http.StatusCreated)
	zebra := g.resource("zebra")
	g.untilDown(zebra)
	page := b.get("/resources").want(200)
	order := []string{">zebra</a>", ">backup</a>", ">primary</a>", ">alpha-off</a>"}
	at := -1
	for _, text := range order {
		next := strings.Index(page.body, text)
		if next <= at {
			t.Errorf("%s is not where it should be", text)
		}
		at = next
	}
	page.shows("Down", "Switched off", "127.0.0.1:1", "2 endpoints").hides("hush-header")
	b.get("/resources?state=trouble").want(200).shows(">zebra</a>").hides(">primary</a>")
	b.get("/resources?state=off").want(200).shows(">alpha-off</a>").hides(">zebra</a>")
	b.get("/resources?q=PRIM").want(200).shows(">primary</a>").hides(">backup</a>")
	b.get("/resources?q=nothing+is+like+this").want(200).shows("None of the resources is like that")
	b.get("/resources?page=99&state=bogus").want(200).shows(">primary</a>")
	b.get(zebra).want(200).shows("Down: it gets no messages", "refused")
}

func TestManyResourcesHavePages(t *testing.T) {
	g := start(t)
	var file strings.Builder
	file.WriteString("version: 1\nresources:\n")
	for i := range 65 {
		fmt.Fprintf(&file, "  - {name: r-%02d, url: \"http://127.0.0.1:1/x\"}\n", i)
	}
	g.manage(http.MethodPut, "/v1/config", file.String(), http.StatusOK)
	b := g.admin()
	b.get("/resources").want(200).shows("Page 1 of 3", `href="/resources?page=2"`).hides("Before</a>")
	b.get("/resources?page=3&q=r-").want(200).shows("Page 3 of 3", ">r-64</a>", `href="/resources?page=2&amp;q=r-"`)
}

func TestCheckNowTellsWhatCameOfIt(t *testing.T) {
	g := start(t)
	b := g.admin()
	path := g.newResource()
	b.get(path).want(200).shows("A check connects to", "and sends nothing", "By itself it is not checked")
	if to := b.post(path+"/check", url.Values{"back": {"/resources"}}).want(303).header.Get("Location"); to != "/resources" {
		t.Errorf("it leads to %s", to)
	}
	if got := b.toast(); !strings.Contains(got, "works: connected to") {
		t.Errorf("it says %q", got)
	}
	b.get(path).want(200).shows("Succeeded", "admin</td>")
	b.get(path + "?checks=failed").want(200).shows("No checks here")
	b.get(path + "?checks=manual").want(200).shows("Succeeded")
	b.get(path + "?before=x").want(422)
	b.post(path+"/check", url.Values{"back": {"https://evil.example/"}}).want(303)
	if to := b.post("/resources/4711/check", nil); to.status != 404 {
		t.Errorf("a check of nothing: %d", to.status)
	}
}

func TestResourceIsSwitchedAndBack(t *testing.T) {
	g := start(t)
	b := g.admin()
	path := g.resource("primary")
	b.post(path+"/active", url.Values{"on": {""}, "back": {"/resources"}}).want(303)
	page := b.get("/resources").want(200).shows("primary is switched off: it gets no messages.", `action="`+path+`/active"`, "data-undo")
	page.shows(`<input type="hidden" name="on" value="on">`)
	b.get(path).want(200).shows("Switched off: it gets no messages and is not checked.")
	b.post(path+"/active", url.Values{"on": {"on"}, "back": {"/resources"}}).want(303)
	if got := b.toast(); got != "primary is switched on." {
		t.Errorf("it says %q", got)
	}
	script := http.Header{"Hx-Request": {"true"}, "Hx-Target": {"resources"}}
	form := url.Values{"csrf": {b.csrf()}, "back": {"/resources?q=prim"}}
	got := b.do(http.MethodPost, path+"/active", "application/x-www-form-urlencoded", form.Encode(), script).want(200)
	if !strings.HasPrefix(got.body, `<div id="resources"`) || !strings.Contains(got.header.Get("Hx-Trigger"), "is switched off") {
		t.Errorf("a script gets %v %.200s", got.header, got.body)
	}
	got.hides(">backup</a>")
}

func TestResourceIsDuplicated(t *testing.T) {
	g := start(t)
	b := g.admin()
	to := b.post(g.resource("primary")+"/duplicate", nil).want(303).header.Get("Location")
	if want := g.resource("primary copy") + "/configuration"; to != want {
		t.Errorf("it leads to %s, want %s", to, want)
	}
	copied := g.listed("/v1/resources?limit=200", "name", "primary copy")
	if copied["active"] != false {
		t.Errorf("the copy is %v", copied)
	}
}

func TestDeletingAResourceNamesItsImpact(t *testing.T) {
	g := start(t)
	b := g.admin()
	path := g.resource("backup")
	page := b.get(path+"/delete").want(200).shows("2 endpoints lose this resource.", "mail", "1 endpoint has no other resource", "/api/sms")
	b.get(path+"/used-by").want(200).shows("/api/sms", "2 of 2", "1 of 1", "It has no other resource.")
	version := page.value("version")

	// Somebody else changes an endpoint that uses it.
	g.manage(http.MethodPut, "/v1/config", "version: 1\nendpoints: [{path: third, resources: [backup]}]", http.StatusOK)
	again := b.post(path+"/delete", url.Values{"version": {version}}).want(409).shows("Something that this concerns was changed meanwhile", "3 endpoints lose this resource.")
	b.post(path+"/delete", url.Values{}).want(409)
	b.post(path+"/delete", url.Values{"version": {again.value("version")}}).want(303)
	if got := b.toast(); got != "backup is deleted." {
		t.Errorf("it says %q", got)
	}
	b.get(path).want(404)
}

func TestDeliveryShowsWhatWasSent(t *testing.T) {
	g := start(t)
	b := g.admin()
	g.post(shopToken, "sms", `{"ref":"inv-1","scope":"test","phone":"+1","message":"hi"}`)
	b.get(g.resource("primary")+"/delivery").want(200).shows("Requests per hour", "no limit of its own", "closed", "15s").hides("hush-header")
	b.get(g.resource("primary") + "/delivery?span=7d").want(200)

	// What failed here and was delivered elsewhere stands there, too.
	g.manage(http.MethodPut, "/v1/config", `{"version":1,"resources":[{"name":"primary","url":"http://127.0.0.1:1/x","required_params":["to"]}]}`, http.StatusOK)
	id := g.post(shopToken, "sms", `{"ref":"inv-2","scope":"test","phone":"+1","message":"hi"}`)
	link := fmt.Sprintf(`href="/tasks/%d?attempt=1">inv-2</a>`, id)
	for deadline := time.Now().Add(20 * time.Second); ; {
		page := b.get(g.resource("primary") + "/delivery").want(200)
		if strings.Contains(page.body, link) {
			page.shows("connection refused", "attempt 1", "Failed")
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the failed attempt does not come: %.2000s", page.body)
		}
	}
}

// TestHostileNamesOfResourcesAreText shows resources with names of the kind
// that breaks pages, and answers of providers of that kind.
func TestHostileNamesOfResourcesAreText(t *testing.T) {
	g := start(t)
	b := g.admin()
	g.says.Store(`{"error":"<script>alert(1)</script> ` + strings.Repeat("x", 3000) + `"}`)
	for _, text := range hostileTexts {
		body := fmt.Sprintf(`{"name":%s,"url":%s,"headers":{"X":"h\"u<s>h"},"health_check":{"method":"actual"}}`, quoted(text), quoted(g.sink.URL+"/x?q=<b>\"'"))
		g.manage(http.MethodPost, "/v1/resources", body, http.StatusCreated)
		path := g.resource(text)
		b.post(path+"/check", nil).want(303)
		for _, page := range []string{"/resources", path, path + "/delivery", path + "/used-by", path + "/delete"} {
			got := b.get(page).want(200).hides("<img", "<script>alert", "<b>", "h\"u<s>h")
			if !strings.Contains(html.UnescapeString(got.body), text) {
				t.Errorf("%s cuts %q", page, text)
			}
		}
	}
}

// quoted writes a text as JSON.
func quoted(text string) string {
	out, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(out)
}

// TestListOfResourcesIsLight counts what a browser has to build for a page of
// resources, however many checks they had.
func TestListOfResourcesIsLight(t *testing.T) {
	g := start(t)
	var file strings.Builder
	file.WriteString("version: 1\nresources:\n")
	for i := range rowsPerPage {
		fmt.Fprintf(&file, "  - {name: r-%02d, url: \"%s/x\"}\n", i, g.sink.URL)
	}
	g.manage(http.MethodPut, "/v1/config?prune=true", file.String(), http.StatusOK)
	b := g.admin()
	for range 3 {
		for i := range rowsPerPage {
			g.manage(http.MethodPost, "/v1"+g.resource(fmt.Sprintf("r-%02d", i))+"/check", "", http.StatusOK)
		}
	}
	page := b.get("/resources").want(200).shows(">r-29</a>")
	if n := strings.Count(page.body, "<") - strings.Count(page.body, "</"); n > 1500 {
		t.Errorf("the page has %d elements", n)
	}
}

const rowsPerPage = 30
