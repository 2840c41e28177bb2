package webui_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func init() {
	only := func(admin int, path func(g *gateway, pattern string) string) access {
		return access{nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: admin, path: path}
	}
	user := func(suffix string) func(g *gateway, _ string) string {
		return func(g *gateway, _ string) string {
			return fmt.Sprintf("/settings/users/%d%s", int64(g.listed("/v1/users", "name", "admin")["id"].(float64)), suffix)
		}
	}
	token := func(suffix string) func(g *gateway, _ string) string {
		return func(g *gateway, _ string) string {
			g.made++
			name := fmt.Sprintf("token-%d", g.made)
			g.manage(http.MethodPost, "/v1/tokens", fmt.Sprintf(`{"name":%q,"role":"viewer"}`, name), http.StatusCreated)
			return fmt.Sprintf("/settings/tokens/%d%s", int64(g.listed("/v1/tokens?limit=200", "name", name)["id"].(float64)), suffix)
		}
	}
	maps.Copy(matrix, map[string]access{
		"GET /settings/users":               only(200, nil),
		"GET /settings/users/new":           only(200, nil),
		"POST /settings/users/new":          only(422, nil),
		"GET /settings/users/{id}":          only(200, user("")),
		"POST /settings/users/{id}":         only(409, user("")),
		"GET /settings/users/{id}/delete":   only(200, user("/delete")),
		"POST /settings/users/{id}/delete":  only(409, user("/delete")),
		"GET /settings/tokens":              only(200, nil),
		"GET /settings/tokens/new":          only(200, nil),
		"POST /settings/tokens/new":         only(422, nil),
		"GET /settings/tokens/{id}":         only(200, token("")),
		"POST /settings/tokens/{id}":        only(409, token("")),
		"GET /settings/tokens/{id}/delete":  only(200, token("/delete")),
		"POST /settings/tokens/{id}/delete": only(409, token("/delete")),
	})
}

// TestUsers makes, changes and deletes users without a script.
func TestUsers(t *testing.T) {
	g := start(t)
	b := g.admin()
	for name, text := range hostileTexts {
		got := b.post("/settings/users/new", url.Values{"name": {text}, "role": {"viewer"}, "password": {"hush-long-enough"}}).want(422)
		got.shows("may have letters, digits").hides("<img src=x", "hush-long-enough")
		if !strings.Contains(got.body, htmlText(text)) {
			t.Errorf("%s: the name is not kept", name)
		}
	}
	b.post("/settings/users/new", url.Values{"name": {"Admin"}, "role": {"viewer"}, "password": {"hush-long-enough"}}).want(422).shows("there is another user")
	b.post("/settings/users/new", url.Values{"name": {"ops"}, "role": {"owner"}, "password": {"short"}}).want(422).shows("must be admin, operator or viewer", "password")
	b.post("/settings/users/new", url.Values{"name": {"ops"}, "role": {"operator"}, "password": {"hush-long-enough"}}).want(303)
	path := regexp.MustCompile(`href="(/settings/users/\d+)">ops<`).FindStringSubmatch(b.get("/settings/users").want(200).shows("ops can sign in now.").body)[1]
	ops := g.signedIn(url.Values{"name": {"ops"}, "password": {"hush-long-enough"}})

	form := sent(b.get(path).want(200), "name", "ops-2", "role", "viewer", "password", "")
	b.post(path, form).want(303)
	ops.get("/settings").want(200).shows("ops-2")
	b.post(path, form).want(409).shows("changed by somebody else", "Save mine")
	b.post(path, sent(b.get(path), "password", "hush-another-one")).want(303)
	ops.get("/settings").want(303)

	self := regexp.MustCompile(`href="(/settings/users/\d+)">admin<`).FindStringSubmatch(b.get("/settings/users").body)[1]
	b.post(self, sent(b.get(self), "role", "viewer", "password", "")).want(422).shows("last active administrator")
	b.post(self+"/delete", sent(b.get(self+"/delete"))).want(422).shows("last active administrator")
	b.post(path+"/delete", sent(b.get(path+"/delete"))).want(303)
	b.get(path).want(404)
}

// TestTokens makes an API token, which is shown once, changes and deletes it.
func TestTokens(t *testing.T) {
	g := start(t)
	b := g.admin()
	b.get("/settings/tokens").want(200).shows("No API tokens yet")
	b.post("/settings/tokens/new", url.Values{"name": {"x"}, "role": {"viewer"}, "lifetime": {"date"}, "expires_at": {"soon"}}).want(422).shows("must be a date", `value="soon"`)
	b.post("/settings/tokens/new", url.Values{"name": {"x"}, "role": {"viewer"}, "lifetime": {"date"}, "expires_at": {"2020-01-01"}}).want(422).shows("must be in the future")
	name := hostileTexts["markup"]
	made := b.post("/settings/tokens/new", url.Values{"name": {name}, "role": {"viewer"}, "lifetime": {"30"}}).want(200).hides("<img src=x")
	secret := regexp.MustCompile(`value="(dpya_[^"]+)"`).FindStringSubmatch(made.body)
	if secret == nil {
		t.Fatalf("no token is shown: %.1000s", made.content())
	}
	path := regexp.MustCompile(`action="(/settings/tokens/\d+)"`).FindStringSubmatch(made.body)[1]
	request := func(want int) {
		t.Helper()
		if got := g.browser().do(http.MethodGet, "/v1/resources", "", "", http.Header{"Authorization": {"Bearer " + secret[1]}}); got.status != want {
			t.Errorf("the token gets %d, want %d", got.status, want)
		}
	}
	request(200)
	b.get("/settings/tokens").want(200).shows(htmlText(name)).hides(secret[1], "<img src=x")
	form := sent(b.get(path).want(200).hides(secret[1]), "name", "deployment", "lifetime", "date", "expires_at", "2020-01-01")
	b.post(path, form).want(303)
	b.get("/settings/tokens").shows("ended")
	request(401)
	b.post(path, form).want(409).shows("Save mine")
	b.post(path+"/delete", sent(b.get(path+"/delete"))).want(303)
	b.get("/settings/tokens").shows("No API tokens yet")
}
