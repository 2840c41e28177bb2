package webui

import (
	"bytes"
	"encoding/json"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// ruleList is the name of the rules in every form: the field of a client and of
// an endpoint has the same.
const ruleList = "dev.rules"

// rulesEditor is what the shared template "rules" shows.
type rulesEditor struct {
	Form      *Form
	Endpoints []Option            // that a rule can be limited to; nil: rules cannot be limited
	Tried     *service.RulesTried // nil: nothing was tried
	Readonly  bool
}

// List is the name of the rows.
func (*rulesEditor) List() string { return ruleList }

// Rows gives the places of the rows.
func (e *rulesEditor) Rows() []int {
	rows := make([]int, e.Form.Rows(ruleList))
	for i := range rows {
		rows[i] = i
	}
	return rows
}

// Of gives what a rule did in the trial; nil where there was none.
func (e *rulesEditor) Of(row int) *service.RuleTried {
	if e.Tried == nil || row < 0 || row >= len(e.Tried.Rules) {
		return nil
	}
	return &e.Tried.Rules[row]
}

// editRules does what a button beside the rules asks for, and reports whether
// there was one. A new rule is switched on.
func (f *Form) editRules() bool {
	before := f.Rows(ruleList)
	if !f.editRows(ruleList) {
		return false
	}
	if n := f.Rows(ruleList); n > before {
		f.SetOn(At(ruleList, n-1, "active"), true)
	}
	return true
}

// rules reads the rules of a form.
func (f *Form) rules() []dispatchapy.Rule {
	var rules []dispatchapy.Rule
	for i := range f.Rows(ruleList) {
		on := f.On(At(ruleList, i, "active"))
		rule := dispatchapy.Rule{Endpoint: f.Value(At(ruleList, i, "endpoint")), Active: &on}
		param, matches := strings.TrimSpace(f.Value(At(ruleList, i, "if.param"))), f.Value(At(ruleList, i, "if.matches"))
		if param != "" || matches != "" {
			rule.If = &dispatchapy.Condition{Param: param, Matches: matches}
		}
		rule.Set.Param = strings.TrimSpace(f.Value(At(ruleList, i, "set.param")))
		rule.Set.Value = f.ruleValue(i)
		rules = append(rules, rule)
	}
	return rules
}

// ruleValue reads the new value of a rule, which is text or any JSON.
func (f *Form) ruleValue(row int) json.RawMessage {
	name := At(ruleList, row, "set.value")
	text := f.Value(name)
	if f.Value(At(ruleList, row, "as")) != "json" {
		return quoteJSON(text)
	}
	value := strings.TrimSpace(text)
	if !json.Valid([]byte(value)) {
		f.Refuse(name, "is not valid JSON: correct it, or choose Text")
		return json.RawMessage("null")
	}
	return json.RawMessage(value)
}

// quoteJSON writes text as a JSON string.
func quoteJSON(text string) json.RawMessage {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a string can always be encoded
	return bytes.TrimRight(out.Bytes(), "\n")
}

// setRules puts rules into a form.
func (f *Form) setRules(rules []dispatchapy.Rule) {
	for i := range rules {
		r := &rules[i]
		f.SetOn(At(ruleList, i, "active"), r.IsActive())
		f.Set(At(ruleList, i, "endpoint"), r.Endpoint)
		if r.If != nil {
			f.Set(At(ruleList, i, "if.param"), r.If.Param)
			f.Set(At(ruleList, i, "if.matches"), r.If.Matches)
		}
		f.Set(At(ruleList, i, "set.param"), r.Set.Param)
		as, value := "json", string(r.Set.Value)
		var text string
		if json.Unmarshal(r.Set.Value, &text) == nil && string(r.Set.Value) != "null" {
			as, value = "text", text
		}
		f.Set(At(ruleList, i, "as"), as)
		f.Set(At(ruleList, i, "set.value"), value)
	}
}

// tryRules tries the rules of a form on the example that stands in it, which
// goes to the endpoint. What is wrong is noted in the form.
func (c *call) tryRules(form *Form, endpoint string) (*service.RulesTried, error) {
	rules := form.rules()
	if form.Failed() {
		return nil, nil
	}
	tried, err := c.ui.service.TryRules(c.ctx(), c.who, service.RulesTrial{
		Rules: rules, Endpoint: endpoint, Payload: []byte(form.Value("payload")),
	})
	if form.Take(err) {
		return nil, nil
	}
	return &tried, err
}

// examplePayload is what rules are tried on before somebody writes an example.
const examplePayload = "{\n  \"ref\": \"inv-1\",\n  \"scope\": \"test\"\n}"
