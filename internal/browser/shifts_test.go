package browser_test

import (
	"net/http"
	"testing"
)

// TestEditorsDoNotMoveThePage is the part of gate G7 that is about editors,
// which come after the page: nothing may move when they do.
func TestEditorsDoNotMoveThePage(t *testing.T) {
	t.Parallel()
	g := start(t, resourcesFile)
	g.sink.answer("/primary", http.StatusOK, `{}`)
	long := `{"ref":"inv-1","scope":"prod","phone":"+1555","message":"x","lines":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26]}`
	g.post(shopToken, "send_alert", long)
	g.settled("/tasks/1")
	b := open(t, g.url)
	b.signIn("/resources")
	id := resourceID(b, "Primary SMS")
	for _, width := range []int64{1400, 390} {
		b.size(width, 900)
		for _, path := range []string{id + "/alerts", id + "/test", "/tasks/1/resend", "/setup"} {
			b.goTo(path)
			if path != "/setup" {
				b.await("the editor", `document.querySelector("json-editor")?.shadowRoot?.querySelector(".cm-content")`)
			}
			b.await("the page to be at rest", `document.readyState === "complete"`)
			b.frame()
			b.frame()
			moved := js[float64](b, `new Promise((done) => { let sum = 0; const seen = new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) sum += e.value; }); seen.observe({ type: "layout-shift", buffered: true }); requestAnimationFrame(() => requestAnimationFrame(() => done(sum))); })`)
			t.Logf("%s at %d: %.4f", path, width, moved)
			if moved > 0.003 { // the gate is 0.02, for the page as a whole
				t.Errorf("%s at %d px moves by %.3f, and may not", path, width, moved)
			}
		}
	}
}
