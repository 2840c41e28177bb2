package apidocs

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// object is a JSON object that keeps the order of its members. Values are
// strings, ints, float64s, bools, []any and objects.
type object []member

type member struct {
	key   string
	value any
}

// dialect is how a language writes values.
type dialect struct {
	object [2]string // opening and closing
	array  [2]string
	pair   string // between key and value
	quote  func(string) string
	key    func(string) string // nil: like quote
	yes    string
	no     string

	indent   string // per level; "": everything on one line
	trailing bool   // a comma after the last member, too
}

var (
	compactJSON  = dialect{object: [2]string{"{", "}"}, array: [2]string{"[", "]"}, pair: ":", quote: quoteJSON, yes: "true", no: "false"}
	indentedJSON = dialect{object: [2]string{"{", "}"}, array: [2]string{"[", "]"}, pair: ": ", quote: quoteJSON, yes: "true", no: "false", indent: "  "}
	goValues     = dialect{object: [2]string{"map[string]any{", "}"}, array: [2]string{"[]any{", "}"}, pair: ": ", quote: quoteGo, yes: "true", no: "false", indent: "\t", trailing: true}
	python       = dialect{object: [2]string{"{", "}"}, array: [2]string{"[", "]"}, pair: ": ", quote: quoteGo, yes: "True", no: "False", indent: "    ", trailing: true}
	javaScript   = dialect{object: [2]string{"{", "}"}, array: [2]string{"[", "]"}, pair: ": ", quote: quoteJSON, key: keyJavaScript, yes: "true", no: "false", indent: "  ", trailing: true}
	php          = dialect{object: [2]string{"[", "]"}, array: [2]string{"[", "]"}, pair: " => ", quote: quotePHP, yes: "true", no: "false", indent: "    ", trailing: true}
)

// append writes a value that begins on a line of the given depth.
func (d *dialect) append(dst []byte, value any, depth int) []byte {
	switch v := value.(type) {
	case string:
		return append(dst, d.quote(v)...)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case float64:
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	case bool:
		if v {
			return append(dst, d.yes...)
		}
		return append(dst, d.no...)
	case []any:
		return d.list(dst, d.array, len(v), depth, func(dst []byte, i int) []byte {
			return d.append(dst, v[i], depth+1)
		})
	case object:
		return d.list(dst, d.object, len(v), depth, func(dst []byte, i int) []byte {
			dst = append(dst, d.keyOf(v[i].key)...)
			dst = append(dst, d.pair...)
			return d.append(dst, v[i].value, depth+1)
		})
	default:
		panic(fmt.Sprintf("apidocs: no way to write a %T", value)) // a fault of this package, not of its input
	}
}

func (d *dialect) keyOf(s string) string {
	if d.key != nil {
		return d.key(s)
	}
	return d.quote(s)
}

// list writes n items between brackets.
func (d *dialect) list(dst []byte, brackets [2]string, n, depth int, item func(dst []byte, i int) []byte) []byte {
	dst = append(dst, brackets[0]...)
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = d.newline(dst, depth+1)
		dst = item(dst, i)
	}
	if n > 0 {
		if d.trailing {
			dst = append(dst, ',')
		}
		dst = d.newline(dst, depth)
	}
	return append(dst, brackets[1]...)
}

func (d *dialect) newline(dst []byte, depth int) []byte {
	if d.indent == "" {
		return dst
	}
	dst = append(dst, '\n')
	return append(dst, strings.Repeat(d.indent, depth)...)
}

// text gives a value as source text that begins on a line of the given depth.
func (d *dialect) text(value any, depth int) string { return string(d.append(nil, value, depth)) }

// quoteJSON writes a string for JSON and JavaScript. What cannot be seen is
// escaped, and so is "<", so that the text can stand inside a <script>.
func quoteJSON(s string) string {
	return quoteWith(s, `"\<`, func(b *strings.Builder, r rune) {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(b, `\u%04x`, r)
		}
	})
}

// quotePHP writes a string for PHP, in double quotes because only those have
// escapes for what cannot be seen.
func quotePHP(s string) string {
	return quoteWith(s, `"\$`, func(b *strings.Builder, r rune) {
		if r == '"' || r == '\\' || r == '$' {
			b.WriteByte('\\')
			b.WriteRune(r)
			return
		}
		fmt.Fprintf(b, `\u{%x}`, r)
	})
}

// quoteWith puts s into double quotes, with escape called for the special
// characters and for those that cannot be seen.
func quoteWith(s, special string, escape func(*strings.Builder, rune)) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('"')
	for _, r := range s { // invalid UTF-8 becomes U+FFFD
		if !unicode.IsPrint(r) || r < utf8.RuneSelf && strings.ContainsRune(special, r) {
			escape(&b, r)
			continue
		}
		b.WriteRune(r)
	}
	b.WriteByte('"')
	return b.String()
}

// quoteGo writes a string for Go and Python: in valid UTF-8 their escapes mean
// the same.
func quoteGo(s string) string { return strconv.Quote(strings.ToValidUTF8(s, "\uFFFD")) }

// keyJavaScript writes a key of an object literal. __proto__ would set the
// prototype if it were not computed.
func keyJavaScript(s string) string {
	if s == "__proto__" {
		return `["__proto__"]`
	}
	return quoteJSON(s)
}

// quoteShell writes a string for a POSIX shell.
func quoteShell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// oneLine makes a text fit for a comment or a headline of at most limit
// characters: no line breaks of any kind, nothing that cannot be seen, not "?>",
// which ends a PHP program even in a comment.
func oneLine(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	s = strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "?>", "? >")
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:limit-1])) + "…"
}
