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
	"time"
)

func init() {
	admins := func(status int) access {
		return access{nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: status}
	}
	sent := admins(200)
	sent.path = func(g *gateway, _ string) string {
		return fmt.Sprintf("/setup/sent?task=%d", g.post(shopToken, "sms", `{"ref":"a","scope":"b","phone":"1"}`))
	}
	maps.Copy(matrix, map[string]access{
		"GET /setup": admins(200), "POST /setup": admins(422), "POST /setup/skip": admins(303), "GET /setup/sent": sent, "POST /setup/sent": admins(404),
	})
}

// empty makes a gateway with nothing in it.
func empty(t *testing.T) *gateway {
	t.Helper()
	g := start(t)
	g.manage(http.MethodPut, "/v1/config?prune=true", "version: 1\n", http.StatusOK)
	return g
}

// delivered waits until a task has reached its end.
func (g *gateway) ended(path string, b *browser) *answer {
	g.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		page := b.get(path).want(200)
		if !strings.Contains(page.body, "hx-trigger") {
			return page
		}
		if time.Now().After(deadline) {
			g.t.Fatalf("it does not end: %.3000s", page.body)
		}
	}
}

// TestSetupWithTheEcho goes from nothing to a delivered message, without a
// script: choose the echo, look, create.
func TestSetupWithTheEcho(t *testing.T) {
	g := empty(t)
	b := g.admin()
	if to := b.get("/").want(303).header.Get("Location"); to != "/setup" {
		t.Fatalf("the empty overview leads to %s", to)
	}
	form := b.get("/setup").want(200).fields("/setup")
	form.Set("to", "echo")
	form.Set("do", "preview")
	page := b.post("/setup", form).want(200).shows("/echo", "&#34;to&#34;: &#34;&#43;15550123&#34;", "&#34;text&#34;: &#34;Disk at 91 %&#34;", `value="send_sms"`, `value="my-app"`)
	if n := g.manage(http.MethodGet, "/v1/resources", "", 200); strings.Contains(n, `"name"`) {
		t.Errorf("something was stored: %s", n)
	}
	form = page.fields("/setup")
	done := b.post("/setup", form).want(200).shows("It is set up", "/api/send_sms", "curl -X POST", "X-API-Token: dpy_")
	token := shownToken.FindStringSubmatch(done.body)
	if token == nil {
		t.Fatal("no token is shown")
	}
	if strings.Count(done.body, token[1]) != 2 {
		t.Errorf("the token stands there %d times", strings.Count(done.body, token[1]))
	}
	path := regexp.MustCompile(`data-live-url="(/setup[^"]+)"`).FindStringSubmatch(done.body)
	last := g.ended(html.UnescapeString(path[1]), b).shows("Delivered", "Echo").hides(token[1], "X-API-Token")
	g.post(token[1], "send_sms", `{"ref":"b","scope":"s","phone":"1","message":"m"}`)
	b.get("/").want(200)

	// Once more, from that page.
	again := last.fields("/setup/sent")
	to := b.post("/setup/sent", again).want(303).header.Get("Location")
	g.ended(to, b).shows("Delivered")
}

// TestSetupWithAProvider pastes an example; the provider gets what was shown.
func TestSetupWithAProvider(t *testing.T) {
	g := empty(t)
	b := g.admin()
	form := b.get("/setup").fields("/setup")
	form.Set("paste", `curl -X PUT `+g.sink.URL+`/v1/messages -H 'X-Api-Key: hush-"key"' -d '{"from":"ACME","recipient":{"phone":"+1"},"body":"hi","request_id":"x"}'`)
	form.Set("do", "preview")
	page := b.post("/setup", form).want(200).shows("PUT "+g.sink.URL+"/v1/messages", "X-Api-Key: [redacted]", "new for every task")
	form = page.fields("/setup")
	for i, want := range []string{"from|value|ACME", "recipient.phone|from|phone", "body|from|message", "request_id|uuid|"} {
		row := fmt.Sprintf("map[%d]", i)
		if got := form.Get(row+".key") + "|" + form.Get(row+".kind") + "|" + form.Get(row+".value"); got != want {
			t.Errorf("row %d is %s, want %s", i, got, want)
		}
	}

	// What somebody writes stays, while the rest follows the example.
	form.Set("map[2].kind", "template")
	form.Set("map[2].value", "{{text}} ({{ref}})")
	form.Set("path", "mine")
	form.Set("example", `{"ref":"r-1","scope":"s","mobile":"+1777","text":"Disk"}`)
	form.Set("do", "preview")
	page = b.post("/setup", form).want(200).shows("Disk (r-1)", "&#43;1777")
	form = page.fields("/setup")
	if form.Get("map[1].value") != "mobile" || form.Get("map[2].value") != "{{text}} ({{ref}})" || form.Get("path") != "mine" {
		t.Errorf("the form is %v", form)
	}
	shown := regexp.MustCompile(`(?s)aria-label="Will be sent">(.*?)</pre>`).FindStringSubmatch(page.body)
	form.Del("do")
	b.post("/setup", form).want(200).shows("It is set up").hides(`hush-`)
	g.await(func() bool { return len(g.got()) > 0 })
	got := g.got()[0]
	if got.method != "PUT" || got.path != "/v1/messages" || got.header.Get("X-Api-Key") != `hush-"key"` {
		t.Errorf("the provider got %+v", got)
	}
	var sent, preview map[string]any
	if err := json.Unmarshal([]byte(got.body), &sent); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(shown[1])), &preview); err != nil {
		t.Fatal(err)
	}
	delete(sent, "request_id")
	delete(preview, "request_id")
	if fmt.Sprint(sent) != fmt.Sprint(preview) || sent["from"] != "ACME" {
		t.Errorf("sent is %v, shown was %v", sent, preview)
	}
}

// TestSetupIsAllOrNothing sends what cannot be made: nothing is stored, and
// every value comes back.
func TestSetupIsAllOrNothing(t *testing.T) {
	g := start(t)
	b := g.admin()
	form := b.get("/setup").want(200).shows("To a resource that is there").fields("/setup")
	b.post("/setup", form).want(422).shows("Paste a curl command or an address first")
	form.Set("to", "echo")
	form.Set("example", "{\n\"ref\": 1,,}")
	b.post("/setup", form).want(422).shows("line 2, column 10", "&#34;ref&#34;: 1,,}")
	form.Set("example", `{"ref":"a"}`)
	b.post("/setup", form).want(422).shows("Every message needs the key scope.")
	form.Set("example", `{"ref":"a","scope":"b","x":1}`)
	page := b.post("/setup", form).want(422).shows("Say where to comes from", "Say where text comes from")
	form = page.fields("/setup")
	form.Set("map[0].value", "x")
	form.Set("map[1].kind", "template")
	form.Set("map[1].value", "{{x")
	form.Set("path", "/sms/")
	form.Set("client", "shop")
	page = b.post("/setup", form).want(422).shows(`id="f-path-error"`, `id="f-client-error"`, "{{x")
	form = page.fields("/setup")
	form.Set("path", "fresh")
	form.Set("client", "fresh")
	b.post("/setup", form).want(422).shows("map[1].value")
	if got := g.manage(http.MethodGet, "/v1/resources?limit=200", "", 200); strings.Contains(got, "Echo") {
		t.Errorf("a resource was stored: %s", got)
	}
	b.post("/setup", url.Values{"to": {"resource"}, "resource": {"4711"}, "example": {"{}"}}).want(422).shows("Choose a resource.")
	b.post("/setup", url.Values{}).want(422)
}

// TestSetupWithAResourceThatIsThere adds an endpoint and a client to it.
func TestSetupWithAResourceThatIsThere(t *testing.T) {
	g := start(t)
	b := g.admin()
	form := b.get("/setup").fields("/setup")
	form.Set("to", "resource")
	form.Set("do", "preview")
	form = b.post("/setup", form).want(200).fields("/setup")
	form.Set("resource", strings.TrimPrefix(g.resource("primary"), "/resources/"))
	form.Set("do", "preview")
	form = b.post("/setup", form).want(200).fields("/setup")
	form.Set("path", "another")
	form.Set("client", "another")
	b.post("/setup", form).want(200).shows("It is set up", "/api/another")
	g.await(func() bool { return len(g.got()) > 0 })
	if got := g.got()[0]; got.path != "/primary" || got.header.Get("X-Key") != "hush-header" || got.body != `{"text":"Disk at 91 %","to":"+15550123"}` {
		t.Errorf("the provider got %+v", got)
	}
}

func TestSetupCanBeSkipped(t *testing.T) {
	b := empty(t).admin()
	b.post("/setup/skip", nil).want(303)
	b.get("/").want(200).shows("Overview")
}

// TestSetupWithoutTheEcho is one where the settings forbid this machine.
func TestSetupWithoutTheEcho(t *testing.T) {
	g := empty(t)
	g.manage(http.MethodPut, "/v1/config", "version: 1\nsettings: {outbound: {allow_private: false}}", http.StatusOK)
	b := g.admin()
	form := b.get("/setup").want(200).shows("The settings forbid addresses on this machine").fields("/setup")
	form.Set("to", "echo")
	b.post("/setup", form).want(422).shows("The echo cannot be reached")
}

// TestHostileTextsInTheSetup are text everywhere.
func TestHostileTextsInTheSetup(t *testing.T) {
	b := start(t).admin()
	for _, text := range hostileTexts {
		form := url.Values{
			"to": {"url"}, "paste": {text}, "example": {`{"ref":` + quoted(text) + `,"scope":"s",` + quoted(text) + `:1}`}, "path": {text}, "client": {text}, "name": {text},
			"map[0].key": {text}, "map[0].kind": {text}, "map[0].value": {text}, "required_params[0]": {text}, "headers[0].name": {text}, "headers[0].value": {text}, "do": {"preview"},
		}
		page := b.post("/setup", form).hides("<img", `alert(1)>"`)
		if page.status != 200 && page.status != 422 {
			t.Errorf("status %d", page.status)
		}
		for _, name := range []string{"paste", "path", "client"} {
			if got := page.fields("/setup").Get(name); got != text {
				t.Errorf("%s is %q, want %q", name, got, text)
			}
		}
	}
}
