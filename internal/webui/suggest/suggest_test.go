package suggest

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"dispatchapy"
)

func from(key string) dispatchapy.Source { return dispatchapy.Source{From: key} }

func TestMapping(t *testing.T) {
	usual := []string{"ref", "scope", "phone", "message"}
	for name, tt := range map[string]struct {
		targets, sources []string
		examples         string
		want             dispatchapy.Mapping
	}{
		"the same names":        {[]string{"phone", "message"}, usual, "", dispatchapy.Mapping{"phone": from("phone"), "message": from("message")}},
		"to and text":           {[]string{"to", "text"}, usual, "", dispatchapy.Mapping{"to": from("phone"), "text": from("message")}},
		"msisdn and body":       {[]string{"msisdn", "body"}, usual, "", dispatchapy.Mapping{"msisdn": from("phone"), "body": from("message")}},
		"number and content":    {[]string{"number", "content"}, usual, "", dispatchapy.Mapping{"number": from("phone"), "content": from("message")}},
		"other styles":          {[]string{"PhoneNumber", "message-text"}, []string{"phone_number", "messageText"}, "", dispatchapy.Mapping{"PhoneNumber": from("phone_number"), "message-text": from("messageText")}},
		"nested targets":        {[]string{"recipient.phone", "message.body"}, usual, "", dispatchapy.Mapping{"recipient.phone": from("phone"), "message.body": from("message")}},
		"nested sources":        {[]string{"to", "text"}, []string{"customer.phone", "alert.message"}, "", dispatchapy.Mapping{"to": from("customer.phone"), "text": from("alert.message")}},
		"places in lists":       {[]string{"to.0", "text"}, usual, "", dispatchapy.Mapping{"to.0": from("phone"), "text": from("message")}},
		"exact before alike":    {[]string{"to", "phone"}, []string{"phone", "msisdn"}, "", dispatchapy.Mapping{"phone": from("phone"), "to": from("msisdn")}},
		"a source is used once": {[]string{"body", "text"}, []string{"message"}, "", dispatchapy.Mapping{"body": from("message")}},
		"mail":                  {[]string{"to", "subject", "content"}, []string{"email", "title", "text"}, "", dispatchapy.Mapping{"to": from("email"), "subject": from("title"), "content": from("text")}},
		"Indonesian":            {[]string{"tujuan", "pesan"}, usual, "", dispatchapy.Mapping{"tujuan": from("phone"), "pesan": from("message")}},
		"ids and times":         {[]string{"idempotency_key", "timestamp", "external_id"}, usual, "", dispatchapy.Mapping{"idempotency_key": {UUID: true}, "timestamp": {Now: true}, "external_id": from("ref")}},
		"a time that is there":  {[]string{"timestamp"}, []string{"timestamp"}, "", dispatchapy.Mapping{"timestamp": from("timestamp")}},
		"an id that is there":   {[]string{"request_id"}, []string{"id", "request_id"}, "", dispatchapy.Mapping{"request_id": from("request_id")}},
		"constants": {
			[]string{"from", "to", "priority", "unicode"}, usual, `{"from":"ACME","to":"+1555","priority":1,"unicode":true}`,
			dispatchapy.Mapping{"from": {Value: json.RawMessage(`"ACME"`)}, "to": from("phone"), "priority": {Value: json.RawMessage("1")}, "unicode": {Value: json.RawMessage("true")}},
		},
		"nothing to say": {[]string{"colour"}, usual, "", dispatchapy.Mapping{}},
		"no keys":        {nil, usual, "", dispatchapy.Mapping{}},
	} {
		t.Run(name, func(t *testing.T) {
			examples := map[string]json.RawMessage{}
			if tt.examples != "" {
				if err := json.Unmarshal([]byte(tt.examples), &examples); err != nil {
					t.Fatal(err)
				}
			}
			if got := Mapping(tt.targets, tt.sources, examples); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestLeaves(t *testing.T) {
	found, err := Leaves([]byte(`{"z": 1.50, "message": {"body": "x", "opts": {}}, "to": ["a"], "a.b": {"c": 1}, "z": 2, "": 3, "big": 12345678901234567890}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Leaf{
		{"z", json.RawMessage("1.50")}, {"message.body", json.RawMessage(`"x"`)}, {"message.opts", json.RawMessage("{}")}, {"to", json.RawMessage(`["a"]`)},
		{"a.b", json.RawMessage(`{"c": 1}`)}, {"big", json.RawMessage("12345678901234567890")},
	}
	if !reflect.DeepEqual(found, want) {
		t.Errorf("got  %s\nwant %s", found, want)
	}
	if got := Keys([]byte(`{"b": {"c": 1}, "a": 2}`)); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("keys %q", got)
	}
	deep := strings.Repeat(`{"a":`, 500) + "1" + strings.Repeat("}", 500)
	if found, err := Leaves([]byte(deep)); err != nil || len(found) != 1 || strings.Count(found[0].Path, ".") != maxNested-1 {
		t.Errorf("a deep object: %v, %d leaves", err, len(found))
	}
	wide := "{" + strings.TrimSuffix(strings.Repeat(`"k":1,`, 10), ",")
	for i := range 1000 {
		wide += `,"k` + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26) + `":1`
	}
	if found, err := Leaves([]byte(wide + "}")); err != nil || len(found) != maxLeaves {
		t.Errorf("a wide object: %v, %d leaves", err, len(found))
	}
}

func TestCheckSaysWhere(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": 1}`:         "",
		"{\n \"a\": 1,\n}": "line 3, column 1: invalid character '}' looking for beginning of object key string",
		"{\n \"é\": x}":    "line 2, column 7: invalid character 'x' looking for beginning of value",
		"":                 "line 1, column 1: unexpected end of JSON input",
		`{"a": `:           "line 1, column 6: unexpected end of JSON input",
		`[1]`:              ErrNoObject.Error(),
		`"a"`:              ErrNoObject.Error(),
	} {
		got := ""
		if err := Check([]byte(text)); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	var syntax *SyntaxError
	if !errors.As(Check([]byte("{")), &syntax) {
		t.Error("what is cut off is no syntax error")
	}
}

func TestNames(t *testing.T) {
	none := func(string) bool { return false }
	for address, want := range map[string]string{
		"https://api.example.com/send": "Example", "https://sms.provider.co.uk": "Provider", "http://127.0.0.1:8080/echo": "127.0.0.1", "http://localhost:1/x": "Localhost",
		"https://www.acme.io": "Acme", "": "Provider", "https://api": "api", "https://[::1]/": "::1", "https://x.com": "X",
	} {
		if got := Name(address, none); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
	if got := Name("https://api.example.com", func(n string) bool { return n == "Example" || n == "Example 2" }); got != "Example 3" {
		t.Errorf("a name that is taken becomes %q", got)
	}
	for keys, want := range map[string]string{
		"ref scope phone message": "send_sms", "email subject": "send_email", "amount currency": "payments", "order_id": "orders", "severity text": "send_alert", "text": "send_message", "a b": "messages", "": "messages",
	} {
		if got := Path(strings.Fields(keys), none); got != want {
			t.Errorf("%s: %q, want %q", keys, got, want)
		}
	}
	if got := Path(nil, func(p string) bool { return p == "messages" }); got != "messages_2" {
		t.Errorf("a path that is taken becomes %q", got)
	}
}

// FuzzLeaves takes whatever is pasted: every leaf is valid JSON, and each path
// is there once.
func FuzzLeaves(f *testing.F) {
	for _, seed := range []string{`{"a":{"b":[1]},"c":""}`, `{"a":1,"a":2}`, `[]`, `{`, `{"a.b":{"c":1},"a":{"b.c":1}}`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		found, err := Leaves(text)
		if (err == nil) != (Check(text) == nil) {
			t.Fatal(err)
		}
		for _, leaf := range found {
			if !json.Valid(leaf.Value) || leaf.Path == "" {
				t.Fatalf("%q: %q", leaf.Path, leaf.Value)
			}
		}
	})
}
