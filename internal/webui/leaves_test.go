package webui

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"dispatchapy/internal/webui/i18n"
)

func TestLeaves(t *testing.T) {
	found := leavesOf([]byte(`{"z": 1.50, "message": {"body": "x", "opts": {}}, "to": ["a"], "a.b": {"c": 1}, "z": 2, "": 3, "big": 12345678901234567890}`))
	want := []leaf{
		{"z", json.RawMessage("1.50")}, {"message.body", json.RawMessage(`"x"`)}, {"message.opts", json.RawMessage("{}")}, {"to", json.RawMessage(`["a"]`)},
		{"a.b", json.RawMessage(`{"c": 1}`)}, {"big", json.RawMessage("12345678901234567890")},
	}
	if !reflect.DeepEqual(found, want) {
		t.Errorf("got  %s\nwant %s", found, want)
	}
	deep := strings.Repeat(`{"a":`, 500) + "1" + strings.Repeat("}", 500)
	if found := leavesOf([]byte(deep)); len(found) != 1 || strings.Count(found[0].Path, ".") != maxNesting-1 {
		t.Errorf("a deep object has %d leaves", len(found))
	}
	wide := `{"k":1`
	for i := range 1000 {
		wide += `,"k` + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26) + `":1`
	}
	if found := leavesOf([]byte(wide + "}")); len(found) != maxPaths {
		t.Errorf("a wide object has %d leaves", len(found))
	}
}

func TestAssembledIsWhatLeavesCameFrom(t *testing.T) {
	for _, text := range []string{`{}`, `{"a":1,"b":{"c":"x","d":{"e":[1,2]}},"f":null}`} {
		var want, got any
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		again := assembled(leavesOf([]byte(text)))
		if err := json.Unmarshal([]byte(again), &got); err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s became %s", text, again)
		}
	}
	if got := assembled([]leaf{{"a", json.RawMessage("1")}, {"a.b", json.RawMessage("2")}, {"a.b", json.RawMessage("3")}}); got != "{\n  \"a\": {\n    \"b\": 3\n  }\n}" {
		t.Errorf("keys that exclude each other: %s", got)
	}
}

func TestFaultsOfJSONSayWhere(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": 1}`:         "",
		"{\n \"a\": 1,\n}": "line 3, column 1: invalid character '}'",
		"{\n \"é\": x}":    "line 2, column 7: invalid character 'x'",
		"  ":               "There is no JSON in it yet.",
		`{"a": `:           "line 1, column 6: unexpected end",
		`[1]`:              "no object with keys",
		`"a"`:              "no object with keys",
	} {
		form := &Form{values: url.Values{"x": {text}}, lang: i18n.English}
		if form.refuseJSON("x") != (want != "") || !strings.Contains(form.Fault("x"), want) {
			t.Errorf("%q: %q, want %q", text, form.Fault("x"), want)
		}
	}
}

func TestNames(t *testing.T) {
	none := func(string) bool { return false }
	for address, want := range map[string]string{
		"https://api.example.com/send": "Example", "https://sms.provider.co.uk": "Provider", "http://127.0.0.1:8080/echo": "127.0.0.1", "http://localhost:1/x": "Localhost",
		"https://www.acme.io": "Acme", "": "Provider", "https://api": "api", "https://[::1]/": "::1", "https://x.com": "X",
	} {
		if got := suggestName(address, none); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
	if got := suggestName("https://api.example.com", func(n string) bool { return n == "Example" || n == "Example 2" }); got != "Example 3" {
		t.Errorf("a name that is taken becomes %q", got)
	}
	for keys, want := range map[string]string{
		"ref scope phone message": "send_sms", "email subject": "send_email", "amount currency": "payments", "order_id": "orders", "severity x": "send_alert", "text": "send_message", "a b": "messages", "": "messages",
	} {
		if got := suggestPath(strings.Fields(keys), none); got != want {
			t.Errorf("%s: %q, want %q", keys, got, want)
		}
	}
	if got := suggestPath(nil, func(p string) bool { return p == "messages" }); got != "messages_2" {
		t.Errorf("a path that is taken becomes %q", got)
	}
}

// FuzzLeaves takes whatever is pasted: every leaf is JSON with a key, and so is
// what is assembled of them.
func FuzzLeaves(f *testing.F) {
	for _, seed := range []string{`{"a":{"b":[1]},"c":""}`, `{"a":1,"a":2}`, `[]`, `{`, `{"a.b":{"c":1},"a":{"b.c":1}}`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		found := leavesOf(text)
		for _, l := range found {
			if !json.Valid(l.Value) || l.Path == "" {
				t.Fatalf("%q: %q", l.Path, l.Value)
			}
		}
		if again := assembled(found); !json.Valid([]byte(again)) {
			t.Fatalf("assembled %q", again)
		}
	})
}
