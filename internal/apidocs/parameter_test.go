package apidocs

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"dispatchapy"
)

func TestExamplesFitTheName(t *testing.T) {
	for name, want := range map[string]struct {
		example any
		text    bool
	}{
		"phone":          {"+12025550142", false},
		"phoneNumber":    {"+12025550142", false},
		"PHONE_NUMBER":   {"+12025550142", false},
		"customer-email": {"customer@example.com", true},
		"email_subject":  {"Order 1042", true},
		"total.amount":   {125.5, false},
		"callbackUrl":    {"https://example.com/orders/1042", false},
		"dueDate":        {"2026-01-31", false},
		"created_at":     {"2026-01-31T09:30:00Z", false},
		"order_number":   {"1042", false},
		"is_urgent":      {true, false},
		"to":             {"+12025550142", false},
		"mail_to":        {"customer@example.com", true},
		"curl":           {"example", true},
		"完了":             {"example", true},
		"":               {"example", true},
	} {
		if got := kindOf(name); got.example != want.example || got.text != want.text {
			t.Errorf("%q: got %v, text %v; want %v, text %v", name, got.example, got.text, want.example, want.text)
		}
	}
}

func TestExampleHasWhatMappingsRead(t *testing.T) {
	for _, tt := range []struct {
		name    string
		mapping dispatchapy.Mapping
		want    string // example of the key "order"
		isTyped bool
	}{
		{"the whole value", dispatchapy.Mapping{"a": {From: "order"}}, `"example"`, true},
		{"another key", dispatchapy.Mapping{"a": {From: "orders.id"}, "b": {From: "x.order.id"}}, `"example"`, true},
		{"keys inside", dispatchapy.Mapping{"a": {From: "order.id"}, "b": {From: "order.buyer.email"}, "c": {From: "order"}},
			`{"buyer":{"email":"customer@example.com"},"id":"1042"}`, false},
		{"a path and a longer one", dispatchapy.Mapping{"a": {From: "order.buyer"}, "b": {From: "order.buyer.email"}},
			`{"buyer":{"email":"customer@example.com"}}`, false},
		{"a list", dispatchapy.Mapping{"a": {From: "order.0.id"}, "b": {From: "order.1.price"}}, `[{"id":"1042","price":125.5}]`, false},
		{"indexes beside keys", dispatchapy.Mapping{"a": {From: "order.0"}, "b": {From: "order.id"}}, `{"0":"example","id":"1042"}`, false},
		{"a template", dispatchapy.Mapping{"a": {Template: "No. {{ order.id }}, {{order.count}}"}}, `{"count":2,"id":"1042"}`, false},
		{"a key with a dot", dispatchapy.Mapping{"a": {From: "order.ref"}}, `"example"`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			parameters := parametersOf(&dispatchapy.Endpoint{RequiredParams: []string{"order", "order.ref"}, Mapping: map[string]dispatchapy.Mapping{"r": tt.mapping}})
			if got := compactJSON.text(parameters[0].example, 0); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if isTyped := slices.ContainsFunc(parameters[0].schema, func(m member) bool { return m.key == "type" }); isTyped != tt.isTyped {
				t.Errorf("typed is %v: %v", isTyped, parameters[0].schema)
			}
		})
	}
}

// A quoted string means what went in.
func TestQuoting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching("[\"'\\\\$<\n\x00a\u2028\ufeff🎉]*")).Draw(t, "text")
		var decoded string
		if err := json.Unmarshal([]byte(quoteJSON(text)), &decoded); err != nil || decoded != text {
			t.Errorf("JSON: %s is %q (%v)", quoteJSON(text), decoded, err)
		}
		if decoded, err := strconv.Unquote(quoteGo(text)); err != nil || decoded != text {
			t.Errorf("Go: %s is %q (%v)", quoteGo(text), decoded, err)
		}
		line := oneLine(text, 20)
		if utf8.RuneCountInString(line) > 20 || strings.ContainsAny(line, "\n\r\u2028\x00") {
			t.Errorf("not one line of 20 characters: %q", line)
		}
	})
}

func TestQuoteJSONMendsInvalidUTF8(t *testing.T) {
	if got, want := quoteJSON("a\xffb"), "\"a\uFFFDb\""; got != want {
		t.Errorf("got %+q, want %+q", got, want)
	}
}

// PHP need not be installed for this much.
func TestQuotePHP(t *testing.T) {
	if got, want := quotePHP("a\"b\\c$d'é\n\U000e0041{$x}"), `"a\"b\\c\$d'é\u{a}\u{e0041}{\$x}"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
