package browser_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// alert sends a message and gives the address of its task's page.
func (g *gateway) alert(ref string) string {
	g.t.Helper()
	status, body := g.post(shopToken, "send_alert", fmt.Sprintf(`{"ref":%q,"scope":"prod","phone":"+15550100","message":"Disk 91 %% full"}`, ref))
	var id int64
	if _, err := fmt.Sscanf(body[strings.Index(body, `"task_id":`)+1:], `task_id":%d`, &id); err != nil || status != http.StatusOK {
		g.t.Fatalf("%d %s", status, body)
	}
	return fmt.Sprintf("/tasks/%d", id)
}

// row waits until the row of a task says something.
func (b *tab) row(path, says string) {
	b.t.Helper()
	b.await("the row of "+path+" to say "+says, `document.querySelector("#task-`+strings.TrimPrefix(path, "/tasks/")+`")?.innerText.includes(`+quoted(says)+`)`)
}

// state waits until the page of a task shows a state.
func (b *tab) state(says string) {
	b.t.Helper()
	b.await("the state "+says, `document.querySelector(".task-head .badge")?.innerText.includes(`+quoted(says)+`)`)
}

// switched gives shopFile with resources switched off.
func switched(off ...string) string {
	file := shopFile
	for _, name := range off {
		file = strings.Replace(file, "- name: "+name+"\n", "- name: "+name+"\n    active: false\n", 1)
	}
	return file
}

// TestTaskLife is flow B9: a task's states are seen in another tab as they
// come; a provider fails and the next takes over; all are gone, and one is back.
func TestTaskLife(t *testing.T) {
	for _, width := range []int64{1400, 390} {
		t.Run(fmt.Sprint(width), func(t *testing.T) { taskLife(t, width) })
	}
}

func taskLife(t *testing.T, width int64) {
	t.Parallel()
	g := start(t, strings.Replace(shopFile, "url: $sink/primary\n", "url: $sink/primary\n    concurrency: 1\n", 1))
	b := open(t, g.url)
	b.size(width, 900)
	b.signIn("/tasks")
	b.await("the stream", isLive)
	b.see("No tasks yet")
	release := g.sink.block("/primary")
	t.Cleanup(release)
	releaseBackup := g.sink.block("/backup")
	t.Cleanup(releaseBackup)
	first := g.alert("inv-1")
	b.see("1 new") // is told of, and nothing is pushed
	b.notSee("inv-1")
	b.click("1 new")
	b.row(first, "Sending")

	other := b.second()
	other.goTo(first)
	other.state("Sending")
	other.see("Is being sent")
	release()
	other.state("Delivered")
	other.see("Delivered by Primary SMS")
	b.show()
	b.row(first, "Delivered") // in place, without a reload
	b.row(first, "Primary SMS")
	releaseBackup()

	// One that waits for its time is queued, until somebody does not wait.
	g.apply("version: 1\nsettings: {task_delay: {min: 1h, max: 1h}}\n")
	queued := g.alert("inv-1b")
	b.see("1 new")
	b.click("1 new")
	b.row(queued, "Queued")
	other.show()
	other.goTo(queued)
	other.state("Queued")
	other.click("Retry now")
	other.state("Delivered")
	b.show()
	b.row(queued, "Delivered")
	g.apply("version: 1\nsettings: {task_delay: {min: 0s, max: 0s}}\n")

	g.sink.answer("/primary", http.StatusInternalServerError, `{"error":"out of order"}`)
	second := g.alert("inv-2")
	b.see("1 new")
	b.goTo(second)
	b.state("Delivered")
	b.see("Attempt 1 at Primary SMS")
	b.see("500 Internal Server Error")
	b.see("Delivered by Backup Chat")

	g.apply(switched("Primary SMS"))
	b.goTo(g.alert("inv-3"))
	b.state("Delivered")
	b.see("Number 2 of 2 in the order")
	b.see("Primary SMS: switched off")

	g.apply(switched("Primary SMS", "Backup Chat"))
	waiting := g.alert("inv-4")
	b.goTo(waiting)
	b.state("Waiting for a resource")
	b.see("Waits until a resource can be used")
	b.see("Backup Chat: switched off")
	other.show()
	other.goTo("/tasks?q=status:waiting")
	other.row(waiting, "Waiting")
	g.sink.answer("/primary", http.StatusOK, `{}`)
	g.apply(switched())
	other.row(waiting, "Delivered") // stays where it was, though it does not match any more
	b.show()
	b.state("Delivered")
}

// TestTaskActs is flow B10: what can be done with a task, and what cannot.
func TestTaskActs(t *testing.T) {
	for _, width := range []int64{1400, 390} {
		t.Run(fmt.Sprint(width), func(t *testing.T) { taskActs(t, width) })
	}
}

func taskActs(t *testing.T, width int64) {
	t.Parallel()
	g := start(t, switched("Primary SMS", "Backup Chat"))
	b := open(t, g.url)
	b.size(width, 900)
	task := g.alert("inv-1")
	b.signIn(task)
	b.state("Waiting for a resource")
	b.click("Stop")
	b.see("1 task stopped.")
	b.state("Stopped")
	g.apply(shopFile)
	b.click("Retry now") // a stopped one, too
	b.see("1 task retried.")
	b.state("Delivered")
	b.see("Retried by admin")

	b.click("Send again") // a delivered one warns
	b.see("It was delivered. Whoever gets it would get it twice.")
	b.choose("Through", "Backup Chat")
	b.await("the preview to follow", `document.querySelector("#preview .passed")?.innerText.includes("Primary SMS")`)
	b.click("Send as a new task")
	b.see("confirm that its message is to be sent again")
	b.await("the editor", `document.querySelector("json-editor")?.shadowRoot?.querySelector(".cm-content")`)
	b.click("Send it nevertheless")
	js[bool](b, `(document.querySelector("textarea[name=payload]").setText('{"ref":"inv-2","scope":"prod","phone":"+1999","message":"edited","n":12345678901234567890}'), true)`)
	b.await("the preview to follow", `document.querySelector("#preview").innerText.includes("edited (inv-2)")`)
	b.click("Send as a new task")
	b.see("Sent again as the new task #2.")
	b.state("Delivered")
	b.see("Delivered by Backup Chat")
	b.see("12345678901234567890")
	b.click(`.task-facts a[href="/tasks/1"]`)
	b.at(task)
	b.see("Sent again as")
	b.notSee("+1999") // the old one is as it was

	b.click("Delete")
	b.at("/tasks")
	b.see("1 task deleted.")
	b.notSee("inv-1")
	b.click("Undo")
	b.at(task)
	b.see("1 task restored.")

	release := g.sink.block("/primary")
	t.Cleanup(release)
	sending := g.alert("inv-3")
	b.goTo(sending)
	b.state("Sending")
	b.see("It is being sent. What can be done follows from the outcome.")
	b.notSee("Retry now")
	// Somebody whose page is old is told so in words.
	js[bool](b, `(async () => { const body = new URLSearchParams({ csrf: document.querySelector("meta[name=csrf]").content, do: "retry" }); await fetch(location.href, { method: "POST", body, redirect: "manual" }); location.reload(); return true; })()`)
	b.see("a task that is being sent or was delivered cannot be retried")
	release()
	b.state("Delivered")

	g.sink.answer("/primary", http.StatusBadRequest, `{"error":"unknown number"}`)
	g.sink.answer("/backup", http.StatusBadRequest, `{"error":"no such channel"}`)
	failed := g.alert("inv-4")
	b.goTo(failed)
	b.state("Failed")
	b.see("no such channel")
	g.sink.answer("/backup", http.StatusOK, `{}`)
	b.click("Retry otherwise")
	b.click("Retry through Backup Chat")
	b.see("Sent again as the new task")
	b.state("Delivered")
	b.see("Sent again from")
}

// TestTaskActsByKeyboard is the part of flow B17 that is about tasks: all of it
// without a mouse.
func TestTaskActsByKeyboard(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	g.sink.answer("/primary", http.StatusBadRequest, `{"error":"unknown number"}`)
	g.sink.answer("/backup", http.StatusBadRequest, `{"error":"no such channel"}`)
	var tasks []string
	for i := range 4 {
		tasks = append(tasks, g.alert(fmt.Sprintf("inv-%d", i)))
	}
	b := open(t, g.url)
	b.signIn("/")
	b.press("g")
	b.press("t")
	b.at("/tasks")
	b.row(tasks[0], "Failed")
	b.press("/")
	b.await("the focus", `document.activeElement?.matches("[data-search]")`)
	b.fill("[data-search]", "inv-")
	b.press("x") // belongs to the search box, where somebody writes
	if got := b.value("[data-search]"); got != "inv-x" {
		t.Errorf("the box has %q", got)
	}
	b.press("Backspace")
	b.press("Enter")
	b.await("the search", `location.search === "?q=inv-"`)
	b.await("the scripts", `document.querySelector("[data-selected-count]")?.textContent`)
	b.press("j")
	b.press("j")
	b.press("x")
	b.press("j")
	b.press("j")
	b.press("x", chromedp.KeyModifiers(chromedp.ModifierShift))
	b.see("3 selected")
	b.press("k")
	b.press("Enter")
	b.at(tasks[1])
	b.press("]")
	b.at(tasks[0])
	b.press("[")
	b.at(tasks[1])
	g.sink.answer("/primary", http.StatusOK, `{}`)
	b.press("r")
	b.see("1 task retried.")
	b.state("Delivered")
	b.await("the scripts", `document.readyState === "complete"`)
	b.press("[")
	b.at(tasks[2])
	b.press("e")
	b.at(tasks[2] + "/resend")
	b.goTo("/tasks")
	b.await("the scripts", `document.querySelector("[data-selected-count]")?.textContent`)
	b.press("j")
	b.press("r")
	b.see("1 task retried.")
	b.row(tasks[3], "Delivered")
	b.press("?")
	b.see("Newer and older task")
}

// TestOneTaskByKeyboard stops, retries, sends through a resource, edits, deletes
// and restores a task with nothing but keys.
func TestOneTaskByKeyboard(t *testing.T) {
	t.Parallel()
	g := start(t, switched("Primary SMS", "Backup Chat"))
	task := g.alert("inv-1")
	b := open(t, g.url)
	b.signIn(task)
	b.state("Waiting for a resource")
	b.tabTo("[value=stop]")
	b.press("Enter")
	b.see("1 task stopped.")
	b.state("Stopped")
	g.sink.answer("/primary", http.StatusBadRequest, `{"error":"unknown number"}`)
	g.sink.answer("/backup", http.StatusBadRequest, `{"error":"no such channel"}`)
	g.apply(shopFile)
	b.await("the scripts", `document.readyState === "complete"`)
	b.press("r")
	b.see("1 task retried.")
	b.state("Failed")
	g.sink.answer("/backup", http.StatusOK, `{}`)
	b.tabTo(".group-btn summary")
	b.press("Enter")
	b.await("the menu", `document.querySelector(".group-btn details").open`)
	b.press("ArrowDown")
	b.press("ArrowDown")
	b.await("the second resource", `document.activeElement.value === "Backup Chat"`)
	b.press("Enter")
	b.see("Sent again as the new task #2.")
	b.state("Delivered")
	b.await("the scripts", `document.readyState === "complete"`)
	b.press("e")
	b.at("/tasks/2/resend")
	b.await("the editor", `document.querySelector("json-editor")?.shadowRoot?.querySelector(".cm-content")`)
	b.tabTo("[name=confirm]")
	b.press("Space")
	b.tabTo(".form-foot .primary")
	b.press("Enter")
	b.see("Sent again as the new task #3.")
	b.await("the scripts", `document.readyState === "complete"`)
	b.tabTo("[value=delete]")
	b.press("Enter")
	b.at("/tasks")
	b.see("1 task deleted.")
	b.press("u")
	b.at("/tasks/3")
	b.see("1 task restored.")
}

// TestTaskOnPaper is the part of flow B19 that is about tasks: what is printed
// says everything, and has nothing to press.
func TestTaskOnPaper(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	g.sink.answer("/primary", http.StatusInternalServerError, `{"error":"out of order"}`)
	b := open(t, g.url)
	b.signIn(g.alert("inv-1"))
	b.state("Delivered")
	if shown := js[bool](b, `document.body.innerText.includes("out of order")`); shown {
		t.Fatal("the first attempt is open, so that nothing is tested")
	}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}); err != nil {
		t.Fatal(err)
	}
	b.see("out of order")
	b.see("Delivered by Backup Chat")
	b.see("Authorization")
	pressed := js[[]string](b, `[...document.querySelectorAll("button, .btn, nav, input")].filter((e) => e.checkVisibility()).map((e) => e.outerHTML.slice(0, 80))`)
	if len(pressed) > 0 {
		t.Errorf("can be pressed on paper: %q", pressed)
	}
	over := js[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`)
	if over > 0 {
		t.Errorf("the paper is %d px too narrow", over)
	}
	b.shot("task-on-paper")
}
