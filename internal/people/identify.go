package people

import (
	"context"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// Prefixes say what kind of token one is.
const (
	TokenPrefix   = "dpya_" // of API tokens
	SessionPrefix = "dpys_" // of sessions
)

// SessionCookie is the cookie in which browsers keep the token of a session.
const SessionCookie = "dispatchapy_session"

// From says where somebody comes from.
type From struct {
	Address string // IP address, with or without port
	Agent   string // user agent
}

// AuthenticateToken finds the API token and gives who it stands for.
func (p *People) AuthenticateToken(token dispatchapy.Secret) (dispatchapy.Principal, bool) {
	if !strings.HasPrefix(token.Reveal(), TokenPrefix) {
		return dispatchapy.Principal{}, false
	}
	t := p.directory.Load().tokenBy[dispatchapy.HashToken(token.Reveal())]
	now := time.Now()
	if t == nil || t.expired(now) {
		return dispatchapy.Principal{}, false
	}
	p.uses.note(store.ObjectRef{Kind: store.KindToken, ID: t.ID}, now)
	return dispatchapy.Principal{Name: "token " + t.Name, Role: t.Role}, true
}

// AuthenticatePassword checks a name and a password that come with a single
// request, without a session. It is throttled like SignIn.
func (p *People) AuthenticatePassword(ctx context.Context, name string, password dispatchapy.Secret, from From) (dispatchapy.Principal, error) {
	// A refused address or name gets no answer even where the password is
	// known to be right: it would tell so.
	if wait := p.throttle.wait(addressKey(from.Address), throttledName(name)); wait > 0 {
		return dispatchapy.Principal{}, p.limited(ctx, name, from, wait)
	}
	if u := p.directory.Load().userByName[fold(name)]; u != nil && u.Active && p.hasher.recent.has(password, u.hash) {
		return u.principal(), nil
	}
	u, _, err := p.verify(ctx, name, password, from)
	if err != nil {
		return dispatchapy.Principal{}, err
	}
	p.hasher.recent.add(password, u.hash)
	return u.principal(), nil
}

var errWrong = dispatchapy.Errorf(dispatchapy.CodeUnauthenticated, "the name or the password is wrong")

// verify finds the active user with the name and the password. An unknown name
// and a wrong password get the same answer after the same work. stale means
// that the hash should be made anew.
func (p *People) verify(ctx context.Context, name string, password dispatchapy.Secret, from From) (u *User, stale bool, err error) {
	attempt, wait := p.throttle.begin(addressKey(from.Address), throttledName(name))
	if wait > 0 {
		return nil, false, p.limited(ctx, name, from, wait)
	}
	u = p.directory.Load().userByName[fold(name)]
	hash := p.hasher.dummy
	if u != nil {
		hash = u.hash
	}
	if len(password) > maxPassword {
		password = password[:maxPassword+1] // no password is that long
	}
	right, stale, err := p.hasher.check(ctx, password, hash)
	if err != nil {
		attempt.withdrawn()
		return nil, false, err
	}
	if !right || u == nil || !u.Active {
		p.refused(ctx, u, from)
		return nil, false, errWrong
	}
	attempt.succeeded()
	return u, stale, nil
}

// throttledName is the name that failures are counted under. Names that nobody
// can have count as one.
func throttledName(name string) string {
	if name == "" || len(name) > maxName {
		return "\x00"
	}
	return fold(name)
}

func (u *User) principal() dispatchapy.Principal {
	return dispatchapy.Principal{Name: u.Name, Role: u.Role, UserID: u.ID}
}
