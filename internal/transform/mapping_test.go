package transform

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"dispatchapy"
)

var noon = Env{Now: time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.FixedZone("", 7*3600))}

// mapping reads a mapping as a gateway file holds it.
func mapping(t testing.TB, spec string) dispatchapy.Mapping {
	t.Helper()
	var m dispatchapy.Mapping
	if err := json.Unmarshal([]byte(spec), &m); err != nil {
		t.Fatalf("mapping %s: %v", spec, err)
	}
	return m
}

func compile(t testing.TB, spec string) *Mapping {
	t.Helper()
	m, problems := CompileMapping(mapping(t, spec))
	if len(problems) > 0 {
		t.Fatalf("CompileMapping(%s): %v", spec, problems)
	}
	return m
}

func parse(t testing.TB, raw string) Payload {
	t.Helper()
	p, err := Parse([]byte(raw))
	if err != nil {
		t.Fatalf("Parse(%s): %v", raw, err)
	}
	return p
}

func TestApply(t *testing.T) {
	tests := []struct {
		name, mapping, payload, want string
	}{
		{"no mapping passes the bytes through", `{}`, " {\"b\": 1,\n \"a\":2 } ", " {\"b\": 1,\n \"a\":2 } "},
		{"keys are sorted", `{"z":{"from":"a"},"b":{"from":"b"}}`, `{"a":1,"b":2}`, `{"b":2,"z":1}`},

		{"from keeps a 64-bit integer", `{"n":{"from":"n"}}`, `{"n":9223372036854775807}`, `{"n":9223372036854775807}`},
		{"from keeps a decimal", `{"n":{"from":"n"}}`, `{"n":12.50}`, `{"n":12.50}`},
		{"from keeps an exponent", `{"n":{"from":"n"}}`, `{"n":-1.0E+400}`, `{"n":-1.0E+400}`},
		{"from keeps escapes", `{"s":{"from":"s"}}`, `{"s":"\u00e9\/\ud83d\ude00"}`, `{"s":"\u00e9\/\ud83d\ude00"}`},
		{"from compacts", `{"o":{"from":"o"}}`, `{"o": { "a" : [ 1 , " x \" y " ] } }`, `{"o":{"a":[1," x \" y "]}}`},
		{"from leaves out the absent", `{"a":{"from":"a"},"b":{"from":"b"}}`, `{"b":1}`, `{"b":1}`},
		{"from leaves out null", `{"a":{"from":"a"},"b":{"from":"b"}}`, `{"a":null,"b":1}`, `{"b":1}`},
		{"everything left out", `{"a":{"from":"a"}}`, `{"b":1}`, `{}`},
		{"from prefers the plain key", `{"x":{"from":"a.b"}}`, `{"a":{"b":1},"a.b":2}`, `{"x":2}`},
		{"a plain key that is null is not looked past", `{"x":{"from":"a.b"}}`, `{"a":{"b":1},"a.b":null}`, `{}`},
		{"from descends", `{"x":{"from":"a.b.c"}}`, `{"a": {"z":{"c":0}, "b" : {"c" : "deep"}}}`, `{"x":"deep"}`},
		{"from indexes arrays", `{"x":{"from":"to.1.phone"}}`, `{"to":[{"phone":"1"}, {"phone":"2"}]}`, `{"x":"2"}`},
		{"from past the end of an array", `{"x":{"from":"to.2"}}`, `{"to":[1,2]}`, `{}`},
		{"from with an index that is none", `{"x":{"from":"to.01"},"y":{"from":"to.-1"},"z":{"from":"to.x"}}`, `{"to":[1,2]}`, `{}`},
		{"a numeric segment is a key of an object", `{"x":{"from":"to.01"}}`, `{"to":{"01":1}}`, `{"x":1}`},
		{"from through a scalar", `{"x":{"from":"a.b"}}`, `{"a":"b"}`, `{}`},
		{"from through an empty object and array", `{"x":{"from":"a.b"},"y":{"from":"c.0"}}`, `{"a":{ },"c":[ ]}`, `{}`},
		{"from an escaped key", `{"x":{"from":"é\"k"},"y":{"from":"o.é"}}`, `{"\u00e9\"k":1,"o":{"\u00e9":2}}`, `{"x":1,"y":2}`},
		{"an escape is not taken literally", `{"x":{"from":"a\\n"},"y":{"from":"o.a\\n"}}`, `{"a\n":1,"o":{"a\n":1}}`, `{}`},
		{"the last of equal keys", `{"x":{"from":"a"},"y":{"from":"o.k"}}`, `{"a":1,"a":2,"o":{"k":1,"k":2}}`, `{"x":2,"y":2}`},
		{"the empty key", `{"x":{"from":"o."}}`, `{"o":{"":1}}`, `{"x":1}`},

		{"default for the absent", `{"x":{"from":"a","default":"d"}}`, `{}`, `{"x":"d"}`},
		{"default for null", `{"x":{"from":"a","default": [ 1 ]}}`, `{"a":null}`, `{"x":[1]}`},
		{"default null writes null", `{"x":{"from":"a","default":null}}`, `{}`, `{"x":null}`},
		{"default is not for the empty", `{"x":{"from":"a","default":"d"},"y":{"from":"b","default":1}}`, `{"a":"","b":false}`, `{"x":"","y":false}`},
		{"default is cast", `{"x":{"from":"a","default":"5","type":"number"}}`, `{}`, `{"x":5}`},

		{"value", `{"a":{"value":" x<&> "},"b":{"value":1.50},"c":{"value":null},"d":{"value": {"k": [true]}}}`, `{}`,
			`{"a":" x<&> ","b":1.50,"c":null,"d":{"k":[true]}}`},
		{"value is cast", `{"a":{"value":1.50,"type":"string"}}`, `{}`, `{"a":"1.50"}`},
		{"now", `{"at":{"now":true}}`, `{}`, `{"at":"2026-01-01T20:04:05.678Z"}`},

		{"template", `{"t":{"template":"{{message}} ({{ ref }})"}}`, `{"message":"hi","ref":7}`, `{"t":"hi (7)"}`},
		{"template keeps escapes", `{"t":{"template":"\"{{m}}\"\\\n\r\t\u0001"}}`, `{"m":"a\"b\\\u00e9\n"}`, `{"t":"\"a\"b\\\u00e9\n\"\\\n\r\t\u0001"}`},
		{"template with other kinds", `{"t":{"template":"{{a}},{{b}},{{c}},{{d}}"}}`, `{"a":1.50,"b":true,"c":{"k": "v\""},"d":[ 1 ]}`,
			`{"t":"1.50,true,{\"k\":\"v\\\"\"},[1]"}`},
		{"template with absent and null", `{"t":{"template":"<{{a}}{{b}}>"}}`, `{"b":null}`, `{"t":"<>"}`},
		{"template default", `{"t":{"template":"<{{a}}{{b}}>","default":"d"}}`, `{"b":null}`, `{"t":"d"}`},
		{"template default is not for the partly filled", `{"t":{"template":"<{{a}}{{b}}>","default":"d"}}`, `{"b":""}`, `{"t":"<>"}`},
		{"template without placeholders", `{"t":{"template":"x}} {y}","default":"d"}}`, `{}`, `{"t":"x}} {y}"}`},
		{"template with paths", `{"t":{"template":"{{a.b}}{{to.0}}"}}`, `{"a":{"b":"1"},"to":["2"]}`, `{"t":"12"}`},
		{"template does not expand values", `{"t":{"template":"{{a}}"}}`, `{"a":"{{b}}","b":"no"}`, `{"t":"{{b}}"}`},
		{"template is cast", `{"t":{"template":"{{a}}.{{b}}","type":"number"},"u":{"template":"[{{a}}, {{b}}]","type":"json"}}`, `{"a":1,"b":"50"}`,
			`{"t":1.50,"u":[1,50]}`},

		{"nested targets", `{"a.b.c":{"value":1},"a.b.d":{"value":2},"a.x":{"value":3},"b":{"value":4}}`, `{}`, `{"a":{"b":{"c":1,"d":2},"x":3},"b":4}`},
		{"nested targets sort by level", `{"a-x":{"value":1},"a.b":{"value":2}}`, `{}`, `{"a":{"b":2},"a-x":1}`},
		{"nested targets without a value are left out", `{"a.b.c":{"from":"no"},"b":{"from":"x"},"c.d":{"from":"no"}}`, `{"x":1}`, `{"b":1}`},
		{"target keys are escaped", `{"a\"\\\n":{"value":1}}`, `{}`, `{"a\"\\\n":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := compile(t, tt.mapping).Apply(parse(t, tt.payload), noon)
			if err != nil {
				t.Fatalf("Apply: %v", err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("Apply (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApplyNilMapping(t *testing.T) {
	var m *Mapping
	got, err := m.Apply(parse(t, `{"a": 1}`), Env{})
	if err != nil || string(got) != `{"a": 1}` {
		t.Errorf("Apply = %s, %v", got, err)
	}
}

func TestApplyCasts(t *testing.T) {
	const impossible = ""
	tests := []struct{ kind, value, want string }{
		{"string", `"a\n"`, `"a\n"`},
		{"string", `12.50`, `"12.50"`},
		{"string", `true`, `"true"`},
		{"string", `{"a": "b"}`, `"{\"a\":\"b\"}"`},
		{"number", `12.50`, `12.50`},
		{"number", `"12.50"`, `12.50`},
		{"number", `" -1e5 "`, `-1e5`},
		{"number", `"18446744073709551616"`, `18446744073709551616`},
		{"number", `"007"`, impossible},
		{"number", `"+5"`, impossible},
		{"number", `""`, impossible},
		{"number", `"1 2"`, impossible},
		{"number", `"true"`, impossible},
		{"number", `"[1]"`, impossible},
		{"number", `true`, impossible},
		{"number", `[1]`, impossible},
		{"integer", `9223372036854775807`, `9223372036854775807`},
		{"integer", `"-12.00"`, `-12`},
		{"integer", `12.5`, impossible},
		{"integer", `1e3`, impossible},
		{"integer", `"x"`, impossible},
		{"boolean", `true`, `true`},
		{"boolean", `"False"`, `false`},
		{"boolean", `1`, `true`},
		{"boolean", `"0"`, `false`},
		{"boolean", `2`, impossible},
		{"boolean", `"yes"`, impossible},
		{"boolean", `{}`, impossible},
		{"json", `"{\"a\": [1, 2.50]}"`, `{"a":[1,2.50]}`},
		{"json", `" 5 "`, `5`},
		{"json", `"\"s\""`, `"s"`},
		{"json", `"null"`, `null`},
		{"json", `[ 1 ]`, `[1]`},
		{"json", `5`, `5`},
		{"json", `"{"`, impossible},
		{"json", `""`, impossible},
	}
	for _, tt := range tests {
		t.Run(tt.kind+" "+tt.value, func(t *testing.T) {
			m := compile(t, fmt.Sprintf(`{"x":{"from":"v","type":%q}}`, tt.kind))
			got, err := m.Apply(parse(t, `{"v":`+tt.value+`}`), Env{})
			if tt.want == impossible {
				if err == nil {
					t.Fatalf("Apply = %s, want an error", got)
				}
				return
			}
			if want := `{"x":` + tt.want + `}`; err != nil || string(got) != want {
				t.Errorf("Apply = %s, %v, want %s", got, err, want)
			}
		})
	}
}

func TestApplyErrorNamesKeysAndKindsOnly(t *testing.T) {
	m := compile(t, `{"a.n":{"from":"amount","type":"number"},"b":{"template":"{{amount}}","type":"integer"},"c":{"from":"amount"},"d":{"from":"list","type":"boolean"}}`)
	_, err := m.Apply(parse(t, `{"amount":"hunter2","list":[]}`), Env{})
	want := &dispatchapy.Error{
		Code:    dispatchapy.CodeInvalid,
		Message: "the payload does not fit the mapping",
		Fields: []dispatchapy.FieldError{
			{Path: "a.n", Message: `the payload's "amount" is a string that cannot become a number; correct the payload or the mapping's type`},
			{Path: "b", Message: `the template's text is a string that cannot become an integer; correct the payload or the mapping's type`},
			{Path: "d", Message: `the payload's "list" is an array that cannot become a boolean; correct the payload or the mapping's type`},
		},
	}
	if diff := cmp.Diff(error(want), err); diff != "" {
		t.Errorf("Apply (-want +got):\n%s", diff)
	}
	if strings.Contains(fmt.Sprint(err), "hunter2") {
		t.Errorf("the error tells the value: %v", err)
	}
}

func TestApplyUUID(t *testing.T) {
	m := compile(t, `{"id":{"uuid":true},"other.id":{"uuid":true}}`)
	ids := func(seed byte) (id, other string) {
		t.Helper()
		out, err := m.Apply(parse(t, `{}`), Env{Seed: [32]byte{seed}, Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			ID    string
			Other struct{ ID string }
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		return got.ID, got.Other.ID
	}
	id, other := ids(1)
	parsed, err := uuid.Parse(id)
	if err != nil || parsed.Version() != 4 || parsed.Variant() != uuid.RFC4122 || parsed.String() != id {
		t.Errorf("id = %q (%v), want a version 4 UUID", id, err)
	}
	if again, _ := ids(1); again != id {
		t.Errorf("the same seed gave %s and %s", id, again)
	}
	if id == other {
		t.Errorf("two keys share %s", id)
	}
	if changed, _ := ids(2); changed == id {
		t.Errorf("two seeds share %s", id)
	}
}

func TestApplyWidePayload(t *testing.T) {
	var raw strings.Builder
	raw.WriteString(`{"dup":0`)
	for i := range 10 * wideObject {
		fmt.Fprintf(&raw, `,"k%d":%d`, i, i)
	}
	raw.WriteString(`,"dup":1,"o":{"p":2}}`)
	m := compile(t, `{"a":{"from":"k7"},"b":{"from":"dup"},"c":{"from":"o.p"},"d":{"from":"none"}}`)
	got, err := m.Apply(parse(t, raw.String()), Env{})
	if want := `{"a":7,"b":1,"c":2}`; err != nil || string(got) != want {
		t.Errorf("Apply = %s, %v, want %s", got, err, want)
	}
}

func TestCompileMappingProblems(t *testing.T) {
	deep := strings.Repeat("a.", maxDepth) + "a"
	tests := []struct {
		name, mapping string
		want          []string
	}{
		{"no source", `{"to":{}}`, []string{"to: has no source; give one of from, uuid, value, template and now"}},
		{"only options", `{"to":{"default":1,"type":"string"}}`, []string{"to: has no source; give one of from, uuid, value, template and now"}},
		{"two sources", `{"to":{"from":"a","uuid":true}}`, []string{"to: has 2 sources (from, uuid); keep one of them"}},
		{"all sources", `{"to":{"from":"a","uuid":true,"value":null,"template":"t","now":true}}`,
			[]string{"to: has 5 sources (from, uuid, value, template, now); keep one of them"}},
		{"unknown type", `{"to":{"from":"a","type":"float"}}`,
			[]string{`to.type: "float" is not known; use one of string, number, integer, boolean, json`}},
		{"impossible constant", `{"to":{"value":"x","type":"number"}}`, []string{"to.value: is a string that cannot become a number; correct it or the type"}},
		{"impossible default", `{"to":{"from":"a","default":[],"type":"integer"}}`, []string{"to.default: is an array that cannot become an integer; correct it or the type"}},
		{"uuid as number", `{"to":{"uuid":true,"type":"number"}}`, []string{"to.type: a UUID is text and cannot become a number; leave the type out"}},
		{"now as json", `{"to":{"now":true,"type":"json"}}`, []string{"to.type: the time is text and cannot become JSON; leave the type out"}},
		{"useless default", `{"a":{"value":1,"default":2},"b":{"uuid":true,"default":2},"c":{"now":true,"default":2}}`, []string{
			"a.default: is never used together with value; remove it",
			"b.default: is never used together with uuid; remove it",
			"c.default: is never used together with now; remove it"}},
		{"unclosed braces", `{"to":{"template":"é {{a}} {{b"}}`,
			[]string{"to.template: the braces opened at character 9 are not closed; end the placeholder with }}"}},
		{"empty placeholder", `{"to":{"template":"{{ }}"}}`, []string{"to.template: the placeholder at character 1 is empty; name a key of the payload"}},
		{"braces in a placeholder", `{"to":{"template":"{{{a}}}"}}`, []string{"to.template: the placeholder at character 1 contains a brace; write {{key}}"}},
		{"deep paths", `{"a":{"from":"` + deep + `"},"b":{"template":"{{` + deep + `}}"}}`, []string{
			"a.from: has more than 32 levels; shorten the path",
			"b.template: the placeholder at character 1 has more than 32 levels; shorten the path"}},
		{"deep target", `{"` + deep + `":{"value":1}}`, []string{deep + ": the target key has more than 32 levels; shorten it"}},
		{"empty target", `{"":{"value":1}}`, []string{": the target key has an empty part; write it like key or outer.key"}},
		{"empty part of a target", `{"a..b":{"value":1}}`, []string{"a..b: the target key has an empty part; write it like key or outer.key"}},
		{"conflict", `{"a":{"value":1},"a-b":{"value":1},"a.b":{"value":2},"a.c.d":{"value":2}}`, []string{
			`a.b: conflicts with the target key "a": one key cannot be both a value and an object; remove one of them`,
			`a.c.d: conflicts with the target key "a": one key cannot be both a value and an object; remove one of them`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, problems := CompileMapping(mapping(t, tt.mapping))
			var got []string
			for _, p := range problems {
				got = append(got, p.Path+": "+p.Message)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("CompileMapping (-want +got):\n%s", diff)
			}
			if m != nil {
				t.Error("CompileMapping gave a mapping together with problems")
			}
		})
	}
}

func TestCompileMappingInvalidJSON(t *testing.T) {
	_, problems := CompileMapping(dispatchapy.Mapping{
		"a": {Value: json.RawMessage(`bare`)},
		"b": {From: "x", Default: json.RawMessage(`{`)},
	})
	want := []dispatchapy.FieldError{
		{Path: "a.value", Message: "is not valid JSON; put text in double quotes"},
		{Path: "b.default", Message: "is not valid JSON; put text in double quotes"},
	}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("CompileMapping (-want +got):\n%s", diff)
	}
}

func TestATemplateCannotMultiplyWithoutEnd(t *testing.T) {
	m, faults := CompileMapping(dispatchapy.Mapping{"text": {Template: strings.Repeat("{{m}}", 1000)}})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	p, err := Parse([]byte(`{"m":"` + strings.Repeat("x", 1<<20) + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := m.Apply(p, Env{}); dispatchapy.ErrorCode(err) != dispatchapy.CodeInvalid {
		t.Errorf("a gigabyte came out as %d bytes, %v", len(out), err)
	}
}
