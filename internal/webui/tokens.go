package webui

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/people"
)

// tokensPage lists the API tokens.
type tokensPage struct {
	Shell
	settingsFrame
	Tokens []tokenRow
}

// tokenRow is an API token in the list.
type tokenRow struct{ people.Token }

// Expired reports whether its time is over.
func (r *tokenRow) Expired() bool { return !r.ExpiresAt.IsZero() && r.ExpiresAt.Before(time.Now()) }

func (ui *UI) showTokens(c *call) error {
	tokens, err := ui.people.ListTokens(c.ctx(), c.who)
	if err != nil {
		return err
	}
	p := &tokensPage{settingsFrame: c.frame("/settings/tokens")}
	for _, token := range tokens {
		p.Tokens = append(p.Tokens, tokenRow{token})
	}
	return c.show("tokens", c.t("API tokens"), p)
}

// tokenPage is the form of an API token, and shows a new one once.
type tokenPage struct {
	Shell
	settingsFrame
	Form   *Form
	Token  people.Token
	Secret dispatchapy.Secret
}

// New reports whether the token is still to be made.
func (p *tokenPage) New() bool { return p.Token.ID == 0 }

// Revealed gives the new token to be shown this once.
func (p *tokenPage) Revealed() string { return p.Secret.Reveal() }

func (ui *UI) tokenForm(c *call, token people.Token, form *Form) error {
	title := token.Name
	if token.ID == 0 {
		title = c.t("New API token")
	}
	return c.showStatus(form.Status(), "token", title, &tokenPage{settingsFrame: c.frame("/settings/tokens"), Form: form, Token: token})
}

func (ui *UI) showNewToken(c *call) error {
	form := c.newForm(nil)
	form.Set("role", string(dispatchapy.RoleViewer))
	form.Set("lifetime", "90")
	return ui.tokenForm(c, people.Token{}, form)
}

const day = 24 * time.Hour

// expiry reads until when a token is good; zero: for ever.
func (f *Form) expiry(now time.Time) time.Time {
	switch f.Value("lifetime") {
	case "never":
		return time.Time{}
	case "date":
		date, err := time.Parse(time.DateOnly, f.Value("expires_at"))
		if err != nil {
			f.Refuse("expires_at", "must be a date, like 2027-01-31")
		}
		return date.Add(day - time.Second) // to its end
	}
	return now.Add(time.Duration(f.Whole("lifetime")) * day).Truncate(time.Second)
}

func (ui *UI) createToken(c *call) error {
	form := c.form()
	expires := form.expiry(time.Now())
	if form.Failed() {
		return ui.tokenForm(c, people.Token{}, form)
	}
	token, secret, err := ui.people.CreateToken(c.ctx(), c.who, people.NewToken{
		Name: strings.TrimSpace(form.Value("name")), Role: dispatchapy.Role(form.Value("role")), ExpiresAt: expires,
	})
	if form.Take(err) {
		return ui.tokenForm(c, people.Token{}, form)
	}
	if err != nil {
		return err
	}
	path := "/settings/tokens/" + strconv.FormatInt(token.ID, 10)
	c.w.Header().Set("HX-Replace-Url", path)
	p := &tokenPage{settingsFrame: c.frame("/settings/tokens"), Form: c.tokenValues(&token), Token: token, Secret: secret}
	return c.showStatus(http.StatusOK, "token", token.Name, p)
}

func (ui *UI) tokenOf(c *call) (people.Token, error) {
	id, err := c.id()
	if err != nil {
		return people.Token{}, err
	}
	return ui.people.Token(c.ctx(), c.who, id)
}

// tokenValues makes the form of a token that there is.
func (c *call) tokenValues(token *people.Token) *Form {
	form := c.newForm(nil)
	form.Set("name", token.Name)
	form.Set("role", string(token.Role))
	form.Set("version", strconv.FormatInt(token.Version, 10))
	form.Set("lifetime", "never")
	if !token.ExpiresAt.IsZero() {
		form.Set("lifetime", "date")
		form.Set("expires_at", token.ExpiresAt.UTC().Format(time.DateOnly))
	}
	return form
}

func (ui *UI) showToken(c *call) error {
	token, err := ui.tokenOf(c)
	if err != nil {
		return err
	}
	return ui.tokenForm(c, token, c.tokenValues(&token))
}

func (ui *UI) saveToken(c *call) error {
	token, err := ui.tokenOf(c)
	if err != nil {
		return err
	}
	form := c.form()
	name, role, expires := strings.TrimSpace(form.Value("name")), dispatchapy.Role(form.Value("role")), form.expiry(time.Now())
	if form.Failed() {
		return ui.tokenForm(c, token, form)
	}
	edited, err := ui.people.EditToken(c.ctx(), c.who, token.ID, form.Version(), people.TokenEdit{Name: &name, Role: &role, ExpiresAt: &expires})
	if form.Take(err) {
		return ui.tokenForm(c, token, form)
	}
	if err != nil {
		return err
	}
	c.done("{name} was saved.", "name", edited.Name)
	return c.redirect("/settings/tokens")
}

func (ui *UI) showDeleteToken(c *call) error {
	token, err := ui.tokenOf(c)
	if err != nil {
		return err
	}
	return ui.deleteTokenForm(c, token, c.newForm(nil))
}

func (ui *UI) deleteTokenForm(c *call, token people.Token, form *Form) error {
	status := form.Status()
	form.Clash = nil
	form.Set("version", strconv.FormatInt(token.Version, 10))
	return c.showStatus(status, "gone", c.t("Delete {name}", "name", token.Name), &gonePage{
		settingsFrame: c.frame("/settings/tokens"), Form: form, Name: token.Name, Back: "/settings/tokens",
		Texts: []string{c.t("Programs that use it are refused at once.")},
	})
}

func (ui *UI) deleteToken(c *call) error {
	token, err := ui.tokenOf(c)
	if err != nil {
		return err
	}
	form := c.form()
	err = ui.people.DeleteToken(c.ctx(), c.who, token.ID, form.Version())
	if form.Take(err) {
		return ui.deleteTokenForm(c, token, form)
	}
	if err != nil {
		return err
	}
	c.done("{name} was deleted.", "name", token.Name)
	return c.redirect("/settings/tokens")
}
