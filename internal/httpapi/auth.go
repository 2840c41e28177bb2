package httpapi

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// authenticator finds out who asks and lets nobody else through.
type authenticator struct {
	service *service.Service
	api     *api
	admins  []dispatchapy.TokenHash
	next    http.Handler
}

type principalKey struct{}

// principalOf gives who asks. Behind the authenticator there always is one;
// without it the zero Principal may do nothing.
func principalOf(ctx context.Context) dispatchapy.Principal {
	p, _ := ctx.Value(principalKey{}).(dispatchapy.Principal)
	return p
}

// ServeHTTP implements http.Handler.
func (a *authenticator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := tokenOf(r)
	if token == "" {
		a.refuse(w, r, "an API token is needed: send the header Authorization: Bearer TOKEN")
		return
	}
	p, ok := a.identify(token)
	if !ok {
		a.refuse(w, r, "the API token is not valid")
		return
	}
	a.next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), principalKey{}, p)))
}

func (a *authenticator) refuse(w http.ResponseWriter, r *http.Request, why string) {
	a.api.fail(w, r, dispatchapy.Errorf(dispatchapy.CodeUnauthenticated, "%s", why))
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
		return dispatchapy.Principal{Name: "admin", Role: dispatchapy.RoleAdmin}, true
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
