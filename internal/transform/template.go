package transform

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// template is text with placeholders, {{path}}, compiled into parts.
type template struct {
	parts        []part
	placeholders int
}

// part is literal text or, if literal is nil, a placeholder.
type part struct {
	literal []byte // escaped for the inside of a JSON string
	at      path
}

// parseTemplate compiles a template. The error is a phrase for the author that
// says where (counting characters from 1) and what to do.
func parseTemplate(source string) (template, error) {
	var t template
	for rest := source; rest != ""; {
		literal, after, found := strings.Cut(rest, "{{")
		if literal != "" {
			t.parts = append(t.parts, part{literal: appendEscaped(nil, strings.ToValidUTF8(literal, "\uFFFD"))})
		}
		if !found {
			break
		}
		// Counted for errors only: for every placeholder it would make a long
		// template take time by the square of its length.
		position := func() int { return utf8.RuneCountInString(source[:len(source)-len(after)]) - 1 }
		name, next, closed := strings.Cut(after, "}}")
		if !closed {
			return template{}, fmt.Errorf("the braces opened at character %d are not closed; end the placeholder with }}", position())
		}
		name = strings.TrimSpace(name)
		switch {
		case name == "":
			return template{}, fmt.Errorf("the placeholder at character %d is empty; name a key of the payload", position())
		case strings.ContainsAny(name, "{}"):
			return template{}, fmt.Errorf("the placeholder at character %d contains a brace; write {{key}}", position())
		case deepPath(name):
			return template{}, fmt.Errorf("the placeholder at character %d has more than %d levels; shorten the path", position(), maxDepth)
		}
		t.parts = append(t.parts, part{at: parsePath(name)})
		t.placeholders++
		rest = next
	}
	return t, nil
}

// append appends the text as a JSON string and reports how many placeholders
// found a value. Absent and null are empty text. Strings go in as they stand,
// escapes and all; other values as their compact JSON.
func (t *template) append(dst []byte, p *Payload) (out []byte, filled int) {
	dst = append(dst, '"')
	for i := range t.parts {
		if len(dst) > MaxTarget {
			break // refused as a whole by Mapping.Apply
		}
		part := &t.parts[i]
		if part.literal != nil {
			dst = append(dst, part.literal...)
			continue
		}
		value, ok := p.present(part.at)
		if !ok {
			continue
		}
		filled++
		if value[0] == '"' {
			dst = append(dst, value[1:len(value)-1]...)
		} else {
			dst = appendEscaped(dst, text(value))
		}
	}
	return append(dst, '"'), filled
}
