package gatewayfile

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFlow is the width up to which a list or map is written in one line.
const maxFlow = 80

// writeYAML writes the outermost map: sections, their objects as blocks.
func writeYAML(out []byte, root *node) []byte {
	w := &yamlWriter{out: out}
	for i, section := range root.items {
		if section.kind == kindMap || section.kind == kindList {
			w.out = append(w.out, '\n')
		}
		w.key(0, root.keys[i].text)
		switch section.kind {
		case kindMap:
			w.out = append(w.out, '\n')
			w.block(section, 2)
		case kindList:
			w.out = append(w.out, '\n')
			for _, object := range section.items {
				w.item(object, 2, false)
			}
		default:
			w.value(section, 0)
		}
	}
	return w.out
}

type yamlWriter struct{ out []byte }

func (w *yamlWriter) indent(n int) {
	for range n {
		w.out = append(w.out, ' ')
	}
}

func (w *yamlWriter) key(indent int, name string) {
	w.indent(indent)
	w.out = appendScalar(w.out, name, inFlow)
	w.out = append(w.out, ':')
}

// value writes what follows a key or a dash: on the same line if it fits,
// below otherwise.
func (w *yamlWriter) value(n *node, indent int) {
	if flow, ok := flowForm(n); ok {
		w.out = append(w.out, ' ')
		w.out = append(w.out, flow...)
		w.out = append(w.out, '\n')
		return
	}
	if n.kind == kindString {
		w.literal(n.text, indent+2)
		return
	}
	w.out = append(w.out, '\n')
	w.block(n, indent+2)
}

// block writes a list or map that has something in it, a line or more for each.
func (w *yamlWriter) block(n *node, indent int) {
	for i, item := range n.items {
		if n.kind == kindList {
			w.item(item, indent, true)
			continue
		}
		w.key(indent, n.keys[i].text)
		w.value(item, indent)
	}
}

// item writes a list item. A map begins on the line of the dash.
func (w *yamlWriter) item(n *node, indent int, mayFlow bool) {
	w.indent(indent)
	w.out = append(w.out, '-')
	if _, fits := flowForm(n); n.kind != kindMap || len(n.items) == 0 || mayFlow && fits {
		w.value(n, indent)
		return
	}
	start := len(w.out)
	w.block(n, indent+2)
	// The first line is indented by indent+2 spaces; the dash and one space take
	// their place.
	w.out = append(w.out[:start], w.out[start+indent+1:]...)
}

// literal writes text line by line after "|".
func (w *yamlWriter) literal(s string, indent int) {
	w.out = append(w.out, " |"...)
	body, newline := strings.CutSuffix(s, "\n")
	if !newline {
		w.out = append(w.out, '-')
	}
	w.out = append(w.out, '\n')
	for line := range strings.SplitSeq(body, "\n") {
		if line != "" {
			w.indent(indent)
		}
		w.out = append(w.out, line...)
		w.out = append(w.out, '\n')
	}
}

// isLiteral reports whether text is better read as lines, and can be: no line
// may end or begin with white space, and nothing invisible may be in it.
func isLiteral(s string) bool {
	body, _ := strings.CutSuffix(s, "\n")
	if !strings.Contains(s, "\n") || body == "" || strings.HasSuffix(body, "\n") || strings.HasPrefix(body, "\n") {
		return false
	}
	for line := range strings.SplitSeq(body, "\n") {
		if strings.TrimSpace(line) != line || strings.ContainsFunc(line, isInvisible) {
			return false
		}
	}
	return true
}

func isInvisible(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }

// flowForm gives the one-line form of a scalar, an empty list or map, or of a
// short one of scalars. ok is false for what needs lines of its own.
func flowForm(n *node) (text []byte, ok bool) {
	switch n.kind {
	case kindString:
		if isLiteral(n.text) {
			return nil, false
		}
		return appendScalar(nil, n.text, inBlock), true
	case kindList, kindMap:
		text = appendFlow(nil, n)
		return text, len(n.items) == 0 || isFlat(n) && utf8.RuneCount(text) <= maxFlow
	default:
		return n.appendJSON(nil), true
	}
}

func isFlat(n *node) bool {
	for _, item := range n.items {
		if (item.kind == kindList || item.kind == kindMap) && len(item.items) > 0 || item.kind == kindString && isLiteral(item.text) {
			return false
		}
	}
	return true
}

func appendFlow(out []byte, n *node) []byte {
	switch n.kind {
	case kindString:
		return appendScalar(out, n.text, inFlow)
	case kindList, kindMap:
	default:
		return n.appendJSON(out)
	}
	open, shut := byte('['), byte(']')
	if n.kind == kindMap {
		open, shut = '{', '}'
	}
	out = append(out, open)
	for i, item := range n.items {
		if i > 0 {
			out = append(out, ", "...)
		}
		if n.kind == kindMap {
			out = appendScalar(out, n.keys[i].text, inFlow)
			out = append(out, ": "...)
		}
		out = appendFlow(out, item)
	}
	return append(out, shut)
}

// context is where a scalar stands: within brackets less is allowed.
type context int

const (
	inBlock context = iota
	inFlow
)

var (
	plainWord     = regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_./@+-]*( [A-Za-z0-9_./@+-]+)*$`)
	plainURL      = regexp.MustCompile(`^https?://[A-Za-z0-9][A-Za-z0-9_./@+?&=%~:-]*[A-Za-z0-9_/=-]$`)
	plainDuration = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(h|m|s|ms|us|ns))+$`)
	// Words that some reader of YAML takes for something other than text.
	reservedWord = regexp.MustCompile(`(?i)^(null|true|false|yes|no|on|off|y|n)$`)
)

// appendScalar writes text without quotes where no reader of YAML can take it
// for anything else.
func appendScalar(out []byte, s string, where context) []byte {
	switch {
	case plainDuration.MatchString(s),
		plainWord.MatchString(s) && !reservedWord.MatchString(s),
		where == inBlock && plainURL.MatchString(s):
		return append(out, s...)
	}
	return appendQuoted(out, s)
}

func appendQuoted(out []byte, s string) []byte {
	out = append(out, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r == '\n':
			out = append(out, `\n`...)
		case r == '\t':
			out = append(out, `\t`...)
		case r == '\r':
			out = append(out, `\r`...)
		case !isInvisible(r) || r == utf8.RuneError:
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			out = fmt.Appendf(out, `\U%08X`, r)
		default:
			out = fmt.Appendf(out, `\u%04X`, r)
		}
	}
	return append(out, '"')
}
