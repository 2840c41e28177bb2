package webui

import (
	"slices"
	"strconv"
	"strings"

	"dispatchapy"
)

// ruleRow is a rule of what people are told, in the table of the settings, of a
// resource or of an endpoint.
type ruleRow struct {
	Key, Group, Label, Hint string

	On                           bool   // where nothing is said
	For, Days                    string // what holds where nothing is said; "": it has no such threshold
	Of, Percent, Within, AtLeast string
	ForWord                      string   // before the field of For
	Counted                      []Option // of Of
}

// Name names a field of the rule.
func (r *ruleRow) Name(field string) string { return ruleField(r.Key, field) }

func ruleField(key, field string) string { return "alerts." + key + "." + field }

// ruleTable is what the shared template "alert-rules" shows.
type ruleTable struct {
	Form     *Form
	Rows     []*ruleRow
	Channels []string
	Own      bool // of a resource or endpoint, which may leave things as they are in the settings
	Writes   bool
}

// ruleTable makes the table of rules that leave things as they are in the
// settings, a.
func (c *call) ruleTable(form *Form, otherwise []ruleForm, a *dispatchapy.Alerts) *ruleTable {
	t := &ruleTable{Form: form, Rows: (&words{c.lang}).rules(otherwise), Own: true, Writes: c.who.May(dispatchapy.WriteConfig)}
	for i := range a.Channels {
		t.Channels = append(t.Channels, a.Channels[i].Name)
	}
	return t
}

// Through says in a few words which channels are ticked; "" for all.
func (t *ruleTable) Through(r *ruleRow) string {
	return strings.Join(t.Form.Values(r.Name("channels")), ", ")
}

// Begins reports whether a rule is the first one of its group.
func (t *ruleTable) Begins(i int) bool {
	return !t.Own && (i == 0 || t.Rows[i-1].Group != t.Rows[i].Group)
}

// Few reports whether all channels can stand beside each other.
func (t *ruleTable) Few() bool { return len(t.Channels) <= fewChannels }

const fewChannels = 6

// rules words rules; forms hold what holds where nothing is said.
func (w *words) rules(forms []ruleForm) []*ruleRow {
	rows := make([]*ruleRow, len(forms))
	for i := range forms {
		rows[i] = w.rule(&forms[i])
	}
	return rows
}

func (w *words) rule(f *ruleForm) *ruleRow {
	r := &ruleRow{Key: f.key, On: *f.enabled != nil && **f.enabled, ForWord: w.lang.T("for")}
	words := ruleWords[f.key]
	r.Group, r.Label, r.Hint = w.lang.T(words.group), w.lang.T(words.label), w.lang.T(words.hint)
	if f.lasting != nil {
		r.For = f.lasting.String()
	}
	if f.key == "backlog_old" {
		r.ForWord = w.lang.T("longer than")
	}
	if f.days != nil {
		r.Days = joinedDays(*f.days)
	}
	if a := f.failures; a != nil {
		r.Of, r.Percent, r.Within, r.AtLeast = string(a.Of), strconv.Itoa(a.Percent), a.Within.String(), strconv.Itoa(a.AtLeast)
		r.Counted = options("tasks", w.lang.T("of the tasks"), "attempts", w.lang.T("of the attempts"))
	}
	return r
}

// ruleWords say what rules are about.
var ruleWords = map[string]struct{ group, label, hint string }{
	"resource_down":        {tr("Resources"), tr("Down, and up again"), tr("With the check that makes it down or up. Reminders, too.")},
	"resource_flapping":    {tr("Resources"), tr("Flapping"), tr("It changes between down and up all the time: told once, instead of each time.")},
	"breaker_open":         {tr("Resources"), tr("Circuit breaker open"), tr("Deliveries fail, though its checks do not say that it is down.")},
	"resource_saturated":   {tr("Resources"), tr("Limits reached"), tr("Its limits turn messages away, which go to the next resource or wait.")},
	"certificate_expiring": {tr("Resources"), tr("Certificate expires"), tr("Told on each of these days before the end, and when it has come.")},
	"endpoint_down":        {tr("Endpoints"), tr("All resources down"), tr("Nothing is delivered: messages wait.")},
	"endpoint_on_backup":   {tr("Endpoints"), tr("On backup"), tr("Another resource delivers than the first choice; and when that is back.")},
	"backlog_old":          {tr("Endpoints"), tr("Old backlog"), tr("The oldest waiting message has waited for too long.")},
	"failures_high":        {tr("Endpoints"), tr("Many failures"), tr("A large share of the tasks fails for good, or of the attempts.")},
	"task_failed":          {tr("Endpoints"), tr("A task failed for good"), tr("Each of them: only where there are few.")},
	"config_changed":       {tr("Gateway"), tr("Configuration changed"), tr("By whom, and what. Users and API tokens, too.")},
	"login_throttled":      {tr("Gateway"), tr("Sign in throttled"), tr("Somebody tries too often to sign in.")},
}

// ruleForm is a rule as a form reads and writes it.
type ruleForm struct {
	key      string
	enabled  **bool
	channels *[]string
	lasting  *dispatchapy.Duration // nil: it has no such threshold
	days     *[]int
	failures *dispatchapy.FailuresAlert
}

func plainForm(key string, a *dispatchapy.Alert) ruleForm {
	return ruleForm{key: key, enabled: &a.Enabled, channels: &a.Channels}
}

func lastingForm(key string, a *dispatchapy.LastingAlert) ruleForm {
	return ruleForm{key: key, enabled: &a.Enabled, channels: &a.Channels, lasting: &a.For}
}

func certificateForm(a *dispatchapy.CertificateAlert) ruleForm {
	return ruleForm{key: "certificate_expiring", enabled: &a.Enabled, channels: &a.Channels, days: &a.Days}
}

func failuresForm(a *dispatchapy.FailuresAlert) ruleForm {
	return ruleForm{key: "failures_high", enabled: &a.Enabled, channels: &a.Channels, failures: a}
}

func resourceForms(a *dispatchapy.ResourceAlerts) []ruleForm {
	return []ruleForm{
		plainForm("resource_down", &a.ResourceDown), plainForm("resource_flapping", &a.ResourceFlapping), lastingForm("breaker_open", &a.BreakerOpen),
		lastingForm("resource_saturated", &a.ResourceSaturated), certificateForm(&a.CertificateExpiring),
	}
}

func endpointForms(a *dispatchapy.EndpointAlerts) []ruleForm {
	return []ruleForm{
		plainForm("endpoint_down", &a.EndpointDown), lastingForm("endpoint_on_backup", &a.EndpointOnBackup), lastingForm("backlog_old", &a.BacklogOld),
		failuresForm(&a.FailuresHigh), plainForm("task_failed", &a.TaskFailed),
	}
}

func settingsForms(a *dispatchapy.Alerts) []ruleForm {
	return []ruleForm{
		plainForm("resource_down", &a.ResourceDown), plainForm("resource_flapping", &a.ResourceFlapping), lastingForm("breaker_open", &a.BreakerOpen),
		lastingForm("resource_saturated", &a.ResourceSaturated), certificateForm(&a.CertificateExpiring),
		plainForm("endpoint_down", &a.EndpointDown), lastingForm("endpoint_on_backup", &a.EndpointOnBackup), lastingForm("backlog_old", &a.BacklogOld),
		failuresForm(&a.FailuresHigh), plainForm("task_failed", &a.TaskFailed),
		plainForm("config_changed", &a.ConfigChanged), plainForm("login_throttled", &a.LoginThrottled),
	}
}

// fillRules writes rules into the form: those of the settings have switches,
// own ones of resources and endpoints three states.
func (f *Form) fillRules(rules []ruleForm, own bool) {
	for _, r := range rules {
		on := *r.enabled != nil && **r.enabled
		switch {
		case !own:
			f.SetOn(ruleField(r.key, "enabled"), on)
		case *r.enabled == nil:
			f.Set(ruleField(r.key, "enabled"), "")
		case on:
			f.Set(ruleField(r.key, "enabled"), "on")
		default:
			f.Set(ruleField(r.key, "enabled"), "off")
		}
		f.values[ruleField(r.key, "channels")] = slices.Clone(*r.channels)
		if r.lasting != nil {
			f.setDuration(ruleField(r.key, "for"), *r.lasting)
		}
		if r.days != nil {
			f.Set(ruleField(r.key, "days"), joinedDays(*r.days))
		}
		if a := r.failures; a != nil {
			f.Set(ruleField(r.key, "of"), string(a.Of))
			f.setWhole(ruleField(r.key, "percent"), a.Percent)
			f.setDuration(ruleField(r.key, "within"), a.Within)
			f.setWhole(ruleField(r.key, "at_least"), a.AtLeast)
		}
	}
}

func (f *Form) setDuration(name string, d dispatchapy.Duration) {
	if d != 0 {
		f.Set(name, d.String())
	}
}

func (f *Form) setWhole(name string, n int) {
	if n != 0 {
		f.Set(name, strconv.Itoa(n))
	}
}

// readRules reads rules from the form.
func (f *Form) readRules(rules []ruleForm, own bool) {
	for _, r := range rules {
		value := f.Value(ruleField(r.key, "enabled"))
		*r.enabled = nil
		if on := value == "on"; !own || on || value == "off" {
			*r.enabled = &on
		}
		*r.channels = nil
		for _, name := range f.Values(ruleField(r.key, "channels")) {
			if name != "" {
				*r.channels = append(*r.channels, name)
			}
		}
		if r.lasting != nil {
			*r.lasting = f.Duration(ruleField(r.key, "for"))
		}
		if r.days != nil {
			*r.days = f.days(ruleField(r.key, "days"))
		}
		if a := r.failures; a != nil {
			a.Of = dispatchapy.FailuresOf(f.Value(ruleField(r.key, "of")))
			a.Percent, a.AtLeast = f.Whole(ruleField(r.key, "percent")), f.Whole(ruleField(r.key, "at_least"))
			a.Within = f.Duration(ruleField(r.key, "within"))
		}
	}
}

// days reads numbers of days.
func (f *Form) days(name string) (days []int) {
	for _, text := range f.Lines(name) {
		n, err := strconv.Atoi(text)
		if err != nil {
			f.Refuse(name, "must be whole numbers of days, like 21, 7, 1")
			return nil
		}
		days = append(days, n)
	}
	return days
}

func joinedDays(days []int) string {
	texts := make([]string, len(days))
	for i, n := range days {
		texts[i] = strconv.Itoa(n)
	}
	return strings.Join(texts, ", ")
}

// placeRules gives faults of an item of a list the field that has all of them,
// and says what the fields of rules are called.
func (f *Form) placeRules() {
	if f.Labels == nil {
		f.Labels = map[string]string{}
	}
	for key, words := range ruleWords {
		for _, field := range []string{"enabled", "channels", "for", "days", "of", "percent", "within", "at_least"} {
			f.Labels[ruleField(key, field)] = f.lang.T(words.label)
			for i := range f.Faults {
				if fault := &f.Faults[i]; strings.HasPrefix(fault.Path, ruleField(key, field)+"[") {
					fault.Path = ruleField(key, field)
				}
			}
		}
	}
}
