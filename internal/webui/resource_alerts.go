package webui

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"

	"dispatchapy"
)

// resourceAlertsPage says who is told when a resource goes down, and how.
type resourceAlertsPage struct {
	resourcePage
	Form    *Form
	Rules   *ruleTable
	Preview alertPreview
	Mailer  bool // there is a mail server

	EmailResult, WebhookResult *channelResult // of a test that was asked for
}

const (
	usualSubject = "{resource_name} is down"
	usualBody    = "{resource_name} at {resource_endpoint} is down since {timestamp_utc}."
	usualPayload = `{"text": "{resource_name} is down since {timestamp_utc}"}`
)

func (ui *UI) showAlerts(c *call) error { return ui.alertsPage(c, &resourceAlertsPage{}) }

func (ui *UI) alertsPage(c *call, p *resourceAlertsPage) (err error) {
	if p.resourcePage, err = c.openResource("alerts"); err != nil {
		return err
	}
	settings, err := ui.service.Settings(c.ctx(), c.who)
	if err != nil {
		return err
	}
	p.Mailer = settings.SMTP != nil
	if p.Form == nil {
		p.Form = c.newForm(nil)
		p.Form.fillAlerts(&p.R.Resource)
		p.Form.setVersion(p.R.Version)
	}
	otherwise := settings.Alerts.ForResource(nil)
	p.Rules = c.ruleTable(p.Form, resourceForms(&otherwise), &settings.Alerts)
	if p.Preview, err = c.previewAlert(p); err != nil {
		return err
	}
	status := p.Form.Status()
	if p.EmailResult != nil || p.WebhookResult != nil {
		status = http.StatusOK // faults are the result of the test that was asked for
	}
	return c.showStatus(status, "resource_alerts", c.t("Alerts: {name}", "name", p.R.Name), p)
}

// Signed reports whether a signing secret is stored.
func (p *resourceAlertsPage) Signed() bool {
	return p.R.Notify != nil && p.R.Notify.Webhook != nil && p.R.Notify.Webhook.SigningSecret != ""
}

// ruleChoices are what a resource can say of a rule; the settings say whether
// it is on otherwise.
func (w *words) ruleChoices(on bool) []Option {
	otherwise := w.lang.T("not told, as in the settings")
	if on {
		otherwise = w.lang.T("told, as in the settings")
	}
	return options("", otherwise, "on", w.lang.T("told"), "off", w.lang.T("not told"))
}

// fillAlerts writes who is told of a resource into the form.
func (f *Form) fillAlerts(r *dispatchapy.Resource) {
	off := false
	email := dispatchapy.EmailNotice{Enabled: &off, Subject: usualSubject, Body: usualBody}
	hook := dispatchapy.WebhookNotice{Enabled: &off, Payload: json.RawMessage(usualPayload)}
	if r.Notify != nil && r.Notify.Email != nil {
		email = *r.Notify.Email
	}
	if r.Notify != nil && r.Notify.Webhook != nil {
		hook = *r.Notify.Webhook
	}
	f.fillEmail("notify.email.", &email)
	f.fillWebhook("notify.webhook.", &hook)
	own := r.Alerts
	if own == nil {
		own = &dispatchapy.ResourceAlerts{}
	}
	f.fillRules(resourceForms(own), true)
}

// readAlerts reads the form into a resource.
func (f *Form) readAlerts(r *dispatchapy.Resource) {
	hook := dispatchapy.WebhookNotice{}
	if r.Notify != nil && r.Notify.Webhook != nil {
		hook = *r.Notify.Webhook // with what the form does not have
	}
	f.readWebhook("notify.webhook.", &hook)
	r.Notify = &dispatchapy.Notify{Email: f.readEmail("notify.email."), Webhook: &hook}
	own := &dispatchapy.ResourceAlerts{}
	f.readRules(resourceForms(own), true)
	if r.Alerts = own; reflect.ValueOf(*own).IsZero() {
		r.Alerts = nil
	}
}

// unixLines takes away what browsers add to the ends of lines.
func unixLines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// saveAlerts stores the form, or does to it what a button asks for.
func (ui *UI) saveAlerts(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	p := &resourceAlertsPage{Form: c.form()}
	if p.Form.editRows("notify.webhook.headers", "notify.webhook.secrets") || p.Form.Do() == "preview" {
		return ui.alertsPage(c, p)
	}
	if via, found := strings.CutPrefix(p.Form.Do(), "test "); found {
		if via = oneOf(via, "email", "webhook"); via == "" {
			return errNowhere
		}
		return ui.tryAlert(c, p, dispatchapy.Via(via))
	}
	made, err := ui.service.UpdateResource(c.ctx(), c.who, id, p.Form.Version(), func(r *dispatchapy.Resource) error {
		p.Form.Faults = nil
		p.Form.readAlerts(r)
		if p.Form.Failed() {
			return errUnreadable
		}
		return nil
	})
	if err != nil {
		if !p.Form.Failed() && !p.Form.Take(err) {
			return err
		}
		p.Form.placeFaults()
		p.Form.labelNotices("notify.email.", "notify.webhook.")
		p.Form.placeRules()
		return ui.alertsPage(c, p)
	}
	return c.again(toast{Text: c.t("{name} is saved.", "name", made.Name)}, resourcePath(id, "alerts"))
}
