package webui_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func init() {
	maps.Copy(matrix, map[string]access{
		"GET /endpoints":                 {nobody: 303, shop: 404, bank: 404, viewer: 200, operator: 200, admin: 200},
		"GET /endpoints/new":             {nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: 200},
		"POST /endpoints/new":            {nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: 303, form: url.Values{"path": {"fresh"}}},
		"GET /endpoints/{id}":            {nobody: 303, shop: 404, bank: 404, viewer: 200, operator: 200, admin: 200, path: anEndpoint},
		"POST /endpoints/{id}":           {nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: 409, path: anEndpoint, form: url.Values{"path": {"x"}}},
		"POST /endpoints/{id}/order":     {nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: 409, path: anEndpoint},
		"POST /endpoints/{id}/active":    {nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: 303, path: anEndpoint},
		"POST /endpoints/{id}/duplicate": {nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: 303, path: anEndpoint},
		"GET /endpoints/{id}/delete":     {nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: 200, path: anEndpoint},
		"POST /endpoints/{id}/delete":    {nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: 422, path: anEndpoint},
	})
}

// anEndpoint gives the path of a page of a new endpoint of the client shop.
func anEndpoint(g *gateway, pattern string) string {
	g.made++
	id := g.makeEndpoint(fmt.Sprintf(`{"path":"made-%d","clients":["shop"],"resources":["backup"]}`, g.made))
	_, path, _ := strings.Cut(pattern, " ")
	return strings.ReplaceAll(path, "{id}", strconv.FormatInt(id, 10))
}

// endpointView is an endpoint as the management API shows it.
type endpointView struct {
	ID             int64
	Version        int64
	Path           string
	Description    string
	Active         bool
	RequiredParams []string `json:"required_params"`
	MaxBody        int64    `json:"max_body"`
	Resources      []string
	Clients        []string
	Mapping        map[string]map[string]json.RawMessage
	Retry          map[string]any
	Dev            json.RawMessage
}

func (g *gateway) makeEndpoint(body string) int64 {
	g.t.Helper()
	var made endpointView
	g.decode(g.manage(http.MethodPost, "/v1/endpoints", body, http.StatusCreated), &made)
	return made.ID
}

func (g *gateway) decode(text string, into any) {
	g.t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		g.t.Fatalf("%v: %s", err, text)
	}
}

// endpoint gives an endpoint by its path.
func (g *gateway) endpoint(path string) endpointView {
	g.t.Helper()
	var all struct{ Items []endpointView }
	g.decode(g.manage(http.MethodGet, "/v1/endpoints", "", http.StatusOK), &all)
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

func (e endpointView) version() []string { return []string{strconv.FormatInt(e.Version, 10)} }

// hostileWords break what is careless with them.
var hostileWords = []string{
	`O'Neil "x" <img src=x onerror=alert(1)>`, "مرحبا \u202eabc", "😀 𝕏", strings.Repeat("long ", 2000), `{{.}} ${x} \"`,
}

func TestEndpointsAreListed(t *testing.T) {
	g := start(t)
	b := g.admin()
	page := b.get("/endpoints").want(http.StatusOK)
	page.shows("/api/sms", "/api/mail", "primary", "Ready", "shop", "New endpoint", `aria-checked="true"`)
	g.makeEndpoint(`{"path":"empty","active":false}`)
	g.makeEndpoint(`{"path":"unlinked","resources":["primary"]}`)
	g.makeEndpoint(`{"path":"half","resources":["backup","primary"],"clients":["shop"],"dev":{"enabled":true,"hold":true}}`)
	b.get("/endpoints").shows("Missing clients", "Rules incomplete for &#39;primary&#39;", "Switched off", "Dev: hold")
	b.get("/endpoints?q=unl").shows("unlinked").hides("/api/sms")
	b.get("/endpoints?q=nothing+<b>").shows("No path has “nothing &lt;b&gt;” in it")
	b.get("/endpoints?cursor=%25").want(http.StatusUnprocessableEntity)
	g.user("viewer").get("/endpoints").shows("/api/sms").hides("New endpoint", "Duplicate")
}

func TestEndpointsNeedAResource(t *testing.T) {
	g := start(t)
	g.manage(http.MethodPut, "/v1/config?prune=true", "version: 1\nclients: [{name: shop, token: "+shopToken+"}]\n", http.StatusOK)
	b := g.admin()
	b.get("/endpoints").shows(`aria-disabled="true"`, "there is none yet", "/resources/new", "No endpoints yet")
	b.get("/endpoints/new").shows("It needs a resource to send to.", "/setup")
}

func TestManyEndpointsArePaged(t *testing.T) {
	g := start(t)
	var file strings.Builder
	file.WriteString("version: 1\nendpoints:\n")
	for i := range 120 {
		fmt.Fprintf(&file, "  - {path: many-%03d, resources: [backup]}\n", i)
	}
	g.manage(http.MethodPut, "/v1/config", file.String(), http.StatusOK)
	b := g.admin()
	seen := 0
	for path := "/endpoints?q=many"; path != ""; {
		page := b.get(path).want(http.StatusOK)
		seen += strings.Count(page.body, `id="endpoint-`)
		path = ""
		if before, _, more := strings.Cut(page.body, ">Next<"); more {
			link := before[strings.LastIndex(before, `href="`)+len(`href="`):]
			path, _, _ = strings.Cut(plain(link), `"`)
		}
	}
	if seen != 120 {
		t.Errorf("%d of 120 endpoints on all pages", seen)
	}
}

func TestNewEndpoint(t *testing.T) {
	g := start(t)
	b := g.admin()
	b.get("/endpoints/new").want(http.StatusOK).shows("primary", "backup", "Save and go to the mapping").hides(" checked")
	form := url.Values{
		"path": {"/send alert/"}, "description": {"Say <b>so</b>"}, "required_params": {"phone\r\n message \r\nphone\r\n"}, "max_body": {"2 MB"},
		"order": {"primary", "backup"}, "use": {"backup", "primary"}, "retry.max_attempts": {"9"}, "retry.base": {"5"}, "retry.jitter": {"0,5"},
	}
	made := b.post("/endpoints/new", form).want(http.StatusSeeOther)
	e := g.endpoint("send_alert")
	if made.header.Get("Location") != e.own("rules") {
		t.Errorf("leads to %s", made.header.Get("Location"))
	}
	if !slices.Equal(e.RequiredParams, []string{"ref", "scope", "phone", "message"}) || !slices.Equal(e.Resources, []string{"primary", "backup"}) || e.MaxBody != 2<<20 || !e.Active {
		t.Errorf("made %+v", e)
	}
	if e.Retry["max_attempts"] != 9.0 || e.Retry["base"] != "5s" || e.Retry["jitter"] != 0.5 || e.Retry["cap"] != nil {
		t.Errorf("retries %v", e.Retry)
	}
	b.get(e.own("")).shows(`value="send_alert"`, "phone\nmessage", `value="2 MB"`, `value="5s"`, `<details class="fold" open>`)
}

// TestNewEndpointKeepsWhatWasWritten gives wrong input: everything comes back,
// with the message at its field.
func TestNewEndpointKeepsWhatWasWritten(t *testing.T) {
	g := start(t)
	b := g.admin()
	for _, text := range hostileWords {
		form := url.Values{
			"path": {text}, "description": {text}, "required_params": {text}, "max_body": {text}, "example": {text}, "retry.base": {text}, "retry.factor": {text},
			"retry.max_attempts": {text}, "order": {"primary", text}, "use": {text},
		}
		page := b.post("/endpoints/new", form).want(http.StatusUnprocessableEntity)
		page.shows(`id="f-max_body-error"`, `id="f-retry.base-error"`, "must be a size", "must be a number, like 0.2").hides("<img", "onerror=alert(1)>")
		if want := htmlText(strings.TrimSpace(text)); strings.Count(page.body, want) < 5 {
			t.Errorf("%.60q was cut: it is there %d times", text, strings.Count(page.body, want))
		}
	}
	page := b.post("/endpoints/new", url.Values{"path": {"sms"}, "description": {"again"}, "order": {"backup", "primary"}, "use": {"backup"}}).want(http.StatusUnprocessableEntity)
	page.shows("there is another endpoint", `id="f-path-error"`, "again</textarea>", `name="use" value="backup" checked`)
	b.post("/endpoints/new", url.Values{"path": {"a b/../c"}}).want(http.StatusUnprocessableEntity).shows(`id="f-path-error"`)
}

// TestNewEndpointWithoutScripts fills in from an example and moves resources by
// buttons.
func TestNewEndpointWithoutScripts(t *testing.T) {
	b := start(t).admin()
	page := b.post("/endpoints/new", url.Values{"do": {"fill"}, "path": {"x"}, "required_params": {"zeta"}, "example": {`{"scope":"s","10":1,"message":{"b":12345678901234567890},"2":0,"zeta":1}`}})
	page.want(http.StatusOK).shows("zeta\n10\nmessage\n2</textarea>", `value="x"`)
	b.post("/endpoints/new", url.Values{"do": {"fill"}, "example": {`[1`}}).want(http.StatusUnprocessableEntity).shows(`id="f-example-error"`, "[1")
	page = b.post("/endpoints/new", url.Values{"do": {"up 2"}, "order": {"backup", "primary"}, "use": {"primary"}}).want(http.StatusOK)
	if strings.Index(page.body, `name="order" value="primary"`) > strings.Index(page.body, `name="order" value="backup"`) {
		t.Error("primary was not moved up")
	}
	page.shows(`name="use" value="primary" checked`)
}

func TestRouteIsSaved(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	form := url.Values{"version": e.version(), "path": {"text"}, "description": {"Texts\r\nto people"}, "required_params": {"phone"}, "max_body": {""}, "retry.max_age": {"2h"}}
	b.post(e.own(""), form).want(http.StatusSeeOther)
	after := g.endpoint("text")
	if after.ID != e.ID || after.Description != "Texts\nto people" || after.Retry["max_age"] != "2h" || !slices.Equal(after.Clients, []string{"shop"}) || len(after.Mapping["primary"]) != 2 {
		t.Errorf("saved %+v", after)
	}
	// The other editor has the page as it was.
	form.Set("path", "mine")
	clash := b.post(e.own(""), form).want(http.StatusConflict)
	clash.shows("was changed in the meantime", "Save mine", `value="mine"`, "&#34;path&#34;: &#34;text&#34;")
	form["version"] = after.version()
	b.post(e.own(""), form).want(http.StatusSeeOther)
	g.endpoint("mine")
	form["version"] = []string{"x"}
	b.post(e.own(""), form).want(http.StatusConflict)
}

func TestOrderIsChangedAtOnceAndTakenBack(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	mapping := fmt.Sprint(e.Mapping)
	order := func(do string, resources ...string) endpointView {
		t.Helper()
		now := g.endpoint("sms")
		b.post(e.own("order"), url.Values{"version": now.version(), "resources": resources, "do": {do}}).want(http.StatusSeeOther)
		return g.endpoint("sms")
	}
	if got := order("up 2", "primary", "backup"); !slices.Equal(got.Resources, []string{"backup", "primary"}) {
		t.Errorf("after up: %v", got.Resources)
	}
	if got := order("down 1", "backup", "primary"); !slices.Equal(got.Resources, []string{"primary", "backup"}) {
		t.Errorf("after down: %v", got.Resources)
	}
	if got := order("up 1", "primary", "backup"); !slices.Equal(got.Resources, []string{"primary", "backup"}) {
		t.Errorf("up at the top: %v", got.Resources)
	}
	gone := order("unuse 1", "primary", "backup")
	if !slices.Equal(gone.Resources, []string{"backup"}) || len(gone.Mapping) != 0 {
		t.Errorf("after taking one out: %+v", gone)
	}
	page := b.get(e.own(""))
	page.shows("primary is not used any more.", `name="mapping.primary"`, `data-undo`)
	b.post(e.own("order"), undoOf(t, page)).want(http.StatusSeeOther)
	if back := g.endpoint("sms"); !slices.Equal(back.Resources, []string{"primary", "backup"}) || fmt.Sprint(back.Mapping) != mapping {
		t.Errorf("taken back: %+v", back)
	}
	order("unuse 1", "primary", "backup")
	if got := order("use primary", "backup"); !slices.Equal(got.Resources, []string{"backup", "primary"}) {
		t.Errorf("after use: %v", got.Resources)
	}
	b.post(e.own("order"), url.Values{"version": e.version(), "resources": {"primary"}}).want(http.StatusSeeOther)
	b.get(e.own("")).shows("was changed in the meantime", "toast fail")
	b.post(e.own("order"), url.Values{"version": g.endpoint("sms").version(), "resources": {"nobody"}}).want(http.StatusSeeOther)
	b.get(e.own("")).shows("there is no resource")
}

// undoOf reads the form that takes the last action back.
func undoOf(t *testing.T, page *answer) url.Values {
	t.Helper()
	_, toast, found := strings.Cut(page.body, `class="toast`)
	if !found {
		t.Fatalf("there is no toast: %.3000s", page.body)
	}
	toast, _, _ = strings.Cut(toast, "</form>")
	form := url.Values{}
	for part := range strings.SplitSeq(toast, `<input type="hidden" name="`) {
		name, rest, ok := strings.Cut(part, `" value="`)
		value, _, _ := strings.Cut(rest, `">`)
		if ok && name != "csrf" {
			form.Add(plain(name), plain(value))
		}
	}
	return form
}

// plain reverses htmlText.
func plain(s string) string {
	return strings.NewReplacer("&#39;", "'", "&#34;", `"`, "&lt;", "<", "&gt;", ">", "&#43;", "+", "&amp;", "&").Replace(s)
}

func TestSwitchingAnEndpoint(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	b.post(e.own("active"), url.Values{"back": {"/endpoints?q=sms"}}).want(http.StatusSeeOther)
	if g.endpoint("sms").Active {
		t.Error("it is still on")
	}
	page := b.get("/endpoints?q=sms").shows("is switched off", "Switched off")
	b.post(e.own("active"), undoOf(t, page)).want(http.StatusSeeOther)
	if !g.endpoint("sms").Active {
		t.Error("it was not switched on again")
	}
	// A script gets the page and the toast in one answer.
	got := b.do(http.MethodPost, e.own("active"), "application/x-www-form-urlencoded", "back=/endpoints&csrf="+b.csrf(), http.Header{"Hx-Request": {"true"}, "Hx-Target": {"main"}})
	got.want(http.StatusOK).shows("Switched off", `id="endpoints"`)
	if trigger := got.header.Get("HX-Trigger"); !strings.Contains(trigger, `"undo":{"action":"/endpoints/`) {
		t.Errorf("HX-Trigger %s", trigger)
	}
}

func TestWhatIfOneIsDown(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	b.get(e.own("")).shows("takes the messages now", "What if one is down?")
	b.get(e.own("") + "?whatif=1").shows("primary would take the messages.")
	b.get(e.own("")+"?down=primary").shows("backup would take the messages.", "Bring it up")
	b.get(e.own("") + "?down=primary&down=backup").shows("Nobody could take them")
	part := b.do(http.MethodGet, e.own("")+"?down=primary", "", "", http.Header{"Hx-Request": {"true"}, "Hx-Target": {"failover"}})
	part.want(http.StatusOK).shows("backup would take the messages.").hides("<html")
}

// TestWhoTakesOverIsWhoDoes compares the answer to "what if" with a message
// that is sent when it is so.
func TestWhoTakesOverIsWhoDoes(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	b.get(e.own("") + "?down=primary").shows("backup would take the messages.")
	b.post(strings.TrimSuffix(g.resource("primary"), "/")+"/active", nil).want(http.StatusSeeOther)
	g.post(shopToken, "sms", `{"ref":"r","scope":"s","phone":"1","message":"m"}`)
	g.await(func() bool { return len(g.got()) == 1 })
	if got := g.got()[0].path; got != "/backup" {
		t.Errorf("%s got it", got)
	}
	b.get(e.own("")).shows("Degraded")
}

func TestDuplicateOpensTheCopy(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	made := b.post(e.own("duplicate"), nil).want(http.StatusSeeOther)
	copied := g.endpoint("sms-copy")
	if made.header.Get("Location") != copied.own("") || len(copied.Mapping["primary"]) != 2 {
		t.Errorf("leads to %s, %+v", made.header.Get("Location"), copied)
	}
}

func TestDeletingAnEndpointNamesTheImpact(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	page := b.get(e.own("delete")).want(http.StatusOK).shows("1 client loses it: shop", "gone for good")
	version := page.body[strings.Index(page.body, `name="version" value="`)+len(`name="version" value="`):]
	version = version[:strings.IndexByte(version, '"')]
	// Somebody links another client in the meantime.
	g.manage(http.MethodPut, "/v1/config", "version: 1\nclients: [{name: bank, endpoints: [sms, mail]}]\n", http.StatusOK)
	page = b.post(e.own("delete"), url.Values{"version": {version}}).want(http.StatusConflict).shows("has changed in the meantime", "bank, shop")
	version = page.body[strings.Index(page.body, `name="version" value="`)+len(`name="version" value="`):]
	b.post(e.own("delete"), url.Values{"version": {version[:strings.IndexByte(version, '"')]}}).want(http.StatusSeeOther)
	b.get("/endpoints").shows("/api/sms is deleted.")
	b.get(e.own("")).want(http.StatusNotFound)
	b.get("/endpoints/0").want(http.StatusNotFound)
	b.get("/endpoints/x").want(http.StatusNotFound)
}

// TestManyEndpointsStayLight measures the list and the pages of an endpoint
// where there is much of everything.
func TestManyEndpointsStayLight(t *testing.T) {
	g := start(t)
	var file strings.Builder
	file.WriteString("version: 1\nresources:\n")
	for i := range 30 {
		fmt.Fprintf(&file, "  - {name: Provider number %d, url: 'http://127.0.0.1:9/%d', required_params: [to, text, id]}\n", i, i)
	}
	file.WriteString("endpoints:\n")
	for i := range 20 {
		fmt.Fprintf(&file, "  - {path: many/%d, required_params: [phone, message], resources: [Provider number %d, Provider number %d, Provider number %d], mapping: {Provider number %d: {to: {from: phone}, text: {template: '{{message}}'}, id: {uuid: true}}}}\n", i, i, i+5, i+10, i)
	}
	file.WriteString("clients:\n")
	for i := range 50 {
		fmt.Fprintf(&file, "  - {name: Application %d, token: dpy_many-%d-0123456789, endpoints: [many/%d, many/%d]}\n", i, i, i%20, (i+7)%20)
	}
	g.manage(http.MethodPut, "/v1/config", file.String(), http.StatusOK)
	b := g.admin()
	e := g.endpoint("many/3")
	for _, path := range []string{"/endpoints", "/endpoints/new", e.own(""), e.own("rules"), e.own("overrides"), e.own("clients"), e.own("try")} {
		page := b.get(path).want(http.StatusOK)
		began := time.Now()
		b.get(path)
		took := time.Since(began)
		elements, size := strings.Count(page.body, "<")-strings.Count(page.body, "</"), zippedSize(t, page.body)
		t.Logf("%s: %d elements, %d bytes compressed, %s", path, elements, size, took)
		if elements > 1500 || size > 15<<10 {
			t.Errorf("%s has %d elements and %d bytes", path, elements, size)
		}
	}
}
