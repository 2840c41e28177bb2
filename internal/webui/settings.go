package webui

import (
	"net/http"
	"strconv"

	"dispatchapy"
)

func (ui *UI) settingsRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{get, "/settings", everybody, ui.showSettings},
		{post, "/settings", clients, ui.saveOwnOverrides},
		{get, "/settings/token", clients, ui.showOwnToken},
		{post, "/settings/token", clients, ui.rotateOwnToken},
		{get, "/settings/delivery", staff, ui.showSection(deliverySection)},
		{post, "/settings/delivery", admins, ui.saveSection(deliverySection)},
		{get, "/settings/retention", staff, ui.showSection(retentionSection)},
		{post, "/settings/retention", admins, ui.saveSection(retentionSection)},
		{get, "/settings/email", staff, ui.showSection(emailSection)},
		{post, "/settings/email", admins, ui.saveEmail},
		{get, "/settings/security", everybody, ui.showSecurity},
		{post, "/settings/security", admins, ui.saveLimits},
		{post, "/settings/password", staff, ui.changePassword},
		{post, "/settings/sessions/others/end", everybody, ui.endOtherSessions},
		{post, "/settings/sessions/{id}/end", everybody, ui.endSession},
		{get, "/settings/look", everybody, ui.showLook},
		{get, "/settings/about", staff, ui.showAbout},
	}
}

// settingsFrame is the list of sections beside every page of the settings.
type settingsFrame struct {
	Sections []navItem
}

// frame gives the sections that the person may open. current is the path of the
// one that is shown.
func (c *call) frame(current string) settingsFrame {
	var sections []navItem
	add := func(path, label string) {
		sections = append(sections, navItem{Path: path, Label: label, Current: path == current})
	}
	if !c.who.IsStaff() {
		add("/settings", c.t("Development"))
		add("/settings/token", c.t("Token"))
		add("/settings/security", c.t("Sessions"))
		add("/settings/look", c.t("Look and language"))
		return settingsFrame{sections}
	}
	add("/settings", c.t("General"))
	add("/settings/delivery", c.t("Delivery"))
	add("/settings/retention", c.t("Retention"))
	add("/settings/email", c.t("Email"))
	add("/settings/alerts", c.t("Alerts"))
	add("/settings/status", c.t("Status page"))
	add("/settings/security", c.t("Security"))
	if c.who.May(dispatchapy.ManageUsers) {
		add("/settings/users", c.t("Users"))
		add("/settings/tokens", c.t("API tokens"))
	}
	if c.who.May(dispatchapy.ReadSecrets) {
		add("/settings/transfer", c.t("Import and export"))
	}
	add("/settings/look", c.t("Look and language"))
	add("/settings/about", c.t("About"))
	return settingsFrame{sections}
}

// settingsPage is a section with a form for a part of the settings.
type settingsPage struct {
	Shell
	settingsFrame
	Form     *Form
	Settings dispatchapy.Settings
	Result   *mailResult // of the test of a mail server

	Origin    string   // address of the gateway as the browser sees it
	endpoints []string // to choose from for the status page
}

// StoredPassword reports whether the mail server has a password that could stay.
func (p *settingsPage) StoredPassword() bool {
	return p.Settings.SMTP != nil && p.Settings.SMTP.Password != ""
}

// section is a part of the settings that is saved alone.
type section struct {
	name string                                    // of the template, after "settings-", and of the path
	fill func(f *Form, s *dispatchapy.Settings)    // writes the settings into the form
	read func(f *Form) func(*dispatchapy.Settings) // reads the form, and gives what it changes
}

func (s *section) path() string { return "/settings/" + s.name }

// showSection shows a part of the settings as it is stored.
func (ui *UI) showSection(s *section) func(*call) error {
	return func(c *call) error {
		stored, err := ui.service.Settings(c.ctx(), c.who)
		if err != nil {
			return err
		}
		form := c.newForm(nil)
		form.Set("version", strconv.FormatInt(stored.Version, 10))
		s.fill(form, &stored)
		return ui.sectionForm(c, s, form, nil)
	}
}

func (ui *UI) sectionForm(c *call, s *section, form *Form, result *mailResult) error {
	stored, err := ui.service.Settings(c.ctx(), c.who)
	if err != nil {
		return err
	}
	p := &settingsPage{settingsFrame: c.frame(s.path()), Form: form, Settings: stored, Result: result, Origin: c.origin()}
	if s == statusSection {
		if p.endpoints, err = endpointPaths(c); err != nil {
			return err
		}
	}
	return c.showStatus(form.Status(), "settings-"+s.name, c.t("Settings"), p)
}

// saveSection saves a part of the settings.
func (ui *UI) saveSection(s *section) func(*call) error {
	return func(c *call) error {
		form := c.form()
		saved, err := ui.storeSection(c, s, form)
		if err != nil {
			return err
		}
		if !saved {
			return ui.sectionForm(c, s, form, nil)
		}
		c.done("Saved.")
		return c.redirect(s.path())
	}
}

// storeSection stores what the form says. It reports false if something is
// wrong with it, which the form then shows.
func (ui *UI) storeSection(c *call, s *section, form *Form) (saved bool, err error) {
	change := s.read(form)
	if form.Failed() {
		return false, nil
	}
	_, err = ui.service.UpdateSettings(c.ctx(), c.who, form.Version(), func(edited *dispatchapy.Settings) error {
		change(edited)
		return nil
	})
	if form.Take(err) {
		return false, nil
	}
	return err == nil, err
}

var deliverySection = &section{
	name: "delivery",
	fill: func(f *Form, s *dispatchapy.Settings) {
		f.Set("max_attempts", strconv.Itoa(s.MaxAttempts))
		f.Set("task_delay.min", s.TaskDelay.Min.String())
		f.Set("task_delay.max", s.TaskDelay.Max.String())
		f.Set("retry.base", s.Retry.Base.String())
		f.Set("retry.factor", decimal(s.Retry.Factor))
		f.Set("retry.cap", s.Retry.Cap.String())
		f.Set("retry.jitter", decimal(s.Retry.Jitter))
		if s.Retry.MaxAge != 0 {
			f.Set("retry.max_age", s.Retry.MaxAge.String())
		}
		f.SetOn("outbound.allow_private", s.Outbound.AllowPrivate)
	},
	read: func(f *Form) func(*dispatchapy.Settings) {
		attempts := f.Whole("max_attempts")
		delay := dispatchapy.DurationRange{Min: f.Duration("task_delay.min"), Max: f.Duration("task_delay.max")}
		retry := dispatchapy.RetryPolicy{
			Base: f.Duration("retry.base"), Factor: f.Number("retry.factor"), Cap: f.Duration("retry.cap"),
			Jitter: f.Number("retry.jitter"), MaxAge: f.Duration("retry.max_age"),
		}
		return func(s *dispatchapy.Settings) {
			s.MaxAttempts, s.TaskDelay, s.Retry = attempts, delay, retry
			s.Outbound.AllowPrivate = f.On("outbound.allow_private")
		}
	},
}

var retentionSection = &section{
	name: "retention",
	fill: func(f *Form, s *dispatchapy.Settings) {
		f.SetOn("cleanup.enabled", s.Cleanup.Enabled)
		f.Set("cleanup.after_days", strconv.Itoa(s.Cleanup.AfterDays))
		f.Set("cleanup.audit_days", strconv.Itoa(s.Cleanup.AuditDays))
	},
	read: func(f *Form) func(*dispatchapy.Settings) {
		cleanup := dispatchapy.Cleanup{
			Enabled: f.On("cleanup.enabled"), AfterDays: f.Whole("cleanup.after_days"), AuditDays: f.Whole("cleanup.audit_days"),
		}
		return func(s *dispatchapy.Settings) { s.Cleanup = cleanup }
	},
}

// decimal writes a number as short as it can be read again.
func decimal(n float64) string { return strconv.FormatFloat(n, 'g', -1, 64) }

// showSettings shows staff what is set, and a client its development settings.
func (ui *UI) showSettings(c *call) error {
	if !c.who.IsStaff() {
		client, err := ui.service.Client(c.ctx(), c.who, c.who.ClientID)
		if err != nil {
			return err
		}
		return ui.showOverrides(c, client)
	}
	stored, err := ui.service.Settings(c.ctx(), c.who)
	if err != nil {
		return err
	}
	return c.show("settings", c.t("Settings"), &settingsPage{settingsFrame: c.frame("/settings"), Settings: stored})
}

func (ui *UI) saveOwnOverrides(c *call) error {
	client, err := ui.service.Client(c.ctx(), c.who, c.who.ClientID)
	if err != nil {
		return err
	}
	return ui.saveOverrides(c, client)
}

func (ui *UI) showLook(c *call) error {
	return c.show("settings-look", c.t("Look and language"), &settingsPage{settingsFrame: c.frame("/settings/look")})
}
