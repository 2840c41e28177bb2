package health

import (
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
		filled, err := transform.MapStrings(raw, func(s string) string { return f.text(s, true) })
		if err != nil {
			return nil, fmt.Errorf("test value %q is not valid JSON", key)
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
	var text *string
	if err := json.Unmarshal(raw, &text); err == nil && text != nil {
		return f.text(*text, false)
	}
	return f.text(string(raw), false)
}
