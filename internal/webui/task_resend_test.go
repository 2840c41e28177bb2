package webui_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// shopTask makes a task of the client shop, for rows of the matrix.
func shopTask(suffix string) func(g *gateway, pattern string) string {
	return func(g *gateway, _ string) string {
		task := g.post(shopToken, "sms", message("inv-1", "prod", "hello"))
		g.settled(task)
		return "/tasks/" + id(task) + suffix
	}
}

func init() {
	maps.Copy(matrix, map[string]access{
		"GET /tasks/{id}/resend":  {nobody: 303, shop: 200, bank: 404, viewer: 403, operator: 200, admin: 200, path: shopTask("/resend")},
		"POST /tasks/{id}/resend": {nobody: 303, shop: 409, bank: 404, viewer: 403, operator: 409, admin: 409, path: shopTask("/resend")},
	})
}

// TestResend edits a message and sends it as a new task: what is wrong comes
// back as it was written, what would arrive twice has to be confirmed.
func TestResend(t *testing.T) {
	g := start(t)
	b := g.admin()
	old := g.post(shopToken, "sms", `{"ref":"inv-1","scope":"prod","phone":"+15550100","message":"hello","n":12345678901234567890}`)
	g.settled(old)
	path := "/tasks/" + id(old) + "/resend"
	b.get(path).want(http.StatusOK).shows("12345678901234567890", "It was delivered.", "Send it nevertheless", g.sink.URL+"/primary", "1. primary", "2. backup").hides("hush-header")

	wrong := url.Values{"payload": {`{"ref": ` + hostile}, "resource": {"backup"}}
	b.post(path, wrong).want(http.StatusConflict).shows("confirm that its message is to be sent again", "O&#39;Neil", `value="backup" selected`).hides("<img")
	wrong.Set("confirm", "on")
	b.post(path, wrong).want(http.StatusUnprocessableEntity).shows("Invalid JSON at line 1", `aria-invalid="true"`, "O&#39;Neil", `value="on" checked`)
	b.post(path, url.Values{"payload": {`{"ref":"x","scope":"y"}`}, "confirm": {"on"}}).want(http.StatusUnprocessableEntity).shows("Missing required parameter: phone")
	b.post(path, url.Values{"payload": {`{}`}, "resource": {"gone"}, "confirm": {"on"}}).want(http.StatusUnprocessableEntity)

	preview := b.post(path, url.Values{"do": {"preview"}, "payload": {`{"ref":"x","scope":"y","phone":"+1999","message":"edited"}`}})
	preview.want(http.StatusOK).shows("&#43;1999").hides("tasks/" + id(old+1))
	if strings.Contains(g.manage(http.MethodGet, "/v1/tasks", "", 200), "edited") {
		t.Error("a preview made a task")
	}

	sent := b.post(path, url.Values{"payload": {`{"ref":"inv-2","scope":"prod","phone":"+1999","message":"edited"}`}, "resource": {"backup"}, "confirm": {"on"}}).want(http.StatusSeeOther)
	if to := sent.header.Get("Location"); to != "/tasks/"+id(old+1) {
		t.Fatalf("leads to %s", to)
	}
	g.settled(old + 1)
	body := g.manage(http.MethodGet, "/v1/tasks/"+id(old+1), "", 200)
	if !strings.Contains(body, `"resource":"backup"`) || !strings.Contains(body, "edited") {
		t.Errorf("was sent otherwise: %s", body)
	}
	b.get(path).shows("It was delivered.")
}
