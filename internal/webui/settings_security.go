package webui

import (
	"strconv"

	"dispatchapy"
)

// securityPage shows how long sessions last, one's password, and the sessions.
type securityPage struct {
	Shell
	settingsFrame
	Form     *Form // of the limits
	Password *Form // of one's own password
	Own      []sessionRow
	Others   []sessionRow // of other people, for administrators
	More     int          // other people's that there is no room for
}

// HasPassword reports whether whoever looks signs in with one.
func (p *securityPage) HasPassword() bool { return p.Who.UserID != 0 }

// HasOthers reports whether there are own sessions but the one that asks.
func (p *securityPage) HasOthers() bool { return len(p.Own) > 1 }

const maxSessions = 100 // of other people, in the list

var limitsSection = &section{
	name: "security",
	fill: func(f *Form, s *dispatchapy.Settings) {
		f.Set("sessions.idle", s.Sessions.Idle.String())
		f.Set("sessions.absolute", s.Sessions.Absolute.String())
	},
	read: func(f *Form) func(*dispatchapy.Settings) {
		limits := dispatchapy.Sessions{Idle: f.Duration("sessions.idle"), Absolute: f.Duration("sessions.absolute")}
		return func(s *dispatchapy.Settings) { s.Sessions = limits }
	},
}

func (ui *UI) showSecurity(c *call) error { return ui.securityForms(c, nil, c.newForm(nil)) }

// securityForms shows the page with its forms; limits nil: as they are stored.
func (ui *UI) securityForms(c *call, limits, password *Form) error {
	p := &securityPage{settingsFrame: c.frame("/settings/security"), Form: limits, Password: password}
	if p.Form == nil {
		p.Form = c.newForm(nil)
		if c.who.IsStaff() {
			stored, err := ui.service.Settings(c.ctx(), c.who)
			if err != nil {
				return err
			}
			limitsSection.fill(p.Form, &stored)
			p.Form.Set("version", strconv.FormatInt(stored.Version, 10))
		}
	}
	sessions, err := c.sessions(func(*sessionRow) bool { return true })
	if err != nil {
		return err
	}
	for _, s := range sessions {
		switch {
		case s.Owner.UserID == c.who.UserID && s.Owner.ClientID == c.who.ClientID:
			p.Own = append(p.Own, s)
		case len(p.Others) < maxSessions:
			p.Others = append(p.Others, s)
		default:
			p.More++
		}
	}
	status := p.Form.Status()
	if password.Failed() {
		status = password.Status()
	}
	return c.showStatus(status, "settings-security", c.t("Settings"), p)
}

func (ui *UI) saveLimits(c *call) error {
	form := c.form()
	saved, err := ui.storeSection(c, limitsSection, form)
	if err != nil {
		return err
	}
	if !saved {
		return ui.securityForms(c, form, c.newForm(nil))
	}
	c.done("Saved.")
	return c.redirect(limitsSection.path())
}

// changePassword changes the person's own password.
func (ui *UI) changePassword(c *call) error {
	form := c.form()
	present, next := dispatchapy.Secret(form.Value("password")), dispatchapy.Secret(form.Value("new_password"))
	if form.Value("repeated") != next.Reveal() {
		form.Refuse("repeated", "is not the same")
		return ui.securityForms(c, nil, form)
	}
	err := ui.people.ChangePassword(c.ctx(), c.who, present, next, c.session, c.from())
	if dispatchapy.ErrorCode(err) == dispatchapy.CodeLimited {
		form.Message = c.said(err)
		return ui.securityForms(c, nil, form)
	}
	if form.Take(err) {
		return ui.securityForms(c, nil, form)
	}
	if err != nil {
		return err
	}
	c.done("Your password was changed. Your other sessions have ended.")
	return c.redirect("/settings/security")
}

// showOwnToken shows a client what there is to know of its token.
func (ui *UI) showOwnToken(c *call) error {
	client, err := ui.service.Client(c.ctx(), c.who, c.who.ClientID)
	if err != nil {
		return err
	}
	form := c.newForm(nil)
	form.Set("overlap", "1h")
	return ui.clientTokenForm(c, client, form)
}

// rotateOwnToken gives a client a new token, if it may have one.
func (ui *UI) rotateOwnToken(c *call) error {
	client, err := ui.service.Client(c.ctx(), c.who, c.who.ClientID)
	if err != nil {
		return err
	}
	return ui.rotateTokenOf(c, client)
}
