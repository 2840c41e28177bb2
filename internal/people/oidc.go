package people

import (
	"context"
	"errors"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// maxSubject is the length of the longest subject that OpenID Connect allows.
const maxSubject = 255

// External is somebody whom an identity provider vouches for.
type External struct {
	Issuer  string
	Subject string           // the same for ever, at this issuer
	Email   string           // that the provider verified; "" if there is none
	Role    dispatchapy.Role // that follows from what the provider says; "": none
}

func (e *External) identity() string { return e.Issuer + " " + e.Subject }

// name is what the user is called who is made for e.
func (e *External) name() string {
	if e.Email != "" {
		return e.Email
	}
	return e.Subject
}

// find gives the user that e is, nil if there is none. Whom an administrator
// created is known by the name. The user admin is not: somebody may be called
// so at the provider as well.
func (d *directory) find(e *External) *User {
	for _, u := range d.users {
		if u.external == e.identity() {
			return u
		}
	}
	for _, name := range []string{e.Email, e.Subject} {
		if u := d.userByName[fold(name)]; u != nil && u.external == "" && fold(name) != AdminName {
			return u
		}
	}
	return nil
}

var errStranger = dispatchapy.Errorf(dispatchapy.CodeForbidden, "the provider's user has no role here and is no active user")

// SignInExternal begins a session of the user that e is. Somebody who is not
// known and has a role becomes a user without a usable password, whose role
// follows the provider at every sign in, and who is out when there is none
// any more. Whom an administrator created keeps the role that was given there.
// The error is CodeForbidden for whoever may not come in.
func (p *People) SignInExternal(ctx context.Context, e External, from From) (SignedIn, error) {
	if e.Issuer == "" || e.Subject == "" || len(e.Subject) > maxSubject {
		return SignedIn{}, dispatchapy.Errorf(dispatchapy.CodeInvalid, "the provider names nobody")
	}
	if err := p.Refresh(ctx); err != nil {
		return SignedIn{}, err // a user who was just deactivated stays out
	}
	u := p.directory.Load().find(&e)
	if u != nil && !u.Active || (u == nil || u.external != "") && e.Role == "" {
		p.refused(ctx, u, from)
		return SignedIn{}, errors.Join(errStranger, p.endExternal(ctx, u))
	}
	known, err := p.follow(ctx, u, &e)
	if err != nil {
		p.refused(ctx, u, from)
		return SignedIn{}, err
	}
	in, err := p.begin(ctx, known.principal(), from)
	if err != nil {
		return SignedIn{}, err
	}
	// The user may have been deactivated meanwhile, and the sessions ended
	// before this one began.
	if err := p.Refresh(ctx); err != nil {
		return SignedIn{}, errors.Join(err, p.endByToken(ctx, in.Token))
	}
	if now := p.directory.Load().userByID[known.ID]; now == nil || !now.Active {
		return SignedIn{}, errors.Join(errStranger, p.endByToken(ctx, in.Token))
	}
	return in, nil
}

// endExternal ends the sessions of a user whom the provider vouches for no more.
func (p *People) endExternal(ctx context.Context, u *User) error {
	if u == nil {
		return nil
	}
	return p.endAll(ctx, store.SessionSelection{UserID: u.ID})
}

// follow makes the user that e is, or gives them the role of now.
func (p *People) follow(ctx context.Context, u *User, e *External) (User, error) {
	if u != nil && (u.external == "" || u.Role == e.Role) {
		return *u, nil
	}
	if u != nil {
		return p.putUser(ctx, system, "update", func(d *directory) (*User, *User, error) {
			old := d.userByID[u.ID]
			if old == nil || !old.Active {
				return nil, nil, errStranger
			}
			next := *old
			next.Role = e.Role
			return old, &next, nil
		})
	}
	if err := invalid(userFaults(e.name(), e.Role)...); err != nil {
		return User{}, err
	}
	hash, err := p.hasher.hash(ctx, newSecret("")) // nobody knows the password
	if err != nil {
		return User{}, err
	}
	now := time.Now()
	return p.putUser(ctx, system, "create", func(*directory) (*User, *User, error) {
		return nil, &User{
			Name: e.name(), Role: e.Role, Active: true, CreatedAt: now, PasswordAt: now, hash: hash, external: e.identity(),
		}, nil
	})
}

// RefuseExternal writes down that a sign in with a provider came to nothing.
func (p *People) RefuseExternal(ctx context.Context, from From) { p.refused(ctx, nil, from) }
