package gatewayfile

import (
	"bytes"
	"encoding/json"
	"sort"
	"unicode/utf8"
)

// parseJSON reads valid JSON into a tree.
func (p *treeParser) parseJSON(data []byte) (*node, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	j := &jsonParser{treeParser: p, dec: dec, lines: newLineIndex(data)}
	return j.value("", 0)
}

type jsonParser struct {
	*treeParser
	dec   *json.Decoder
	lines *lineIndex
}

func (j *jsonParser) value(path string, depth int) (*node, error) {
	token, at, err := j.next()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		if depth >= maxDepth {
			return nil, tooDeep(at)
		}
		if t == '[' {
			return j.list(path, depth, at)
		}
		return j.object(path, depth, at)
	case json.Number:
		return &node{kind: kindNumber, text: t.String(), position: at}, nil
	case string:
		return &node{kind: kindString, text: t, position: at}, nil
	case bool:
		text := "false"
		if t {
			text = "true"
		}
		return &node{kind: kindBool, text: text, position: at}, nil
	default:
		return &node{kind: kindNull, position: at}, nil
	}
}

func (j *jsonParser) list(path string, depth int, at position) (*node, error) {
	n := &node{kind: kindList, position: at}
	for j.dec.More() {
		item, err := j.value(itemPath(path, len(n.items)), depth+1)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
	}
	_, _, err := j.next()
	return n, err
}

func (j *jsonParser) object(path string, depth int, at position) (*node, error) {
	b := j.newMap(path, at)
	for j.dec.More() {
		token, keyAt, err := j.next()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		value, err := j.value(childPath(path, name), depth+1)
		if err != nil {
			return nil, err
		}
		b.add(key{text: name, position: keyAt}, value)
	}
	_, _, err := j.next()
	return b.node, err
}

// next gives a token and where it begins.
func (j *jsonParser) next() (json.Token, position, error) {
	from := int(j.dec.InputOffset())
	token, err := j.dec.Token()
	if err != nil {
		at := j.lines.position(from)
		return nil, at, &positionError{at.line, at.col, err.Error()}
	}
	return token, j.lines.position(j.lines.skipSeparators(from)), nil
}

func tooDeep(at position) error {
	return &positionError{at.line, at.col, deepMessage}
}

// lineIndex finds lines and columns of offsets that only grow.
type lineIndex struct {
	data   []byte
	starts []int // offsets of the lines' first bytes
}

func newLineIndex(data []byte) *lineIndex {
	x := &lineIndex{data: data, starts: []int{0}}
	for i, c := range data {
		if c == '\n' {
			x.starts = append(x.starts, i+1)
		}
	}
	return x
}

// skipSeparators goes on to the next token of valid JSON.
func (x *lineIndex) skipSeparators(at int) int {
	for at < len(x.data) && bytes.IndexByte([]byte(" \t\r\n,:"), x.data[at]) >= 0 {
		at++
	}
	return at
}

func (x *lineIndex) position(at int) position {
	line := sort.SearchInts(x.starts, at+1)
	start := x.starts[line-1]
	return position{line: line, col: 1 + utf8.RuneCount(x.data[start:at])}
}

func lineAndColumn(data []byte, at int) (line, col int) {
	p := newLineIndex(data[:at]).position(at)
	return p.line, p.col
}
