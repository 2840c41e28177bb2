package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"dispatchapy"
	"dispatchapy/internal/store"
)

var incidentCases = []testCase{
	{"OpensAndClosesOnce", testIncidentOnce},
	{"StaleChangesNothing", testIncidentStale},
	{"NeighboursKeepTheirOwn", testIncidentSubjects},
	{"Timeline", testIncidentTimeline},
	{"TimelineIsBounded", testIncidentBounds},
	{"Annotations", testIncidentAnnotations},
	{"Lists", testIncidentLists},
	{"DeletionCloses", testIncidentDeletion},
	{"Repairs", testRepairs},
	{"Retention", testIncidentRetention},
	{"Reminders", testIncidentReminders},
	{"EventFilters", testEventFilters},
}

// changed makes a change of the incident of a resource that is down.
func changed(resourceID int64, at time.Time, more ...func(*store.IncidentChange)) store.IncidentChange {
	c := store.IncidentChange{Kind: dispatchapy.EventResourceDown, ResourceID: resourceID, At: at}
	for _, f := range more {
		f(&c)
	}
	return c
}

func opens(c *store.IncidentChange) {
	c.Open, c.Cause = true, "connection refused"
	c.Event = &dispatchapy.Event{Kind: dispatchapy.EventResourceDown, At: c.At, ResourceID: c.ResourceID, Detail: "connection refused"}
}

func closes(c *store.IncidentChange) {
	c.Close, c.Reason = true, "it answers"
	c.Event = &dispatchapy.Event{Kind: dispatchapy.EventResourceUp, At: c.At, ResourceID: c.ResourceID, Detail: "it answers"}
}

func adds(entries ...dispatchapy.IncidentEntry) func(*store.IncidentChange) {
	return func(c *store.IncidentChange) { c.Entries = append(c.Entries, entries...) }
}

// applyIncidents makes changes, each with a check.
func applyIncidents(t testing.TB, s store.Store, changes ...store.IncidentChange) {
	t.Helper()
	for i := range changes {
		o := probed(force(t, s, changes[i].ResourceID, longLease), time.Hour)
		o.Incident = &changes[i]
		recordProbe(t, s, o)
	}
}

func incidents(t testing.TB, s store.Store, q store.IncidentQuery) []dispatchapy.Incident {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	list, err := s.ListIncidents(t.Context(), q)
	if err != nil {
		t.Fatalf("ListIncidents(%+v): %v", q, err)
	}
	return list
}

// timeline reads the one incident there is.
func timeline(t testing.TB, s store.Store) (dispatchapy.Incident, []dispatchapy.IncidentEntry) {
	t.Helper()
	list := incidents(t, s, store.IncidentQuery{})
	if len(list) != 1 {
		t.Fatalf("there are %d incidents, want one: %+v", len(list), list)
	}
	d, err := s.Incident(t.Context(), list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "the incident in the list", list[0], d.Incident)
	return d.Incident, d.Timeline
}

// told gives kind and incident of all events, oldest first.
func told(t testing.TB, s store.Store) (out []string) {
	t.Helper()
	all := events(t, s)
	for i := len(all) - 1; i >= 0; i-- {
		out = append(out, fmt.Sprintf("%s %d", all[i].Kind, all[i].IncidentID))
	}
	return out
}

func testIncidentOnce(t *testing.T, s store.Store) {
	at := oclock
	applyIncidents(t, s,
		changed(resourceA, at, closes), // there is nothing to close
		changed(resourceA, at, adds(dispatchapy.IncidentEntry{Kind: dispatchapy.EntryFailedChecks, At: at})),
		changed(resourceA, at, opens),
		changed(resourceA, at.Add(time.Second), opens), // it is open
		changed(resourceA, at.Add(time.Minute), closes),
		changed(resourceA, at.Add(time.Hour), closes), // it is closed
	)
	incident, entries := timeline(t, s)
	equal(t, "incident", incident, dispatchapy.Incident{ID: incident.ID, Kind: dispatchapy.EventResourceDown, ResourceID: resourceA,
		OpenedAt: at, ClosedAt: at.Add(time.Minute), Cause: "connection refused"})
	equal(t, "timeline", entries, []dispatchapy.IncidentEntry{
		{Kind: dispatchapy.EntryOpened, At: at, LastAt: at, Count: 1, Detail: "connection refused", LastDetail: "connection refused"},
		{Kind: dispatchapy.EntryClosed, At: at.Add(time.Minute), LastAt: at.Add(time.Minute), Count: 1, Detail: "it answers", LastDetail: "it answers"},
	}, cmpopts.IgnoreFields(dispatchapy.IncidentEntry{}, "ID"))
	equal(t, "events", told(t, s), []string{
		fmt.Sprintf("resource.down %d", incident.ID), fmt.Sprintf("resource.up %d", incident.ID)})

	// The next time is another incident. A clock that was set back does not
	// close it before it was opened.
	applyIncidents(t, s, changed(resourceA, at.Add(2*time.Hour), opens), changed(resourceA, at, closes))
	list := incidents(t, s, store.IncidentQuery{})
	if len(list) != 2 || list[0].ID <= incident.ID || !list[0].ClosedAt.Equal(at.Add(2*time.Hour)) {
		t.Errorf("after another outage there are %+v", list)
	}
}

func testIncidentStale(t *testing.T, s store.Store) {
	old := force(t, s, resourceA, expiredLease)
	force(t, s, resourceA, longLease)
	o := probed(old, time.Hour)
	c := changed(resourceA, now(), opens)
	o.Incident = &c
	if stale, err := s.RecordProbes(t.Context(), []store.ProbeOutcome{o}); err != nil || len(stale) != 1 {
		t.Fatalf("RecordProbes gave %v, %v, want one stale", stale, err)
	}
	if list := incidents(t, s, store.IncidentQuery{}); len(list) != 0 {
		t.Errorf("a stale check opened %+v", list)
	}
	equal(t, "events", told(t, s), nil)
}

func testIncidentSubjects(t *testing.T, s store.Store) {
	other := changed(resourceA, oclock, opens)
	other.Kind = dispatchapy.EventTaskFailed // any other
	endpoint := changed(resourceA, oclock, opens)
	endpoint.EndpointID = endpointA
	applyIncidents(t, s, changed(resourceA, oclock, opens), changed(resourceB, oclock, opens), other, endpoint)
	yes := true
	if n := len(incidents(t, s, store.IncidentQuery{Open: &yes})); n != 4 {
		t.Fatalf("%d incidents are open, want 4", n)
	}
	applyIncidents(t, s, changed(resourceA, oclock, closes))
	for _, i := range incidents(t, s, store.IncidentQuery{}) {
		if mine := i.Kind == dispatchapy.EventResourceDown && i.ResourceID == resourceA && i.EndpointID == 0; i.IsOpen() == mine {
			t.Errorf("after one was closed: %+v", i)
		}
	}
}

func testIncidentTimeline(t *testing.T, s store.Store) {
	failed := func(at time.Time, count int, detail string) func(*store.IncidentChange) {
		return adds(dispatchapy.IncidentEntry{Kind: dispatchapy.EntryFailedChecks, At: at, Count: count, Detail: detail})
	}
	at := oclock
	applyIncidents(t, s,
		changed(resourceA, at, opens, failed(at.Add(-time.Minute), 3, "first")),
		changed(resourceA, at, adds(dispatchapy.IncidentEntry{Kind: dispatchapy.EntryFailedAttempts, At: at.Add(time.Second), TaskID: 7, Detail: "HTTP 500"})),
		changed(resourceA, at, failed(at.Add(time.Minute), 0, "second")),
		changed(resourceA, at, failed(at.Add(2*time.Minute), 1, "third")),
	)
	incident, _ := timeline(t, s)
	told := dispatchapy.IncidentEntry{Kind: dispatchapy.EntryNotified, At: at.Add(time.Hour), By: "mail", Detail: "sent"}
	if err := s.AddIncidentEntries(t.Context(), incident.ID, []dispatchapy.IncidentEntry{told}); err != nil {
		t.Fatal(err)
	}
	if err := s.AddIncidentEntries(t.Context(), incident.ID+1, []dispatchapy.IncidentEntry{told}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("entries for no incident: %v", err)
	}
	_, entries := timeline(t, s)
	equal(t, "timeline", entries, []dispatchapy.IncidentEntry{
		{Kind: dispatchapy.EntryFailedChecks, At: at.Add(-time.Minute), LastAt: at.Add(2 * time.Minute), Count: 5, Detail: "first", LastDetail: "third"},
		{Kind: dispatchapy.EntryOpened, At: at, LastAt: at, Count: 1, Detail: "connection refused", LastDetail: "connection refused"},
		{Kind: dispatchapy.EntryFailedAttempts, At: at.Add(time.Second), LastAt: at.Add(time.Second), Count: 1, TaskID: 7, Detail: "HTTP 500", LastDetail: "HTTP 500"},
		{Kind: dispatchapy.EntryNotified, At: told.At, LastAt: told.At, Count: 1, By: "mail", Detail: "sent", LastDetail: "sent"},
	}, cmpopts.IgnoreFields(dispatchapy.IncidentEntry{}, "ID"))
}

func testIncidentBounds(t *testing.T, s store.Store) {
	kind := dispatchapy.EntryFailedAttempts
	c := changed(resourceA, oclock, opens)
	for i := range kind.MaxEntries() + 10 {
		at := oclock.Add(time.Duration(i) * time.Second)
		c.Entries = append(c.Entries, dispatchapy.IncidentEntry{Kind: kind, At: at, TaskID: int64(i + 1), Detail: fmt.Sprint(i)})
	}
	applyIncidents(t, s, c)
	_, entries := timeline(t, s)
	last := entries[len(entries)-1]
	if len(entries) != 1+kind.MaxEntries() || last.Count != 11 || last.TaskID != int64(kind.MaxEntries()) ||
		last.Detail != fmt.Sprint(kind.MaxEntries()-1) || last.LastDetail != fmt.Sprint(kind.MaxEntries()+9) {
		t.Errorf("%d entries, the last one %+v", len(entries), last)
	}
}

func testIncidentAnnotations(t *testing.T, s store.Store) {
	applyIncidents(t, s, changed(resourceA, oclock, opens))
	incident, _ := timeline(t, s)
	annotate := func(a store.Annotation) dispatchapy.Incident {
		t.Helper()
		got, err := s.AnnotateIncident(t.Context(), incident.ID, a)
		if err != nil {
			t.Fatalf("AnnotateIncident(%+v): %v", a, err)
		}
		return got
	}
	annotate(store.Annotation{By: "ann", Note: "looking"})
	annotate(store.Annotation{By: "bob", Note: "the provider knows", Acknowledge: true})
	got := annotate(store.Annotation{By: "eve", Acknowledge: true}) // bob has it
	stored, entries := timeline(t, s)
	equal(t, "what is given back", got, stored)
	if got.AcknowledgedBy != "bob" || got.AcknowledgedAt.IsZero() || got.Note != "the provider knows" || !got.IsOpen() {
		t.Errorf("annotated is %+v", got)
	}
	var acts []string
	for _, e := range entries[1:] {
		acts = append(acts, fmt.Sprintf("%s %s %s", e.Kind, e.By, e.Detail))
	}
	equal(t, "timeline", acts, []string{"note ann looking", "acknowledged bob ", "note bob the provider knows"})

	applyIncidents(t, s, changed(resourceA, now(), closes))
	annotate(store.Annotation{By: "ann", Note: "it was the cable"})
	annotate(store.Annotation{By: "ann", Acknowledge: true}) // bob had it: nothing changes
	applyIncidents(t, s, changed(resourceB, oclock, opens), changed(resourceB, now(), closes))
	_, err := s.AnnotateIncident(t.Context(), incident.ID+1, store.Annotation{By: "ann", Acknowledge: true})
	if dispatchapy.ErrorCode(err) != dispatchapy.CodeConflict {
		t.Errorf("acknowledging a closed incident: %v", err)
	}
	if _, err := s.AnnotateIncident(t.Context(), 99, store.Annotation{Note: "n"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a note on no incident: %v", err)
	}
	if _, err := s.Incident(t.Context(), 99); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("reading no incident: %v", err)
	}
}

func testIncidentLists(t *testing.T, s store.Store) {
	for i := range 3 {
		at := oclock.Add(time.Duration(i) * time.Hour)
		applyIncidents(t, s, changed(resourceA, at, opens), changed(resourceA, at.Add(30*time.Minute), closes))
	}
	endpoint := changed(resourceB, oclock.Add(4*time.Hour), opens)
	endpoint.Kind, endpoint.EndpointID = dispatchapy.EventTaskFailed, endpointA
	applyIncidents(t, s, endpoint) // 4, and open
	yes, no := true, false
	for name, tt := range map[string]struct {
		q    store.IncidentQuery
		want []int64
	}{
		"all":                   {store.IncidentQuery{}, []int64{4, 3, 2, 1}},
		"resource":              {store.IncidentQuery{ResourceID: resourceA}, []int64{3, 2, 1}},
		"endpoint":              {store.IncidentQuery{EndpointID: endpointA}, []int64{4}},
		"open":                  {store.IncidentQuery{Open: &yes}, []int64{4}},
		"closed":                {store.IncidentQuery{Open: &no}, []int64{3, 2, 1}},
		"kind":                  {store.IncidentQuery{Kinds: []dispatchapy.EventKind{dispatchapy.EventResourceDown}}, []int64{3, 2, 1}},
		"kinds":                 {store.IncidentQuery{Kinds: []dispatchapy.EventKind{dispatchapy.EventResourceDown, dispatchapy.EventTaskFailed}}, []int64{4, 3, 2, 1}},
		"since one was open":    {store.IncidentQuery{Since: oclock.Add(75 * time.Minute)}, []int64{4, 3, 2}},
		"since one was closed":  {store.IncidentQuery{Since: oclock.Add(30 * time.Minute)}, []int64{4, 3, 2, 1}},
		"until one was opened":  {store.IncidentQuery{Until: oclock.Add(time.Hour)}, []int64{1}},
		"within":                {store.IncidentQuery{Since: oclock.Add(45 * time.Minute), Until: oclock.Add(2 * time.Hour)}, []int64{2}},
		"page":                  {store.IncidentQuery{Before: 4, Limit: 2}, []int64{3, 2}},
		"another resource":      {store.IncidentQuery{ResourceID: 99}, nil},
		"resource and endpoint": {store.IncidentQuery{ResourceID: resourceA, EndpointID: endpointA}, nil},
	} {
		var ids []int64
		for _, i := range incidents(t, s, tt.q) {
			ids = append(ids, i.ID)
		}
		equal(t, name, ids, tt.want)
	}
}

func testIncidentDeletion(t *testing.T, s store.Store) {
	ids := change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{
		{Kind: store.KindResource, Name: "r"}, {Kind: store.KindEndpoint, Name: "e"}, {Kind: store.KindEndpoint, Name: "other"}}})
	about := func(resourceID, endpointID int64) store.IncidentChange {
		c := changed(ids[0], oclock, opens)
		c.ResourceID, c.EndpointID = resourceID, endpointID
		return c
	}
	for _, c := range []store.IncidentChange{about(ids[0], 0), about(0, ids[1]), about(0, ids[2]), about(resourceB, 0)} {
		o := probed(force(t, s, resourceB, longLease), time.Hour)
		o.Incident = &c
		recordProbe(t, s, o)
	}
	change(t, s, store.ConfigUpdate{Delete: []store.ObjectRef{{Kind: store.KindResource, ID: ids[0]}, {Kind: store.KindEndpoint, ID: ids[1]}}})
	for i, open := range map[int64]bool{1: false, 2: false, 3: true, 4: true} {
		d, err := s.Incident(t.Context(), i)
		if err != nil || d.Incident.IsOpen() != open {
			t.Errorf("incident %d: %+v, %v", i, d, err)
		}
	}
	d, _ := s.Incident(t.Context(), 2)
	if last := d.Timeline[len(d.Timeline)-1]; last.Kind != dispatchapy.EntryClosed || last.Detail != "the endpoint was deleted" {
		t.Errorf("the last entry is %+v", last)
	}
}

func testRepairs(t *testing.T, s store.Store) {
	at := oclock
	applyIncidents(t, s,
		changed(resourceA, at.Add(-3*time.Hour), opens), changed(resourceA, at.Add(-2*time.Hour), closes), // too early
		changed(resourceA, at.Add(-time.Hour), opens), changed(resourceA, at.Add(time.Hour), closes),
		changed(resourceA, at.Add(2*time.Hour), opens), changed(resourceA, at.Add(3*time.Hour), closes),
		changed(resourceA, at.Add(4*time.Hour), opens),
		changed(resourceB, at.Add(-time.Hour), opens),
	)
	other := changed(resourceB, at, opens)
	other.Kind = dispatchapy.EventTaskFailed
	applyIncidents(t, s, other)
	repairs := func(ids []int64) []store.Repairs {
		t.Helper()
		got, err := s.Repairs(t.Context(), dispatchapy.EventResourceDown, at, ids)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	want := []store.Repairs{{ResourceID: resourceA, Opened: 2, Closed: 2, Took: 3 * time.Hour}, {ResourceID: resourceB}}
	equal(t, "repairs", repairs(nil), want)
	equal(t, "repairs of one", repairs([]int64{resourceB, 99}), want[1:])
	equal(t, "repairs of none", repairs([]int64{}), nil)
}

func testIncidentRetention(t *testing.T, s store.Store) {
	for i := range 5 {
		at := now().Add(-time.Duration(50-i) * 24 * time.Hour)
		applyIncidents(t, s, changed(resourceA, at, opens), changed(resourceA, at, closes))
	}
	applyIncidents(t, s, changed(resourceB, now().Add(-99*24*time.Hour), opens)) // open as yet
	for _, want := range []int{2, 1, 0} {
		if n, err := s.DeleteOldIncidents(t.Context(), (47*24+12)*time.Hour, 2); err != nil || n != want {
			t.Errorf("DeleteOldIncidents gave %d, %v, want %d", n, err, want)
		}
	}
	if left := incidents(t, s, store.IncidentQuery{}); len(left) != 3 || left[2].ID != 4 {
		t.Errorf("left are %+v", left)
	}
	if _, err := s.Incident(t.Context(), 1); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a deleted incident: %v", err)
	}
}

func testIncidentReminders(t *testing.T, s store.Store) {
	event := func(kind dispatchapy.EventKind) *dispatchapy.Event {
		return &dispatchapy.Event{Kind: kind, At: oclock, ResourceID: resourceA, Detail: "d"}
	}
	reminds := func(c *store.IncidentChange) { c.Reminder = event(dispatchapy.EventResourceReminder) }
	always := func(c *store.IncidentChange) { c.Always = event(dispatchapy.EventResourceFlapping) }
	applyIncidents(t, s,
		changed(resourceA, oclock, reminds, always), // of nothing
		changed(resourceA, oclock, opens),
		changed(resourceA, oclock, reminds),
		changed(resourceA, oclock, always),
	)
	if _, err := s.AnnotateIncident(t.Context(), 1, store.Annotation{By: "ann", Acknowledge: true}); err != nil {
		t.Fatal(err)
	}
	applyIncidents(t, s, changed(resourceA, oclock, reminds)) // somebody is at it
	equal(t, "events", told(t, s), []string{"resource.flapping 0", "resource.down 1", "resource.reminder 1", "resource.flapping 1"})
	_, entries := timeline(t, s)
	var kinds []dispatchapy.EntryKind
	for _, e := range entries {
		kinds = append(kinds, e.Kind)
	}
	equal(t, "timeline", kinds, []dispatchapy.EntryKind{dispatchapy.EntryOpened, dispatchapy.EntryReminder, dispatchapy.EntryAcknowledged})
}

func testEventFilters(t *testing.T, s store.Store) {
	list := []dispatchapy.Event{
		{Kind: dispatchapy.EventResourceDown, At: oclock, ResourceID: resourceA},
		{Kind: dispatchapy.EventTaskFailed, At: oclock.Add(time.Hour), EndpointID: endpointA, TaskID: 7},
		{Kind: dispatchapy.EventResourceUp, At: oclock.Add(2 * time.Hour), ResourceID: resourceA, IncidentID: 5},
		{Kind: dispatchapy.EventResourceDown, At: oclock.Add(3 * time.Hour), ResourceID: resourceB, EndpointID: endpointB},
	}
	if err := s.AppendEvents(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	equal(t, "round trip", events(t, s)[3], func() dispatchapy.Event { e := list[0]; e.ID = 1; return e }())
	kinds := func(kinds ...dispatchapy.EventKind) []dispatchapy.EventKind { return kinds }
	for name, tt := range map[string]struct {
		q    store.EventQuery
		want []int64
	}{
		"kind":              {store.EventQuery{Kinds: kinds(dispatchapy.EventResourceDown)}, []int64{4, 1}},
		"kinds":             {store.EventQuery{Kinds: kinds(dispatchapy.EventResourceDown, dispatchapy.EventResourceUp)}, []int64{4, 3, 1}},
		"resource":          {store.EventQuery{ResourceID: resourceA}, []int64{3, 1}},
		"endpoint":          {store.EventQuery{EndpointID: endpointA}, []int64{2}},
		"incident":          {store.EventQuery{IncidentID: 5}, []int64{3}},
		"since":             {store.EventQuery{Since: oclock.Add(time.Hour)}, []int64{4, 3, 2}},
		"until":             {store.EventQuery{Until: oclock.Add(time.Hour)}, []int64{1}},
		"kind and resource": {store.EventQuery{Kinds: kinds(dispatchapy.EventResourceDown), ResourceID: resourceB, Since: oclock}, []int64{4}},
		"page":              {store.EventQuery{ResourceID: resourceA, Before: 3}, []int64{1}},
	} {
		tt.q.Limit = 10
		got, err := s.ListEvents(t.Context(), tt.q)
		if err != nil {
			t.Fatal(err)
		}
		var ids []int64
		for _, e := range got {
			ids = append(ids, e.ID)
		}
		equal(t, name, ids, tt.want)
	}
}
