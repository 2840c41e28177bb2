package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"

	"dispatchapy/internal/store"
)

var preferenceCases = []testCase{
	{"KeptPerPerson", testPreferences},
	{"Bounded", testPreferencesFull},
	{"GoneWithTheirOwner", testPreferencesOwner},
}

var withoutTime = cmpopts.IgnoreFields(store.Preference{}, "UpdatedAt")

func keep(t testing.TB, s store.Store, owner store.ObjectRef, name, value string) store.Preference {
	t.Helper()
	p, err := s.PutPreference(t.Context(), owner, store.Preference{Name: name, Value: []byte(value)})
	if err != nil {
		t.Fatalf("PutPreference: %v", err)
	}
	return p
}

func preferences(t testing.TB, s store.Store, owner store.ObjectRef) []store.Preference {
	t.Helper()
	list, err := s.ListPreferences(t.Context(), owner)
	if err != nil {
		t.Fatalf("ListPreferences: %v", err)
	}
	return list
}

func testPreferences(t *testing.T, s store.Store) {
	user, client := store.ObjectRef{Kind: store.KindUser, ID: 7}, store.ObjectRef{Kind: store.KindClient, ID: 7}
	keep(t, s, user, "views", `[1]`)
	keep(t, s, user, "a'\"b", "\x00\xff")
	keep(t, s, client, "views", `[2]`)
	before := now()
	stored := keep(t, s, user, "views", `[3]`)
	if stored.UpdatedAt.Before(before) {
		t.Errorf("it was stored at %v, before %v", stored.UpdatedAt, before)
	}
	equal(t, "of the user", preferences(t, s, user), []store.Preference{{Name: "a'\"b", Value: []byte("\x00\xff")}, {Name: "views", Value: []byte(`[3]`)}}, withoutTime)
	equal(t, "of the client", preferences(t, s, client), []store.Preference{{Name: "views", Value: []byte(`[2]`)}}, withoutTime)
	equal(t, "of somebody else", preferences(t, s, store.ObjectRef{Kind: store.KindUser, ID: 8}), nil)
	got, err := s.Preference(t.Context(), user, "views")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "one of them", got, stored)

	if err := s.DeletePreference(t.Context(), user, "views"); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"deleting it again": s.DeletePreference(t.Context(), user, "views"),
		"reading it":        func() error { _, err := s.Preference(t.Context(), user, "views"); return err }(),
	} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s gives %v, want ErrNotFound", name, err)
		}
	}
	equal(t, "of the client after it", preferences(t, s, client), []store.Preference{{Name: "views", Value: []byte(`[2]`)}}, withoutTime)
}

func testPreferencesFull(t *testing.T, s store.Store) {
	user, other := store.ObjectRef{Kind: store.KindUser, ID: 7}, store.ObjectRef{Kind: store.KindUser, ID: 8}
	for i := range store.MaxPreferences {
		keep(t, s, user, fmt.Sprint(i), "0")
	}
	if _, err := s.PutPreference(t.Context(), user, store.Preference{Name: "more", Value: []byte("0")}); !errors.Is(err, store.ErrFull) {
		t.Errorf("one more gives %v, want ErrFull", err)
	}
	keep(t, s, user, "1", "1") // replacing is no more
	keep(t, s, other, "more", "0")
	if got := len(preferences(t, s, user)); got != store.MaxPreferences {
		t.Errorf("there are %d, want %d", got, store.MaxPreferences)
	}
}

func testPreferencesOwner(t *testing.T, s store.Store) {
	ids := change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{object(store.KindClient, "a"), object(store.KindClient, "b")}})
	gone, kept := store.ObjectRef{Kind: store.KindClient, ID: ids[0]}, store.ObjectRef{Kind: store.KindClient, ID: ids[1]}
	keep(t, s, gone, "views", "1")
	keep(t, s, kept, "views", "1")
	change(t, s, store.ConfigUpdate{Delete: []store.ObjectRef{gone}})
	equal(t, "of the deleted client", preferences(t, s, gone), nil)
	if got := len(preferences(t, s, kept)); got != 1 {
		t.Errorf("the other client has %d, want 1", got)
	}
}
