package httpapi

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/people"
	"dispatchapy/internal/service"
)

// authenticator finds out who asks and lets nobody else through.
type authenticator struct {
	service *service.Service
	people  *people.People
	api     *api
	admins  []dispatchapy.TokenHash
	next    http.Handler
}

// adminName is who the administrator's tokens of the options stand for.
const adminName = "admin"

// caller is who asks, and how.
type caller struct {
	principal dispatchapy.Principal
	session   dispatchapy.Secret // the session that asks; "" if it is none
	from      people.From
}

type callerKey struct{}

// callerOf gives who asks. Behind the authenticator there always is one;
// without it the zero caller may do nothing.
func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

func principalOf(ctx context.Context) dispatchapy.Principal { return callerOf(ctx).principal }

// ServeHTTP implements http.Handler.
func (a *authenticator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := caller{from: people.From{Address: r.RemoteAddr, Agent: r.UserAgent()}}
	if !isSignIn(r) {
		if err := a.authenticate(r, &c); err != nil && !isForVisitors(r) {
			a.api.fail(w, r, err)
			return
		}
	}
	a.next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, c)))
}

// isSignIn reports whether this is the one operation for which nobody has to
// be known.
func isSignIn(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Path == sessionPath }

// isForVisitors reports whether strangers may ask, too: whom the status page is
// shown to is up to the service.
func isForVisitors(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.Path == statusPath
}

func (a *authenticator) authenticate(r *http.Request, c *caller) (err error) {
	token := tokenOf(r)
	if token == "" {
		if name, password, ok := r.BasicAuth(); ok {
			c.principal, err = a.people.AuthenticatePassword(r.Context(), name, dispatchapy.Secret(password), c.from)
			return err
		}
		token = sessionCookie(r)
	}
	if token == "" {
		return dispatchapy.Errorf(dispatchapy.CodeUnauthenticated,
			"an API token is needed: send the header Authorization: Bearer TOKEN")
	}
	if p, ok := a.identify(token); ok {
		c.principal = p
		return nil
	}
	if strings.HasPrefix(token.Reveal(), people.SessionPrefix) {
		c.session = token
		c.principal, err = a.people.Authenticate(r.Context(), token)
		return err
	}
	return dispatchapy.Errorf(dispatchapy.CodeUnauthenticated, "the API token is not valid")
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
	if p, ok := a.people.AuthenticateToken(token); ok {
		return p, true
	}
	return a.service.Authenticate(token)
}

// sessionCookie reads the session of a browser; "" if there is none. Whatever
// else the cookie holds is no token: it is sent without anybody's doing.
func sessionCookie(r *http.Request) dispatchapy.Secret {
	c, err := r.Cookie(people.SessionCookie)
	if err != nil || !strings.HasPrefix(c.Value, people.SessionPrefix) {
		return ""
	}
	return dispatchapy.Secret(c.Value)
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
