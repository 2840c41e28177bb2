package browser_test

import (
	"context"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// named are the keys that tests press by name.
var named = map[string]string{
	"Enter": kb.Enter, "Tab": kb.Tab, "Escape": kb.Escape, "Delete": kb.Delete, "Backspace": kb.Backspace, "Space": " ",
	"ArrowUp": kb.ArrowUp, "ArrowDown": kb.ArrowDown, "ArrowLeft": kb.ArrowLeft, "ArrowRight": kb.ArrowRight, "Home": kb.Home, "End": kb.End,
}

// press presses a key, by name or as it is written.
func (b *tab) press(key string, options ...chromedp.KeyOption) {
	b.t.Helper()
	if k, ok := named[key]; ok {
		key = k
	}
	b.do(chromedp.KeyEvent(key, options...))
}

func insertText(ctx context.Context, text string) error {
	_, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text})
	return err
}

// cookie gives the value of a cookie, of those that scripts cannot read too.
func (b *tab) cookie(name string) string {
	b.t.Helper()
	found, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range found.Cookies {
		if c.Name == name {
			return c.Value
		}
	}
	b.t.Fatalf("there is no cookie %s", name)
	return ""
}

// dragTo drags an element by the mouse to another, and lets it go a little
// beyond its middle.
func (b *tab) dragTo(from, to string) {
	b.t.Helper()
	b.visible(from)
	path := b.way(from, to)
	for i, at := range path {
		kind, buttons := input.DispatchMouseEventTypeMouseMoved, int64(1)
		switch i {
		case 0:
			kind = input.DispatchMouseEventTypeMousePressed
		case len(path) - 1:
			kind, buttons = input.DispatchMouseEventTypeMouseReleased, 0
		}
		b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Call(ctx, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: kind, X: at[0], Y: at[1], Button: input.MouseButtonLeft, Buttons: buttons, ClickCount: 1})
			return err
		}))
		b.frame()
	}
}

// touchTo is dragTo with a finger.
func (b *tab) touchTo(from, to string) {
	b.t.Helper()
	b.visible(from)
	path := b.way(from, to)
	for i, at := range path {
		kind, points := input.DispatchTouchEventTypeTouchMove, []*input.TouchPoint{{X: at[0], Y: at[1]}}
		switch i {
		case 0:
			kind = input.DispatchTouchEventTypeTouchStart
		case len(path) - 1:
			kind, points = input.DispatchTouchEventTypeTouchEnd, []*input.TouchPoint{}
		}
		b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Call(ctx, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: kind, TouchPoints: points})
			return err
		}))
		b.frame()
	}
}

// way gives points from the middle of an element to beyond that of another.
func (b *tab) way(from, to string) [][]float64 {
	b.t.Helper()
	return js[[][]float64](b, `(async () => { const a = `+element(from)+`, z = `+element(to)+`; a.scrollIntoView({ block: "center", behavior: "instant" });
		await new Promise(requestAnimationFrame); const m = (e) => { const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; };
		const [x, y] = m(a), [, end] = m(z), down = end > y ? 6 : -6, steps = 12;
		return [[x, y], ...Array.from({ length: steps }, (_, i) => [x, y + (end + down - y) * (i + 1) / steps]), [x, end + down]]; })()`)
}

// frame waits until the page was drawn once more.
func (b *tab) frame() {
	b.t.Helper()
	js[bool](b, `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`)
}
