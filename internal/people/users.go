package people

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// maxName is the length of the longest name, in bytes.
const maxName = 100

// NewUser is a user to create.
type NewUser struct {
	Name     string
	Password dispatchapy.Secret
	Role     dispatchapy.Role
}

// UserEdit changes what is not nil.
type UserEdit struct {
	Name     *string
	Role     *dispatchapy.Role
	Active   *bool
	Password *dispatchapy.Secret // ends the user's sessions
}

// ListUsers gives all users, by name.
func (p *People) ListUsers(_ context.Context, who dispatchapy.Principal) ([]User, error) {
	if err := who.Require(dispatchapy.ManageUsers); err != nil {
		return nil, err
	}
	return values(p.directory.Load().users), nil
}

// User gives a user.
func (p *People) User(_ context.Context, who dispatchapy.Principal, id int64) (User, error) {
	if err := who.Require(dispatchapy.ManageUsers); err != nil {
		return User{}, err
	}
	return p.user(id)
}

func (p *People) user(id int64) (User, error) {
	u := p.directory.Load().userByID[id]
	if u == nil {
		return User{}, notFound(store.KindUser, id)
	}
	return *u, nil
}

// CreateUser creates an active user.
func (p *People) CreateUser(ctx context.Context, who dispatchapy.Principal, n NewUser) (User, error) {
	if err := who.Require(dispatchapy.ManageUsers); err != nil {
		return User{}, err
	}
	faults := userFaults(n.Name, n.Role)
	if fault := passwordFault(n.Password); fault != "" {
		faults = append(faults, dispatchapy.FieldError{Path: "password", Message: fault})
	}
	if err := invalid(faults...); err != nil {
		return User{}, err
	}
	hash, err := p.hasher.hash(ctx, n.Password)
	if err != nil {
		return User{}, err
	}
	now := time.Now()
	return p.putUser(ctx, who, "create", func(*directory) (*User, *User, error) {
		return nil, &User{Name: n.Name, Role: n.Role, Active: true, CreatedAt: now, PasswordAt: now, hash: hash}, nil
	})
}

// EditUser changes a user that is at the expected version. It ends the user's sessions if
// the password changed or the user is no longer active. The last active
// administrator stays one.
func (p *People) EditUser(ctx context.Context, who dispatchapy.Principal, id int64, expect *int64, e UserEdit) (User, error) {
	if err := who.Require(dispatchapy.ManageUsers); err != nil {
		return User{}, err
	}
	var hash string
	if e.Password != nil {
		if fault := passwordFault(*e.Password); fault != "" {
			return User{}, invalid(dispatchapy.FieldError{Path: "password", Message: fault})
		}
		var err error
		if hash, err = p.hasher.hash(ctx, *e.Password); err != nil {
			return User{}, err
		}
	}
	edited, err := p.putUser(ctx, who, "update", func(d *directory) (*User, *User, error) {
		old := d.userByID[id]
		if old == nil {
			return nil, nil, notFound(store.KindUser, id)
		}
		next := e.applied(old, hash)
		if err := atVersion(expect, old.Version, *old, next); err != nil {
			return nil, nil, err
		}
		return old, &next, invalid(userFaults(next.Name, next.Role)...)
	})
	if err != nil {
		return User{}, err
	}
	if hash != "" || !edited.Active {
		err = p.endAll(ctx, store.SessionSelection{UserID: id})
	}
	return edited, err
}

func (e UserEdit) applied(old *User, hash string) User {
	next := *old
	if e.Name != nil {
		next.Name = *e.Name
	}
	if e.Role != nil {
		next.Role = *e.Role
	}
	if e.Active != nil {
		next.Active = *e.Active
	}
	if hash != "" {
		next.hash, next.PasswordAt = hash, time.Now()
	}
	return next
}

// DeleteUser deletes a user that is at the expected version, and ends its sessions.
func (p *People) DeleteUser(ctx context.Context, who dispatchapy.Principal, id int64, expect *int64) error {
	if err := who.Require(dispatchapy.ManageUsers); err != nil {
		return err
	}
	_, err := p.change(ctx, who, func(d *directory) (*plan, error) {
		u := d.userByID[id]
		if u == nil {
			return nil, notFound(store.KindUser, id)
		}
		if err := atVersion(expect, u.Version, *u, nil); err != nil {
			return nil, err
		}
		if d.needs(u) {
			return nil, errLastAdmin
		}
		return &plan{ref: store.ObjectRef{Kind: store.KindUser, ID: id}, name: u.Name, action: "delete", before: auditUser(u)}, nil
	})
	if err != nil {
		return err
	}
	return p.endAll(ctx, store.SessionSelection{UserID: id})
}

// ChangePassword changes the principal's own password, for which it needs the
// present one, and ends the user's other sessions. session is the one that
// stays, "" if there is none. Wrong present passwords are throttled like those
// of SignIn.
func (p *People) ChangePassword(ctx context.Context, who dispatchapy.Principal, present, next, session dispatchapy.Secret, from From) error {
	if who.UserID == 0 {
		return dispatchapy.Errorf(dispatchapy.CodeForbidden, "only users have a password: sign in as one")
	}
	if fault := passwordFault(next); fault != "" {
		return invalid(dispatchapy.FieldError{Path: "new_password", Message: fault})
	}
	u, err := p.user(who.UserID)
	if err != nil {
		return err
	}
	if _, _, err := p.verify(ctx, u.Name, present, from); err != nil {
		if errors.Is(err, errWrong) {
			return invalid(dispatchapy.FieldError{Path: "password", Message: "is not the present password"})
		}
		return err
	}
	if err := p.setHash(ctx, who, "change password", &u, next); err != nil {
		return err
	}
	return p.endAll(ctx, store.SessionSelection{UserID: u.ID, Except: dispatchapy.HashToken(session.Reveal())})
}

// setHash gives a user a new password, unless somebody else did since.
func (p *People) setHash(ctx context.Context, who dispatchapy.Principal, action string, u *User, password dispatchapy.Secret) error {
	hash, err := p.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	_, err = p.putUser(ctx, who, action, func(d *directory) (*User, *User, error) {
		old := d.userByID[u.ID]
		if old == nil {
			return nil, nil, notFound(store.KindUser, u.ID)
		}
		if old.hash != u.hash {
			return nil, nil, dispatchapy.Errorf(dispatchapy.CodeConflict, "the password of %q was changed by somebody else", u.Name)
		}
		next := *old
		next.hash, next.PasswordAt = hash, time.Now()
		return old, &next, nil
	})
	return err
}

// rehash makes the hash of a password that was just found right anew, because
// the cost of hashing changed.
//
// Failure policy: the old hash is still good; the next sign in tries again.
func (p *People) rehash(ctx context.Context, u *User, password dispatchapy.Secret) *User {
	if err := p.setHash(ctx, system, "renew the password hash of", u, password); err != nil {
		p.log.Warn("a password could not be hashed anew", "user", u.Name, "error", err)
		return u
	}
	if renewed := p.directory.Load().userByID[u.ID]; renewed != nil {
		return renewed
	}
	return u
}

// putUser stores what edit makes of the user that it finds.
func (p *People) putUser(ctx context.Context, who dispatchapy.Principal, action string, edit func(*directory) (old, next *User, err error)) (User, error) {
	id, err := p.change(ctx, who, func(d *directory) (*plan, error) {
		old, next, err := edit(d)
		if err != nil {
			return nil, err
		}
		if err := d.admits(old, next); err != nil {
			return nil, err
		}
		row, err := p.sealUser(next)
		if err != nil {
			return nil, err
		}
		pl := &plan{put: &row, ref: store.ObjectRef{Kind: store.KindUser, ID: next.ID}, name: next.Name, action: action, after: auditUser(next)}
		if old != nil {
			pl.before, pl.idle = auditUser(old), *old == *next
		}
		return pl, nil
	})
	if err != nil {
		return User{}, err
	}
	return p.user(id)
}

var errLastAdmin = dispatchapy.Errorf(dispatchapy.CodeConflict,
	"this is the last active administrator: make another user one first")

// needs reports whether the user is the only active administrator.
func (d *directory) needs(u *User) bool {
	return u.isAdmin() && !slices.ContainsFunc(d.users, func(other *User) bool { return other.ID != u.ID && other.isAdmin() })
}

// isAdmin reports whether the user may do everything, and can sign in.
func (u *User) isAdmin() bool { return u.Active && u.Role == dispatchapy.RoleAdmin }

// admits says what speaks against a user becoming another, or, where old is
// nil, against a new one.
func (d *directory) admits(old, next *User) error {
	if other := d.userByName[fold(next.Name)]; other != nil && other.ID != next.ID {
		return dispatchapy.Errorf(dispatchapy.CodeConflict, "there is another user with the name %q", other.Name)
	}
	if old == nil {
		if len(d.users) >= mostUsers {
			return dispatchapy.Errorf(dispatchapy.CodeConflict, "there are %d users, which is as many as there may be", mostUsers)
		}
		return nil
	}
	if d.needs(old) && !next.isAdmin() {
		return errLastAdmin
	}
	return nil
}

// userFaults says what is wrong with a user's name and role.
func userFaults(name string, role dispatchapy.Role) []dispatchapy.FieldError {
	faults := roleFaults(role)
	strange := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-@+", r)
	}
	switch {
	case name == "":
		faults = append(faults, dispatchapy.FieldError{Path: "name", Message: "must not be empty"})
	case len(name) > maxName:
		faults = append(faults, dispatchapy.FieldError{Path: "name", Message: "is too long: at most 100 bytes"})
	case strings.IndexFunc(name, strange) >= 0:
		faults = append(faults, dispatchapy.FieldError{Path: "name", Message: "may have letters, digits and . _ - @ + in it"})
	case fold(name) == system.Name:
		faults = append(faults, dispatchapy.FieldError{Path: "name", Message: "stands for the gateway itself: choose another"})
	}
	return faults
}

func roleFaults(role dispatchapy.Role) []dispatchapy.FieldError {
	if slices.Contains(dispatchapy.StaffRoles, role) {
		return nil
	}
	return []dispatchapy.FieldError{{Path: "role", Message: "must be admin, operator or viewer"}}
}

// values copies what pointers lead to.
func values[T any](pointers []*T) []T {
	out := make([]T, len(pointers))
	for i, v := range pointers {
		out[i] = *v
	}
	return out
}
