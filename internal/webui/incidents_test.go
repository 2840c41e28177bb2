package webui_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func init() {
	of := func(suffix string) func(g *gateway, pattern string) string {
		return func(g *gateway, _ string) string { return g.incident() + suffix }
	}
	staff := access{nobody: 303, shop: 404, bank: 404, viewer: 200, operator: 200, admin: 200}
	one := staff
	one.path = of("")
	maps.Copy(matrix, map[string]access{
		"GET /incidents":                   staff,
		"GET /incidents/count":             staff,
		"GET /incidents/resources":         staff,
		"GET /incidents/{id}":              one,
		"POST /incidents/{id}/acknowledge": {nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 303, admin: 303, path: of("/acknowledge")},
		"POST /incidents/{id}/note":        {nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 422, admin: 422, path: of("/note")},
	})
}

// down makes a resource of which a check says that it is down.
func (g *gateway) down(name string) (path string) {
	g.t.Helper()
	body, err := json.Marshal(map[string]any{
		"name": name, "url": "http://127.0.0.1:1/" + url.PathEscape(name),
		"health_check": map[string]any{"enabled": true, "interval": map[string]string{"min": "1h", "max": "2h"}},
	})
	if err != nil {
		g.t.Fatal(err)
	}
	g.manage(http.MethodPost, "/v1/resources", string(body), http.StatusCreated)
	path = g.resource(name)
	g.untilDown(path)
	return path
}

// incident gives the path of an incident that goes on.
func (g *gateway) incident() string {
	g.t.Helper()
	g.made++
	g.down(fmt.Sprintf("broken-%d", g.made))
	var list struct{ Items []struct{ ID int64 } }
	if err := json.Unmarshal([]byte(g.manage(http.MethodGet, "/v1/incidents?open=true", "", http.StatusOK)), &list); err != nil || len(list.Items) == 0 {
		g.t.Fatalf("no incident: %v", err)
	}
	return fmt.Sprintf("/incidents/%d", list.Items[0].ID)
}

// TestAnIncidentFromBeginningToEnd follows one that people take on, write
// about, and that ends, without a script.
func TestAnIncidentFromBeginningToEnd(t *testing.T) {
	g := start(t)
	name := hostileTexts["markup"]
	resource := g.down(name)
	admin, operator, viewer := g.admin(), g.user("operator"), g.user("viewer")
	list := operator.get("/incidents").want(200).shows(htmlText(name)+" is down", "Ongoing", "connection refused", ">Acknowledge<").hides("<img src=x")
	path := regexp.MustCompile(`/incidents/\d+`).FindString(list.content())
	viewer.get("/incidents").want(200).shows(htmlText(name)).hides(">Acknowledge<")
	viewer.get(path).want(200).hides(">Acknowledge<", "Add note", "Check now")
	operator.get("/").shows(`data-count-of="incident">1<`)

	operator.post(path+"/acknowledge", url.Values{"back": {"/incidents"}}).want(303)
	operator.get("/incidents").shows("operator-1 takes care of it").hides(">Acknowledge<")
	admin.post(path+"/acknowledge", nil).want(303)
	admin.get(path).want(200).shows("operator-1 takes care of it already.", "It goes on", "It began", `href="`+resource+`"`, "Check now", "1 outage<").hides("<img src=x")

	long := strings.Repeat("ä", 2001)
	operator.post(path+"/note", url.Values{"note": {long}}).want(422).shows(long, "has 2001 characters, and may have 2000", `aria-invalid="true"`)
	operator.post(path+"/note", url.Values{"note": {" "}}).want(422).shows("is missing")
	for _, text := range hostileTexts {
		operator.post(path+"/note", url.Values{"note": {text + "\r\nsecond line"}}).want(303)
		operator.get(path).shows(htmlText(text)+"\nsecond line", "operator-1 wrote").hides("<img src=x")
	}

	admin.post(resource+"/delete", url.Values{"version": {admin.get(resource + "/delete").value("version")}}).want(303)
	operator.get(path).want(200).shows(htmlText(name)+" was down", "It is over", "(deleted)").hides(`href="`+resource+`"`, "It goes on")
	operator.get("/incidents").want(200).shows("What was wrong").hides(">Ongoing</h2>", `data-count-of="incident">`)
	for _, none := range []string{"/incidents/999999", "/incidents/x", "/incidents/0"} {
		operator.get(none).want(404)
		operator.post(none+"/note", url.Values{"note": {"x"}}).want(404)
	}
}

func TestIncidentsAreNarrowedDownAndPaged(t *testing.T) {
	g := start(t)
	b := g.admin()
	b.get("/incidents").want(200).shows("No incidents yet")
	b.get("/incidents?state=ongoing").want(200).shows("Nothing is wrong")
	b.get("/incidents/resources").want(200).shows("Mean time to repair", "primary")
	for i := range 3 {
		g.down(fmt.Sprintf("r%d", i))
	}
	b.get("/incidents?resource=r1").want(200).shows(">r1 is down<").hides(">r2 is down<")
	b.get("/incidents?kind=endpoint.down").want(200).shows("No incident matches")
	b.get("/incidents?resource=gone").want(200).shows("No incident matches", `value="gone"`)
	b.get("/incidents?endpoint=sms&since=2020-01-01").want(200).shows("No incident matches")
	b.get("/incidents?state=over").want(200).hides(">r1 is down<")
	b.get("/incidents?state=nonsense").want(200).shows(">r1 is down<")
	b.get("/incidents?since=soon").want(422).shows("must be a date", `value="soon"`)
	b.get("/incidents?since=2030-01-05&until=2030-01-01").want(422).shows("must not be before since")
	b.get("/incidents?cursor=x").want(422)
	b.get("/incidents?until=2020-01-01").want(200).shows("No incident matches")
	b.get("/incidents/resources?span=nonsense&page=99").want(200).shows(`aria-current="true">30 days<`)
	b.get("/incidents/resources?span=24h").want(200).shows(`href="/incidents?resource=r1&amp;since=`)

	over := g.incident()
	gone := g.resource("broken-1") + "/delete"
	b.post(gone, url.Values{"version": {b.get(gone).value("version")}}).want(303)
	b.post(over+"/acknowledge", nil).want(303)
	b.get(over).want(200).shows("is closed: there is nothing to acknowledge")

	if got := b.get("/incidents/count").want(200); got.body != "3" {
		t.Errorf("the count alone is %q", got.body)
	}
}
