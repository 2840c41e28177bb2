package suggest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Limits of Leaves: what is beyond them is left out.
const (
	maxLeaves = 200
	maxNested = 32 // levels, as in a mapping
)

// Leaf is a value within a JSON object.
type Leaf struct {
	Path  string // dotted
	Value json.RawMessage
}

// Leaves lists the values within a JSON object in their order, with the dotted
// path by which a mapping finds or makes them. Lists and empty objects are
// values as a whole. The error says what is wrong with the text, and in which
// line.
func Leaves(text []byte) ([]Leaf, error) {
	if err := Check(text); err != nil {
		return nil, err
	}
	return leaves(nil, "", text, 0), nil
}

// Keys lists the top-level keys of a JSON object in their order; none if the
// text is no object.
func Keys(text []byte) []string {
	var keys []string
	for _, m := range members(text) {
		keys = append(keys, m.Path)
	}
	return keys
}

// Paths gives the paths of leaves.
func Paths(found []Leaf) []string {
	paths := make([]string, len(found))
	for i := range found {
		paths[i] = found[i].Path
	}
	return paths
}

// Values gives the values of leaves by path.
func Values(found []Leaf) map[string]json.RawMessage {
	values := make(map[string]json.RawMessage, len(found))
	for _, leaf := range found {
		values[leaf.Path] = leaf.Value
	}
	return values
}

// ErrNoObject says that a text is JSON, but not an object.
var ErrNoObject = errors.New("it is JSON, but not an object with keys")

// SyntaxError says where a text stops to be JSON.
type SyntaxError struct {
	Line, Column int
	Reason       string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

// Check reports what keeps a text from being a JSON object: nil, ErrNoObject or
// a *SyntaxError.
func Check(text []byte) error {
	var value json.RawMessage
	err := json.Unmarshal(text, &value)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		before := text[:min(max(int(syntax.Offset)-1, 0), len(text))]
		line := bytes.Count(before, []byte("\n")) + 1
		column := len([]rune(string(before[bytes.LastIndexByte(before, '\n')+1:]))) + 1
		return &SyntaxError{line, column, syntax.Error()}
	case err != nil:
		return &SyntaxError{1, 1, err.Error()}
	case !bytes.HasPrefix(bytes.TrimSpace(value), []byte("{")):
		return ErrNoObject
	}
	return nil
}

// leaves adds the values within an object that is known to be valid.
func leaves(found []Leaf, prefix string, object []byte, depth int) []Leaf {
	for _, m := range members(object) {
		if len(found) >= maxLeaves {
			break
		}
		nests := len(members(m.Value)) > 0 && depth+1 < maxNested && !strings.Contains(m.Path, ".")
		m.Path = prefix + m.Path
		if nests {
			found = leaves(found, m.Path+".", m.Value, depth+1)
			continue
		}
		found = append(found, m)
	}
	return found
}

// members lists what an object holds; nothing if it is none. Of equal keys the
// first one stands for all.
func members(text []byte) []Leaf {
	d := json.NewDecoder(bytes.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil
	}
	var found []Leaf
	seen := map[string]bool{}
	for d.More() {
		key, err := d.Token()
		name, isText := key.(string)
		if err != nil || !isText {
			return found
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return found
		}
		if !seen[name] && name != "" {
			found = append(found, Leaf{name, value})
		}
		seen[name] = true
	}
	return found
}
