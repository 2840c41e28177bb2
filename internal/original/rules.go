package original

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"

	"dispatchapy"
)

// Failure policy of the rules: fail closed. A development rule keeps test
// messages from real recipients. Where one that is in use cannot be brought
// over, its endpoint or client holds its tasks until a person has looked.

func (r *reader) readEndpointRules(ctx context.Context) error {
	return r.file.each(ctx, "SELECT * FROM development_rules ORDER BY id", nil, func(row row) {
		e := r.endpointOf(row, "development rules")
		if e == nil {
			return
		}
		about := fmt.Sprintf("endpoint %q", e.Path)
		rule, ok := r.rule(row, about, len(e.Dev.Rules))
		if ok {
			e.Dev.Rules = append(e.Dev.Rules, rule)
		} else if e.Dev.RulesEnabled && !e.Dev.Hold {
			e.Dev.Hold = true
			r.note("%s: holds its tasks while in development mode, because a rule is missing", about)
		}
	})
}

func (r *reader) readClientRules(ctx context.Context) error {
	return r.file.each(ctx, "SELECT * FROM client_dev_rules ORDER BY id", nil, func(row row) {
		c := r.clientOf(row, "development rules")
		if c == nil {
			return
		}
		about := fmt.Sprintf("client %q", c.Name)
		active := row.on("active")
		rule, ok := r.rule(row, about, len(c.Dev.Rules))
		if !ok {
			if active && c.Dev.RulesEnabled && !c.Dev.Hold {
				c.Dev.Hold = true
				r.note("%s: holds its tasks, because a rule is missing", about)
			}
			return
		}
		rule.Active = &active
		rule.Endpoint = r.ruleLimit(row, about)
		c.Dev.Rules = append(c.Dev.Rules, rule)
	})
}

// ruleLimit gives the endpoint to which a client's rule is limited. The
// original ignores the limit. It is kept, because it is what was asked for;
// without its endpoint the rule goes on to apply everywhere, because it did.
func (r *reader) ruleLimit(row row, about string) string {
	id := row.id("endpoint_id")
	if id == 0 {
		return ""
	}
	o, ok := r.world.endpoints[id]
	if !ok {
		r.note("%s: a rule is limited to endpoint %d, which does not exist: it applies to all endpoints, as it did", about, id)
		return ""
	}
	r.note("%s: a rule is limited to endpoint %q and now applies only there; the original applied it to all endpoints", about, o.name)
	return o.name
}

// rule reads what both kinds of rules have in common. before is how many there
// are already. ok is false if the rule cannot be brought over.
func (r *reader) rule(row row, about string, before int) (rule dispatchapy.Rule, ok bool) {
	if before >= dispatchapy.MaxRules {
		r.note("%s: has more than %d development rules, the others are left out", about, dispatchapy.MaxRules)
		return rule, false
	}
	rule.Set.Param = row.text("target_param")
	rule.Set.Value = json.RawMessage("null")
	if row.value("override_value") != nil {
		rule.Set.Value = quoted(row.text("override_value"))
	}
	if param := row.text("condition_param"); param != "" {
		rule.If = &dispatchapy.Condition{Param: param, Matches: row.text("condition_value")}
	}
	if !isKey(rule.Set.Param) || rule.If != nil && !isKey(rule.If.Param) {
		r.note("%s: a development rule has no key to set or look at, left out", about)
		return rule, false
	}
	if rule.If != nil && dispatchapy.TooLargeExpression(rule.If.Matches) {
		r.note("%s: the condition of the rule for %q is too large, left out", about, rule.Set.Param)
		return rule, false
	}
	if rule.If != nil {
		if _, err := regexp.Compile(rule.If.Matches); err != nil {
			r.note("%s: the condition of the rule for %q is not a regular expression that is known here; it is searched as plain text: check it", about, rule.Set.Param)
		}
	}
	return rule, true
}

// settleDevelopment switches off what does nothing, which is refused here: no
// task goes another way because of it.
func (r *reader) settleDevelopment() {
	for i := range r.config.Endpoints {
		e := &r.config.Endpoints[i]
		if e.Dev.RulesEnabled && len(e.Dev.Rules) == 0 {
			e.Dev.RulesEnabled = false
			r.note("endpoint %q: development rules were on, but there are none: switched off", e.Path)
		}
		if e.Dev.Enabled && !e.Dev.Hold && !e.Dev.RulesEnabled {
			e.Dev.Enabled = false
			r.note("endpoint %q: development mode neither held tasks nor had rules: switched off", e.Path)
		}
	}
	for i := range r.config.Clients {
		c := &r.config.Clients[i]
		if c.Dev.RulesEnabled && len(c.Dev.Rules) == 0 {
			c.Dev.RulesEnabled = false
			r.note("client %q: development rules were on, but there are none: switched off", c.Name)
		}
	}
}
