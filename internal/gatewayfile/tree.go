package gatewayfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"dispatchapy"
)

type kind int

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindOddNumber // a number to YAML that JSON cannot write: 0x1F, 007, 1_000, .inf
	kindString
	kindList
	kindMap
)

func (k kind) String() string {
	return [...]string{"nothing", "true or false", "a number", "a number", "text", "a list", "a group of keys"}[k]
}

// node is a value of the file with its place.
type node struct {
	kind  kind
	text  string  // of a scalar; JSON text for numbers
	keys  []key   // of a map, beside items
	items []*node // of a list or map
	position
}

type key struct {
	text string
	position
}

// position counts lines and columns (in characters) from 1.
type position struct{ line, col int }

func (p position) String() string { return fmt.Sprintf("%d:%d", p.line, p.col) }

// positionError says why the text cannot be read on.
type positionError struct {
	line, col int
	message   string
}

func (e *positionError) Error() string { return fmt.Sprintf("%d:%d: %s", e.line, e.col, e.message) }

// get gives the value of a key, nil if the node is no map or has no such key.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	for i, k := range n.keys {
		if k.text == name {
			return n.items[i]
		}
	}
	return nil
}

// list gives the items of a list, nil for anything else.
func (n *node) list() []*node {
	if n == nil || n.kind != kindList {
		return nil
	}
	return n.items
}

func (n *node) add(k key, value *node) {
	n.keys = append(n.keys, k)
	n.items = append(n.items, value)
}

// treeParser builds a tree from text.
type treeParser struct {
	file       string
	duplicates []dispatchapy.FieldError
	anchors    map[string]*node
	expanded   int // size of what aliases stood for
}

func (p *treeParser) parse(data []byte) (*node, error) {
	// JSON is YAML, too, but the strict parser is faster and keeps to the letter
	// of JSON. What merely resembles JSON may still be YAML in flow style.
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) && json.Valid(data) {
		return p.parseJSON(data)
	}
	return p.parseYAML(data)
}

// mapBuilder fills a map and notes keys that are given twice; the last one
// wins, as JSON readers have it.
type mapBuilder struct {
	parser *treeParser
	path   string
	node   *node
	seen   map[string]int // key to index, once there are many
}

// fewKeys is how many keys are found faster by looking through them.
const fewKeys = 8

func (p *treeParser) newMap(path string, at position) *mapBuilder {
	return &mapBuilder{parser: p, path: path, node: &node{kind: kindMap, position: at}}
}

func (b *mapBuilder) add(k key, value *node) {
	i, twice := b.find(k.text)
	if !twice {
		b.node.add(k, value)
		return
	}
	if len(b.parser.duplicates) < maxFaults {
		b.parser.duplicates = append(b.parser.duplicates, dispatchapy.FieldError{
			Path:    childPath(b.path, k.text),
			Message: fmt.Sprintf("%s:%s: the key is given twice, first at line %d", b.parser.file, k.position, b.node.keys[i].line),
		})
	}
	b.node.keys[i], b.node.items[i] = k, value
}

// find gives the index of a key.
func (b *mapBuilder) find(name string) (int, bool) {
	if len(b.node.keys) < fewKeys {
		i := slices.IndexFunc(b.node.keys, func(k key) bool { return k.text == name })
		return i, i >= 0
	}
	if b.seen == nil {
		b.seen = make(map[string]int, 2*fewKeys)
	}
	for i := len(b.seen); i < len(b.node.keys); i++ {
		b.seen[b.node.keys[i].text] = i
	}
	i, twice := b.seen[name]
	return i, twice
}

func childPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func itemPath(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

var (
	jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
	oddNumber  = regexp.MustCompile(`^[-+]?(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|\.[0-9][0-9_]*([eE][-+]?[0-9]+)?|\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
)

// plainKind says what a scalar without quotes is. It keeps to YAML 1.2, and
// tells apart the numbers about which YAML 1.1 and 1.2 or JSON disagree.
func plainKind(s string) kind {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return kindNull
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return kindBool
	}
	switch {
	case strings.ContainsRune("+-.0123456789", rune(s[0])) && jsonNumber.MatchString(s):
		return kindNumber
	case strings.ContainsRune("+-.0123456789", rune(s[0])) && oddNumber.MatchString(s):
		return kindOddNumber
	}
	return kindString
}

// appendJSON writes the node as compact JSON, numbers as they stand.
func (n *node) appendJSON(out []byte) []byte {
	switch n.kind {
	case kindNull:
		return append(out, "null"...)
	case kindString:
		return appendJSONString(out, n.text)
	case kindList:
		out = append(out, '[')
		for i, item := range n.items {
			if i > 0 {
				out = append(out, ',')
			}
			out = item.appendJSON(out)
		}
		return append(out, ']')
	case kindMap:
		out = append(out, '{')
		for i, item := range n.items {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendJSONString(out, n.keys[i].text)
			out = append(out, ':')
			out = item.appendJSON(out)
		}
		return append(out, '}')
	default:
		return append(out, n.text...)
	}
}

func appendJSONString(out []byte, s string) []byte {
	if !needsEscape(s) {
		return append(append(append(out, '"'), s...), '"')
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	// Failure policy: none needed, a string can always be encoded.
	_ = enc.Encode(s)
	return append(out, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}

// needsEscape reports whether encoding/json might write s other than as it
// stands. It is not asked to say no where it can: nearly all text is plain.
func needsEscape(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return true
		}
	}
	return false
}

// equal compares values, not places.
func (n *node) equal(other *node) bool {
	if n == nil || other == nil {
		return n == other
	}
	if n.kind != other.kind || n.text != other.text || len(n.items) != len(other.items) {
		return false
	}
	for i := range n.keys {
		if n.keys[i].text != other.keys[i].text {
			return false
		}
	}
	for i := range n.items {
		if !n.items[i].equal(other.items[i]) {
			return false
		}
	}
	return true
}
