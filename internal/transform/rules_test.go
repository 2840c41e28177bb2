package transform

import (
	"bytes"
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
)

// compileRules compiles rules as a gateway file holds them.
func compileRules(t testing.TB, spec string) *Rules {
	t.Helper()
	if spec == "" {
		return nil
	}
	var rules []dispatchapy.Rule
	if err := json.Unmarshal([]byte(spec), &rules); err != nil {
		t.Fatalf("rules %s: %v", spec, err)
	}
	return CompileRules(rules)
}

func lines(applied []Applied) []string {
	var out []string
	for _, a := range applied {
		out = append(out, a.String())
	}
	return out
}

func TestOverride(t *testing.T) {
	tests := []struct {
		name, client, endpoint, payload, want string
		log                                   []string
	}{
		{name: "no rules", payload: `{ "a": 1 }`, want: `{ "a": 1 }`},
		{
			name:    "replaces in place, other bytes stay",
			client:  `[{"set":{"param":"phone","value":"000"}}]`,
			payload: " { \"n\": 1.50,\n\"phone\" : \"62811\" , \"z\":[ 1 ] } ",
			want:    " { \"n\": 1.50,\n\"phone\" : \"000\" , \"z\":[ 1 ] } ",
			log:     []string{`client rule set phone: "62811" -> "000"`},
		},
		{
			name:     "appends a new key",
			endpoint: `[{"set":{"param":"x\"","value": {"a": 1}}}]`,
			payload:  "{\"a\":1 \n}",
			want:     "{\"a\":1,\"x\\\"\":{\"a\":1} \n}",
			log:      []string{`endpoint rule set x": (absent) -> {"a":1}`},
		},
		{
			name:    "into an empty object",
			client:  `[{"set":{"param":"a","value":null}}]`,
			payload: `{ }`,
			want:    `{"a":null }`,
			log:     []string{`client rule set a: (absent) -> null`},
		},
		{
			name:     "the endpoint wins over the client",
			client:   `[{"set":{"param":"phone","value":"client"}}]`,
			endpoint: `[{"set":{"param":"phone","value":"endpoint"}}]`,
			payload:  `{"phone":1}`,
			want:     `{"phone":"endpoint"}`,
			log:      []string{`client rule set phone: 1 -> "client"`, `endpoint rule set phone: "client" -> "endpoint"`},
		},
		{
			name:    "the later rule wins",
			client:  `[{"set":{"param":"a","value":1}},{"set":{"param":"a","value":2}}]`,
			payload: `{}`,
			want:    `{"a":2}`,
			log:     []string{`client rule set a: (absent) -> 1`, `client rule set a: 1 -> 2`},
		},
		{
			name:     "conditions see the original payload",
			client:   `[{"set":{"param":"a","value":"new"}},{"set":{"param":"added","value":1}}]`,
			endpoint: `[{"if":{"param":"a","matches":"^new$"},"set":{"param":"x","value":1}},{"if":{"param":"added"},"set":{"param":"x","value":2}},{"if":{"param":"a","matches":"^old$"},"set":{"param":"y","value":3}}]`,
			payload:  `{"a":"old"}`,
			want:     `{"a":"new","added":1,"y":3}`,
			log: []string{`client rule set a: "old" -> "new"`, `client rule set added: (absent) -> 1`,
				`endpoint rule set y: (absent) -> 3`},
		},
		{
			name:    "inactive rules do nothing",
			client:  `[{"active":false,"set":{"param":"a","value":1}}]`,
			payload: `{}`,
			want:    `{}`,
		},
		{
			name:    "a dotted key that exists is plain",
			client:  `[{"set":{"param":"a.b","value":9}}]`,
			payload: `{"a":{"b":1},"a.b":2}`,
			want:    `{"a":{"b":1},"a.b":9}`,
			log:     []string{`client rule set a.b: 2 -> 9`},
		},
		{
			name:    "a dotted path sets inside",
			client:  `[{"set":{"param":"to.1.phone","value":"0"}}]`,
			payload: `{"to":[{"phone":"1"}, { "n":1, "phone" : "2" } ]}`,
			want:    `{"to":[{"phone":"1"}, { "n":1, "phone" : "0" } ]}`,
			log:     []string{`client rule set to.1.phone: "2" -> "0"`},
		},
		{
			name:    "a dotted path creates objects",
			client:  `[{"set":{"param":"a.b.c","value":1}},{"set":{"param":"o.x.y","value":2}}]`,
			payload: `{"o":{"k":0 }}`,
			want:    `{"o":{"k":0,"x":{"y":2} },"a":{"b":{"c":1}}}`,
			log:     []string{`client rule set a.b.c: (absent) -> 1`, `client rule set o.x.y: (absent) -> 2`},
		},
		{
			name:    "an index past the end appends",
			client:  `[{"set":{"param":"to.7","value":1}},{"set":{"param":"cc.0.mail","value":"m"}}]`,
			payload: `{"to":[0],"cc":[]}`,
			want:    `{"to":[0,1],"cc":[{"mail":"m"}]}`,
			log:     []string{`client rule set to.7: (absent) -> 1`, `client rule set cc.0.mail: (absent) -> "m"`},
		},
		{
			name:    "what cannot hold the path gives way",
			client:  `[{"set":{"param":"s.k","value":1}},{"set":{"param":"n.k.l","value":1}},{"set":{"param":"l.k","value":1}}]`,
			payload: `{"s":"text","n":null,"l":[1]}`,
			want:    `{"s":{"k":1},"n":{"k":{"l":1}},"l":{"k":1}}`,
			log: []string{`client rule set s.k: (absent) -> 1`, `client rule set n.k.l: (absent) -> 1`,
				`client rule set l.k: (absent) -> 1`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			raw := []byte(tt.payload)
			p, err := Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			got, applied := p.Override(compileRules(t, tt.client), compileRules(t, tt.endpoint))
			if diff := cmp.Diff(tt.want, string(got.Raw())); diff != "" {
				t.Errorf("payload (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.log, lines(applied)); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
			if string(raw) != tt.payload || string(p.Raw()) != tt.payload {
				t.Errorf("the original became %s", raw)
			}
			if again := parse(t, tt.want); !cmp.Equal(again, got, cmp.AllowUnexported(Payload{}, member{})) {
				t.Errorf("the overridden payload is indexed as %v, want %v", got, again)
			}
		})
	}
}

func TestConditions(t *testing.T) {
	tests := []struct {
		name, condition, payload string
		want                     bool
	}{
		{"present", `{"param":"a"}`, `{"a":0}`, true},
		{"present and null", `{"param":"a"}`, `{"a":null}`, true},
		{"absent", `{"param":"a"}`, `{"b":0}`, false},
		{"present inside", `{"param":"a.b"}`, `{"a":{"b":0}}`, true},
		{"plain key first", `{"param":"a.b","matches":"x"}`, `{"a":{"b":"x"},"a.b":"y"}`, false},
		{"found anywhere", `{"param":"a","matches":"62"}`, `{"a":"+6281"}`, true},
		{"anchored", `{"param":"a","matches":"^62"}`, `{"a":"+6281"}`, false},
		{"absent never matches", `{"param":"a","matches":".*"}`, `{}`, false},
		{"text of a string is without quotes and escapes", `{"param":"a","matches":"^\u00e9\"$"}`, `{"a":"\u00e9\""}`, true},
		{"text of a number", `{"param":"a","matches":"^12\\.50$"}`, `{"a":12.50}`, true},
		{"text of a boolean", `{"param":"a","matches":"^true$"}`, `{"a":true}`, true},
		{"text of an object", `{"param":"a","matches":"^\\{\"k\":\\[1,2\\]}$"}`, `{"a":{"k" : [1, 2] } }`, true},
		{"invalid expression as substring", `{"param":"a","matches":"(62"}`, `{"a":"+(62)81"}`, true},
		{"invalid expression not found", `{"param":"a","matches":"(62"}`, `{"a":"62"}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rules := compileRules(t, `[{"if":`+tt.condition+`,"set":{"param":"hit","value":true}}]`)
			_, applied := parse(t, tt.payload).Override(rules, nil)
			if got := len(applied) == 1; got != tt.want {
				t.Errorf("applies = %t, want %t", got, tt.want)
			}
		})
	}
}

func TestAppliedRulesAreNamedByTheirPlace(t *testing.T) {
	rules := compileRules(t, `[
		{"set":{"param":"a","value":1}},
		{"active":false,"set":{"param":"b","value":1}},
		{"endpoint":"mail","set":{"param":"c","value":1}},
		{"if":{"param":"none"},"set":{"param":"d","value":1}},
		{"set":{"param":"e","value":1}}]`).For("sms")
	_, applied := parse(t, `{}`).Override(nil, rules)
	got := map[string]int{}
	for _, a := range applied {
		got[a.Param] = a.Rule
	}
	if diff := cmp.Diff(map[string]int{"a": 0, "e": 4}, got); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}

func TestOverriddenPayloadIsMapped(t *testing.T) {
	rules := compileRules(t, `[{"set":{"param":"phone","value":"000"}}]`)
	p, _ := parse(t, `{"phone":"62811","n":1.0}`).Override(rules, nil)
	got, err := compile(t, `{"to":{"from":"phone"},"n":{"from":"n"}}`).Apply(p, Env{})
	if want := `{"n":1.0,"to":"000"}`; err != nil || string(got) != want {
		t.Errorf("Apply = %s, %v, want %s", got, err, want)
	}
}

func TestRulesFor(t *testing.T) {
	rules := compileRules(t, `[
		{"set":{"param":"every","value":1}},
		{"endpoint":"sms","set":{"param":"sms","value":1}},
		{"endpoint":"mail","set":{"param":"mail","value":1}}]`)
	for endpoint, want := range map[string]string{
		"sms":   `{"every":1,"sms":1}`,
		"mail":  `{"every":1,"mail":1}`,
		"other": `{"every":1}`,
	} {
		if got, _ := parse(t, `{}`).Override(rules.For(endpoint), nil); string(got.Raw()) != want {
			t.Errorf("For(%q): %s, want %s", endpoint, got.Raw(), want)
		}
	}
	if got := (*Rules)(nil).For("sms"); got != nil {
		t.Errorf("nil rules: For = %v", got)
	}
	if got := compileRules(t, `[{"endpoint":"sms","set":{"param":"a","value":1}}]`).For("mail"); got != nil {
		t.Errorf("no rule left: For = %v", got)
	}
}

// An unusable value must not turn the rule off: the original value could be
// a real recipient.
func TestInvalidValueOverridesWithNull(t *testing.T) {
	for _, value := range []string{"", "bare", "{"} {
		rules := CompileRules([]dispatchapy.Rule{{Set: dispatchapy.Override{Param: "phone", Value: json.RawMessage(value)}}})
		if got, _ := parse(t, `{"phone":"62811"}`).Override(rules, nil); string(got.Raw()) != `{"phone":null}` {
			t.Errorf("value %q: %s", value, got.Raw())
		}
	}
}

func TestCheckRule(t *testing.T) {
	deep := strings.Repeat("a.", maxDepth) + "a"
	set := dispatchapy.Override{Param: "p", Value: json.RawMessage(`1`)}
	tests := []struct {
		name               string
		rule               dispatchapy.Rule
		problems, warnings []dispatchapy.FieldError
	}{
		{name: "good", rule: dispatchapy.Rule{If: &dispatchapy.Condition{Param: "a", Matches: "^6"}, Set: set}},
		{name: "unconditional", rule: dispatchapy.Rule{Set: set}},
		{name: "empty", rule: dispatchapy.Rule{If: &dispatchapy.Condition{}}, problems: []dispatchapy.FieldError{
			{Path: "set.param", Message: "is empty; name the key to override"},
			{Path: "set.value", Message: "is missing; give the new value, null if that is meant"},
			{Path: "if.param", Message: "is empty; name the key to look at, or leave out the condition"},
		}},
		{name: "not JSON", rule: dispatchapy.Rule{Set: dispatchapy.Override{Param: "p", Value: json.RawMessage(`x`)}},
			problems: []dispatchapy.FieldError{{Path: "set.value", Message: "is not valid JSON; put text in double quotes"}}},
		{name: "too deep", rule: dispatchapy.Rule{If: &dispatchapy.Condition{Param: deep}, Set: dispatchapy.Override{Param: deep, Value: set.Value}},
			problems: []dispatchapy.FieldError{
				{Path: "set.param", Message: "has more than 32 levels; shorten the path"},
				{Path: "if.param", Message: "has more than 32 levels; shorten the path"},
			}},
		{name: "not an expression", rule: dispatchapy.Rule{If: &dispatchapy.Condition{Param: "a", Matches: "("}, Set: set},
			warnings: []dispatchapy.FieldError{{Path: "if.matches",
				Message: "is not a regular expression (error parsing regexp: missing closing ): `(`); it is searched as plain text"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			problems, warnings := CheckRule(tt.rule)
			if diff := cmp.Diff(tt.problems, problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.warnings, warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAppliedStringIsBounded(t *testing.T) {
	long := append(append([]byte(`"`), bytes.Repeat([]byte("é"), 1000)...), '"')
	got := Applied{Origin: OriginClient, Param: "p", Before: long, After: json.RawMessage("[ 1,\n2 ]")}.String()
	want := `client rule set p: "` + strings.Repeat("é", 99) + `... (2002 bytes) -> [1,2]`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("String (-want +got):\n%s", diff)
	}
}

// TestStoredExpressionsThatAreTooLarge are not compiled: one takes 130 MB.
func TestStoredExpressionsThatAreTooLarge(t *testing.T) {
	large := "(" + strings.Repeat("abcdefghij", 300) + "){1000}"
	rules := []dispatchapy.Rule{{
		If: &dispatchapy.Condition{Param: "phone", Matches: large}, Set: dispatchapy.Override{Param: "x", Value: json.RawMessage("1")},
	}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	CompileRules(rules)
	if _, warnings := CheckRule(rules[0]); len(warnings) > 0 {
		t.Errorf("warnings %v", warnings)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("%d bytes were allocated", took)
	}
}
