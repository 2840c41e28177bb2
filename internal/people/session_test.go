package people

import (
	"context"
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
