package browser_test

import "testing"

// TestTestAlertOfAResource sends a test alert with what is written and not
// saved, and looks at what came of it.
func TestTestAlertOfAResource(t *testing.T) {
	t.Parallel()
	g := start(t, resourcesFile)
	b := open(t, g.url)
	b.signIn("/resources")
	path := resourceID(b, "Primary SMS") + "/alerts"
	g.sink.answer("/hook", 200, `{"ok":true}`)
	b.goTo(path)
	b.fill("#f-notify\\.webhook\\.url", g.sink.url+"/hook")
	b.see("POST " + g.sink.url + "/hook") // the preview follows
	b.click(".card:has(#webhook-title) [value='test webhook']")
	b.see("It was taken.")
	b.shot("resource-alert-tested")
	b.click(".card:has(#email-title) [value='test email']")
	b.see("To: needs at least one recipient")
	if got := b.value("#f-notify\\.webhook\\.url"); got != g.sink.url+"/hook" {
		t.Errorf("the form has %q", got)
	}
}
