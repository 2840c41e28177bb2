// Package sealer encrypts what the gateway stores of other people's secrets:
// AES-256-GCM with an identified key, bound to the row that it is stored in.
//
// A sealed value is
//
//	format (1 byte) | key id (8 bytes) | nonce (12 bytes) | ciphertext and tag
//
// Format and key id are authenticated together with the caller's associated
// data. The key id makes rotation possible: several keys may be loaded, the
// first one seals and every one opens.
package sealer

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Errors that callers tell apart. Open wraps them.
var (
	ErrUnknownKey = errors.New("sealed with a secret key that is not loaded")
	ErrCorrupt    = errors.New("sealed value was damaged, or moved from another row")
)

const (
	format     = 1
	idSize     = 8
	headerSize = 1 + idSize
)

// keyID is the beginning of a hash of the key: enough to find the key again,
// nothing that helps to guess it.
type keyID [idSize]byte

func (id keyID) String() string { return hex.EncodeToString(id[:]) }

func idOf(key Key) keyID {
	sum := sha256.Sum256(append([]byte("dispatchapy key id\x00"), key[:]...))
	return keyID(sum[:idSize])
}

// Box seals and opens. It is safe for concurrent use.
type Box struct {
	first keyID
	aeads map[keyID]cipher.AEAD
}

// New makes a Box of one or more keys. The first seals, all of them open.
func New(keys ...Key) (*Box, error) {
	if len(keys) == 0 {
		return nil, errors.New("sealer: no key given")
	}
	b := &Box{first: idOf(keys[0]), aeads: make(map[keyID]cipher.AEAD, len(keys))}
	for _, key := range keys {
		block, err := aes.NewCipher(key[:])
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		b.aeads[idOf(key)] = aead
	}
	return b, nil
}

// Seal encrypts plaintext and binds it to aad, the identity of the row that it
// will be stored in.
func (b *Box) Seal(plaintext, aad []byte) []byte {
	aead := b.aeads[b.first]
	sealed := make([]byte, headerSize, headerSize+len(plaintext)+aead.Overhead())
	sealed[0] = format
	copy(sealed[1:], b.first[:])
	return aead.Seal(sealed, nil, plaintext, bind(sealed[:headerSize], aad))
}

// Open decrypts what Seal made with the same aad. The error wraps
// ErrUnknownKey or ErrCorrupt.
func (b *Box) Open(sealed, aad []byte) ([]byte, error) {
	if len(sealed) < headerSize || sealed[0] != format {
		return nil, fmt.Errorf("%w: unknown format", ErrCorrupt)
	}
	id := keyID(sealed[1:headerSize])
	aead, ok := b.aeads[id]
	if !ok {
		return nil, fmt.Errorf("%w: it needs key %s, loaded is %s", ErrUnknownKey, id, b.loaded())
	}
	plaintext, err := aead.Open(nil, nil, sealed[headerSize:], bind(sealed[:headerSize], aad))
	if err != nil {
		return nil, ErrCorrupt
	}
	return plaintext, nil
}

// Current reports whether sealed was made with the key that seals now. What is
// not current should be sealed anew while keys are rotated.
func (b *Box) Current(sealed []byte) bool {
	return len(sealed) >= headerSize && sealed[0] == format && keyID(sealed[1:headerSize]) == b.first
}

func (b *Box) loaded() string {
	names := []string{b.first.String()}
	for id := range b.aeads {
		if id != b.first {
			names = append(names, id.String())
		}
	}
	return strings.Join(names, ", ")
}

// bind joins the header, whose length is fixed, and the caller's data.
func bind(header, aad []byte) []byte {
	return append(append(make([]byte, 0, len(header)+len(aad)), header...), aad...)
}
