package transform

import "dispatchapy"

// Mapping is a compiled mapping: it builds what is sent to one resource. A nil
// *Mapping, like an empty one, passes the payload through.
type Mapping struct {
	nodes []node // sorted by key
	size  int    // of the output without the values
}

// node is one key of the object that is built.
type node struct {
	name     string
	quoted   []byte // the key as it is written, with the colon
	target   string // full dotted key, for messages
	source   source // nil for a nested object
	children []node
}

// Apply builds the target payload: a compact JSON object with sorted keys. An
// empty mapping gives the payload itself, which must not be modified: byte for
// byte as it was received, if no override changed it.
//
// The error is a *dispatchapy.Error with CodeInvalid and one field per target
// key whose value cannot be cast; it tells kinds of values, never the values.
func (m *Mapping) Apply(p Payload, env Env) ([]byte, error) {
	if m == nil || len(m.nodes) == 0 {
		return p.raw, nil
	}
	b := builder{
		input: input{payload: p, env: env},
		out:   make([]byte, 0, m.size+min(len(p.raw), 4096)),
	}
	b.object(m.nodes)
	if len(b.out) > MaxTarget {
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "the mapped payload is larger than %d bytes", MaxTarget)
	}
	if len(b.problems) > 0 {
		return nil, &dispatchapy.Error{
			Code:    dispatchapy.CodeInvalid,
			Message: "the payload does not fit the mapping",
			Fields:  b.problems,
		}
	}
	return b.out, nil
}

// MaxTarget bounds a mapped payload, in bytes: a template can multiply what a
// caller sends.
const MaxTarget = 64 << 20

// builder writes one target payload.
type builder struct {
	input    input
	out      []byte
	problems []dispatchapy.FieldError
}

// object writes the members that have a value and reports how many there are.
// It recurses as deep as the mapping's keys, which is at most maxDepth.
func (b *builder) object(nodes []node) (members int) {
	b.out = append(b.out, '{')
	for i := range nodes {
		if len(b.out) > MaxTarget {
			return members // refused as a whole by Apply
		}
		mark := len(b.out)
		if members > 0 {
			b.out = append(b.out, ',')
		}
		b.out = append(b.out, nodes[i].quoted...)
		if b.value(&nodes[i]) {
			members++
		} else {
			b.out = b.out[:mark]
		}
	}
	b.out = append(b.out, '}')
	return members
}

// value writes the value of a node and reports whether there is one.
func (b *builder) value(n *node) bool {
	if n.source == nil {
		return b.object(n.children) > 0
	}
	var found bool
	var err error
	b.out, found, err = n.source.append(b.out, &b.input)
	if err != nil {
		b.problems = append(b.problems, dispatchapy.FieldError{Path: n.target, Message: err.Error()})
	}
	return found
}
