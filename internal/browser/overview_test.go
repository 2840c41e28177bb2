package browser_test

import (
	"fmt"
	"net/http"
	"testing"
)

// TestOverview looks at the first page when nothing was set up, when all is
// well, and when a provider fails.
func TestOverview(t *testing.T) {
	t.Parallel()
	g := start(t, "")
	b := open(t, g.url)
	b.signIn("/")
	b.click("Skip this") // the set-up, to which an empty gateway leads
	b.see("Nothing can be delivered yet.")
	b.gates("overview-empty", "/")

	g.apply(shopFile)
	b.goTo("/")
	b.see("The endpoint delivers.")
	for i := range 12 {
		if i == 9 {
			g.sink.answer("/primary", http.StatusInternalServerError, `{"error":"overloaded"}`)
		}
		g.post(shopToken, "send_alert", fmt.Sprintf(`{"ref":"inv-%d","scope":"prod","phone":"+1555%d","message":"Disk 9%d %%"}`, 1000+i, i, i))
	}
	b.gates("overview", "/")
	c := open(t, g.url)
	c.signInClient(shopToken, "/")
	c.notSee("Primary SMS")
	c.gates("client-overview", "/")
}
