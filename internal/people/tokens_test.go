package people

import (
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

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
