package sealer

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"golang.org/x/crypto/argon2"
)

// Text sealed with a passphrase can stand in a file that people keep and pass
// on: sealed:v1:SALT.CIPHERTEXT, both in URL-safe base64. The key comes from
// the passphrase and the salt by Argon2id (RFC 9106, its second recommended
// parameters); the cipher is AES-256-GCM.
const (
	sealedPrefix = "sealed:v1:"
	saltSize     = 16

	argonTime    = 3
	argonMemory  = 64 << 10 // KiB
	argonThreads = 4
)

// MinPassphrase is the least length of a passphrase, in bytes.
const MinPassphrase = 12

// ErrPassphrase means that the passphrase is not the one it was sealed with,
// or that the text was changed.
var ErrPassphrase = errors.New("the passphrase does not open it")

// Passphrase seals and opens text. It derives a key once per salt.
type Passphrase struct {
	phrase []byte
	salt   []byte // of what it seals
	keys   map[string]cipher.AEAD
}

// NewPassphrase makes a Passphrase. Everything that it seals has one salt.
func NewPassphrase(phrase string) (*Passphrase, error) {
	if len(phrase) < MinPassphrase {
		return nil, fmt.Errorf("a passphrase has at least %d characters", MinPassphrase)
	}
	p := &Passphrase{phrase: []byte(phrase), salt: make([]byte, saltSize), keys: map[string]cipher.AEAD{}}
	_, _ = rand.Read(p.salt) // never fails
	return p, nil
}

// Seal gives the sealed form of text.
func (p *Passphrase) Seal(text string) string {
	key := p.key(p.salt)
	nonce := make([]byte, key.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	sealed := key.Seal(nonce, nonce, []byte(text), []byte(sealedPrefix))
	return sealedPrefix + base64.RawURLEncoding.EncodeToString(p.salt) + "." + base64.RawURLEncoding.EncodeToString(sealed)
}

// maxSalts bounds how many keys a file can make us derive: each costs 64 MiB
// for a moment. One export has one salt.
const maxSalts = 8

var sealedText = regexp.MustCompile(`"?` + sealedPrefix + `([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)"?`)

// HasSealed reports whether a file has sealed text in it.
func HasSealed(file []byte) bool { return bytes.Contains(file, []byte(sealedPrefix)) }

// OpenFile replaces every sealed text in a file, JSON or YAML, by its value as
// a quoted string. Lines stay where they are.
func (p *Passphrase) OpenFile(file []byte) ([]byte, error) {
	var failed error
	opened := sealedText.ReplaceAllFunc(file, func(match []byte) []byte {
		parts := sealedText.FindSubmatch(match)
		text, err := p.open(parts[1], parts[2])
		if err != nil {
			failed = err
			return match
		}
		quoted, err := json.Marshal(text)
		failed = errors.Join(failed, err)
		return quoted
	})
	return opened, failed
}

func (p *Passphrase) open(salt, sealed []byte) (string, error) {
	s, err := base64.RawURLEncoding.DecodeString(string(salt))
	if err != nil || len(s) != saltSize {
		return "", ErrPassphrase
	}
	if p.keys[string(s)] == nil && len(p.keys) == maxSalts {
		return "", fmt.Errorf("the file was sealed in more than %d exports", maxSalts)
	}
	key := p.key(s)
	data, err := base64.RawURLEncoding.DecodeString(string(sealed))
	if err != nil || len(data) < key.NonceSize() {
		return "", ErrPassphrase
	}
	text, err := key.Open(nil, data[:key.NonceSize()], data[key.NonceSize():], []byte(sealedPrefix))
	if err != nil {
		return "", ErrPassphrase
	}
	return string(text), nil
}

func (p *Passphrase) key(salt []byte) cipher.AEAD {
	if key := p.keys[string(salt)]; key != nil {
		return key
	}
	block, err := aes.NewCipher(argon2.IDKey(p.phrase, salt, argonTime, argonMemory, argonThreads, 32))
	if err != nil {
		panic("sealer: " + err.Error()) // 32 bytes are a key
	}
	key, err := cipher.NewGCM(block)
	if err != nil {
		panic("sealer: " + err.Error()) // AES has the block size that GCM wants
	}
	p.keys[string(salt)] = key
	return key
}
