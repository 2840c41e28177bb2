package sealer

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// KeyFile is the name of the key file that is made in the data directory when
// no key is given.
const KeyFile = "secret.key"

const (
	minPassphrase = 16
	maxKeyFile    = 64 << 10
)

// Key is an AES-256 key.
type Key [32]byte

// String hides the key, so that printing one by accident shows nothing.
func (Key) String() string { return "[redacted]" }

// Format hides the key from every verb of package fmt.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LoadKeys finds the keys, the sealing one first: value (the environment
// variable DISPATCHAPY_SECRET_KEY), else the file named by file
// (DISPATCHAPY_SECRET_KEY_FILE), else the file secret.key in dataDir, which is
// made once with a random key and mode 0600.
//
// value and the files hold one key per line: 32 bytes in hexadecimal or base64,
// or else a passphrase of at least 16 characters, from which the key is derived
// by HKDF-SHA256. That does not slow down guessing: a passphrase must be
// random too. Further lines are older keys, which only open.
func LoadKeys(dataDir, value, file string) ([]Key, error) {
	switch {
	case value != "" && file != "":
		return nil, errors.New("DISPATCHAPY_SECRET_KEY and DISPATCHAPY_SECRET_KEY_FILE are both set: set one of them")
	case value != "":
		return parseKeys("DISPATCHAPY_SECRET_KEY", value)
	case file != "":
		return readKeys(file)
	}
	path := filepath.Join(dataDir, KeyFile)
	keys, err := readKeys(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, err
	}
	if err := createKeyFile(path); err != nil {
		return nil, fmt.Errorf("make the secret key file: %w", err)
	}
	return readKeys(path)
}

func readKeys(path string) ([]Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the secret key: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("read the secret key: %w", err)
	}
	return parseKeys(path, string(text))
}

// parseKeys never quotes text in an error: it is the secret.
func parseKeys(origin, text string) ([]Key, error) {
	var keys []Key
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		key, err := parseKey(line)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", origin, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s: holds no key", origin)
	}
	return keys, nil
}

func parseKey(text string) (Key, error) {
	if raw, err := hex.DecodeString(text); err == nil && len(raw) == len(Key{}) {
		return Key(raw), nil
	}
	for _, encoding := range []*base64.Encoding{
		base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding,
	} {
		if raw, err := encoding.DecodeString(text); err == nil && len(raw) == len(Key{}) {
			return Key(raw), nil
		}
	}
	if len(text) < minPassphrase {
		return Key{}, fmt.Errorf("a secret key is 32 bytes in hexadecimal or base64, or a random passphrase of at least %d characters", minPassphrase)
	}
	raw, err := hkdf.Key(sha256.New, []byte(text), nil, "dispatchapy secret key from passphrase", len(Key{}))
	if err != nil {
		return Key{}, err
	}
	return Key(raw), nil
}

// createKeyFile makes the file appear whole or not at all, and leaves one that
// another process made in the meantime alone: a key that is replaced loses
// everything sealed with it.
func createKeyFile(path string) error {
	var key Key
	_, _ = rand.Read(key[:]) // crypto/rand.Read never fails
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, KeyFile+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // the link stays
	_, err = tmp.WriteString(base64.StdEncoding.EncodeToString(key[:]) + "\n")
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

// syncDir makes the new directory entry survive power loss: everything sealed
// from now on depends on the key.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // does it by itself, and has no way to ask for it
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
