// Package signin lets people sign in with an OpenID Connect provider: the
// authorization code flow with state, nonce and PKCE. It is a door to package
// people, which decides who comes in.
//
// What belongs to a sign in under way is kept in a cookie of the browser that
// began it, so that strangers cost no memory and any node can take the answer.
package signin

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"dispatchapy"
	"dispatchapy/internal/people"
)

// Where people sign in, and where the provider sends them back to.
const (
	Path         = "/login/oidc"
	CallbackPath = "/login/oidc/callback"
)

const mostExchanges = 16 // at a time

// People is who knows who may come in.
type People interface {
	SignInExternal(ctx context.Context, e people.External, from people.From) (people.SignedIn, error)
	RefuseExternal(ctx context.Context, from people.From)
}

// Options are what the door is made of. All are required but ClientSecret and
// Roles.
type Options struct {
	Issuer       string
	ClientID     string
	ClientSecret dispatchapy.Secret
	RedirectURL  string // public URL of CallbackPath
	RoleClaim    string // of the ID token
	Roles        map[dispatchapy.Role][]string
	People       People
	Log          *slog.Logger
}

// Door serves Path and CallbackPath. It is safe for concurrent use.
type Door struct {
	options   Options
	secure    bool // people come by https
	provider  provider
	exchanges chan struct{} // holds those under way

	mu   sync.Mutex
	used map[string]time.Time // states of sign ins that succeeded -> until when they are remembered
}

// New makes the door. The provider is not asked before somebody signs in.
func New(o Options) *Door {
	return &Door{
		options:   o,
		secure:    strings.HasPrefix(strings.ToLower(o.RedirectURL), "https:"),
		provider:  newProvider(o.Issuer),
		exchanges: make(chan struct{}, mostExchanges),
		used:      map[string]time.Time{},
	}
}

// Close closes idle connections to the provider.
func (d *Door) Close() { d.provider.client.CloseIdleConnections() }

// ServeHTTP implements http.Handler.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Referrer-Policy", "no-referrer") // the address has the code in it
	switch {
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		w.WriteHeader(http.StatusMethodNotAllowed) // HEAD must not use up a code
	case r.URL.Path == Path:
		d.begin(w, r)
	default:
		d.finish(w, r)
	}
}

// begin sends the browser to the provider.
func (d *Door) begin(w http.ResponseWriter, r *http.Request) {
	p, err := d.provider.get(r.Context())
	if err != nil {
		d.fail(w, r, unreachable{err})
		return
	}
	f := newFlow(localPath(r.URL.Query().Get("return")))
	d.setFlow(w, f)
	target := d.config(p).AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier))
	http.Redirect(w, r, target, http.StatusFound)
}

func (d *Door) config(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: d.options.ClientID, ClientSecret: d.options.ClientSecret.Reveal(), RedirectURL: d.options.RedirectURL,
		Endpoint: p.Endpoint(), Scopes: d.scopes(p),
	}
}

// scopes asks for groups where the provider knows the word: some refuse others.
func (d *Door) scopes(p *oidc.Provider) []string {
	scopes := []string{oidc.ScopeOpenID, "profile", "email"}
	var known struct {
		Scopes []string `json:"scopes_supported"`
	}
	if err := p.Claims(&known); err != nil {
		return scopes
	}
	for _, s := range known.Scopes {
		if s == "groups" {
			return append(scopes, s)
		}
	}
	return scopes
}

// finish takes the provider's answer.
func (d *Door) finish(w http.ResponseWriter, r *http.Request) {
	f, known := d.takeFlow(w, r)
	select {
	case d.exchanges <- struct{}{}:
		defer func() { <-d.exchanges }()
	default:
		d.fail(w, r, unreachable{errors.New("too many sign in at once")})
		return
	}
	in, err := d.signIn(r, f, known)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: people.SessionCookie, Value: in.Token.Reveal(), Path: "/", Expires: in.ExpiresAt,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: d.secure,
	})
	http.Redirect(w, r, localPath(f.Return), http.StatusFound)
}

// signIn verifies the answer and begins a session.
func (d *Door) signIn(r *http.Request, f flow, known bool) (people.SignedIn, error) {
	q := r.URL.Query()
	switch {
	case !known:
		return people.SignedIn{}, errors.New("this browser began no sign in, or too long ago")
	case !equal(q.Get("state"), f.State):
		return people.SignedIn{}, errors.New("the state is not that of this browser's sign in")
	case d.wasUsed(f.State):
		return people.SignedIn{}, errors.New("the answer was used before")
	case q.Get("error") != "":
		return people.SignedIn{}, fmt.Errorf("the provider says %.100q", q.Get("error"))
	case q.Get("code") == "":
		return people.SignedIn{}, errors.New("the provider sent no code")
	}
	who, err := d.exchange(r.Context(), q, f)
	if err != nil {
		return people.SignedIn{}, err
	}
	in, err := d.options.People.SignInExternal(r.Context(), who, from(r))
	if err != nil {
		return people.SignedIn{}, decided{err}
	}
	d.use(f.State)
	return in, nil
}

// exchange gets the ID token for the code and says who it is about.
func (d *Door) exchange(ctx context.Context, q url.Values, f flow) (people.External, error) {
	p, err := d.provider.get(ctx)
	if err != nil {
		return people.External{}, unreachable{err}
	}
	ctx = oidc.ClientContext(ctx, d.provider.client)
	token, err := d.config(p).Exchange(ctx, q.Get("code"), oauth2.VerifierOption(f.Verifier))
	var refusal *oauth2.RetrieveError
	if errors.As(err, &refusal) && refusal.Response != nil {
		// Its text has the provider's whole answer in it.
		return people.External{}, fmt.Errorf("the provider refuses the code: %s, %.100q", refusal.Response.Status, refusal.ErrorCode)
	}
	if err != nil {
		return people.External{}, unreachable{errors.New("the code could not be exchanged: " + cause(err))}
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return people.External{}, errors.New("the provider sent no ID token")
	}
	id, err := p.Verifier(&oidc.Config{ClientID: d.options.ClientID}).Verify(ctx, raw)
	if err != nil {
		return people.External{}, fmt.Errorf("the ID token is not valid: %w", err)
	}
	if !equal(id.Nonce, f.Nonce) {
		return people.External{}, errors.New("the ID token has another nonce")
	}
	return d.external(id)
}

func equal(a, b string) bool { return b != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// cause words an error without the address that was asked.
func cause(err error) string {
	var asked *url.Error
	if errors.As(err, &asked) {
		return asked.Err.Error()
	}
	return err.Error()
}

func from(r *http.Request) people.From {
	return people.From{Address: r.RemoteAddr, Agent: r.UserAgent()}
}

// wasUsed reports whether somebody signed in with the state.
func (d *Door) wasUsed(state string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Now().Before(d.used[state])
}

// use remembers a state with which somebody signed in for as long as its
// cookie lives. Only people who may come in can fill the memory.
func (d *Door) use(state string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for s, until := range d.used {
		if !now.Before(until) {
			delete(d.used, s)
		}
	}
	if len(d.used) >= mostUsed {
		clear(d.used) // the provider takes a code only once, too
	}
	d.used[state] = now.Add(flowFor)
}
