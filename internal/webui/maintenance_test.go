package webui_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func init() {
	fresh := func(below string) func(*gateway, string) string {
		return func(g *gateway, _ string) string { return g.newResource() + below }
	}
	admins := func(admin int, below string) access {
		return access{nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: admin, path: fresh(below)}
	}
	maps.Copy(matrix, map[string]access{
		"GET /resources/{id}/maintenance":      admins(200, "/maintenance"),
		"POST /resources/{id}/maintenance":     admins(422, "/maintenance"),
		"POST /resources/{id}/maintenance/end": admins(303, "/maintenance/end"),
	})
}

// TestMaintenanceIsSaidEverywhere starts and ends it without a script, and finds
// it on every page that shows the resource.
func TestMaintenanceIsSaidEverywhere(t *testing.T) {
	g := start(t)
	b, viewer := g.admin(), g.user("viewer")
	resource := g.resource("primary")
	page := resource + "/maintenance"
	form := b.get(page).want(200).shows("backup takes the messages.", "Start maintenance", `value="1h"`).fields(page)
	note := hostileTexts["markup"]
	form.Set("note", note)
	for text, want := range map[string]string{"": "Say how long it takes", "soon": "must be a number and a unit", "-1h": ""} {
		form.Set("for", text)
		b.post(page, form).want(422).shows(htmlText(note), want).hides("<img src=x")
	}
	form.Set("for", "2h")
	form.Set("note", strings.Repeat("x", 10_000))
	b.post(page, form).want(422).shows("must have at most", `id="f-note-error"`)
	form.Set("note", note)
	form.Set("from", "tomorrow")
	b.post(page, form).want(422).shows("must be a time like", `value="tomorrow"`)
	form.Set("from", time.Now().UTC().Add(48*time.Hour).Format("2006-01-02T15:04"))
	b.post(page, form).want(303)
	b.get(resource).want(200).shows("Maintenance is planned.", htmlText(note)).hides("In maintenance", "<img src=x")
	form.Del("from")
	b.post(page, form).want(303)
	b.get(resource).want(200).shows("In maintenance: it gets no messages", "is in maintenance: it gets no messages and no checks", "End it now", htmlText(note), ">Undo<").hides("<img src=x")
	viewer.get(resource).want(200).shows("In maintenance: it gets no messages").hides("End it now")
	viewer.get("/resources").want(200).shows("In maintenance", "until")
	viewer.get("/").want(200).shows("primary is in maintenance; backup takes over.", "until")
	viewer.get("/endpoints").want(200).shows("(in maintenance)")
	viewer.get(fmt.Sprintf("/endpoints/%d", int64(g.listed("/v1/endpoints", "path", "sms")["id"].(float64)))).want(200).shows("In maintenance", "until")

	b.post(page+"/end", url.Values{"back": {"/resources"}}).want(303)
	b.get("/resources").want(200).shows("The maintenance of primary is over.", ">Undo<").hides(">In maintenance<")
	b.post(page, url.Values{"until": {time.Now().UTC().Add(time.Hour).Format("2006-01-02T15:04")}, "note": {note}}).want(303)
	b.get(resource).want(200).shows("In maintenance: it gets no messages")
	b.post(page+"/end", nil).want(303)
	b.post(page+"/end", nil).want(303)
	b.get(resource).want(200).shows("the resource is not in maintenance")
	if stored := g.manage(http.MethodGet, "/v1"+resource, "", 200); !strings.Contains(stored, `"maintenance"`) {
		t.Errorf("what was worked is not kept: %s", stored)
	}

	backup := g.resource("backup")
	b.post(backup+"/maintenance", url.Values{"for": {"1h"}}).want(303)
	viewer.get("/").want(200).shows("backup is in maintenance.")
	b.get("/resources/999999/maintenance").want(404)
	b.post("/resources/999999/maintenance/end", nil).want(404)
}
