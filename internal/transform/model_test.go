package transform

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// The model says the same as the package in the plainest way, on decoded
// values. Tests compare the two.

func decode(t testing.TB, raw []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("decode %s: %v", raw, err)
	}
	return v
}

func modelChild(v any, segment string) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		child, ok := v[segment]
		return child, ok
	case []any:
		if n, ok := arrayIndex(segment); ok && n < len(v) {
			return v[n], true
		}
	}
	return nil, false
}

func modelLookup(doc any, key string) (any, bool) {
	v, ok := modelChild(doc, key)
	if ok || !strings.Contains(key, ".") {
		return v, ok
	}
	v = doc
	for segment := range strings.SplitSeq(key, ".") {
		if v, ok = modelChild(v, segment); !ok {
			return nil, false
		}
	}
	return v, true
}

// modelSet gives v with the value at the segments set; it shares nothing that
// it changes with v.
func modelSet(v any, segments []string, value any) any {
	if len(segments) == 0 {
		return value
	}
	first, rest := segments[0], segments[1:]
	child, _ := modelChild(v, first)
	n, isIndex := arrayIndex(first)
	switch v := v.(type) {
	case map[string]any:
		copied := maps.Clone(v)
		copied[first] = modelSet(child, rest, value)
		return copied
	case []any:
		if !isIndex {
			break
		}
		copied := slices.Clone(v)
		if n >= len(copied) {
			n = len(copied)
			copied = append(copied, nil)
		}
		copied[n] = modelSet(child, rest, value)
		return copied
	}
	return map[string]any{first: modelSet(nil, rest, value)}
}

func modelOverride(doc any, key string, value any) any {
	if _, plain := modelChild(doc, key); plain {
		return modelSet(doc, []string{key}, value)
	}
	return modelSet(doc, strings.Split(key, "."), value)
}
