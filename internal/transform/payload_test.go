package transform

import (
	"errors"
	"strings"
	"testing"

	"dispatchapy"
)

func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, raw, want string }{
		{"empty", "", "the payload is empty; send a JSON object"},
		{"blank", " \n", "the payload is empty; send a JSON object"},
		{"array", " [1]", "the payload must be a JSON object, not an array"},
		{"string", `"s"`, "the payload must be a JSON object, not a string"},
		{"number", `-1`, "the payload must be a JSON object, not a number"},
		{"boolean", `false`, "the payload must be a JSON object, not a boolean"},
		{"null", `null`, "the payload must be a JSON object, not null"},
		{"cut off", `{"a":`, "the payload is not valid JSON at byte 5: unexpected end of JSON input"},
		{"two values", `{} {}`, "the payload is not valid JSON at byte 4: invalid character '{' after top-level value"},
		{"too deep", strings.Repeat(`{"a":`, 20000) + `1` + strings.Repeat(`}`, 20000),
			"the payload is not valid JSON at byte 50001: invalid character '{' exceeded max depth"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.raw))
			if _, ok := errors.AsType[*dispatchapy.Error](err); !ok || dispatchapy.ErrorCode(err) != dispatchapy.CodeInvalid {
				t.Fatalf("Parse: %v (%T), want CodeInvalid", err, err)
			}
			if err.Error() != tt.want {
				t.Errorf("Parse: %v, want %s", err, tt.want)
			}
		})
	}
}

func TestDeepPayload(t *testing.T) {
	const depth = 9000
	raw := strings.Repeat(`{"a": `, depth) + `[ 1 ]` + strings.Repeat(`}`, depth)
	m := compile(t, `{"x":{"from":"a.a"},"y":{"from":"a","type":"string"},"z":{"from":"`+strings.Repeat("a.", maxDepth-1)+`a"}}`)
	got, err := m.Apply(parse(t, raw), Env{})
	if err != nil {
		t.Fatal(err)
	}
	compact := func(levels int) string {
		return strings.Repeat(`{"a":`, levels) + `[1]` + strings.Repeat(`}`, levels)
	}
	want := `{"x":` + compact(depth-2) + `,"y":"` + strings.ReplaceAll(compact(depth-1), `"`, `\"`) + `","z":` + compact(depth-maxDepth) + `}`
	if string(got) != want {
		t.Error("a deeply nested payload was not mapped as expected")
	}
}
