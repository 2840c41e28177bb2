package health

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/transform"
)

// placeholder is what test values may contain in their strings.
var placeholder = regexp.MustCompile(`\{(?:datetime|resource_name|resource_endpoint|param:[^{}]*)\}`)

// testBody builds the body of a check from the resource's test values. Their
// keys nest at dots exactly like those of a mapping.
func testBody(r *dispatchapy.Resource, now time.Time) ([]byte, error) {
	f := filler{resource: r, now: now.UTC().Format(time.RFC3339)}
	mapping := make(dispatchapy.Mapping, len(r.HealthCheck.TestValues))
	for key, raw := range r.HealthCheck.TestValues {
		value, err := decode(raw)
		if err != nil {
			return nil, fmt.Errorf("test value %q is not valid JSON", key)
		}
		filled, err := encode(f.fill(value))
		if err != nil {
			return nil, fmt.Errorf("test value %q: %w", key, err)
		}
		mapping[key] = dispatchapy.Source{Value: filled}
	}
	compiled, problems := transform.CompileMapping(mapping)
	if len(problems) > 0 {
		return nil, fmt.Errorf("test value %s: %s", problems[0].Path, problems[0].Message)
	}
	empty, err := transform.Parse([]byte("{}"))
	if err != nil {
		return nil, err
	}
	return compiled.Apply(empty, transform.Env{})
}

// filler puts values in the place of placeholders.
type filler struct {
	resource *dispatchapy.Resource
	now      string
}

// fill replaces the placeholders in all strings of a JSON value, at any depth.
func (f *filler) fill(value any) any {
	switch v := value.(type) {
	case string:
		return f.text(v, true)
	case []any:
		for i := range v {
			v[i] = f.fill(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = f.fill(v[key])
		}
	}
	return value
}

// text replaces the placeholders of one string in one pass, so that nothing
// that was filled in is taken for a placeholder. params says whether {param:KEY}
// is replaced too: not within another test value, or two could ask for each
// other without end.
func (f *filler) text(s string, params bool) string {
	return placeholder.ReplaceAllStringFunc(s, func(found string) string {
		switch name := found[1 : len(found)-1]; name {
		case "datetime":
			return f.now
		case "resource_name":
			return f.resource.Name
		case "resource_endpoint":
			return f.resource.URL
		default:
			if key, _ := strings.CutPrefix(name, "param:"); params {
				return f.param(key, found)
			}
			return found
		}
	})
}

// param gives the text form of another test value; an unknown one leaves the
// placeholder as it is, where it can be seen.
func (f *filler) param(key, otherwise string) string {
	raw, given := f.resource.HealthCheck.TestValues[key]
	if !given {
		return otherwise
	}
	if value, err := decode(raw); err == nil {
		if s, isText := value.(string); isText {
			return f.text(s, false)
		}
	}
	return f.text(string(raw), false)
}

// decode keeps numbers as they are written.
func decode(raw []byte) (value any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	err = d.Decode(&value)
	return value, err
}

func encode(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
