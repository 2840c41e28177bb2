package webui

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatchapy"
)

// resourceAlertsPage says who is told when a resource goes down, and how.
type resourceAlertsPage struct {
	resourcePage
	Form     *Form
	Rules    []alertRule
	Channels []string // of the settings
	Preview  alertPreview
	Mailer   bool // there is a mail server
}

// alertRule is a rule of the settings that a resource may have its own way.
type alertRule struct {
	Key, Label string
	Default    bool
	Lasts      bool // it has a time after which people are told
	DefaultFor string
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
	for _, channel := range settings.Alerts.Channels {
		p.Channels = append(p.Channels, channel.Name)
	}
	p.Rules = alertRules(c, &settings.Alerts)
	if p.Form == nil {
		p.Form = c.newForm(nil)
		p.Form.fillAlerts(&p.R.Resource)
		p.Form.setVersion(p.R.Version)
	}
	p.Preview = p.Form.previewAlert(&p.R.Resource, time.Now())
	return c.showStatus(p.Form.Status(), "resource_alerts", c.t("Alerts: {name}", "name", p.R.Name), p)
}

// Methods are the HTTP methods of webhooks.
func (p *resourceAlertsPage) Methods() []Option { return checks(dispatchapy.NoticeMethods) }

// Signed reports whether a signing secret is stored.
func (p *resourceAlertsPage) Signed() bool {
	return p.R.Notify != nil && p.R.Notify.Webhook != nil && p.R.Notify.Webhook.SigningSecret != ""
}

func alertRules(c *call, a *dispatchapy.Alerts) []alertRule {
	return []alertRule{
		{Key: "resource_down", Label: c.t("It is down, and up again"), Default: a.ResourceDown.IsOn()},
		{Key: "resource_flapping", Label: c.t("It goes down and up all the time"), Default: a.ResourceFlapping.IsOn()},
		{Key: "breaker_open", Label: c.t("Its circuit breaker is open"), Default: a.BreakerOpen.IsOn(), Lasts: true, DefaultFor: a.BreakerOpen.For.String()},
		{Key: "resource_saturated", Label: c.t("Its limits turn messages away"), Default: a.ResourceSaturated.IsOn(), Lasts: true, DefaultFor: a.ResourceSaturated.For.String()},
		{Key: "certificate_expiring", Label: c.t("Its certificate expires"), Default: a.CertificateExpiring.IsOn()},
	}
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
	f.SetOn("notify.email.enabled", email.IsEnabled())
	f.Set("notify.email.to", strings.Join(email.To, "\n"))
	f.Set("notify.email.subject", email.Subject)
	f.Set("notify.email.body", email.Body)
	f.SetOn("notify.webhook.enabled", hook.IsEnabled())
	f.Set("notify.webhook.url", hook.URL)
	f.Set("notify.webhook.method", cmp.Or(hook.Method, http.MethodPost))
	f.Set("notify.webhook.timeout", cmp.Or(hook.Timeout, dispatchapy.Duration(dispatchapy.DefaultWebhookTimeout)).String())
	if hook.Retries != nil {
		f.Set("notify.webhook.retries", strconv.Itoa(*hook.Retries))
	}
	f.SetOn("notify.webhook.signed", hook.SigningSecret != "")
	f.fillHeaders("notify.webhook.headers", hook.Headers)
	f.fillHeaders("notify.webhook.secrets", hook.Secrets)
	f.Set("notify.webhook.payload", indentJSON(hook.Payload))
	own := r.Alerts
	if own == nil {
		own = &dispatchapy.ResourceAlerts{}
	}
	f.fillRule("resource_down", own.ResourceDown.Enabled, own.ResourceDown.Channels, 0)
	f.fillRule("resource_flapping", own.ResourceFlapping.Enabled, own.ResourceFlapping.Channels, 0)
	f.fillRule("breaker_open", own.BreakerOpen.Enabled, own.BreakerOpen.Channels, own.BreakerOpen.For)
	f.fillRule("resource_saturated", own.ResourceSaturated.Enabled, own.ResourceSaturated.Channels, own.ResourceSaturated.For)
	f.fillRule("certificate_expiring", own.CertificateExpiring.Enabled, own.CertificateExpiring.Channels, 0)
}

func (f *Form) fillRule(key string, enabled *bool, channels []string, lasting dispatchapy.Duration) {
	switch {
	case enabled == nil:
		f.Set("alerts."+key+".enabled", "")
	case *enabled:
		f.Set("alerts."+key+".enabled", "on")
	default:
		f.Set("alerts."+key+".enabled", "off")
	}
	f.values["alerts."+key+".channels"] = slices.Clone(channels)
	if lasting != 0 {
		f.Set("alerts."+key+".for", lasting.String())
	}
}

// readAlerts reads the form into a resource.
func (f *Form) readAlerts(r *dispatchapy.Resource) {
	emailOn, hookOn := f.On("notify.email.enabled"), f.On("notify.webhook.enabled")
	email := &dispatchapy.EmailNotice{
		Enabled: &emailOn, To: f.Lines("notify.email.to"),
		Subject: strings.TrimSpace(f.Value("notify.email.subject")), Body: unixLines(f.Value("notify.email.body")),
	}
	hook := &dispatchapy.WebhookNotice{}
	if r.Notify != nil && r.Notify.Webhook != nil {
		hook = r.Notify.Webhook // with what the form does not have
	}
	hook.Enabled, hook.URL, hook.Headers = &hookOn, strings.TrimSpace(f.Value("notify.webhook.url")), f.readHeaders("notify.webhook.headers")
	hook.Method, hook.Timeout, hook.Secrets = f.Value("notify.webhook.method"), f.Duration("notify.webhook.timeout"), f.readHeaders("notify.webhook.secrets")
	hook.Retries = nil
	if strings.TrimSpace(f.Value("notify.webhook.retries")) != "" {
		retries := f.Whole("notify.webhook.retries")
		hook.Retries = &retries
	}
	f.readSigning(hook)
	hook.Payload = nil
	if text := strings.TrimSpace(f.Value("notify.webhook.payload")); text != "" && !f.refuseText("notify.webhook.payload") {
		hook.Payload = json.RawMessage(text)
	}
	r.Notify = &dispatchapy.Notify{Email: email, Webhook: hook}
	own := &dispatchapy.ResourceAlerts{}
	if r.Alerts != nil {
		own.CertificateExpiring.Days = r.Alerts.CertificateExpiring.Days
	}
	own.ResourceDown.Enabled, own.ResourceDown.Channels, _ = f.readRule("resource_down")
	own.ResourceFlapping.Enabled, own.ResourceFlapping.Channels, _ = f.readRule("resource_flapping")
	own.BreakerOpen.Enabled, own.BreakerOpen.Channels, own.BreakerOpen.For = f.readRule("breaker_open")
	own.ResourceSaturated.Enabled, own.ResourceSaturated.Channels, own.ResourceSaturated.For = f.readRule("resource_saturated")
	own.CertificateExpiring.Enabled, own.CertificateExpiring.Channels, _ = f.readRule("certificate_expiring")
	if r.Alerts = own; reflect.ValueOf(*own).IsZero() {
		r.Alerts = nil
	}
}

// readSigning keeps the stored secret where none is written and the box is
// still ticked.
func (f *Form) readSigning(hook *dispatchapy.WebhookNotice) {
	written := strings.TrimSpace(f.Value("notify.webhook.signing_secret"))
	switch {
	case !f.On("notify.webhook.signed"):
		hook.SigningSecret = ""
	case written != "":
		hook.SigningSecret = dispatchapy.Secret(written)
	case hook.SigningSecret == "":
		f.Refuse("notify.webhook.signing_secret", "Write the secret that the receiver knows.")
	}
}

func (f *Form) readRule(key string) (enabled *bool, channels []string, lasting dispatchapy.Duration) {
	if value := oneOf(f.Value("alerts."+key+".enabled"), "on", "off"); value != "" {
		on := value == "on"
		enabled = &on
	}
	for _, name := range f.Values("alerts." + key + ".channels") {
		if name != "" {
			channels = append(channels, name)
		}
	}
	return enabled, channels, f.Duration("alerts." + key + ".for")
}

// unixLines takes away what browsers add to the ends of lines.
func unixLines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// refuseText notes what keeps the text of a field from being JSON of any kind.
func (f *Form) refuseText(name string) bool {
	var value json.RawMessage
	err := json.Unmarshal([]byte(f.Value(name)), &value)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		line, column := placeIn([]byte(f.Value(name)), int(syntax.Offset)-1)
		f.Refuse(name, "This is no JSON: line {line}, column {column}: {what}", "line", line, "column", column, "what", syntax.Error())
	case err != nil:
		f.Refuse(name, "This is no JSON: line {line}, column {column}: {what}", "line", 1, "column", 1, "what", err.Error())
	}
	return err != nil
}

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
		p.Form.labelAlerts()
		return ui.alertsPage(c, p)
	}
	return c.again(toast{Text: c.t("{name} is saved.", "name", made.Name)}, resourcePath(id, "alerts"))
}

func (f *Form) labelAlerts() {
	f.Labels = map[string]string{
		"notify.email.to": f.lang.T("To"), "notify.email.subject": f.lang.T("Subject"), "notify.email.body": f.lang.T("Text"),
		"notify.webhook.url": "URL", "notify.webhook.payload": f.lang.T("Payload"), "notify.webhook.timeout": f.lang.T("Timeout"), "notify.webhook.retries": f.lang.T("Retries"),
		"notify.webhook.signing_secret": f.lang.T("Signing secret"),
		"alerts.breaker_open.for":       f.lang.T("Its circuit breaker is open"), "alerts.resource_saturated.for": f.lang.T("Its limits turn messages away"),
	}
	for list, label := range map[string]string{"notify.webhook.headers": f.lang.T("Header"), "notify.webhook.secrets": f.lang.T("Secret")} {
		for i := range f.Rows(list) {
			for _, field := range []string{"name", "value"} {
				f.Labels[At(list, i, field)] = fmt.Sprintf("%s %d", label, i+1)
			}
		}
	}
}
