package transform

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dispatchapy"
)

var (
	someKey    = rapid.SampledFrom([]string{"a", "b", "0", "1", "é", `q"`, "", "a.b", "b.0"})
	someScalar = rapid.SampledFrom([]any{
		nil, true, false, "", "text", "é\"\\\n😀", json.Number("9223372036854775807"), json.Number("-12.50"), json.Number("1E+400"),
	})
	somePath = rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(someKey, 1, 4).Draw(t, "segments"), ".")
	})
)

// someValue draws a JSON value in decoded form.
func someValue(depth int) *rapid.Generator[any] {
	if depth == 0 {
		return someScalar
	}
	return rapid.OneOf(
		someScalar,
		rapid.Map(rapid.SliceOfN(someValue(depth-1), 0, 3), func(items []any) any { return items }),
		rapid.Map(someObject(depth-1), func(object map[string]any) any { return object }),
	)
}

func someObject(depth int) *rapid.Generator[map[string]any] {
	return rapid.MapOfN(someKey, someValue(depth), 0, 4)
}

// encode writes a value in one of the ways JSON allows.
func encode(t *rapid.T, v any) []byte {
	var raw []byte
	var err error
	if rapid.Bool().Draw(t, "spread") {
		raw, err = json.MarshalIndent(v, "\t", " ")
	} else {
		raw, err = json.Marshal(v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func someRules(t *rapid.T, name string) []dispatchapy.Rule {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) dispatchapy.Rule {
		r := dispatchapy.Rule{Set: dispatchapy.Override{
			Param: somePath.Draw(t, "param"),
			Value: encode(t, someValue(1).Draw(t, "value")),
		}}
		if rapid.Bool().Draw(t, "conditional") {
			r.If = &dispatchapy.Condition{Param: somePath.Draw(t, "if")}
		}
		return r
	}), 0, 3).Draw(t, name)
}

func TestOverrideIsLikeTheModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		raw := encode(r, someObject(3).Draw(r, "payload"))
		client, endpoint := someRules(r, "client"), someRules(r, "endpoint")

		kept := string(raw)
		p, err := Parse(raw)
		if err != nil {
			r.Fatal(err)
		}
		got, applied := p.Override(CompileRules(client), CompileRules(endpoint))

		if string(raw) != kept || string(p.Raw()) != kept {
			r.Fatalf("the source changed from %s to %s", kept, raw)
		}
		original := decode(t, raw)
		want, count := original, 0
		for _, rule := range append(client, endpoint...) {
			if rule.If != nil {
				if _, ok := modelLookup(original, rule.If.Param); !ok {
					continue
				}
			}
			want = modelOverride(want, rule.Set.Param, decode(t, rule.Set.Value))
			count++
		}
		if !json.Valid(got.Raw()) {
			r.Fatalf("not JSON: %s", got.Raw())
		}
		if diff := cmp.Diff(want, decode(t, got.Raw())); diff != "" {
			r.Fatalf("payload (-want +got):\n%s", diff)
		}
		if len(applied) != count {
			r.Fatalf("%d rules in the log, want %d: %v", len(applied), count, applied)
		}
	})
}

func TestFromIsLikeTheModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		raw := encode(r, someObject(3).Draw(r, "payload"))
		m := dispatchapy.Mapping{}
		for i := range 3 {
			m[fmt.Sprintf("k%d", i)] = dispatchapy.Source{From: "a." + somePath.Draw(r, "from")}
		}
		compiled, problems := CompileMapping(m)
		if len(problems) > 0 {
			r.Fatal(problems)
		}
		p, err := Parse(raw)
		if err != nil {
			r.Fatal(err)
		}
		got, err := compiled.Apply(p, Env{})
		if err != nil {
			r.Fatal(err)
		}
		want := map[string]any{}
		for key, source := range m {
			if v, ok := modelLookup(decode(t, raw), source.From); ok && v != nil {
				want[key] = v
			}
		}
		if diff := cmp.Diff(any(want), decode(t, got)); diff != "" {
			r.Fatalf("Apply (-want +got):\n%s", diff)
		}
	})
}
