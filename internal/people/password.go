package people

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"sync"
	"time"

	"github.com/alexedwards/argon2id"

	"dispatchapy"
)

// encoding is that of everything random that is shown.
var encoding = base64.RawURLEncoding

// Lengths of a password, in bytes.
const (
	minPassword = 8
	maxPassword = 1024
)

// Bounds of hashing. It takes a core and much memory each time, and anybody
// who may talk to the gateway can ask for it.
const (
	hashesAtOnce = 2
	hashQueue    = 16 // wait for their turn; more are told to come again
)

// DefaultCost gives the cost of a password hash that is recommended for
// argon2id where memory matters.
func DefaultCost() *argon2id.Params {
	return &argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// hasher hashes passwords and checks them, a few at a time.
type hasher struct {
	cost    *argon2id.Params
	dummy   string        // hash that no password has
	waiting chan struct{} // holds those that wait or work
	working chan struct{}
	recent  recentPasswords
}

func newHasher(cost *argon2id.Params) *hasher {
	h := &hasher{
		cost:    cost,
		waiting: make(chan struct{}, hashQueue+hashesAtOnce),
		working: make(chan struct{}, hashesAtOnce),
		recent:  recentPasswords{verified: map[[32]byte]time.Time{}},
	}
	_, _ = rand.Read(h.recent.key[:])
	salt, key := make([]byte, cost.SaltLength), make([]byte, cost.KeyLength)
	_, _ = rand.Read(salt)
	_, _ = rand.Read(key)
	h.dummy = fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", cost.Memory, cost.Iterations, cost.Parallelism,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
	return h
}

// enter waits for a turn. The error is CodeUnavailable if too many wait.
func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.waiting <- struct{}{}:
	default:
		return nil, &dispatchapy.Error{Code: dispatchapy.CodeUnavailable,
			Message: "too many passwords are being checked: try again in a moment", RetryAfter: 2 * time.Second}
	}
	select {
	case h.working <- struct{}{}:
		return func() { <-h.working; <-h.waiting }, nil
	case <-ctx.Done():
		<-h.waiting
		return nil, &dispatchapy.Error{Code: dispatchapy.CodeUnavailable, Message: "the request was given up", Err: ctx.Err()}
	}
}

// hash makes the hash of a new password.
func (h *hasher) hash(ctx context.Context, password dispatchapy.Secret) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return argon2id.CreateHash(password.Reveal(), h.cost)
}

// check compares a password with a hash. stale means that the hash is of
// another cost than new ones. An error says that nothing was compared.
func (h *hasher) check(ctx context.Context, password dispatchapy.Secret, hash string) (right, stale bool, err error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return false, false, err
	}
	defer leave()
	right, cost, err := argon2id.CheckHash(password.Reveal(), hash)
	if err != nil {
		return false, false, fmt.Errorf("check a password: %w", err)
	}
	return right, *cost != *h.cost, nil
}

// passwordFault says what is wrong with a new password; "" if nothing is.
func passwordFault(password dispatchapy.Secret) string {
	switch n := len(password); {
	case n < minPassword:
		return fmt.Sprintf("must have at least %d characters", minPassword)
	case n > maxPassword:
		return fmt.Sprintf("must not be longer than %d bytes", maxPassword)
	}
	return ""
}

// How long and how many passwords are remembered that were found right.
const (
	rememberFor = 5 * time.Minute
	rememberAll = 1000
)

// recentPasswords remembers passwords that were found right, so that a program
// that sends its password with every request does not cost a hash each time.
// It holds no password but a keyed digest, under a key that dies with the
// process. It is asked only where a guess would be answered as well.
type recentPasswords struct {
	key      [32]byte
	mu       sync.Mutex
	verified map[[32]byte]time.Time // digest of password and hash -> until when
}

func (r *recentPasswords) digest(password dispatchapy.Secret, hash string) (d [32]byte) {
	mac := hmac.New(sha256.New, r.key[:])
	mac.Write([]byte(hash))
	mac.Write([]byte{0})
	mac.Write([]byte(password.Reveal()))
	return [32]byte(mac.Sum(nil))
}

func (r *recentPasswords) has(password dispatchapy.Secret, hash string) bool {
	d := r.digest(password, hash)
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().Before(r.verified[d])
}

func (r *recentPasswords) add(password dispatchapy.Secret, hash string) {
	d := r.digest(password, hash)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.verified) >= rememberAll {
		clear(r.verified) // the price is a hash for each
	}
	r.verified[d] = time.Now().Add(rememberFor)
}
