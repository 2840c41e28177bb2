package browser_test

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

const isLive = `document.querySelector("#live-dot")?.dataset.state === "live"`

// TestChangesAreSeenInOtherTabs is gate G11: what changes is seen in another
// tab without a reload, in every one of ten, and after the server was gone.
func TestChangesAreSeenInOtherTabs(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	first := open(t, g.url)
	first.signIn("/")
	first.await("the stream", isLive)

	var took []time.Duration
	for i := range 10 {
		ref := fmt.Sprintf("live-%d", i)
		begun := time.Now()
		g.post(shopToken, "send_alert", fmt.Sprintf(`{"ref":%q,"scope":"s","phone":"1","message":"m"}`, ref))
		first.see(ref)
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	t.Logf("from posting to being seen: median %s, slowest %s", took[len(took)/2], took[len(took)-1])

	tabs := []*tab{first}
	for range 9 {
		b := first.second()
		b.goTo("/")
		tabs = append(tabs, b)
	}
	g.post(shopToken, "send_alert", `{"ref":"in-all-tabs","scope":"s","phone":"1","message":"m"}`)
	for _, b := range tabs {
		b.show()
		b.await("the stream", isLive)
		b.see("in-all-tabs")
	}

	first.show()
	g.interrupt(func() {
		first.await("the loss to be noticed", `["reconnecting", "polling"].includes(document.querySelector("#live-dot").dataset.state)`)
	})
	g.post(shopToken, "send_alert", `{"ref":"after-the-restart","scope":"s","phone":"1","message":"m"}`)
	first.see("after-the-restart")
	first.await("the stream again", isLive)
	for _, b := range tabs {
		b.forgive("net::ERR")
		b.forgive("htmx:") // which logs what it could not fetch meanwhile
	}
}

// TestTheStreamCanBePaused looks at what waits while it is.
func TestTheStreamCanBePaused(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	b := open(t, g.url)
	b.signIn("/")
	b.await("the stream", isLive)
	b.click("#live-dot")
	b.await("the pause", `document.querySelector("#live-dot").dataset.state === "paused"`)
	g.post(shopToken, "send_alert", `{"ref":"in-the-pause","scope":"s","phone":"1","message":"m"}`)
	other := b.second()
	other.goTo("/")
	other.see("in-the-pause")
	b.show()
	b.notSee("in-the-pause")
	b.click("#live-dot")
	b.see("in-the-pause")
}
