package signin

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"dispatchapy"
	"dispatchapy/internal/people"
)

const (
	askFor    = 10 * time.Second // how long the provider may take to answer
	retryIn   = time.Second      // after it could not be reached
	maxAnswer = 1 << 20
)

// provider finds out about the provider when that is first needed.
//
// Failure policy: while it cannot be reached nobody can sign in with it. It is
// asked again by the next who tries, but not more often than every retryIn.
type provider struct {
	issuer  string
	client  *http.Client
	retryIn time.Duration

	mu     sync.Mutex
	found  *oidc.Provider
	err    error
	failed time.Time
}

func newProvider(issuer string) provider {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return provider{issuer: issuer, retryIn: retryIn, client: &http.Client{Transport: bounded{transport}, Timeout: askFor}}
}

func (p *provider) get(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	if p.err != nil && time.Since(p.failed) < p.retryIn {
		return nil, p.err
	}
	// Others wait for the answer: it does not depend on who asked first.
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.issuer)
	if err != nil {
		p.err, p.failed = fmt.Errorf("the provider cannot be asked: %.300s", err.Error()), time.Now()
		return nil, p.err
	}
	p.found, p.err = found, nil
	return found, nil
}

// bounded cuts answers that are longer than any provider's.
type bounded struct{ *http.Transport }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.Transport.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxAnswer), res.Body}
	}
	return res, err
}

// external says whom a verified ID token is about.
func (d *Door) external(id *oidc.IDToken) (people.External, error) {
	var known struct {
		Email    string `json:"email"`
		Verified any    `json:"email_verified"` // some write "true"
		Party    string `json:"azp"`
	}
	var all map[string]any
	if err := id.Claims(&known); err != nil {
		return people.External{}, fmt.Errorf("the ID token's claims cannot be read: %w", err)
	}
	if err := id.Claims(&all); err != nil {
		return people.External{}, fmt.Errorf("the ID token's claims cannot be read: %w", err)
	}
	if len(id.Audience) > 1 && known.Party != d.options.ClientID {
		return people.External{}, fmt.Errorf("the ID token was made for %.100q", known.Party)
	}
	e := people.External{Issuer: id.Issuer, Subject: id.Subject, Role: d.role(claimValues(all, d.options.RoleClaim))}
	if known.Verified == true || known.Verified == "true" {
		e.Email = known.Email
	}
	return e, nil
}

// role gives the strongest role that a value stands for; "" if none does.
func (d *Door) role(values []string) dispatchapy.Role {
	for _, role := range []dispatchapy.Role{dispatchapy.RoleAdmin, dispatchapy.RoleOperator, dispatchapy.RoleViewer} {
		for _, value := range d.options.Roles[role] {
			if value != "" && slices.Contains(values, value) {
				return role
			}
		}
	}
	return ""
}

// claimValues reads a claim that is text or a list of texts. A dot in its name
// leads into an object, unless there is a claim with the whole name.
func claimValues(claims map[string]any, name string) []string {
	value, there := claims[name]
	if outer, inner, dotted := strings.Cut(name, "."); !there && dotted {
		nested, _ := claims[outer].(map[string]any)
		return claimValues(nested, inner)
	}
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, item := range v {
			if text, ok := item.(string); ok {
				out = append(out, text)
			}
		}
		return out
	}
	return nil
}
