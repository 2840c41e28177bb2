package browser_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// hostileText is what breaks pages that make HTML out of texts.
const hostileText = "O'Neil \"x\" <img src=x onerror=\"document.title='run'\"> \u200f\u05e9\u05dc\u05d5\u05dd\u200f \U0001F600"

// TestHostileNames is the part of gate G15 and flow B20 that is about what people
// configure, as TestHostileTasks is about what clients and providers send: names
// and texts of everything are shown as they are, on every page that has them.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	q := quoted(hostileText)
	g := start(t, strings.NewReplacer(
		"Primary SMS", quoted(hostileText+" A"), "Backup Chat", quoted(hostileText+" B"),
		"name: shop", "description: "+q+", dev: {rules_enabled: true, rules: [{if: {param: "+q+", matches: "+quoted("^"+strings.ReplaceAll(hostileText, `"`, "."))+"}, set: {param: "+q+", value: "+q+"}}]}, name: "+q,
		"Bearer hush-provider-key", q, "[to, text]", "[to, text, "+q+"]", "{to: {from: phone}", "{"+q+": {template: "+quoted(hostileText+" {{phone}}")+"}, to: {value: "+q+"}",
		"description: Send an alert to a telephone", "description: "+q+"\n    dev: {enabled: true, rules_enabled: true, rules: [{set: {param: "+q+", value: "+quoted(strings.Repeat("long ", 2000))+"}}]}",
	).Replace(shopFile))
	g.sink.answer("/primary", http.StatusBadRequest, "<script>document.title='run'</script>"+hostileText)
	g.manage(http.MethodPost, "/v1/resources/1/check", "")
	b := open(t, g.url)
	b.signIn("/resources")
	e := g.endpoint("send_alert")
	resource := js[string](b, `document.querySelector("a.main-link").getAttribute("href")`)
	b.goTo("/clients")
	client := js[string](b, `[...document.querySelectorAll("a.main-link")].find((a) => a.innerText.includes("O'Neil")).getAttribute("href")`)
	for _, path := range []string{
		"/", "/resources", resource, resource + "/configuration", resource + "/delivery", resource + "/alerts", resource + "/used-by", resource + "/test", resource + "/delete",
		"/endpoints", e.own(""), e.own("rules"), e.own("overrides"), e.own("clients"), e.own("try"), e.own("delete"),
		"/clients", client, client + "/overrides", client + "/activity", client + "/delete", "/activity", "/palette?q=O'Neil", "/documentation?endpoint=" + fmt.Sprint(e.ID),
	} {
		b.arrive(path)
		if !js[bool](b, `document.body.innerText.includes("O'Neil") || [...document.querySelectorAll("input, textarea, option")].some((e) => e.value.includes("O'Neil"))`) {
			t.Errorf("%s does not show it: %s", path, b.where())
		}
		if js[string](b, `document.title`) == "run" || js[int](b, `document.querySelectorAll("main img, main script:not([type])").length`) > 0 {
			t.Errorf("%s: a text became a part of the page", path)
		}
		for _, width := range []int64{390, 1400} {
			b.size(width, 900)
			b.fits()
			b.shot(fmt.Sprintf("hostile-names%s-%d", strings.ReplaceAll(path, "/", "-"), width))
		}
	}
	b.goTo(resource)
	b.see(hostileText + " A") // nothing of it is cut
}
