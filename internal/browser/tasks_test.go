package browser_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// everyState makes tasks of every state that can be had at once.
func (g *gateway) everyState() {
	g.t.Helper()
	body := func(n int, text string) string {
		return fmt.Sprintf(`{"ref":"inv-%d","scope":"prod","phone":"+1555%d","message":%q}`, 1000+n, n, text)
	}
	for i := range 6 {
		g.post(shopToken, "send_alert", body(i, "Disk 91 % full"))
	}
	g.sink.answer("/primary", http.StatusBadRequest, `{"error":"unknown number"}`)
	g.post(shopToken, "send_alert", body(6, "one resource refuses"))
	g.sink.answer("/backup", http.StatusBadRequest, `{"error":"no such channel"}`)
	g.post(shopToken, "send_alert", body(7, "all refuse"))
	g.sink.answer("/primary", http.StatusServiceUnavailable, `{"error":"overloaded"}`)
	g.sink.answer("/backup", http.StatusServiceUnavailable, `{"error":"overloaded"}`)
	g.post(shopToken, "send_alert", body(8, "both are overloaded"))
}

func TestTasks(t *testing.T) {
	g := start(t, shopFile)
	g.everyState()
	b := open(t, g.url)
	b.signIn("/tasks")
	b.gates("tasks", "/tasks")
	b.size(1400, 900)
	b.goTo("/tasks?q=status:failed")
	b.click("Views")
	b.shot("tasks-views")
	b.goTo("/tasks")
	b.click("[name=id]")
	b.shot("tasks-selected")
	b.click("[data-row-menu]")
	b.shot("tasks-menu")
	b.press("Escape")
	b.fill("[data-search]", "status:")
	b.visible("#suggestions")
	b.shot("tasks-suggest")
	b.size(390, 800)
	b.goTo("/tasks")
	b.click(".check:has([name=id])")
	b.click(".narrow-only")
	b.shot("tasks-selected-390")
	b.size(1400, 900)
	b.gates("tasks-fault", "/tasks?q=colour:red+x")
	b.gates("tasks-none", "/tasks?q=since:1h+nothing+like+this")
}

// holding is shopFile with an endpoint that holds everything.
var holding = strings.Replace(shopFile, "    mapping:\n", `    dev: {enabled: true, hold: true, rules_enabled: true, rules: [{if: {param: scope, matches: "^test$"}, set: {param: phone, value: "+15550000"}}]}
    mapping:
`, 1)

func TestHeld(t *testing.T) {
	g := start(t, shopFile)
	b := open(t, g.url)
	b.signIn("/held")
	b.gates("held-empty", "/held")
	g.apply(holding)
	for i := range 14 {
		g.post(shopToken, "send_alert", fmt.Sprintf(`{"ref":"inv-%d","scope":%q,"phone":"+1555%d","message":"Disk 9%d %% full"}`, 1000+i, []string{"prod", "test"}[i%2], i, i))
	}
	b.gates("held", "/held?task=2")
	b.gates("resend-held", "/tasks/2/resend")
}

func TestTask(t *testing.T) {
	g := start(t, shopFile)
	g.everyState()
	b := open(t, g.url)
	b.signIn("/tasks/1")
	b.gates("task-delivered", "/tasks/1")
	b.gates("task-failed", "/tasks/8")
	b.gates("task-target", "/tasks/7?tab=target")
	b.gates("task-diff", "/tasks/7?tab=diff")
}
