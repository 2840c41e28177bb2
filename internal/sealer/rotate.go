package sealer

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// PutNewKey puts a new random key in front of those in a key file, unless it
// holds several: then a new one has been put there before. Whatever was sealed
// can still be opened.
func PutNewKey(path string) error {
	keys, err := readKeys(path)
	if err != nil || len(keys) > 1 {
		return err
	}
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var key Key
	_, _ = rand.Read(key[:]) // crypto/rand.Read never fails
	return replaceKeys(path, base64.StdEncoding.EncodeToString(key[:])+"\n"+string(old))
}

// KeepFirstKey takes all keys but the first out of a key file, once nothing is
// sealed with them any more. They are put into the file aside, which must not
// exist: backups made before still need them.
func KeepFirstKey(path, aside string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	first, rest, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	if rest = strings.TrimSpace(rest); rest == "" {
		return nil
	}
	out, err := os.OpenFile(aside, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = out.WriteString(rest + "\n")
	if err := errors.Join(err, out.Sync(), out.Close(), syncDir(filepath.Dir(aside))); err != nil {
		return err
	}
	return replaceKeys(path, strings.TrimSpace(first)+"\n")
}

// replaceKeys replaces a key file: at every moment there is the old one or the
// new one, whole.
func replaceKeys(path, text string) error {
	if _, err := parseKeys(path, text); err != nil {
		return err
	}
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("the key file cannot be changed: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // it has its name by then, or is of no use
	_, err = tmp.WriteString(text)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("the key file cannot be changed: %w", err)
	}
	return syncDir(dir)
}
