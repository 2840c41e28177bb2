package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"dispatchapy"
	"dispatchapy/internal/store"
)

var planCases = []testCase{
	{"EventsAreClaimedOnce", testClaimEvents},
	{"ClaimersShareEvents", testClaimEventsTogether},
	{"StalePlansChangeNothing", testStalePlan},
	{"NoticesShareNotifications", testNoticesJoin},
	{"WhatIsBeingSentIsNotJoined", testNoticesJoinNothingSent},
	{"NobodyIsToldTwice", testToldOnce},
	{"RemindersWaitForNothing", testReminderWhileWaiting},
	{"Pause", testNoticePause},
	{"Bounds", testNoticeBounds},
}

var (
	mailLane = dispatchapy.ChannelRef{Name: "ops", Via: dispatchapy.ViaEmail}
	hookLane = dispatchapy.ChannelRef{Name: "chat", Via: dispatchapy.ViaWebhook}
	ownLane  = dispatchapy.ChannelRef{ResourceID: resourceA, Via: dispatchapy.ViaEmail}
)

// happen stores events.
func happen(t testing.TB, s store.Store, events ...dispatchapy.Event) {
	t.Helper()
	if err := s.AppendEvents(t.Context(), events); err != nil {
		t.Fatalf("AppendEvents: %v", err)
	}
}

func claimEvents(t testing.TB, s store.Store, limit int, lease time.Duration) []store.LeasedEvent {
	t.Helper()
	claimed, err := s.ClaimEvents(t.Context(), lease, limit)
	if err != nil {
		t.Fatalf("ClaimEvents: %v", err)
	}
	return claimed
}

// plan plans all events that wait, with notices for each.
func plan(t testing.TB, s store.Store, notices ...store.Notice) {
	t.Helper()
	var plans []store.EventPlan
	for _, l := range claimEvents(t, s, 200, longLease) {
		plans = append(plans, store.EventPlan{EventID: l.Event.ID, Fence: l.Fence, Notices: notices})
	}
	stale, err := s.PlanEvents(t.Context(), plans)
	if err != nil || len(stale) > 0 {
		t.Fatalf("PlanEvents: stale %v, %v", stale, err)
	}
}

// notice is one that is due at once.
func notice(c dispatchapy.ChannelRef, group string) store.Notice {
	return store.Notice{Channel: c, Group: group}
}

func notifications(t testing.TB, s store.Store, q store.NotificationQuery) []dispatchapy.Notification {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 500
	}
	list, err := s.ListNotifications(t.Context(), q)
	if err != nil {
		t.Fatalf("ListNotifications(%+v): %v", q, err)
	}
	return list
}

// waiting says what waits, oldest first: channel, group or not, and how many
// events.
func waiting(t testing.TB, s store.Store) (out []string) {
	t.Helper()
	list := notifications(t, s, store.NotificationQuery{})
	for i := len(list) - 1; i >= 0; i-- {
		n := &list[i]
		out = append(out, fmt.Sprintf("%s %s: %d, %s %s", n.Channel.Name, n.Status, n.Events, n.Kind, n.Severity))
	}
	return out
}

func testClaimEvents(t *testing.T, s store.Store) {
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed, At: oclock, EndpointID: endpointA, TaskID: 7, Detail: "spent"},
		dispatchapy.Event{Kind: dispatchapy.EventConfigChanged, At: oclock}, dispatchapy.Event{Kind: dispatchapy.EventLoginThrottled, At: oclock})
	first := claimEvents(t, s, 2, expiredLease)
	if len(first) != 2 {
		t.Fatalf("%d events were claimed, want 2", len(first))
	}
	equal(t, "the oldest event", first[0].Event, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed, At: oclock, EndpointID: endpointA, TaskID: 7, Detail: "spent"},
		cmpopts.IgnoreFields(dispatchapy.Event{}, "ID"))
	again := claimEvents(t, s, 10, longLease)
	if len(again) != 3 {
		t.Fatalf("after the leases ran out %d events were claimed, want 3", len(again))
	}
	if more := claimEvents(t, s, 10, longLease); len(more) != 0 {
		t.Errorf("%d leased events were claimed", len(more))
	}
	for _, l := range again {
		if l.Event.ID == first[0].Event.ID && l.Fence <= first[0].Fence {
			t.Errorf("the fence was %d, and then %d", first[0].Fence, l.Fence)
		}
	}
	if _, err := s.ClaimEvents(t.Context(), 0, 1); err == nil {
		t.Error("a lease of no time was given")
	}
}

func testClaimEventsTogether(t *testing.T, s store.Store) {
	const many = 60
	for range many {
		happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed})
	}
	got := make([][]store.LeasedEvent, 6)
	each(len(got), func(i int) {
		for range 5 {
			claimed, err := s.ClaimEvents(t.Context(), longLease, 4)
			if err != nil {
				t.Error(err)
			}
			got[i] = append(got[i], claimed...)
		}
	})
	seen := map[int64]bool{}
	for _, list := range got {
		for _, l := range list {
			if seen[l.Event.ID] {
				t.Errorf("event %d was claimed twice", l.Event.ID)
			}
			seen[l.Event.ID] = true
		}
	}
	if len(seen) != many {
		t.Errorf("%d events were claimed, want %d", len(seen), many)
	}
}

func testStalePlan(t *testing.T, s store.Store) {
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed}, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed})
	old := claimEvents(t, s, 10, expiredLease)
	now := claimEvents(t, s, 1, longLease)
	if len(old) != 2 || len(now) != 1 {
		t.Fatalf("claimed %d and %d events", len(old), len(now))
	}
	plans := []store.EventPlan{}
	for _, l := range old {
		plans = append(plans, store.EventPlan{EventID: l.Event.ID, Fence: l.Fence, Notices: []store.Notice{notice(mailLane, "")}})
	}
	stale, err := s.PlanEvents(t.Context(), plans)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "stale plans", stale, []int64{now[0].Event.ID})
	equal(t, "what waits", waiting(t, s), []string{"ops pending: 1, task.failed warning"})
	// What is planned is planned.
	if stale, err = s.PlanEvents(t.Context(), plans[1:]); err != nil || len(stale) != 1 {
		t.Errorf("planned again: stale %v, %v", stale, err)
	}
	if more := claimEvents(t, s, 10, longLease); len(more) != 0 {
		t.Errorf("a planned event was claimed: %+v", more)
	}
}

func testNoticesJoin(t *testing.T, s store.Store) {
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventConfigChanged})
	plan(t, s, notice(mailLane, ""), notice(hookLane, "a"))
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventEndpointDown, EndpointID: endpointA})
	plan(t, s, notice(mailLane, ""), notice(hookLane, "b"))
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed}, dispatchapy.Event{Kind: dispatchapy.EventLoginThrottled})
	plan(t, s) // for nobody
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed})
	plan(t, s, notice(mailLane, ""), notice(hookLane, "a"), notice(ownLane, ""))
	equal(t, "what waits", waiting(t, s), []string{
		"ops pending: 3, task.failed critical",
		"chat pending: 2, task.failed warning",
		"chat pending: 1, endpoint.down critical",
		" pending: 1, task.failed warning",
	})
	d, err := s.Notification(t.Context(), notifications(t, s, store.NotificationQuery{Channel: "ops"})[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	kinds := []dispatchapy.EventKind{}
	for _, e := range d.Events {
		kinds = append(kinds, e.Kind)
	}
	equal(t, "events in order", kinds, []dispatchapy.EventKind{dispatchapy.EventConfigChanged, dispatchapy.EventEndpointDown, dispatchapy.EventTaskFailed})
}

func testNoticesJoinNothingSent(t *testing.T, s store.Store) {
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed})
	plan(t, s, notice(mailLane, ""))
	l := claimNotification(t, s, dispatchapy.ViaEmail, longLease)
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed})
	plan(t, s, notice(mailLane, ""))
	equal(t, "while one is being sent", waiting(t, s), []string{"ops processing: 1, task.failed warning", "ops pending: 1, task.failed warning"})
	recordNotification(t, s, store.NotificationOutcome{ID: l.Notification.ID, Fence: l.Fence, Status: dispatchapy.NotificationSent})
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed})
	plan(t, s, notice(mailLane, ""))
	equal(t, "when it was sent", waiting(t, s), []string{"ops sent: 1, task.failed warning", "ops pending: 2, task.failed warning"})
}

// incidentEvents makes events of one incident and plans them for the channel.
func testToldOnce(t *testing.T, s store.Store) {
	of := store.Notice{Channel: mailLane, Group: "i"}
	applyIncidents(t, s, changed(resourceA, oclock, opens))
	incident, _ := timeline(t, s)
	plan(t, s, of, notice(hookLane, ""))
	say := func(kind dispatchapy.EventKind, detail string) {
		t.Helper()
		happen(t, s, dispatchapy.Event{Kind: kind, ResourceID: resourceA, IncidentID: incident.ID, Detail: detail})
		plan(t, s, of)
	}
	say(dispatchapy.EventResourceDown, "connection refused") // told already
	equal(t, "the same again", waiting(t, s), []string{"ops pending: 1, resource.down warning", "chat pending: 1, resource.down warning"})
	l := claimNotification(t, s, dispatchapy.ViaEmail, longLease)
	recordNotification(t, s, store.NotificationOutcome{ID: l.Notification.ID, Fence: l.Fence, Status: dispatchapy.NotificationSent})
	say(dispatchapy.EventResourceDown, "connection refused")
	equal(t, "the same after it was sent", len(notifications(t, s, store.NotificationQuery{Channel: "ops"})), 1)
	say(dispatchapy.EventResourceFlapping, "changed 6 times")
	say(dispatchapy.EventResourceDown, "down for good")
	equal(t, "news", waiting(t, s)[2:], []string{"ops pending: 2, resource.down warning"})
	// Of another incident it is another matter, and so it is with none.
	say = func(kind dispatchapy.EventKind, detail string) {
		t.Helper()
		happen(t, s, dispatchapy.Event{Kind: kind, Detail: detail})
		plan(t, s, of)
	}
	say(dispatchapy.EventTaskFailed, "spent")
	say(dispatchapy.EventTaskFailed, "spent")
	equal(t, "without an incident", waiting(t, s)[2:], []string{"ops pending: 4, task.failed warning"})
}

func testReminderWhileWaiting(t *testing.T, s store.Store) {
	applyIncidents(t, s, changed(resourceA, oclock, opens))
	incident, _ := timeline(t, s)
	plan(t, s, notice(mailLane, ""))
	remind := func(detail string) {
		t.Helper()
		happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventResourceReminder, ResourceID: resourceA, IncidentID: incident.ID, Detail: detail})
		plan(t, s, notice(mailLane, ""))
	}
	remind("for 1h")
	l := claimNotification(t, s, dispatchapy.ViaEmail, longLease)
	remind("for 2h") // it is being said
	equal(t, "reminded while it waits", waiting(t, s), []string{"ops processing: 1, resource.down warning"})
	recordNotification(t, s, store.NotificationOutcome{ID: l.Notification.ID, Fence: l.Fence, Status: dispatchapy.NotificationSent})
	remind("for 3h")
	equal(t, "reminded when it was told", waiting(t, s), []string{"ops sent: 1, resource.down warning", "ops pending: 1, resource.reminder warning"})
}

func testNoticePause(t *testing.T, s store.Store) {
	paused := store.Notice{Channel: mailLane, Pause: time.Hour}
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed})
	plan(t, s, paused)
	l := claimNotification(t, s, dispatchapy.ViaEmail, longLease) // the first one is not held up
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed})
	plan(t, s, store.Notice{Channel: mailLane, Group: "while it is sent", Pause: time.Hour})
	recordNotification(t, s, store.NotificationOutcome{ID: l.Notification.ID, Fence: l.Fence, Status: dispatchapy.NotificationSent})
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed})
	plan(t, s, paused)
	claimed := claimNotifications(t, s, dispatchapy.ViaEmail, 1, longLease)
	if len(claimed.Notifications) != 0 || claimed.Next < 50*time.Minute || claimed.Next > time.Hour {
		t.Errorf("within the pause %d are due, the next in %s", len(claimed.Notifications), claimed.Next)
	}
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed})
	plan(t, s, paused) // brings nothing forward
	if claimed := claimNotifications(t, s, dispatchapy.ViaEmail, 1, longLease); len(claimed.Notifications) != 0 {
		t.Errorf("within the pause there came another, and %+v is due", claimed.Notifications)
	}
	// What cannot wait takes along what could have.
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventEndpointDown})
	plan(t, s, notice(mailLane, ""))
	if l := claimNotification(t, s, dispatchapy.ViaEmail, longLease); l.Notification.Events != 3 { // and the one of the other group waits
		t.Errorf("%d events are told of", l.Notification.Events)
	}
	// Another channel knows nothing of it.
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed})
	plan(t, s, store.Notice{Channel: hookLane, Pause: time.Hour})
	claimNotification(t, s, dispatchapy.ViaWebhook, longLease)
}

func testNoticeBounds(t *testing.T, s store.Store) {
	for i := range store.MaxWaiting + 3 {
		happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed, Detail: fmt.Sprint(i)})
		plan(t, s, notice(hookLane, fmt.Sprint(i)))
	}
	list := notifications(t, s, store.NotificationQuery{})
	if len(list) != store.MaxWaiting || list[0].Events != 4 {
		t.Errorf("%d notifications wait, the newest with %d events", len(list), list[0].Events)
	}
	for i := range store.MaxListed + 5 {
		happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed, Detail: fmt.Sprint(i)})
	}
	plan(t, s, notice(mailLane, ""))
	d, err := s.Notification(t.Context(), notifications(t, s, store.NotificationQuery{Channel: "ops"})[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	last := d.Events[len(d.Events)-1].Detail
	if len(d.Events) != store.MaxListed || d.Notification.Events != store.MaxListed+5 || last != fmt.Sprint(store.MaxListed+4) {
		t.Errorf("%d events are listed of %d, the last is %s", len(d.Events), d.Notification.Events, last)
	}
}
