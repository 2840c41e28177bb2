package webui_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func init() {
	one := func(below string) func(*gateway, string) string {
		return func(g *gateway, _ string) string { return g.notification() + below }
	}
	staff := access{nobody: 303, shop: 404, bank: 404, viewer: 200, operator: 200, admin: 200}
	shown := staff
	shown.path = one("")
	maps.Copy(matrix, map[string]access{
		"GET /incidents/notifications":             staff,
		"GET /incidents/notifications/{id}":        shown,
		"POST /incidents/notifications/{id}/retry": {nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 303, admin: 303, path: one("/retry")},
	})
}

// tellers are two channels: one that somebody listens to, and one that gives up
// at once.
func (g *gateway) tellers() {
	g.t.Helper()
	g.manage(http.MethodPut, "/v1/config", fmt.Sprintf(`{version: 1, settings: {alerts: {channels: [
		{name: chat, group_for: 1s, group_by: incident, webhook: {url: "%s/told", payload: {title: "{title}"}}},
		{name: pager, group_for: 1s, group_by: incident, webhook: {url: "http://127.0.0.1:1/", retries: 0}}]}}}`, g.sink.URL), http.StatusOK)
}

// notified waits until as many notifications are finished, and gives their ids,
// newest first.
func (g *gateway) notified(want int) []int64 {
	g.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		var list struct{ Items []struct{ ID int64 } }
		answer := g.manage(http.MethodGet, "/v1/notifications?status=sent,failed,dropped&limit=200", "", http.StatusOK)
		if err := json.Unmarshal([]byte(answer), &list); err != nil {
			g.t.Fatal(err)
		}
		if len(list.Items) >= want {
			ids := make([]int64, len(list.Items))
			for i := range ids {
				ids[i] = list.Items[i].ID
			}
			return ids
		}
		if time.Now().After(deadline) {
			g.t.Fatalf("%d notifications are wanted: %s", want, g.manage(http.MethodGet, "/v1/notifications", "", http.StatusOK))
		}
		time.Sleep(20 * time.Millisecond) // between two looks, not for something to happen
	}
}

// notification gives the path of a notification that was given up.
func (g *gateway) notification() string {
	g.t.Helper()
	if !strings.Contains(g.settings(), `"name":"pager"`) {
		g.tellers()
		g.down("told-of")
		g.notified(2)
	}
	return fmt.Sprintf("/incidents/notifications/%d", int64(g.listed("/v1/notifications?channel=pager", "via", "webhook")["id"].(float64)))
}

// TestWhoWasToldWhat follows what people are told to all places that show it.
func TestWhoWasToldWhat(t *testing.T) {
	g := start(t)
	admin, operator, viewer := g.admin(), g.user("operator"), g.user("viewer")
	admin.get("/incidents/notifications").want(200).shows("Nobody was told anything yet", "Say who is told")
	viewer.get("/incidents/notifications").want(200).hides("Say who is told</a></div>")
	g.tellers()
	name := hostileTexts["markup"]
	resource := g.down(name)
	ids := g.notified(2)
	list := operator.get("/incidents/notifications").want(200).shows(htmlText(name), "Sent", "Given up", "chat", "pager", "connection refused", ">Send again<").hides("<img src=x")
	viewer.get("/incidents/notifications").want(200).shows(htmlText(name)).hides(">Send again<")
	if strings.Count(list.content(), "data-row") != 2 {
		t.Errorf("the list has %d rows", strings.Count(list.content(), "data-row"))
	}
	operator.get("/incidents/notifications?state=sent").want(200).shows("chat").hides("connection refused")
	operator.get("/incidents/notifications?state=failed&channel=pager").want(200).shows("connection refused")
	operator.get("/incidents/notifications?channel=chat").want(200).hides("connection refused")
	operator.get("/incidents/notifications?state=waiting").want(200).shows("No notification matches")
	operator.get("/incidents/notifications?incident=1").want(200).shows("connection refused")
	operator.get("/incidents/notifications?incident=x").want(422).shows("must be a whole number")
	operator.get("/incidents/notifications?cursor=x").want(422)
	operator.get("/incidents/notifications?channel="+url.QueryEscape(name)).want(200).shows("No notification matches", htmlText(name)).hides("<img src=x")

	operator.get("/incidents/1").want(200).shows("Who is told", "Given up", "connection refused", ">Send again<", "People were told")
	operator.get(resource).want(200).shows("told-list", "pager", "Given up")
	path := g.notification()
	operator.get(path).want(200).shows(htmlText(name), "What it tells of", "Resource down", "connection refused", "pager").hides("<img src=x")
	viewer.get(path).want(200).hides(">Send again<")
	operator.post(path+"/retry", url.Values{"back": {"/incidents/1"}}).want(303)
	operator.get("/incidents/1").shows("It is sent again.")
	g.notified(2)
	sent := fmt.Sprintf("/incidents/notifications/%d", ids[0]+ids[1]-idOf(t, path))
	operator.get(sent).want(200).shows("Sent", `href="/incidents/1"`).hides(">Send again<")
	operator.post(sent+"/retry", nil).want(303)
	operator.get("/").shows("toast fail")
	for _, none := range []string{"999999", "x", "0"} {
		operator.get("/incidents/notifications/" + none).want(404)
		operator.post("/incidents/notifications/"+none+"/retry", nil).want(404)
	}
}

func idOf(t *testing.T, path string) (id int64) {
	t.Helper()
	if _, err := fmt.Sscanf(path, "/incidents/notifications/%d", &id); err != nil {
		t.Fatal(err)
	}
	return id
}
