package browser_test

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPalette is the part of flow B17 about the palette: pages, objects and
// tasks by a few letters, without a mouse.
func TestPalette(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	task := g.alert("inv-4711")
	b := open(t, g.url)
	b.signIn("/")
	open := func() {
		b.await("the page to be whole", `document.readyState === "complete"`)
		b.press("k", chromedp.KeyModifiers(chromedp.ModifierCtrl))
		b.await("the palette", `document.querySelector("#palette").open && document.activeElement?.matches("#palette input") && document.querySelector("#palette-list [role=option]")`)
	}
	first := func(words string) {
		b.await(words+" to be first", `document.querySelector("#palette-list [aria-selected=true]")?.innerText.includes(`+quoted(words)+`)`)
	}
	open()
	b.write("inv-4711")
	first("inv-4711")
	b.accessible()
	b.shot("palette")
	b.press("Enter")
	b.at(task)
	open()
	b.write("Backup")
	first("Backup Chat")
	b.press("Enter")
	b.await("the resource", `/^\/resources\/\d+$/.test(location.pathname) && document.readyState === "complete"`)
	open()
	b.press("ArrowDown")
	first("Tasks")
	b.press("ArrowUp")
	first("Overview")
	b.press("Escape")
	b.await("the palette to be gone", `!document.querySelector("#palette").open`)
	b.gates("palette-page", "/palette?q=inv")
	c := openClient(t, g)
	c.gates("client-palette", "/palette?q=inv")
}

// openClient makes a tab in which the client shop has signed in.
func openClient(t *testing.T, g *gateway) *tab {
	t.Helper()
	c := open(t, g.url)
	c.signInClient(shopToken, "/")
	return c
}
