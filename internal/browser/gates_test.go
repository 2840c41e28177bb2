package browser_test

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

//go:embed testdata/axe.js
var axe string

// axeRules are the rules of WCAG 2.2 AA and what axe thinks is good practice.
const axeRules = `["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]`

// accessible fails the test for every fault that axe finds in the page.
func (b *tab) accessible() {
	b.t.Helper()
	if !js[bool](b, `typeof axe === "object"`) {
		b.do(chromedp.Evaluate[chromedp.Void](axe))
	}
	faults := js[[]string](b, `axe.run(document, { runOnly: { type: "tag", values: `+axeRules+` } }).then((r) =>
		r.violations.flatMap((v) => v.nodes.map((n) => v.id + " (" + v.help + "): " + n.target.join(" ") + " " + n.html.slice(0, 160) + " " + (n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? ""))))`)
	for _, f := range faults {
		b.t.Errorf("%s: %s", js[string](b, `location.pathname`), f)
	}
}

// fits fails the test if the page is wider than the window.
func (b *tab) fits() {
	b.t.Helper()
	over := js[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`)
	if over > 0 {
		widest := js[string](b, `[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && e.checkVisibility() && !e.closest(".bar, .tabs, .sections > nav, .scroll"))
			.slice(0, 4).map((e) => e.tagName + "." + (e.getAttribute("class") ?? "") + " " + Math.round(e.getBoundingClientRect().right)).join(", ")`)
		b.t.Errorf("%s is %d px too wide: %s", js[string](b, `location.pathname`), over, widest)
	}
}

// touchable fails the test for controls that are too small for a finger.
func (b *tab) touchable() {
	b.t.Helper()
	small := js[[]string](b, `[...document.querySelectorAll("a, button, input, select, textarea, summary")].filter((e) => {
		if (!e.checkVisibility({ visibilityProperty: true }) || e.closest("p, .prose, dd, .hint, pre, .crumbs, .banner, li > .grow")) return false;
		const area = e.matches("input[type=checkbox], input[type=radio]") ? e.closest("label") ?? e : e;
		const r = area.getBoundingClientRect();
		return r.width > 1 && r.height > 0 && (r.height < 24 || r.width < 24 || (r.height < 44 && e.matches(".btn, .input, select, textarea, .chip, .tabs a, .bar a")));
	}).map((e) => e.outerHTML.slice(0, 120) + " " + Math.round(e.getBoundingClientRect().width) + "x" + Math.round(e.getBoundingClientRect().height))`)
	for _, s := range small {
		b.t.Errorf("%s: too small for a finger: %s", js[string](b, `location.pathname`), s)
	}
}

// theme has the browser ask for light or dark pages.
func (b *tab) theme(name string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// shots is the folder that pictures go to; "" if nobody wants them.
var shots = os.Getenv("SCREENSHOTS")

// shot takes a picture of the whole page.
func (b *tab) shot(name string) {
	b.t.Helper()
	if shots == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.MkdirAll(shots, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(shots, name+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// keepShot takes a picture of a page on which a test has failed.
func (b *tab) keepShot() {
	if shots != "" {
		b.shot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
	}
}

// gates goes to a page in both themes and widths and looks for faults.
func (b *tab) gates(name, path string) {
	b.t.Helper()
	for _, theme := range []string{"light", "dark"} {
		for _, width := range []int64{1400, 390} {
			b.theme(theme)
			b.size(width, 900)
			b.goTo(path)
			b.await("the page to be whole", `document.readyState === "complete"`)
			b.accessible()
			b.fits()
			if width < 640 {
				b.touchable()
			}
			b.shot(fmt.Sprintf("%s-%s-%d", name, theme, width))
		}
	}
	b.theme("light")
	b.size(1400, 900)
	b.healthy()
}
