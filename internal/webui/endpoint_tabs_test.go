package webui_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func init() {
	maps.Copy(matrix, map[string]access{
		"GET /endpoints/{id}/overrides":  {nobody: 303, shop: 404, bank: 404, viewer: 200, operator: 200, admin: 200, path: anEndpoint},
		"POST /endpoints/{id}/overrides": {nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: 409, path: anEndpoint},
		"GET /endpoints/{id}/clients":    {nobody: 303, shop: 404, bank: 404, viewer: 200, operator: 200, admin: 200, path: anEndpoint},
		"POST /endpoints/{id}/clients":   {nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: 303, path: anEndpoint, form: url.Values{"do": {"unlink"}, "client": {"shop"}}},
		"GET /endpoints/{id}/try":        {nobody: 303, shop: 404, bank: 404, viewer: 200, operator: 200, admin: 200, path: anEndpoint},
		"POST /endpoints/{id}/try":       {nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 303, admin: 303, path: anEndpoint, form: url.Values{"client": {"shop"}, "as": {"json"}, "payload": {`{"ref":"r","scope":"s"}`}}},
	})
}

// devForm is what a browser posts of the overrides of an endpoint.
func devForm(e endpointView, pairs ...string) url.Values {
	form := url.Values{"version": e.version(), "example": {`{"ref":"r-1","scope":"staging","phone":"+1555"}`}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return form
}

// rule gives the fields of a rule.
func rule(place int, param, matches, key, value string) []string {
	at := fmt.Sprintf("dev.rules[%d].", place)
	return []string{at + "active", "on", at + "if.param", param, at + "if.matches", matches, at + "set.param", key, at + "set.value", value, at + "as", "text"}
}

func TestOverridesAreSavedAndTried(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	rules := slices.Concat(rule(0, "scope", "^staging$", "phone", "+000"), rule(1, "none", "", "phone", "+111"), rule(2, "", "", "extra.deep", "new"), rule(3, "scope", "[", "phone", "x"))
	form := devForm(e, append(rules, "dev.enabled", "on", "dev.rules_enabled", "on")...)
	form.Set("do", "preview")
	page := b.part(http.MethodPost, e.own("overrides"), form, "rules-result").want(http.StatusOK).hides("<html")
	said := page.text()
	for _, want := range []string{
		`When scope matches ^staging$ set phone to "+000"`, `"+1555" → "+000"`, "When there is none set phone to", "Does not fire",
		`Always set extra.deep to "new"`, `nothing → "new"`, "is not a regular expression", "searched as plain text",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the trial does not say %q: %s", want, said)
		}
	}
	form.Del("do")
	b.post(e.own("overrides"), form).want(http.StatusSeeOther)
	dev := string(g.endpoint("sms").Dev)
	for _, want := range []string{`"enabled":true`, `"rules_enabled":true`, `"matches":"^staging$"`, `"value":"+000"`, `"set":{"param":"extra.deep","value":"new"}`} {
		if !strings.Contains(dev, want) {
			t.Errorf("stored %s, without %s", dev, want)
		}
	}
	g.post(shopToken, "sms", `{"ref":"r","scope":"staging","phone":"+62811","message":"m"}`)
	g.await(func() bool { return len(g.got()) == 1 })
	if got := g.got()[0].body; got != `{"text":"m","to":"+000"}` {
		t.Errorf("sent %s", got)
	}
	b.get(e.own("overrides")).shows("The rules work from now on.", `value="^staging$"`, "Dev: rules")
	b.get(e.own("rules")).shows("rules of development mode replace something in the example.")
	viewer := g.user("viewer").get(e.own("overrides")).want(http.StatusOK)
	viewer.shows(`value="^staging$"`).hides("What they do", "Add rule")
}

func TestEndpointWinsOverTheClient(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	g.manage(http.MethodPut, "/v1/config", "version: 1\nclients: [{name: shop, endpoints: [sms], dev: {rules_enabled: true, rules: [{set: {param: phone, value: client}}, {set: {param: note, value: kept}}]}}]\n", http.StatusOK)
	form := devForm(e, append(rule(0, "", "", "phone", "endpoint"), "sender", "shop", "do", "preview")...)
	said := b.post(e.own("overrides"), form).want(http.StatusOK).text()
	for _, want := range []string{"Together with the rules of shop", "rule of the client", "replaced below", `"client" → "endpoint"`, `+   "note": "kept"`, `+   "phone": "endpoint"`, "The rules are switched off."} {
		if !strings.Contains(said, want) {
			t.Errorf("the page does not say %q: %s", want, said)
		}
	}
}

func TestOverridesWithFaults(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	b.post(e.own("overrides"), devForm(e, "dev.enabled", "on")).want(http.StatusUnprocessableEntity).shows(`id="f-dev"`, "holding incoming tasks or activating development rules")
	b.post(e.own("overrides"), devForm(e, "dev.enabled", "on", "dev.rules_enabled", "on")).want(http.StatusUnprocessableEntity).shows(`id="f-dev.rules"`)
	page := b.post(e.own("overrides"), devForm(e, append(rule(0, "a", "", "", "v"), "dev.enabled", "on", "dev.hold", "on")...)).want(http.StatusUnprocessableEntity)
	page.shows(`id="f-dev.rules[0].set.param-error"`, "This rule is not finished yet.")
	for _, text := range hostileWords {
		form := devForm(e, append(rule(0, text, text, text, text), "dev.rules[0].as", "json")...)
		form.Set("dev.rules[0].as", "json")
		form.Set("example", text)
		form.Set("sender", text)
		page := b.post(e.own("overrides"), form).want(http.StatusUnprocessableEntity).hides("<img", "onerror=alert(1)>")
		if got := page.fields(e.own("overrides")); got.Get("dev.rules[0].set.value") != text || got.Get("example") != text {
			t.Errorf("%.40q was cut", text)
		}
	}
	form := devForm(e, "dev.enabled", "on", "dev.hold", "on")
	b.post(e.own("overrides"), form).want(http.StatusSeeOther)
	form.Del("dev.hold")
	b.post(e.own("overrides"), form).want(http.StatusConflict).shows("was changed in the meantime", "Save mine")
}

func TestOverridesWithoutScripts(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	form := devForm(e, append(rule(0, "a", "", "b", "c"), "do", "add dev.rules")...)
	page := b.post(e.own("overrides"), form).want(http.StatusOK)
	if got := page.fields(e.own("overrides")); got.Get("dev.rules[1].active") != "on" || got.Get("dev.rules[0].set.value") != "c" {
		t.Errorf("added %v", got)
	}
	form.Set("do", "example docs")
	b.post(e.own("overrides"), form).want(http.StatusOK).shows("order-1042")
}

func TestClientsOfAnEndpoint(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	b.get(e.own("clients")).want(http.StatusOK).shows("shop", "bank", "never seen").hides(shopToken)
	b.post(e.own("clients"), url.Values{"do": {"link"}, "client": {"bank"}}).want(http.StatusSeeOther)
	page := b.get(e.own("clients")).shows("bank may post to /api/sms.", "Every client that there is may post here.")
	b.post(e.own("clients"), undoOf(t, page)).want(http.StatusSeeOther)
	if got := g.endpoint("sms").Clients; !slices.Equal(got, []string{"shop"}) {
		t.Errorf("clients %v", got)
	}
	b.post(e.own("clients"), url.Values{"do": {"unlink"}, "client": {"shop"}}).want(http.StatusSeeOther)
	b.get(e.own("clients")).shows("shop may post to /api/sms no more.", "Nobody may post here yet", "Missing clients")
	b.post(e.own("clients"), url.Values{"do": {"link"}, "client": {"nobody <b>"}}).want(http.StatusSeeOther)
	b.get(e.own("clients")).shows("there is no client &#34;nobody &lt;b&gt;&#34;")
	for _, text := range hostileWords[:3] {
		made := b.post(e.own("clients"), url.Values{"do": {"create"}, "name": {text}, "description": {text}}).want(http.StatusOK)
		made.shows("shown this once", `value="dpy_`, htmlText(text)).hides("<img")
		b.get(e.own("clients")).hides("dpy_")
	}
	b.post(e.own("clients"), url.Values{"do": {"create"}, "name": {"shop"}, "description": {"kept"}}).want(http.StatusUnprocessableEntity).shows(`id="f-name-error"`, "kept</textarea>")
	g.user("viewer").get(e.own("clients")).want(http.StatusOK).hides("Take away", "Create and link")
}

func TestTryingAnEndpoint(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	page := b.get(e.own("try")).want(http.StatusOK).shows("In the name of", "curl", "Python", "PHP", "/api/sms", "DISPATCHAPY_TOKEN").hides(shopToken)
	form := page.fields(e.own("try"))
	if form.Get("message[0].name") != "ref" || form.Get("message[2].name") != "phone" || form.Get("message[2].value") != "+12025550142" {
		t.Errorf("the form begins with %v", form)
	}
	form.Set("message[2].value", "62811") // text stays text
	sent := b.post(e.own("try"), form).want(http.StatusSeeOther)
	g.await(func() bool { return len(g.got()) == 1 })
	if got := g.got()[0].body; got != `{"to":"62811"}` {
		t.Errorf("sent %s", got)
	}
	task := sent.header.Get("Location")
	b.get(task).want(http.StatusOK).shows("shop", "Sent by admin in the name of the client", "Open the task", `value="62811"`)
	audit := g.manage(http.MethodGet, "/v1/audit?by=admin&kind=endpoint", "", http.StatusOK)
	if !strings.Contains(audit, "sent a message as client shop") {
		t.Errorf("the audit log has %s", audit)
	}
	g.makeEndpoint(`{"path":"other"}`)
	other := g.endpoint("other")
	b.get(strings.ReplaceAll(task, e.own("try"), other.own("try"))).want(http.StatusNotFound)
	b.get(other.own("try")).shows("Nobody may post here yet")
	g.user("viewer").get(e.own("try")).want(http.StatusOK).shows("Your role does not send messages.", "curl")
}

// TestTryingInBothWays writes a message as JSON and field by field: nothing is
// lost on the way.
func TestTryingInBothWays(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	const message = `{"scope":"s","ref":"r","phone":"O'Neil \"x\" <b>","message":{"z":12345678901234567890,"a":[1.10]},"n":null,"lines":"a\nb"}`
	page := b.post(e.own("try"), url.Values{"client": {"shop"}, "as": {"json"}, "payload": {message}, "do": {"fields"}}).want(http.StatusOK)
	form := page.fields(e.own("try"))
	for name, want := range map[string]string{
		"message[0].name": "scope", "message[2].value": `O'Neil "x" <b>`, "message[3].value": `{"z":12345678901234567890,"a":[1.10]}`, "message[4].value": "null", "message[5].value": `"a\nb"`,
	} {
		if form.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, form.Get(name), want)
		}
	}
	form.Set("do", "json")
	back := b.post(e.own("try"), form).want(http.StatusOK).fields(e.own("try"))
	if got := strings.Join(strings.Fields(back.Get("payload")), ""); got != strings.Join(strings.Fields(message), "") {
		t.Errorf("it came back as %s", got)
	}
	bad := b.post(e.own("try"), url.Values{"client": {"shop"}, "as": {"json"}, "payload": {`{"ref":"r"`}, "do": {"fields"}}).want(http.StatusUnprocessableEntity)
	bad.shows(`id="f-payload-error"`, `{&#34;ref&#34;:&#34;r&#34;`)
	b.post(e.own("try"), url.Values{"client": {"shop"}, "as": {"json"}, "payload": {`{"ref":"r","scope":"s"}`}}).want(http.StatusUnprocessableEntity).shows("Missing required parameter", "phone")
	b.post(e.own("try"), url.Values{"client": {"bank"}, "as": {"json"}, "payload": {message}}).want(http.StatusUnprocessableEntity).shows(`id="f-client-error"`)
	form.Set("do", "")
	form.Set("message[3].value", `{"z"`)
	b.post(e.own("try"), form).want(http.StatusUnprocessableEntity).shows(`id="f-message[3].value-error"`)
	for _, text := range hostileWords {
		form.Set("message[3].value", `"7"`)
		form.Set("message[2].value", text)
		page := b.post(e.own("try"), form).want(http.StatusSeeOther)
		if got := b.get(page.header.Get("Location")).hides("<img").fields(e.own("try")); got.Get("message[2].value") != text {
			t.Errorf("%.40q came back as %.40q", text, got.Get("message[2].value"))
		}
	}
	b.post(e.own("active"), nil)
	b.post(e.own("try"), url.Values{"client": {"shop"}, "as": {"json"}, "payload": {message}}).want(http.StatusUnprocessableEntity).shows("Endpoint not found")
}
