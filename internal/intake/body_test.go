package intake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"
)

func checkBody(data []byte) (*body, error) {
	b := newBody(data)
	if err := b.check(); err != nil {
		return b, err
	}
	return b, nil
}

func TestBodyRefused(t *testing.T) {
	t.Parallel()
	manyKeys := func(last string) string {
		var sb strings.Builder
		sb.WriteByte('{')
		for i := range 1000 {
			fmt.Fprintf(&sb, `"key%d":%d,`, i, i)
		}
		return sb.String() + `"` + last + `":0}`
	}
	tests := []struct{ name, body, want string }{
		{"empty", "", "The body is empty: send a JSON object"},
		{"blank", " \r\n\t ", "The body is empty: send a JSON object"},
		{"array", `[1]`, "The body must be a JSON object, not an array"},
		{"string", `"x"`, "The body must be a JSON object, not a string"},
		{"number", `-1.5e3`, "The body must be a JSON object, not a number"},
		{"boolean", `false`, "The body must be a JSON object, not a boolean"},
		{"null", ` null `, "The body must be a JSON object, not null"},
		{"broken array", `[1`, "Invalid JSON at line 1, column 3: the body ends where ',' or ']' was expected"},
		{"form", `ref=1&scope=2`, "Invalid JSON at line 1, column 1: found 'r' where a value was expected"},
		{"cut", `{"a":`, "Invalid JSON at line 1, column 6: the body ends where a value was expected"},
		{"cut in key", `{"a`, "Invalid JSON at line 1, column 4: the body ends where the end of a string was expected"},
		{"cut in escape", `{"a\`, "Invalid JSON at line 1, column 5: the body ends inside a string"},
		{"cut after key", `{"a"`, "Invalid JSON at line 1, column 5: the body ends where ':' was expected"},
		{"position", "{\n  \"é\": 1,\n  \"ä\" 2}", "Invalid JSON at line 3, column 7: found '2' where ':' was expected"},
		{"trailing comma", `{"a":1,}`, "Invalid JSON at line 1, column 8: found '}' where a key in double quotes was expected"},
		{"trailing comma in array", `{"a":[1,]}`, "Invalid JSON at line 1, column 9: found ']' where a value was expected"},
		{"single quotes", `{'a':1}`, "Invalid JSON at line 1, column 2: found '\\'' where a key in double quotes was expected"},
		{"no comma", `{"a":1 "b":2}`, "Invalid JSON at line 1, column 8: found '\"' where ',' or '}' was expected"},
		{"trailing data", `{"a":1} {}`, "Invalid JSON at line 1, column 9: found '{' where the end of the body was expected"},
		{"trailing NUL", "{\"a\":1}\x00", "Invalid JSON at line 1, column 8: found '\\x00' where the end of the body was expected"},
		{"bad word", `{"a":nul}`, "Invalid JSON at line 1, column 6: found 'n' where a value was expected"},
		{"NaN", `{"a":NaN}`, "Invalid JSON at line 1, column 6: found 'N' where a value was expected"},
		{"leading zero", `{"a":01}`, "Invalid JSON at line 1, column 7: found '1' where ',' or '}' was expected"},
		{"bare minus", `{"a":-}`, "Invalid JSON at line 1, column 7: found '}' where a digit was expected"},
		{"bare point", `{"a":1.}`, "Invalid JSON at line 1, column 8: found '}' where a digit was expected"},
		{"bare exponent", `{"a":1e+}`, "Invalid JSON at line 1, column 9: found '}' where a digit was expected"},
		{"control character", "{\"a\":\"x\ny\"}", "Invalid JSON at line 1, column 8: the control character '\\n' must be escaped in a string"},
		{"bad escape", `{"a":"\x"}`, "Invalid JSON at line 1, column 7: a backslash must begin one of the escapes of JSON"},
		{"bad unicode escape", `{"a":"\u12g4"}`, `Invalid JSON at line 1, column 7: \u must be followed by four hexadecimal digits`},
		{"lone high surrogate", `{"a":"\ud83d"}`, `Invalid JSON at line 1, column 7: \ud83d is half of a surrogate pair and no character by itself`},
		{"lone low surrogate", `{"a":"\uDE00x"}`, `Invalid JSON at line 1, column 7: \uDE00 is half of a surrogate pair and no character by itself`},
		{"high surrogate and letter", `{"a":"\ud83d\u0041"}`, `Invalid JSON at line 1, column 7: \ud83d is half of a surrogate pair and no character by itself`},
		{"invalid UTF-8", "{\"a\":\"é\xff\"}", "Invalid UTF-8 at line 1, column 8: send the text as UTF-8"},
		{"UTF-16", "\xff\xfe{\x00}\x00", "Invalid UTF-8 at line 1, column 1: send the text as UTF-8"},
		{"byte order mark", "\ufeff{}", "Invalid JSON at line 1, column 1: found '\\ufeff' where a value was expected"},
		{"duplicate", `{"a":1,"b":2,"a":3}`, `Invalid JSON at line 1, column 14: duplicate key "a"`},
		{"duplicate nested", `{"a":[{"b":{"c":1,"c":1}}]}`, `Invalid JSON at line 1, column 19: duplicate key "c"`},
		{"duplicate after nested", `{"a":{"b":1},"a":1}`, `Invalid JSON at line 1, column 14: duplicate key "a"`},
		{"duplicate escaped", `{"a/b":1,"\u0061\/b":1}`, `Invalid JSON at line 1, column 10: duplicate key "a/b"`},
		{"duplicate empty", `{"":1,"":1}`, `Invalid JSON at line 1, column 7: duplicate key ""`},
		{"duplicate of many", manyKeys(`\u006bey3`), `Invalid JSON at line 1, column 12782: duplicate key "key3"`},
		{"long duplicate", `{"` + strings.Repeat("é", 60) + `":1,"` + strings.Repeat("é", 60) + `":1}`,
			`Invalid JSON at line 1, column 67: duplicate key "` + strings.Repeat("é", 50) + `"...`},
		{"deep", `{"a":` + strings.Repeat("[", 64), "Invalid JSON at line 1, column 69: nested deeper than 64 levels"},
		{"deep objects", strings.Repeat(`{"a":`, 65), "Invalid JSON at line 1, column 321: nested deeper than 64 levels"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := checkBody([]byte(tt.body))
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestBodyAccepted(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, ref, scope string }{
		{"empty object", ` {} `, "", ""},
		{"values as they stand", `{"ref" : 18446744073709551616.10 , "scope":"\u0070rod"}`, "18446744073709551616.10", `"\u0070rod"`},
		{"escaped keys", `{"\u0072ef":"a","sc\u006Fpe":"b"}`, `"a"`, `"b"`},
		{"nested ref is another", `{"x":{"ref":1,"scope":2},"y":[{"ref":3}]}`, "", ""},
		{"same key in siblings", `{"x":{"a":1},"y":{"a":1},"z":[{"a":1},{"a":1}],"a":{"a":1}}`, "", ""},
		{"surrogate pair", `{"ref":"\ud83d\ude00"}`, `"\ud83d\ude00"`, ""},
		{"numbers", `{"a":[0,-0,0.0,1E5,1e-05,-1.25e+10]}`, "", ""},
		{"words", `{"a":[true,false,null],"ref":null}`, "null", ""},
		{"depth", `{"ref":1,"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`, "1", ""},
		{"NUL in a string", `{"ref":"\u0000"}`, `"\u0000"`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, err := checkBody([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			ref, scope := string(b.data[b.ref.start:b.ref.end]), string(b.data[b.scope.start:b.scope.end])
			if ref != tt.ref || scope != tt.scope {
				t.Errorf("ref %s scope %s, want %s and %s", ref, scope, tt.ref, tt.scope)
			}
		})
	}
}

func TestBodyHas(t *testing.T) {
	t.Parallel()
	for _, count := range []int{1, fewKeys, fewKeys + 1, 33, 5000} {
		var sb strings.Builder
		sb.WriteString(`{"in":{"inner":1}`)
		for i := 1; i < count; i++ {
			fmt.Fprintf(&sb, `,"k\u0065y%d":{"inner":%d}`, i, i)
		}
		sb.WriteByte('}')
		b, err := checkBody([]byte(sb.String()))
		if err != nil {
			t.Fatal(err)
		}
		if !b.has("in") {
			t.Errorf("%d keys: in is not found", count)
		}
		for i := 1; i < count; i++ {
			if !b.has(fmt.Sprintf("key%d", i)) {
				t.Fatalf("%d keys: key%d is not found", count, i)
			}
		}
		for _, absent := range []string{"", "inner", "key0", fmt.Sprintf("key%d", count), `k\u0065y1`} {
			if b.has(absent) {
				t.Errorf("%d keys: %q is found", count, absent)
			}
		}
	}
}

// The memory needed must not grow faster than the body, whatever is in it. Not
// parallel: it counts what the whole process allocates.
func TestBodyMemoryIsBounded(t *testing.T) {
	var keys, nested bytes.Buffer
	for i := range 100_000 {
		fmt.Fprintf(&keys, `,"%05x":0`, i)
		fmt.Fprintf(&nested, `,{"\u00%02x":{}}`, i%256)
	}
	for name, data := range map[string][]byte{
		"many keys":    []byte("{" + keys.String()[1:] + "}"),
		"many objects": []byte(`{"a":[` + nested.String()[1:] + "]}"),
		"one long key": []byte(`{"` + strings.Repeat(`\u00e9`, 100_000) + `":1}`),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := checkBody(data); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		// All that was ever allocated while the tables grew, not what was in use at once.
		if got := int(after.TotalAlloc - before.TotalAlloc); got > 12*len(data) {
			t.Errorf("%s: %d bytes allocated for a body of %d", name, got, len(data))
		}
	}
}

func TestBodyWord(t *testing.T) {
	t.Parallel()
	tests := []struct{ value, want, refusal string }{
		{value: `"r1"`, want: "r1"},
		{value: `""`, want: ""},
		{value: `null`, want: ""},
		{value: `" "`, want: " "},
		{value: `0`, want: "0"},
		{value: `-12345678901234567890.50e+3`, want: "-12345678901234567890.50e+3"},
		{value: `"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00z"`, want: "a\"\\/\b\f\n\r\té😀z"},
		{value: `true`, refusal: "'ref' must be a string or a number, not a boolean"},
		{value: `{}`, refusal: "'ref' must be a string or a number, not an object"},
		{value: `["a"]`, refusal: "'ref' must be a string or a number, not an array"},
		{value: `"a\u0000"`, refusal: "'ref' must not contain the character U+0000"},
	}
	for _, tt := range tests {
		b, err := checkBody([]byte(`{"ref":` + tt.value + `}`))
		if err != nil {
			t.Fatal(err)
		}
		got, refusal := b.word("ref", b.ref)
		if refusal == nil && tt.refusal != "" || refusal != nil && refusal.Error() != tt.refusal || got != tt.want {
			t.Errorf("%s: got %q and %v, want %q and %q", tt.value, got, refusal, tt.want, tt.refusal)
		}
	}
}

// FuzzBody compares with encoding/json and with a slow reading of the rules
// that it does not know.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{"ref":"r1","scope":"prod","a":[1,2.5,{"b":null}]}`, `{"a":1,"\u0061":2}`, `{"a":"\ud83d\ude00"}`, `{"a":"\ud83d"}`,
		`{"\\ud83d":"\\\ud83d"}`, `[{}]`, `{"a":{"a":{"a":1}},"b":1}`, `{"a":-0.0e-0}`, "{\"a\":\"\xff\"}", strings.Repeat(`{"":`, 65) + "1" + strings.Repeat("}", 65),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := checkBody(data)
		if want := acceptable(data); (err == nil) != want {
			t.Fatalf("%q: acceptable is %v, but the error is %v", data, want, err)
		}
		if err != nil {
			if !utf8.ValidString(err.Error()) || len(err.Error()) > 1000 {
				t.Errorf("%q: the error is not fit to be shown: %q", data, err)
			}
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		for name := range want {
			if !b.has(name) {
				t.Errorf("%q: key %q is not found", data, name)
			}
		}
		if got := string(b.data[b.ref.start:b.ref.end]); got != string(want["ref"]) {
			t.Errorf("%q: ref is %s, want %s", data, got, want["ref"])
		}
	})
}

var (
	escapedBackslash = regexp.MustCompile(`\\\\`)
	surrogatePair    = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)
	surrogate        = regexp.MustCompile(`\\u[dD][89a-fA-F][0-9a-fA-F]{2}`)
)

func acceptable(data []byte) bool {
	if !json.Valid(data) || !utf8.Valid(data) || bytes.TrimLeft(data, " \t\r\n")[0] != '{' {
		return false
	}
	rest := surrogatePair.ReplaceAll(escapedBackslash.ReplaceAll(data, []byte("--")), []byte("--"))
	return !surrogate.Match(rest) && plain(json.NewDecoder(bytes.NewReader(data)), 1)
}

// plain reads a value: it is not too deep and has no duplicate keys.
func plain(d *json.Decoder, depth int) bool {
	token, _ := d.Token()
	open, isOpen := token.(json.Delim)
	if !isOpen {
		return true
	}
	ok := depth <= maxDepth
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			token, _ := d.Token()
			name, _ := token.(string)
			ok = ok && !seen[name]
			seen[name] = true
		}
		ok = plain(d, depth+1) && ok
	}
	_, _ = d.Token()
	return ok
}

func BenchmarkBody(b *testing.B) {
	data := []byte(`{"ref":"order-2026-000123","scope":"prod","message":"Your order has been shipped and will arrive tomorrow between 9 and 12.",` +
		`"phone":"+6281234567890","amount":1234567890.50,"currency":"IDR","urgent":false,"customer":{"id":9007199254740993,"name":"Ni Made Ayu","tags":["vip","jakarta"]},` +
		`"template":"shipped_v2","x":1}`)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if err := newBody(data).check(); err != nil {
			b.Fatal(err)
		}
	}
}
