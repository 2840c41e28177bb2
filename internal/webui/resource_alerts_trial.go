package webui

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// placeholder is what texts of alerts can hold.
type placeholder struct{ Name, What string }

// Placeholders lists them.
func (p *resourceAlertsPage) Placeholders() []placeholder { return placeholdersOf(p.Lang) }

func placeholdersOf(lang translator) []placeholder {
	return []placeholder{
		{"{resource_name}", lang.T("the name of the resource")},
		{"{resource_endpoint}", lang.T("its address")},
		{"{timestamp_utc}", lang.T("when it happened, in UTC")},
		{"{datetime}", lang.T("the same, for programs")},
		{"{title}", lang.T("what happened, in a line")},
		{"{text}", lang.T("what happened, in full")},
		{"{reason}", lang.T("what the check said")},
		{"{since}", lang.T("since when it is down")},
		{"{downtime}", lang.T("how long it was down, once it is up")},
		{"{event}", lang.T("the kind of event")},
		{"{status}", lang.T("firing or resolved")},
		{"{action}", lang.T("trigger or resolve")},
		{"{severity}", lang.T("critical, warning or info")},
		{"{count}", lang.T("how many events are told at once")},
		{"{endpoint}", lang.T("the endpoint, where it is about one")},
		{"{incident_id}", lang.T("the number of the incident")},
		{"{task_id}", lang.T("the task, where it is about one")},
		{"{link}", lang.T("where to look")},
		{"{gateway}", lang.T("which gateway says it")},
		{"{key}", lang.T("the same for all that is said of an incident")},
		{"{secret:NAME}", lang.T("a secret of the webhook")},
	}
}

// alertPreview is what would be sent if the resource went down now.
type alertPreview struct {
	To             string
	Email, Webhook dispatchapy.AlertPreview
	Method         string
	Payload        string
}

// previewAlert has what is written in the form worded, as it would be sent.
// What cannot be read yet is left out.
func (c *call) previewAlert(p *resourceAlertsPage) (out alertPreview, err error) {
	form := *p.Form
	form.Faults = nil
	own := p.R.Resource
	form.readAlerts(&own)
	out.To, out.Method = strings.Join(own.Notify.Email.To, ", "), own.Notify.Webhook.Method
	ask := func(via dispatchapy.Via) (dispatchapy.AlertPreview, error) {
		return c.ui.service.PreviewAlert(c.ctx(), c.who, service.AlertTestInput{Channel: own.Notify.Channel(via), Resource: p.R.Name})
	}
	if out.Email, err = ask(dispatchapy.ViaEmail); err != nil {
		return out, err
	}
	if out.Webhook, err = ask(dispatchapy.ViaWebhook); err != nil {
		return out, err
	}
	if fault := form.Fault("notify.webhook.payload"); fault != "" {
		out.Webhook.Body, out.Webhook.Refusal = nil, fault
	}
	if out.Payload = string(out.Webhook.Body); json.Valid(out.Webhook.Body) {
		out.Payload = indentJSON(bytes.TrimSpace(out.Webhook.Body))
	}
	return out, nil
}

// tryAlert sends a test message through the notice as it stands in the form,
// saved or not, and shows what came of it.
func (ui *UI) tryAlert(c *call, p *resourceAlertsPage, via dispatchapy.Via) (err error) {
	if p.resourcePage, err = c.openResource("alerts"); err != nil {
		return err
	}
	own := p.R.Resource // with its secrets masked, which stand for those that are stored
	p.Form.readAlerts(&own)
	p.Form.keepFaultsBelow("notify." + string(via) + ".")
	result := &channelResult{Faults: p.Form.Faults}
	if !p.Form.Failed() {
		tried, err := ui.service.TestAlert(c.ctx(), c.who, service.AlertTestInput{Channel: own.Notify.Channel(via), Resource: p.R.Name})
		if result, err = p.Form.takeTrial("notify.", tried, err); err != nil {
			return err
		}
	}
	p.Form.placeFaults()
	p.Form.labelNotices("notify.email.", "notify.webhook.")
	if via == dispatchapy.ViaEmail {
		p.EmailResult = result
	} else {
		p.WebhookResult = result
	}
	return ui.alertsPage(c, p)
}

// keepFaultsBelow forgets what is wrong with other fields.
func (f *Form) keepFaultsBelow(prefix string) {
	f.Faults = slices.DeleteFunc(f.Faults, func(fault dispatchapy.FieldError) bool { return !strings.HasPrefix(fault.Path, prefix) })
}
