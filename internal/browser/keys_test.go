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
