package storetest

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/store"
)

var configCases = []testCase{
	{"Empty", testConfigEmpty},
	{"RoundTrip", testConfigRoundTrip},
	{"Update", testConfigUpdate},
	{"VersionConflict", testConfigConflict},
	{"AllOrNothing", testConfigAtomic},
	{"NamesAreUniquePerKind", testConfigUnique},
	{"NamesCanBeExchanged", testConfigSwap},
	{"DeleteAndCreateAgain", testConfigRecreate},
	{"ObjectNames", testConfigNames},
	{"RivalsHaveOneWinner", testConfigRivals},
}

// change applies an update to the present version and gives the ids of Put.
func change(t testing.TB, s store.Store, update store.ConfigUpdate) []int64 {
	t.Helper()
	version, err := s.ConfigVersion(t.Context())
	if err != nil {
		t.Fatalf("ConfigVersion: %v", err)
	}
	update.Expect = version
	next, ids, err := s.ApplyConfig(t.Context(), update)
	if err != nil {
		t.Fatalf("ApplyConfig: %v", err)
	}
	if next != version+1 {
		t.Fatalf("version went from %d to %d", version, next)
	}
	if len(ids) != len(update.Put) {
		t.Fatalf("%d objects were put, %d ids came back", len(update.Put), len(ids))
	}
	return ids
}

// object makes an object that is not stored yet.
func object(kind store.Kind, name string) store.ConfigObject {
	return store.ConfigObject{Kind: kind, Name: name, Body: fmt.Appendf(nil, `{"name":%q}`, name)}
}

// graph is a configuration as loaded, by kind and id.
type graph map[store.ObjectRef]store.ConfigObject

func load(t testing.TB, s store.Store) (int64, graph) {
	t.Helper()
	version, objects, err := s.LoadConfig(t.Context())
	if err != nil {
		t.Fatalf("LoadConfig: %v", err)
	}
	g := graph{}
	for _, o := range objects {
		g[store.ObjectRef{Kind: o.Kind, ID: o.ID}] = o
	}
	if len(g) != len(objects) {
		t.Fatalf("%d objects share their kind and id: %+v", len(objects)-len(g), objects)
	}
	return version, g
}

func testConfigEmpty(t *testing.T, s store.Store) {
	version, g := load(t, s)
	if version != 0 || len(g) != 0 {
		t.Errorf("an empty database has version %d and %+v", version, g)
	}
	if v, err := s.ConfigVersion(t.Context()); err != nil || v != 0 {
		t.Errorf("ConfigVersion gives %d, %v; want 0", v, err)
	}
}

func testConfigRoundTrip(t *testing.T, s store.Store) {
	binary := store.ConfigObject{Kind: store.KindClient, Name: "büro 'x' %_", Body: []byte("\x00\xff sealed \x80")}
	put := []store.ConfigObject{
		{Kind: store.KindSettings, ID: 1, Name: "settings", Body: []byte(`{"max_attempts":5}`)},
		object(store.KindResource, "sms"), object(store.KindEndpoint, "sms"), binary, object(store.KindResource, "mail"),
	}
	ids := change(t, s, store.ConfigUpdate{Put: put})
	if ids[0] != 1 {
		t.Errorf("the settings have id %d, want 1", ids[0])
	}
	want := graph{}
	for i, o := range put {
		o.ID, o.Version = ids[i], 1
		want[store.ObjectRef{Kind: o.Kind, ID: o.ID}] = o
	}
	version, got := load(t, s)
	equal(t, "objects", got, want)
	if v, err := s.ConfigVersion(t.Context()); err != nil || v != version || v != 1 {
		t.Errorf("LoadConfig gives version %d and ConfigVersion %d (%v), want 1", version, v, err)
	}
}

func testConfigUpdate(t *testing.T, s store.Store) {
	ids := change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{object(store.KindResource, "a"), object(store.KindResource, "b")}})
	renamed := object(store.KindResource, "c")
	renamed.ID = ids[1]
	if got := change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{renamed}}); got[0] != ids[1] {
		t.Errorf("an updated object has id %d, want %d", got[0], ids[1])
	}
	_, g := load(t, s)
	renamed.Version = 2
	equal(t, "changed object", g[store.ObjectRef{Kind: store.KindResource, ID: ids[1]}], renamed)
	if v := g[store.ObjectRef{Kind: store.KindResource, ID: ids[0]}].Version; v != 1 {
		t.Errorf("an object that was not changed has version %d, want 1", v)
	}

	missing := object(store.KindResource, "d")
	missing.ID = ids[1] + 1000
	if _, _, err := s.ApplyConfig(t.Context(), store.ConfigUpdate{Expect: 2, Put: []store.ConfigObject{missing}}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an object that does not exist was updated: %v", err)
	}
	if version, g := load(t, s); version != 2 || len(g) != 2 {
		t.Errorf("the refused update left version %d and %+v", version, g)
	}
}

func testConfigConflict(t *testing.T, s store.Store) {
	change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{object(store.KindClient, "a")}})
	_, before := load(t, s)
	for _, expect := range []int64{0, 2} {
		_, _, err := s.ApplyConfig(t.Context(), store.ConfigUpdate{Expect: expect, Put: []store.ConfigObject{object(store.KindClient, "b")}})
		if !errors.Is(err, store.ErrVersionConflict) {
			t.Errorf("a change made from version %d of 1 gives %v, want ErrVersionConflict", expect, err)
		}
	}
	version, after := load(t, s)
	equal(t, "objects", after, before)
	if version != 1 {
		t.Errorf("version %d, want 1", version)
	}
}

func testConfigAtomic(t *testing.T, s store.Store) {
	ids := change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{object(store.KindResource, "a"), object(store.KindResource, "b")}})
	_, before := load(t, s)
	_, _, err := s.ApplyConfig(t.Context(), store.ConfigUpdate{
		Expect: 1,
		Delete: []store.ObjectRef{{Kind: store.KindResource, ID: ids[0]}},
		Put:    []store.ConfigObject{object(store.KindResource, "c"), object(store.KindResource, "b")},
	})
	if err == nil {
		t.Fatal("a second resource called b was accepted")
	}
	version, after := load(t, s)
	equal(t, "objects after a refused change", after, before)
	if version != 1 {
		t.Errorf("version %d after a refused change, want 1", version)
	}
	names, err := s.ObjectNames(t.Context())
	if err != nil || len(names) != 2 {
		t.Errorf("names after a refused change are %+v, %v", names, err)
	}
}

func testConfigUnique(t *testing.T, s store.Store) {
	change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{
		object(store.KindResource, "a"), object(store.KindEndpoint, "a"), object(store.KindClient, "a"), object(store.KindClient, "A"),
	}})
	if _, g := load(t, s); len(g) != 4 {
		t.Errorf("one name in three kinds gives %+v", g)
	}
	_, _, err := s.ApplyConfig(t.Context(), store.ConfigUpdate{Expect: 1, Put: []store.ConfigObject{
		object(store.KindClient, "twin"), object(store.KindClient, "twin"),
	}})
	if dispatchapy.ErrorCode(err) != dispatchapy.CodeConflict {
		t.Errorf("two clients of one name were accepted in one update: %v", err)
	}
	_, g := load(t, s)
	for ref, o := range g {
		if o.Kind == store.KindClient && o.Name == "A" {
			o.ID, o.Name = ref.ID, "a"
			_, _, err = s.ApplyConfig(t.Context(), store.ConfigUpdate{Expect: 1, Put: []store.ConfigObject{o}})
		}
	}
	if dispatchapy.ErrorCode(err) != dispatchapy.CodeConflict || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("a client got the name of another one: %v", err)
	}
	if _, after := load(t, s); !maps.EqualFunc(g, after, func(a, b store.ConfigObject) bool { return a.Name == b.Name }) {
		t.Errorf("refused changes left %+v, want %+v", after, g)
	}
}

func testConfigSwap(t *testing.T, s store.Store) {
	put := []store.ConfigObject{object(store.KindEndpoint, "a"), object(store.KindEndpoint, "b"), object(store.KindEndpoint, "c")}
	ids := change(t, s, store.ConfigUpdate{Put: put})
	for i := range put {
		put[i].ID, put[i].Name = ids[i], put[(i+1)%3].Name
	}
	put[0].Name, put[1].Name, put[2].Name = "b", "c", "a"
	change(t, s, store.ConfigUpdate{Put: put})
	_, g := load(t, s)
	for i, want := range []string{"b", "c", "a"} {
		if got := g[store.ObjectRef{Kind: store.KindEndpoint, ID: ids[i]}].Name; got != want {
			t.Errorf("object %d is called %q, want %q", ids[i], got, want)
		}
	}
}

func testConfigRecreate(t *testing.T, s store.Store) {
	first := change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{object(store.KindResource, "a")}})[0]
	ref := store.ObjectRef{Kind: store.KindResource, ID: first}
	change(t, s, store.ConfigUpdate{Delete: []store.ObjectRef{ref}})
	if _, g := load(t, s); len(g) != 0 {
		t.Errorf("a deleted object is loaded: %+v", g)
	}
	second := change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{object(store.KindResource, "a")}})[0]
	ref.ID = second
	third := change(t, s, store.ConfigUpdate{Delete: []store.ObjectRef{ref}, Put: []store.ConfigObject{object(store.KindResource, "a")}})[0]
	if first >= second || second >= third {
		t.Errorf("objects of one name had the ids %d, %d, %d; want new ones each time", first, second, third)
	}
	_, g := load(t, s)
	if len(g) != 1 || g[store.ObjectRef{Kind: store.KindResource, ID: third}].Name != "a" {
		t.Errorf("loaded %+v, want only the third object", g)
	}
}

func testConfigNames(t *testing.T, s store.Store) {
	ids := change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{
		object(store.KindResource, "old"), object(store.KindEndpoint, "gone"), object(store.KindClient, "kept"),
	}})
	renamed := object(store.KindResource, "new")
	renamed.ID = ids[0]
	change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{renamed}, Delete: []store.ObjectRef{{Kind: store.KindEndpoint, ID: ids[1]}}})
	again := change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{object(store.KindEndpoint, "gone")}})[0]

	list, err := s.ObjectNames(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[store.ObjectRef]store.ObjectName{}
	for _, n := range list {
		got[n.ObjectRef] = n
	}
	want := map[store.ObjectRef]store.ObjectName{}
	for _, n := range []store.ObjectName{
		{ObjectRef: store.ObjectRef{Kind: store.KindResource, ID: ids[0]}, Name: "new"},
		{ObjectRef: store.ObjectRef{Kind: store.KindEndpoint, ID: ids[1]}, Name: "gone", Deleted: true},
		{ObjectRef: store.ObjectRef{Kind: store.KindEndpoint, ID: again}, Name: "gone"},
		{ObjectRef: store.ObjectRef{Kind: store.KindClient, ID: ids[2]}, Name: "kept"},
	} {
		want[n.ObjectRef] = n
	}
	equal(t, "names", got, want)
	if len(list) != len(want) {
		t.Errorf("%d names are given, want %d", len(list), len(want))
	}
}

func testConfigRivals(t *testing.T, s store.Store) {
	const rivals = 8
	errs := make([]error, rivals)
	each(rivals, func(i int) {
		_, _, errs[i] = s.ApplyConfig(t.Context(), store.ConfigUpdate{
			Put: []store.ConfigObject{object(store.KindClient, fmt.Sprintf("client %d", i))},
		})
	})
	winner := ""
	for i, err := range errs {
		switch {
		case err == nil && winner != "":
			t.Error("two changes were made from one version")
		case err == nil:
			winner = fmt.Sprintf("client %d", i)
		case !errors.Is(err, store.ErrVersionConflict):
			t.Errorf("the loser got %v, want ErrVersionConflict", err)
		}
	}
	version, g := load(t, s)
	if version != 1 || len(g) != 1 {
		t.Fatalf("version %d with %d objects, want 1 and 1", version, len(g))
	}
	for _, o := range g {
		if o.Name != winner {
			t.Errorf("stored %q, the winner was %q", o.Name, winner)
		}
	}
}
