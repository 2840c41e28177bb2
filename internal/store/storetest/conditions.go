package storetest

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"dispatchapy"
	"dispatchapy/internal/store"
)

var conditionCases = []testCase{
	{"RoundTrip", testConditionRoundTrip},
	{"OnlyFromTheStoredVersion", testConditionVersions},
	{"OneOfManyNodesTells", testConditionConcurrent},
	{"DeletionForgets", testConditionDeletion},
}

// endpointDown makes the change of an endpoint whose resources are all down.
func endpointDown(endpointID, version int64, active bool) store.ConditionChange {
	key := store.ConditionKey{Kind: dispatchapy.EventEndpointDown, EndpointID: endpointID}
	kind := dispatchapy.EventEndpointUp
	if active {
		kind = dispatchapy.EventEndpointDown
	}
	return store.ConditionChange{
		Condition: store.Condition{ConditionKey: key, Active: active, Level: 3, Since: oclock, Version: version},
		Incident: &store.IncidentChange{
			Kind: key.Kind, EndpointID: endpointID, At: oclock, Open: active, Close: !active, Cause: "all are down",
			Event: &dispatchapy.Event{Kind: kind, At: oclock, EndpointID: endpointID},
		},
	}
}

func recordConditions(t testing.TB, s store.Store, changes ...store.ConditionChange) []int {
	t.Helper()
	stale, err := s.RecordConditions(t.Context(), changes)
	if err != nil {
		t.Fatalf("RecordConditions: %v", err)
	}
	return stale
}

func conditions(t testing.TB, s store.Store) []store.Condition {
	t.Helper()
	list, err := s.LoadConditions(t.Context())
	if err != nil {
		t.Fatalf("LoadConditions: %v", err)
	}
	return list
}

func testConditionRoundTrip(t *testing.T, s store.Store) {
	equal(t, "conditions of a new database", conditions(t, s), nil)
	b := endpointDown(endpointB, 0, true)
	b.Incident = nil
	breaker := store.ConditionChange{Condition: store.Condition{
		ConditionKey: store.ConditionKey{Kind: dispatchapy.EventBreakerOpen, ResourceID: resourceA}, Since: oclock}}
	equal(t, "stale", recordConditions(t, s, endpointDown(endpointA, 0, true), b, breaker), nil)
	want := []store.Condition{breaker.Condition, endpointDown(endpointA, 0, true).Condition, b.Condition}
	for i := range want {
		want[i].Version = 1
	}
	equal(t, "conditions", conditions(t, s), want)
	equal(t, "incidents", incidents(t, s, store.IncidentQuery{}), []dispatchapy.Incident{
		{Kind: dispatchapy.EventEndpointDown, EndpointID: endpointA, OpenedAt: oclock, Cause: "all are down"},
	}, cmpopts.IgnoreFields(dispatchapy.Incident{}, "ID"))
	equal(t, "events", told(t, s), []string{"endpoint.down 1"})
}

func testConditionVersions(t *testing.T, s store.Store) {
	change := func(version int64, active bool) store.ConditionChange {
		return endpointDown(endpointA, version, active)
	}
	equal(t, "stale from nothing", recordConditions(t, s, change(1, true)), []int{0})
	equal(t, "stale of the first", recordConditions(t, s, change(0, true)), nil)
	equal(t, "stale of those that come late", recordConditions(t, s, change(0, true), endpointDown(endpointB, 0, true), change(2, false)), []int{0, 2})
	equal(t, "stale of the second", recordConditions(t, s, change(1, false)), nil)
	equal(t, "events", told(t, s), []string{"endpoint.down 1", "endpoint.down 2", "endpoint.up 1"})
	for _, c := range conditions(t, s) {
		if mine := c.EndpointID == endpointA; mine && (c.Active || c.Version != 2) || !mine && (!c.Active || c.Version != 1) {
			t.Errorf("stored is %+v", c)
		}
	}
}

func testConditionConcurrent(t *testing.T, s store.Store) {
	const nodes = 8
	for version := range int64(6) {
		var made atomic.Int32
		each(nodes, func(int) {
			stale, err := s.RecordConditions(t.Context(), []store.ConditionChange{endpointDown(endpointA, version, version%2 == 0)})
			if err != nil {
				t.Error(err)
			}
			if len(stale) == 0 {
				made.Add(1)
			}
		})
		if made.Load() != 1 {
			t.Fatalf("%d of %d nodes changed version %d", made.Load(), nodes, version)
		}
	}
	if events := told(t, s); len(events) != 6 {
		t.Errorf("%d events, want one for each change: %v", len(events), events)
	}
}

func testConditionDeletion(t *testing.T, s store.Store) {
	ids := change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{{Kind: store.KindResource, Name: "r"}, {Kind: store.KindEndpoint, Name: "e"}}})
	breaker := store.ConditionChange{Condition: store.Condition{
		ConditionKey: store.ConditionKey{Kind: dispatchapy.EventBreakerOpen, ResourceID: ids[0]}, Active: true, Since: time.Now()}}
	recordConditions(t, s, endpointDown(ids[1], 0, true), endpointDown(endpointB, 0, true), breaker)
	change(t, s, store.ConfigUpdate{Delete: []store.ObjectRef{{Kind: store.KindResource, ID: ids[0]}, {Kind: store.KindEndpoint, ID: ids[1]}}})
	if left := conditions(t, s); len(left) != 1 || left[0].EndpointID != endpointB {
		t.Errorf("left are %+v", left)
	}
	open := true
	if left := incidents(t, s, store.IncidentQuery{Open: &open}); len(left) != 1 || left[0].EndpointID != endpointB {
		t.Errorf("open are %+v", left)
	}
}
