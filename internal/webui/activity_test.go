package webui_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func init() {
	matrix["GET /activity"] = access{nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: 200}
}

// TestActivity reads what was done, narrows it down and pages through it.
func TestActivity(t *testing.T) {
	g := start(t)
	b := g.admin()
	name := hostileTexts["markup"]
	b.post("/clients/new", url.Values{"name": {name}, "description": {"first"}}).want(200)
	path := fmt.Sprintf("/clients/%d", g.clientID(name))
	b.post(path, url.Values{"name": {name}, "description": {"second"}, "version": {b.get(path).value("version")}}).want(303)
	g.browser().post("/login", url.Values{"name": {"admin"}, "password": {"hush-wrong"}}).want(401)

	b.get("/activity").want(200).shows("created", "changed", htmlText(name), "Before and after", `class="del">-   &#34;description&#34;: &#34;first`, `class="add">+   &#34;description&#34;: &#34;second`, "was refused at sign in").
		hides("<img src=x", "hush-header", "hush-wrong", password)
	b.get("/activity?kind=client&object="+strings.TrimPrefix(path, "/clients/")).want(200).shows("Only what is about", "second").hides("</strong> signed in")
	b.get("/activity?by=nobody").want(200).shows("was refused").hides("created</")
	b.get("/activity?since=2100-01-01").want(200).shows("Nothing was done")
	b.get("/activity?since=soon").want(422).shows("must be a date", `value="soon"`)
	b.get("/activity?object=x").want(422).shows("must be a number")
	b.get("/activity?cursor=x").want(422)
	b.get("/activity?since=2030-01-02&until=2030-01-01").want(200)
	b.get("/activity?since=2030-01-05&until=2030-01-01").want(422).shows("must not be before since")
}

func TestActivityIsPaged(t *testing.T) {
	g := start(t)
	b := g.admin()
	for i := range 60 {
		g.manage("POST", "/v1/clients", fmt.Sprintf(`{"name":"client-%02d"}`, i), 201)
	}
	older := regexp.MustCompile(`href="(/activity\?cursor=\d+)"`)
	seen := map[string]int{}
	for page := b.get("/activity"); ; {
		for i := range 60 {
			if strings.Contains(page.content(), fmt.Sprintf(">client-%02d<", i)) {
				seen[fmt.Sprint(i)]++
			}
		}
		next := older.FindStringSubmatch(page.content())
		if next == nil {
			page.shows("Newest")
			break
		}
		page = b.get(next[1]).want(200)
	}
	if len(seen) != 60 {
		t.Errorf("%d of 60 were seen: %v", len(seen), seen)
	}
	for name, times := range seen {
		if times != 1 {
			t.Errorf("%s was seen %d times", name, times)
		}
	}
}
