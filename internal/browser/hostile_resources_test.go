package browser_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestHostileResources is the part of gate G15 and flow B20 that is about
// resources: names, addresses, headers, texts of alerts and what providers
// answer are text in every view of them, whole, and within the page.
func TestHostileResources(t *testing.T) {
	t.Parallel()
	const hostile = "O'Neil \"x\" <img src=x onerror=\"document.title='run'\"> \u200f\u05e9\u05dc\u05d5\u05dd\u200f \U0001F600"
	long := strings.Repeat("verylongword", 800)
	file := strings.NewReplacer(
		"name: Primary SMS", "name: "+quoted(hostile+" A"), "[Primary SMS, Backup Chat]", "["+quoted(hostile+" A")+", Backup Chat]", "Primary SMS: {to:", quoted(hostile+" A")+": {to:",
		"headers: {Authorization: Bearer hush-provider-key}", "headers: {X-Odd: "+quoted(strings.Repeat("h\"'<b>", 300))+"}\n    notify: {email: {to: [ops@example.com], subject: "+quoted(hostile)+", body: "+quoted(hostile+long)+"}, webhook: {url: $sink/hook, payload: {text: "+quoted(hostile+long)+"}}}",
		"note: Updates", "note: "+quoted(hostile+strings.Repeat(" note", 20)), "text: ping", "text: "+quoted(hostile),
	).Replace(resourcesFile)
	g := start(t, file)
	g.sink.answer("/primary", http.StatusBadRequest, "<script>document.title='run'</script>"+hostile+long)
	g.sink.answer("/hook", http.StatusBadRequest, "<script>document.title='run'</script>"+hostile+long)
	if status, answer := g.post(shopToken, "send_alert", `{"ref":`+quoted(hostile)+`,"scope":"s","phone":"+1","message":`+quoted(hostile+long)+`}`); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	g.settled("/tasks/1")
	b := open(t, g.url)
	b.signIn("/resources")
	b.see("O'Neil")
	id := js[string](b, `[...document.querySelectorAll("a.main-link")].find((a) => a.textContent.includes("O'Neil")).getAttribute("href")`)
	unchecked := resourceID(b, "Unchecked")
	g.manage(http.MethodPost, "/v1"+id+"/check", "")
	for _, width := range []int64{1400, 390} {
		b.size(width, 900)
		for name, path := range map[string]string{
			"list": "/resources", "health": id, "delivery": id + "/delivery", "alerts": id + "/alerts", "configuration": id + "/configuration", "uses": id + "/used-by", "test": id + "/test", "delete": id + "/delete",
			"maintenance": unchecked + "/configuration", "overview": "/",
		} {
			b.goTo(path)
			b.await("the page to be whole", `document.readyState === "complete"`)
			b.unharmed(fmt.Sprintf("hostile-resource-%s-%d", name, width))
		}
	}
	b.goTo(id + "/alerts")
	if got := b.value("Subject"); got != hostile {
		t.Errorf("the subject is %q", got)
	}
	if got := b.value("Text"); got != hostile+long {
		t.Errorf("the text has %d characters, want %d", len(got), len(hostile+long))
	}
	b.click(".card:has(#webhook-title) [value='test webhook']")
	b.see("It was not taken.")
	b.unharmed("hostile-resource-alert-tested")
	b.goTo(id + "/test")
	b.click("Send it to " + strings.TrimPrefix(g.sink.url, "http://"))
	b.see("HTTP 400")
	b.unharmed("hostile-resource-tested")
	if said := js[string](b, `document.querySelector("main").textContent`); !strings.Contains(said, long) {
		t.Error("the answer is not shown whole")
	}
	b.goTo(id)
	if got := js[string](b, `document.querySelector("h1").textContent`); got != hostile+" A" {
		t.Errorf("the name is shown as %q", got)
	}
	b.accessible()
}

// unharmed checks that no text has become a part of the page, and that the page
// is not wider than the window.
func (b *tab) unharmed(name string) {
	b.t.Helper()
	b.fits()
	b.shot(name)
	if title := js[string](b, `document.title`); strings.HasPrefix(title, "run") || js[int](b, `document.querySelectorAll("img, main script").length`) > 0 {
		b.t.Errorf("%s: a text became a part of the page", name)
	}
}
