package webui

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// endpointOverrides is the tab of development mode: holding what comes in, and
// rules that replace values, with what they do to an example.
type endpointOverrides struct {
	endpointPage
	Rules   *rulesEditor
	Senders []Option // clients whose rules can be combined with these
	Result  *rulesResult
	Unsaved bool
}

// rulesResult is what rules do to an example.
type rulesResult struct {
	Fault string // the example cannot be read
	Works bool   // the rules are switched on, as the form has it
	Rules []ruleResult

	Sender  string // whose rules come first; "": nobody's
	Applied []appliedRule
	Lines   []Line // from the example to what is mapped
	Changed bool
}

// ruleResult is one rule of the endpoint, as a sentence.
type ruleResult struct {
	dispatchapy.Rule
	Place      int // from 1
	On         bool
	Incomplete bool
	Fires      bool
	Before     string // "": the key is added
	Notes      []string
}

// appliedRule is a rule that has replaced something.
type appliedRule struct {
	service.Override
	Beaten bool // a later one sets the same key
}

func (ui *UI) showEndpointOverrides(c *call) error {
	p := &endpointOverrides{}
	var err error
	if p.endpointPage, err = c.openEndpoint("overrides"); err != nil {
		return err
	}
	p.Form = c.newForm(url.Values{"version": {strconv.FormatInt(p.E.Version, 10)}})
	p.Form.SetOn("dev.enabled", p.E.Dev.Enabled)
	p.Form.SetOn("dev.hold", p.E.Dev.Hold)
	p.Form.SetOn("dev.rules_enabled", p.E.Dev.RulesEnabled)
	p.Form.setRules(p.E.Dev.Rules)
	if err := c.fillExample(&p.endpointPage, "task"); err != nil {
		return err
	}
	return c.endpointOverrides(p)
}

func (c *call) endpointOverrides(p *endpointOverrides) error {
	writes := c.who.May(dispatchapy.WriteConfig)
	p.Form.Labels = map[string]string{"dev": c.t("Development mode"), "dev.rules": c.t("Rules"), "payload": c.t("Example message")}
	p.Rules = &rulesEditor{Form: p.Form, Readonly: !writes}
	if writes {
		if err := c.addSenders(p); err != nil {
			return err
		}
		var err error
		if p.Result, err = c.rulesResult(p); err != nil {
			return err
		}
	}
	return c.showStatus(p.Form.Status(), "endpoint_overrides", c.t("Overrides of {name}", "name", p.URL()), p)
}

// addSenders lists the clients of the endpoint, whose rules come before those
// of the endpoint.
func (c *call) addSenders(p *endpointOverrides) error {
	p.Senders = []Option{{Label: c.t("any client, without rules of its own")}}
	for _, name := range p.E.Clients {
		p.Senders = append(p.Senders, Option{Value: name, Label: name})
	}
	return nil
}

func (ui *UI) saveEndpointOverrides(c *call) error {
	p := &endpointOverrides{Unsaved: true}
	var err error
	if p.endpointPage, err = c.openEndpoint("overrides"); err != nil {
		return err
	}
	p.Form = c.form()
	switch verb, what, _ := strings.Cut(p.Form.Do(), " "); {
	case verb == "preview", p.Form.editRules():
		return c.endpointOverrides(p)
	case verb == "example":
		if err := c.fillExample(&p.endpointPage, what); err != nil {
			return err
		}
		return c.endpointOverrides(p)
	}
	dev := dispatchapy.EndpointDev{
		Enabled: p.Form.On("dev.enabled"), Hold: p.Form.On("dev.hold"), RulesEnabled: p.Form.On("dev.rules_enabled"), Rules: p.Form.rules(),
	}
	if p.Form.Failed() {
		return c.endpointOverrides(p)
	}
	saved, err := ui.service.UpdateEndpoint(c.ctx(), c.who, p.E.ID, p.Form.Version(), func(d *service.EndpointDraft) error {
		d.Dev = dev
		return nil
	})
	if p.Form.Take(err) {
		return c.endpointOverrides(p)
	}
	if err != nil {
		return err
	}
	return c.saved(toast{Text: c.devSaid(&saved)}, p.Own("overrides"), func() error {
		form := p.Form
		p.Unsaved = false
		if p.endpointPage, err = c.openEndpoint("overrides"); err != nil {
			return err
		}
		p.Form = form
		p.Form.Set("version", strconv.FormatInt(saved.Version, 10))
		return c.endpointOverrides(p)
	})
}

// devSaid says what holds from now on.
func (c *call) devSaid(e *service.Endpoint) string {
	switch {
	case !e.Dev.Enabled:
		return c.t("Saved. Development mode is off.")
	case e.Dev.Hold:
		return c.t("Saved. Every message that comes in is held.")
	}
	return c.t("Saved. The rules work from now on.")
}

// saved answers a form that was saved. With scripts the page stays as it is,
// with what was only tried out in it; otherwise the browser goes on.
func (c *call) saved(said toast, to string, stay func() error) error {
	if !c.htmx() {
		c.say(said)
		return c.redirect(to)
	}
	c.sayNow(said)
	return stay()
}

// rulesResult tries the rules of the form on its example: each by itself, as if
// it were switched on, and all together with those of a client.
func (c *call) rulesResult(p *endpointOverrides) (*rulesResult, error) {
	f := p.Form
	example := []byte(lines(f.Value("example")))
	result := &rulesResult{Works: f.On("dev.enabled") && f.On("dev.rules_enabled"), Sender: f.Value("sender")}
	complete := result.addRules(c, f)
	tried, err := c.ui.service.TryRules(c.ctx(), c.who, service.RulesTrial{Rules: complete, Endpoint: p.E.Path, Payload: example})
	var fault *dispatchapy.Error
	if errors.As(err, &fault) && fault.Code == dispatchapy.CodeInvalid {
		result.Fault = c.lang.Said(fault.Message)
		if len(fault.Fields) > 0 {
			result.Fault = c.lang.Said(fault.Fields[0].Message)
		}
		return result, nil
	}
	if err != nil {
		return nil, err
	}
	next := 0
	for i := range result.Rules {
		r := &result.Rules[i]
		if r.Incomplete {
			continue
		}
		t := &tried.Rules[next]
		next++
		r.Fires, r.Before, r.Notes = t.Fires, string(t.Before), t.Notes
	}
	return result, c.combine(p, result, complete, example)
}

// addRules writes the rules of the form as sentences and gives those that can
// be tried.
func (r *rulesResult) addRules(c *call, f *Form) (complete []dispatchapy.Rule) {
	probe := c.newForm(f.values) // so that what is not finished is no fault yet
	for i, rule := range probe.rules() {
		one := ruleResult{Rule: rule, Place: i + 1, On: rule.IsActive()}
		one.Incomplete = rule.Set.Param == "" || rule.If != nil && rule.If.Param == "" || probe.Fault(At(ruleList, i, "set.value")) != ""
		if !one.Incomplete {
			complete = append(complete, rule)
		}
		r.Rules = append(r.Rules, one)
	}
	return complete
}

// combine shows what all rules together make of the example: the client's come
// first, and the endpoint wins.
func (c *call) combine(p *endpointOverrides, result *rulesResult, rules []dispatchapy.Rule, example []byte) error {
	dev := dispatchapy.EndpointDev{Enabled: len(rules) > 0, RulesEnabled: len(rules) > 0, Rules: rules}
	if !slices.Contains(p.E.Clients, result.Sender) {
		result.Sender = ""
	}
	preview, err := c.ui.service.PreviewMessage(c.ctx(), c.who, p.E.ID, service.PreviewInput{Payload: example, Client: result.Sender, Dev: &dev})
	if dispatchapy.ErrorCode(err) == dispatchapy.CodeInvalid {
		return nil // a rule is not finished yet
	}
	if err != nil {
		return err
	}
	for i, o := range preview.Overrides {
		beaten := slices.ContainsFunc(preview.Overrides[i+1:], func(later service.Override) bool { return later.Param == o.Param })
		result.Applied = append(result.Applied, appliedRule{Override: o, Beaten: beaten})
	}
	result.Changed = len(preview.Overrides) > 0
	result.Lines = diffLines(indentJSON(example), indentJSON(preview.Payload))
	return nil
}
