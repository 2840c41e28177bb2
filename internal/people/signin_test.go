package people

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/store"
)

func TestSignIn(t *testing.T) {
	n := start(t)
	ann := n.create("ann", dispatchapy.RoleOperator)
	in, err := n.SignIn(t.Context(), "Ann", "password of ann", From{Address: "192.0.2.1:99", Agent: strings.Repeat("ä", 200)})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(in.Token.Reveal(), SessionPrefix) || len(in.Token) != len(SessionPrefix)+43 {
		t.Errorf("the token is %q", in.Token.Reveal())
	}
	who, err := n.Authenticate(t.Context(), in.Token)
	if want := (dispatchapy.Principal{Name: "ann", Role: dispatchapy.RoleOperator, UserID: ann.ID}); err != nil || who != want || in.Principal != want {
		t.Errorf("%+v, %v", who, err)
	}
	stored := n.store.sessions[dispatchapy.HashToken(in.Token.Reveal())]
	if stored.UserID != ann.ID || stored.Agent != strings.Repeat("ä", 100) || stored.Address != "192.0.2.1" {
		t.Errorf("stored is %+v", stored)
	}
	if err := n.SignOut(t.Context(), in.Token); err != nil {
		t.Error(err)
	}
	if n.knows(in.Token) {
		t.Error("it works after signing out")
	}
	if err := n.SignOut(t.Context(), in.Token); err != nil {
		t.Errorf("signing out again: %v", err)
	}
	want := []string{"system: create admin", "boss: create ann", "ann: sign in ann", "ann: sign out ann"}
	if diff := cmp.Diff(want, n.store.actions()); diff != "" {
		t.Error(diff)
	}
}

// TestRefusalsAreAllTheSame compares what a stranger learns.
func TestRefusalsAreAllTheSame(t *testing.T) {
	n := start(t)
	off := n.create("off", dispatchapy.RoleViewer)
	if _, err := n.EditUser(t.Context(), boss, off.ID, &off.Version, UserEdit{Active: ptr(false)}); err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct{ name, password string }{
		{"admin", "wrong password"},
		{"nobody", "wrong password"},
		{"", ""},
		{"off", "password of off"},
		{strings.Repeat("x", 1000), "wrong password"},
		{"admin", adminPassword.Reveal() + strings.Repeat("x", 10_000)},
	} {
		from := From{Address: fmt.Sprint("192.0.2.", i)}
		for _, try := range []func() error{
			func() error {
				_, err := n.SignIn(t.Context(), tt.name, dispatchapy.Secret(tt.password), from)
				return err
			},
			func() error {
				_, err := n.AuthenticatePassword(t.Context(), tt.name, dispatchapy.Secret(tt.password), from)
				return err
			},
		} {
			if err := try(); !errors.Is(err, errWrong) {
				t.Errorf("%.20q: %v", tt.name, err)
			}
		}
	}
	for _, e := range n.store.audit {
		if e.Action == "sign in refused" && (strings.Contains(e.Name, "nobody") || strings.Contains(e.Detail, "nobody")) {
			t.Errorf("what a stranger typed is in the audit: %+v", e)
		}
	}
}

func TestGuessingIsThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t)
		for _, name := range []string{AdminName, "nobody"} {
			for i := range freeFailures {
				_, err := n.SignIn(t.Context(), name, "wrong password", From{Address: fmt.Sprint(name, i)})
				wantCode(t, err, dispatchapy.CodeUnauthenticated)
			}
			from := From{Address: "elsewhere " + name}
			_, err := n.SignIn(t.Context(), name, adminPassword, from)
			var e *dispatchapy.Error
			if !errors.As(err, &e) || e.Code != dispatchapy.CodeLimited || e.RetryAfter != time.Second {
				t.Errorf("%s: %v", name, err)
			}
			_, err = n.AuthenticatePassword(t.Context(), name, adminPassword, from)
			wantCode(t, err, dispatchapy.CodeLimited)
		}
		time.Sleep(time.Second)
		if _, err := n.AuthenticatePassword(t.Context(), AdminName, adminPassword, home); err != nil {
			t.Error(err)
		}
		// What is known to be right is no way around, either.
		for range freeFailures {
			_, _ = n.AuthenticatePassword(t.Context(), AdminName, "wrong password", home)
		}
		_, err := n.AuthenticatePassword(t.Context(), AdminName, adminPassword, home)
		wantCode(t, err, dispatchapy.CodeLimited)
	})
}

func TestAPasswordWithEveryRequestIsNoAttempt(t *testing.T) {
	n := start(t)
	for i := range 5 * perMinute {
		if _, err := n.AuthenticatePassword(t.Context(), AdminName, adminPassword, home); err != nil {
			t.Fatalf("request %d: %v", i+1, err)
		}
	}
}

func TestRefusalsInTheAuditAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t)
		refuse := func(i int) {
			_, err := n.SignInClient(t.Context(), "wrong", From{Address: fmt.Sprintf("192.0.2.%d", i)})
			wantCode(t, err, dispatchapy.CodeUnauthenticated)
		}
		for i := range 200 {
			refuse(i)
		}
		if got := len(n.store.audit); got != refusalsBurst+1 {
			t.Errorf("%d entries", got)
		}
		time.Sleep(refusalsEvery)
		refuse(201)
		if last := n.store.audit[len(n.store.audit)-1]; last.Detail != "from 192.0.2.201; 180 more were refused before" {
			t.Errorf("%+v", last)
		}
		n.store.fail(errors.New("disk"))
		time.Sleep(refusalsEvery)
		refuse(202)
		if !strings.Contains(n.logs.String(), "audit") {
			t.Error("that it was not written is not logged")
		}
	})
}

func TestNobodyGetsInUnseen(t *testing.T) {
	n := start(t)
	n.store.errAudit = store.ErrUnavailable
	_, err := n.SignIn(t.Context(), AdminName, adminPassword, home)
	wantCode(t, err, dispatchapy.CodeUnavailable)
	if len(n.store.sessions) > 0 {
		t.Error("there is a session that the audit does not know")
	}
}

// TestATokenChangedWhileSigningIn has a client's token changed, and the sessions
// of the old one ended, between the check of the old one and the storing of the
// session.
func TestATokenChangedWhileSigningIn(t *testing.T) {
	n := start(t)
	n.table.Store(n.configured(2, "token-a"))
	n.refresh()
	n.store.race = func() {
		n.store.race = nil
		n.table.Store(n.configured(3, "token-a2"))
		n.refresh()
	}
	_, err := n.SignInClient(t.Context(), "token-a", home)
	wantCode(t, err, dispatchapy.CodeUnauthenticated)
	if len(n.store.sessions) > 0 {
		t.Error("a session of the old token is left")
	}
}

// TestAPasswordChangedWhileSigningIn has the password changed between the check
// of the old one and the storing of the session, by another node.
func TestAPasswordChangedWhileSigningIn(t *testing.T) {
	n := start(t)
	other := newNode(t, n.store)
	u := n.create("ann", dispatchapy.RoleViewer)
	other.refresh()
	n.store.race = func() {
		n.store.race = nil
		if _, err := other.EditUser(t.Context(), boss, u.ID, &u.Version, UserEdit{Password: ptr(dispatchapy.Secret("another password"))}); err != nil {
			t.Error(err)
		}
	}
	_, err := n.SignIn(t.Context(), "ann", "password of ann", home)
	wantCode(t, err, dispatchapy.CodeUnauthenticated)
	if len(n.store.sessions) > 0 {
		t.Error("a session with the old password is left")
	}
}

func TestHashesAreRenewed(t *testing.T) {
	m := newMemory()
	old := newNode(t, m)
	if _, err := old.EnsureAdmin(t.Context(), adminPassword); err != nil {
		t.Fatal(err)
	}
	n := newNode(t, m)
	n.hasher = newHasher(cheap())
	n.hasher.cost.Iterations++
	if _, err := n.SignIn(t.Context(), AdminName, adminPassword, home); err != nil {
		t.Fatal(err)
	}
	if hash := n.directory.Load().userByName[AdminName].hash; !strings.Contains(hash, "t=2") {
		t.Errorf("the hash is still %s", hash)
	}
	version := m.version
	if _, err := n.SignIn(t.Context(), AdminName, adminPassword, home); err != nil || m.version != version {
		t.Error("it was renewed again", err)
	}
	n.hasher.cost.Iterations++
	m.conflict = maxConflicts
	if _, err := n.SignIn(t.Context(), AdminName, adminPassword, home); err != nil {
		t.Errorf("a hash that could not be renewed: %v", err)
	}
}
