package gatewayfile

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"dispatchapy"
)

func TestExampleIsValidAndHasEveryKey(t *testing.T) {
	text, err := os.ReadFile("../../examples/gateway.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f := mustParse(t, string(text))
	next := mustPlan(t, &dispatchapy.Config{Settings: dispatchapy.DefaultSettings()}, f, false)
	if err := f.Locate(next.Validate()); err != nil {
		t.Error(err)
	}
	for _, key := range allKeys() {
		if !strings.Contains(string(text), key+":") {
			t.Errorf("the example does not show the key %q", key)
		}
	}
}

// allKeys lists the keys a file can have, by asking for them with a wrong one.
func allKeys() []string {
	_, err := Parse("x", []byte(`{"version":1,"?":0,"settings":{"?":0,"retry":{"?":0},"smtp":{"?":0},"cleanup":{"?":0},"outbound":{"?":0},"task_delay":{"?":0},
		"status_page":{"?":0,"endpoints":[{"?":0}]},"alerts":{"?":0,"channels":[{"?":0}],"resource_down":{"?":0},"backlog_old":{"?":0},"failures_high":{"?":0},"certificate_expiring":{"?":0}}},
		"resources":[{"?":0,"name":"a","rate_limit":{"?":0},"health_check":{"?":0,"flap":{"?":0}},"alerts":{"?":0},"maintenance":[{"?":0,"weekly":{"?":0}}],"notify":{"?":0,"email":{"?":0},"webhook":{"?":0}}}],
		"endpoints":[{"?":0,"path":"a","mapping":{"a":{"b":{"?":0}}},"retry":{"?":0},"alerts":{"?":0},"dev":{"?":0,"rules":[{"?":0,"if":{"?":0},"set":{"?":0}}]}}],
		"clients":[{"?":0,"name":"a","dev":{"?":0}}]}`))
	var e *dispatchapy.Error
	if !errors.As(err, &e) {
		panic(err)
	}
	var keys []string
	for _, field := range e.Fields {
		_, list, _ := strings.Cut(field.Message, "use one of ")
		keys = append(keys, strings.Split(list, ", ")...)
	}
	return keys
}

func TestParseNamesThePlaceOfEveryFault(t *testing.T) {
	// The text after "version: 1"; want is "path: place: part of the message".
	cases := []struct{ name, text, want string }{
		{"unknown key", "colour: red", `colour: 2:1: use one of version, settings, resources, endpoints, clients`},
		{"unknown key within", "resources:\n  - name: a\n    urll: b", "resources[0].urll: 4:5: not known"},
		{"duplicate key", "resources:\n  - name: a\n    url: b\n    url: c", "resources[0].url: 5:5: given twice, first at line 4"},
		{"duplicate object", "resources:\n  - name: a\n  - name: ' a'", "resources[1].name: 4:11: used twice, first at line 3"},
		{"duplicate path", "endpoints:\n  - path: /a\n  - path: a/", "endpoints[1].path: 4:11: used twice"},
		{"name missing", "clients:\n  - endpoints: []", "clients[0].name: 3:5: is missing"},
		{"nothing instead of an object", "clients:\n  -", "clients[0].name: 3:5: is missing"},
		{"name empty", "clients:\n  - name: ' '", "clients[0].name: 3:11: is missing"},
		{"list expected", "resources: {a: b}", "resources: 2:12: must be a list, but it is a group of keys"},
		{"map expected", "resources:\n  - a", "resources[0]: 3:5: must be a group of keys, but it is text"},
		{"map expected below", "resources:\n  - name: a\n    headers: [a]", "resources[0].headers: 4:14: must be a group of keys"},
		{"text expected", "resources:\n  - name: 5", "resources[0].name: 3:11: put it in quotes"},
		{"text expected, odd number", "clients:\n  - name: a\n    description: 007", "clients[0].description: 4:18: put it in quotes"},
		{"text expected, nothing", "clients:\n  - name: a\n    description:", `clients[0].description: 4:18: write ""`},
		{"switch expected", "resources:\n  - name: a\n    active: yes", "resources[0].active: 4:13: must be true or false, but it is text"},
		{"number expected", "settings: {max_attempts: five}", "settings.max_attempts: 2:26: must be a number, but it is text"},
		{"whole number expected", "settings: {max_attempts: 5.5}", "settings.max_attempts: 2:26: whole number"},
		{"number too large", "settings: {max_attempts: 99999999999999999999}", "settings.max_attempts: 2:26: whole number"},
		{"float too large", "settings: {retry: {factor: 1e999}}", "settings.retry.factor: 2:28: too large"},
		{"odd number", "settings: {max_attempts: 0x10}", "settings.max_attempts: 2:26: plain decimal"},
		{"number missing", "settings: {max_attempts: }", "settings.max_attempts: 2:25: nothing"},
		{"duration without unit", "settings: {retry: {base: 60}}", `settings.retry.base: 2:26: "60" is not a duration`},
		{"bad duration", "settings: {task_delay: {min: 1 minute}}", `settings.task_delay.min: 2:30: "1 minute" is not a duration`},
		{"odd number in a value", "resources:\n  - name: a\n    health_check: {test_values: {to: [1, 007]}}", "resources[0].health_check.test_values.to: 4:42: 007 is not a number in JSON"},
		{"infinity in a value", "endpoints:\n  - path: a\n    mapping: {r: {k: {value: .inf}}}", "endpoints[0].mapping.r.k.value: 4:30: .inf is not a number in JSON"},
		{"short token", "clients:\n  - name: a\n    token: S3CRET", "clients[0].token: 4:12: 8 to 200 characters"},
		{"token twice", "clients:\n  - name: a\n    token: S3CRETS3CRET\n    token_hash: ab", "clients[0].token: 4:12: either token or token_hash"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			e := parseError(t, "version: 1\n"+tc.text)
			if len(e.Fields) != 1 {
				t.Fatalf("got %d faults: %v", len(e.Fields), e)
			}
			path, rest, _ := strings.Cut(tc.want, ": ")
			at, message, _ := strings.Cut(rest, ": ")
			got := e.Fields[0]
			if got.Path != path || !strings.HasPrefix(got.Message, "gateway.yaml:"+at+": ") || !strings.Contains(got.Message, message) {
				t.Errorf("got  %s: %s\nwant %s", got.Path, got.Message, tc.want)
			}
		})
	}
}

// parseError parses what must not be accepted.
func parseError(t *testing.T, text string) *dispatchapy.Error {
	t.Helper()
	_, err := Parse("/somewhere/gateway.yaml", []byte(text))
	var e *dispatchapy.Error
	if !errors.As(err, &e) {
		t.Fatalf("Parse gave %v, want an Error", err)
	}
	if strings.Contains(err.Error(), "S3CRET") {
		t.Errorf("the error tells a secret: %v", err)
	}
	return e
}

func TestParseRefusesWhatItCannotRead(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("version: 1\nresources:\n  - name: a\n    health_check:\n      test_values:\n        k0: &k0 [xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx]\n")
	for i := range 24 {
		bomb.WriteString("        k" + string(rune('A'+i)) + ": &k" + string(rune('A'+i)) + " [*k" + prevAnchor(i) + ", *k" + prevAnchor(i) + "]\n")
	}
	cases := []struct {
		name, text string
		code       dispatchapy.Code
		want       string
	}{
		{"empty", " \n", dispatchapy.CodeInvalid, "gateway.yaml is empty"},
		{"only a comment", "# nothing\n", dispatchapy.CodeInvalid, "is empty"},
		{"no map", "- a", dispatchapy.CodeInvalid, "must be a group of keys"},
		{"no version", "resources: []", dispatchapy.CodeInvalid, "version: gateway.yaml:1:1: is missing"},
		{"version without value", "version:", dispatchapy.CodeInvalid, "version: 1"},
		{"other version", "version: 2", dispatchapy.CodeInvalid, "gateway.yaml:1:10: only version 1 is known"},
		{"not YAML", "version: 1\nresources: [", dispatchapy.CodeInvalid, "gateway.yaml:2:12: is not valid YAML"},
		{"secret near the error", "version: 1\npassword: \"S3CRET\nx: [", dispatchapy.CodeInvalid, "is not valid YAML"},
		{"tabs", "version: 1\nsettings:\n\tmax_attempts: 1", dispatchapy.CodeInvalid, "gateway.yaml:3:1: is not valid YAML"},
		{"two documents", "version: 1\n---\nversion: 1", dispatchapy.CodeInvalid, "gateway.yaml:3:1: a gateway file is a single YAML document"},
		{"not UTF-8", "version: 1\n# é\xff", dispatchapy.CodeInvalid, "gateway.yaml:2:4: is not valid UTF-8"},
		{"tag", "version: !!int 1", dispatchapy.CodeInvalid, "gateway.yaml:1:10: YAML tags"},
		{"unknown anchor", "version: *a", dispatchapy.CodeInvalid, "anchor"},
		{"anchor within itself", "version: 1\nresources: &a [*a]", dispatchapy.CodeInvalid, "anchor"},
		{"merge of text", "version: 1\nsettings: {<<: a}", dispatchapy.CodeInvalid, "gateway.yaml:2:16: only maps can be merged"},
		{"complex key", "version: 1\n? [a]\n: b", dispatchapy.CodeInvalid, "gateway.yaml:2:1: write keys like"},
		{"alias bomb", bomb.String(), dispatchapy.CodeInvalid, "aliases expand to too much text"},
		{"flow depth bomb", "version: " + strings.Repeat("[", 100_000), dispatchapy.CodeInvalid, "nested too deeply"},
		{"sequence depth bomb", "version:\n " + strings.Repeat("- ", 50_000), dispatchapy.CodeInvalid, "nested too deeply"},
		{"anchor chain", "version: " + strings.Repeat("&a ", 50_000), dispatchapy.CodeInvalid, "nested too deeply"},
		{"indentation depth bomb", "version:\n" + steps(1200), dispatchapy.CodeInvalid, "nested too deeply"},
		{"long block map", "version: 1\nresources:\n- name: a\n  headers:\n" + manyKeys(maxKeys+1), dispatchapy.CodeInvalid, "gateway.yaml:5005:10: there are too many keys"},
		{"empty items", "version: 1\nclients:\n" + strings.Repeat("- # nothing\n", 30_000), dispatchapy.CodeInvalid, ":1: there are too many keys or list items without a value"},
		{"empty values in brackets", "version: 1\nclients: [" + strings.Repeat("{a: },", 30_000) + "]", dispatchapy.CodeInvalid, "there are too many keys or list items without a value"},
		{"bare keys in brackets", "version: 1\nclients: [" + strings.Repeat("{a},", 40_000) + "]", dispatchapy.CodeInvalid, "there are too many keys or list items without a value"},
		{"JSON depth bomb", `{"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}", dispatchapy.CodeInvalid, "nested too deeply"},
		{"JSON with a fault", `{"version":1,"settings":{"max_attempts":"5"}}`, dispatchapy.CodeInvalid, "settings.max_attempts: gateway.yaml:1:41: must be a number"},
		{"JSON with a duplicate", "{\"version\":1,\n\"resources\":[{\"name\":\"a\",\"url\":\"b\",\n \"url\":\"c\"}]}", dispatchapy.CodeInvalid, "resources[0].url: gateway.yaml:3:2: the key is given twice, first at line 2"},
		{"too large", strings.Repeat("#", MaxSize+1), dispatchapy.CodeTooLarge, "larger than 16 MiB"},
		{"too many values", "[" + strings.Repeat(",", maxMarks), dispatchapy.CodeTooLarge, "too many values"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			e := parseError(t, tc.text)
			if e.Code != tc.code || !strings.Contains(e.Error(), tc.want) {
				t.Errorf("got %s: %v\nwant %s: %s", e.Code, e, tc.code, tc.want)
			}
		})
	}
}

// steps gives n keys, each one within the one before.
func steps(n int) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// manyKeys gives n keys of one map.
func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "    k%04d: v\n", i)
	}
	return b.String()
}

// TestParseReadsManyObjects shows that what is refused as too long is one map,
// not many that look alike.
func TestParseReadsManyObjects(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: 1\nresources:\n")
	for i := range maxKeys + 1 {
		fmt.Fprintf(&b, "- name: r%d\n  url: http://127.0.0.1/\n  headers:\n    A: b\n  required_params:\n  - to\n  - text\n  health_check:\n    test_values:\n      a:\n      - b\n", i)
	}
	if got := len(mustParse(t, b.String()).objects.Resources); got != maxKeys+1 {
		t.Errorf("got %d resources", got)
	}
	// The same in brackets, with a trailing comma that keeps it from being JSON.
	object := `{name: "r%d", headers: {A: b, C: "", }, required_params: [a, b], health_check: {test_values: {a: {}, b: [], c: [{}, {}]}}, rate_limit: {requests: 1}},`
	var flow strings.Builder
	flow.WriteString("{version: 1, resources: [")
	for i := range maxKeys + 1 {
		fmt.Fprintf(&flow, object, i)
	}
	flow.WriteString("]}")
	if got := len(mustParse(t, flow.String()).objects.Resources); got != maxKeys+1 {
		t.Errorf("got %d resources in brackets", got)
	}
}

func prevAnchor(i int) string {
	if i == 0 {
		return "0"
	}
	return string(rune('A' + i - 1))
}

func TestParseReportsSeveralFaultsButNotEndlessly(t *testing.T) {
	e := parseError(t, "version: 1\nresources:\n"+strings.Repeat("  - 5\n", 3*maxFaults))
	if len(e.Fields) != maxFaults {
		t.Errorf("got %d faults, want %d", len(e.Fields), maxFaults)
	}
}

func TestParseKeepsValuesExactly(t *testing.T) {
	cases := []struct{ yaml, want string }{
		{"12345678901234567890123", "12345678901234567890123"},
		{"9007199254740993", "9007199254740993"},
		{"1.10", "1.10"},
		{"-0.0", "-0.0"},
		{"1e400", "1e400"},
		{`"007"`, `"007"`},
		{"!!str 007", `"007"`},
		{"2026-01-02", `"2026-01-02"`},
		{"yes", `"yes"`},
		{"True", "true"},
		{"~", "null"},
		{"", "null"},
		{"<b>&", `"<b>&"`},
		{`"\ud83d\ude00"`, `"😀"`},
		{"{b: 1, a: [x, 2.50, {}]}", `{"b":1,"a":["x",2.50,{}]}`},
		{"&x {a: 1}", `{"a":1}`},
		{"{<<: {a: 1, b: 2}, a: 3}", `{"a":3,"b":2}`},
		{"{<<: [{a: 1}, {a: 2, b: 2}]}", `{"a":1,"b":2}`},
		{`{"<<": 1}`, `{"<<":1}`},
		{"{1: a, true: b}", `{"1":"a","true":"b"}`},
		{"|\n  a\n  b", `"a\nb\n"`},
		{">-\n  a\n  b", `"a b"`},
	}
	for _, tc := range cases {
		f := mustParse(t, "version: 1\nresources:\n- name: a\n  health_check:\n   test_values:\n    v: "+strings.ReplaceAll(tc.yaml, "\n", "\n    ")+"\n")
		if got := string(f.objects.Resources[0].HealthCheck.TestValues["v"]); got != tc.want {
			t.Errorf("%s gives %s, want %s", tc.yaml, got, tc.want)
		}
	}
}

func TestParseReadsJSONLikeYAML(t *testing.T) {
	const text = "\ufeff{\"version\": 1,\n \"resources\": [{\"name\": \"a\\u00e9\\/\", \"active\": false, \"timeout\": \"20s\", \"headers\": null, \"notify\": null,\n \"health_check\": {\"test_values\": {\"v\": 1.10, \"w\": null}}}]}"
	asJSON := mustParse(t, text)
	asYAML := mustParse(t, "# not JSON because of this comment\n"+strings.TrimPrefix(text, "\ufeff"))
	a := mustPlan(t, &dispatchapy.Config{}, asJSON, false)
	if changes := mustChanges(t, a, asYAML, true); len(changes) > 0 {
		t.Errorf("as YAML it differs: %v", changes)
	}
	r := a.Resources[0]
	if r.Name != "aé/" || r.IsActive() || r.Timeout.String() != "20s" || string(r.HealthCheck.TestValues["v"]) != "1.10" {
		t.Errorf("got %+v", r)
	}
}
