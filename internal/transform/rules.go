package transform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"unicode/utf8"

	"dispatchapy"
)

// Rules are the compiled development rules of one client or one endpoint. A
// nil *Rules has none.
type Rules struct {
	rules []rule
}

type rule struct {
	place    int    // in the list that it was compiled from
	endpoint string // "" or the endpoint that the rule is limited to
	when     *condition
	param    string
	target   path
	value    json.RawMessage
}

type condition struct {
	param   path
	matches func(text []byte) bool // nil: presence is enough
}

// CompileRules compiles the active rules, in their order, those limited to one
// endpoint among them; use For to leave out those for other endpoints.
//
// It does not fail: an invalid regular expression, or one that is too large (as
// an older version may have stored), is searched as plain text,
// and an invalid value becomes null rather than being ignored, because a rule
// that silently does nothing would let a test message out to a real recipient.
// CheckRule tells both beforehand.
func CompileRules(rules []dispatchapy.Rule) *Rules {
	var compiled []rule
	for i := range rules {
		if r := &rules[i]; r.IsActive() {
			one := compileRule(r)
			one.place = i
			compiled = append(compiled, one)
		}
	}
	return newRules(compiled)
}

func newRules(rules []rule) *Rules {
	if len(rules) == 0 {
		return nil
	}
	return &Rules{rules: rules}
}

func compileRule(r *dispatchapy.Rule) rule {
	value, ok := compactJSON(r.Set.Value)
	if !ok {
		value = []byte("null")
	}
	compiled := rule{
		endpoint: r.Endpoint,
		param:    r.Set.Param,
		target:   parsePath(r.Set.Param),
		value:    value,
	}
	if r.If != nil {
		compiled.when = &condition{param: parsePath(r.If.Param), matches: compileMatch(r.If.Matches)}
	}
	return compiled
}

func compileMatch(pattern string) func([]byte) bool {
	if pattern == "" {
		return nil
	}
	if !dispatchapy.TooLargeExpression(pattern) {
		if re, err := regexp.Compile(pattern); err == nil {
			return re.Match
		}
	}
	substring := []byte(pattern)
	return func(text []byte) bool { return bytes.Contains(text, substring) }
}

// For gives the rules that apply to an endpoint: those limited to its path and
// those without a limit.
func (r *Rules) For(endpoint string) *Rules {
	if r == nil {
		return nil
	}
	var kept []rule
	for _, one := range r.rules {
		if one.endpoint == "" || one.endpoint == endpoint {
			kept = append(kept, one)
		}
	}
	return newRules(kept)
}

// CheckRule says what is wrong with a rule, and what is allowed but probably
// not meant. Paths are relative to the rule, such as "set.value".
func CheckRule(r dispatchapy.Rule) (problems, warnings []dispatchapy.FieldError) {
	report := func(path, format string, args ...any) {
		problems = append(problems, dispatchapy.FieldError{Path: path, Message: fmt.Sprintf(format, args...)})
	}
	switch {
	case r.Set.Param == "":
		report("set.param", "is empty; name the key to override")
	case deepPath(r.Set.Param):
		report("set.param", "has more than %d levels; shorten the path", maxDepth)
	}
	switch {
	case len(r.Set.Value) == 0:
		report("set.value", "is missing; give the new value, null if that is meant")
	case !json.Valid(r.Set.Value):
		report("set.value", "is not valid JSON; put text in double quotes")
	}
	if r.If == nil {
		return problems, nil
	}
	switch {
	case r.If.Param == "":
		report("if.param", "is empty; name the key to look at, or leave out the condition")
	case deepPath(r.If.Param):
		report("if.param", "has more than %d levels; shorten the path", maxDepth)
	}
	if dispatchapy.TooLargeExpression(r.If.Matches) {
		return problems, warnings // refused elsewhere, and dear to look at
	}
	if _, err := regexp.Compile(r.If.Matches); err != nil {
		warnings = append(warnings, dispatchapy.FieldError{
			Path:    "if.matches",
			Message: fmt.Sprintf("is not a regular expression (%v); it is searched as plain text", err),
		})
	}
	return problems, warnings
}

// Origins of an applied rule.
const (
	OriginClient   = "client"
	OriginEndpoint = "endpoint"
)

// Applied records one rule that was applied to a payload.
type Applied struct {
	Origin string          // OriginClient or OriginEndpoint
	Rule   int             // place of the rule among all of its origin, from 0
	Param  string          // the rule's key
	Before json.RawMessage // the value that this rule replaced; nil if the key was absent
	After  json.RawMessage
}

// String gives a line for the task's log, with long values cut short:
//
//	client rule set phone: "62811" -> "000"
func (a Applied) String() string {
	before, after := a.Excerpts()
	if before == "" {
		before = "(absent)"
	}
	return fmt.Sprintf("%s rule set %s: %s -> %s", a.Origin, a.Param, before, after)
}

// Excerpts gives what the rule replaced, "" if the key was absent, and by what,
// with long values cut short.
func (a Applied) Excerpts() (before, after string) { return excerpt(a.Before), excerpt(a.After) }

// excerpt bounds what a value takes in the log: a payload may be megabytes.
func excerpt(value []byte) string {
	const most = 200
	if len(value) == 0 {
		return ""
	}
	compact := appendCompact(nil, value)
	if len(compact) <= most {
		return string(compact)
	}
	end := most
	for end > 0 && !utf8.RuneStart(compact[end]) {
		end--
	}
	return fmt.Sprintf("%s... (%d bytes)", compact[:end], len(compact))
}

// Override applies the client's rules and then the endpoint's, so that the
// endpoint wins where both set a key, and a later rule over an earlier one.
// Conditions see the original payload, whatever the rules before have done.
// Either argument may be nil. The receiver and its bytes stay as they are.
//
// A rule's key is a top-level key if the payload has it or if it has no dot,
// else a dotted path. Objects that a path lacks are created; an array index
// past the end appends. A value in the middle of the path that cannot hold the
// next segment is replaced by an object. All other bytes are kept.
func (p Payload) Override(client, endpoint *Rules) (Payload, []Applied) {
	out := p
	var log []Applied
	for _, set := range []struct {
		origin string
		rules  *Rules
	}{{OriginClient, client}, {OriginEndpoint, endpoint}} {
		if set.rules == nil {
			continue
		}
		for _, r := range set.rules.rules {
			if !r.when.holds(&p) {
				continue
			}
			raw, before := splice(out.raw, r.segments(&out), r.value)
			out = index(raw)
			log = append(log, Applied{Origin: set.origin, Rule: r.place, Param: r.param, Before: before, After: r.value})
		}
	}
	return out, log
}

func (c *condition) holds(p *Payload) bool {
	if c == nil {
		return true
	}
	value, ok := p.lookup(c.param)
	return ok && (c.matches == nil || c.matches(text(value)))
}

// segments gives the way to the key that the rule sets in this payload.
func (r *rule) segments(p *Payload) []string {
	if _, plain := p.member(r.target.plain); plain || r.target.segments == nil {
		return []string{r.target.plain}
	}
	return r.target.segments
}
