package webui

import (
	"net/http"
	"net/url"
	"strings"

	"dispatchapy"
)

func (ui *UI) alertRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{get, "/settings/alerts", staff, ui.showSection(alertsSection)},
		{post, "/settings/alerts", admins, ui.saveAlertRules},
		{get, "/settings/alerts/channel", staff, ui.showChannel},
		{post, "/settings/alerts/channel", admins, ui.saveChannel},
		{get, "/settings/alerts/channel/new", admins, ui.showNewChannel},
		{post, "/settings/alerts/channel/new", admins, ui.saveNewChannel},
		{get, "/settings/alerts/channel/delete", admins, ui.confirmChannelDelete},
		{post, "/settings/alerts/channel/delete", admins, ui.deleteChannel},
	}
}

// alertsSection is of what people are told, without the channels, which have
// pages of their own.
var alertsSection = &section{
	name: "alerts",
	fill: func(f *Form, s *dispatchapy.Settings) {
		f.Set("alerts.base_url", s.Alerts.BaseURL)
		f.fillRules(settingsForms(&s.Alerts), false)
	},
	read: func(f *Form) func(*dispatchapy.Settings) {
		base := strings.TrimSpace(f.Value("alerts.base_url"))
		var read dispatchapy.Alerts
		f.readRules(settingsForms(&read), false)
		return func(s *dispatchapy.Settings) {
			read.BaseURL, read.Channels = base, s.Alerts.Channels
			s.Alerts = read
		}
	},
}

// saveAlertRules is saveSection with faults at the fields of the rules.
func (ui *UI) saveAlertRules(c *call) error {
	form := c.form()
	saved, err := ui.storeSection(c, alertsSection, form)
	if err != nil {
		return err
	}
	if !saved {
		form.placeRules()
		form.Labels["alerts.base_url"] = c.t("Address of this gateway")
		return ui.sectionForm(c, alertsSection, form, nil)
	}
	c.done("Saved.")
	return c.redirect(alertsSection.path())
}

// Rules is the table of rules; what stands in empty fields is the usual.
func (p *settingsPage) Rules() *ruleTable {
	usual := dispatchapy.DefaultSettings()
	t := &ruleTable{Form: p.Form, Rows: (&words{p.Lang}).rules(settingsForms(&usual.Alerts)), Writes: p.Writes()}
	for i := range p.Settings.Alerts.Channels {
		t.Channels = append(t.Channels, p.Settings.Alerts.Channels[i].Name)
	}
	return t
}

// channelRow is a channel in the list.
type channelRow struct {
	Name    string
	On      bool
	Webhook bool
	To      string // whom or what it reaches
	Quiet   []dispatchapy.QuietHours
	Alone   bool // a message for each incident
}

// Channels lists the channels.
func (p *settingsPage) Channels() []channelRow {
	rows := make([]channelRow, len(p.Settings.Alerts.Channels))
	for i := range rows {
		ch := &p.Settings.Alerts.Channels[i]
		row := channelRow{Name: ch.Name, On: ch.IsEnabled(), Webhook: ch.Webhook != nil, Quiet: ch.Quiet, Alone: ch.GroupBy == dispatchapy.GroupByIncident}
		switch {
		case ch.Webhook != nil:
			row.To = hostOf(ch.Webhook.URL) // the rest of it may be as good as a secret
		case ch.Email != nil:
			row.To = strings.Join(ch.Email.To, ", ")
		}
		rows[i] = row
	}
	return rows
}

// MailMissing reports whether there is a channel for mail, and no mail server.
func (p *settingsPage) MailMissing() bool {
	for i := range p.Settings.Alerts.Channels {
		if p.Settings.Alerts.Channels[i].Email.IsEnabled() && p.Settings.SMTP == nil {
			return true
		}
	}
	return false
}

// Path gives the address of the channel's page, or of what is below it.
func (r *channelRow) Path(below string) string { return channelPath(r.Name, below) }

// channelPath gives the address of a channel's page. Names may hold anything.
func channelPath(name, below string) string {
	path := "/settings/alerts/channel"
	if below != "" {
		path += "/" + below
	}
	return path + "?" + url.Values{"name": {name}}.Encode()
}
