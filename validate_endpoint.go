package dispatchapy

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

func (e *Endpoint) validate(at place) {
	at.field("path").endpointPath(e.Path)
	at.field("required_params").names(e.RequiredParams)
	between(at.field("max_body"), e.MaxBody, 1, MaxMaxBody)

	linked := make(map[string]bool, len(e.Resources))
	for i, name := range e.Resources {
		ref := at.item("resources", i)
		ref.check(at.v.resources[name], "there is no resource %q", name)
		ref.check(!linked[name], "%q is repeated", name)
		linked[name] = true
	}
	for _, name := range sortedKeys(e.Mapping) {
		mapping := at.field("mapping").field(name)
		mapping.check(linked[name], "%q is not among this endpoint's resources", name)
		e.Mapping[name].validate(mapping)
	}
	if e.Retry != nil {
		e.Retry.validate(at.field("retry"))
	}
	if e.Alerts != nil {
		e.Alerts.validate(at.field("alerts"))
	}
	dev := at.field("dev")
	dev.check(!e.Dev.Enabled || e.Dev.Hold || e.Dev.RulesEnabled,
		"development mode requires either holding incoming tasks or activating development rules: set hold or rules_enabled")
	dev.rules(e.Dev.RulesEnabled, e.Dev.Rules)
	for i := range e.Dev.Rules {
		dev.item("rules", i).field("endpoint").check(e.Dev.Rules[i].Endpoint == "",
			"only a client's rule can be limited to an endpoint; leave it out")
	}
}

// endpointPath checks a path of POST /api/{path}.
func (p place) endpointPath(path string) {
	switch {
	case path == "":
		p.fault("is missing")
		return
	case len(path) > MaxNameLength:
		p.fault("must have at most %d characters", MaxNameLength)
	case strings.ContainsFunc(path, isNotPathRune):
		p.fault("may only contain letters A-Z and a-z, digits and . _ ~ - and / between its parts")
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "" || segment == "." || segment == ".." {
			p.fault("must not have an empty part, \".\" or \"..\" between slashes")
			return
		}
	}
}

func isNotPathRune(r rune) bool {
	isAlnum := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !isAlnum && !strings.ContainsRune("._~/-", r)
}

func (m Mapping) validate(at place) {
	for _, key := range sortedKeys(m) {
		target := at.field(key)
		target.name(key)
		source := m[key]
		source.validate(target)
	}
}

func (s *Source) validate(at place) {
	kinds := 0
	for _, given := range []bool{s.From != "", s.UUID, len(s.Value) > 0, s.Template != "", s.Now} {
		if given {
			kinds++
		}
	}
	at.check(kinds == 1, "must have exactly one of from, uuid, value, template and now")
	if len(s.Value) > 0 {
		at.field("value").json(s.Value)
	}
	if len(s.Default) > 0 {
		at.field("default").json(s.Default)
	}
	if s.Type != "" {
		oneOf(at.field("type"), s.Type, ValueTypes...)
	}
}

// validate checks what the override gives, together with the settings that it
// leaves as they are.
func (o *RetryOverride) validate(at place) {
	policy, attempts := at.v.settings.RetryFor(o)
	if o.MaxAttempts != nil {
		between(at.field("max_attempts"), attempts, 1, MaxAttempts)
	}
	policy.validate(at, retryFields{
		base:   o.Base != nil,
		factor: o.Factor != nil,
		cap:    o.Cap != nil,
		jitter: o.Jitter != nil,
		maxAge: o.MaxAge != nil,
	})
}

// rules checks development rules, of an endpoint or of a client.
func (p place) rules(enabled bool, rules []Rule) {
	p.field("rules").check(!enabled || len(rules) > 0,
		"add at least one development rule, or set rules_enabled: false")
	p.field("rules").check(len(rules) <= MaxRules, "must have at most %d rules", MaxRules)
	for i := range rules {
		rules[i].validate(p.item("rules", i))
	}
}

func (r *Rule) validate(at place) {
	if r.If != nil {
		at.field("if").field("param").name(r.If.Param)
		at.field("if").field("matches").check(!TooLargeExpression(r.If.Matches),
			"is too large: at most %d bytes, and steps with repetitions written out; make it shorter, or repeat less", MaxExpression)
	}
	set := at.field("set")
	set.field("param").name(r.Set.Param)
	set.field("value").json(r.Set.Value)
}

func validateClients(root place, clients []Client) {
	names := make(map[string]bool, len(clients))
	tokens := make(map[TokenHash]string, len(clients))
	for i := range clients {
		c, at := &clients[i], root.item("clients", i)
		at.unique(names, "name", c.Name)
		c.validate(at)
		claim := func(at place, text string) {
			hash, err := ParseTokenHash(text)
			if err != nil {
				return // reported by validate
			}
			if other, taken := tokens[hash]; taken {
				at.fault("client %q has the same token: every client needs its own", other)
			}
			tokens[hash] = c.Name
		}
		claim(at.field("token"), c.TokenHash)
		for j, old := range c.OldTokens {
			claim(at.item("old_tokens", j).field("hash"), old.Hash)
		}
	}
}

func (c *Client) validate(at place) {
	at.field("name").name(c.Name)
	if c.Token != "" {
		if err := CheckToken(c.Token); err != nil {
			at.field("token").fault("%s", err)
		}
	}
	if c.TokenHash == "" {
		at.field("token").fault("is missing")
	} else if _, err := ParseTokenHash(c.TokenHash); err != nil {
		at.field("token_hash").fault("%s", err)
	}
	at.field("old_tokens").check(len(c.OldTokens) <= MaxOldTokens, "must have at most %d entries", MaxOldTokens)
	for i, old := range c.OldTokens {
		_, err := ParseTokenHash(old.Hash)
		at.item("old_tokens", i).field("hash").check(err == nil, "%v", err)
	}
	for i, path := range c.Endpoints {
		at.item("endpoints", i).check(at.v.endpoints[path], "there is no endpoint %q", path)
	}
	dev := at.field("dev")
	dev.rules(c.Dev.RulesEnabled, c.Dev.Rules)
	for i := range c.Dev.Rules {
		path := c.Dev.Rules[i].Endpoint
		dev.item("rules", i).field("endpoint").check(path == "" || at.v.endpoints[path], "there is no endpoint %q", path)
	}
}

// CheckToken says what is wrong with a token that a person chose. It must
// survive in a header and not be guessed in a few tries.
func CheckToken(token Secret) error {
	s := token.Reveal()
	if n := utf8.RuneCountInString(s); n < MinTokenLength || n > MaxTokenLength {
		return fmt.Errorf("a token has %d to %d characters", MinTokenLength, MaxTokenLength)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return errors.New("a token has no spaces and only printable ASCII characters")
	}
	return nil
}
