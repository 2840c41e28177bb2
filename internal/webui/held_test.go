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
	maps.Copy(matrix, map[string]access{
		"GET /held":         {nobody: 303, shop: 200, bank: 200, viewer: 200, operator: 200, admin: 200},
		"GET /held/count":   {nobody: 303, shop: 200, bank: 200, viewer: 200, operator: 200, admin: 200},
		"POST /held":        {nobody: 303, shop: 303, bank: 303, viewer: 403, operator: 303, admin: 303, form: url.Values{"do": {"send"}, "id": {"999"}}},
		"POST /held/switch": {nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: 404, form: url.Values{"kind": {"client"}, "id": {"999"}}},
	})
}

// hold switches the hold of the client shop, by the management API.
func (g *gateway) hold(on bool) {
	g.t.Helper()
	g.manage(http.MethodPut, "/v1/config", fmt.Sprintf("version: 1\nclients: [{name: shop, endpoints: [sms], dev: {hold: %t}}]\n", on), http.StatusOK)
}

// input gives the value of a hidden field.
func (a *answer) input(name string) string {
	a.t.Helper()
	match := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(a.body)
	if match == nil {
		a.t.Fatalf("there is no field %s: %.2000s", name, a.body)
	}
	return match[1]
}

// TestHeldQueue goes through the queue without a script: oldest first, what
// would be sent, release, discard and back, release all.
func TestHeldQueue(t *testing.T) {
	g := start(t)
	b := g.admin()
	b.get("/held").want(http.StatusOK).shows("Nothing is held").hides("Turn off")
	g.hold(true)
	var ids []int64
	for i := range 4 {
		ids = append(ids, g.post(shopToken, "sms", message(fmt.Sprintf("inv-%d", i), "prod", hostile)))
	}
	page := b.get("/held").want(http.StatusOK)
	page.shows("Client shop holds everything.", "4 tasks wait.", "Turn off", "client shop holds its tasks", g.sink.URL+"/primary", "[redacted]", "&lt;img onerror")
	page.hides("hush-header", "<img onerror")
	b.get("/").shows(`data-count-of="held">4<`)
	g.client(bankToken).get("/").shows(`data-count-of="held" hidden><`)
	if first, last := strings.Index(page.body, "inv-0"), strings.Index(page.body, "inv-3"); first > last {
		t.Error("not the oldest first")
	}
	if next := page.input("next"); next != id(ids[1]) {
		t.Errorf("after the first comes %s", next)
	}

	done := b.post("/held", url.Values{"do": {"send"}, "id": {id(ids[0])}, "next": {id(ids[1])}}).want(http.StatusSeeOther)
	if to := done.header.Get("Location"); to != "/held?task="+id(ids[1]) {
		t.Errorf("after the release comes %s", to)
	}
	b.get("/held?task="+id(ids[1])).shows("1 task released.", "autofocus", "3 tasks wait.")
	if state := g.settled(ids[0]); state != "success" {
		t.Errorf("the released task is %s", state)
	}

	b.post("/held", url.Values{"do": {"delete"}, "id": {id(ids[1])}, "next": {id(ids[2])}}).want(http.StatusSeeOther)
	toast := b.get("/held").shows("1 task deleted.", "Undo", "2 tasks wait.")
	b.post("/tasks/restore", url.Values{"ids": {toast.input("ids")}}).want(http.StatusSeeOther)
	b.get("/held").shows("1 task restored.", "3 tasks wait.")

	all := url.Values{"do": {"send"}, "all": {"1"}, "q": {page.input("q")}, "back": {"/held"}}
	b.post("/tasks", all).want(http.StatusOK).shows("Release 3 tasks", "status:held")
	all.Set("confirmed", "1")
	b.post("/tasks", all).want(http.StatusSeeOther)
	b.get("/held").shows("3 tasks released.", "Nothing is held")
}

// TestHoldIsTurnedOff is done by those who may, and taken back.
func TestHoldIsTurnedOff(t *testing.T) {
	g := start(t)
	g.hold(true)
	g.user("operator").get("/held").want(http.StatusOK).shows("Client shop holds everything.").hides("Turn off")
	b := g.client(shopToken)
	page := b.get("/held").shows("Everything you send is held.", "Turn off")
	off := url.Values{"kind": {page.input("kind")}, "id": {page.input("id")}, "version": {page.input("version")}}
	g.client(bankToken).post("/held/switch", off).want(http.StatusNotFound)
	g.user("operator").post("/held/switch", off).want(http.StatusForbidden)
	b.post("/held/switch", off).want(http.StatusSeeOther)
	page = b.get("/held").shows("New tasks are sent at once.", "Undo").hides("Everything you send is held.")
	b.post("/held/switch", url.Values{"kind": {"client"}, "id": {page.input("id")}, "version": {page.input("version")}, "hold": {"on"}}).want(http.StatusSeeOther)
	b.get("/held").shows("New tasks are held again.", "Everything you send is held.")
	b.post("/held/switch", off).want(http.StatusConflict) // of a version that is gone

	g.manage(http.MethodPut, "/v1/config", strings.ReplaceAll(`version: 1
endpoints: [{path: mail, resources: [backup], dev: {enabled: true, hold: true}}]`, "$sink", g.sink.URL), http.StatusOK)
	admin := g.admin()
	page = admin.get("/held").shows("Endpoint mail holds everything.", "Client shop holds everything.")
	g.client(bankToken).get("/held").hides("Turn off", "shop")
	endpoint := regexp.MustCompile(`value="endpoint"><input type="hidden" name="id" value="(\d+)"><input type="hidden" name="version" value="(\d+)"`).FindStringSubmatch(page.body)
	admin.post("/held/switch", url.Values{"kind": {"endpoint"}, "id": {endpoint[1]}, "version": {endpoint[2]}}).want(http.StatusSeeOther)
	admin.get("/held").hides("Endpoint mail holds everything.")
}

// TestAClientInspectsItsOwn sees no provider and nothing of others.
func TestAClientInspectsItsOwn(t *testing.T) {
	g := start(t)
	g.hold(true)
	g.post(shopToken, "sms", message("inv-1", "prod", "hello"))
	b := g.client(shopToken)
	b.get("/held").want(http.StatusOK).shows("inv-1", "hello", "Release").hides(g.sink.URL, "primary SMS", "1. primary", "2. backup", "X-Key")
	g.client(bankToken).get("/held").want(http.StatusOK).shows("Nothing is held").hides("inv-1")
}
