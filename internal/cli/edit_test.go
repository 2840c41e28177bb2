package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dispatchapy"
)

func TestEditText(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("VISUAL", "")
	given := filepath.Join(t.TempDir(), "after.yaml")
	if err := os.WriteFile(given, []byte("name: after\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("EDITOR", "cp "+given) // an editor that always writes the same
	var out bytes.Buffer
	con := &console{in: strings.NewReader(""), out: &out, err: &out}
	path, edited, err := editText(t.Context(), con, []byte("name: before\n"))
	if err != nil || string(edited) != "name: after\n" {
		t.Fatalf("%q, %v", edited, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: want mode 0600", info, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	t.Setenv("VISUAL", "no-such-editor")
	if _, _, err := editText(t.Context(), con, nil); dispatchapy.ErrorCode(err) != dispatchapy.CodeInvalid {
		t.Errorf("without an editor: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestIsTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if isTerminal(null) || isTerminal(&bytes.Buffer{}) {
		t.Error("nobody can answer there")
	}
}
