package webui

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/people"
)

// identify finds out who asks. The error is CodeUnauthenticated if nobody
// signed in, or too long ago.
func (c *call) identify() error {
	token := dispatchapy.Secret(cookie(c.r, people.SessionCookie))
	if !strings.HasPrefix(token.Reveal(), people.SessionPrefix) {
		return errSignIn
	}
	who, err := c.ui.people.Authenticate(c.ctx(), token)
	if err != nil {
		return err
	}
	c.who, c.session = who, token
	return nil
}

// begin hands the session to the browser.
func (c *call) begin(in people.SignedIn) {
	c.who, c.session = in.Principal, in.Token
	http.SetCookie(c.w, &http.Cookie{
		Name: people.SessionCookie, Value: in.Token.Reveal(), Path: "/", Expires: in.ExpiresAt,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: c.secure(),
	})
}

// forget takes the session from the browser.
func (c *call) forget() {
	http.SetCookie(c.w, &http.Cookie{
		Name: people.SessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: c.secure(),
	})
}

// csrf is what forms carry to show that they come from a page of this session.
// It is made of the session's token, so that nothing has to be kept, and says
// nothing about it.
func (c *call) csrf() string {
	if c.session == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(c.session.Reveal()))
	mac.Write([]byte("form"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// csrfHeader is how scripts show it that send something else than a form.
const csrfHeader = "X-CSRF-Token"

// ownScript reports whether a script of a page of this session asks.
func (c *call) ownScript() bool {
	return c.session != "" && hmac.Equal([]byte(c.r.Header.Get(csrfHeader)), []byte(c.csrf()))
}

func (c *call) checkCSRF() error {
	if err := c.parse(); err != nil {
		return err
	}
	if !hmac.Equal([]byte(c.r.PostFormValue("csrf")), []byte(c.csrf())) {
		return errForeignForm
	}
	return nil
}
