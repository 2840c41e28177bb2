package webui

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Line is a line of a comparison.
type Line struct {
	Kind string // "add", "del", "same", or "gap" for lines left out
	Text string
}

// maxDiff bounds the work of a comparison, which grows with the product of the
// lines that differ.
const maxDiff = 2000

// diffJSON compares two values by their JSON, a key per line.
func diffJSON(before, after any) []Line { return diffLines(indented(before), indented(after)) }

func indented(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return indentJSON(text)
}

// maxIndent is how many bytes indenting may add to a JSON text. Nested deeply,
// a text of a few kilobytes would become one of hundreds of megabytes.
const maxIndent = 4 << 20

// indentJSON writes JSON a key per line. Numbers and the order of keys stay as
// they are; what is no JSON, or would grow too much, comes back as it is.
func indentJSON(text []byte) string {
	var out bytes.Buffer
	if indentSize(text) > maxIndent || json.Indent(&out, text, "", "  ") != nil {
		return string(text)
	}
	return out.String()
}

// indentSize reckons how many bytes indenting adds to a JSON text.
func indentSize(text []byte) int {
	added, depth, inString := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++ // what is escaped ends no string
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
			added += 1 + 2*depth
		case c == '}' || c == ']':
			depth = max(depth-1, 0) // of what is no JSON, which is not indented
			added += 1 + 2*depth
		case c == ',':
			added += 1 + 2*depth
		}
	}
	return added
}

// diffLines compares two texts line by line. What is alike at both ends is
// taken off first; the rest is compared by the longest common subsequence, or
// shown as replaced where it is very long.
func diffLines(before, after string) []Line {
	a, b := linesOf(before), linesOf(after)
	var out []Line
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		out = append(out, Line{"same", a[0]})
		a, b = a[1:], b[1:]
	}
	var tail []Line
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		tail = append(tail, Line{"same", a[len(a)-1]})
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	out = append(out, middle(a, b)...)
	for i := len(tail) - 1; i >= 0; i-- {
		out = append(out, tail[i])
	}
	return out
}

// Bounds of a comparison that is shown among others.
const (
	diffContext = 2   // unchanged lines around a change
	diffMost    = 200 // lines
)

// shortDiff leaves out what did not change, but for a few lines around what
// did, and what is too much.
func shortDiff(lines []Line) []Line {
	keep := make([]bool, len(lines))
	for i := range lines {
		if lines[i].Kind == "same" {
			continue
		}
		for j := max(0, i-diffContext); j < min(len(lines), i+diffContext+1); j++ {
			keep[j] = true
		}
	}
	var out []Line
	for i, line := range lines {
		switch {
		case len(out) >= diffMost:
			return append(out, Line{Kind: "gap"})
		case keep[i]:
			out = append(out, line)
		case i == 0 || keep[i-1]:
			out = append(out, Line{Kind: "gap"})
		}
	}
	return out
}

func linesOf(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func middle(a, b []string) []Line {
	out := make([]Line, 0, len(a)+len(b))
	if len(a) > maxDiff || len(b) > maxDiff {
		for _, line := range a {
			out = append(out, Line{"del", line})
		}
		for _, line := range b {
			out = append(out, Line{"add", line})
		}
		return out
	}
	common := commonLengths(a, b)
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, Line{"same", a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out = append(out, Line{"del", a[i]})
			i++
		default:
			out = append(out, Line{"add", b[j]})
			j++
		}
	}
	return out
}

// commonLengths gives, for every pair of tails, the length of their longest
// common subsequence.
func commonLengths(a, b []string) [][]int {
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	return common
}
