package transform

import (
	"bytes"
	"encoding/json"
)

// MapStrings puts what f makes of it in the place of every string in a JSON
// value, at any depth. Keys stay, and numbers are written as they were.
func MapStrings(raw []byte, f func(string) string) ([]byte, error) {
	var value any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(mapStrings(value, f)); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

func mapStrings(value any, f func(string) string) any {
	switch v := value.(type) {
	case string:
		return f(v)
	case []any:
		for i := range v {
			v[i] = mapStrings(v[i], f)
		}
	case map[string]any:
		for key := range v {
			v[key] = mapStrings(v[key], f)
		}
	}
	return value
}
