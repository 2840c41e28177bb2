package webui

import (
	"net/http"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// channelPage is a way to reach people: how, whom, and when not.
type channelPage struct {
	Shell
	settingsFrame
	Form   *Form
	Name   string // as it is stored; "" for a new one
	Kind   string // email or webhook
	Signed bool   // a signing secret is stored
	Mailer bool   // there is a mail server
	Uses   service.ChannelUses

	For       string                  // the service that it was begun for; "" for none
	Note      string                  // what that one needs
	Templates []service.AlertTemplate // to begin with, where the kind is not chosen yet
	Result    *channelResult          // of a test
}

// Action gives where the form is posted to.
func (p *channelPage) Action() string {
	if p.Name == "" {
		return "/settings/alerts/channel/new"
	}
	return channelPath(p.Name, "")
}

// Delete gives the address where deleting is confirmed.
func (p *channelPage) Delete() string { return channelPath(p.Name, "delete") }

// IsWebhook reports whether it is a webhook.
func (p *channelPage) IsWebhook() bool { return p.Kind == "webhook" }

// Placeholders lists what texts can hold.
func (p *channelPage) Placeholders() []placeholder {
	return placeholdersOf(p.Lang)
}

func (ui *UI) showNewChannel(c *call) error {
	settings, err := ui.service.Settings(c.ctx(), c.who)
	if err != nil {
		return err
	}
	p := &channelPage{Form: c.newForm(nil), Kind: oneOf(c.query("kind"), "email", "webhook"), For: c.query("for")}
	if p.Kind != "" {
		ch, err := c.beginChannel(p)
		if err != nil {
			return err
		}
		p.Form.setVersion(settings.Version)
		p.Form.fillChannel(ch)
		if ch.Webhook != nil {
			p.Form.fillOut("webhook.headers", ch.Webhook.Headers)
			p.Form.fillOut("webhook.secrets", ch.Webhook.Secrets)
		}
	}
	return ui.channelPage(c, p)
}

func (ui *UI) showChannel(c *call) error {
	p := &channelPage{Name: c.query("name"), Form: c.newForm(nil)}
	ch, version, err := c.channel(p.Name)
	if err != nil {
		return err
	}
	p.Form.setVersion(version)
	p.Form.fillChannel(ch)
	return ui.channelPage(c, p)
}

// channel reads a channel of the settings, with the version of these.
func (c *call) channel(name string) (*dispatchapy.Channel, int64, error) {
	settings, err := c.ui.service.Settings(c.ctx(), c.who)
	if err != nil {
		return nil, 0, err
	}
	for i := range settings.Alerts.Channels {
		if settings.Alerts.Channels[i].Name == name {
			return &settings.Alerts.Channels[i], settings.Version, nil
		}
	}
	return nil, 0, errNowhere
}

// channelPage shows the form, with what is stored beside it.
func (ui *UI) channelPage(c *call, p *channelPage) error {
	p.settingsFrame = c.frame(alertsSection.path())
	settings, err := ui.service.Settings(c.ctx(), c.who)
	if err != nil {
		return err
	}
	p.Mailer = settings.SMTP != nil
	title := c.t("New channel")
	if p.Name != "" {
		ch, _, err := c.channel(p.Name)
		if err != nil {
			return err
		}
		title, p.Kind = p.Name, string(ch.Via())
		p.Signed = ch.Webhook != nil && ch.Webhook.SigningSecret != ""
		if p.Uses, err = ui.service.ChannelUses(c.ctx(), c.who, p.Name); err != nil {
			return err
		}
	}
	if err := c.addTemplates(p); err != nil {
		return err
	}
	status := p.Form.Status()
	if p.Result != nil {
		status = http.StatusOK // faults are the result of the test that was asked for
	}
	return c.showStatus(status, "settings-channel", title, p)
}

func (f *Form) fillChannel(ch *dispatchapy.Channel) {
	f.Set("name", ch.Name)
	f.Set("group_by", string(ch.GroupBy))
	f.Set("group_for", ch.GroupFor.String())
	for i := range ch.Quiet {
		q := &ch.Quiet[i]
		days := make([]string, len(q.Days))
		for n, day := range q.Days {
			days[n] = string(day)
		}
		f.values[At("quiet", i, "days")] = days
		f.Set(At("quiet", i, "from"), q.From)
		f.Set(At("quiet", i, "until"), q.Until)
		f.Set(At("quiet", i, "timezone"), q.Timezone)
		f.SetOn(At("quiet", i, "hold_critical"), q.HoldCritical)
	}
	if ch.Email != nil {
		f.fillEmail("email.", ch.Email)
	}
	if ch.Webhook != nil {
		f.fillWebhook("webhook.", ch.Webhook)
	}
}

// readChannel reads the form into what is stored of a channel, which may be
// empty.
func (f *Form) readChannel(ch *dispatchapy.Channel, kind string) {
	ch.Name = strings.TrimSpace(f.Value("name"))
	ch.GroupBy, ch.GroupFor = dispatchapy.GroupBy(f.Value("group_by")), f.Duration("group_for")
	f.compact("quiet", "from", "until")
	ch.Quiet = nil
	for i := range f.Rows("quiet") {
		q := dispatchapy.QuietHours{
			From: f.Value(At("quiet", i, "from")), Until: f.Value(At("quiet", i, "until")), Timezone: strings.TrimSpace(f.Value(At("quiet", i, "timezone"))),
			HoldCritical: f.On(At("quiet", i, "hold_critical")),
		}
		for _, day := range f.Values(At("quiet", i, "days")) {
			q.Days = append(q.Days, dispatchapy.Weekday(day))
		}
		ch.Quiet = append(ch.Quiet, q)
	}
	if kind == "email" {
		ch.Email = f.readEmail("email.")
		return
	}
	if ch.Webhook == nil {
		ch.Webhook = &dispatchapy.WebhookNotice{}
	}
	f.readWebhook("webhook.", ch.Webhook)
}

func (ui *UI) saveNewChannel(c *call) error {
	p := &channelPage{Form: c.form()}
	p.Kind, p.For = oneOf(p.Form.Value("kind"), "email", "webhook"), p.Form.Value("for")
	if p.Kind == "" {
		return c.redirect("/settings/alerts/channel/new")
	}
	return ui.storeChannel(c, p)
}

func (ui *UI) saveChannel(c *call) error {
	p := &channelPage{Form: c.form(), Name: c.query("name")}
	ch, _, err := c.channel(p.Name)
	if err != nil {
		return err
	}
	p.Kind = string(ch.Via())
	return ui.storeChannel(c, p)
}

// storeChannel stores the form, or does to it what a button asks for.
func (ui *UI) storeChannel(c *call, p *channelPage) error {
	form := p.Form
	if form.editRows("webhook.headers", "webhook.secrets", "quiet") {
		return ui.channelPage(c, p)
	}
	if form.Do() == "test" {
		return ui.tryChannel(c, p)
	}
	err := ui.service.SaveChannel(c.ctx(), c.who, p.Name, form.Version(), func(ch *dispatchapy.Channel) error {
		form.Faults = nil
		form.readChannel(ch, p.Kind)
		if form.Failed() {
			return errUnreadable
		}
		return nil
	})
	if err != nil {
		if !form.Failed() && !form.Take(err) {
			return err
		}
		form.placeChannel()
		return ui.channelPage(c, p)
	}
	c.done("The channel {name} is saved.", "name", strings.TrimSpace(form.Value("name")))
	return c.redirect(alertsSection.path())
}

// placeChannel gives faults their fields, and says what those are called.
func (f *Form) placeChannel() {
	f.placeFaults()
	f.labelNotices("email.", "webhook.")
	f.Labels["name"], f.Labels["group_for"] = f.lang.T("Name"), f.lang.T("Wait for others")
	for i := range f.Rows("quiet") {
		for _, field := range []string{"from", "until", "timezone", "days"} {
			f.Labels[At("quiet", i, field)] = f.lang.T("Quiet hours")
		}
	}
}

// channelDeletePage names what deleting a channel does.
type channelDeletePage struct {
	Shell
	settingsFrame
	Form *Form
	Name string
	Uses service.ChannelUses
	Last bool // there is no other channel
}

// Action gives where the form is posted to.
func (p *channelDeletePage) Action() string { return channelPath(p.Name, "delete") }

// Back gives the address of the channel.
func (p *channelDeletePage) Back() string { return channelPath(p.Name, "") }

// RuleNames names the rules of the settings that name it.
func (p *channelDeletePage) RuleNames() string {
	names := make([]string, len(p.Uses.Rules))
	for i, key := range p.Uses.Rules {
		names[i] = p.Lang.T(ruleWords[key].label)
	}
	return strings.Join(names, ", ")
}

func (ui *UI) confirmChannelDelete(c *call) error { return ui.channelDelete(c, c.newForm(nil)) }

func (ui *UI) channelDelete(c *call, form *Form) error {
	p := &channelDeletePage{settingsFrame: c.frame(alertsSection.path()), Form: form, Name: c.query("name")}
	_, version, err := c.channel(p.Name)
	if err != nil {
		return err
	}
	if p.Uses, err = ui.service.ChannelUses(c.ctx(), c.who, p.Name); err != nil {
		return err
	}
	settings, err := ui.service.Settings(c.ctx(), c.who)
	if err != nil {
		return err
	}
	p.Last = len(settings.Alerts.Channels) == 1
	status := form.Status()
	form.Clash = nil // there is nothing to compare: it is asked once more
	form.setVersion(version)
	return c.showStatus(status, "settings-channel-delete", c.t("Delete {name}", "name", p.Name), p)
}

func (ui *UI) deleteChannel(c *call) error {
	form := c.form()
	err := ui.service.DeleteChannel(c.ctx(), c.who, c.query("name"), form.Version())
	if form.Take(err) {
		return ui.channelDelete(c, form)
	}
	if err != nil {
		return err
	}
	c.done("{name} is deleted.", "name", c.query("name"))
	return c.redirect(alertsSection.path())
}
