package browser_test

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// scriptsOff has pages run no scripts from the next one on.
func (b *tab) scriptsOff() {
	b.t.Helper()
	b.off = true
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		b.t.Fatal(err)
	}
}

// TestWithoutScripts is gate G17: what B1 to B4 and B8 to B11 are about is done
// without a script as well.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	g := start(t, switched("Primary SMS", "Backup Chat"))
	task := g.alert("inv-1")
	g.alert("inv-2")
	b := open(t, g.url)
	b.scriptsOff()
	b.goTo("/tasks")
	b.fill("Name", "admin")
	b.fill("Password", "wrong")
	b.click("button.primary")
	b.see("the name or the password is wrong")
	b.signIn("/tasks")
	if js[bool](b, `document.documentElement.dataset.ready !== undefined || typeof htmx !== "undefined"`) {
		t.Fatal("scripts run")
	}
	t.Run("tasks", func(t *testing.T) { b.tasksWithoutScripts(g, task) })
	t.Run("resource", func(t *testing.T) { b.resourceWithoutScripts(g) })
	t.Run("client", func(t *testing.T) { b.clientWithoutScripts() })
	t.Run("endpoint", func(t *testing.T) { b.endpointWithoutScripts(g) })
	b.click(".rail summary.item")
	b.click("Sign out")
	b.at("/login")
	b.signInClient(shopToken, "/tasks")
	b.see("inv-2")

	empty := start(t, "")
	s := open(t, empty.url)
	s.scriptsOff()
	s.signIn("/setup")
	s.click("To the built-in echo")
	s.click("Continue")
	s.see(`"text": "Disk at 91 %"`)
	s.click("Create and send")
	s.see("Your application my-app posts to /api/send_sms.")
	s.goTo("/setup/sent?task=1") // where "Look again" leads
	s.again("the delivery", `document.querySelector("#sent .badge.ok")`)
}

// tasksWithoutScripts finds a task, and does with it what can be done.
func (b *tab) tasksWithoutScripts(g *gateway, task string) {
	b.fill("[data-search]", "ref:inv-1 status:waiting")
	b.press("Enter")
	b.await("what was found", `document.querySelectorAll("[data-list] > tr").length === 1`)
	b.click("inv-1")
	b.at(task)
	b.click("Stop")
	b.see("1 task stopped.")
	g.apply(shopFile)
	b.click("Retry now")
	b.see("1 task retried.")
	b.again("the delivery", `document.querySelector(".task-head .badge.ok")`)
	b.click("Send again")
	b.see("It was delivered. Whoever gets it would get it twice.")
	b.click("Send it nevertheless")
	b.click("Send as a new task")
	b.see("Sent again as the new task")
	b.again("the delivery", `document.querySelector(".task-head .badge.ok")`)
	b.click("Delete")
	b.see("1 task deleted.")
	b.click("Undo")
	b.see("1 task restored.")
}

// resourceWithoutScripts makes a resource out of a curl command, and deletes it.
func (b *tab) resourceWithoutScripts(g *gateway) {
	b.goTo("/resources/new")
	b.fill("A curl command, an address, or an example of a body", `curl `+g.sink.url+`/acme -H 'X-Key: it''s' -d '{"to":"+1"}'`)
	b.click("Take it over")
	b.await("the header", `[...document.querySelectorAll("input")].some((e) => e.value === "X-Key")`)
	b.fill("#f-name", "Primary SMS")
	b.click("Create the resource")
	b.see(`there is another resource "Primary SMS"`)
	b.fill("#f-name", "Acme")
	b.click("Create the resource")
	b.see("Acme is added.")
	b.click("Check now")
	b.see("Acme works")
	b.goTo(strings.TrimSuffix(js[string](b, `location.pathname`), "/") + "/delete")
	b.click("Delete Acme")
	b.see("Acme is deleted.")
}

// clientWithoutScripts makes a client, gives it a rule, and deletes it.
func (b *tab) clientWithoutScripts() {
	b.goTo("/clients/new")
	b.fill("Name", "crm")
	b.click("Create client")
	b.see("shown this once")
	path := strings.TrimSuffix(js[string](b, `document.querySelector(".tabs a[href$='/token']").getAttribute("href")`), "/token")
	b.goTo(path + "/overrides")
	b.click("Add rule")
	b.fill("set the key", "phone")
	b.fill("to the value", "+1555")
	b.click("Save")
	b.see("Saved.")
	b.goTo(path + "/delete")
	b.click("Delete client")
	b.see("The client was deleted.")
}

// endpointWithoutScripts changes the order and the mapping of an endpoint.
func (b *tab) endpointWithoutScripts(g *gateway) {
	e := g.endpoint("send_alert")
	b.goTo(e.own(""))
	b.click("[data-item]:first-child [data-down]")
	b.await("the order", `document.querySelector("[data-item]").dataset.name === "Backup Chat"`)
	b.fill("Description (optional)", "Without scripts")
	b.click("Save")
	b.see("The route is saved.")
	b.goTo(e.own("rules"))
	b.click("Save")
	b.see("The mapping is saved.")
}
