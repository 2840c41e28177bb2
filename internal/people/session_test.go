package people

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/routing"
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

func TestSessionsOfClients(t *testing.T) {
	n := start(t)
	n.table.Store(n.configured(2, "token-a", "token-b"))
	n.refresh()
	in, err := n.SignInClient(t.Context(), "token-a", home)
	if err != nil {
		t.Fatal(err)
	}
	other, err := n.SignInClient(t.Context(), "token-b", home)
	if err != nil {
		t.Fatal(err)
	}
	want := dispatchapy.Principal{Name: "client a", Role: dispatchapy.RoleClient, ClientID: 1000}
	if who, err := n.Authenticate(t.Context(), in.Token); err != nil || who != want {
		t.Errorf("%+v, %v", who, err)
	}
	_, err = n.SignInClient(t.Context(), "", home)
	wantCode(t, err, dispatchapy.CodeUnauthenticated)

	// Another token, and the session of the old one ends; the other's does not.
	n.table.Store(n.configured(3, "token-a2", "token-b"))
	n.refresh()
	if n.knows(in.Token) || !n.knows(other.Token) {
		t.Error("the session of the changed token has to end, and only that")
	}
	n.table.Store(n.configured(4, "token-a2"))
	if n.knows(other.Token) {
		t.Error("the session of a deleted client works")
	}
	n.refresh()
	if len(n.store.sessions) > 0 {
		t.Error("sessions of clients are left")
	}
}

func TestSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { n.Run(ctx); close(done) }()
		idle, used := n.signIn(AdminName), n.signIn(AdminName)
		for range 11 {
			time.Sleep(time.Hour)
			if !n.knows(used.Token) {
				t.Fatal("it ended while it was used")
			}
		}
		time.Sleep(time.Hour)
		if n.knows(idle.Token) || !n.knows(used.Token) {
			t.Error("after 12 hours the idle one has to end, and only that")
		}
		if got := n.store.sessions[dispatchapy.HashToken(used.Token.Reveal())].SeenAt; time.Since(got) > 2*time.Hour {
			t.Errorf("it was last seen at %v", got)
		}
		lived := 12 * time.Hour
		for ; n.knows(used.Token); lived += time.Hour {
			time.Sleep(time.Hour)
		}
		if lived != 7*24*time.Hour {
			t.Errorf("it lived for %v", lived)
		}
		time.Sleep(flushEvery)
		synctest.Wait()
		if len(n.store.sessions) > 0 {
			t.Error("ended sessions are still stored")
		}
		cancel()
		<-done
	})
}

// limited makes the settings limit sessions.
func (n *node) limited(idle, absolute time.Duration) {
	n.t.Helper()
	cfg := *n.table.Load().Config
	cfg.Settings.Sessions = dispatchapy.Sessions{Idle: dispatchapy.Duration(idle), Absolute: dispatchapy.Duration(absolute)}
	snapshot, err := routing.Compile(&cfg)
	if err != nil {
		n.t.Fatal(err)
	}
	n.table.Store(snapshot)
	n.refresh()
}

func TestNewLimitsHoldForAllSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t)
		idle, used := n.signIn(AdminName), n.signIn(AdminName)
		time.Sleep(time.Hour)
		n.knows(used.Token) // not written yet
		n.limited(10*time.Minute, 3*time.Hour)
		if n.knows(idle.Token) || !n.knows(used.Token) {
			t.Error("with a shorter limit the idle one has to end, and only that")
		}
		n.limited(5*time.Hour, 30*time.Hour)
		if n.knows(idle.Token) {
			t.Error("a longer limit wakes a session that had ended")
		}
		short := n.signIn(AdminName)
		if lived := time.Until(short.ExpiresAt); lived != 30*time.Hour {
			t.Errorf("a new session lives for %v", lived)
		}
		n.knows(used.Token)
		n.flush(t.Context())
		time.Sleep(time.Hour)
		if !n.knows(used.Token) {
			t.Error("a longer limit does not hold from the next request on")
		}
		time.Sleep(time.Hour)
		if n.knows(used.Token) || !n.knows(short.Token) {
			t.Error("a session has to end when its longest time is over, and others not")
		}
	})
}

func TestLimitsAreKeptWhenTheDatabaseIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t)
		in := n.signIn(AdminName)
		time.Sleep(time.Hour)
		cfg := *n.table.Load().Config
		cfg.Settings.Sessions.Idle = dispatchapy.Duration(30 * time.Minute)
		snapshot, err := routing.Compile(&cfg)
		if err != nil {
			t.Fatal(err)
		}
		n.table.Store(snapshot)
		n.store.fail(store.ErrUnavailable)
		wantCode(t, n.Refresh(t.Context()), dispatchapy.CodeUnavailable)
		n.store.fail(nil)
		n.refresh()
		if n.knows(in.Token) {
			t.Error("the new limit was forgotten")
		}
	})
}

func TestWhatIsNotedIsWrittenInTheEnd(t *testing.T) {
	n := start(t)
	_, secret, err := n.CreateToken(t.Context(), boss, NewToken{Name: "ci", Role: dispatchapy.RoleViewer})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := n.AuthenticateToken(secret); !ok {
		t.Fatal("it does not work")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n.Run(ctx)
	if len(n.store.uses) != 1 {
		t.Errorf("%v was written", n.store.uses)
	}
}

// TestRevocationElsewhere ends a session on one node and asks another.
func TestRevocationElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t)
		other := newNode(t, n.store)
		in := n.signIn(AdminName)
		if !other.knows(in.Token) {
			t.Fatal("the other node does not know it")
		}
		reads := n.store.reads
		for range 100 {
			other.knows(in.Token)
		}
		if n.store.reads > reads {
			t.Error("every request reads the database")
		}
		if err := n.SignOut(t.Context(), in.Token); err != nil {
			t.Fatal(err)
		}
		time.Sleep(sessionTrust + 1)
		if other.knows(in.Token) {
			t.Error("after two seconds it still works there")
		}
	})
}

func TestNobodyIsKnownWithoutTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t)
		in := n.signIn(AdminName)
		n.knows(in.Token)
		n.store.fail(store.ErrUnavailable)
		if _, err := n.Authenticate(t.Context(), in.Token); err != nil {
			t.Errorf("at once: %v", err)
		}
		time.Sleep(sessionTrust + 1)
		_, err := n.Authenticate(t.Context(), in.Token)
		wantCode(t, err, dispatchapy.CodeUnavailable)
		_, err = n.SignIn(t.Context(), AdminName, adminPassword, home)
		wantCode(t, err, dispatchapy.CodeUnavailable)
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

func TestSessionsThatCouldNotBeEnded(t *testing.T) {
	n := start(t)
	u := n.create("ann", dispatchapy.RoleViewer)
	in := n.signIn("ann")
	n.knows(in.Token)
	n.store.errEnd = store.ErrUnavailable
	_, err := n.EditUser(t.Context(), boss, u.ID, &u.Version, UserEdit{Password: ptr(dispatchapy.Secret("another password"))})
	wantCode(t, err, dispatchapy.CodeUnavailable)
	if !strings.Contains(err.Error(), "end them now") {
		t.Errorf("%v does not say what to do", err)
	}
	if _, err := n.SignIn(t.Context(), "ann", "another password", home); err != nil {
		t.Errorf("the new password does not work: %v", err)
	}
	n.store.errEnd = nil
	if ended, err := n.RevokeOthers(t.Context(), in.Principal, ""); err != nil || ended != 2 || n.knows(in.Token) {
		t.Error("they cannot be ended afterwards", ended, err)
	}

	// A client's are tried again with the next refresh.
	n.table.Store(n.configured(2, "token-a"))
	n.refresh()
	client, err := n.SignInClient(t.Context(), "token-a", home)
	if err != nil {
		t.Fatal(err)
	}
	n.table.Store(n.configured(3, "token-a2"))
	n.store.errEnd = store.ErrUnavailable
	wantCode(t, n.Refresh(t.Context()), dispatchapy.CodeUnavailable)
	n.store.errEnd = nil
	n.refresh()
	if n.knows(client.Token) {
		t.Error("the session of the old token lives on")
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

func TestASessionEndedWhileItIsRead(t *testing.T) {
	n := start(t)
	in := n.signIn(AdminName)
	hash := dispatchapy.HashToken(in.Token.Reveal())
	began := n.sessions.generation()
	s := n.store.sessions[hash]
	if _, err := n.end(t.Context(), store.SessionSelection{IDs: []int64{s.ID}}); err != nil {
		t.Fatal(err)
	}
	n.sessions.put(s, time.Now(), began)
	if n.knows(in.Token) {
		t.Error("what was read before the end is believed after it")
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

func TestSessionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t)
		first := n.signIn(AdminName)
		for range sessionsEach {
			time.Sleep(time.Minute)
			n.signIn(AdminName)
		}
		if got := len(n.store.sessions); got != sessionsEach {
			t.Errorf("%d sessions", got)
		}
		if n.knows(first.Token) {
			t.Error("not the oldest was ended")
		}
	})
}

func TestWhoSeesWhichSessions(t *testing.T) {
	n := start(t)
	n.table.Store(n.configured(2, "token-a"))
	n.create("ann", dispatchapy.RoleOperator)
	client, err := n.SignInClient(t.Context(), "token-a", home)
	if err != nil {
		t.Fatal(err)
	}
	admin, ann, second := n.signIn(AdminName), n.signIn("ann"), n.signIn("ann")
	for _, tt := range []struct {
		who     dispatchapy.Principal
		current dispatchapy.Secret
		want    []string
	}{
		{admin.Principal, admin.Token, []string{"admin*", "ann", "ann", "client a"}},
		{boss, "", []string{"admin", "ann", "ann", "client a"}},
		{ann.Principal, ann.Token, []string{"ann", "ann*"}},
		{client.Principal, client.Token, []string{"client a*"}},
		{dispatchapy.Principal{Name: "token", Role: dispatchapy.RoleOperator}, "", nil},
	} {
		sessions, err := n.Sessions(t.Context(), tt.who, tt.current)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range sessions {
			name := s.Owner.Name
			if s.Current {
				name += "*"
			}
			got = append(got, name)
		}
		slices.Sort(got)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.who.Name, diff)
		}
	}
	_, err = n.Sessions(t.Context(), dispatchapy.Principal{}, "")
	wantCode(t, err, dispatchapy.CodeUnauthenticated)

	id := func(in SignedIn) int64 { return n.store.sessions[dispatchapy.HashToken(in.Token.Reveal())].ID }
	wantCode(t, n.Revoke(t.Context(), ann.Principal, id(admin)), dispatchapy.CodeNotFound)
	wantCode(t, n.Revoke(t.Context(), client.Principal, id(ann)), dispatchapy.CodeNotFound)
	if err := n.Revoke(t.Context(), admin.Principal, id(client)); err != nil || n.knows(client.Token) {
		t.Error("an administrator ends anybody's", err)
	}
	if ended, err := n.RevokeOthers(t.Context(), ann.Principal, ann.Token); err != nil || ended != 1 || n.knows(second.Token) || !n.knows(ann.Token) {
		t.Error("one's own others", ended, err)
	}
	if ended, err := n.RevokeOthers(t.Context(), boss, ""); err != nil || ended != 0 || !n.knows(admin.Token) {
		t.Error("a token has none", ended, err)
	}
}

func TestTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t)
		created, secret, err := n.CreateToken(t.Context(), boss, NewToken{Name: "ci", Role: dispatchapy.RoleOperator, ExpiresAt: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if created.CreatedBy != "boss" || !created.LastUse.IsZero() || len(secret) != len(TokenPrefix)+43 {
			t.Errorf("%+v", created)
		}
		if who, ok := n.AuthenticateToken(secret); !ok || who != (dispatchapy.Principal{Name: "token ci", Role: dispatchapy.RoleOperator}) {
			t.Errorf("%+v", who)
		}
		if _, ok := n.AuthenticateToken(secret + "x"); ok {
			t.Error("another token works")
		}
		if used, err := n.Token(t.Context(), boss, created.ID); err != nil || !used.LastUse.Equal(time.Now()) {
			t.Error("the last use is not known", used.LastUse, err)
		}
		time.Sleep(time.Hour)
		if _, ok := n.AuthenticateToken(secret); ok {
			t.Error("it works after its end")
		}
		edited, err := n.EditToken(t.Context(), boss, created.ID, &created.Version, TokenEdit{ExpiresAt: ptr(time.Time{}), Role: ptr(dispatchapy.RoleViewer)})
		if err != nil {
			t.Fatal(err)
		}
		if who, ok := n.AuthenticateToken(secret); !ok || who.Role != dispatchapy.RoleViewer {
			t.Error("the edit had no effect")
		}
		_, err = n.EditToken(t.Context(), boss, created.ID, &created.Version, TokenEdit{Name: ptr("x")})
		wantCode(t, err, dispatchapy.CodeConflict)
		wantCode(t, n.DeleteToken(t.Context(), boss, created.ID, &created.Version), dispatchapy.CodeConflict)
		if err := n.DeleteToken(t.Context(), boss, created.ID, &edited.Version); err != nil {
			t.Error(err)
		}
		if _, ok := n.AuthenticateToken(secret); ok {
			t.Error("it works after it was deleted")
		}
		for _, e := range n.store.audit {
			if strings.Contains(string(e.Before)+string(e.After)+e.Detail, "dpya_") || strings.Contains(string(e.After), "argon2") {
				t.Errorf("a secret is in the audit: %+v", e)
			}
		}
	})
}

func TestTokenFaults(t *testing.T) {
	n := start(t)
	create := func(name string, role dispatchapy.Role, expires time.Time) error {
		_, _, err := n.CreateToken(t.Context(), boss, NewToken{Name: name, Role: role, ExpiresAt: expires})
		return err
	}
	for _, name := range []string{"", " a", "a\n", strings.Repeat("x", maxName+1)} {
		wantField(t, create(name, dispatchapy.RoleViewer, time.Time{}), "name")
	}
	wantField(t, create("ci", "root", time.Time{}), "role")
	wantField(t, create("ci", dispatchapy.RoleViewer, time.Now()), "expires_at")
	if err := create("ci", dispatchapy.RoleViewer, time.Time{}); err != nil {
		t.Error(err)
	}
	wantCode(t, create("ci", dispatchapy.RoleViewer, time.Time{}), dispatchapy.CodeConflict)
}

// TestUsesOfClients are known at once, and written with the next flush.
func TestUsesOfClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t)
		n.table.Store(n.configured(2, "token-a", "token-b"))
		n.refresh()
		uses := func() map[int64]time.Time {
			t.Helper()
			uses, err := n.ClientUses(t.Context(), []int64{1000, 1001})
			if err != nil {
				t.Fatal(err)
			}
			return uses
		}
		if got := uses(); len(got) != 0 {
			t.Errorf("before any use: %v", got)
		}
		first := time.Now()
		if _, err := n.SignInClient(t.Context(), "token-a", home); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		for range 3 {
			n.NoteClient(1001)
		}
		want := map[int64]time.Time{1000: first, 1001: first.Add(time.Second)}
		if got := uses(); !maps.Equal(got, want) {
			t.Errorf("at once: %v, want %v", got, want)
		}
		if len(n.store.uses) != 0 {
			t.Error("a use was written by itself")
		}
		n.flush(t.Context())
		if got := uses(); !maps.Equal(got, want) || len(n.store.uses) != 2 || len(n.uses.pending) != 0 {
			t.Errorf("written: %v, %d in the store, %d in memory", got, len(n.store.uses), len(n.uses.pending))
		}
		n.store.fail(store.ErrUnavailable)
		_, err := n.ClientUses(t.Context(), []int64{1000})
		wantCode(t, err, dispatchapy.CodeUnavailable)
	})
}
