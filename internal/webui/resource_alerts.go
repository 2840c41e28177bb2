package webui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"dispatchapy"
)

// resourceAlertsPage says who is told when a resource goes down, and how.
type resourceAlertsPage struct {
	resourcePage
	Form    *Form
	Rules   *ruleTable
	Preview alertPreview
	Mailer  bool // there is a mail server
}

// alertPreview is what would be sent if the resource went down now.
type alertPreview struct {
	To            string
	Subject, Body string
	URL, Payload  string
}

// placeholder is what texts of alerts can hold, with what stands in its place if
// the resource goes down.
type placeholder struct{ Name, What, Value string }

// Placeholders lists them.
func (p *resourceAlertsPage) Placeholders() []placeholder {
	return placeholdersOf(p.Lang, &p.R.Resource, time.Now())
}

func placeholdersOf(lang translator, r *dispatchapy.Resource, now time.Time) []placeholder {
	at := now.UTC().Format("2006-01-02 15:04:05 UTC")
	title := fmt.Sprintf("Resource %s is down", r.Name)
	return []placeholder{
		{"{resource_name}", lang.T("the name of the resource"), r.Name},
		{"{resource_endpoint}", lang.T("its address"), r.URL},
		{"{timestamp_utc}", lang.T("when it happened, in UTC"), at},
		{"{datetime}", lang.T("the same, for programs"), now.UTC().Format(time.RFC3339)},
		{"{title}", lang.T("what happened, in a line"), title},
		{"{text}", lang.T("what happened, in full"), title + ". HTTP 503 Service Unavailable"},
		{"{reason}", lang.T("what the check said"), "HTTP 503 Service Unavailable"},
		{"{since}", lang.T("since when it is down"), at},
		{"{downtime}", lang.T("how long it was down, once it is up"), ""},
		{"{event}", lang.T("the kind of event"), string(dispatchapy.EventResourceDown)},
		{"{status}", lang.T("firing or resolved"), "firing"},
		{"{action}", lang.T("trigger or resolve"), "trigger"},
		{"{severity}", lang.T("critical, warning or info"), string(dispatchapy.EventResourceDown.Severity())},
		{"{count}", lang.T("how many events are told at once"), "1"},
		{"{endpoint}", lang.T("the endpoint, where it is about one"), ""},
		{"{incident_id}", lang.T("the number of the incident"), "17"},
		{"{task_id}", lang.T("the task, where it is about one"), ""},
		{"{link}", lang.T("where to look"), ""},
		{"{gateway}", lang.T("which gateway says it"), "Dispatchapy"},
	}
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
	p.Preview = p.Form.previewAlert(&p.R.Resource, time.Now())
	return c.showStatus(p.Form.Status(), "resource_alerts", c.t("Alerts: {name}", "name", p.R.Name), p)
}

// Signed reports whether a signing secret is stored.
func (p *resourceAlertsPage) Signed() bool {
	return p.R.Notify != nil && p.R.Notify.Webhook != nil && p.R.Notify.Webhook.SigningSecret != ""
}

// ruleChoices are what a resource can say of a rule; the settings say whether
// it is on otherwise.
func (w *words) ruleChoices(on bool) []Option {
	otherwise := w.lang.T("as in the settings: not told")
	if on {
		otherwise = w.lang.T("as in the settings: told")
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
	hook := &dispatchapy.WebhookNotice{}
	if r.Notify != nil && r.Notify.Webhook != nil {
		hook = r.Notify.Webhook // with what the form does not have
	}
	f.readWebhook("notify.webhook.", hook)
	r.Notify = &dispatchapy.Notify{Email: f.readEmail("notify.email."), Webhook: hook}
	own := &dispatchapy.ResourceAlerts{}
	f.readRules(resourceForms(own), true)
	if r.Alerts = own; reflect.ValueOf(*own).IsZero() {
		r.Alerts = nil
	}
}

// unixLines takes away what browsers add to the ends of lines.
func unixLines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// previewAlert fills in the placeholders as if the resource had gone down now.
func (f *Form) previewAlert(r *dispatchapy.Resource, now time.Time) alertPreview {
	var plain, quoted []string
	for _, placeholder := range placeholdersOf(f.lang, r, now) {
		text := string(jsonString(placeholder.Value))
		plain = append(plain, placeholder.Name, placeholder.Value)
		quoted = append(quoted, placeholder.Name, text[1:len(text)-1]) // placeholders stand within strings
	}
	out := alertPreview{
		To:      strings.Join(f.Lines("notify.email.to"), ", "),
		Subject: strings.NewReplacer(plain...).Replace(f.Value("notify.email.subject")),
		Body:    strings.NewReplacer(plain...).Replace(unixLines(f.Value("notify.email.body"))),
		URL:     strings.TrimSpace(f.Value("notify.webhook.url")),
		Payload: strings.NewReplacer(quoted...).Replace(f.Value("notify.webhook.payload")),
	}
	if out.URL != "" {
		out.URL = f.Value("notify.webhook.method") + " " + out.URL
	}
	if payload := bytes.TrimSpace([]byte(out.Payload)); json.Valid(payload) {
		out.Payload = indentJSON(payload)
	}
	return out
}

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
