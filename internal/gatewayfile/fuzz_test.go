package gatewayfile

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
)

// FuzzParse shows that no input makes the package panic, that every refusal is
// an error for people, and that what is read survives being written.
func FuzzParse(f *testing.F) {
	example, err := os.ReadFile("../../examples/gateway.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte(contractFile))
	for _, text := range nasty {
		f.Add([]byte("version: 1\nresources:\n- name: a\n  url: " + text + "\n  health_check: {test_values: {" + text + ": " + text + "}}\n"))
	}
	f.Add([]byte(`{"version":1,"resources":[{"name":"a","health_check":{"test_values":{"a":1e5}}}]}`))
	f.Add([]byte("version: 1\nsettings: &a {<<: *a}\n"))
	f.Add([]byte("version: 1\nsettings: {retry: &a {base: 1s}}\nendpoints: [{path: a, retry: {<<: [*a]}}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("gateway.yaml", data)
		if err != nil {
			var e *dispatchapy.Error
			if !errors.As(err, &e) || e.Code == dispatchapy.CodeInternal {
				t.Fatalf("%v is not an error for people", err)
			}
			return
		}
		next, _, err := Plan(&dispatchapy.Config{Settings: dispatchapy.DefaultSettings()}, file, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := file.Locate(next.Validate()); err != nil && !strings.Contains(err.Error(), "gateway.yaml:") {
			t.Fatalf("no place in %v", err)
		}
		text, err := Encode(next)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := Plan(&dispatchapy.Config{}, mustParse(t, string(text)), false)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(next, again, equivalent); diff != "" {
			t.Fatalf("(-read +written and read):\n%s\n%s", diff, text)
		}
	})
}
