package httpapi

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strings"

	"golang.org/x/time/rate"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// authenticator finds out who asks and lets nobody else through.
type authenticator struct {
	service  *service.Service
	api      *api
	admins   []dispatchapy.TokenHash
	password *dispatchapy.TokenHash // of adminName; nil: no password opens the API
	guesses  *rate.Limiter          // wrong passwords
	next     http.Handler
}

// adminName is the user whose password opens the API by HTTP Basic.
const adminName = "admin"

// Tokens cannot be guessed, a password might: after guessBurst wrong ones in a
// row nobody gets to try more than guessRate a second.
const (
	guessRate  = 1
	guessBurst = 10
)

type principalKey struct{}

// principalOf gives who asks. Behind the authenticator there always is one;
// without it the zero Principal may do nothing.
func principalOf(ctx context.Context) dispatchapy.Principal {
	p, _ := ctx.Value(principalKey{}).(dispatchapy.Principal)
	return p
}

// ServeHTTP implements http.Handler.
func (a *authenticator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p, err := a.authenticate(r)
	if err != nil {
		a.api.fail(w, r, err)
		return
	}
	a.next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), principalKey{}, p)))
}

func (a *authenticator) authenticate(r *http.Request) (dispatchapy.Principal, error) {
	token := tokenOf(r)
	if token == "" {
		if name, password, ok := r.BasicAuth(); ok {
			return a.byPassword(name, password)
		}
		return dispatchapy.Principal{}, dispatchapy.Errorf(dispatchapy.CodeUnauthenticated,
			"an API token is needed: send the header Authorization: Bearer TOKEN")
	}
	p, ok := a.identify(token)
	if !ok {
		return p, dispatchapy.Errorf(dispatchapy.CodeUnauthenticated, "the API token is not valid")
	}
	return p, nil
}

// byPassword lets the administrator in by HTTP Basic. While guesses are being
// throttled the right password waits as well: an answer would tell it.
func (a *authenticator) byPassword(name, password string) (dispatchapy.Principal, error) {
	if a.guesses.Tokens() < 1 {
		return dispatchapy.Principal{}, dispatchapy.Errorf(dispatchapy.CodeLimited, "too many wrong passwords: wait a few seconds")
	}
	hash := dispatchapy.HashToken(password)
	if a.password == nil || name != adminName || subtle.ConstantTimeCompare(a.password[:], hash[:]) != 1 {
		a.guesses.Allow()
		return dispatchapy.Principal{}, dispatchapy.Errorf(dispatchapy.CodeUnauthenticated, "the name or the password is wrong")
	}
	return dispatchapy.Principal{Name: adminName, Role: dispatchapy.RoleAdmin}, nil
}

// identify compares hashes, all of them and in constant time, so that the time
// it takes says nothing about an administrator's token.
func (a *authenticator) identify(token dispatchapy.Secret) (dispatchapy.Principal, bool) {
	hash := dispatchapy.HashToken(token.Reveal())
	matches := 0
	for _, admin := range a.admins {
		matches |= subtle.ConstantTimeCompare(admin[:], hash[:])
	}
	if matches == 1 {
		return dispatchapy.Principal{Name: adminName, Role: dispatchapy.RoleAdmin}, true
	}
	return a.service.Authenticate(token)
}

// tokenOf reads the token from the request; "" if there is none.
func tokenOf(r *http.Request) dispatchapy.Secret {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		if token = strings.TrimSpace(token); token != "" {
			return dispatchapy.Secret(token)
		}
	}
	return dispatchapy.Secret(strings.TrimSpace(r.Header.Get("X-API-Token")))
}
