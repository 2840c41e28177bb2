package webui_test

import (
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"dispatchapy"
)

func init() {
	of := func(suffix string) func(g *gateway, pattern string) string {
		return func(g *gateway, _ string) string { return g.resource("primary") + suffix }
	}
	admins := access{nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: 200}
	posted := admins
	posted.admin = 422
	saved := admins
	saved.admin, saved.path = 409, of("/configuration")
	alerts, trial := saved, posted
	alerts.path, trial.path = of("/alerts"), of("/test")
	maps.Copy(matrix, map[string]access{
		"GET /resources/new":                 admins,
		"POST /resources/new":                posted,
		"GET /resources/{id}/configuration":  {nobody: 303, shop: 404, bank: 404, viewer: 200, operator: 200, admin: 200, path: of("/configuration")},
		"POST /resources/{id}/configuration": saved,
		"GET /resources/{id}/alerts":         {nobody: 303, shop: 404, bank: 404, viewer: 200, operator: 200, admin: 200, path: of("/alerts")},
		"POST /resources/{id}/alerts":        alerts,
		"GET /resources/{id}/test":           {nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: 200, path: of("/test")},
		"POST /resources/{id}/test":          trial,
	})
}

var (
	inputs    = regexp.MustCompile(`<input ([^>]*)>`)
	areas     = regexp.MustCompile(`(?s)<textarea ([^>]*)>\n(.*?)</textarea>`)
	selects   = regexp.MustCompile(`(?s)<select ([^>]*)>(.*?)</select>`)
	chosen    = regexp.MustCompile(`<option value="([^"]*)" selected`)
	attribute = func(attributes, name string) string {
		match := regexp.MustCompile(`(?:^| )` + name + `="([^"]*)"`).FindStringSubmatch(attributes)
		if match == nil {
			return ""
		}
		return html.UnescapeString(match[1])
	}
)

// fields reads the form with an action as a browser without scripts would send
// it, without a button.
func (a *answer) fields(action string) url.Values {
	a.t.Helper()
	_, text, found := strings.Cut(a.body, `action="`+htmlText(action)+`"`)
	if !found {
		a.t.Fatalf("there is no form for %s: %.1000s", action, a.body)
	}
	text, _, _ = strings.Cut(text, "</form>")
	text = regexp.MustCompile(`(?s)<template>.*?</template>`).ReplaceAllString(text, "")
	values := url.Values{}
	for _, match := range inputs.FindAllStringSubmatch(text, -1) {
		name := attribute(match[1], "name")
		if kind := attribute(match[1], "type"); name == "" || (kind == "checkbox" || kind == "radio") && !strings.HasSuffix(match[1], " checked") && !strings.Contains(match[1], " checked ") {
			continue
		}
		values.Add(name, attribute(match[1], "value"))
	}
	for _, match := range areas.FindAllStringSubmatch(text, -1) {
		values.Add(attribute(match[1], "name"), html.UnescapeString(match[2]))
	}
	for _, match := range selects.FindAllStringSubmatch(text, -1) {
		value := ""
		if option := chosen.FindStringSubmatch(match[2]); option != nil {
			value = html.UnescapeString(option[1])
		}
		values.Add(attribute(match[1], "name"), value)
	}
	return values
}

// TestNewResourceFromACommand pastes a provider's example and saves, without a
// script. The sink gets exactly what was pasted.
func TestNewResourceFromACommand(t *testing.T) {
	g := start(t)
	b := g.admin()
	form := b.get("/resources/new").want(200).fields("/resources/new")
	form.Set("paste", `curl -X PUT '`+g.sink.URL+`/v1/sms?x=1' \
  -H 'Authorization: Bearer sk_live_"quo'\''ted"' -H 'X-Account: acme' \
  -d '{"to":"+1555","message":{"text":"hi"},"count":12345678901234567890}'`)
	form.Set("do", "paste")
	page := b.post("/resources/new", form).want(200)
	form = page.fields("/resources/new")
	for name, want := range map[string]string{
		"url": g.sink.URL + "/v1/sms?x=1", "method": "PUT", "name": "127.0.0.1", "paste": "", "headers[0].name": "Authorization", "headers[0].value": `Bearer sk_live_"quo'ted"`,
		"headers[1].name": "X-Account", "required_params[0]": "to", "required_params[1]": "message.text", "required_params[2]": "count",
		"test_values[2].key": "count", "test_values[2].value": "12345678901234567890", "test_values[0].value": "+1555",
	} {
		if got := form.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	form.Set("name", "Acme SMS")
	form.Set("health_check.method", "actual")
	path := b.post("/resources/new", form).want(303).header.Get("Location")
	if path != g.resource("Acme SMS") {
		t.Fatalf("it leads to %s", path)
	}
	b.post(path+"/check", nil).want(303)
	got := g.got()
	if len(got) != 1 || got[0].method != "PUT" || got[0].path != "/v1/sms?x=1" || got[0].header.Get("Authorization") != `Bearer sk_live_"quo'ted"` ||
		got[0].body != `{"count":12345678901234567890,"message":{"text":"hi"},"to":"+1555"}` {
		t.Errorf("the provider got %+v", got)
	}
	b.get(path + "/configuration").want(200).hides("sk_live").shows("stored; write to replace it")
}

// TestFaultsOfAResourceKeepWhatWasWritten sends what cannot be saved: the page
// comes back with every value, and the message is at the field.
func TestFaultsOfAResourceKeepWhatWasWritten(t *testing.T) {
	g := start(t)
	b := g.admin()
	full := url.Values{
		"name": {"Fresh"}, "url": {"ftp://x"}, "method": {"POST"}, "timeout": {"never"}, "headers[0].name": {"X Y"}, "headers[0].value": {`a"b`}, "headers[7].name": {"X-Ok"}, "headers[7].value": {"v"},
		"required_params[0]": {"to"}, "required_params[1]": {"to"}, "required_params[3]": {"text"}, "health_check.enabled": {"on"}, "health_check.method": {"actual"},
		"health_check.interval.min": {"2h"}, "health_check.interval.max": {"1h"}, "health_check.down_after": {"x"}, "health_check.up_after": {"1"},
		"test_values[0].key": {"to"}, "test_values[0].value": {`{"broken`}, "concurrency": {"-1"}, "rate_limit.requests": {"0"}, "active": {"on"},
	}
	page := b.post("/resources/new", full).want(422).shows("must be a number and a unit", "must be a whole number")
	form := page.fields("/resources/new")
	for name, want := range map[string]string{
		"name": "Fresh", "url": "ftp://x", "timeout": "never", "headers[0].value": `a"b`, "headers[1].name": "X-Ok", "required_params[2]": "text", "test_values[0].value": `{"broken`,
		"health_check.interval.min": "2h", "concurrency": "-1", "rate_limit.requests": "0", "health_check.enabled": "on", "health_check.method": "actual",
	} {
		if got := form.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	form.Set("timeout", "15s")
	form.Set("health_check.down_after", "1")
	page = b.post("/resources/new", form).want(422)
	for _, field := range []string{"url", "headers[0].name", "required_params[1]", "health_check.interval.max", "test_values[0].value", "concurrency", "rate_limit.requests"} {
		if !strings.Contains(page.body, `id="f-`+field+`-error"`) {
			t.Errorf("there is no message at %s", field)
		}
	}
	page.shows("requires test values for parameters: text")

	// A name that is taken.
	taken := b.post("/resources/new", url.Values{"name": {"primary"}, "url": {g.sink.URL}, "health_check.interval.min": {"60s"}, "health_check.interval.max": {"90s"}, "health_check.down_after": {"1"}, "health_check.up_after": {"1"}, "health_check.method": {"simple"}, "timeout": {"15s"}}).want(422)
	taken.shows("names must be unique", `id="f-name-error"`, g.sink.URL)
	for text, want := range map[string]string{
		"": "Paste something first", "curl 'x": "A quotation mark", "hello": "There is no address in it.", "curl ftp://x": "not one of http or https", "{\n \"a\": 1,\n}": "line 3, column 1",
	} {
		b.post("/resources/new", url.Values{"do": {"paste"}, "paste": {text}, "name": {"kept"}}).want(422).shows(want, `value="kept"`, `id="f-paste-error"`)
	}
}

// TestNotesAboutWhatWasPasted are told where a command cannot be taken as it
// is.
func TestNotesAboutWhatWasPasted(t *testing.T) {
	b := start(t).admin()
	for text, want := range map[string]string{
		`curl https://a.example -H "X: $KEY"`:  "these variables: KEY",
		`curl https://a.example -d to=1`:       "The command sends a form.",
		`curl https://a.example -d @body.json`: "reads from a file",
		`curl https://a.example -d hello`:      "no JSON object",
	} {
		b.post("/resources/new", url.Values{"do": {"paste"}, "paste": {text}}).want(200).shows(want)
	}
}

// TestSectionsAreSavedAlone saves one section while another one holds what is
// not saved: it stays in the form and out of the database.
func TestSectionsAreSavedAlone(t *testing.T) {
	g := start(t)
	b := g.admin()
	path := g.resource("primary") + "/configuration"
	form := b.get(path).want(200).fields(path)
	form.Set("concurrency", "7")
	form.Set("url", g.sink.URL+"/elsewhere")
	form.Set("section", "limits")
	page := b.post(path, form).want(200).shows("primary is saved.", "Not saved yet", "There is something here that is not saved.")
	stored := g.listed("/v1/resources?limit=200", "name", "primary")
	if stored["concurrency"] != 7.0 || stored["url"] != g.sink.URL+"/primary" {
		t.Errorf("stored is %v", stored)
	}
	form = page.fields(path)
	if form.Get("url") != g.sink.URL+"/elsewhere" {
		t.Errorf("the form has %s", form.Get("url"))
	}
	b.post(path, form).want(303) // all of it
	stored = g.listed("/v1/resources?limit=200", "name", "primary")
	if stored["url"] != g.sink.URL+"/elsewhere" || stored["concurrency"] != 7.0 {
		t.Errorf("stored is %v", stored)
	}
	b.get(path).want(200).shows("primary is saved.").hides("Not saved yet")
}

// TestHeadersAreWrittenAndNotRead gives a header another name, another value,
// and takes one away: nobody sees a value, and nothing else is lost.
func TestHeadersAreWrittenAndNotRead(t *testing.T) {
	g := start(t)
	b := g.admin()
	path := g.resource("primary") + "/configuration"
	form := b.get(path).want(200).hides("hush-header").fields(path)
	if form.Get("headers[0].name") != "X-Key" || form.Get("headers[0].value") != "" {
		t.Fatalf("the form is %v", form)
	}
	form.Set("headers[0].name", "X-Renamed")
	form.Set("headers[1].name", "X-New")
	form.Set("headers[1].value", `say "hi"; it's <ok>`)
	b.post(path, form).want(303)
	g.post(shopToken, "sms", `{"ref":"inv-1","scope":"test","phone":"+1","message":"hi"}`)
	g.await(func() bool { return len(g.got()) > 0 })
	sent := g.got()[0].header
	if sent.Get("X-Renamed") != "hush-header" || sent.Get("X-New") != `say "hi"; it's <ok>` || sent.Get("X-Key") != "" {
		t.Errorf("the provider got %v", sent)
	}
	form = b.get(path).want(200).hides("hush-header", "say &#34;hi").fields(path)
	form.Set("do", "remove headers 0")
	form = b.post(path, form).want(200).fields(path)
	form.Del("do")
	b.post(path, form).want(303)
	if got := g.manage(http.MethodGet, strings.Replace(g.resource("primary"), "/", "/v1/", 1), "", 200); !strings.Contains(got, `"X-Renamed"`) || strings.Contains(got, `"X-New"`) {
		t.Errorf("stored is %s", got)
	}

	// A name without a value for which nothing is stored.
	form = b.get(path).want(200).fields(path)
	form.Set("headers[0].kept", "X-Gone")
	b.post(path, form).want(422).shows("there is no stored value to keep", `id="f-headers[0].value-error"`)
}

// TestTwoEditorsOfAResource has one save what the other has opened.
func TestTwoEditorsOfAResource(t *testing.T) {
	g := start(t)
	b := g.admin()
	path := g.resource("primary") + "/configuration"
	mine, theirs := b.get(path).fields(path), b.get(path).fields(path)
	theirs.Set("concurrency", "3")
	b.post(path, theirs).want(303)
	mine.Set("timeout", "9s")
	mine.Set("section", "destination")
	clash := b.post(path, mine).want(409).shows("Somebody else saved this while you were writing", "Save mine").hides("hush-header")
	again := clash.fields(path)
	if again.Get("timeout") != "9s" || again.Get("section") != "destination" {
		t.Errorf("the form is %v", again)
	}
	version := regexp.MustCompile(`name="version" value="(\d+)">Save mine`).FindStringSubmatch(clash.body)
	again.Set("version", version[1])
	b.post(path, again).want(200) // the limits in this form are not stored
	stored := g.listed("/v1/resources?limit=200", "name", "primary")
	if stored["timeout"] != "9s" || stored["concurrency"] != 3.0 {
		t.Errorf("stored is %v", stored)
	}
}

// TestHostileTextsInAResource are kept as they are in every field.
func TestHostileTextsInAResource(t *testing.T) {
	g := start(t)
	b := g.admin()
	i := 0
	for _, text := range hostileTexts {
		i++
		form := b.get("/resources/new").fields("/resources/new")
		form.Set("name", text)
		form.Set("url", g.sink.URL+"/"+url.PathEscape(text))
		form.Set("headers[0].name", fmt.Sprintf("X-%d", i))
		form.Set("headers[0].value", text)
		form.Set("required_params[0]", text)
		form.Set("test_values[0].key", text)
		form.Set("test_values[0].value", text)
		form.Set("health_check.method", "actual")
		path := b.post("/resources/new", form).want(303).header.Get("Location") + "/configuration"
		again := b.get(path).want(200).hides("<img", "alert(1)>\"").fields(path)
		for _, name := range []string{"name", "required_params[0]", "test_values[0].key", "test_values[0].value"} {
			if again.Get(name) != text {
				t.Errorf("%s is %q, want %q", name, again.Get(name), text)
			}
		}
	}
	long := strings.Repeat("x", 10_000)
	form := b.get("/resources/new").fields("/resources/new")
	form.Set("name", long)
	form.Set("url", g.sink.URL+"/"+long)
	again := b.post("/resources/new", form).want(422).shows("must have at most 200 characters").fields("/resources/new")
	if again.Get("name") != long || again.Get("url") != g.sink.URL+"/"+long {
		t.Error("a long text is cut")
	}
}

// await waits until something is so.
func (g *gateway) await(so func() bool) {
	g.t.Helper()
	for !so() {
		select {
		case <-time.After(20 * time.Second):
			g.t.Fatal("it did not come")
		case <-g.arrived:
		}
	}
}

// TestTestRequestIsSentAndShown sends a payload on purpose: what the provider
// gets is what the page shows, but for secrets.
func TestTestRequestIsSentAndShown(t *testing.T) {
	g := start(t)
	b := g.admin()
	g.says.Store(`{"id":"<script>alert(1)</script>"}`)
	path := g.resource("primary") + "/test"
	form := b.get(path).want(200).shows("This is a real call").fields(path)
	if got := form.Get("payload"); got != "{\n  \"to\": \"\",\n  \"text\": \"\"\n}" {
		t.Errorf("prefilled is %q", got)
	}
	form.Set("payload", `{"to":"+1555","n":12.50}`)
	b.post(path, form).want(200).shows("Accepted", "HTTP 200", "POST "+g.sink.URL+"/primary", "X-Key: [redacted]", "&lt;script&gt;").hides("hush-header", "<script>alert")
	if got := g.got(); len(got) != 1 || got[0].body != `{"to":"+1555","n":12.50}` || got[0].header.Get("X-Key") != "hush-header" {
		t.Errorf("the provider got %+v", got)
	}
	form.Set("payload", "{\n\"to\": }")
	b.post(path, form).want(422).shows("line 2, column 7", "&#34;to&#34;: }")
	down := g.newResource()
	g.sink.Close()
	b.post(down+"/test", url.Values{"payload": {"{}"}}).want(200).shows("Failed", "There was none.")
}

// TestAlertsOfAResource writes who is told, looks at the preview, and saves.
func TestAlertsOfAResource(t *testing.T) {
	g := start(t)
	b := g.admin()
	g.manage(http.MethodPut, "/v1/config", "version: 1\nsettings: {alerts: {channels: [{name: night, webhook: {url: \"https://x.example/\", enabled: true}}]}}", http.StatusOK)
	path := g.resource("primary") + "/alerts"
	form := b.get(path).want(200).shows("No mail server is set yet.", "primary is down").fields(path)
	b.get(path).shows("{secret:NAME}", "{key}")
	for _, name := range dispatchapy.Placeholders {
		b.get(path).shows("<dt class=\"mono\">{" + name + "}</dt>")
	}
	form.Set("notify.email.enabled", "on")
	form.Set("notify.webhook.enabled", "on")
	form.Set("notify.webhook.url", g.sink.URL+"/hook")
	form.Set("notify.webhook.headers[0].name", "X-Hook")
	form.Set("notify.webhook.headers[0].value", "hush-hook")
	form.Set("notify.webhook.payload", "{\n\"text\": {resource_name} }")
	form = b.post(path, form).want(422).shows("line 2, column 10", "{resource_name} }").fields(path)
	form.Set("notify.webhook.payload", "{}")
	form = b.post(path, form).want(422).shows("needs at least one recipient", `id="f-notify.email.to-error"`).fields(path)
	form.Set("notify.email.to", "ops@example.com, <b>x")
	b.post(path, form).want(422).shows("&lt;b&gt;x", "is not an email address")
	form.Set("notify.email.to", "ops@example.com,\r\nnight@example.com")
	form.Set("notify.email.subject", `{resource_name} "down"`)
	form.Set("notify.webhook.payload", `{"text": "{resource_name} at {resource_endpoint}", "n": 1.50}`)
	form.Set("alerts.breaker_open.enabled", "off")
	form.Set("alerts.breaker_open.for", "90s")
	form.Set("alerts.resource_down.channels", "night")
	form.Set("do", "preview")
	b.post(path, form).want(200).shows("primary &#34;down&#34;", "primary at "+g.sink.URL+"/primary", "1.50")
	form.Del("do")
	b.post(path, form).want(303)
	stored := g.manage(http.MethodGet, strings.Replace(g.resource("primary"), "/", "/v1/", 1), "", 200)
	for _, want := range []string{`"night@example.com"`, `"breaker_open":{"enabled":false,"for":"1m30s"}`, `"resource_down":{"channels":["night"]}`, `"n":1.50`, `"X-Hook":"[redacted]"`} {
		if !strings.Contains(stored, want) {
			t.Errorf("stored has no %s: %s", want, stored)
		}
	}
	again := b.get(path).want(200).hides("hush-hook").fields(path)
	if again.Get("alerts.breaker_open.enabled") != "off" || again.Get("alerts.resource_down.channels") != "night" || again.Get("notify.email.to") != "ops@example.com\nnight@example.com" {
		t.Errorf("the form is %v", again)
	}
	b.post(path, again).want(303)
	if after := g.manage(http.MethodGet, strings.Replace(g.resource("primary"), "/", "/v1/", 1), "", 200); after != stored {
		t.Errorf("saving without a change made\n%s\nof\n%s", after, stored)
	}
}

// TestTestAlertsOfAResource sends test messages through what is written in the
// form, saved or not.
func TestTestAlertsOfAResource(t *testing.T) {
	g := start(t)
	b := g.admin()
	path := g.resource("primary") + "/alerts"
	form := b.get(path).want(200).shows("Send test alert").fields(path)
	form.Set("do", "test email")
	b.post(path, form).want(200).shows("To: needs at least one recipient", `id="f-notify.email.to-error"`)
	form.Set("notify.email.to", "ops@example.com")
	form.Set("notify.webhook.timeout", "soon") // of no interest to an email
	b.post(path, form).want(200).shows("It was not taken.", "there is no mail server in the settings", "email to ops@example.com")
	form.Set("do", "test webhook")
	b.post(path, form).want(200).shows("Timeout: must be a number and a unit")
	form.Set("notify.webhook.timeout", "5s")
	form.Set("notify.webhook.url", g.sink.URL+"/hook/{secret:key}")
	form.Set("notify.webhook.headers[0].name", "X-Hook")
	form.Set("notify.webhook.headers[0].value", "hush-hook")
	form.Set("notify.webhook.secrets[0].name", "key")
	form.Set("notify.webhook.secrets[0].value", "hush-secret")
	form.Set("notify.webhook.payload", `{"text":"{title} {key}","at":"{resource_endpoint}","k":"{secret:key}"}`)
	if len(g.got()) != 0 {
		t.Errorf("something was sent: %v", g.got())
	}
	g.says.Store(`thanks <img src=x>`)
	b.post(path, form).want(200).shows("It was taken.", "thanks &lt;img src=x&gt;", "[TEST]")
	got := g.got()
	if len(got) != 1 || got[0].path != "/hook/hush-secret" || got[0].header.Get("X-Hook") != "hush-hook" || !strings.Contains(got[0].body, `[TEST] Resource \"primary\" is DOWN`) {
		t.Fatalf("the receiver got %+v", got)
	}
	form.Del("do")
	b.post(path, form).want(303)
	form = b.get(path).want(200).hides("hush-secret", "hush-hook").shows("/hook/[redacted]").fields(path)
	form.Set("do", "test webhook") // with the stored secrets
	b.post(path, form).want(200).shows("It was taken.").hides("hush-secret", "hush-hook")
	if got = g.got(); len(got) != 2 || got[1].path != "/hook/hush-secret" || got[1].header.Get("X-Hook") != "hush-hook" {
		t.Fatalf("the receiver got %+v", got)
	}
	form.Set("do", "test pigeon")
	b.post(path, form).want(404)
	viewer := g.user("viewer")
	viewer.get(path).want(200).hides("Send test alert")
	viewer.post(path, form).want(403)
}

// TestMaintenanceOfAResource plans work once and every week, and looks at what
// is said while it goes on.
func TestMaintenanceOfAResource(t *testing.T) {
	g := start(t)
	b := g.admin()
	path := g.resource("primary") + "/configuration"
	form := b.get(path).want(200).fields(path)
	now := time.Now().UTC()
	form.Set("once[0].from", now.Add(-time.Hour).Format("2006-01-02T15:04"))
	form.Set("once[0].until", now.Add(time.Hour).Format("2006-01-02T15:04"))
	form.Set("once[0].note", `Move <b> "x"`)
	form["weekly[2].days"] = []string{"sun", "mon"}
	form.Set("weekly[2].at", "2 am")
	form.Set("weekly[2].for", "90m")
	form.Set("weekly[2].timezone", "Europe/Berlin")
	form.Set("health_check.remind_every", "4h")
	form.Set("health_check.flap.changes", "7")
	page := b.post(path, form).want(422).shows(`id="f-weekly[0].at-error"`, "Move &lt;b&gt;")
	form = page.fields(path)
	form.Set("weekly[0].at", "02:30")
	b.post(path, form).want(303)
	stored := g.manage(http.MethodGet, strings.Replace(g.resource("primary"), "/", "/v1/", 1), "", 200)
	for _, want := range []string{`"days":["mon","sun"]`, `"at":"02:30"`, `"for":"1h30m"`, `"timezone":"Europe/Berlin"`, `"remind_every":"4h"`, `"changes":7`} {
		if !strings.Contains(stored, want) {
			t.Errorf("stored has no %s: %s", want, stored)
		}
	}
	b.get(g.resource("primary")).want(200).shows("In maintenance", "Move &lt;b&gt; &#34;x&#34;").hides("<b>")
	b.get("/resources?state=off").want(200).shows("In maintenance", ">primary</a>").hides(">backup</a>")

	// Saving without a change changes nothing; taking it away does.
	form = b.get(path).want(200).hides("Not saved yet").fields(path)
	b.post(path, form).want(303)
	if again := g.manage(http.MethodGet, strings.Replace(g.resource("primary"), "/", "/v1/", 1), "", 200); again != stored {
		t.Errorf("saving without a change made\n%s\nof\n%s", again, stored)
	}
	form.Set("do", "remove once 0")
	form = b.post(path, form).want(200).fields(path)
	form.Set("section", "maintenance")
	b.post(path, form).want(303)
	b.get(g.resource("primary")).want(200).hides("In maintenance")
}

// TestSecretsOfAWebhookAreWrittenAndNotRead signs requests, and stops to.
func TestSecretsOfAWebhookAreWrittenAndNotRead(t *testing.T) {
	g := start(t)
	b := g.admin()
	path := g.resource("primary") + "/alerts"
	form := b.get(path).want(200).shows("{timestamp_utc}", "{incident_id}").fields(path)
	form.Set("notify.webhook.url", g.sink.URL+"/hook?key={secret:KEY}")
	form.Set("notify.webhook.payload", `{"text":"{title}: {reason}"}`)
	form.Set("notify.webhook.signed", "on")
	b.post(path, form).want(422).shows("Write the secret that the receiver knows.")
	form.Set("notify.webhook.signing_secret", "whsec_short")
	b.post(path, form).want(422).shows("there is no secret &#34;KEY&#34;", `id="f-notify.webhook.signing_secret-error"`)
	form.Set("notify.webhook.signing_secret", "whsec_aHVzaC1odXNoLWh1c2gtaHVzaC1odXNoLWh1c2g=")
	form.Set("notify.webhook.secrets[0].name", "KEY")
	form.Set("notify.webhook.secrets[0].value", "hush-key")
	form.Set("notify.webhook.retries", "3")
	form.Set("notify.webhook.method", "PUT")
	b.post(path, form).want(303)
	again := b.get(path).want(200).hides("hush-key", "whsec_aHV").shows(`Resource \&#34;primary\&#34; is DOWN: HTTP 503 Service Unavailable`).fields(path)
	b.post(path, again).want(303)
	stored := g.manage(http.MethodGet, strings.Replace(g.resource("primary"), "/", "/v1/", 1), "", 200)
	for _, want := range []string{`"signing_secret":"[redacted]"`, `"KEY":"[redacted]"`, `"retries":3`, `"method":"PUT"`} {
		if !strings.Contains(stored, want) {
			t.Errorf("stored has no %s: %s", want, stored)
		}
	}
	again.Del("notify.webhook.signed")
	b.post(path, again).want(303)
	if stored := g.manage(http.MethodGet, strings.Replace(g.resource("primary"), "/", "/v1/", 1), "", 200); strings.Contains(stored, "signing_secret") {
		t.Errorf("stored is %s", stored)
	}
}

// TestIncidentsOfAResource are told on its page.
func TestIncidentsOfAResource(t *testing.T) {
	g := start(t)
	b := g.admin()
	g.manage(http.MethodPost, "/v1/resources", `{"name":"zebra","url":"http://127.0.0.1:1/x","health_check":{"enabled":true,"interval":{"min":"1h","max":"2h"}}}`, http.StatusCreated)
	path := g.resource("zebra")
	b.get(g.resource("backup")).want(200).shows("No incidents")
	g.untilDown(path)
	b.get(path).want(200).shows("zebra is down", "connection refused", "1 outage").hides("No incidents", "on average")
	sink := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(sink.Close)
	form := b.get(path + "/configuration").want(200).fields(path + "/configuration")
	form.Set("url", sink.URL)
	b.post(path+"/configuration", form).want(303)
	b.post(path+"/check", nil).want(303)
	b.get(path).want(200).shows("1 outage · ", "to repair, on average")
}
