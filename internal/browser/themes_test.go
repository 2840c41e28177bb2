package browser_test

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// media has the browser prefer something, or show pages as on something.
func (b *tab) media(features ...string) {
	b.t.Helper()
	var list []*emulation.MediaFeature
	for i := 0; i < len(features); i += 2 {
		list = append(list, &emulation.MediaFeature{Name: features[i], Value: features[i+1]})
	}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: list}); err != nil {
		b.t.Fatal(err)
	}
}

// ground gives the colour behind the page.
func (b *tab) ground() string {
	b.t.Helper()
	return js[string](b, `getComputedStyle(document.body).backgroundColor`)
}

const (
	lightGround = "rgb(246, 247, 249)"
	darkGround  = "rgb(14, 18, 25)"
)

// TestThemes is flow B19: the theme of the system or a chosen one, which the
// server knows before the page is drawn; colours forced by the system; less
// motion. What is printed is looked at by TestTaskOnPaper.
func TestThemes(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	b := open(t, g.url)
	b.signIn("/tasks")
	b.media("prefers-color-scheme", "dark")
	if got := b.ground(); got != darkGround {
		t.Errorf("in a dark system the ground is %s", got)
	}
	b.media("prefers-color-scheme", "light")
	if got := b.ground(); got != lightGround {
		t.Errorf("in a light system the ground is %s", got)
	}
	for theme, ground := range map[string]string{"Dark": darkGround, "Light": lightGround} {
		other := map[string]string{"Dark": "light", "Light": "dark"}[theme]
		b.media("prefers-color-scheme", other)
		b.click(".rail summary.item")
		b.click(".rail [data-set-theme=" + strings.ToLower(theme) + "]")
		if got := b.ground(); got != ground {
			t.Errorf("%s is chosen, and the ground is %s", theme, got)
		}
		b.goTo("/held")
		// What the server sends says it, so that nothing flashes.
		if html := js[string](b, `fetch(location.href).then((r) => r.text())`); !strings.Contains(html[:300], `data-theme="`+strings.ToLower(theme)+`"`) {
			t.Errorf("%s is chosen, and the page begins with %.300s", theme, html)
		}
		if got := b.ground(); got != ground {
			t.Errorf("%s is chosen, and on the next page the ground is %s", theme, got)
		}
	}
	b.click(".rail summary.item")
	b.click(".rail [data-set-theme=system]")
	b.media("prefers-color-scheme", "dark")
	b.goTo("/held")
	if got := b.ground(); got != darkGround {
		t.Errorf("as the system, which is dark, the ground is %s", got)
	}
}

// TestForcedColours is the part of flow B19 about systems that choose the
// colours: what differs by its ground alone would not be seen.
func TestForcedColours(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	b := open(t, g.url)
	b.signIn(g.endpoint("send_alert").own(""))
	b.media("forced-colors", "active", "prefers-color-scheme", "dark")
	b.await("forced colours", `matchMedia("(forced-colors: active)").matches`)
	for _, path := range []string{g.endpoint("send_alert").own(""), "/tasks", "/endpoints"} {
		b.arrive(path)
		b.shot("forced-colours" + strings.ReplaceAll(path, "/", "-"))
		unseen := js[[]string](b, `[...document.querySelectorAll(".btn.primary, .switch-btn > span, .switch input, input[type=checkbox], .badge, .card, .input, input[type=text]")].filter((e) => e.checkVisibility() && e.getClientRects().length).filter((e) => {
			const style = getComputedStyle(e), ground = getComputedStyle(e.parentElement).backgroundColor;
			const edge = parseFloat(style.borderTopWidth) > 0 && style.borderTopStyle !== "none" && style.borderTopColor !== ground;
			return !(edge || style.forcedColorAdjust === "none" || style.appearance !== "none" && e.matches("input") || e.matches(".badge") && e.querySelector("svg"));
		}).map((e) => e.outerHTML.slice(0, 120))`)
		for _, e := range unseen {
			t.Errorf("%s: has no edge where colours are forced: %s", path, e)
		}
	}
}

// TestLessMotion is the part of flow B19 about people whom motion makes ill.
func TestLessMotion(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	b := open(t, g.url)
	b.media("prefers-reduced-motion", "reduce")
	b.signIn("/tasks")
	b.await("the stream", isLive)
	g.alert("inv-1")
	b.click("1 new")
	b.see("inv-1")
	moving := js[[]string](b, `[...document.querySelectorAll("*")].filter((e) => ["", "::before", "::after"].some((part) => { const s = getComputedStyle(e, part); return s.animationName !== "none" || /[1-9]/.test(s.transitionDuration); })).map((e) => e.outerHTML.slice(0, 80))`)
	if len(moving) > 0 {
		t.Errorf("moves: %.500q", moving)
	}
	if n := js[int](b, `document.getAnimations().length`); n > 0 {
		t.Errorf("%d animations run", n)
	}
	b.media("prefers-reduced-motion", "no-preference")
	if slow := js[[]string](b, `[...document.querySelectorAll("*")].filter((e) => getComputedStyle(e).transitionDuration.split(", ").some((d) => parseFloat(d) > .15)).map((e) => e.outerHTML.slice(0, 80))`); len(slow) > 0 {
		t.Errorf("takes longer than 150 ms: %.500q", slow)
	}
}
