// Package transform shapes messages: it applies development overrides to an
// incoming payload and builds from it what is sent to a resource.
//
// Rules and mappings are compiled once, when the configuration changes, and
// used for every message. Everything here is a pure function of its arguments
// and safe for concurrent use. A payload is never decoded into Go values:
// values are moved as the bytes that arrived, so a 64-bit integer or a decimal
// reaches the provider digit for digit.
package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"dispatchapy"
)

// maxDepth limits the segments of a dotted path in the configuration, and with
// them the nesting that an override or a mapping can create.
const maxDepth = 32

// wideObject is the number of members from which a payload gets an index. Up
// to it a linear search is faster; beyond it, the index keeps a payload with
// very many keys from costing time for every key that a mapping asks for.
const wideObject = 32

// Payload is an incoming JSON object, parsed as far as its top level. It is
// immutable and made by Parse.
type Payload struct {
	raw     []byte
	members []member
	wide    map[string]int // member by key; nil up to wideObject members
}

type member struct {
	key   []byte // unquoted
	value []byte
}

// Parse reads a JSON object. The payload keeps raw, which must not be changed
// afterwards. An error is a *dispatchapy.Error with CodeInvalid.
func Parse(raw []byte) (Payload, error) {
	if !json.Valid(raw) {
		return Payload{}, syntaxError(raw)
	}
	if start := skipSpace(raw, 0); raw[start] != '{' {
		return Payload{}, dispatchapy.Errorf(dispatchapy.CodeInvalid,
			"the payload must be a JSON object, not %s", kindOf(raw[start:]))
	}
	return index(raw), nil
}

func syntaxError(raw []byte) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "the payload is empty; send a JSON object")
	}
	var into json.RawMessage
	err := json.Unmarshal(raw, &into)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid,
			"the payload is not valid JSON at byte %d: %w", syntax.Offset, syntax)
	}
	return dispatchapy.Errorf(dispatchapy.CodeInvalid, "the payload is not valid JSON")
}

// index finds the members of a valid JSON object.
func index(raw []byte) Payload {
	p := Payload{raw: raw, members: make([]member, 0, 16)}
	c := enter(raw, skipSpace(raw, 0))
	for {
		key, start, end, ok := c.member()
		if !ok {
			break
		}
		p.members = append(p.members, member{key: unquote(key), value: raw[start:end:end]})
	}
	if len(p.members) > wideObject {
		p.wide = make(map[string]int, len(p.members))
		for i, m := range p.members {
			p.wide[string(m.key)] = i
		}
	}
	return p
}

// Raw gives the payload as JSON: the bytes given to Parse, with the changes of
// Override. It must not be modified.
func (p Payload) Raw() json.RawMessage { return p.raw }

// member gives the value of a top-level key. Of equal keys the last one counts.
func (p *Payload) member(key string) ([]byte, bool) {
	if p.wide != nil {
		i, ok := p.wide[key]
		if !ok {
			return nil, false
		}
		return p.members[i].value, true
	}
	for i := len(p.members) - 1; i >= 0; i-- {
		if string(p.members[i].key) == key {
			return p.members[i].value, true
		}
	}
	return nil, false
}

// path is where a value is found: under the plain key, or else by descending
// through the segments.
type path struct {
	plain    string
	segments []string // nil if the key has no dot
}

// parsePath never fails; a path deeper than maxDepth is only a plain key.
// deepPath tells that to people.
func parsePath(s string) path {
	if !strings.Contains(s, ".") || deepPath(s) {
		return path{plain: s}
	}
	return path{plain: s, segments: strings.Split(s, ".")}
}

func deepPath(s string) bool { return strings.Count(s, ".") >= maxDepth }

// lookup finds the value at a path. A value that is null is found; see present.
func (p *Payload) lookup(at path) ([]byte, bool) {
	value, ok := p.member(at.plain)
	if ok || at.segments == nil {
		return value, ok
	}
	value, ok = p.member(at.segments[0])
	for _, segment := range at.segments[1:] {
		if !ok {
			return nil, false
		}
		var start, end int
		if start, end, ok = findChild(value, 0, segment); ok {
			value = value[start:end:end]
		}
	}
	return value, ok
}

// present finds a value that is neither absent nor null.
func (p *Payload) present(at path) ([]byte, bool) {
	value, ok := p.lookup(at)
	return value, ok && !isNull(value)
}
