package signin

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

const (
	flowFor   = 10 * time.Minute // in which a sign in must end
	mostUsed  = 10_000
	maxCookie = 3000
	maxReturn = 1000
)

// flow is a sign in under way. All of it is the browser's own business.
type flow struct {
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"` // of PKCE
	Return   string    `json:"r"` // local path to go to afterwards
	Until    time.Time `json:"u"`
}

func newFlow(back string) flow {
	return flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Return: back, Until: time.Now().Add(flowFor)}
}

// cookieName is one that only this host can set, where browsers see to that.
func (d *Door) cookieName() string {
	if d.secure {
		return "__Host-dispatchapy_oidc"
	}
	return "dispatchapy_oidc"
}

func (d *Door) flowCookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: d.cookieName(), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: d.secure,
	}
}

func (d *Door) setFlow(w http.ResponseWriter, f flow) {
	text, _ := json.Marshal(f) // strings and a time: never fails
	http.SetCookie(w, d.flowCookie(base64.RawURLEncoding.EncodeToString(text), int(flowFor.Seconds())))
}

// takeFlow gives the browser's sign in and deletes it there.
func (d *Door) takeFlow(w http.ResponseWriter, r *http.Request) (f flow, known bool) {
	c, err := r.Cookie(d.cookieName())
	if err != nil || len(c.Value) > maxCookie {
		return flow{}, false
	}
	http.SetCookie(w, d.flowCookie("", -1))
	text, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || json.Unmarshal(text, &f) != nil {
		return flow{}, false
	}
	return f, time.Now().Before(f.Until)
}

// localPath gives the path if it leads nowhere but to this gateway, else "/".
// Browsers take //host and /\host for another host, and drop control
// characters.
func localPath(path string) string {
	if len(path) > maxReturn || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsRune(path, '\\') ||
		strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "/"
	}
	u, err := url.Parse(path)
	if err != nil || u.Host != "" || u.Scheme != "" || strings.Contains(u.Path, "//") || strings.Contains(u.Path, "..") {
		return "/"
	}
	return path
}
