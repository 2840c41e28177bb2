package browser_test

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

//go:embed testdata/axe.js
var axe string

// axeRules are the rules of WCAG 2.2 AA and what axe thinks is good practice.
const axeRules = `{ type: "tag", values: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }`

// colourRules are those of them that another theme can break.
const colourRules = `{ type: "rule", values: ["color-contrast", "link-in-text-block"] }`

// accessible fails the test for every fault that axe finds in the page.
func (b *tab) accessible() {
	b.t.Helper()
	b.keeps(axeRules)
}

// keeps fails the test for every fault that rules of axe find in the page.
func (b *tab) keeps(rules string) {
	b.t.Helper()
	if !js[bool](b, `typeof axe === "object"`) {
		b.do(chromedp.Evaluate[chromedp.Void](axe))
	}
	faults := js[[]string](b, `axe.run(document, { resultTypes: ["violations"], runOnly: `+rules+` }).then((r) =>
		r.violations.flatMap((v) => v.nodes.map((n) => v.id + " (" + v.help + "): " + n.target.join(" ") + " " + n.html.slice(0, 160) + " " + (n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? ""))))`)
	for _, f := range faults {
		b.t.Errorf("%s: %s", js[string](b, `location.pathname`), f)
	}
}

// fits fails the test if the page is wider than the window. What is drawn anew
// for another width gets the time for it.
func (b *tab) fits() {
	b.t.Helper()
	over := js[int](b, `(async () => {
		const over = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
		for (let n = 0; over() > 0 && n < 60; n++) await new Promise(requestAnimationFrame);
		return over();
	})()`)
	if over > 0 {
		widest := js[string](b, `[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && e.checkVisibility() && !e.closest(".bar, .tabs, .sections > nav, .scroll"))
			.slice(0, 4).map((e) => e.tagName + "." + (e.getAttribute("class") ?? "") + " " + Math.round(e.getBoundingClientRect().right)).join(", ")`)
		b.t.Errorf("%s at %d px is %d px too wide: %s", js[string](b, `location.pathname`), js[int](b, `innerWidth`), over, widest)
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
	b.keep(name, picture)
}

// keep writes a picture into the folder.
func (b *tab) keep(name string, picture []byte) {
	b.t.Helper()
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

// What a page may be at most.
const (
	mostNodes = 1500
	mostBytes = 15 << 10 // of HTML, compressed
	mostShift = 0.02     // cumulative layout shift
)

// gates goes to a page in both themes and all widths, once in a language whose
// words are long, and looks for faults. It leaves the page as it was first: light
// and 1400 pixels wide.
func (b *tab) gates(name, path string) {
	b.t.Helper()
	gated.add(b.who, path)
	b.speak("en-XA")
	b.size(1400, 900)
	b.arrive(path)
	for _, width := range []int64{1400, 1200, 1024, 768, 700, 320} { // 700: 1400 pixels at 200 %
		b.size(width, 900)
		b.fits()
	}
	b.shot(name + "-long-words-320")
	b.speak("")
	b.forget()
	for _, width := range []int64{390, 1400} {
		b.size(width, 900)
		b.arrive(path)
		b.steady()
		b.accessible()
		b.fits()
		if width < 640 {
			b.touchable()
		}
		b.shot(fmt.Sprintf("%s-light-%d", name, width))
		b.theme("dark")
		b.keeps(colourRules)
		b.shot(fmt.Sprintf("%s-dark-%d", name, width))
		b.theme("light")
	}
	b.small()
	b.hadAll()
	b.healthy()
}

// arrive goes to a page and waits until it is whole, with what its scripts load.
func (b *tab) arrive(path string) {
	b.t.Helper()
	b.goTo(path)
	b.await("the page to be whole", `document.readyState === "complete" && [...document.querySelectorAll("json-editor")].every((e) => !e.checkVisibility() || e.shadowRoot)
		&& (!document.querySelector("[data-explorer]") || document.querySelector("#explorer .opblock"))`)
	// What is broken off would have to be loaded again by the next page.
	for deadline := time.Now().Add(time.Second); b.loads() && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond) // between two looks
	}
}

// loads reports whether something of the page is still to come.
func (b *tab) loads() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.loading) > 0
}

// speak has pages come in a language; "" is the browser's.
func (b *tab) speak(language string) {
	b.t.Helper()
	var err error
	if language == "" {
		_, err = chromedp.Call(b.ctx, network.DeleteCookies, network.DeleteCookiesParams{Name: "lang", URL: b.base})
	} else {
		_, err = chromedp.Call(b.ctx, network.SetCookie, network.SetCookieParams{Name: "lang", Value: language, URL: b.base})
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// steady fails the test if something moved while the page was made.
func (b *tab) steady() {
	b.t.Helper()
	moved := js[struct {
		Sum  float64
		What []string
	}](b, `new Promise((done) => {
		const moved = { sum: 0, what: [] };
		new PerformanceObserver((list) => {
			for (const e of list.getEntries()) {
				if (e.hadRecentInput) continue;
				moved.sum += e.value;
				moved.what.push(...e.sources.map((s) => (s.node?.outerHTML ?? s.node?.textContent ?? "").slice(0, 100) + " from " + JSON.stringify(s.previousRect) + " to " + JSON.stringify(s.currentRect)));
			}
		}).observe({ type: "layout-shift", buffered: true });
		requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(moved))));
	})`)
	if moved.Sum > mostShift {
		b.t.Errorf("%s moves by %.3f while it is made: %q", js[string](b, `location.pathname`), moved.Sum, moved.What)
	}
}

// small fails the test if the page is too large.
func (b *tab) small() {
	b.t.Helper()
	page := js[struct {
		Nodes      int
		Path, HTML string
	}](b, `fetch(location.href).then((r) => r.text()).then((html) => ({ nodes: document.querySelectorAll("*").length, path: location.pathname, html }))`)
	if page.Nodes > mostNodes {
		b.t.Errorf("%s has %d nodes", page.Path, page.Nodes)
	}
	if size := zipped(b.t, page.HTML); size > mostBytes {
		b.t.Errorf("%s has %d bytes of HTML", page.Path, size)
	}
}

// hadAll fails the test if something was loaded that the browser had.
func (b *tab) hadAll() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, url := range b.fetched {
		b.t.Errorf("was loaded again: %s", url)
	}
}

func zipped(t testing.TB, text string) int {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = io.WriteString(w, text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}
