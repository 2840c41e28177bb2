package sealer

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func testKey(b byte) Key { return Key(bytes.Repeat([]byte{b}, 32)) }

func newBox(t *testing.T, keys ...Key) *Box {
	t.Helper()
	b, err := New(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSealOpen(t *testing.T) {
	box := newBox(t, testKey(1))
	for _, plain := range []string{"", "x", strings.Repeat("long ", 10_000)} {
		sealed := box.Seal([]byte(plain), []byte("row 1"))
		if len(plain) > 3 && bytes.Contains(sealed, []byte(plain[:4])) {
			t.Error("plaintext is visible in the sealed value")
		}
		got, err := box.Open(sealed, []byte("row 1"))
		if err != nil || string(got) != plain {
			t.Errorf("Open = %d bytes, %v; want what was sealed", len(got), err)
		}
	}
	if bytes.Equal(box.Seal([]byte("a"), nil), box.Seal([]byte("a"), nil)) {
		t.Error("sealing twice gives equal bytes: the nonce is repeated")
	}
}

func TestOpenRefusals(t *testing.T) {
	box := newBox(t, testKey(1))
	sealed := box.Seal([]byte("secret"), []byte("row 1"))

	t.Run("another row", func(t *testing.T) {
		if _, err := box.Open(sealed, []byte("row 2")); !errors.Is(err, ErrCorrupt) {
			t.Errorf("err = %v, want ErrCorrupt", err)
		}
	})
	t.Run("every byte and length counts", func(t *testing.T) {
		for i := range sealed {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1
			if _, err := box.Open(changed, []byte("row 1")); err == nil {
				t.Errorf("byte %d may be changed", i)
			}
			if _, err := box.Open(sealed[:i], []byte("row 1")); err == nil {
				t.Errorf("may be cut to %d bytes", i)
			}
		}
	})
	t.Run("another key", func(t *testing.T) {
		_, err := newBox(t, testKey(2)).Open(sealed, []byte("row 1"))
		if !errors.Is(err, ErrUnknownKey) || !strings.Contains(err.Error(), idOf(testKey(1)).String()) {
			t.Errorf("err = %v, want ErrUnknownKey naming the key that is needed", err)
		}
	})
}

func TestRotation(t *testing.T) {
	old := newBox(t, testKey(1)).Seal([]byte("v"), nil)
	both := newBox(t, testKey(2), testKey(1))
	if got, err := both.Open(old, nil); err != nil || string(got) != "v" {
		t.Fatalf("Open with the older key = %q, %v", got, err)
	}
	if both.Current(old) {
		t.Error("a value of the older key counts as current")
	}
	fresh := both.Seal([]byte("v"), nil)
	if !both.Current(fresh) {
		t.Error("a fresh value does not count as current")
	}
	if _, err := newBox(t, testKey(1)).Open(fresh, nil); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("err = %v: the first key must be the one that seals", err)
	}
}

func TestNewNeedsAKey(t *testing.T) {
	if _, err := New(); err == nil {
		t.Error("a box without keys was made")
	}
}

func TestParseKeys(t *testing.T) {
	hexKey := strings.Repeat("01", 32)
	tests := []struct {
		name, text string
		want       []Key // nil: refused
	}{
		{"hexadecimal", hexKey, []Key{testKey(1)}},
		{"base64", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", []Key{testKey(1)}},
		{"base64 unpadded", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE", []Key{testKey(1)}},
		{"base64 for URLs", "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s=", []Key{testKey(0xfb)}},
		{"two lines", hexKey + "\r\n\n" + strings.Repeat("02", 32) + "\n", []Key{testKey(1), testKey(2)}},
		{"short passphrase", "fifteen letters", nil},
		{"empty", " \n", nil},
		{"second line is bad", hexKey + "\nshort", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseKeys("origin", tt.text)
			if (err != nil) != (tt.want == nil) {
				t.Fatalf("err = %v", err)
			}
			if err != nil {
				if !strings.HasPrefix(err.Error(), "origin: ") || strings.Contains(err.Error(), "fifteen") {
					t.Errorf("error %q must name its origin and hide the value", err)
				}
				return
			}
			if fmt.Sprint(len(got)) != fmt.Sprint(len(tt.want)) {
				t.Fatalf("%d keys, want %d", len(got), len(tt.want))
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("key %d differs", i)
				}
			}
		})
	}
}

func TestPassphraseIsStable(t *testing.T) {
	a, err := parseKey("correct horse battery staple")
	if err != nil {
		t.Fatal(err)
	}
	// The derivation is part of what is stored: if it changed, nobody could
	// open their configuration after an upgrade.
	if got := idOf(a).String(); got != "edf071fbb83b63fe" {
		t.Errorf("key id of the passphrase = %s", got)
	}
}

func TestKeyIsNeverPrinted(t *testing.T) {
	key := testKey('k')
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if got := fmt.Sprintf(verb, key); got != "[redacted]" {
			t.Errorf("%s gives %s", verb, got)
		}
	}
}

func TestLoadKeys(t *testing.T) {
	t.Run("made once", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "new")
		first, err := LoadKeys(dir, "", "")
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, KeyFile))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("key file: %v, %v; want mode 0600", info, err)
		}
		second, err := LoadKeys(dir, "", "")
		if err != nil || second[0] != first[0] {
			t.Errorf("the second start has another key (%v)", err)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 1 {
			t.Errorf("files left over: %v", entries)
		}
	})
	t.Run("two processes at once agree", func(t *testing.T) {
		dir := t.TempDir()
		keys := make([]Key, 8)
		var wg sync.WaitGroup
		for i := range keys {
			wg.Go(func() {
				got, err := LoadKeys(dir, "", "")
				if err != nil {
					t.Error(err)
					return
				}
				keys[i] = got[0]
			})
		}
		wg.Wait()
		for _, key := range keys {
			if key != keys[0] {
				t.Fatal("different keys")
			}
		}
	})
	t.Run("given", func(t *testing.T) {
		dir := t.TempDir()
		file := filepath.Join(dir, "given")
		if err := os.WriteFile(file, []byte(strings.Repeat("02", 32)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if keys, err := LoadKeys(dir, strings.Repeat("01", 32), ""); err != nil || keys[0] != testKey(1) {
			t.Errorf("by value: %v", err)
		}
		if keys, err := LoadKeys(dir, "", file); err != nil || keys[0] != testKey(2) {
			t.Errorf("by file: %v", err)
		}
		if _, err := os.Stat(filepath.Join(dir, KeyFile)); err == nil {
			t.Error("a key file was made although a key was given")
		}
	})
	t.Run("refused", func(t *testing.T) {
		if _, err := LoadKeys(t.TempDir(), "a", "b"); err == nil {
			t.Error("value and file together were accepted")
		}
		if _, err := LoadKeys(t.TempDir(), "", filepath.Join(t.TempDir(), "missing")); err == nil {
			t.Error("a missing file was accepted")
		}
	})
}
