package browser_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// everyState makes tasks of every state that can be had at once.
func (g *gateway) everyState() {
	g.t.Helper()
	for i := range 6 {
		g.settled(g.alert(fmt.Sprintf("inv-%d", 1000+i)))
	}
	g.sink.answer("/primary", http.StatusBadRequest, `{"error":"unknown number"}`)
	g.settled(g.alert("inv-1006"))
	g.sink.answer("/backup", http.StatusBadRequest, `{"error":"no such channel"}`)
	g.settled(g.alert("inv-1007"))
	g.sink.answer("/primary", http.StatusServiceUnavailable, `{"error":"overloaded"}`)
	g.sink.answer("/backup", http.StatusServiceUnavailable, `{"error":"overloaded"}`)
	g.alert("inv-1008")
}

// settled waits until a task has ended.
func (g *gateway) settled(path string) {
	g.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		_, body := g.manage(http.MethodGet, "/v1"+path, "")
		if strings.Contains(body, `"status":"success"`) || strings.Contains(body, `"status":"failed"`) {
			return
		}
		if time.Now().After(deadline) {
			g.t.Fatalf("%s does not end: %s", path, body)
		}
		time.Sleep(10 * time.Millisecond) // between two looks, not for something to happen
	}
}

func TestTasks(t *testing.T) {
	t.Parallel()
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
	js[bool](b, `(window.here = true)`)
	b.click(".task-dock [value=delete]")
	b.see("1 task deleted.")
	b.await("the row to fade", `document.querySelector(".tasks tr.gone") && window.here`) // in place
	b.click("Undo")
	b.see("1 task restored.")
	b.await("the row again", `document.querySelector("[data-list] > tr") && !document.querySelector(".tasks tr.gone")`)
	b.scripted()
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

// TestTasksOfAClient goes to what a client sees of its tasks: nothing of the
// providers.
func TestTasksOfAClient(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	g.everyState()
	c := open(t, g.url)
	c.signInClient(shopToken, "/tasks")
	for name, path := range map[string]string{"client-tasks": "/tasks", "client-task": "/tasks/7", "client-task-target": "/tasks/7?tab=target", "client-resend": "/tasks/8/resend"} {
		c.gates(name, path)
		for _, secret := range []string{"Primary SMS", "Backup Chat", g.sink.url, "hush-provider-key"} {
			c.notSee(secret)
		}
	}
}

// holding is shopFile with an endpoint that holds everything.
var holding = strings.Replace(shopFile, "    mapping:\n", `    dev: {enabled: true, hold: true, rules_enabled: true, rules: [{if: {param: scope, matches: "^test$"}, set: {param: phone, value: "+15550000"}}]}
    mapping:
`, 1)

// TestHeld is flow B12: what is held is looked at, released, edited, discarded
// and brought back; and nothing more is held.
func TestHeld(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	b := open(t, g.url)
	b.signIn("/held")
	b.see("Nothing is held")
	b.gates("held-empty", "/held")
	g.apply(holding)
	b.await("the stream", isLive)
	for i := range 14 {
		g.post(shopToken, "send_alert", fmt.Sprintf(`{"ref":"inv-%d","scope":%q,"phone":"+1555%d","message":"Disk 9%d %% full"}`, 1000+i, []string{"prod", "test"}[i%2], i, i))
	}
	b.see("Endpoint send_alert holds everything.") // without a reload
	b.see("inv-1013")
	b.await("the number beside the place", `document.querySelector(".rail [data-count-of=held]").innerText === "14"`)
	b.gates("held", "/held?task=2")
	b.gates("resend-held", "/tasks/2/resend")
	for _, width := range []int64{1400, 390} {
		b.size(width, 900)
		t.Run(fmt.Sprint(width), func(t *testing.T) { g.inspect(t, b) })
	}
	b.size(1400, 900)
	b.goTo("/held")
	b.click("Turn off")
	b.see("New tasks are sent at once.")
	b.notSee("Endpoint send_alert holds everything.")
	b.see("inv-1013") // what is held stays held
	b.click("Release all (8)")
	b.see("Release 8 tasks")
	b.click("button.primary")
	b.see("8 tasks released.")
	b.see("Nothing is held")

	c := open(t, g.url)
	c.signInClient(shopToken, "/held")
	g.apply(strings.Replace(shopFile, "endpoints: [send_alert]}", "endpoints: [send_alert], dev: {hold: true}}", 1))
	g.alert("of the client")
	c.see("Everything you send is held.")
	c.gates("client-held", "/held")
	c.goTo("/held")
	c.notSee("Primary SMS")
	c.click("Turn off")
	c.see("New tasks are sent at once.")
	c.click("Discard")
	c.see("Nothing is held")
	c.click("Undo")
	c.see("of the client")
}

// inspect goes through the first three tasks of the queue.
func (g *gateway) inspect(t *testing.T, b *tab) {
	b.goTo("/held")
	first := js[string](b, `document.querySelector("#held-task h2").innerText`)
	b.see("+15550")
	before := len(g.sink.received("/primary"))
	would := js[string](b, `document.querySelector(".route-card pre").textContent`)
	b.click("Release")
	b.see("1 task released.")
	b.await("the next task", `document.querySelector("#held-task h2").innerText !== `+quoted(first)+` && document.activeElement?.matches(".queue-item[aria-current]")`)
	for len(g.sink.received("/primary")) == before {
		js[bool](b, `new Promise((done) => setTimeout(() => done(true), 20))`)
	}
	var sent bytes.Buffer
	if err := json.Indent(&sent, []byte(g.sink.received("/primary")[before].body), "", "  "); err != nil || sent.String() != would {
		t.Errorf("was sent %s, %v; the preview was %s", &sent, err, would)
	}

	second := js[string](b, `document.querySelector("#held-task h2").innerText`)
	b.click("Discard")
	b.see("1 task deleted.")
	b.await("the next task", `document.querySelector("#held-task h2").innerText !== `+quoted(second))
	b.click("Undo")
	b.see("1 task restored.")
	b.await("the task again", `document.querySelector("#held-task h2").innerText === `+quoted(second))

	b.click("Edit and release")
	b.await("the editor", `document.querySelector("textarea[name=payload]")?.setText`)
	js[bool](b, `(document.querySelector("textarea[name=payload]").setText('{"ref":"edited","scope":"prod","phone":"+1999","message":"edited"}'), true)`)
	b.await("the preview to follow", `document.querySelector("#preview").innerText.includes("+1999")`)
	b.click("Release the edited message")
	b.see("Released as the new task")
	b.see("Sent again from")
	b.state("Delivered")
	if got := g.sink.received("/primary"); got[len(got)-1].body != `{"text":"edited","to":"+1999"}` {
		t.Errorf("was sent %s", got[len(got)-1].body)
	}
	b.goTo("/held")
	b.notSee(second)
	b.click("Discard")
	b.see("1 task deleted.")
}

func TestTask(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	g.everyState()
	b := open(t, g.url)
	b.signIn("/tasks/1")
	b.gates("task-delivered", "/tasks/1")
	b.gates("task-failed", "/tasks/8")
	b.gates("task-target", "/tasks/7?tab=target")
	b.gates("task-diff", "/tasks/7?tab=diff")
}

// TestHostileTasks is the part of gate G15 and flow B20 that is about tasks:
// whatever names, messages and answers say is text, in every view of it.
func TestHostileTasks(t *testing.T) {
	const hostile = "O'Neil \"x\" <img src=x onerror=\"document.title='run'\"> \u200f\u05e9\u05dc\u05d5\u05dd\u200f \U0001F600"
	file := strings.NewReplacer("Primary SMS", quoted(hostile+" A"), "Backup Chat", quoted(hostile+" B"), "name: shop", "name: "+quoted(hostile)).Replace(shopFile)
	file = strings.Replace(file, "resources: ["+quoted(hostile+" A"), "dev: {enabled: true, hold: false, rules_enabled: true, rules: [{set: {param: phone, value: "+quoted(hostile)+"}}]}\n    resources: ["+quoted(hostile+" A"), 1)
	t.Parallel()
	g := start(t, file)
	g.sink.answer("/primary", http.StatusBadRequest, "<script>document.title='run'</script>"+hostile)
	body, err := json.Marshal(map[string]string{"ref": hostile, "scope": strings.Repeat("\u5b57", 80), "phone": hostile, "message": strings.Repeat("long ", 2000) + "</textarea></pre><script>document.title='run'</script>", hostile: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := g.post(shopToken, "send_alert", string(body)); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	g.settled("/tasks/1")
	b := open(t, g.url)
	b.signIn("/tasks")
	for _, width := range []int64{1400, 390} {
		b.size(width, 900)
		for name, path := range map[string]string{
			"list": "/tasks", "found": "/tasks?q=" + url.QueryEscape(`client:"`+strings.ReplaceAll(hostile, `"`, `\"`)+`"`), "task": "/tasks/1", "target": "/tasks/1?tab=target", "diff": "/tasks/1?tab=diff", "resend": "/tasks/1/resend",
		} {
			b.goTo(path)
			b.see("O'Neil")
			b.fits()
			b.shot(fmt.Sprintf("hostile-%s-%d", name, width))
			if title := js[string](b, `document.title`); strings.HasPrefix(title, "run") || js[int](b, `document.querySelectorAll("img, main script").length`) > 0 {
				t.Errorf("%s: a text became a part of the page", path)
			}
		}
	}
	b.goTo("/tasks/1")
	b.accessible()
	if got := js[string](b, `document.querySelector("h1").textContent`); got != hostile {
		t.Errorf("the ref is shown as %q", got)
	}
	g.apply(strings.Replace(file, "hold: false", "hold: true", 1))
	g.post(shopToken, "send_alert", string(body))
	b.goTo("/held")
	b.see("O'Neil")
	b.fits()
	b.accessible()
	b.shot("hostile-held")
	b.click("Release")
	b.see("1 task released.")
}
