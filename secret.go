package dispatchapy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
)

// Redacted is what a Secret shows of itself.
const Redacted = "[redacted]"

// Secret is text that must not appear in logs, errors or pages. Printing it
// gives Redacted; encoding/json gives the value, because that is how the
// configuration is stored (sealed) and exported (to an administrator).
type Secret string

// Reveal gives the value. Every call is a place to review.
func (s Secret) Reveal() string { return string(s) }

// String implements fmt.Stringer and hides the value.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return Redacted
}

// Format hides the value from every verb of package fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue hides the value from log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// TokenHash is the SHA-256 of a client token. Tokens are random, so that a
// plain hash is enough; it is what is stored and looked up.
type TokenHash [sha256.Size]byte

// HashToken hashes a token as presented by a client.
func HashToken(token string) TokenHash { return sha256.Sum256([]byte(token)) }

// String gives the hash in hexadecimal, as it stands in an exported file.
func (h TokenHash) String() string { return hex.EncodeToString(h[:]) }

// ParseTokenHash reads what String wrote.
func ParseTokenHash(s string) (TokenHash, error) {
	var h TokenHash
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(h) {
		return h, fmt.Errorf("a token hash is %d hexadecimal digits", 2*len(h))
	}
	copy(h[:], b)
	return h, nil
}
