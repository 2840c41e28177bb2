package webui

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf16"
)

// flashCookie carries a toast over the redirect after a form.
const flashCookie = "dispatchapy_flash"

const maxFlash = 3000 // bytes; browsers drop longer cookies

// toast is a short message after something was done, with the form that takes
// it back where it can be.
type toast struct {
	Text string `json:"text"`
	Tone string `json:"tone,omitempty"` // ok, fail or warn
	Undo *undo  `json:"undo,omitempty"`
}

// undo is a form: what it posts, and where.
type undo struct {
	Action string              `json:"action"`
	Fields map[string][]string `json:"fields,omitempty"`
}

// say has a toast shown on the next page.
func (c *call) say(t toast) {
	if t.Tone == "" {
		t.Tone = "ok"
	}
	text, err := json.Marshal(t)
	value := base64.RawURLEncoding.EncodeToString(text)
	if err != nil || len(value) > maxFlash {
		t.Undo = nil // it would be too much for a cookie; the message is worth having alone
		text, _ = json.Marshal(t)
		value = base64.RawURLEncoding.EncodeToString(text)
	}
	http.SetCookie(c.w, &http.Cookie{Name: flashCookie, Value: value, Path: "/", MaxAge: 60, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: c.secure()})
}

// sayNow has a toast shown on the page that a script asks from.
func (c *call) sayNow(t toast) {
	if t.Tone == "" {
		t.Tone = "ok"
	}
	text, err := json.Marshal(map[string]toast{"toast": t})
	if err != nil || len(text) > maxTrigger {
		t.Undo = nil
		text, _ = json.Marshal(map[string]toast{"toast": t})
	}
	c.w.Header().Set("HX-Trigger", asciiJSON(text))
}

const maxTrigger = 64 << 10 // bytes; a header has to stay below what browsers take

// asciiJSON escapes what a header cannot carry.
func asciiJSON(text []byte) string {
	var out strings.Builder
	for _, r := range string(text) {
		switch {
		case r < 0x7f:
			out.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}

// again answers an action that is done at once, like a switch in a list: the
// browser comes back to the page where it was asked for. A script gets that
// page in the same answer, so that nothing jumps.
func (c *call) again(t toast, otherwise string) error {
	to := c.back(otherwise)
	target, err := url.ParseRequestURI(to)
	if !c.htmx() || err != nil {
		c.say(t)
		return c.redirect(to)
	}
	c.sayNow(t)
	page := c.r.Clone(c.ctx())
	page.Method, page.URL, page.RequestURI = http.MethodGet, target, to
	page.Body, page.ContentLength, page.Form, page.PostForm, page.MultipartForm = http.NoBody, 0, nil, nil, nil
	page.Pattern = ""
	c.ui.mux.ServeHTTP(c.w, page)
	return nil
}

// done has a message shown on the next page.
func (c *call) done(key string, args ...any) { c.say(toast{Text: c.t(key, args...)}) }

// wantsPage reports whether the browser asks for a page, and not a script for
// something beside it.
func (c *call) wantsPage() bool {
	accept := c.r.Header.Get("Accept")
	return accept == "" || strings.Contains(accept, "text/html")
}

// takeFlash takes the toast that came over a redirect. Parts of pages leave it
// to the page.
func (c *call) takeFlash() *toast {
	value := cookie(c.r, flashCookie)
	if value == "" || c.htmx() || c.r.Method != http.MethodGet || !c.wantsPage() {
		return nil
	}
	http.SetCookie(c.w, &http.Cookie{Name: flashCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: c.secure()})
	text, err := base64.RawURLEncoding.DecodeString(value)
	var t toast
	if err != nil || json.Unmarshal(text, &t) != nil || t.Undo != nil && localPath(t.Undo.Action) != t.Undo.Action {
		return nil
	}
	return &t
}
