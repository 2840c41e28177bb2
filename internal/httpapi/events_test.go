package httpapi_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestChangesAreEvents: whoever looks at the events only sees that something
// was changed, by whom, and no secrets.
func TestChangesAreEvents(t *testing.T) {
	g := newGateway(t)
	latest := func() string {
		t.Helper()
		var page struct {
			Items []struct{ Kind, Detail string }
		}
		decode(t, g.get("/v1/events?limit=1").want(200).body, &page)
		return page.Items[0].Kind + ": " + page.Items[0].Detail
	}
	primary := fmt.Sprintf("/v1/resources/%d", g.table.Load().Config.Resource("primary").ID)
	g.change("PATCH", primary, g.get(primary).header.Get("ETag"), `{"headers":{"X-Key":"hush-new"}}`).want(200)
	if got := latest(); got != "config.changed: admin updated resource primary: headers" {
		t.Error(got)
	}
	g.do(request{method: "POST", path: "/v1/users", body: `{"name":"ann","password":"hush-password","role":"viewer"}`}).want(201)
	if got := latest(); got != "config.changed: admin created user ann" {
		t.Error(got)
	}
	g.do(request{method: "POST", path: "/v1/tokens", body: `{"name":"ci","role":"viewer"}`}).want(201)
	if got := latest(); got != "config.changed: admin created API token ci" {
		t.Error(got)
	}
	for range 7 {
		g.do(request{method: "POST", path: "/v1/session", body: `{"name":"ann","password":"hush-guess"}`, token: "-"})
	}
	if got := latest(); !strings.HasPrefix(got, "login.throttled: too many attempts to sign in from ") || !strings.HasSuffix(got, " as ann") {
		t.Error(got)
	}
	if all := g.get("/v1/events").want(200).body; strings.Contains(all, "hush") {
		t.Error(all)
	}
}
