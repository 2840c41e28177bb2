package storetest

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"dispatchapy"
	"dispatchapy/internal/store"
)

var auditCases = []testCase{
	{"RoundTrip", testAuditRoundTrip},
	{"OfConfig", testAuditOfConfig},
	{"NoneOfARefusedUpdate", testAuditRefused},
	{"EventOfConfig", testConfigEvent},
	{"Filters", testAuditFilters},
	{"Pages", testAuditPages},
	{"Rewrite", testAuditRewrite},
}

func listAudit(t testing.TB, s store.Store, q store.AuditQuery) []store.AuditEntry {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	entries, err := s.ListAudit(t.Context(), q)
	if err != nil {
		t.Fatalf("ListAudit(%+v): %v", q, err)
	}
	return entries
}

func appendAudit(t testing.TB, s store.Store, entries ...store.AuditEntry) {
	t.Helper()
	if err := s.AppendAudit(t.Context(), entries); err != nil {
		t.Fatalf("AppendAudit: %v", err)
	}
}

var ignoreAuditID = cmpopts.IgnoreFields(store.AuditEntry{}, "ID")

func testAuditRoundTrip(t *testing.T, s store.Store) {
	full := store.AuditEntry{
		At: now().Add(-time.Hour), By: "büro 'x'", Action: "rotate token", Kind: store.KindClient, ObjectID: clientA, Name: "shop",
		Version: 7, Detail: "token", Before: []byte(`{"a":1}`), After: []byte("\x00\xff"),
	}
	appendAudit(t, s, full)
	before := now()
	appendAudit(t, s, store.AuditEntry{By: "nobody", Action: "sign in refused"})
	got := listAudit(t, s, store.AuditQuery{})
	if len(got) != 2 || got[0].ID <= got[1].ID {
		t.Fatalf("two entries are listed as %+v, want the newest first", got)
	}
	equal(t, "entry", got[1], full, ignoreAuditID)
	if at := got[0].At; at.Before(before) || at.After(time.Now()) {
		t.Errorf("an entry without a time got %v, want the present one", at)
	}
	if got[0].Before != nil || got[0].After != nil {
		t.Errorf("what was not there before or after came back as %q and %q", got[0].Before, got[0].After)
	}
}

func testAuditOfConfig(t *testing.T, s store.Store) {
	old := change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{object(store.KindResource, "old"), object(store.KindClient, "same")}})
	renamed := object(store.KindResource, "renamed")
	renamed.ID = old[0]
	ids := change(t, s, store.ConfigUpdate{
		Put:    []store.ConfigObject{object(store.KindEndpoint, "same"), renamed},
		Delete: []store.ObjectRef{{Kind: store.KindClient, ID: old[1]}},
		Audit: []store.AuditEntry{
			{By: "ann", Action: "create", Kind: store.KindEndpoint, Name: "same", After: []byte("{}")},
			{By: "ann", Action: "update", Kind: store.KindResource, ObjectID: old[0], Name: "renamed", Detail: "name"},
			{By: "ann", Action: "delete", Kind: store.KindClient, ObjectID: old[1], Name: "same", Before: []byte("{}")},
		},
	})
	equal(t, "entries", listAudit(t, s, store.AuditQuery{}), []store.AuditEntry{
		{By: "ann", Action: "delete", Kind: store.KindClient, ObjectID: old[1], Name: "same", Version: 2, Before: []byte("{}")},
		{By: "ann", Action: "update", Kind: store.KindResource, ObjectID: old[0], Name: "renamed", Version: 2, Detail: "name"},
		{By: "ann", Action: "create", Kind: store.KindEndpoint, ObjectID: ids[0], Name: "same", Version: 2, After: []byte("{}")},
	}, ignoreAuditID, cmpopts.IgnoreFields(store.AuditEntry{}, "At"))
}

func testAuditRefused(t *testing.T, s store.Store) {
	entry := []store.AuditEntry{{By: "ann", Action: "create"}}
	put := []store.ConfigObject{object(store.KindClient, "twin"), object(store.KindClient, "twin")}
	for _, update := range []store.ConfigUpdate{{Expect: 5, Audit: entry}, {Put: put, Audit: entry}} {
		if _, _, err := s.ApplyConfig(t.Context(), update); err == nil {
			t.Errorf("%+v was accepted", update)
		}
	}
	if got := listAudit(t, s, store.AuditQuery{}); len(got) != 0 {
		t.Errorf("refused updates left the entries %+v", got)
	}
}

func testAuditFilters(t *testing.T, s store.Store) {
	start := now().Add(-time.Hour)
	entries := []store.AuditEntry{
		{By: "ann", Action: "1", Kind: store.KindClient, ObjectID: 5, At: start},
		{By: "bob", Action: "2", Kind: store.KindClient, ObjectID: 6, At: start.Add(time.Minute)},
		{By: "ann", Action: "3", Kind: "task", ObjectID: 5, At: start.Add(2 * time.Minute)},
		{By: "bob", Action: "4", Kind: "", At: start.Add(3 * time.Minute)},
	}
	appendAudit(t, s, entries...)
	for name, c := range map[string]struct {
		q    store.AuditQuery
		want string
	}{
		"all":             {store.AuditQuery{}, "4321"},
		"by":              {store.AuditQuery{By: "ann"}, "31"},
		"kind":            {store.AuditQuery{Kind: store.KindClient}, "21"},
		"object":          {store.AuditQuery{Kind: store.KindClient, ObjectID: 5}, "1"},
		"object of kinds": {store.AuditQuery{ObjectID: 5}, "31"},
		"since":           {store.AuditQuery{Since: start.Add(time.Minute)}, "432"},
		"until":           {store.AuditQuery{Until: start.Add(2 * time.Minute)}, "21"},
		"span and by":     {store.AuditQuery{Since: start, Until: start.Add(time.Minute), By: "ann"}, "1"},
		"nothing":         {store.AuditQuery{By: "ann", ObjectID: 6}, ""},
	} {
		got := ""
		for _, e := range listAudit(t, s, c.q) {
			got += e.Action
		}
		if got != c.want {
			t.Errorf("%s: entries %q, want %q", name, got, c.want)
		}
	}
}

func testAuditPages(t *testing.T, s store.Store) {
	for range 7 {
		appendAudit(t, s, store.AuditEntry{By: "ann"}, store.AuditEntry{By: "bob"})
	}
	var paged []store.AuditEntry
	q := store.AuditQuery{By: "bob", Limit: 3}
	for {
		page := listAudit(t, s, q)
		if paged = append(paged, page...); len(page) < q.Limit {
			break
		}
		q.Before = page[len(page)-1].ID
	}
	all := listAudit(t, s, store.AuditQuery{By: "bob"})
	if diff := cmp.Diff(all, paged); diff != "" || len(all) != 7 {
		t.Errorf("%d entries in pages, %d at once (-at once +in pages):\n%s", len(paged), len(all), diff)
	}
}

// testConfigEvent: an update is an event, once and only if it was made.
func testConfigEvent(t *testing.T, s store.Store) {
	update := store.ConfigUpdate{
		Put:   []store.ConfigObject{object(store.KindClient, "shop"), object(store.KindClient, "bank")},
		Audit: []store.AuditEntry{{By: "ann", Action: "create", Kind: store.KindClient, Name: "shop"}, {By: "ann", Action: "create", Kind: store.KindClient, Name: "bank"}},
	}
	before := now()
	change(t, s, update)
	got := events(t, s)
	if len(got) != 1 || got[0].Kind != dispatchapy.EventConfigChanged || got[0].Detail != "ann created client shop, created client bank" {
		t.Fatalf("events of an update: %+v", got)
	}
	if at := got[0].At; at.Before(before) || at.After(time.Now()) {
		t.Errorf("the event is of %v", at)
	}
	if _, _, err := s.ApplyConfig(t.Context(), update); err == nil {
		t.Error("an update of an old version is made")
	}
	change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{object(store.KindClient, "unnoticed")}})
	if err := s.AppendEvents(t.Context(), []dispatchapy.Event{{Kind: dispatchapy.EventLoginThrottled, Detail: "another"}}); err != nil {
		t.Fatalf("AppendEvents: %v", err)
	}
	got = events(t, s)
	if len(got) != 2 || got[0].Kind != dispatchapy.EventLoginThrottled || got[0].Detail != "another" || got[0].At.Before(before) {
		t.Errorf("events in the end: %+v", got)
	}
}

func testAuditRewrite(t *testing.T, s store.Store) {
	appendAudit(t, s, store.AuditEntry{By: "a", Action: "create", After: []byte("1")}, store.AuditEntry{By: "b", Action: "sign in"},
		store.AuditEntry{By: "c", Action: "update", Before: []byte("2"), After: []byte("3")})
	twice := func(text []byte) ([]byte, error) { return bytes.Repeat(text, 2), nil }
	var last int64
	for _, more := range []bool{true, true, false} {
		var err error
		if last, err = s.RewriteAudit(t.Context(), last, 2, twice); err != nil || (last > 0) != more {
			t.Fatalf("RewriteAudit gives %d, %v", last, err)
		}
	}
	if _, err := s.RewriteAudit(t.Context(), 0, 10, func(text []byte) ([]byte, error) {
		if string(text) == "33" {
			return nil, errors.New("not this one")
		}
		return []byte("half done"), nil
	}); err == nil {
		t.Error("an error of rewrite is none of RewriteAudit")
	}
	got := listAudit(t, s, store.AuditQuery{})
	equal(t, "newest", got[0].Before, []byte("22"))
	equal(t, "newest", got[0].After, []byte("33"))
	if got[1].Before != nil || got[1].After != nil {
		t.Errorf("an entry without texts got some: %q, %q", got[1].Before, got[1].After)
	}
	equal(t, "oldest", got[2].After, []byte("11"))
}
