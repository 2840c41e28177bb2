package webui

import (
	"encoding/json"
	"net/http"
	"net/url"

	"dispatchapy"
	"dispatchapy/internal/people"
)

// loginPage lets users in by name and password, and clients by their token.
type loginPage struct {
	Shell
	Form   *Form
	As     string // "user" or "client"
	Return string // where to go afterwards
	OIDC   string // where to sign in with a provider; "": nowhere
}

// Named reports whether the name was given already.
func (p *loginPage) Named() bool { return p.Form.Value("name") != "" }

// Suffix is the query with which the other tab keeps where to go.
func (p *loginPage) Suffix(as string) string {
	q := url.Values{}
	if as != "" {
		q.Set("as", as)
	}
	if p.Return != "/" {
		q.Set("return", p.Return)
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

func (ui *UI) showLogin(c *call) error {
	if c.who.Known() {
		return c.redirect(localPath(c.query("return")))
	}
	return ui.loginForm(c, http.StatusOK, &loginPage{Form: c.newForm(nil), As: asOf(c.query("as")), Return: localPath(c.query("return"))})
}

func (ui *UI) loginForm(c *call, status int, p *loginPage) error {
	p.OIDC = ui.oidc
	if ui.oidc != "" && p.Return != "/" {
		p.OIDC += "?return=" + url.QueryEscape(p.Return)
	}
	c.who, c.session = dispatchapy.Principal{}, "" // the page is that of a stranger
	return c.showStatus(status, "login", c.t("Sign in"), p)
}

func asOf(value string) string {
	if value == "client" {
		return "client"
	}
	return "user"
}

// signIn begins a session. It answers scripts, which sign somebody in again
// beside a form, with JSON.
func (ui *UI) signIn(c *call) error {
	if err := c.parse(); err != nil {
		return err
	}
	form := c.form()
	in, err := ui.begin(c, form)
	if err != nil && dispatchapy.ErrorCode(err) == dispatchapy.CodeInternal {
		return err
	}
	if c.r.Header.Get("Accept") == "application/json" {
		return c.answerSignIn(in, err)
	}
	if err != nil {
		form.Message = c.said(err)
		return ui.loginForm(c, statusOf[dispatchapy.ErrorCode(err)], &loginPage{Form: form, As: asOf(form.Value("as")), Return: localPath(form.Value("return"))})
	}
	c.begin(in)
	return c.redirect(localPath(form.Value("return")))
}

func (ui *UI) begin(c *call, form *Form) (people.SignedIn, error) {
	if asOf(form.Value("as")) == "client" {
		return ui.people.SignInClient(c.ctx(), dispatchapy.Secret(form.Value("token")), c.from())
	}
	return ui.people.SignIn(c.ctx(), form.Value("name"), dispatchapy.Secret(form.Value("password")), c.from())
}

func (c *call) answerSignIn(in people.SignedIn, err error) error {
	answer := map[string]string{}
	status := http.StatusOK
	if err != nil {
		status = statusOf[dispatchapy.ErrorCode(err)]
		answer["detail"] = c.said(err)
	} else {
		c.begin(in)
		answer["csrf"] = c.csrf()
	}
	c.w.Header().Set("Content-Type", "application/json")
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	c.write(status, body)
	return nil
}

func (ui *UI) signOut(c *call) error {
	if c.session != "" {
		if err := c.checkCSRF(); err != nil {
			return err
		}
		if err := ui.people.SignOut(c.ctx(), c.session); err != nil {
			return err
		}
	}
	c.forget()
	return c.redirect("/login")
}
