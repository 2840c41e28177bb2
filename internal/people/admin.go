package people

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// AdminName is the user that there is from the first start on.
const AdminName = "admin"

// system is who acts where nobody asked.
var system = dispatchapy.Principal{Name: "system", Role: dispatchapy.RoleAdmin}

// EnsureAdmin sees to it that somebody can sign in. A password that is given
// becomes that of the user admin, who is created, or made an active
// administrator, if need be. Without one, and without any user, admin is
// created with a random password, which is returned to be shown once.
//
// A password that is given may be shorter than people's own must be: whoever
// upgrades keeps theirs.
func (p *People) EnsureAdmin(ctx context.Context, password dispatchapy.Secret) (generated dispatchapy.Secret, err error) {
	d := p.directory.Load()
	if d.unreadable != nil {
		return "", d.unreadable // the key is another: a new admin would only hide it
	}
	if password == "" {
		if len(d.users) > 0 {
			return "", nil
		}
		password = newSecret("")
		generated = password
	}
	if len(password) > maxPassword {
		return "", dispatchapy.Errorf(dispatchapy.CodeInvalid, "GATEWAY_ADMIN_PASSWORD: %s", passwordFault(password))
	}
	if d.userByName[AdminName] == nil {
		switch err := p.createAdmin(ctx, password); {
		case err == nil:
			return generated, nil
		case !errors.Is(err, errAdminExists):
			return "", fmt.Errorf("create the user admin: %w", err)
		case generated != "":
			return "", nil // another node, started at the same time, shows its own
		}
	}
	return "", p.updateAdmin(ctx, p.directory.Load().userByName[AdminName], password)
}

var errAdminExists = errors.New("there is a user admin")

func (p *People) createAdmin(ctx context.Context, password dispatchapy.Secret) error {
	hash, err := p.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	now := time.Now()
	_, err = p.putUser(ctx, system, "create", func(d *directory) (*User, *User, error) {
		if d.userByName[AdminName] != nil {
			return nil, nil, errAdminExists
		}
		return nil, &User{Name: AdminName, Role: dispatchapy.RoleAdmin, Active: true, CreatedAt: now, PasswordAt: now, hash: hash}, nil
	})
	return err
}

// updateAdmin gives the user admin the password, if it has another one.
func (p *People) updateAdmin(ctx context.Context, u *User, password dispatchapy.Secret) error {
	same, stale, err := p.hasher.check(ctx, password, u.hash)
	if err != nil {
		return err
	}
	if same && !stale && u.Active && u.Role == dispatchapy.RoleAdmin {
		return nil
	}
	hash, err := p.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	_, err = p.putUser(ctx, system, "update", func(d *directory) (*User, *User, error) {
		old := d.userByID[u.ID]
		if old == nil {
			return nil, nil, notFound(store.KindUser, u.ID)
		}
		next := *old
		next.Role, next.Active, next.hash = dispatchapy.RoleAdmin, true, hash
		if !same {
			next.PasswordAt = time.Now()
		}
		return old, &next, nil
	})
	if err == nil && !same {
		err = p.endAll(ctx, store.SessionSelection{UserID: u.ID})
	}
	if err != nil {
		return fmt.Errorf("set the password of the user admin: %w", err)
	}
	return nil
}
