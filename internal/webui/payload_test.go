package webui

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
)

func TestPathsOfAPayload(t *testing.T) {
	tests := []struct{ payload, want string }{
		{`{"z":1,"a":{"y":[{"k":1},2]},"b.c":{"d":1},"n":{"o.p":1,"q":12345678901234567890}}`, "z a a.y a.y.0 a.y.0.k a.y.1 b.c n n.q"},
		{`{"":1,"e":{}}`, "e"},
		{`[1]`, "0"},
		{`{"a":`, ""},
		{`{"a":1} x`, "a"},
		{``, ""},
		{`7`, ""},
	}
	for _, tt := range tests {
		if got := strings.Join(pathsOf([]byte(tt.payload)), " "); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.payload, got, tt.want)
		}
	}
	deep := strings.Repeat(`{"a":`, 50) + "1" + strings.Repeat("}", 50)
	if got := pathsOf([]byte(deep)); len(got) != maxPathDepth {
		t.Errorf("%d paths of a deep payload", len(got))
	}
	if got := pathsOf([]byte("[" + strings.Repeat("1,", 10_000) + "1]")); len(got) != maxPaths {
		t.Errorf("%d paths of a long list", len(got))
	}
}

func TestMembersKeepOrderAndDigits(t *testing.T) {
	got := membersOf([]byte(`{"z": 12345678901234567890, "a" : {"b": 1.10}}`))
	want := []member{{"z", json.RawMessage(`12345678901234567890`)}, {"a", json.RawMessage(`{"b": 1.10}`)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestValuesAsPeopleWriteThem(t *testing.T) {
	for written, want := range map[string]string{
		"high": `"high"`, "12": "12", `"12"`: `"12"`, "007": `"007"`, "+62811": `"+62811"`, "true": "true", "null": "null", " a b ": `"a b"`,
		`{"k": [1, 2]}`: `{"k": [1, 2]}`, `{"k"`: `{"k"`, "[ALERT] disk": "[ALERT] disk", `"open`: `"open`, "12345678901234567890": "12345678901234567890",
		"O'Neil <x> & \\": `"O'Neil <x> & \\"`, "": "",
	} {
		if got := string(fromWords(written)); got != want {
			t.Errorf("%s is read as %s, want %s", written, got, want)
		}
	}
	for stored, want := range map[string]string{
		`"high"`: "high", `"12"`: `"12"`, `12`: "12", `"true"`: `"true"`, `null`: "null", `"null"`: `"null"`, `"a\nb"`: `"a\nb"`, `" a"`: `" a"`, `""`: `""`,
		`{"k":1}`: `{"k":1}`, `"{"`: `"{"`, `"\u00e9"`: "é", "\"😀 \u202e\"": "😀 \u202e",
	} {
		if got := toWords(json.RawMessage(stored)); got != want {
			t.Errorf("%s is written as %s, want %s", stored, got, want)
		}
	}
}

// FuzzValues writes values and reads them again: they mean the same.
func FuzzValues(f *testing.F) {
	for _, seed := range []string{`"a"`, `1.10`, `{"a":[1]}`, `"\u2028"`, `" "`, `"\ud800"`, `"[x]"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, stored string) {
		if !json.Valid([]byte(stored)) {
			return
		}
		again := fromWords(toWords(json.RawMessage(stored)))
		var before, after any
		if json.Unmarshal([]byte(stored), &before) != nil {
			return // a number beyond all bounds
		}
		if err := json.Unmarshal(again, &after); err != nil || !cmp.Equal(before, after) {
			t.Fatalf("%q became %q (%v)", stored, again, err)
		}
	})
}

func TestSuggest(t *testing.T) {
	from := func(path string) dispatchapy.Source { return dispatchapy.Source{From: path} }
	tests := []struct {
		name, required, paths string
		want                  dispatchapy.Mapping
	}{
		{"the same name", "phone message", "ref scope message phone", dispatchapy.Mapping{"phone": from("phone"), "message": from("message")}},
		{"written otherwise", "phoneNumber customer-name", "customer_name phone_number", dispatchapy.Mapping{"phoneNumber": from("phone_number"), "customer-name": from("customer_name")}},
		{"meaning the same", "to text", "ref scope phone message", dispatchapy.Mapping{"to": from("phone"), "text": from("message")}},
		{"in Indonesian", "tujuan pesan", "nomor_hp isi", dispatchapy.Mapping{"tujuan": from("nomor_hp"), "pesan": from("isi")}},
		{"inside", "to name", "customer customer.phone customer.name", dispatchapy.Mapping{"to": from("customer.phone"), "name": from("customer.name")}},
		{"the top level first", "phone", "customer.phone phone", dispatchapy.Mapping{"phone": from("phone")}},
		{"nested target", "message.body message.to", "text phone", dispatchapy.Mapping{"message.body": from("text"), "message.to": from("phone")}},
		{"two of a kind", "text body", "message content", dispatchapy.Mapping{"text": from("message"), "body": from("content")}},
		{"one for two", "text body", "message", dispatchapy.Mapping{"text": from("message"), "body": from("message")}},
		{"names go before senses", "text message", "message", dispatchapy.Mapping{"message": from("message"), "text": from("message")}},
		{"what the gateway gives", "idempotency_key sentAt", "ref", dispatchapy.Mapping{"idempotency_key": {UUID: true}, "sentAt": {Now: true}}},
		{"given by the payload nevertheless", "id", "id", dispatchapy.Mapping{"id": from("id")}},
		{"nothing known", "flavour", "ref scope phone", dispatchapy.Mapping{}},
		{"nothing at all", "", "", dispatchapy.Mapping{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, suggest(strings.Fields(tt.required), strings.Fields(tt.paths))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
