package transform

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dispatchapy"
)

// CompileMapping compiles a mapping or says what is wrong with it. The paths
// of the field errors are relative to the mapping, such as "to.template".
//
// Dots in a target key nest objects. A nested object of which no key has a
// value is left out.
func CompileMapping(m dispatchapy.Mapping) (*Mapping, []dispatchapy.FieldError) {
	compiled := &Mapping{size: len("{}")}
	var problems []dispatchapy.FieldError
	for _, target := range slices.Sorted(maps.Keys(m)) {
		c := compiler{target: target, spec: m[target]}
		segments := c.segments()
		s := c.source()
		if len(c.problems) == 0 {
			compiled.add(&c, segments, s)
		}
		problems = append(problems, c.problems...)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	sortNodes(compiled.nodes)
	return compiled, nil
}

// segments splits the target key and checks it.
func (c *compiler) segments() []string {
	segments := strings.Split(c.target, ".")
	switch {
	case slices.Contains(segments, ""):
		c.report("", "the target key has an empty part; write it like key or outer.key")
	case len(segments) > maxDepth:
		c.report("", "the target key has more than %d levels; shorten it", maxDepth)
	}
	return segments
}

// add puts a source at its place in the tree. Targets come sorted, so a key
// that is a value comes before the keys that would need it to be an object.
func (m *Mapping) add(c *compiler, segments []string, s source) {
	level := &m.nodes
	for i, segment := range segments {
		at := slices.IndexFunc(*level, func(n node) bool { return n.name == segment })
		last := i == len(segments)-1
		if at < 0 {
			n := node{name: segment, quoted: append(appendQuoted(nil, segment), ':'), target: c.target}
			if last {
				n.source = s
			}
			m.size += len(n.quoted) + len("{},")
			*level = append(*level, n)
			at = len(*level) - 1
		} else if taken := (*level)[at]; last || taken.source != nil {
			c.report("", "conflicts with the target key %q: one key cannot be both a value and an object; remove one of them", taken.target)
			return
		}
		level = &(*level)[at].children
	}
}

func sortNodes(nodes []node) {
	slices.SortFunc(nodes, func(a, b node) int { return strings.Compare(a.name, b.name) })
	for _, n := range nodes {
		sortNodes(n.children)
	}
}

// compiler compiles the source of one target key and collects what is wrong
// with it.
type compiler struct {
	target   string
	spec     dispatchapy.Source
	problems []dispatchapy.FieldError
}

// report notes a problem with a field of the source; "" is the source itself.
func (c *compiler) report(field, format string, args ...any) {
	path := c.target
	if field != "" {
		path += "." + field
	}
	c.problems = append(c.problems, dispatchapy.FieldError{Path: path, Message: fmt.Sprintf(format, args...)})
}

// source compiles where the value comes from. It gives nil if it reported a
// problem that leaves nothing to compile.
func (c *compiler) source() source {
	if !c.exactlyOne() {
		return nil
	}
	to := c.cast()
	switch {
	case c.spec.UUID:
		c.textOnly("uuid", "a UUID", to)
		return uuidSource{target: c.target}
	case c.spec.Now:
		c.textOnly("now", "the time", to)
		return nowSource{}
	case len(c.spec.Value) > 0:
		c.noDefault("value")
		return constantSource(c.constant("value", c.spec.Value, to))
	case c.spec.Template != "":
		t, err := parseTemplate(c.spec.Template)
		if err != nil {
			c.report("template", "%v", err)
		}
		return &templateSource{template: t, cast: to, fallback: c.fallback(to)}
	}
	if deepPath(c.spec.From) {
		c.report("from", "has more than %d levels; shorten the path", maxDepth)
	}
	return &fieldSource{at: parsePath(c.spec.From), cast: to, fallback: c.fallback(to)}
}

func (c *compiler) exactlyOne() bool {
	var given []string
	for _, kind := range []struct {
		name string
		set  bool
	}{
		{"from", c.spec.From != ""},
		{"uuid", c.spec.UUID},
		{"value", len(c.spec.Value) > 0},
		{"template", c.spec.Template != ""},
		{"now", c.spec.Now},
	} {
		if kind.set {
			given = append(given, kind.name)
		}
	}
	switch len(given) {
	case 0:
		c.report("", "has no source; give one of from, uuid, value, template and now")
	case 1:
		return true
	default:
		c.report("", "has %d sources (%s); keep one of them", len(given), strings.Join(given, ", "))
	}
	return false
}

func (c *compiler) cast() cast {
	if c.spec.Type == "" || slices.Contains(dispatchapy.ValueTypes, c.spec.Type) {
		return cast(c.spec.Type)
	}
	c.report("type", "%q is not known; use one of %s", c.spec.Type, strings.Join(dispatchapy.ValueTypes, ", "))
	return castNone
}

// textOnly checks a source that always gives text.
func (c *compiler) textOnly(field, subject string, to cast) {
	if to != castNone && to != castString {
		c.report("type", "%s is text and cannot become %s; leave the type out", subject, to.article())
	}
	c.noDefault(field)
}

// noDefault refuses a default that could never be used, since it is probably
// a mistake.
func (c *compiler) noDefault(field string) {
	if len(c.spec.Default) > 0 {
		c.report("default", "is never used together with %s; remove it", field)
	}
}

// fallback compiles the default; nil if there is none.
func (c *compiler) fallback(to cast) []byte {
	if len(c.spec.Default) == 0 {
		return nil
	}
	return c.constant("default", c.spec.Default, to)
}

// constant compiles JSON from the configuration, cast once and for all.
func (c *compiler) constant(field string, value []byte, to cast) []byte {
	compact, ok := compactJSON(value)
	if !ok {
		c.report(field, "is not valid JSON; put text in double quotes")
		return nil
	}
	converted, ok := to.append(nil, compact)
	if !ok {
		c.report(field, "is %s that cannot become %s; correct it or the type", kindOf(compact), to.article())
	}
	return converted
}
