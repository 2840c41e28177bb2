package sealer

import (
	"errors"
	"strings"
	"testing"
)

func TestPassphrase(t *testing.T) {
	const phrase, secret = "correct horse battery", `hush "quoted" \ and more`
	writer, err := NewPassphrase(phrase)
	if err != nil {
		t.Fatal(err)
	}
	sealed := writer.Seal(secret)
	if strings.Contains(sealed, "hush") || sealed == writer.Seal(secret) {
		t.Errorf("sealed as %s", sealed)
	}
	reader, err := NewPassphrase(phrase)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"YAML": "headers:\n  X-Key: " + sealed + "\n  X-Other: plain\n",
		"JSON": `{"headers":{"X-Key":"` + sealed + `"}}`,
	} {
		if !HasSealed([]byte(file)) {
			t.Errorf("%s: not noticed", name)
		}
		opened, err := reader.OpenFile([]byte(file))
		if want := `"hush \"quoted\" \\ and more"`; err != nil || !strings.Contains(string(opened), want) || HasSealed(opened) {
			t.Errorf("%s: %s, %v", name, opened, err)
		}
		if strings.Count(string(opened), "\n") != strings.Count(file, "\n") {
			t.Errorf("%s: lines moved", name)
		}
	}
}

func TestPassphraseRefuses(t *testing.T) {
	writer, err := NewPassphrase("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewPassphrase("another one entirely")
	if err != nil {
		t.Fatal(err)
	}
	sealed := writer.Seal("hush")
	for name, file := range map[string]string{
		"another passphrase": sealed,
		"changed":            sealed[:len(sealed)-2] + "xx",
		"shortened":          sealed[:len(sealed)-20],
		"no salt":            sealedPrefix + "AAAA.AAAA",
	} {
		reader := writer
		if name == "another passphrase" {
			reader = other
		}
		if _, err := reader.OpenFile([]byte(file)); !errors.Is(err, ErrPassphrase) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewPassphrase("short"); err == nil {
		t.Error("a short passphrase was taken")
	}
	many := ""
	for range maxSalts + 1 {
		p, err := NewPassphrase("correct horse battery")
		if err != nil {
			t.Fatal(err)
		}
		many += p.Seal("x") + "\n"
	}
	reader, err := NewPassphrase("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.OpenFile([]byte(many)); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("many salts: %v", err)
	}
}
