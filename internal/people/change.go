package people

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// Bounds of what is kept in memory.
const (
	mostUsers  = 1000
	mostTokens = 1000
)

// maxConflicts is how often a change is made again on top of somebody else's.
const maxConflicts = 5

// plan is a change of one user or token: put it or delete it.
type plan struct {
	put    *store.ConfigObject // nil: delete
	ref    store.ObjectRef
	name   string
	action string // for the audit
	before any    // what the audit shows; nil: there was nothing
	after  any
	idle   bool // it changes nothing: there is nothing to store or to audit
}

// change is the one way in which users and tokens change. make plans it on the
// present directory and may be called several times. When change returns, this
// node already works with the new directory. It gives the object's id.
func (p *People) change(ctx context.Context, by dispatchapy.Principal, draw func(d *directory) (*plan, error)) (id int64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range maxConflicts {
		if err := p.refresh(ctx); err != nil {
			return 0, storeError(err)
		}
		d := p.directory.Load()
		pl, err := draw(d)
		if err != nil {
			return 0, err
		}
		if pl.idle {
			return pl.ref.ID, nil
		}
		update, err := pl.update(d.version, by)
		if err != nil {
			return 0, err
		}
		_, ids, err := p.store.ApplyConfig(ctx, update)
		if errors.Is(err, store.ErrVersionConflict) {
			continue
		}
		if err != nil {
			return 0, storeError(err)
		}
		id = pl.ref.ID
		if len(ids) > 0 {
			id = ids[0]
		}
		return id, storeError(p.refresh(ctx))
	}
	return 0, dispatchapy.Errorf(dispatchapy.CodeConflict, "the configuration is being changed by others: try again")
}

// update words the plan for the store.
func (pl *plan) update(expect int64, by dispatchapy.Principal) (store.ConfigUpdate, error) {
	before, err := audited(pl.before)
	if err != nil {
		return store.ConfigUpdate{}, err
	}
	after, err := audited(pl.after)
	if err != nil {
		return store.ConfigUpdate{}, err
	}
	update := store.ConfigUpdate{
		Expect: expect,
		Audit: []store.AuditEntry{{
			By: by.Name, Action: pl.action, Kind: pl.ref.Kind, ObjectID: pl.ref.ID, Name: pl.name, Before: before, After: after,
		}},
	}
	if pl.put != nil {
		update.Put = []store.ConfigObject{*pl.put}
	} else {
		update.Delete = []store.ObjectRef{pl.ref}
	}
	return update, nil
}

// audited is how the audit shows an object; nil where there is none.
func audited(v any) ([]byte, error) {
	if v == nil {
		return nil, nil
	}
	return json.Marshal(v)
}

// auditedUser shows a user without the hash of the password. That it changed
// is seen by the time.
type auditedUser struct {
	Name       string           `json:"name"`
	Role       dispatchapy.Role `json:"role"`
	Active     bool             `json:"active"`
	PasswordAt time.Time        `json:"password_at"`
}

type auditedToken struct {
	Name      string           `json:"name"`
	Role      dispatchapy.Role `json:"role"`
	ExpiresAt *time.Time       `json:"expires_at"`
}

func auditUser(u *User) any {
	return auditedUser{u.Name, u.Role, u.Active, u.PasswordAt}
}

func auditToken(t *Token) any {
	a := auditedToken{Name: t.Name, Role: t.Role}
	if !t.ExpiresAt.IsZero() {
		a.ExpiresAt = &t.ExpiresAt
	}
	return a
}

// ConflictError says that a user or token is at another version than the
// caller assumes, and how it is. It wraps a *dispatchapy.Error with
// CodeConflict, or with CodePrecondition where the caller named no version.
type ConflictError struct {
	Err     *dispatchapy.Error
	Version int64 // that a next try has to name

	// Current and Yours are the object (User or Token) as it is and as the
	// caller would have it. Yours is nil where it was to be deleted.
	Current any
	Yours   any
}

// Error implements error.
func (e *ConflictError) Error() string { return e.Err.Error() }

// Unwrap gives the *dispatchapy.Error.
func (e *ConflictError) Unwrap() error { return e.Err }

// atVersion gives nil if the caller knows the object as it is.
func atVersion(expect *int64, version int64, current, yours any) error {
	var err *dispatchapy.Error
	switch {
	case expect == nil:
		err = dispatchapy.Errorf(dispatchapy.CodePrecondition, "say which version the request is based on: the present one is %d", version)
	case *expect != version:
		err = dispatchapy.Errorf(dispatchapy.CodeConflict, "it was changed by somebody else since version %d", *expect)
	default:
		return nil
	}
	return &ConflictError{Err: err, Version: version, Current: current, Yours: yours}
}
