package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"dispatchapy"
)

// FuzzParse holds Parse against encoding/json: it takes exactly the objects,
// finds their members and never panics.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{}`, ` { "a" : 1 , "b":[{"c":"}"}] } `, `{"\u00e9\\\"":-1.5e+3}`, `{"a":1,"a":{"b":null}}`,
		`[]`, `null`, ``, `{`, `{"a"}`, `{"a":1}}`, "{\"\xff\":\"\xff\"}", strings.Repeat(`{"a":`, 50) + `[]` + strings.Repeat(`}`, 50),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		kept := bytes.Clone(raw)
		p, err := Parse(raw)
		if !bytes.Equal(raw, kept) {
			t.Fatal("Parse changed its argument")
		}
		var want map[string]json.RawMessage
		isObject := json.Unmarshal(raw, &want) == nil && want != nil
		if isObject != (err == nil) {
			t.Fatalf("Parse: %v, while it being an object is %t", err, isObject)
		}
		if err != nil {
			if dispatchapy.ErrorCode(err) != dispatchapy.CodeInvalid {
				t.Fatalf("Parse: %v, want CodeInvalid", err)
			}
			return
		}
		if !utf8.Valid(raw) {
			return // encoding/json repairs keys, this package leaves bytes alone
		}
		for key, value := range want {
			if got, ok := p.member(key); !ok || !bytes.Equal(got, value) {
				t.Fatalf("member %q = %s, %t, want %s", key, got, ok, value)
			}
		}
	})
}

// FuzzApply runs whatever compiles over whatever parses: it never panics, what
// comes out is JSON, sources stay as they were, and every number arrives digit
// for digit.
func FuzzApply(f *testing.F) {
	f.Add([]byte(`{"a":9223372036854775807,"b":{"c":[1.50]},"m":"x\"y"}`),
		[]byte(`{"a":{"from":"a"},"n.x":{"from":"b.c.0"},"t":{"template":"{{m}} {{b}}"},"u":{"uuid":true},"w":{"now":true},"v":{"value":[1]}}`),
		[]byte(`[{"if":{"param":"m","matches":"x"},"set":{"param":"b.c.7.k","value":{"n":1e400}}}]`))
	f.Add([]byte(` { "s" : "{\"n\": 1.0}", "n":"12.50" } `),
		[]byte(`{"j":{"from":"s","type":"json"},"n":{"from":"n","type":"number"},"i":{"template":"{{n}}","type":"integer","default":0},"b":{"from":"x","default":true,"type":"boolean"}}`),
		[]byte(`[{"set":{"param":"s.t","value":null}},{"if":{"param":"n","matches":"("},"set":{"param":"","value":1}}]`))
	f.Add([]byte(`{"a.b":1,"a":{"b":null}}`), []byte(`{}`), []byte(`[{"active":false,"set":{"param":"a","value":1}}]`))
	f.Add([]byte(`{"k":[[],{}," "]}`), []byte(`{"a":{"from":"k.0.0","default":[ ]},"b.c":{"from":"k.1.x"},"s":{"from":"k","type":"string"}}`), []byte(`null`))
	f.Fuzz(func(t *testing.T, raw, mappingSpec, ruleSpec []byte) {
		p, err := Parse(raw)
		if err != nil {
			return
		}
		var spec dispatchapy.Mapping
		var rules []dispatchapy.Rule
		if json.Unmarshal(mappingSpec, &spec) != nil || json.Unmarshal(ruleSpec, &rules) != nil {
			return
		}
		m, problems := CompileMapping(spec)
		if len(problems) > 0 {
			return
		}
		kept := bytes.Clone(raw)
		changed, applied := p.Override(CompileRules(rules), CompileRules(rules))
		for _, a := range applied {
			if len(a.String()) > 1000+len(a.Param) {
				t.Fatalf("a log line of %d bytes", len(a.String()))
			}
		}
		out, err := m.Apply(changed, Env{})
		if !bytes.Equal(raw, kept) {
			t.Fatal("the source bytes changed")
		}
		if err != nil {
			if e, ok := errors.AsType[*dispatchapy.Error](err); !ok || e.Code != dispatchapy.CodeInvalid || len(e.Fields) == 0 {
				t.Fatalf("Apply: %v, want CodeInvalid with fields", err)
			}
			return
		}
		if !json.Valid(out) {
			t.Fatalf("Apply gave no JSON: %s", out)
		}
		if len(spec) == 0 {
			if !bytes.Equal(out, changed.Raw()) || (len(applied) == 0 && !bytes.Equal(out, raw)) {
				t.Fatalf("passed through as %s, want %s", out, raw)
			}
			return
		}
		if utf8.Valid(raw) {
			checkCopies(t, spec, decode(t, changed.Raw()), decode(t, out))
		}
	})
}

// checkCopies holds every plain copy of a mapping against the model.
func checkCopies(t *testing.T, spec dispatchapy.Mapping, payload, out any) {
	t.Helper()
	for target, source := range spec {
		if source.From == "" || source.Type != "" || !utf8.ValidString(source.From) {
			continue
		}
		want, _ := modelLookup(payload, source.From)
		if want == nil && source.Default != nil {
			want = decode(t, source.Default)
		}
		got := out
		for segment := range strings.SplitSeq(target, ".") {
			got, _ = modelChild(got, segment)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s = %v, want %v", target, got, want)
		}
	}
}
