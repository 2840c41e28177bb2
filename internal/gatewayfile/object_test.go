package gatewayfile

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dispatchapy"
)

func parsed(t *testing.T, text string) *Object {
	t.Helper()
	o, err := ParseObject([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// paths words the fields of an error as "path: message".
func fieldsText(err error) string {
	var e *dispatchapy.Error
	if !errors.As(err, &e) {
		return ""
	}
	var lines []string
	for _, f := range e.Fields {
		lines = append(lines, f.Path+": "+f.Message)
	}
	return strings.Join(lines, "\n")
}

func TestObjectFaultsHaveThePathWithinTheObject(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown key", `{"urll":"x"}`, "urll: the key is not known here: use one of name, url"},
		{"unknown key that is to go", `{"urll":null}`, "urll: the key is not known here"},
		{"unknown key below", `{"health_check":{"methodd":"x"}}`, "health_check.methodd: the key is not known"},
		{"wrong type", `{"name":5}`, "name: must be text"},
		{"wrong type below", `{"health_check":{"interval":{"min":true}}}`, "health_check.interval.min: must be text: put it in quotes"},
		{"no duration", `{"timeout":"soon"}`, `timeout: "soon" is not a duration`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var decoded dispatchapy.Resource
			merged := dispatchapy.Resource{Name: "a"}
			merged.Normalize()
			for how, err := range map[string]error{
				"decode": Decode(parsed(t, tt.text), &decoded),
				"merge":  Merge(parsed(t, tt.text), &merged),
			} {
				if got := fieldsText(err); !strings.HasPrefix(got, tt.want) {
					t.Errorf("%s: %q, want %q", how, got, tt.want)
				}
			}
			if merged.Name != "a" || merged.URL != "" {
				t.Errorf("a patch with a fault changed something: %+v", merged)
			}
		})
	}
}

func TestParseObjectRefuses(t *testing.T) {
	for _, text := range []string{"", "{", "[]", "null", `"x"`, "a: b", `{"a":1} {}`, `{"a":1,"a":2}`, strings.Repeat("[", 200) + strings.Repeat("]", 200)} {
		if _, err := ParseObject([]byte(text)); dispatchapy.ErrorCode(err) != dispatchapy.CodeInvalid {
			t.Errorf("%.20s: %v", text, err)
		}
	}
}

func TestTake(t *testing.T) {
	o := parsed(t, `{"id":5,"name":"a"}`)
	if got := string(o.Take("id")); got != "5" {
		t.Errorf("took %q", got)
	}
	if o.Take("id") != nil {
		t.Error("it is still there")
	}
	var r dispatchapy.Resource
	if err := Decode(o, &r); err != nil || r.Name != "a" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestMerge(t *testing.T) {
	const present = `{"name":"a","url":"http://x.example/","active":false,"timeout":"3s","headers":{"X-A":"1","X-B":"2"},
		"health_check":{"enabled":true,"down_after":3},"notify":{"email":{"enabled":true,"to":["a@b.example"]}}}`
	tests := []struct{ name, patch, want string }{
		{"nothing", `{}`, `{"name":"a","url":"http://x.example/","headers":{"X-A":"1","X-B":"2"},"active":false,"timeout":"3s","health_check":{"enabled":true,"down_after":3},"notify":{"email":{"enabled":true,"to":["a@b.example"]}}}`},
		{"toggle", `{"active":true,"notify":null,"headers":null}`, `{"name":"a","url":"http://x.example/","timeout":"3s","health_check":{"enabled":true,"down_after":3}}`},
		{"one header of two", `{"headers":{"X-A":null},"active":null,"timeout":null,"notify":null,"health_check":null}`, `{"name":"a","url":"http://x.example/","headers":{"X-B":"2"}}`},
		{"below", `{"headers":{"X-A":"3"},"health_check":{"down_after":null},"active":null,"timeout":null,"notify":{"email":null}}`,
			`{"name":"a","url":"http://x.example/","headers":{"X-A":"3","X-B":"2"},"health_check":{"enabled":true},"notify":{}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r dispatchapy.Resource
			if err := Decode(parsed(t, present), &r); err != nil {
				t.Fatal(err)
			}
			r.Normalize()
			if err := Merge(parsed(t, tt.patch), &r); err != nil {
				t.Fatal(err)
			}
			r.Normalize()
			got, err := EncodeObject(&r)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMergeSettingsKeepsTheOthers(t *testing.T) {
	s := dispatchapy.DefaultSettings()
	s.MaxAttempts = 9
	s.SMTP = &dispatchapy.SMTP{Host: "h", From: "a@b.example"}
	if err := Merge(parsed(t, `{"retry":{"factor":2},"smtp":null}`), &s); err != nil {
		t.Fatal(err)
	}
	if s.MaxAttempts != 9 || s.Retry.Factor != 2 || s.Retry.Cap != dispatchapy.DefaultSettings().Retry.Cap || s.SMTP != nil {
		t.Errorf("%+v", s)
	}
}

// TestAnEmptyPatchChangesNothing: whatever an object is like.
func TestAnEmptyPatchChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := config().Draw(t, "configuration")
		cfg.Normalize()
		o := &Object{root: &node{kind: kindMap}}
		for i := range cfg.Resources {
			sameAfter(t, &cfg.Resources[i], func(r *dispatchapy.Resource) error { return Merge(o, r) })
		}
		for i := range cfg.Endpoints {
			sameAfter(t, &cfg.Endpoints[i], func(e *dispatchapy.Endpoint) error { return Merge(o, e) })
		}
		sameAfter(t, &cfg.Settings, func(s *dispatchapy.Settings) error { return Merge(o, s) })
	})
}

func sameAfter[T Objects](t *rapid.T, object *T, change func(*T) error) {
	before := encoded(t, object)
	if err := change(object); err != nil {
		t.Fatal(err)
	}
	if o, ok := any(object).(interface{ Normalize() }); ok {
		o.Normalize()
	}
	if diff := cmp.Diff(before, encoded(t, object)); diff != "" {
		t.Fatal(diff)
	}
}

func encoded[T Objects](t *rapid.T, object *T) string {
	text, err := EncodeObject(object)
	if err != nil || !json.Valid(text) {
		t.Fatalf("%v: %s", err, text)
	}
	return string(text)
}
