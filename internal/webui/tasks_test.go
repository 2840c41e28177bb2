package webui_test

import (
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dispatchapy/internal/service"
	"dispatchapy/internal/webui"
)

func init() {
	maps.Copy(matrix, map[string]access{
		"GET /tasks":          {nobody: 303, shop: 200, bank: 200, viewer: 200, operator: 200, admin: 200},
		"GET /tasks/export":   {nobody: 303, shop: 200, bank: 200, viewer: 200, operator: 200, admin: 200, path: func(*gateway, string) string { return "/tasks/export?format=csv" }},
		"GET /tasks/suggest":  {nobody: 303, shop: 200, bank: 200, viewer: 200, operator: 200, admin: 200},
		"GET /tasks/rows":     {nobody: 303, shop: 200, bank: 200, viewer: 200, operator: 200, admin: 200},
		"GET /tasks/news":     {nobody: 303, shop: 200, bank: 200, viewer: 200, operator: 200, admin: 200},
		"POST /tasks":         {nobody: 303, shop: 303, bank: 303, viewer: 403, operator: 303, admin: 303, form: url.Values{"do": {"retry"}, "id": {"999"}}},
		"POST /tasks/views":   {nobody: 303, shop: 303, bank: 303, viewer: 303, operator: 303, admin: 303, form: url.Values{"name": {"x"}, "q": {"x"}}},
		"POST /tasks/restore": {nobody: 303, shop: 303, bank: 303, viewer: 403, operator: 303, admin: 303, form: url.Values{"ids": {"AQ"}}},
	})
}

// hostile is what should be shown as text everywhere.
const hostile = "O'Neil \"x\" <img onerror=alert(1)> \u200fשלום\u200f 😀"

// message makes a body for the endpoint sms.
func message(ref, scope, text string) string {
	return fmt.Sprintf(`{"ref":%q,"scope":%q,"phone":"+15550100","message":%q}`, ref, scope, text)
}

func id(n int64) string { return strconv.FormatInt(n, 10) }

// settled waits until a task is in a state in which it stays.
func (g *gateway) settled(task int64) string {
	g.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		body := g.manage(http.MethodGet, "/v1/tasks/"+id(task), "", http.StatusOK)
		for _, status := range []string{"success", "failed", "held", "stopped"} {
			if strings.Contains(body, `"status":"`+status+`"`) {
				return status
			}
		}
		if time.Now().After(deadline) {
			g.t.Fatalf("task %d does not settle: %s", task, body)
		}
		time.Sleep(10 * time.Millisecond) // between two looks, not for something to happen
	}
}

func TestTasksAreListedNewestFirst(t *testing.T) {
	g := start(t)
	b := g.admin()
	b.get("/tasks").want(http.StatusOK).shows("No tasks yet")
	first := g.post(shopToken, "sms", message("inv-1", "prod", "one"))
	second := g.post(shopToken, "sms", message("inv-2", "test", "two"))
	third := g.post(bankToken, "mail", `{"ref":"bank-1","scope":"prod"}`)
	for _, task := range []int64{first, second, third} {
		g.settled(task)
	}
	page := b.get("/tasks").want(http.StatusOK).shows("inv-1", "inv-2", "bank-1", "sms → primary", "mail → backup", `value="`+id(first)+`"`)
	order := []int{strings.Index(page.body, "bank-1"), strings.Index(page.body, "inv-2"), strings.Index(page.body, "inv-1")}
	if order[0] > order[1] || order[1] > order[2] {
		t.Errorf("not newest first: %v", order)
	}
	b.get("/tasks?q=scope:test").shows("inv-2").hides("inv-1", "bank-1")
	b.get("/tasks?q=client:bank").shows("bank-1").hides("inv-1")
	b.get("/tasks?q=status:failed").shows("No task matches").hides("inv-1")
	b.get("/tasks?q=two").shows("inv-2").hides(`task-` + id(first) + `"`)
	b.get("/tasks?q=status:delivered+endpoint:sms").shows(fmt.Sprintf(`href="/tasks/%d?q=status:delivered&#43;endpoint:sms"`, second)).hides("task-" + id(third) + `"`)

	shop := g.client(shopToken)
	shop.get("/tasks").shows("inv-1", "inv-2").hides("bank-1", "→ primary", "→ backup", "Any client", "Any resource")
	shop.get("/tasks?q=client:bank").hides("bank-1")
	shop.get("/tasks?q=resource:primary").hides("Any resource")
}

// TestOldAddressesOfTasks are those of the original, of the overview, and of
// forms that change one thing.
func TestOldAddressesOfTasks(t *testing.T) {
	b := start(t).admin()
	for from, to := range map[string]string{
		"/tasks?status=failed":                           "/tasks?q=status:failed",
		"/tasks?status=dev":                              "/tasks?q=status:dev",
		"/tasks?status=failed&range=24h":                 "/tasks?q=status:failed+since:24h",
		"/tasks?view=stuck":                              "/tasks?q=status:queued,retrying,waiting+until:5m",
		"/tasks?search=disk&status=success":              "/tasks?q=status:success+disk",
		"/tasks?q=status:failed+x&status=held":           "/tasks?q=status:held+x",
		"/tasks?q=endpoint:a&endpoint=&client=two words": "/tasks?q=client:%22two+words%22",
		"/tasks?q=x&endpoint=&scope=":                    "/tasks?q=x",
		"/tasks?status=":                                 "/tasks",
	} {
		got := b.get(strings.ReplaceAll(from, " ", "+")).want(http.StatusSeeOther)
		if got.header.Get("Location") != to {
			t.Errorf("%s leads to %s, want %s", from, got.header.Get("Location"), to)
		}
	}
	b.get("/tasks?q=status:dev").want(http.StatusOK).shows(`aria-current="true"`, "Held")
}

func TestAQueryThatCannotBeRead(t *testing.T) {
	g := start(t)
	g.post(shopToken, "sms", message("inv-1", "prod", "one"))
	b := g.admin()
	for q, fault := range map[string]string{
		"colour:red": "There is no key “colour”", "status:gone": "There is no status “gone”", `"open`: "A quotation mark is not closed",
		"since:soon": "“since:” needs a time", hostile + " foo:": "There is no key", strings.Repeat("x", 2001): "at most 2000 bytes",
		strings.Repeat("x", 501): "at most 500 bytes", "since:1h until:2h": "before",
	} {
		page := b.get("/tasks?q="+url.QueryEscape(q)).want(http.StatusUnprocessableEntity).shows(fault, `aria-invalid="true"`).hides("inv-1", "<img onerror")
		if !strings.Contains(page.body, "value=\"") {
			t.Errorf("%s: the box is empty", q)
		}
	}
	b.get("/tasks?q=x&before=nonsense").want(http.StatusUnprocessableEntity)
}

// TestSavedViews are a person's own; deleting one can be taken back.
func TestSavedViews(t *testing.T) {
	b := start(t).admin()
	b.get("/tasks").shows("Failed today", "Stuck for more than 5 min").hides("Save view")
	b.get("/tasks?q=status:failed").shows("Save view")
	saved := b.post("/tasks/views", url.Values{"name": {" " + hostile + " "}, "q": {"status:failed client:shop"}}).want(http.StatusSeeOther)
	if to := saved.header.Get("Location"); to != "/tasks?q=status:failed+client:shop" {
		t.Errorf("leads to %s", to)
	}
	page := b.get("/tasks").shows("O&#39;Neil", "is saved", `href="/tasks?q=status:failed&#43;client:shop"`).hides("<img onerror")
	b.g.user("operator").get("/tasks").hides("O&#39;Neil")
	b.g.client(shopToken).get("/tasks").hides("O&#39;Neil")

	key := regexp.MustCompile(`name="forget" value="([^"]+)"`).FindStringSubmatch(page.body)[1]
	b.post("/tasks/views", url.Values{"forget": {key}}).want(http.StatusSeeOther)
	gone := b.get("/tasks").shows("is deleted", "Undo").hides(key)
	_, gone.body, _ = strings.Cut(gone.body, `class="toast`) // above it are other fields of these names
	undone := url.Values{"name": {html.UnescapeString(gone.input("name"))}, "q": {gone.input("q")}}
	b.post("/tasks/views", undone).want(http.StatusSeeOther)
	b.get("/tasks").shows(key)
	b.post("/tasks/views", url.Values{"forget": {key}}).want(http.StatusSeeOther)
	b.post("/tasks/views", url.Values{"forget": {key}}).want(http.StatusNotFound)
	b.post("/tasks/views", url.Values{"forget": {"theme"}}).want(http.StatusNotFound)

	for _, wrong := range []url.Values{{"q": {"x"}}, {"name": {"x"}}, {"name": {"x"}, "q": {"foo:bar"}}, {"name": {strings.Repeat("x", 61)}, "q": {"x"}}} {
		b.post("/tasks/views", wrong).want(http.StatusSeeOther)
		b.get("/tasks").shows("A view needs a").hides("forget")
	}
}

// TestExport sends what a query selects, or what is ticked, as a file.
func TestExport(t *testing.T) {
	g := start(t)
	one, two := g.post(shopToken, "sms", message("inv-1", "prod", "one")), g.post(shopToken, "sms", message("inv-2", "test", "two"))
	g.post(bankToken, "mail", `{"ref":"bank-1","scope":"prod"}`)
	g.settled(one)
	g.settled(two)
	b := g.admin()
	file := b.get("/tasks/export?q=scope:prod&format=ndjson").want(http.StatusOK).shows(`"ref":"inv-1"`, `"ref":"bank-1"`).hides("inv-2")
	if got := file.header.Get("Content-Disposition"); !strings.HasPrefix(got, `attachment; filename="tasks-`) || file.header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("%s, %s", got, file.header.Get("Content-Type"))
	}
	if lines := strings.Count(file.body, "\n"); lines != 2 {
		t.Errorf("%d lines", lines)
	}
	b.get("/tasks/export?q=ref:none&format=csv").want(http.StatusOK).shows("id,status,phase")
	b.get("/tasks/export?format=xml").want(http.StatusUnprocessableEntity)
	b.get("/tasks/export?q=colour:red&format=csv").want(http.StatusSeeOther)
	g.client(shopToken).get("/tasks/export?format=csv").want(http.StatusOK).shows("inv-1", "inv-2").hides("bank-1")

	ticked := url.Values{"do": {"export csv"}, "id": {id(two), "x"}}
	b.post("/tasks", ticked).want(http.StatusOK).shows("inv-2").hides("inv-1", "bank-1")
	ticked.Set("all", "1")
	ticked.Set("q", "scope:prod")
	if to := b.post("/tasks", ticked).want(http.StatusSeeOther).header.Get("Location"); to != "/tasks/export?q=scope:prod&format=csv" {
		t.Errorf("all that match are at %s", to)
	}
	ticked.Set("do", "export xml")
	ticked.Del("all")
	b.post("/tasks", ticked).want(http.StatusUnprocessableEntity)
}

// TestBulk acts on ticked tasks, and on all that match, by plain forms.
func TestBulk(t *testing.T) {
	g := start(t)
	g.hold(true)
	var ids []int64
	for i := range 5 {
		ids = append(ids, g.post(shopToken, "sms", message(fmt.Sprintf("inv-%d", i), "prod", "x")))
	}
	b := g.admin()
	b.get("/tasks").shows("Select all 5 matching", "With the ticked tasks:")
	b.post("/tasks", url.Values{"do": {"retry"}}).want(http.StatusSeeOther)
	b.get("/tasks").shows("Nothing was ticked")
	b.post("/tasks", url.Values{"do": {"claim"}, "id": {id(ids[0])}}).want(http.StatusUnprocessableEntity)
	b.post("/tasks", url.Values{"do": {"stop"}, "q": {"colour:red"}, "id": {id(ids[0])}}).want(http.StatusUnprocessableEntity)

	back := b.post("/tasks", url.Values{"do": {"stop"}, "id": {id(ids[0]), id(ids[1])}, "q": {"status:held"}}).want(http.StatusSeeOther)
	if to := back.header.Get("Location"); to != "/tasks?q=status:held" {
		t.Errorf("leads to %s", to)
	}
	b.get("/tasks").shows("2 tasks stopped.")
	b.post("/tasks", url.Values{"do": {"send"}, "id": {id(ids[0]), id(ids[2]), "4711"}}).want(http.StatusSeeOther)
	b.get("/tasks").shows("1 released, 2 skipped: gone, stopped")
	g.settled(ids[2])

	// A script gets the words alone.
	said := b.do(http.MethodPost, "/tasks", "application/x-www-form-urlencoded", url.Values{"csrf": {b.csrf()}, "do": {"stop"}, "id": {id(ids[3])}}.Encode(), http.Header{"Hx-Request": {"true"}})
	if said.want(http.StatusNoContent); !strings.Contains(said.header.Get("HX-Trigger"), "1 task stopped.") {
		t.Errorf("a script is told %q", said.header.Get("HX-Trigger"))
	}

	all := url.Values{"do": {"delete"}, "all": {"1"}, "q": {"client:shop"}, "back": {"/tasks"}}
	b.post("/tasks", all).want(http.StatusOK).shows("Delete 5 tasks", "client:shop", "They can be restored for a minute.")
	if n := strings.Count(b.get("/tasks").body, `name="id" value=`); n != 5 {
		t.Errorf("%d tasks are there before it was confirmed", n)
	}
	all.Set("confirmed", "1")
	b.post("/tasks", all).want(http.StatusSeeOther)
	gone := b.get("/tasks").shows("5 tasks deleted.", "Undo", "No tasks yet")
	b.post("/tasks/restore", url.Values{"ids": {gone.input("ids")}}).want(http.StatusSeeOther)
	b.get("/tasks").shows("5 tasks restored.", "inv-4")
	b.post("/tasks/restore", url.Values{"ids": {"!"}}).want(http.StatusUnprocessableEntity)
	b.post("/tasks/restore", url.Values{"ids": {""}}).want(http.StatusUnprocessableEntity)

	// Nothing at all is asked for: a slip must not delete everything.
	b.post("/tasks", url.Values{"do": {"delete"}, "all": {"1"}, "confirmed": {"1"}}).want(http.StatusUnprocessableEntity)
	// Others have nothing to act on.
	bank := g.client(bankToken)
	bank.post("/tasks", url.Values{"do": {"delete"}, "id": {id(ids[4])}}).want(http.StatusSeeOther)
	bank.get("/tasks").shows("0 deleted, 1 skipped: gone")
	bank.post("/tasks", url.Values{"do": {"delete"}, "all": {"1"}, "confirmed": {"1"}, "q": {"client:shop"}}).want(http.StatusSeeOther)
	b.get("/tasks").shows("inv-4")
}

// TestOnlyPagesTakeTheMessage that comes after a form: what scripts fetch at the
// same time leaves it to the page.
func TestOnlyPagesTakeTheMessage(t *testing.T) {
	b := start(t).admin()
	b.post("/tasks", url.Values{"do": {"retry"}}).want(http.StatusSeeOther)
	b.do(http.MethodGet, "/held/count", "", "", http.Header{"Accept": {"*/*"}}).want(http.StatusOK)
	b.do(http.MethodGet, "/tasks", "", "", http.Header{"Hx-Request": {"true"}}).want(http.StatusOK).hides("Nothing was ticked")
	b.do(http.MethodGet, "/tasks", "", "", http.Header{"Accept": {"text/html,*/*;q=0.8"}}).want(http.StatusOK).shows("Nothing was ticked")
	b.get("/tasks").hides("Nothing was ticked")
}

// TestBulkGoesOn acts on more tasks than one request may take the time for: it
// says how far it came, and goes on from there.
func TestBulkGoesOn(t *testing.T) {
	t.Cleanup(webui.BulkFor(0))
	g := start(t)
	g.hold(true)
	const all = service.MaxBatch + 30
	var posting sync.WaitGroup
	for part := range 10 {
		posting.Go(func() {
			for i := range all / 10 {
				g.post(shopToken, "sms", message(fmt.Sprintf("inv-%d-%d", part, i), "prod", "x"))
			}
		})
	}
	posting.Wait()
	b := g.admin()
	form := url.Values{"do": {"stop"}, "all": {"1"}, "confirmed": {"1"}, "q": {"status:held"}, "back": {"/tasks"}}
	page := b.post("/tasks", form).want(http.StatusOK).shows("1,000 tasks are done", "Stop 30 tasks")
	form.Set("cursor", page.input("cursor"))
	form.Set("done", page.input("done"))
	b.post("/tasks", form).want(http.StatusSeeOther)
	b.get("/tasks").shows("1,030 tasks stopped.")
}

// TestRowsAndNews are what a list asks for when something changes: rows where
// they stand, whether they match or not, and how many others there are.
func TestRowsAndNews(t *testing.T) {
	g := start(t)
	var ids []int64
	for i := range 3 {
		ids = append(ids, g.post(shopToken, "sms", message(fmt.Sprintf("inv-%d", i), "prod", "x")))
		g.settled(ids[i])
	}
	foreign := g.post(bankToken, "mail", `{"ref":"bank-1","scope":"prod"}`)
	part := func(b *browser, path, target string) *answer {
		return b.do(http.MethodGet, path, "", "", http.Header{"Hx-Request": {"true"}, "Hx-Target": {target}}).want(http.StatusOK)
	}
	b, shop := g.admin(), g.client(shopToken)
	rows := part(b, "/tasks/rows?q=status:failed&ids="+id(ids[0])+",x,4711,"+id(ids[2]), "task-rows").shows("inv-0", "inv-2", "?q=status:failed").hides("inv-1", "<html")
	if n := strings.Count(rows.body, "<tr "); n != 2 {
		t.Errorf("%d rows", n)
	}
	part(shop, "/tasks/rows?ids="+id(ids[0])+","+id(foreign), "task-rows").shows("inv-0").hides("bank-1")

	shown := id(ids[1]) + "," + id(ids[0])
	part(b, "/tasks/news?ids="+shown, "task-news").shows("2 new", `href="/tasks"`)
	part(shop, "/tasks/news?ids="+shown, "task-news").shows("1 new")
	part(b, "/tasks/news?q=status:failed&ids="+shown, "task-news").hides("new<")
	part(b, "/tasks/news?q=colour:red", "task-news").hides("new<")
	part(b, "/tasks/news?ids="+id(ids[2])+","+id(foreign), "task-news").hides("new<") // older ones are no news
}
