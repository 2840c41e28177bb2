package browser_test

import "testing"

// TestTheServerComesBack is the part of flow B18 about a server that is gone for
// a while: it is said, what was written stays, and then it is saved.
func TestTheServerComesBack(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	e := g.endpoint("send_alert")
	b := open(t, g.url)
	b.signIn(e.own(""))
	b.await("the stream", isLive)
	const written = "Half written, and then the server went"
	b.fill("Description (optional)", written)
	g.interrupt(func() {
		b.await("the loss to be noticed", `["reconnecting", "polling"].includes(document.querySelector("#live-dot").dataset.state)`)
		b.click("Save")
		b.see("The gateway cannot be reached. What you wrote is still here.")
	})
	b.await("the stream again", isLive)
	if got := b.value("Description (optional)"); got != written {
		t.Errorf("the form has %q", got)
	}
	b.click("Save")
	b.see("The route is saved.")
	if got := b.value("Description (optional)"); got != written {
		t.Errorf("saved is %q", got)
	}
	b.forgive("net::ERR")
	b.forgive("htmx:")
	b.forgive("Response Status Error Code")
}

// TestSomebodyElseWasFaster is the part of flow B18 about two people who change
// the same resource: the second sees both, and decides.
func TestSomebodyElseWasFaster(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	b := open(t, g.url)
	b.signIn("/resources")
	path := resourceID(b, "Primary SMS") + "/configuration"
	other := b.second()
	b.goTo(path)
	other.show()
	other.goTo(path)
	other.fill("#f-url", g.sink.url+"/of-the-other")
	other.click("Save destination")
	other.see("Primary SMS is saved.")
	b.show()
	b.fill("#f-url", g.sink.url+"/mine")
	b.click("Save destination")
	b.see("Somebody else saved this")
	b.see("/of-the-other")
	if got := b.value("#f-url"); got != g.sink.url+"/mine" {
		t.Errorf("the address is %q", got)
	}
	b.accessible()
	b.click("Save mine")
	b.see("Primary SMS is saved.")
	if got := b.value("#f-url"); got != g.sink.url+"/mine" {
		t.Errorf("saved is %q", got)
	}
}
