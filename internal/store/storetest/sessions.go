package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"dispatchapy/internal/store"
)

var sessionCases = []testCase{
	{"RoundTrip", testSessionRoundTrip},
	{"Replace", testSessionReplace},
	{"Ended", testSessionEnded},
	{"Touch", testSessionTouch},
	{"Limit", testSessionLimit},
	{"List", testSessionList},
	{"Delete", testSessionDelete},
	{"DeleteEnded", testSessionDeleteEnded},
}

// session makes a session of a user that ends in an hour, or in two if it is
// used. n tells sessions apart.
func session(n byte, options ...func(*store.Session)) store.Session {
	start := now()
	s := store.Session{
		Hash: [32]byte{n, 0, 0xff}, UserID: 41, Address: "192.0.2.1", Agent: "browser 'x' é",
		CreatedAt: start.Add(-time.Minute), SeenAt: start, IdleEnd: start.Add(time.Hour), AbsoluteEnd: start.Add(2 * time.Hour),
	}
	for _, option := range options {
		option(&s)
	}
	return s
}

func ofUser(id int64) func(*store.Session) {
	return func(s *store.Session) { s.UserID, s.ClientID = id, 0 }
}

func ofClient(id int64) func(*store.Session) {
	return func(s *store.Session) { s.UserID, s.ClientID = 0, id }
}

func idleSince(d time.Duration) func(*store.Session) {
	return func(s *store.Session) { s.IdleEnd = now().Add(-d) }
}

func overSince(d time.Duration) func(*store.Session) {
	return func(s *store.Session) { s.AbsoluteEnd = now().Add(-d) }
}

// put stores sessions and gives what is found of those that have not ended.
func put(t testing.TB, s store.Store, sessions ...store.Session) (stored []store.Session) {
	t.Helper()
	for i := range sessions {
		if err := s.PutSession(t.Context(), sessions[i]); err != nil {
			t.Fatalf("PutSession: %v", err)
		}
		if found, err := s.Session(t.Context(), sessions[i].Hash); err == nil {
			stored = append(stored, found)
		}
	}
	return stored
}

func listSessions(t testing.TB, s store.Store, userID, clientID int64) []store.Session {
	t.Helper()
	list, err := s.ListSessions(t.Context(), userID, clientID)
	if err != nil {
		t.Fatalf("ListSessions: %v", err)
	}
	return list
}

func wantNoSession(t testing.TB, s store.Store, hash [32]byte, why string) {
	t.Helper()
	if found, err := s.Session(t.Context(), hash); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%s: Session gives %+v, %v; want ErrNotFound", why, found, err)
	}
}

var ignoreSessionID = cmpopts.IgnoreFields(store.Session{}, "ID")

func testSessionRoundTrip(t *testing.T, s store.Store) {
	want := session(1)
	wantNoSession(t, s, want.Hash, "never stored")
	got := put(t, s, want, session(2))
	equal(t, "session", got[0], want, ignoreSessionID)
	if got[0].ID == 0 || got[0].ID == got[1].ID {
		t.Errorf("two sessions have the ids %d and %d", got[0].ID, got[1].ID)
	}
}

func testSessionReplace(t *testing.T, s store.Store) {
	first := put(t, s, session(1))[0]
	want := session(1, ofClient(clientA))
	want.Address = "elsewhere"
	second := put(t, s, want)[0]
	equal(t, "replaced session", second, want, ignoreSessionID)
	if all := listSessions(t, s, 0, 0); len(all) != 1 || second.ID != first.ID {
		t.Errorf("one session, stored twice, is listed as %+v; its id was %d and is %d", all, first.ID, second.ID)
	}
}

func testSessionEnded(t *testing.T, s store.Store) {
	for n, end := range []func(*store.Session){idleSince(time.Millisecond), overSince(time.Millisecond)} {
		over := session(byte(n), end)
		put(t, s, over)
		wantNoSession(t, s, over.Hash, "it has ended")
	}
	if all := listSessions(t, s, 0, 0); len(all) != 0 {
		t.Errorf("ended sessions are listed: %+v", all)
	}
}

func testSessionTouch(t *testing.T, s store.Store) {
	used, over := session(1), session(2, idleSince(time.Second))
	put(t, s, used, over)
	later := store.SessionSeen{Hash: used.Hash, SeenAt: used.SeenAt.Add(time.Minute), IdleEnd: used.IdleEnd.Add(time.Minute)}
	earlier := store.SessionSeen{Hash: used.Hash, SeenAt: used.SeenAt.Add(time.Second), IdleEnd: used.IdleEnd.Add(time.Second)}
	for _, seen := range [][]store.SessionSeen{
		{later, {Hash: over.Hash, SeenAt: now(), IdleEnd: now().Add(time.Hour)}},
		{earlier, {Hash: [32]byte{9}, SeenAt: now(), IdleEnd: now().Add(time.Hour)}},
	} {
		if err := s.TouchSessions(t.Context(), seen); err != nil {
			t.Fatalf("TouchSessions: %v", err)
		}
	}
	used.SeenAt, used.IdleEnd = later.SeenAt, later.IdleEnd
	equal(t, "sessions", listSessions(t, s, 0, 0), []store.Session{used}, ignoreSessionID)
	wantNoSession(t, s, over.Hash, "an ended session that was touched")
	wantNoSession(t, s, [32]byte{9}, "an unknown session that was touched")
}

func testSessionLimit(t *testing.T, s store.Store) {
	seen := func(ago time.Duration) func(*store.Session) {
		return func(s *store.Session) { s.SeenAt = s.SeenAt.Add(-ago) }
	}
	began := func(ago time.Duration) func(*store.Session) {
		return func(s *store.Session) { s.CreatedAt = s.CreatedAt.Add(-ago) }
	}
	fresh, idle, long := session(1), session(2, seen(31*time.Minute)), session(3, began(3*time.Hour))
	put(t, s, fresh, idle, long)
	if err := s.LimitSessions(t.Context(), 30*time.Minute, 3*time.Hour); err != nil {
		t.Fatalf("LimitSessions: %v", err)
	}
	fresh.IdleEnd = fresh.SeenAt.Add(30 * time.Minute)
	equal(t, "sessions", listSessions(t, s, 0, 0), []store.Session{fresh}, ignoreSessionID)
	if err := s.LimitSessions(t.Context(), 300*time.Hour, 300*time.Hour); err != nil {
		t.Fatalf("LimitSessions: %v", err)
	}
	equal(t, "sessions after a longer limit", listSessions(t, s, 0, 0), []store.Session{fresh}, ignoreSessionID)
}

func testSessionList(t *testing.T, s store.Store) {
	seen := func(ago time.Duration) func(*store.Session) {
		return func(s *store.Session) { s.SeenAt = s.SeenAt.Add(-ago) }
	}
	stored := put(t, s, session(1, seen(time.Minute)), session(2), session(3, ofUser(42)), session(4, ofClient(clientA), seen(time.Hour)))
	equal(t, "of a user", listSessions(t, s, 41, 0), []store.Session{stored[1], stored[0]})
	equal(t, "of a client", listSessions(t, s, 0, clientA), stored[3:])
	equal(t, "of nobody", listSessions(t, s, 0, clientB), nil)
	all := listSessions(t, s, 0, 0)
	if len(all) != 4 || all[3].ID != stored[3].ID {
		t.Errorf("everybody's sessions are %+v, want 4, latest seen first", all)
	}
}

func testSessionDelete(t *testing.T, s store.Store) {
	hashes := func() (left []byte) {
		for n := range byte(8) {
			if _, err := s.Session(t.Context(), session(n).Hash); err == nil {
				left = append(left, n)
			}
		}
		return left
	}
	stored := put(t, s, session(0), session(1), session(2), session(3, ofUser(42)), session(4, ofClient(41)), session(5, ofClient(41)))
	for _, c := range []struct {
		name string
		q    store.SessionSelection
		n    int
		left []byte
	}{
		{"nothing given", store.SessionSelection{}, 0, []byte{0, 1, 2, 3, 4, 5}},
		{"only an exception", store.SessionSelection{Except: session(1).Hash}, 0, []byte{0, 1, 2, 3, 4, 5}},
		{"unknown id", store.SessionSelection{IDs: []int64{stored[5].ID + 100}}, 0, []byte{0, 1, 2, 3, 4, 5}},
		{"another user's id", store.SessionSelection{IDs: []int64{stored[0].ID}, UserID: 42}, 0, []byte{0, 1, 2, 3, 4, 5}},
		{"a user but for one", store.SessionSelection{UserID: 41, Except: session(1).Hash}, 2, []byte{1, 3, 4, 5}},
		{"ids", store.SessionSelection{IDs: []int64{stored[3].ID, stored[4].ID, stored[0].ID}}, 2, []byte{1, 5}},
		{"a client", store.SessionSelection{ClientID: 41}, 1, []byte{1}},
	} {
		n, err := s.DeleteSessions(t.Context(), c.q)
		if err != nil || n != c.n {
			t.Errorf("%s: DeleteSessions gives %d, %v; want %d", c.name, n, err, c.n)
		}
		equal(t, c.name+": left", hashes(), c.left)
	}
}

func testSessionDeleteEnded(t *testing.T, s store.Store) {
	put(t, s, session(1), session(2, idleSince(time.Second)), session(3, overSince(time.Second)), session(4, idleSince(time.Hour)))
	for _, want := range []int{2, 1, 0} {
		if n, err := s.DeleteEndedSessions(t.Context(), 2); err != nil || n != want {
			t.Errorf("DeleteEndedSessions gives %d, %v; want %d", n, err, want)
		}
	}
	if all := listSessions(t, s, 0, 0); len(all) != 1 {
		t.Errorf("sessions left: %+v, want the one that goes on", all)
	}
}

var tokenUseCases = []testCase{
	{"LatestIsKept", testTokenUse},
	{"ForgottenWithTheObject", testTokenUseDeleted},
}

func recordUses(t testing.TB, s store.Store, uses map[store.ObjectRef]time.Time) {
	t.Helper()
	if err := s.RecordTokenUse(t.Context(), uses); err != nil {
		t.Fatalf("RecordTokenUse: %v", err)
	}
}

func tokenUses(t testing.TB, s store.Store, kind store.Kind, ids ...int64) map[int64]time.Time {
	t.Helper()
	uses, err := s.TokenUses(t.Context(), kind, ids)
	if err != nil {
		t.Fatalf("TokenUses: %v", err)
	}
	return uses
}

func testTokenUse(t *testing.T, s store.Store) {
	token, client := store.ObjectRef{Kind: store.KindToken, ID: 5}, store.ObjectRef{Kind: store.KindClient, ID: 5}
	first, later := now().Add(-time.Minute), now()
	for _, uses := range []map[store.ObjectRef]time.Time{{token: first, client: later}, {token: later, client: first}, {}} {
		recordUses(t, s, uses)
	}
	equal(t, "of API tokens", tokenUses(t, s, store.KindToken, 5, 6), map[int64]time.Time{5: later})
	equal(t, "of clients", tokenUses(t, s, store.KindClient, 4, 5), map[int64]time.Time{5: later})
	equal(t, "of no client", tokenUses(t, s, store.KindClient), map[int64]time.Time{})
	many := map[store.ObjectRef]time.Time{}
	var ids []int64
	for id := range int64(1200) {
		many[store.ObjectRef{Kind: store.KindClient, ID: 100 + id}] = first
		ids = append(ids, 100+id)
	}
	recordUses(t, s, many)
	if got := len(tokenUses(t, s, store.KindClient, ids...)); got != len(many) {
		t.Errorf("%d uses of %d were kept", got, len(many))
	}
}

func testTokenUseDeleted(t *testing.T, s store.Store) {
	ids := change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{
		object(store.KindClient, "gone"), object(store.KindClient, "stays"),
	}})
	used := now()
	recordUses(t, s, map[store.ObjectRef]time.Time{{Kind: store.KindClient, ID: ids[0]}: used, {Kind: store.KindClient, ID: ids[1]}: used})
	change(t, s, store.ConfigUpdate{Delete: []store.ObjectRef{{Kind: store.KindClient, ID: ids[0]}}})
	equal(t, "uses", tokenUses(t, s, store.KindClient, ids...), map[int64]time.Time{ids[1]: used})
}
