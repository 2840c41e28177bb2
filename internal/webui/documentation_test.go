package webui_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func init() {
	everybody := access{nobody: 303, shop: 200, bank: 200, viewer: 200, operator: 200, admin: 200}
	maps.Copy(matrix, map[string]access{
		"GET /documentation":          everybody,
		"GET /documentation/explorer": everybody,
		"POST /documentation":         {nobody: 303, shop: 404, bank: 404, viewer: 404, operator: 404, admin: 404},
		"POST /documentation/try/{path...}": {nobody: 303, shop: 403, bank: 403, viewer: 404, operator: 404, admin: 404,
			path: func(*gateway, string) string { return "/documentation/try/sms" }},
	})
}

// TestDocumentation: clients read of their own endpoints only, and nothing of
// providers.
func TestDocumentation(t *testing.T) {
	g := start(t)
	g.admin().get("/documentation").want(200).shows("/api/sms", "/api/mail").hides("hush-header", "Try it<")
	shop := g.client(shopToken)
	shop.get("/documentation").want(200).
		shows("/api/sms", "phone", "&#43;12025550142", "curl --fail-with-body", "request.Header.Set", "X-API-Token", "Payload must include", "Try it").
		hides("/api/mail", "primary&#34;", "backup", "hush-header", g.sink.URL, shopToken)
	g.manage(http.MethodPut, "/v1/config?prune=true", "version: 1\n", 200)
	g.admin().get("/documentation").want(200).shows("Nothing to document yet")
}

func TestManyEndpointsAreShownOneAtATime(t *testing.T) {
	g := start(t)
	for i := range 8 {
		g.manage(http.MethodPost, "/v1/endpoints", fmt.Sprintf(`{"path":"e%d","description":%q}`, i, hostileTexts["markup"]), 201)
	}
	b := g.admin()
	page := b.get("/documentation").want(200).hides("<img src=x")
	if n := strings.Count(page.body, `class="card endpoint-card"`); n != 1 {
		t.Errorf("%d endpoints are shown at once", n)
	}
	b.get("/documentation?endpoint=x").want(200)
	e3 := int64(g.listed("/v1/endpoints?limit=200", "path", "e3")["id"].(float64))
	b.get(fmt.Sprintf("/documentation?endpoint=%d", e3)).want(200).shows(fmt.Sprintf(`id="endpoint-%d"`, e3), htmlText(hostileTexts["markup"]))
}

// TestTryWithoutAScript sends a message as the client that signed in.
func TestTryWithoutAScript(t *testing.T) {
	g := start(t)
	shop := g.client(shopToken)
	sms, mail := int64(g.listed("/v1/endpoints", "path", "sms")["id"].(float64)), int64(g.listed("/v1/endpoints", "path", "mail")["id"].(float64))
	try := func(endpoint int64, payload, key string) *answer {
		t.Helper()
		return shop.post("/documentation", url.Values{"endpoint": {id(endpoint)}, "payload": {payload}, "idempotency_key": {key}})
	}
	try(sms, `{"ref":"a"}`, "").want(422).shows("Payload must include", "{&#34;ref&#34;:&#34;a&#34;}")
	try(sms, hostileTexts["markup"], "").want(422).shows(htmlText(hostileTexts["markup"])).hides("<img src=x")
	good := `{"ref":"a","scope":"b","phone":"1"}`
	try(sms, good, "ü").want(422).shows("printable ASCII")
	first := try(sms, good, "key-1").want(200).shows("queued", "/tasks/1")
	if first.value("csrf") == "" {
		t.Error("no form")
	}
	try(sms, good, "key-1").want(200).shows("/tasks/1", "an earlier message with this key")
	try(mail, good, "").want(404)
	g.settled(1)
}

// TestExplorerPostsAsTheClient: the route of the explorer answers like the real
// one, for scripts of our own pages only, and with the session's client whatever
// token comes along.
func TestExplorerPostsAsTheClient(t *testing.T) {
	g := start(t)
	shop := g.client(shopToken)
	post := func(path, body, csrf string, header http.Header) *answer {
		t.Helper()
		h := http.Header{"X-Csrf-Token": {csrf}}
		maps.Copy(h, header)
		return shop.do(http.MethodPost, "/documentation/try/"+path, "application/json", body, h)
	}
	csrf, good := shop.csrf(), `{"ref":"a","scope":"b","phone":"1"}`
	post("sms", good, "", nil).want(403)
	post("sms", good, "guessed", nil).want(403)
	post("sms", good, csrf, http.Header{"Sec-Fetch-Site": {"cross-site"}}).want(403)
	for path, want := range map[string][2]any{
		"sms": {200, `{"status":"queued","task_id":`}, "mail": {403, "Invalid API token for this endpoint"}, "gone": {404, "Endpoint not found"},
	} {
		if got := post(path, good, csrf, http.Header{"X-Api-Token": {bankToken}}); got.status != want[0] || !strings.Contains(got.body, want[1].(string)) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	post("sms", "{", csrf, nil).want(400).shows("Invalid JSON")
	g.manage(http.MethodPatch, "/v1/endpoints/"+id(int64(g.listed("/v1/endpoints", "path", "sms")["id"].(float64))), fmt.Sprintf(`{"max_body":100,"version":%v}`, g.listed("/v1/endpoints", "path", "sms")["version"]), 200)
	post("sms", `{"ref":"a","scope":"b","phone":"`+strings.Repeat("1", 100)+`"}`, csrf, nil).want(413)
	if token := shop.get("/documentation/explorer").want(200); strings.Contains(token.body, shopToken) {
		t.Error("the token is in the page")
	}
}
