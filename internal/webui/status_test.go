package webui_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func init() {
	maps.Copy(matrix, map[string]access{
		"GET /status":           {nobody: 404, shop: 404, bank: 404, viewer: 404, operator: 404, admin: 404}, // there is none until it is switched on
		"GET /settings/status":  {nobody: 303, shop: 404, bank: 404, viewer: 200, operator: 200, admin: 200},
		"POST /settings/status": {nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: 409},
	})
}

const statusToken = "hush-status-token-0123456789"

// TestTheStatusPageIsForWhomItShould: nobody, those who have its token, and
// everybody, as it is set without a script.
func TestTheStatusPageIsForWhomItShould(t *testing.T) {
	g := start(t)
	b, stranger := g.admin(), g.browser()
	stranger.get("/status").want(404)
	const page = "/settings/status"
	form := b.get(page).want(200).shows("There is a status page").hides("Badges").fields(page)
	form.Set("status_page.enabled", "on")
	form.Set("status_page.title", strings.Repeat("x", 10_000))
	form.Set("do", "all")
	form = b.post(page, form).want(200).shows(`value="sms"`, `value="mail"`).fields(page)
	form.Del("do")
	form.Set("status_page.endpoints[1].path", "nowhere")
	form.Set("status_page.endpoints[1].name", hostileTexts["markup"])
	form = b.post(page, form).want(422).shows("there is no endpoint &#34;nowhere&#34;", "is missing: give one", htmlText(hostileTexts["markup"]), `id="f-status_page.title-error"`).hides("<img src=x").fields(page)
	form.Set("status_page.endpoints[1].path", "sms")
	form.Set("status_page.title", hostileTexts["rtl"])
	form.Set("status_page.token", "short")
	form = b.post(page, form).want(422).shows("must have between 16 and").fields(page)
	form.Set("do", "token")
	made := b.post(page, form).want(200).fields(page)
	if len(made.Get("status_page.token")) < 16 {
		t.Errorf("the token made is %q", made.Get("status_page.token"))
	}
	form.Del("do")
	form.Set("status_page.token", statusToken)
	b.post(page, form).want(303)
	b.get(page).want(200).shows("Badges", "stored; write to replace it", "/status/badge/sms.svg?token=TOKEN").hides("hush-", "<img src=x")

	stranger.get("/status").want(401).shows("This page is for those who have its token").hides("sms", "That is not its token.", hostileTexts["rtl"])
	stranger.get("/status?token=wrong").want(401).shows("That is not its token.").hides("sms")
	shown := stranger.get("/status?token="+statusToken).want(200).shows(hostileTexts["rtl"], htmlText(hostileTexts["markup"]), "Operational", "No interruptions.").hides("<img src=x", "primary", "<script", g.sink.URL)
	if size := len(shown.body); size > 60_000 {
		t.Errorf("the page has %d bytes", size)
	}
	g.client(shopToken).get("/status").want(401)
	g.user("viewer").get("/status").want(200).hides("/settings/status")
	b.get("/status").want(200).shows("/settings/status")

	form = b.get(page).fields(page)
	form.Set("status_page.public", "on")
	form.Set("status_page.resources", "on")
	form.Set("do", "remove status_page.endpoints 0")
	form = b.post(page, form).want(200).fields(page)
	form.Del("do")
	b.post(page, form).want(303)
	stranger.get("/status").want(200).shows("primary", "backup").hides("mail", g.sink.URL)
	b.get(page).shows(`src="/status/badge/sms.svg"`, "[![O&#39;Neil").hides(".svg?token")
	if stored := g.manage(http.MethodGet, "/v1/config?secrets=plain", "", 200); !strings.Contains(stored, statusToken) {
		t.Error("the token was lost")
	}
	old := form
	b.post(page, old).want(409).shows("Somebody else saved this")
	g.user("viewer").get(page).want(200).shows("Only administrators").hides(">Save<", "Make one")
	indonesian := g.browser()
	indonesian.post("/preferences", url.Values{"lang": {"id"}})
	indonesian.get("/status").shows("Semuanya berjalan: pesan terkirim.", `lang="id"`)
}

// TestTheStatusPageSaysWhatIsWrong in words that visitors understand.
func TestTheStatusPageSaysWhatIsWrong(t *testing.T) {
	g := start(t)
	g.down("broken")
	g.manage(http.MethodPut, "/v1/config", `{version: 1, endpoints: [{path: page, resources: [broken]}, {path: both, resources: [broken, backup]}],
		settings: {status_page: {enabled: true, public: true, endpoints: [{path: page, name: Pager}, {path: both}, {path: mail}]}}}`, http.StatusOK)
	page := g.browser().get("/status").want(200)
	page.shows("Degraded", "Down", "Operational", "Messages are delivered, but not everywhere as usual.", "Messages are not delivered at the moment.", "on another way, or later")
	if !strings.Contains(page.body, "<h2>Pager</h2>") || strings.Contains(page.body, "broken") {
		t.Errorf("the page is %s", page.body)
	}
	g.manage(http.MethodPut, "/v1/config", `{version: 1, resources: [{name: backup, url: "`+g.sink.URL+`/backup", maintenance: [{from: 2020-01-01T00:00:00Z, until: 2090-01-01T00:00:00Z}]}]}`, http.StatusOK)
	g.browser().get("/status").want(200).shows("In maintenance", "Planned maintenance: messages are kept")
}
