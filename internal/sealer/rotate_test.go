package sealer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestRotateKeyFile(t *testing.T) {
	dir := t.TempDir()
	path, aside := filepath.Join(dir, KeyFile), filepath.Join(dir, "old")
	const passphrase = "correct horse battery staple"
	if err := os.WriteFile(path, []byte("\n"+passphrase+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	old, err := readKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time continues the first
		if err := PutNewKey(path); err != nil {
			t.Fatal(err)
		}
	}
	both, err := readKeys(path)
	if err != nil || len(both) != 2 || both[0] == old[0] || both[1] != old[0] {
		t.Fatalf("%d keys, %v: want a new one before the old one", len(both), err)
	}
	for range 2 {
		if err := KeepFirstKey(path, aside); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := readKeys(path); err != nil || len(kept) != 1 || kept[0] != both[0] {
		t.Errorf("kept %d keys, %v: want the new one", len(kept), err)
	}
	if gone, err := readKeys(aside); err != nil || len(gone) != 1 || gone[0] != old[0] {
		t.Errorf("aside: %d keys, %v: want the old one", len(gone), err)
	}
	for _, name := range []string{path, aside} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, want mode 0600", name, err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("files left over: %v", entries)
	}
}

func TestRotateKeyFileRefusals(t *testing.T) {
	dir := t.TempDir()
	path, aside := filepath.Join(dir, KeyFile), filepath.Join(dir, "old")
	if err := PutNewKey(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	for name, text := range map[string]string{path: "a passphrase of this\nanother passphrase\n", aside: "in the way"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := KeepFirstKey(path, aside); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another file: %v", err)
	}
	if keys, err := readKeys(path); err != nil || len(keys) != 2 {
		t.Errorf("a refusal left %d keys, %v", len(keys), err)
	}
}
