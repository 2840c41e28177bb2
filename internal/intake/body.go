package intake

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf8"

	"dispatchapy"
)

// maxDepth is how deep objects and arrays may nest, counting the body itself.
const maxDepth = 64

// maxEcho is how many bytes of a caller's key are repeated in an error.
const maxEcho = 100

// span is a piece of the body. Offsets fit because no body is larger than
// dispatchapy.MaxMaxBody.
type span struct{ start, end uint32 }

// body is a checked request body: a JSON object (RFC 8259) in valid UTF-8
// whose keys are unique in every object. Strings with half of a surrogate pair
// ("\ud83d" alone) are refused like any other invalid Unicode: decoders differ
// in what they make of them, so that two different keys may become one.
//
// Only what the intake asks for is remembered: the keys of the top level and
// where ref and scope stand. Checking is linear in the size of the body and
// needs at most a small multiple of it in memory, whatever is inside.
type body struct {
	data []byte
	pos  int

	keys  keySet // of the objects that are open; in the end, of the top level
	top   index  // of the top-level keys, if there are many
	ref   span   // value of ref as it stands in the body; zero: absent
	scope span
}

// fault is what is wrong with a body, and where.
type fault struct {
	pos     int // offset in bytes
	message string
}

// newBody prepares data to be checked.
func newBody(data []byte) *body {
	return &body{data: data, keys: keySet{data: data, keys: make([]key, 0, 2*fewKeys)}}
}

// check reads the whole body and gives the first fault found, or nil.
func (b *body) check() *dispatchapy.Error {
	if !utf8.Valid(b.data) {
		return b.refuse("Invalid UTF-8", &fault{pos: firstInvalid(b.data), message: "send the text as UTF-8"})
	}
	b.space()
	if b.pos == len(b.data) {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "The body is empty: send a JSON object")
	}
	first := b.data[b.pos]
	if f := b.document(); f != nil {
		return b.refuse("Invalid JSON", f)
	}
	if first != '{' {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "The body must be a JSON object, not %s", kindOf(first))
	}
	return nil
}

// has reports whether the body has a key at the top level.
func (b *body) has(name string) bool {
	return b.keys.has(mark{}, &b.top, []byte(name))
}

// word gives the value of ref or scope as text: the text of a string, a number
// as it is written, "" where it is absent or null.
func (b *body) word(name string, value span) (string, *dispatchapy.Error) {
	raw := b.data[value.start:value.end]
	if len(raw) == 0 || raw[0] == 'n' {
		return "", nil
	}
	if raw[0] == '-' || isDigit(raw[0]) {
		return string(raw), nil
	}
	if raw[0] != '"' {
		return "", dispatchapy.Errorf(dispatchapy.CodeInvalid, "'%s' must be a string or a number, not %s", name, kindOf(raw[0]))
	}
	raw = raw[1 : len(raw)-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw), nil
	}
	text := appendUnescaped(make([]byte, 0, len(raw)), raw)
	if bytes.IndexByte(text, 0) >= 0 {
		// Databases differ in whether they can keep it in a text.
		return "", dispatchapy.Errorf(dispatchapy.CodeInvalid, "'%s' must not contain the character U+0000", name)
	}
	return string(text), nil
}

// document reads one value and nothing after it.
func (b *body) document() *fault {
	if f := b.value(1); f != nil {
		return f
	}
	b.space()
	if b.pos < len(b.data) {
		return b.unexpected("the end of the body")
	}
	return nil
}

// value reads a value that stands at the given depth, 1 being the body itself.
func (b *body) value(depth int) *fault {
	switch c := b.peek(); c {
	case '{':
		return b.object(depth)
	case '[':
		return b.array(depth)
	case '"':
		_, _, f := b.text()
		return f
	case 't':
		return b.literal("true")
	case 'f':
		return b.literal("false")
	case 'n':
		return b.literal("null")
	default:
		if c == '-' || isDigit(c) {
			return b.number()
		}
		return b.unexpected("a value")
	}
}

func (b *body) object(depth int) *fault {
	if depth > maxDepth {
		return b.tooDeep()
	}
	mark := b.keys.mark()
	var many index
	b.pos++
	for first := true; ; first = false {
		b.space()
		if first && b.peek() == '}' {
			break
		}
		if f := b.member(depth, mark, &many); f != nil {
			return f
		}
		b.space()
		if b.peek() == '}' {
			break
		}
		if b.peek() != ',' {
			return b.unexpected("',' or '}'")
		}
		b.pos++
	}
	b.pos++
	if depth == 1 {
		b.top = many
		return nil
	}
	b.keys.release(mark)
	return nil
}

// member reads a key and its value, and notes what the intake asks for.
func (b *body) member(depth int, object mark, many *index) *fault {
	start := b.pos
	if b.peek() != '"' {
		return b.unexpected("a key in double quotes")
	}
	raw, escaped, f := b.text()
	if f != nil {
		return f
	}
	name, isNew := b.keys.add(object, many, raw, escaped)
	if !isNew {
		return &fault{pos: start, message: fmt.Sprintf("duplicate key %s", quote(name))}
	}
	b.space()
	if b.peek() != ':' {
		return b.unexpected("':'")
	}
	b.pos++
	b.space()
	from := b.pos
	if f := b.value(depth + 1); f != nil {
		return f
	}
	if depth == 1 {
		switch string(name) {
		case "ref":
			b.ref = span{uint32(from), uint32(b.pos)}
		case "scope":
			b.scope = span{uint32(from), uint32(b.pos)}
		}
	}
	return nil
}

func (b *body) array(depth int) *fault {
	if depth > maxDepth {
		return b.tooDeep()
	}
	b.pos++
	b.space()
	if b.peek() == ']' {
		b.pos++
		return nil
	}
	for {
		b.space()
		if f := b.value(depth + 1); f != nil {
			return f
		}
		b.space()
		switch b.peek() {
		case ',':
			b.pos++
		case ']':
			b.pos++
			return nil
		default:
			return b.unexpected("',' or ']'")
		}
	}
}

// text reads a string and gives what stands between its quotes.
func (b *body) text() (raw span, escaped bool, f *fault) {
	start := b.pos + 1
	for i := start; i < len(b.data); {
		switch c := b.data[i]; {
		case c == '"':
			b.pos = i + 1
			return span{uint32(start), uint32(i)}, escaped, nil
		case c == '\\':
			n, f := b.escape(i)
			if f != nil {
				return span{}, false, f
			}
			i += n
			escaped = true
		case c < ' ':
			return span{}, false, &fault{pos: i, message: fmt.Sprintf("the control character %q must be escaped in a string", c)}
		default:
			i++
		}
	}
	b.pos = len(b.data)
	return span{}, false, b.unexpected("the end of a string")
}

// escape checks the escape sequence at offset i and gives its length.
func (b *body) escape(i int) (int, *fault) {
	rest := b.data[i:]
	if len(rest) < 2 {
		return 0, &fault{pos: len(b.data), message: "the body ends inside a string"}
	}
	if rest[1] != 'u' {
		if bytes.IndexByte([]byte(`"\/bfnrt`), rest[1]) < 0 {
			return 0, &fault{pos: i, message: "a backslash must begin one of the escapes of JSON"}
		}
		return 2, nil
	}
	r, n := decodeUnicodeEscape(rest)
	switch {
	case n > 0:
		return n, nil
	case r < 0:
		return 0, &fault{pos: i, message: `\u must be followed by four hexadecimal digits`}
	default:
		return 0, &fault{pos: i, message: fmt.Sprintf("%s is half of a surrogate pair and no character by itself", string(rest[:6]))}
	}
}

func (b *body) number() *fault {
	if b.peek() == '-' {
		b.pos++
	}
	switch c := b.peek(); {
	case c == '0':
		b.pos++
	case isDigit(c):
		b.digits()
	default:
		return b.unexpected("a digit")
	}
	if b.peek() == '.' {
		b.pos++
		if !b.digits() {
			return b.unexpected("a digit")
		}
	}
	if c := b.peek(); c == 'e' || c == 'E' {
		b.pos++
		if c := b.peek(); c == '+' || c == '-' {
			b.pos++
		}
		if !b.digits() {
			return b.unexpected("a digit")
		}
	}
	return nil
}

// digits reads digits and reports whether there was any.
func (b *body) digits() bool {
	start := b.pos
	for isDigit(b.peek()) {
		b.pos++
	}
	return b.pos > start
}

func (b *body) literal(word string) *fault {
	if len(b.data)-b.pos < len(word) || string(b.data[b.pos:b.pos+len(word)]) != word {
		return b.unexpected("a value")
	}
	b.pos += len(word)
	return nil
}

func (b *body) space() {
	for b.pos < len(b.data) {
		switch b.data[b.pos] {
		case ' ', '\n', '\r', '\t':
			b.pos++
		default:
			return
		}
	}
}

// peek gives the next byte, 0 at the end. A NUL in the body is taken for one
// too, but nothing expects it: unexpected tells them apart.
func (b *body) peek() byte {
	if b.pos < len(b.data) {
		return b.data[b.pos]
	}
	return 0
}

func (b *body) unexpected(want string) *fault {
	if b.pos >= len(b.data) {
		return &fault{pos: b.pos, message: "the body ends where " + want + " was expected"}
	}
	r, _ := utf8.DecodeRune(b.data[b.pos:])
	return &fault{pos: b.pos, message: fmt.Sprintf("found %q where %s was expected", r, want)}
}

func (b *body) tooDeep() *fault {
	return &fault{pos: b.pos, message: fmt.Sprintf("nested deeper than %d levels", maxDepth)}
}

// refuse words a fault with its position as an editor shows it: lines and
// columns counted from 1, columns in characters.
func (b *body) refuse(what string, f *fault) *dispatchapy.Error {
	before := b.data[:f.pos]
	line := bytes.Count(before, []byte{'\n'}) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return dispatchapy.Errorf(dispatchapy.CodeInvalid, "%s at line %d, column %d: %s", what, line, column, f.message)
}

// firstInvalid gives the offset of the first byte that is not valid UTF-8.
func firstInvalid(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(data)
}

// kindOf names the kind of a value by its first byte.
func kindOf(first byte) string {
	switch first {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}

// quote shows a caller's key in an error, shortened.
func quote(name []byte) string {
	if len(name) <= maxEcho {
		return strconv.Quote(string(name))
	}
	cut := maxEcho
	for !utf8.RuneStart(name[cut]) {
		cut--
	}
	return strconv.Quote(string(name[:cut])) + "..."
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
