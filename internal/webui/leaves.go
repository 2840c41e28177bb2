package webui

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// leaf is a value within a JSON object, under the dotted key by which a mapping
// makes it.
type leaf struct {
	Path  string
	Value json.RawMessage
}

const maxNesting = 32 // of keys, as in a mapping

// leavesOf lists the values within an object in their order. Lists and empty
// objects are values as a whole. What is too much is left out.
func leavesOf(object []byte) []leaf {
	return addLeaves(nil, "", object, 1)
}

func addLeaves(found []leaf, prefix string, object []byte, depth int) []leaf {
	seen := map[string]bool{}
	for _, m := range membersOf(object) {
		if len(found) >= maxPaths || m.Key == "" || seen[m.Key] {
			continue
		}
		seen[m.Key] = true
		if !strings.Contains(m.Key, ".") && depth < maxNesting && len(membersOf(m.Value)) > 0 {
			found = addLeaves(found, prefix+m.Key+".", m.Value, depth+1)
			continue
		}
		found = append(found, leaf{prefix + m.Key, m.Value})
	}
	return found
}

// refuseJSON notes what keeps the text of a field from being a JSON object, and
// where. It reports whether something does.
func (f *Form) refuseJSON(name string) bool {
	text := []byte(f.Value(name))
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		f.Refuse(name, "There is no JSON in it yet.")
	case f.refuseSyntax(name):
	case !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")):
		f.Refuse(name, "This is JSON, but no object with keys: it must begin with a brace.")
	default:
		return false
	}
	return true
}

// refuseSyntax notes what keeps the text of a field from being JSON of any kind,
// and where. It reports whether something does.
func (f *Form) refuseSyntax(name string) bool {
	text := []byte(f.Value(name))
	var value json.RawMessage
	err := json.Unmarshal(text, &value)
	if err == nil {
		return false
	}
	line, column := 1, 1
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		line, column = placeIn(text, int(syntax.Offset)-1)
	}
	f.Refuse(name, "This is no JSON: line {line}, column {column}: {what}", "line", line, "column", column, "what", f.lang.Said(err.Error()))
	return true
}

// placeIn gives line and column, from 1, of a byte of a text.
func placeIn(text []byte, at int) (line, column int) {
	before := text[:min(max(at, 0), len(text))]
	line = bytes.Count(before, []byte("\n")) + 1
	return line, len([]rune(string(before[bytes.LastIndexByte(before, '\n')+1:]))) + 1
}

// assembled makes a JSON object of values under dotted keys, one key per line.
func assembled(leaves []leaf) string {
	root := &branch{}
	for _, l := range leaves {
		root.put(strings.Split(l.Path, "."), l.Value)
	}
	return indentJSON([]byte(root.json()))
}

// branch is an object that is being assembled, in the order of its keys.
type branch struct {
	keys   []string
	values []json.RawMessage // nil: a branch of its own
	below  []*branch
}

func (b *branch) put(path []string, value json.RawMessage) {
	at := -1
	for i := range b.keys {
		if b.keys[i] == path[0] {
			at = i
		}
	}
	if at < 0 {
		at = len(b.keys)
		b.keys, b.values, b.below = append(b.keys, path[0]), append(b.values, nil), append(b.below, &branch{})
	}
	if len(path) == 1 {
		b.values[at] = value
		return
	}
	b.values[at] = nil
	b.below[at].put(path[1:], value)
}

func (b *branch) json() string {
	members := make([]string, len(b.keys))
	for i, key := range b.keys {
		value := string(b.values[i])
		if b.values[i] == nil {
			value = b.below[i].json()
		}
		members[i] = fmt.Sprintf("%s:%s", jsonString(key), value)
	}
	return "{" + strings.Join(members, ",") + "}"
}
