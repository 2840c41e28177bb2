package webui

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// member is a key of a JSON object with its value as it is written.
type member struct {
	Key   string
	Value json.RawMessage
}

// membersOf gives the keys of a JSON object in their order; nil if it is none.
func membersOf(text []byte) []member {
	d := json.NewDecoder(bytes.NewReader(text))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil
	}
	var out []member
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil
		}
		m := member{Key: key.(string)} // keys of objects are strings
		if err := d.Decode(&m.Value); err != nil {
			return nil
		}
		out = append(out, m)
	}
	if end, err := d.Token(); err != nil || end != json.Delim('}') {
		return nil
	}
	return out
}

// Bounds on what is looked for in an example.
const (
	maxPaths     = 200
	maxPathDepth = 8
)

// pathsOf gives the dotted paths under which a mapping finds the values of a
// payload, in their order: an object or a list before what is in it.
func pathsOf(payload []byte) []string {
	var out []string
	addPaths(&out, "", payload, 1)
	return out
}

func addPaths(out *[]string, prefix string, value []byte, depth int) {
	for _, m := range childrenOf(value) {
		if len(*out) >= maxPaths || depth > maxPathDepth {
			return
		}
		// A key with a dot is found at the top level only.
		if m.Key == "" || prefix != "" && strings.Contains(m.Key, ".") {
			continue
		}
		path := prefix + m.Key
		*out = append(*out, path)
		if !strings.Contains(m.Key, ".") {
			addPaths(out, path+".", m.Value, depth+1)
		}
	}
}

func childrenOf(value []byte) []member {
	var items []json.RawMessage
	if trimmed := bytes.TrimLeft(value, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '[' || json.Unmarshal(value, &items) != nil {
		return membersOf(value)
	}
	out := make([]member, 0, min(len(items), maxPaths))
	for i := range items[:min(len(items), maxPaths)] {
		out = append(out, member{strconv.Itoa(i), items[i]})
	}
	return out
}

// fromWords reads a value as people write it: JSON, or else plain text. What
// begins like JSON and is none stays as it is, so that it is refused and not
// taken for text.
func fromWords(text string) json.RawMessage {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	if json.Valid([]byte(text)) || strings.ContainsAny(text[:1], `{["`) {
		return json.RawMessage(text)
	}
	return jsonString(text)
}

// toWords writes a value so that fromWords reads the same: a text without its
// quotation marks where it cannot be mistaken.
func toWords(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) != nil || bytes.Equal(bytes.TrimSpace(value), []byte("null")) {
		return string(value)
	}
	plain := !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' || r == '\u2028' || r == '\u2029' })
	if plain && string(fromWords(text)) != text && text == strings.TrimSpace(text) && text != "" {
		return text
	}
	return string(value)
}

// jsonString writes a text as JSON, with as few escapes as can be.
func jsonString(text string) json.RawMessage {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // cannot fail
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
