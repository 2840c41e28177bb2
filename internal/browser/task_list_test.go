package browser_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store/storetest"
)

const (
	listed = 3060 // tasks, on 62 pages
	broken = 1284 // of them, which failed
)

// listedState gives the tasks of TestTaskList their states.
func listedState(place int) dispatchapy.Status {
	switch {
	case place < broken:
		return dispatchapy.StatusFailed
	case place%5 == 0:
		return dispatchapy.StatusStopped
	case place%5 == 1:
		return dispatchapy.StatusHeld
	}
	return dispatchapy.StatusSuccess
}

// states gives the states of the rows that a list shows, each once.
func (b *tab) states() string {
	b.t.Helper()
	return js[string](b, `[...new Set([...document.querySelectorAll("[data-list] > tr")].map((row) => row.dataset.state))].sort().join(" ")`)
}

// scripted waits until the scripts of a list are there.
func (b *tab) scripted() {
	b.t.Helper()
	b.await("the scripts", `document.querySelector("[data-selected-count]")?.textContent`)
}

// search writes a query into the box and looks for it.
func (b *tab) search(query string) {
	b.t.Helper()
	b.fill("[data-search]", query)
	b.press("Enter")
	b.await("the search for "+query, `document.readyState === "complete" && new URLSearchParams(location.search).get("q") === `+quoted(query))
}

// landed waits until a page with this query has loaded.
func (b *tab) landed(search string) {
	b.t.Helper()
	b.await("the address "+search, `location.search === `+quoted(search)+` && document.readyState === "complete"`)
}

// TestTaskList is flow B11: everything that narrows a list, paging while tasks
// arrive, and acting on all that match.
func TestTaskList(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	g.fill(storetest.Crowd{Tasks: listed, Until: time.Now(), Every: 10 * time.Second, Status: listedState})
	b := open(t, g.url)
	b.signIn("/tasks")
	for chip, state := range map[string]string{"Failed": "failed", "Held": "held", "Stopped": "stopped", "Delivered": "delivered", "Retrying": "", "Queued": "", "Waiting": "", "Sending": ""} {
		b.click(`#task-counts a[href$="` + strings.ToLower(chip) + `"]`)
		b.await("the chip "+chip, `document.readyState === "complete" && document.querySelector("#task-counts [aria-current]")?.innerText.startsWith(`+quoted(chip)+`)`)
		if got := b.states(); got != state {
			t.Errorf("the chip %s shows tasks that are %q", chip, got)
		}
	}
	t.Run("query", func(t *testing.T) { b.queries(t) })
	t.Run("views", func(t *testing.T) { b.views(t) })
	t.Run("pages", func(t *testing.T) { g.pages(t, b) })
	t.Run("export", func(t *testing.T) { b.exports(t) })
	t.Run("390", func(t *testing.T) { b.narrowList(t) })
	t.Run("all", func(t *testing.T) { g.actOnAll(t, b) })
	b.gates("tasks-crowded", "/tasks")
	b.gates("held-crowded", "/held")
}

func (b *tab) queries(t *testing.T) {
	b.goTo("/tasks")
	for query, rows := range map[string]int{
		"ref:inv-100007": 1, "ref:inv-100007 status:delivered": 0, "status:failed,held client:shop scope:prod": 50, `resource:"Primary SMS"`: 50, "inv-100007": 1, "client:nobody": 0,
	} {
		b.search(query)
		if got := js[int](b, `document.querySelectorAll("[data-list] > tr").length`); got != rows {
			t.Errorf("%s finds %d tasks, want %d", query, got, rows)
		}
	}
	b.search("colour:red")
	b.see("There is no key “colour”.")
	b.fill("[data-search]", "sta")
	b.click(`#suggestions [data-value="status:"]`)
	b.click(`#suggestions [data-value="held"]`)
	b.press("Enter")
	b.await("the suggestion to be taken", `new URLSearchParams(location.search).get("q")?.trim() === "status:held"`)
	b.click("1 h")
	b.landed("?q=status:held+since:1h")
	b.choose(`select[name=endpoint]`, "send_alert")
	b.landed("?q=status:held+since:1h+endpoint:send_alert")
	b.click("From, until")
	from := time.Now().UTC().Add(-2 * time.Hour).Format("2006-01-02T15:04")
	js[bool](b, `(document.querySelector("#f-since").value = `+quoted(from)+`, true)`)
	b.click("details[open] .btn.primary")
	b.await("the time to be taken", `location.search.includes("since:`+from+`")`)

	address := js[string](b, `location.search`)
	b.click("[data-open]")
	b.await("the task", `location.pathname.startsWith("/tasks/")`)
	js[bool](b, `(history.back(), true)`)
	b.await("the list as it was", `location.search === `+quoted(address)+` && document.querySelector("[data-list]")`)
	if got := b.states(); got != "held" {
		t.Errorf("after going back the list has tasks that are %q", got)
	}
}

// narrowList finds tasks on a telephone.
func (b *tab) narrowList(t *testing.T) {
	b.size(390, 844)
	defer b.size(1400, 900)
	b.goTo("/tasks")
	b.click(`#task-counts a[href$="failed"]`)
	b.await("the chip", `document.readyState === "complete" && document.querySelector("#task-counts [aria-current]")?.innerText.startsWith("Failed")`)
	if got := b.states(); got != "failed" {
		t.Errorf("the chip shows tasks that are %q", got)
	}
	b.search("ref:inv-100007")
	if n := js[int](b, `document.querySelectorAll("[data-list] > tr").length`); n != 1 {
		t.Errorf("the search finds %d tasks", n)
	}
	b.click("inv-100007")
	b.await("the task", `/^\/tasks\/\d+$/.test(location.pathname)`)
	js[bool](b, `(history.back(), true)`)
	b.await("the list as it was", `location.search === "?q=ref%3Ainv-100007" || location.search === "?q=ref:inv-100007"`)
}

func (b *tab) views(*testing.T) {
	b.goTo("/tasks?q=status:failed+client:shop")
	b.click("Views")
	b.fill("Name of the view", `Shop's "failed"`)
	b.click("Save view")
	b.see("is saved.")
	b.goTo("/tasks")
	b.click("Views")
	b.click(`Shop's "failed"`)
	b.landed("?q=status:failed+client:shop")
	b.click("Views")
	b.click("Delete this view")
	b.see("is deleted.")
	b.click("Undo")
	b.see("is saved.")
	b.click("Views")
	b.visible("Delete this view")
}

// pages goes through 61 pages while tasks arrive: none comes twice, none is
// left out.
func (g *gateway) pages(t *testing.T, b *tab) {
	b.goTo("/tasks")
	var ids []int
	path := "/tasks"
	for page := 0; path != ""; page++ {
		part := js[struct {
			IDs  []int
			Next string
		}](b, `fetch(`+quoted(path)+`).then((r) => r.text()).then((text) => new DOMParser().parseFromString(text, "text/html")).then((page) => ({
			ids: [...page.querySelectorAll("[data-list] > tr")].map((row) => Number(row.id.slice(5))), next: page.querySelector("[rel=next]")?.getAttribute("href") ?? "" }))`)
		ids, path = append(ids, part.IDs...), part.Next
		if page == 60 {
			b.goTo(path)
		}
		g.alert(fmt.Sprintf("new-%d", page))
	}
	for i := range ids {
		if ids[i] != listed-i {
			t.Fatalf("at place %d stands task %d", i, ids[i])
		}
	}
	if len(ids) != listed {
		t.Errorf("%d tasks were listed", len(ids))
	}
	b.click("Newer")
	b.await("the page before", `document.querySelector("[data-list] > tr").id === "task-`+fmt.Sprint(listed-60*50)+`"`)
}

// exports compares files with what the list selects.
func (b *tab) exports(t *testing.T) {
	b.goTo("/tasks?q=status:stopped")
	b.click("Export")
	for format, rows := range map[string]string{"NDJSON": `text.trim().split("\n").filter((line) => JSON.parse(line).status === "stopped").length`, "CSV": `text.trim().split("\n").length - 1`} {
		got := js[int](b, `fetch([...document.querySelectorAll("a[download]")].find((a) => a.innerText.endsWith(`+quoted(format)+`)).href).then((r) => r.text()).then((text) => `+rows+`)`)
		if want := stopped(); got != want {
			t.Errorf("%s has %d tasks, want %d", format, got, want)
		}
	}
}

func stopped() (n int) {
	for place := range listed {
		if listedState(place) == dispatchapy.StatusStopped {
			n++
		}
	}
	return n
}

func (g *gateway) actOnAll(t *testing.T, b *tab) {
	t.Cleanup(g.sink.block("/primary"))
	for range 5 {
		g.alert("blocked")
	}
	b.goTo("/tasks?q=status:failed,sending")
	b.scripted()
	b.click("[data-select-all]")
	b.see("45 selected") // what is being sent cannot be
	b.click("[data-select-matching]")
	b.click(".task-dock [value=retry]")
	b.see("These are all tasks that match:")
	b.see("Retry 1,284 tasks")
	b.click("button.primary")
	b.see("1,284 retried, 5 skipped: sending")
	status, body := g.manage(http.MethodGet, "/v1/tasks/counts?phase=failed", "")
	if status != http.StatusOK || !strings.Contains(body, `"failed":{"count":0`) {
		t.Errorf("after the retry: %d %s", status, body)
	}
}
