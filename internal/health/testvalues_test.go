package health

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/transform"
)

func TestTestBody(t *testing.T) {
	tests := []struct {
		name   string
		values map[string]string
		want   string
	}{
		{"none", nil, `{}`},
		{"plain", map[string]string{"to": `"0"`, "n": `12345678901234567890.10`, "b": `null`}, `{"b":null,"n":12345678901234567890.10,"to":"0"}`},
		{"dots nest", map[string]string{"a.b": `1`, "a.c.d": `2`}, `{"a":{"b":1,"c":{"d":2}}}`},
		{"placeholders", map[string]string{"t": `"{datetime} {resource_name} {resource_endpoint} {resource_name}"`},
			`{"t":"2026-01-02T03:04:05Z sms http://h/send?a=1&b=<2> sms"}`},
		{"at any depth", map[string]string{"a": `[{"b":["{resource_name}"]}]`}, `{"a":[{"b":["sms"]}]}`},
		{"not in keys", map[string]string{"a": `{"{resource_name}":1}`}, `{"a":{"{resource_name}":1}}`},
		{"other values", map[string]string{"to": `"49"`, "n": `7`, "z": `null`, "a.b": `{"x":1}`, "t": `"{param:to} {param:n} {param:a.b} {param:z}"`},
			`{"a":{"b":{"x":1}},"n":7,"t":"49 7 {\"x\":1} null","to":"49","z":null}`},
		{"other values with placeholders", map[string]string{"a": `"at {datetime}"`, "t": `"{param:a}"`},
			`{"a":"at 2026-01-02T03:04:05Z","t":"at 2026-01-02T03:04:05Z"}`},
		{"unknown ones stay", map[string]string{"t": `"{param:none} {other} {}"`}, `{"t":"{param:none} {other} {}"}`},
		{"in a circle", map[string]string{"a": `"{param:b}"`, "b": `"{param:a}"`}, `{"a":"{param:a}","b":"{param:b}"}`},
	}
	now := time.Date(2026, 1, 2, 4, 4, 5, 6, time.FixedZone("", 3600))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := testBody(resourceWith(tt.values), now)
			if err != nil {
				t.Fatal(err)
			}
			if unescaped(t, got) != unescaped(t, []byte(tt.want)) {
				t.Errorf("body = %s, want %s", got, tt.want)
			}
		})
	}
}

// unescaped ignores how a string is escaped, but nothing else.
func unescaped(t *testing.T, doc []byte) string {
	t.Helper()
	out, err := transform.MapStrings(doc, func(s string) string { return s })
	if err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	return string(out)
}

func resourceWith(values map[string]string) *dispatchapy.Resource {
	r := &dispatchapy.Resource{Name: "sms", URL: "http://h/send?a=1&b=<2>"}
	r.HealthCheck.TestValues = map[string]json.RawMessage{}
	for key, v := range values {
		r.HealthCheck.TestValues[key] = json.RawMessage(v)
	}
	return r
}

func TestTestBodyErrors(t *testing.T) {
	tests := map[string]map[string]string{
		`test value "a" is not valid JSON`: {"a": `{`},
		`test value a.b`:                   {"a": `1`, "a.b": `2`},
	}
	for want, values := range tests {
		if _, err := testBody(resourceWith(values), time.Now()); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("values %v: error = %v, want %s", values, err, want)
		}
	}
}
