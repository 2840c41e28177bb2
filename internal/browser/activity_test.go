package browser_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestActivityPages goes to the audit log in both themes and widths.
func TestActivityPages(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	g.apply(strings.Replace(shopFile, "Send an alert to a telephone", "Send an alert to whoever is on duty", 1))
	g.manage(http.MethodPost, "/v1/clients", `{"name":"crm","description":"`+strings.Repeat("long ", 60)+`"}`)
	b := open(t, g.url)
	b.signIn("/activity")
	b.gates("activity", "/activity")
	b.goTo("/activity")
	b.click("li:nth-child(3) summary")
	b.see("whoever is on duty")
	b.choose("About", "endpoint")
	b.click("Filter")
	b.await("only endpoints", `location.search.includes("kind=endpoint") && document.readyState === "complete"`)
	b.notSee("admin signed in")
	b.goTo("/activity?kind=endpoint&object=3")
	b.accessible()
	b.goTo("/activity?since=2100-01-01")
	b.see("Nothing was done")
	b.shot("activity-empty")
}
