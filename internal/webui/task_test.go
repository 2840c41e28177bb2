package webui_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func init() {
	maps.Copy(matrix, map[string]access{
		"GET /tasks/{id}":  {nobody: 303, shop: 200, bank: 404, viewer: 200, operator: 200, admin: 200, path: shopTask("")},
		"POST /tasks/{id}": {nobody: 303, shop: 303, bank: 404, viewer: 403, operator: 303, admin: 303, form: url.Values{"do": {"delete"}}, path: shopTask("")},
	})
}

// refusing adds an endpoint "hostile" whose only resource refuses everything
// with an answer that no page may let run, and lets the client shop use it.
func (g *gateway) refusing() {
	g.t.Helper()
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Answer", "<b>answered</b>")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "<script>alert(1)</script>"+hostile+strings.Repeat("ä", 10_000))
	}))
	g.t.Cleanup(provider.Close)
	g.manage(http.MethodPut, "/v1/config", fmt.Sprintf(`version: 1
resources: [{name: "R <b>&amp;", url: %q, headers: {X-Key: hush-header}}]
endpoints: [{path: hostile, resources: ["R <b>&amp;"]}]
clients: [{name: shop, endpoints: [sms, hostile]}]
`, provider.URL+"/<x>?token=hush-query"), http.StatusOK)
}

func TestTaskPageTellsWhatHappened(t *testing.T) {
	g := start(t)
	task := g.post(shopToken, "sms", `{"ref":"inv-1","scope":"prod","phone":"+15550100","message":"hello","n":12345678901234567890}`)
	g.settled(task)
	b := g.admin()
	path := "/tasks/" + id(task)
	page := b.get(path).want(http.StatusOK)
	page.shows("inv-1", "Received from shop for sms", "Attempt 1 at primary", "Number 1 of 2 in the order", "Delivered by primary", "200 OK",
		g.sink.URL+"/primary", "[redacted]", "curl --globoff", "12345678901234567890", "Total time", "Send again", "Delete")
	page.hides("hush-header", "Retry now", ">Stop<")
	b.get(path+"?tab=target").want(http.StatusOK).shows("&#34;to&#34;", "primary", "backup").hides("Not sent to it.")
	b.get(path+"?tab=target&resource=backup").shows("Not sent to it. This is what would be sent now.", "12345678901234567890")
	b.get(path+"?tab=diff").shows(`<span class="del">`, `<span class="add">`)
	b.get(path + "?tab=diff&resource=backup").shows("What is sent is what came.")
	b.get(path + "?tab=nonsense&resource=" + url.QueryEscape(hostile) + "&attempt=x").want(http.StatusOK).shows("inv-1")
	b.get("/tasks/999").want(http.StatusNotFound)
	b.get("/tasks/x").want(http.StatusNotFound)
}

// TestTaskPageShowsHostileTextAsText, all of it.
func TestTaskPageShowsHostileTextAsText(t *testing.T) {
	g := start(t)
	g.refusing()
	ref, scope := hostile, strings.Repeat("s", 255)
	message, err := json.Marshal(map[string]string{"ref": ref, "scope": scope, hostile: strings.Repeat("€", 10_000) + "end", "x": "</pre><script>alert(2)</script>"})
	if err != nil {
		t.Fatal(err)
	}
	task := g.post(shopToken, "hostile", string(message))
	if state := g.settled(task); state != "failed" {
		t.Fatalf("the task is %s", state)
	}
	b := g.admin()
	for _, path := range []string{"/tasks", "/tasks/" + id(task), "/tasks/" + id(task) + "?tab=target", "/tasks/" + id(task) + "?tab=diff", "/tasks/" + id(task) + "/resend", "/tasks?q=" + url.QueryEscape(`"`+hostile+`"`)} {
		b.get(path).hides("<script>alert", "<img onerror", "hush-header", "hush-query", "<b>")
	}
	page := b.get("/tasks/" + id(task)).want(http.StatusOK)
	page.shows("O&#39;Neil", strings.Repeat("€", 10_000)+"end", "&lt;script&gt;alert(1)&lt;/script&gt;", strings.Repeat("ä", 10_000), scope,
		"&lt;b&gt;answered&lt;/b&gt;", "400 Bad Request", "refused by every resource", "Retry now")
}

// TestTaskActs goes through what can be done with a task, without a script.
func TestTaskActs(t *testing.T) {
	g := start(t)
	g.refusing()
	task := g.post(shopToken, "hostile", message("inv-1", "prod", "x"))
	g.settled(task)
	b := g.admin()
	path := "/tasks/" + id(task)
	b.get(path).shows("Retry now", "Retry through R &lt;b&gt;&amp;amp;", "Edit and resend", "Delete").hides(">Stop<")

	b.post(path, url.Values{"do": {"retry"}}).want(http.StatusSeeOther)
	g.settled(task)
	b.get(path).shows("1 task retried.", "Retried by admin", "Attempt 2")

	b.post(path, url.Values{"do": {"send"}}).want(http.StatusSeeOther) // it is not held
	b.get(path).shows("only held tasks can be sent")
	b.post(path, url.Values{"do": {"claim"}}).want(http.StatusUnprocessableEntity)

	through := b.post(path, url.Values{"through": {"R <b>&amp;"}}).want(http.StatusSeeOther)
	again := task + 1
	if to := through.header.Get("Location"); to != "/tasks/"+id(again) {
		t.Fatalf("a retry through a resource leads to %s", to)
	}
	g.settled(again)
	b.get("/tasks/"+id(again)).shows("Sent again as the new task", "Sent again from", "Made by admin from another task", `href="/tasks/`+id(task)+`"`)
	b.get(path).shows("Sent again as", `href="/tasks/`+id(again)+`"`)
	b.post(path, url.Values{"through": {"gone"}}).want(http.StatusSeeOther) // it was sent again: confirm
	b.post("/tasks/"+id(again), url.Values{"through": {"gone"}}).want(http.StatusUnprocessableEntity)

	gone := b.post(path, url.Values{"do": {"delete"}, "q": {"scope:prod"}}).want(http.StatusSeeOther)
	if to := gone.header.Get("Location"); to != "/tasks?q=scope:prod" {
		t.Errorf("after deleting comes %s", to)
	}
	list := b.get("/tasks?q=scope:prod").shows("1 task deleted.", "Undo")
	b.get(path).want(http.StatusNotFound)
	b.post("/tasks/restore", url.Values{"ids": {list.input("ids")}, "back": {list.input("back")}}).want(http.StatusSeeOther)
	b.get(path).want(http.StatusOK).shows("1 task restored.", "Restored by admin")
}

func TestAHeldTaskIsReleasedFromItsPage(t *testing.T) {
	g := start(t)
	g.hold(true)
	task := g.post(shopToken, "sms", message("inv-1", "prod", "x"))
	b := g.client(shopToken)
	path := "/tasks/" + id(task)
	b.get(path).shows("Held", "client shop holds its tasks", "Release", "Edit and release", "Discard").hides("Retry now", "1. primary", "at primary", g.sink.URL)
	b.post(path, url.Values{"do": {"stop"}}).want(http.StatusSeeOther)
	b.get(path).shows("Stopped by shop", "Retry now")
	b.post(path, url.Values{"do": {"retry"}}).want(http.StatusSeeOther)
	g.settled(task)
	b.get(path).shows("Delivered", "Attempt 1").hides("Attempt 1 at", "Number 1 of", g.sink.URL, "Target")
	g.user("viewer").get(path).want(http.StatusOK).shows("Attempt 1 at primary").hides("Send again", ">Delete<")
}
