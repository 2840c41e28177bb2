package webui

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
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

// done has a message shown on the next page.
func (c *call) done(key string, args ...any) { c.say(toast{Text: c.t(key, args...)}) }

// takeFlash takes the toast that came over a redirect. Parts of pages leave it
// to the page.
func (c *call) takeFlash() *toast {
	value := cookie(c.r, flashCookie)
	if value == "" || c.htmx() || c.r.Method != http.MethodGet {
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
