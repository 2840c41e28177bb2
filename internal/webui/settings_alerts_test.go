package webui_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func init() {
	staff := access{nobody: 303, shop: 404, bank: 404, viewer: 200, operator: 200, admin: 200}
	admins := func(admin int) access {
		return access{nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: admin}
	}
	named := func(a access, below string) access {
		a.path = func(g *gateway, _ string) string { return "/settings/alerts/channel" + below + "?name=" + g.channel() }
		return a
	}
	endpoint := func(a access) access {
		a.path = anEndpoint
		return a
	}
	maps.Copy(matrix, map[string]access{
		"GET /settings/alerts":                 staff,
		"POST /settings/alerts":                admins(409),
		"GET /settings/alerts/channel":         named(staff, ""),
		"POST /settings/alerts/channel":        named(admins(409), ""),
		"GET /settings/alerts/channel/new":     admins(200),
		"POST /settings/alerts/channel/new":    admins(303),
		"GET /settings/alerts/channel/delete":  named(admins(200), "/delete"),
		"POST /settings/alerts/channel/delete": named(admins(409), "/delete"),
		"GET /endpoints/{id}/alerts":           endpoint(staff),
		"POST /endpoints/{id}/alerts":          endpoint(admins(409)),
	})
}

// channel makes sure that there is the channel ops, and gives its name.
func (g *gateway) channel() string {
	g.t.Helper()
	if !strings.Contains(g.settings(), `"name":"ops"`) {
		g.manage(http.MethodPut, "/v1/config", `{version: 1, settings: {alerts: {channels: [{name: ops, email: {to: [ops@example.com]}}]}}}`, http.StatusOK)
	}
	return "ops"
}

const (
	newChannel = "/settings/alerts/channel/new"
	hushSign   = "whsec_aHVzaC1jaGFubmVsLXNpZ25zLXdpdGgtdGhpcw=="
)

// TestChannels makes channels of both kinds, changes, renames and deletes them,
// without a script.
func TestChannels(t *testing.T) {
	g := start(t)
	b := g.admin()
	b.get("/settings/alerts").want(200).shows("Nobody is told yet", "no channel yet", `placeholder="15m"`)
	b.get(newChannel).want(200).shows("kind=email", "kind=webhook")
	form := b.get(newChannel + "?kind=email").want(200).shows("No mail server is set yet.").fields(newChannel)
	for name, text := range hostileTexts {
		form.Set("name", "")
		form.Set("email.subject", text)
		form.Set("email.body", text+"\r\nmore")
		got := b.post(newChannel, form).want(422).shows(htmlText(text), "needs at least one recipient").hides("<img src=x")
		if form = got.fields(newChannel); form.Get("email.subject") != text {
			t.Errorf("%s: the subject is %q after a fault", name, form.Get("email.subject"))
		}
	}
	form.Set("email.to", "ops@example.com, nonsense")
	form.Set("name", strings.Repeat("x", 10_000))
	b.post(newChannel, form).want(422).shows("nonsense", "is not an email address", `id="f-email.to-error"`, `id="f-name-error"`)
	name := hostileTexts["markup"]
	form.Set("name", name)
	form.Set("email.to", "ops@example.com,\r\nnight@example.com")
	form.Set("group_for", "soon")
	form.Set("do", "add quiet")
	form = b.post(newChannel, form).want(200).shows("quiet[0].from").fields(newChannel)
	form.Del("do")
	form.Set("quiet[0].from", "22:00")
	form.Set("quiet[0].until", "7:00")
	form.Set("quiet[0].timezone", "Asia/Nowhere")
	form = b.post(newChannel, form).want(422).shows("must be a number and a unit", `value="soon"`).fields(newChannel)
	form.Set("group_for", "30s")
	form = b.post(newChannel, form).want(422).shows("must be a time of day", "is not a time zone", `id="f-quiet[0].until-error"`, `id="f-quiet[0].timezone-error"`).fields(newChannel)
	form.Set("quiet[0].until", "07:00")
	form.Set("quiet[0].timezone", "Asia/Jakarta")
	form["quiet[0].days"] = []string{"mon", "fri"}
	b.post(newChannel, form).want(303)
	b.get("/settings/alerts").want(200).shows(htmlText(name), "ops@example.com, night@example.com", "22:00 – 07:00 Asia/Jakarta", "No mail server is set yet: nothing goes").hides("<img src=x")
	b.post(newChannel, b.get(newChannel+"?kind=email").fields(newChannel)).want(422)

	page := "/settings/alerts/channel?name=" + url.QueryEscape(name)
	form = b.get(page).want(200).fields(page)
	if form.Get("quiet[0].timezone") != "Asia/Jakarta" || len(form["quiet[0].days"]) != 2 || form.Get("group_for") != "30s" {
		t.Errorf("the form is %v", form)
	}
	version := form.Get("version")
	form.Set("name", "ops")
	b.post(page, form).want(303)
	b.get(page).want(404)
	page = "/settings/alerts/channel?name=ops"
	form = b.get(page).fields(page)
	form.Set("version", version)
	b.post(page, form).want(409).shows("Somebody else saved this")
	g.user("viewer").get(page).want(200).shows("Only administrators").hides("Save channel", "Delete…")

	del := "/settings/alerts/channel/delete?name=ops"
	form = b.get(del).want(200).shows("There is no other channel").fields(del)
	form.Set("version", "1")
	b.post(del, form).want(409).shows("was changed in the meantime")
	b.post(del, b.get(del).fields(del)).want(303)
	b.get("/settings/alerts").shows("Nobody is told yet")
	b.get(del).want(404)
	b.post(del, url.Values{"version": {"1"}}).want(404)
}

// TestAWebhookChannelKeepsItsSecrets does so, whatever else is changed.
func TestAWebhookChannelKeepsItsSecrets(t *testing.T) {
	g := start(t)
	b := g.admin()
	form := b.get(newChannel + "?kind=webhook").want(200).fields(newChannel)
	for field, value := range map[string]string{
		"name": "chat", "webhook.url": "https://hooks.example/{secret:key}/x", "webhook.payload": `{"text": "{title}", "n": 1.50}`,
		"webhook.headers[0].name": "X-Key", "webhook.headers[0].value": "hush-value", "webhook.secrets[0].name": "key", "webhook.secrets[0].value": "hush-secret",
		"webhook.signed": "on",
	} {
		form.Set(field, value)
	}
	b.post(newChannel, form).want(422).shows("Write the secret that the receiver knows.", "hush-value")
	form.Set("webhook.signing_secret", "short")
	form = b.post(newChannel, form).want(422).shows("base64 of 24 to 64 bytes").fields(newChannel)
	form.Set("webhook.signing_secret", hushSign)
	form.Set("webhook.payload", "{\n nonsense")
	form = b.post(newChannel, form).want(422).shows("This is no JSON: line 2").fields(newChannel)
	form.Set("webhook.payload", `{"text": "{title} {secret:other}"}`)
	form = b.post(newChannel, form).want(422).shows(`there is no secret &#34;other&#34;`).fields(newChannel)
	form.Set("webhook.payload", `{"text": "{title}", "n": 1.50}`)
	b.post(newChannel, form).want(303)
	b.get("/settings/alerts").shows(">chat</a>", "hooks.example").hides("hush-")

	page := "/settings/alerts/channel?name=chat"
	form = b.get(page).want(200).shows("stored; write to replace it").hides("hush-", "whsec_aHVz").fields(page)
	form.Set("name", "team")
	form.Set("webhook.headers[0].name", "X-Token")
	b.post(page, form).want(303)
	if stored := g.manage(http.MethodGet, "/v1/config?secrets=plain", "", 200); !strings.Contains(stored, "hush-value") || !strings.Contains(stored, "hush-secret") || !strings.Contains(stored, hushSign) || !strings.Contains(stored, "X-Token") {
		t.Errorf("the configuration is %s", stored)
	}
}

// TestAChannelIsTriedBeforeItIsSaved sends a test message with what stands in the
// form, and shows what whoever got it said.
func TestAChannelIsTriedBeforeItIsSaved(t *testing.T) {
	g := start(t)
	b := g.admin()
	b.get(newChannel).want(200).shows("Slack", "PagerDuty", "Gotify", "for=Microsoft%20Teams")
	form := b.get(newChannel+"?kind=webhook&for=Slack").want(200).shows("hooks.slack.com/services/{secret:path}", "T000/B000/XXXX", "Make an app with an incoming webhook.").fields(newChannel)
	if form.Get("for") != "Slack" || form.Get("group_by") != "channel" || form.Get("webhook.secrets[0].value") != "T000/B000/XXXX" {
		t.Errorf("the form is %v", form)
	}
	b.get(newChannel + "?kind=webhook&for=nonsense").want(200).hides("nonsense")
	form.Set("do", "test")
	form.Set("webhook.url", "nonsense")
	b.post(newChannel, form).want(200).shows("banner fail", `id="f-webhook.url-error"`, `value="nonsense"`)
	form.Set("webhook.url", g.sink.URL+"/hook/{secret:path}")
	form.Set("webhook.secrets[0].value", "hush-tried")
	g.says.Store(`<b>taken</b>`)
	b.post(newChannel, form).want(200).shows("It was taken.", "&lt;b&gt;taken&lt;/b&gt;", "hush-tried").hides("<b>taken")
	got := g.got()
	if len(got) != 1 || got[0].path != "/hook/hush-tried" || !strings.Contains(got[0].body, `"blocks"`) {
		t.Fatalf("the receiver got %+v", got)
	}
	form.Del("do")
	form.Set("name", "chat")
	b.post(newChannel, form).want(303)

	page := "/settings/alerts/channel?name=chat"
	form = b.get(page).want(200).hides("hush-").fields(page)
	form.Set("do", "test")
	form.Set("name", "not saved yet")
	b.post(page, form).want(200).shows("It was taken.").hides("hush-")
	if got := g.got(); len(got) != 2 || got[1].path != "/hook/hush-tried" {
		t.Errorf("the receiver got %+v", got)
	}
	form.Set("webhook.url", "http://127.0.0.1:1/{secret:path}")
	b.post(page, form).want(200).shows("banner fail").hides("hush-")
	g.sink.Close()
	form.Set("webhook.url", g.sink.URL+"/hook/{secret:path}")
	b.post(page, form).want(200).shows("It was not taken.", "connection refused")
	g.user("viewer").get(page).want(200).hides("Send a test message")
}

func TestRulesOfTheSettings(t *testing.T) {
	g := start(t)
	b := g.admin()
	g.channel()
	const page = "/settings/alerts"
	form := b.get(page).want(200).shows("Down, and up again", "Sign in throttled", `value="21, 7, 1"`).fields(page)
	for field, value := range map[string]string{
		"alerts.base_url": "nonsense", "alerts.backlog_old.for": "30 minutes", "alerts.certificate_expiring.days": "soon", "alerts.failures_high.percent": "many",
	} {
		form.Set(field, value)
	}
	form = b.post(page, form).want(422).shows(`value="30 minutes"`, "must be whole numbers of days", "must be a whole number", `id="f-alerts.backlog_old.for-error"`).fields(page)
	form.Set("alerts.backlog_old.for", "48h")
	form.Set("alerts.certificate_expiring.days", "0, 400")
	form.Set("alerts.failures_high.percent", "100")
	form = b.post(page, form).want(422).shows(`id="f-alerts.base_url-error"`, `id="f-alerts.backlog_old.for-error"`, `id="f-alerts.certificate_expiring.days-error"`, `id="f-alerts.failures_high.percent-error"`).fields(page)
	form.Set("alerts.base_url", "https://gateway.example.com")
	form.Set("alerts.backlog_old.for", "")
	form.Set("alerts.certificate_expiring.days", "30,7")
	form.Set("alerts.failures_high.percent", "50")
	form.Set("alerts.failures_high.of", "attempts")
	form.Set("alerts.resource_down.channels", "ops")
	form.Set("alerts.task_failed.enabled", "on")
	form.Del("alerts.endpoint_down.enabled")
	b.post(page, form).want(303)
	for _, want := range []string{
		`"base_url":"https://gateway.example.com"`, `"backlog_old":{"enabled":true,"for":"15m"}`, `"days":[30,7]`, `"of":"attempts","percent":50`,
		`"resource_down":{"enabled":true,"channels":["ops"]}`, `"task_failed":{"enabled":true}`, `"endpoint_down":{"enabled":false}`, `"name":"ops"`,
	} {
		if got := g.settings(); !strings.Contains(got, want) {
			t.Errorf("%s is not among the settings: %s", want, got)
		}
	}
	again := b.get(page).fields(page)
	before := g.settings()
	b.post(page, again).want(303)
	if after := g.settings(); after != before {
		t.Errorf("saving without a change made\n%s\nof\n%s", after, before)
	}
	g.user("viewer").get(page).want(200).shows("Only administrators", "https://gateway.example.com").hides(">Save<", "Delete…")
	b.get("/settings/alerts/channel/delete?name=ops").want(200).shows("Rules that name it lose it: Down, and up again.")
}

func TestRulesOfAnEndpoint(t *testing.T) {
	g := start(t)
	b := g.admin()
	g.channel()
	page := anEndpoint(g, "GET /endpoints/{id}/alerts")
	form := b.get(page).want(200).shows("told, as in the settings", `placeholder="15m"`, "No incidents").fields(page)
	form.Set("alerts.backlog_old.for", "x")
	form = b.post(page, form).want(422).shows(`value="x"`, "must be a number and a unit").fields(page)
	form.Set("alerts.backlog_old.for", "1h")
	form.Set("alerts.task_failed.enabled", "on")
	form.Set("alerts.endpoint_down.enabled", "off")
	form.Set("alerts.endpoint_down.channels", "ops")
	b.post(page, form).want(303)
	stored := g.manage(http.MethodGet, "/v1"+strings.TrimSuffix(page, "/alerts"), "", 200)
	if want := `"alerts":{"endpoint_down":{"enabled":false,"channels":["ops"]},"backlog_old":{"for":"1h"},"task_failed":{"enabled":true}}`; !strings.Contains(stored, want) {
		t.Errorf("stored is %s, want %s", stored, want)
	}
	b.post(page, form).want(409).shows("Somebody else saved this")
	b.get("/settings/alerts/channel/delete?name=ops").want(200).shows("So do rules of endpoints: ")
	for _, field := range []string{"alerts.backlog_old.for", "alerts.task_failed.enabled", "alerts.endpoint_down.enabled", "alerts.endpoint_down.channels"} {
		form.Del(field)
	}
	form.Set("version", b.get(page).value("version"))
	b.post(page, form).want(303)
	if stored := g.manage(http.MethodGet, "/v1"+strings.TrimSuffix(page, "/alerts"), "", 200); strings.Contains(stored, `"alerts":{`) {
		t.Errorf("empty rules are stored: %s", stored)
	}
}
