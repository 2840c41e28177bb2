package transform

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// The functions of this file walk JSON text that is known to be valid: Parse
// checks a payload once, and everything that is spliced into it was checked
// when it was compiled. None of them recurses, so nesting costs no stack.

// A cursor walks the members of one object or the elements of one array.
type cursor struct {
	doc []byte
	pos int
}

// enter places a cursor inside the container that begins at doc[start].
func enter(doc []byte, start int) cursor { return cursor{doc: doc, pos: start + 1} }

// member gives the next member of an object: its key with the quotes, and the
// bounds of its value. ok is false at the end of the object.
func (c *cursor) member() (key []byte, start, end int, ok bool) {
	if !c.more() {
		return nil, 0, 0, false
	}
	keyStart := c.pos
	keyEnd := skipString(c.doc, keyStart)
	start = skipSpace(c.doc, skipSpace(c.doc, keyEnd)+1) // past the colon
	end = skipValue(c.doc, start)
	c.pos = end
	return c.doc[keyStart:keyEnd], start, end, true
}

// element gives the bounds of the next element of an array. ok is false at the
// end of the array.
func (c *cursor) element() (start, end int, ok bool) {
	if !c.more() {
		return 0, 0, false
	}
	start = c.pos
	c.pos = skipValue(c.doc, start)
	return start, c.pos, true
}

// more moves to the next item; at the end it stays on the closing bracket.
func (c *cursor) more() bool {
	c.pos = skipSpace(c.doc, c.pos)
	if c.doc[c.pos] == ',' {
		c.pos = skipSpace(c.doc, c.pos+1)
	}
	return c.doc[c.pos] != '}' && c.doc[c.pos] != ']'
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func skipSpace(doc []byte, i int) int {
	for i < len(doc) && isSpace(doc[i]) {
		i++
	}
	return i
}

// skipString gives the position after the string that begins at doc[i].
func skipString(doc []byte, i int) int {
	for i++; doc[i] != '"'; i++ {
		if doc[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// skipValue gives the position after the value that begins at doc[i].
func skipValue(doc []byte, i int) int {
	switch doc[i] {
	case '"':
		return skipString(doc, i)
	case '{', '[':
		return skipContainer(doc, i)
	}
	for i < len(doc) && !isSpace(doc[i]) && doc[i] != ',' && doc[i] != '}' && doc[i] != ']' {
		i++
	}
	return i
}

func skipContainer(doc []byte, i int) int {
	for depth := 0; ; {
		switch doc[i] {
		case '"':
			i = skipString(doc, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		i++
		if depth == 0 {
			return i
		}
	}
}

// findMember gives the bounds of the value of a key in the object that begins
// at doc[start]. Of equal keys the last one counts, as in encoding/json.
func findMember(doc []byte, start int, name string) (from, to int, found bool) {
	c := enter(doc, start)
	for {
		key, s, e, ok := c.member()
		if !ok {
			return from, to, found
		}
		if keyIs(key, name) {
			from, to, found = s, e, true
		}
	}
}

// findElement gives the bounds of element n of the array that begins at
// doc[start].
func findElement(doc []byte, start, n int) (from, to int, found bool) {
	c := enter(doc, start)
	for {
		from, to, ok := c.element()
		if !ok {
			return 0, 0, false
		}
		if n == 0 {
			return from, to, true
		}
		n--
	}
}

// findChild gives the bounds of what a path segment means in the value that
// begins at doc[start]: a member of an object or an element of an array.
func findChild(doc []byte, start int, segment string) (from, to int, found bool) {
	switch doc[start] {
	case '{':
		return findMember(doc, start, segment)
	case '[':
		if n, ok := arrayIndex(segment); ok {
			return findElement(doc, start, n)
		}
	}
	return 0, 0, false
}

// arrayIndex reads a path segment as an index: decimal digits without leading
// zeros, few enough to fit an int everywhere.
func arrayIndex(segment string) (int, bool) {
	if len(segment) == 0 || len(segment) > 9 || (len(segment) > 1 && segment[0] == '0') {
		return 0, false
	}
	for i := range len(segment) {
		if segment[i] < '0' || segment[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.Atoi(segment)
	return n, err == nil
}

// keyIs compares a key, quoted as in the text, with a name.
func keyIs(quoted []byte, name string) bool {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner) == name
	}
	return string(unquote(quoted)) == name
}

// unquote gives the text of a JSON string. The result may share memory with
// the argument.
func unquote(quoted []byte) []byte {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return inner // not reached: the text is valid JSON
	}
	return []byte(s)
}

// text gives the text form of a value: a string's own text, the compact JSON
// of anything else. The result may share memory with the argument.
func text(value []byte) []byte {
	switch value[0] {
	case '"':
		return unquote(value)
	case '{', '[':
		return appendCompact(make([]byte, 0, len(value)), value)
	}
	return value
}

// appendCompact appends a value without the white space between its tokens.
func appendCompact(dst, value []byte) []byte {
	if value[0] != '{' && value[0] != '[' {
		return append(dst, value...)
	}
	for i := 0; i < len(value); {
		switch c := value[i]; {
		case c == '"':
			end := skipString(value, i)
			dst = append(dst, value[i:end]...)
			i = end
		case isSpace(c):
			i++
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst
}

// appendQuoted appends text as a JSON string.
func appendQuoted[T string | []byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, text)
	return append(dst, '"')
}

// appendEscaped appends text as the inside of a JSON string.
func appendEscaped[T string | []byte](dst []byte, text T) []byte {
	const hexDigits = "0123456789abcdef"
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// isNull reports whether a value is JSON null.
func isNull(value []byte) bool { return value[0] == 'n' }

// kindOf names the kind of a value for an error message, with its article.
func kindOf(value []byte) string {
	switch value[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// compactJSON gives the compact form of a constant from the configuration, and
// false if it is not JSON.
func compactJSON(value []byte) ([]byte, bool) {
	if !json.Valid(value) {
		return nil, false
	}
	value = bytes.Trim(value, " \t\r\n")
	return appendCompact(make([]byte, 0, len(value)), value), true
}
