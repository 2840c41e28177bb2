package people

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/store"
)

func TestFirstStart(t *testing.T) {
	m := newMemory()
	n := newNode(t, m)
	generated, err := n.EnsureAdmin(t.Context(), "")
	if err != nil || len(generated) != 43 {
		t.Fatalf("%d characters were made, %v", len(generated), err)
	}
	if _, err := n.SignIn(t.Context(), AdminName, generated, home); err != nil {
		t.Error(err)
	}
	again := newNode(t, m)
	if generated, err := again.EnsureAdmin(t.Context(), ""); err != nil || generated != "" {
		t.Errorf("a second start made another password: %v", err)
	}
	if strings.Contains(n.logs.String(), generated.Reveal()) {
		t.Error("the password is in the log")
	}
}

func TestPasswordOfTheEnvironment(t *testing.T) {
	m := newMemory()
	n := newNode(t, m)
	start := func(password dispatchapy.Secret) int64 {
		t.Helper()
		n = newNode(t, m)
		if generated, err := n.EnsureAdmin(t.Context(), password); err != nil || generated != "" {
			t.Fatal(generated.Reveal(), err)
		}
		return m.version
	}
	first := start("short")
	if start("short") != first {
		t.Error("the same password was written again")
	}
	in, err := n.SignIn(t.Context(), AdminName, "short", home)
	if err != nil {
		t.Fatal(err)
	}
	start("another")
	if n.knows(in.Token) {
		t.Error("a session outlived the old password")
	}
	_, err = n.SignIn(t.Context(), AdminName, "short", home)
	wantCode(t, err, dispatchapy.CodeUnauthenticated)

	// It is the way back in for whoever locked themselves out.
	n.create("other", dispatchapy.RoleAdmin)
	admin := n.directory.Load().userByName[AdminName]
	if _, err := n.EditUser(t.Context(), boss, admin.ID, &admin.Version, UserEdit{Role: ptr(dispatchapy.RoleViewer), Active: ptr(false)}); err != nil {
		t.Fatal(err)
	}
	start("another")
	if in, err := n.SignIn(t.Context(), AdminName, "another", home); err != nil || !in.Principal.IsAdmin() {
		t.Error(in.Principal, err)
	}
	_, err = n.EnsureAdmin(t.Context(), dispatchapy.Secret(strings.Repeat("x", maxPassword+1)))
	wantCode(t, err, dispatchapy.CodeInvalid)
}

// TestTwoFirstStarts has another node make the user admin meanwhile.
func TestTwoFirstStarts(t *testing.T) {
	m := newMemory()
	slow, fast, slowest := newNode(t, m), newNode(t, m), newNode(t, m)
	if generated, err := fast.EnsureAdmin(t.Context(), ""); err != nil || generated == "" {
		t.Fatal(err)
	}
	if generated, err := slow.EnsureAdmin(t.Context(), ""); err != nil || generated != "" {
		t.Errorf("a password that is nobody's was made: %v", err)
	}
	if _, err := slowest.EnsureAdmin(t.Context(), adminPassword); err != nil {
		t.Error(err)
	}
	if _, err := slowest.SignIn(t.Context(), AdminName, adminPassword, home); err != nil {
		t.Errorf("the password that was given does not work: %v", err)
	}
}

func TestUsersOfAnotherKey(t *testing.T) {
	n := start(t)
	for id, o := range n.store.objects {
		o.Body = []byte("sealed with another key")
		n.store.objects[id] = o
	}
	n.store.version++
	n.refresh()
	if _, err := n.EnsureAdmin(t.Context(), "some password"); err == nil {
		t.Error("an admin was made beside users that cannot be read")
	}
	_, err := n.SignIn(t.Context(), AdminName, adminPassword, home)
	wantCode(t, err, dispatchapy.CodeUnauthenticated)
}

func TestUserFaults(t *testing.T) {
	n := start(t)
	good := NewUser{Name: "ann", Password: "long enough", Role: dispatchapy.RoleViewer}
	for field, change := range map[string][]func(*NewUser){
		"name": {
			func(u *NewUser) { u.Name = "" },
			func(u *NewUser) { u.Name = "a:b" },
			func(u *NewUser) { u.Name = "a b" },
			func(u *NewUser) { u.Name = "a\x00" },
			func(u *NewUser) { u.Name = "System" },
			func(u *NewUser) { u.Name = strings.Repeat("x", maxName+1) },
		},
		"role": {
			func(u *NewUser) { u.Role = "" },
			func(u *NewUser) { u.Role = dispatchapy.RoleClient },
		},
		"password": {
			func(u *NewUser) { u.Password = "" },
			func(u *NewUser) { u.Password = "1234567" },
		},
	} {
		for _, change := range change {
			u := good
			change(&u)
			_, err := n.CreateUser(t.Context(), boss, u)
			wantField(t, err, field)
		}
	}
	n.create("ann", dispatchapy.RoleViewer)
	_, err := n.CreateUser(t.Context(), boss, NewUser{Name: "Ann", Password: "long enough", Role: dispatchapy.RoleViewer})
	wantCode(t, err, dispatchapy.CodeConflict)
}

func TestEditUser(t *testing.T) {
	n := start(t)
	ann := n.create("ann", dispatchapy.RoleOperator)
	edited, err := n.EditUser(t.Context(), boss, ann.ID, &ann.Version, UserEdit{Name: ptr("anna"), Role: ptr(dispatchapy.RoleViewer)})
	if err != nil {
		t.Fatal(err)
	}
	if edited.Name != "anna" || edited.Role != dispatchapy.RoleViewer || !edited.Active || edited.Version <= ann.Version || edited.ID != ann.ID {
		t.Errorf("%+v", edited)
	}
	if in, err := n.SignIn(t.Context(), "Anna", "password of ann", home); err != nil || in.Principal.Name != "anna" {
		t.Error(in.Principal, err)
	}

	var conflict *ConflictError
	_, err = n.EditUser(t.Context(), boss, ann.ID, &ann.Version, UserEdit{Name: ptr("annette")})
	if !errors.As(err, &conflict) || conflict.Version != edited.Version ||
		conflict.Current.(User).Name != "anna" || conflict.Yours.(User).Name != "annette" {
		t.Errorf("%+v", err)
	}
	wantCode(t, err, dispatchapy.CodeConflict)
	_, err = n.EditUser(t.Context(), boss, ann.ID, nil, UserEdit{})
	wantCode(t, err, dispatchapy.CodePrecondition)
	wantCode(t, n.DeleteUser(t.Context(), boss, ann.ID, nil), dispatchapy.CodePrecondition)
	wantCode(t, n.DeleteUser(t.Context(), boss, 4711, ptr(int64(1))), dispatchapy.CodeNotFound)
	if err := n.DeleteUser(t.Context(), boss, ann.ID, &edited.Version); err != nil {
		t.Error(err)
	}
	_, err = n.User(t.Context(), boss, ann.ID)
	wantCode(t, err, dispatchapy.CodeNotFound)
}

// TestSessionsEndWithTheirReason changes a user in every way and looks whether
// the session, and the password that came with single requests, still work.
func TestSessionsEndWithTheirReason(t *testing.T) {
	for _, tt := range []struct {
		name   string
		edit   *UserEdit // nil: delete
		lives  bool
		passes bool
	}{
		{"nothing", &UserEdit{}, true, true},
		{"role", &UserEdit{Role: ptr(dispatchapy.RoleAdmin)}, true, true},
		{"name", &UserEdit{Name: ptr("other")}, true, false},
		{"password", &UserEdit{Password: ptr(dispatchapy.Secret("another password"))}, false, false},
		{"deactivated", &UserEdit{Active: ptr(false)}, false, false},
		{"deleted", nil, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := start(t)
			other := newNode(t, n.store)
			u := n.create("ann", dispatchapy.RoleViewer)
			other.refresh()
			in := n.signIn("ann")
			single := func(n *node) bool {
				_, err := n.AuthenticatePassword(t.Context(), "ann", "password of ann", home)
				return err == nil
			}
			if !n.knows(in.Token) || !other.knows(in.Token) || !single(n) || !single(other) {
				t.Fatal("it did not work to begin with")
			}
			var err error
			if tt.edit == nil {
				err = n.DeleteUser(t.Context(), boss, u.ID, &u.Version)
			} else {
				_, err = n.EditUser(t.Context(), boss, u.ID, &u.Version, *tt.edit)
			}
			if err != nil {
				t.Fatal(err)
			}
			other.refresh()
			if got := n.knows(in.Token); got != tt.lives {
				t.Errorf("the session lives: %v", got)
			}
			if got := len(n.store.sessions) > 0; got != tt.lives {
				t.Errorf("the session is stored: %v", got)
			}
			if a, b := single(n), single(other); a != tt.passes || b != tt.passes {
				t.Errorf("the password passes: %v, elsewhere %v", a, b)
			}
		})
	}
}

func TestTheLastAdministratorStays(t *testing.T) {
	n := start(t)
	admin := *n.directory.Load().userByName[AdminName]
	inactive := n.create("inactive", dispatchapy.RoleAdmin)
	if _, err := n.EditUser(t.Context(), boss, inactive.ID, &inactive.Version, UserEdit{Active: ptr(false)}); err != nil {
		t.Fatal(err)
	}
	attempts := map[string]func() error{
		"delete": func() error { return n.DeleteUser(t.Context(), boss, admin.ID, &admin.Version) },
		"demote": func() error {
			_, err := n.EditUser(t.Context(), boss, admin.ID, &admin.Version, UserEdit{Role: ptr(dispatchapy.RoleOperator)})
			return err
		},
		"deactivate": func() error {
			_, err := n.EditUser(t.Context(), boss, admin.ID, &admin.Version, UserEdit{Active: ptr(false)})
			return err
		},
	}
	for name, attempt := range attempts {
		if err := attempt(); !errors.Is(err, errLastAdmin) {
			t.Errorf("%s: %v", name, err)
		}
	}
	n.create("second", dispatchapy.RoleAdmin)
	if err := attempts["delete"](); err != nil {
		t.Errorf("with another administrator: %v", err)
	}
}

func TestChangePassword(t *testing.T) {
	n := start(t)
	n.create("ann", dispatchapy.RoleViewer)
	mine, other := n.signIn("ann"), n.signIn("ann")
	change := func(present, next dispatchapy.Secret) error {
		return n.ChangePassword(t.Context(), mine.Principal, present, next, mine.Token, home)
	}
	wantField(t, change("wrong password", "the new password"), "password")
	wantField(t, change("password of ann", "short"), "new_password")
	if err := change("password of ann", "the new password"); err != nil {
		t.Fatal(err)
	}
	if !n.knows(mine.Token) || n.knows(other.Token) {
		t.Error("the others have to end, and only they")
	}
	if _, err := n.SignIn(t.Context(), "ann", "the new password", home); err != nil {
		t.Error(err)
	}
	wantCode(t, n.ChangePassword(t.Context(), boss, "x", "long enough", "", home), dispatchapy.CodeForbidden)
	var err error
	for range freeFailures - 1 { // and the one above
		err = change("wrong password", "the new password")
	}
	wantField(t, err, "password")
	wantCode(t, change("wrong password", "the new password"), dispatchapy.CodeLimited)
}

func TestUsersAreManagedByAdministratorsAlone(t *testing.T) {
	n := start(t)
	ctx := t.Context()
	version := ptr(int64(1))
	acts := map[string]func(who dispatchapy.Principal) error{
		"list users":   func(w dispatchapy.Principal) error { _, err := n.ListUsers(ctx, w); return err },
		"read user":    func(w dispatchapy.Principal) error { _, err := n.User(ctx, w, 1); return err },
		"create user":  func(w dispatchapy.Principal) error { _, err := n.CreateUser(ctx, w, NewUser{}); return err },
		"edit user":    func(w dispatchapy.Principal) error { _, err := n.EditUser(ctx, w, 1, version, UserEdit{}); return err },
		"delete user":  func(w dispatchapy.Principal) error { return n.DeleteUser(ctx, w, 1, version) },
		"list tokens":  func(w dispatchapy.Principal) error { _, err := n.ListTokens(ctx, w); return err },
		"read token":   func(w dispatchapy.Principal) error { _, err := n.Token(ctx, w, 1); return err },
		"create token": func(w dispatchapy.Principal) error { _, _, err := n.CreateToken(ctx, w, NewToken{}); return err },
		"edit token": func(w dispatchapy.Principal) error {
			_, err := n.EditToken(ctx, w, 1, version, TokenEdit{})
			return err
		},
		"delete token": func(w dispatchapy.Principal) error { return n.DeleteToken(ctx, w, 1, version) },
	}
	for name, act := range acts {
		t.Run(name, func(t *testing.T) {
			before := n.store.version
			wantCode(t, act(dispatchapy.Principal{}), dispatchapy.CodeUnauthenticated)
			for _, role := range []dispatchapy.Role{dispatchapy.RoleOperator, dispatchapy.RoleViewer, dispatchapy.RoleClient} {
				wantCode(t, act(dispatchapy.Principal{Name: "x", Role: role, ClientID: 7}), dispatchapy.CodeForbidden)
			}
			if n.store.version > before {
				t.Error("something was changed")
			}
			if code := dispatchapy.ErrorCode(act(boss)); code == dispatchapy.CodeForbidden {
				t.Error("an administrator may not")
			}
		})
	}
}

func TestChangesMeetOthers(t *testing.T) {
	n := start(t)
	n.store.conflict = maxConflicts - 1
	n.create("ann", dispatchapy.RoleViewer)
	n.store.conflict = maxConflicts
	_, err := n.CreateUser(t.Context(), boss, NewUser{Name: "bob", Password: "long enough", Role: dispatchapy.RoleViewer})
	wantCode(t, err, dispatchapy.CodeConflict)

	n.store.fail(fmt.Errorf("disk: %w", store.ErrUnavailable))
	_, err = n.CreateUser(t.Context(), boss, NewUser{Name: "bob", Password: "long enough", Role: dispatchapy.RoleViewer})
	wantCode(t, err, dispatchapy.CodeUnavailable)
	wantCode(t, n.Refresh(t.Context()), dispatchapy.CodeUnavailable)
	users, err := n.ListUsers(t.Context(), boss)
	if err != nil || len(users) != 2 {
		t.Errorf("while the database is away there are %d users, %v", len(users), err)
	}
}

func TestUsersAreBounded(t *testing.T) {
	n := start(t)
	d := newDirectory(n.store.version, nil)
	for i := range int64(mostUsers) {
		d.addUser(&User{ID: i + 1, Name: fmt.Sprint("user", i)})
		d.addToken(&Token{ID: mostUsers + i, Name: fmt.Sprint("token", i), hash: dispatchapy.HashToken(fmt.Sprint(i))})
	}
	n.directory.Store(d)
	_, err := n.CreateUser(t.Context(), boss, NewUser{Name: "ann", Password: "long enough", Role: dispatchapy.RoleViewer})
	wantCode(t, err, dispatchapy.CodeConflict)
	_, _, err = n.CreateToken(t.Context(), boss, NewToken{Name: "ci", Role: dispatchapy.RoleViewer})
	wantCode(t, err, dispatchapy.CodeConflict)
}

func TestListsAreByName(t *testing.T) {
	n := start(t)
	n.create("zoe", dispatchapy.RoleViewer)
	n.create("Bob", dispatchapy.RoleViewer)
	users, err := n.ListUsers(t.Context(), boss)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, u := range users {
		names = append(names, u.Name)
	}
	if diff := cmp.Diff([]string{"Bob", "admin", "zoe"}, names); diff != "" {
		t.Error(diff)
	}
}
