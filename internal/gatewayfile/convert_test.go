package gatewayfile

import (
	"strings"
	"testing"
)

func TestToJSON(t *testing.T) {
	for text, want := range map[string]string{
		"name: chat\nn: 12345678901234567890123\nheaders: {X-Key: \"007\"}\n": `{"name":"chat","n":12345678901234567890123,"headers":{"X-Key":"007"}}`,
		`{"name": "chat", "z": 1.50, "a": [1, null]}`:                         `{"name":"chat","z":1.50,"a":[1,null]}`,
	} {
		if got, err := ToJSON("x.yaml", []byte(text)); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                        "x.yaml is empty",
		"- a":                     "must be an object",
		"a: 1\nb: [007]":          "x.yaml:2:5: 007 is a number to YAML",
		"a: 1\na: 2":              "x.yaml:2",
		"a: {":                    "x.yaml:1",
		"headers:\n  X-Key: 0x1F": "x.yaml:2:10: 0x1F",
	} {
		if _, err := ToJSON("x.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestToYAML(t *testing.T) {
	const text = `{"name":"chat","id":12345678901234567890123,"headers":{"X-Key":"007"},"note":"two\nlines","none":null,"list":[]}`
	got, err := ToYAML([]byte(text))
	const want = "name: chat\nid: 12345678901234567890123\nheaders: {X-Key: \"007\"}\nnote: |-\n  two\n  lines\nnone: null\nlist: []\n"
	if err != nil || string(got) != want {
		t.Fatalf("%s, %v; want %s", got, err, want)
	}
	if back, err := ToJSON("back", got); err != nil || string(back) != text {
		t.Errorf("back: %s, %v", back, err)
	}
	if got, err := ToYAML([]byte("{}")); err != nil || string(got) != "{}\n" {
		t.Errorf("empty: %q, %v", got, err)
	}
	if _, err := ToYAML([]byte("{")); err == nil {
		t.Error("broken JSON was taken")
	}
}
