package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"dispatchapy"
	"dispatchapy/internal/store"
)

var notificationCases = []testCase{
	{"OneAtATimeOfAChannel", testNotificationLanes},
	{"ClaimersShareChannels", testClaimNotificationsTogether},
	{"Outcomes", testNotificationOutcomes},
	{"StaleChangesNothing", testNotificationStale},
	{"TakesInWhatCameMeanwhile", testNotificationAbsorbs},
	{"IsKeptForTheRest", testNotificationRest},
	{"WhatIsToBeSaid", testNotificationContent},
	{"Timeline", testNotificationTimeline},
	{"Retry", testNotificationRetry},
	{"Lists", testNotificationLists},
	{"WhoWasTold", testTold},
	{"CheckKnowsItsEvent", testCheckEvent},
	{"Retention", testNotificationRetention},
}

func claimNotifications(t testing.TB, s store.Store, via dispatchapy.Via, limit int, lease time.Duration) store.ClaimedNotifications {
	t.Helper()
	claimed, err := s.ClaimNotifications(t.Context(), store.NotificationClaim{LeaseFor: lease, Limits: map[dispatchapy.Via]int{via: limit}})
	if err != nil {
		t.Fatalf("ClaimNotifications: %v", err)
	}
	return claimed
}

// claimNotification leases the one that is due.
func claimNotification(t testing.TB, s store.Store, via dispatchapy.Via, lease time.Duration) store.LeasedNotification {
	t.Helper()
	claimed := claimNotifications(t, s, via, 10, lease)
	if len(claimed.Notifications) != 1 {
		t.Fatalf("%d notifications are due by %s, want 1", len(claimed.Notifications), via)
	}
	return claimed.Notifications[0]
}

func recordNotification(t testing.TB, s store.Store, o store.NotificationOutcome) {
	t.Helper()
	stale, err := s.RecordNotifications(t.Context(), []store.NotificationOutcome{o})
	if err != nil || len(stale) > 0 {
		t.Fatalf("RecordNotifications: stale %v, %v", stale, err)
	}
}

// notify makes a notification that is due, in a group of its own.
func notify(t testing.TB, s store.Store, c dispatchapy.ChannelRef, group string) int64 {
	t.Helper()
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed, Detail: group})
	plan(t, s, notice(c, group))
	return notifications(t, s, store.NotificationQuery{Limit: 1})[0].ID
}

// outcome ends a lease.
func outcome(l store.LeasedNotification, status dispatchapy.NotificationStatus) store.NotificationOutcome {
	return store.NotificationOutcome{ID: l.Notification.ID, Fence: l.Fence, Status: status, Attempted: true}
}

func testNotificationLanes(t *testing.T, s store.Store) {
	first, second := notify(t, s, hookLane, "a"), notify(t, s, hookLane, "b")
	other := dispatchapy.ChannelRef{Name: "pager", Via: dispatchapy.ViaWebhook}
	third := notify(t, s, other, "a")
	mail, own := notify(t, s, mailLane, ""), notify(t, s, ownLane, "")
	ids := func(c store.ClaimedNotifications) (out []int64) {
		for _, l := range c.Notifications {
			if l.Notification.Status != dispatchapy.NotificationProcessing || l.Fence == 0 {
				t.Errorf("claimed: %+v", l)
			}
			out = append(out, l.Notification.ID)
		}
		return out
	}
	equal(t, "of one claim with a limit", ids(claimNotifications(t, s, dispatchapy.ViaWebhook, 1, expiredLease)), []int64{first})
	claimed := claimNotifications(t, s, dispatchapy.ViaWebhook, 10, longLease)
	slices.SortFunc(claimed.Notifications, func(a, b store.LeasedNotification) int {
		return int(a.Notification.ID - b.Notification.ID)
	})
	equal(t, "after the lease has run out", ids(claimed), []int64{first, third})
	equal(t, "while they are being sent", ids(claimNotifications(t, s, dispatchapy.ViaWebhook, 10, longLease)), nil)
	equal(t, "by mail", newestFirst(ids(claimNotifications(t, s, dispatchapy.ViaEmail, 10, longLease))...), newestFirst(mail, own))
	recordNotification(t, s, outcome(claimed.Notifications[0], dispatchapy.NotificationSent))
	equal(t, "after the first was sent", ids(claimNotifications(t, s, dispatchapy.ViaWebhook, 10, longLease)), []int64{second})
	if _, err := s.ClaimNotifications(t.Context(), store.NotificationClaim{}); err == nil {
		t.Error("a lease of no time was given")
	}
}

func testClaimNotificationsTogether(t *testing.T, s store.Store) {
	const channels = 40
	for i := range channels {
		for _, group := range []string{"a", "b"} {
			notify(t, s, dispatchapy.ChannelRef{Name: fmt.Sprint(i), Via: dispatchapy.ViaWebhook}, group)
		}
	}
	got := make([][]string, 4)
	each(len(got), func(i int) {
		for range 8 {
			claimed, err := s.ClaimNotifications(t.Context(), store.NotificationClaim{LeaseFor: longLease, Limits: map[dispatchapy.Via]int{dispatchapy.ViaWebhook: 3}})
			if err != nil {
				t.Error(err)
			}
			for _, l := range claimed.Notifications {
				got[i] = append(got[i], l.Notification.Channel.Name)
			}
		}
	})
	seen := slices.Sorted(slices.Values(slices.Concat(got...)))
	if once := slices.Compact(slices.Clone(seen)); len(seen) != channels || len(once) != channels {
		t.Errorf("%d were claimed, of %d channels, want one of each of %d", len(seen), len(once), channels)
	}
}

func testNotificationOutcomes(t *testing.T, s store.Store) {
	sent, failed, dropped := notify(t, s, hookLane, "a"), notify(t, s, mailLane, ""), notify(t, s, ownLane, "")
	l := claimNotification(t, s, dispatchapy.ViaWebhook, longLease)
	o := outcome(l, dispatchapy.NotificationPending)
	o.RetryIn, o.Title, o.Error = time.Hour, "a title", "503"
	recordNotification(t, s, o)
	n := notifications(t, s, store.NotificationQuery{Channel: "chat"})[0]
	if n.Status != dispatchapy.NotificationPending || n.Attempts != 1 || n.Title != "a title" || n.LastError != "503" || time.Until(n.RunAt) < 50*time.Minute {
		t.Errorf("to be tried again: %+v", n)
	}
	if claimed := claimNotifications(t, s, dispatchapy.ViaWebhook, 1, longLease); len(claimed.Notifications) > 0 || claimed.Next < 50*time.Minute {
		t.Errorf("before its time: %+v", claimed)
	}
	if _, err := s.RetryNotification(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	recordNotification(t, s, outcome(claimNotification(t, s, dispatchapy.ViaWebhook, longLease), dispatchapy.NotificationSent))
	both := claimNotifications(t, s, dispatchapy.ViaEmail, 10, longLease).Notifications
	slices.SortFunc(both, func(a, b store.LeasedNotification) int { return int(a.Notification.ID - b.Notification.ID) })
	o = outcome(both[0], dispatchapy.NotificationFailed)
	o.Error = "550 no"
	recordNotification(t, s, o)
	recordNotification(t, s, store.NotificationOutcome{ID: both[1].Notification.ID, Fence: both[1].Fence, Status: dispatchapy.NotificationDropped, Error: "the channel is gone"})
	var got []string
	for _, n := range notifications(t, s, store.NotificationQuery{}) {
		got = append(got, fmt.Sprintf("%d %s %d %s %q %t %t", n.ID, n.Status, n.Attempts, n.LastError, n.Title, n.FinishedAt.IsZero(), n.RunAt.IsZero()))
	}
	equal(t, "at the end", got, []string{
		fmt.Sprintf(`%d dropped 0 the channel is gone "" false true`, dropped),
		fmt.Sprintf(`%d failed 1 550 no "" false true`, failed),
		fmt.Sprintf(`%d sent 1  "a title" false true`, sent),
	})
	if claimed := claimNotifications(t, s, dispatchapy.ViaEmail, 10, longLease); len(claimed.Notifications) > 0 || claimed.Next != 0 {
		t.Errorf("when all is over: %+v", claimed)
	}
}

func testNotificationStale(t *testing.T, s store.Store) {
	notify(t, s, mailLane, "")
	old := claimNotification(t, s, dispatchapy.ViaEmail, expiredLease)
	held := claimNotification(t, s, dispatchapy.ViaEmail, longLease)
	if old.Notification.ID != held.Notification.ID || held.Fence <= old.Fence {
		t.Fatalf("claimed %+v, and then %+v", old, held)
	}
	stale, err := s.RecordNotifications(t.Context(), []store.NotificationOutcome{outcome(old, dispatchapy.NotificationFailed)})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "stale", stale, []int64{old.Notification.ID})
	equal(t, "after the stale outcome", waiting(t, s), []string{"ops processing: 1, task.failed warning"})
	recordNotification(t, s, outcome(held, dispatchapy.NotificationSent))
	if stale, err := s.RecordNotifications(t.Context(), []store.NotificationOutcome{outcome(held, dispatchapy.NotificationPending)}); err != nil || len(stale) != 1 {
		t.Errorf("recorded twice: stale %v, %v", stale, err)
	}
	if _, err := s.RecordNotifications(t.Context(), []store.NotificationOutcome{{Status: dispatchapy.NotificationProcessing}}); err == nil {
		t.Error("a lease ended in processing")
	}
}

// testNotificationAbsorbs: what came while an attempt was under way that failed
// is told with the next one, and what was to be told first is told first.
func testNotificationAbsorbs(t *testing.T, s store.Store) {
	first := notify(t, s, mailLane, "")
	l := claimNotification(t, s, dispatchapy.ViaEmail, longLease)
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventEndpointDown}, dispatchapy.Event{Kind: dispatchapy.EventConfigChanged})
	plan(t, s, notice(mailLane, ""))
	notify(t, s, mailLane, "another group")
	recordNotification(t, s, outcome(l, dispatchapy.NotificationPending))
	equal(t, "what waits", waiting(t, s), []string{"ops pending: 3, config.changed critical", "ops pending: 1, task.failed warning"})
	d, err := s.Notification(t.Context(), first)
	if err != nil || len(d.Events) != 3 || d.Events[2].Kind != dispatchapy.EventConfigChanged {
		t.Errorf("%+v, %v", d, err)
	}
}

func testNotificationRest(t *testing.T, s store.Store) {
	notify(t, s, mailLane, "")
	o := outcome(claimNotification(t, s, dispatchapy.ViaEmail, longLease), dispatchapy.NotificationPending)
	for _, rest := range [][]string{{"a@b.example", "Ops <c@d.example>"}, {"a@b.example"}} {
		notify(t, s, mailLane, "") // nothing that the others have not got joins it
		o.Rest = rest
		recordNotification(t, s, o)
		equal(t, "what waits", waiting(t, s)[0], "ops pending: 1, task.failed warning")
		both := claimNotifications(t, s, dispatchapy.ViaEmail, 10, longLease).Notifications
		if len(both) != 1 {
			t.Fatalf("%d are due", len(both))
		}
		if both[0].Notification.ID != o.ID { // either may be first
			recordNotification(t, s, outcome(both[0], dispatchapy.NotificationSent))
			both[0] = claimNotification(t, s, dispatchapy.ViaEmail, longLease)
		}
		equal(t, "the rest", both[0].Rest, rest)
		o = outcome(both[0], dispatchapy.NotificationPending)
	}
	o.Status = dispatchapy.NotificationFailed
	recordNotification(t, s, o)
	if _, err := s.RetryNotification(t.Context(), o.ID); err != nil {
		t.Fatal(err)
	}
	for _, l := range claimNotifications(t, s, dispatchapy.ViaEmail, 10, longLease).Notifications {
		if l.Notification.ID == o.ID {
			equal(t, "the rest, retried", l.Rest, []string{"a@b.example"})
		}
	}
}

func testNotificationContent(t *testing.T, s store.Store) {
	ids := change(t, s, store.ConfigUpdate{Put: []store.ConfigObject{
		{Kind: store.KindResource, Name: "sms"}, {Kind: store.KindEndpoint, Name: "send/sms"}, {Kind: store.KindResource, Name: "gone"},
	}})
	applyIncidents(t, s, changed(ids[0], oclock, opens), changed(ids[0], oclock.Add(time.Minute), closes))
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed, At: oclock, EndpointID: ids[1], TaskID: 7, Detail: "spent"},
		dispatchapy.Event{Kind: dispatchapy.EventResourceDown, At: oclock, ResourceID: ids[2]})
	change(t, s, store.ConfigUpdate{Delete: []store.ObjectRef{{Kind: store.KindResource, ID: ids[2]}}})
	plan(t, s, notice(mailLane, ""))
	l := claimNotification(t, s, dispatchapy.ViaEmail, longLease)
	if l.Wanted != 0 || l.Notification.Events != 4 {
		t.Errorf("wanted for %s: %+v", l.Wanted, l.Notification)
	}
	recordNotification(t, s, outcome(l, dispatchapy.NotificationPending))
	if again := claimNotification(t, s, dispatchapy.ViaEmail, longLease); again.Wanted < 0 || again.Wanted > patience || again.Notification.Attempts != 1 {
		t.Errorf("wanted for %s: %+v", again.Wanted, again.Notification)
	}
	incident := incidents(t, s, store.IncidentQuery{})[0].ID
	of := func(e dispatchapy.Event) store.EventDetail {
		return store.EventDetail{Event: e, Resource: "sms", OpenedAt: oclock, ClosedAt: oclock.Add(time.Minute)}
	}
	equal(t, "what is to be said", l.Events, []store.EventDetail{
		of(dispatchapy.Event{Kind: dispatchapy.EventResourceDown, At: oclock, ResourceID: ids[0], IncidentID: incident, Detail: "connection refused"}),
		of(dispatchapy.Event{Kind: dispatchapy.EventResourceUp, At: oclock.Add(time.Minute), ResourceID: ids[0], IncidentID: incident, Detail: "it answers"}),
		{Event: dispatchapy.Event{Kind: dispatchapy.EventTaskFailed, At: oclock, EndpointID: ids[1], TaskID: 7, Detail: "spent"}, Endpoint: "send/sms"},
		{Event: dispatchapy.Event{Kind: dispatchapy.EventResourceDown, At: oclock, ResourceID: ids[2]}, Resource: "gone"},
	}, cmpopts.IgnoreFields(dispatchapy.Event{}, "ID"))
}

func testNotificationTimeline(t *testing.T, s store.Store) {
	applyIncidents(t, s, changed(resourceA, oclock, opens), changed(resourceA, oclock.Add(time.Second), closes), changed(resourceB, oclock, opens))
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed})
	plan(t, s, notice(mailLane, ""))
	o := outcome(claimNotification(t, s, dispatchapy.ViaEmail, longLease), dispatchapy.NotificationSent)
	o.Entry = "email to ops@example.com"
	recordNotification(t, s, o)
	for _, incident := range incidents(t, s, store.IncidentQuery{}) {
		d, err := s.Incident(t.Context(), incident.ID)
		if err != nil {
			t.Fatal(err)
		}
		var notes []string
		for _, e := range d.Timeline {
			if e.Kind == dispatchapy.EntryNotified {
				notes = append(notes, e.Detail)
			}
		}
		equal(t, fmt.Sprintf("incident %d", incident.ID), notes, []string{"email to ops@example.com"})
	}
}

func testNotificationRetry(t *testing.T, s store.Store) {
	id := notify(t, s, mailLane, "")
	l := claimNotification(t, s, dispatchapy.ViaEmail, longLease)
	conflict := func(what string) {
		t.Helper()
		var known *dispatchapy.Error
		if _, err := s.RetryNotification(t.Context(), id); !errors.As(err, &known) || known.Code != dispatchapy.CodeConflict {
			t.Errorf("%s: %v", what, err)
		}
	}
	conflict("while it is being sent")
	recordNotification(t, s, outcome(l, dispatchapy.NotificationFailed))
	notify(t, s, mailLane, "") // another one of the group, by now
	n, err := s.RetryNotification(t.Context(), id)
	if err != nil || n.Status != dispatchapy.NotificationPending || n.Attempts != 0 || n.Events != 2 || !n.FinishedAt.IsZero() {
		t.Errorf("retried: %+v, %v", n, err)
	}
	equal(t, "what waits", waiting(t, s), []string{"ops pending: 2, task.failed warning"})
	l = claimNotification(t, s, dispatchapy.ViaEmail, longLease)
	recordNotification(t, s, outcome(l, dispatchapy.NotificationDropped))
	if _, err := s.RetryNotification(t.Context(), id); err != nil {
		t.Errorf("of a dropped one: %v", err)
	}
	recordNotification(t, s, outcome(claimNotification(t, s, dispatchapy.ViaEmail, longLease), dispatchapy.NotificationSent))
	conflict("after it was sent")
	for _, err := range []error{second(s.RetryNotification(t.Context(), id+100)), second(s.Notification(t.Context(), id+100))} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("of none: %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func testNotificationLists(t *testing.T, s store.Store) {
	applyIncidents(t, s, changed(resourceA, oclock, opens))
	plan(t, s, notice(mailLane, ""), notice(ownLane, ""))
	incident, _ := timeline(t, s)
	recordNotification(t, s, outcome(claimNotifications(t, s, dispatchapy.ViaEmail, 1, longLease).Notifications[0], dispatchapy.NotificationSent))
	for i := range 3 {
		notify(t, s, hookLane, fmt.Sprint(i))
	}
	for name, tc := range map[string]struct {
		q    store.NotificationQuery
		want []int64
	}{
		"all":      {store.NotificationQuery{}, []int64{5, 4, 3, 2, 1}},
		"limit":    {store.NotificationQuery{Limit: 2}, []int64{5, 4}},
		"before":   {store.NotificationQuery{Before: 4, Limit: 2}, []int64{3, 2}},
		"channel":  {store.NotificationQuery{Channel: "chat"}, []int64{5, 4, 3}},
		"own":      {store.NotificationQuery{ResourceID: resourceA}, []int64{2}},
		"incident": {store.NotificationQuery{IncidentID: incident.ID}, []int64{2, 1}},
		"status":   {store.NotificationQuery{Statuses: []dispatchapy.NotificationStatus{dispatchapy.NotificationSent, dispatchapy.NotificationFailed}}, []int64{1}},
		"together": {store.NotificationQuery{Statuses: []dispatchapy.NotificationStatus{dispatchapy.NotificationPending}, IncidentID: incident.ID}, []int64{2}},
		"nothing":  {store.NotificationQuery{Channel: "nope"}, nil},
	} {
		var got []int64
		for _, n := range notifications(t, s, tc.q) {
			got = append(got, n.ID)
		}
		equal(t, name, got, tc.want)
	}
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed})
	b, err := s.NotificationBacklog(t.Context())
	if err != nil || b.Waiting != 4 || b.Events != 1 || time.Since(b.Oldest) > patience {
		t.Errorf("backlog %+v, %v", b, err)
	}
}

func testTold(t *testing.T, s store.Store) {
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed})
	plan(t, s, notice(mailLane, ""), notice(hookLane, ""))
	happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventConfigChanged})
	plan(t, s)
	o := outcome(claimNotification(t, s, dispatchapy.ViaEmail, longLease), dispatchapy.NotificationFailed)
	o.Error = "550 no"
	recordNotification(t, s, o)
	all := events(t, s) // newest first
	told, err := s.Told(t.Context(), []int64{all[1].ID, all[0].ID, 999})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "who was told", told, []store.Told{
		{EventID: all[1].ID, NotificationID: 1, Channel: mailLane, Status: dispatchapy.NotificationFailed, Attempts: 1, Error: "550 no"},
		{EventID: all[1].ID, NotificationID: 2, Channel: hookLane, Status: dispatchapy.NotificationPending},
	}, cmpopts.IgnoreFields(store.Told{}, "At"))
	if told[0].At.IsZero() || !told[1].At.IsZero() {
		t.Errorf("at %s and %s", told[0].At, told[1].At)
	}
	if told, err = s.Told(t.Context(), nil); err != nil || len(told) != 0 {
		t.Errorf("of no events: %v, %v", told, err)
	}
}

func testCheckEvent(t *testing.T, s store.Store) {
	applyIncidents(t, s, changed(resourceA, oclock, opens), changed(resourceA, oclock.Add(time.Second)), changed(resourceA, oclock.Add(time.Minute), closes))
	checks, err := s.ListChecks(t.Context(), resourceA, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	all := events(t, s)
	got := []int64{}
	for _, c := range checks {
		got = append(got, c.EventID)
	}
	equal(t, "events of the checks", got, []int64{all[0].ID, 0, all[1].ID})
}

func testNotificationRetention(t *testing.T, s store.Store) {
	for i := range 3 {
		notify(t, s, mailLane, fmt.Sprint(i))
		if i < 2 {
			recordNotification(t, s, outcome(claimNotification(t, s, dispatchapy.ViaEmail, longLease), dispatchapy.NotificationSent))
		}
	}
	if n, err := s.DeleteOldNotifications(t.Context(), time.Hour, 10); n != 0 || err != nil {
		t.Errorf("of young ones %d were deleted, %v", n, err)
	}
	if n, err := s.DeleteOldNotifications(t.Context(), 0, 1); n != 1 || err != nil {
		t.Errorf("with a limit of one %d were deleted, %v", n, err)
	}
	if n, err := s.DeleteOldNotifications(t.Context(), 0, 10); n != 1 || err != nil {
		t.Errorf("of the rest %d were deleted, %v", n, err)
	}
	equal(t, "what is left", waiting(t, s), []string{"ops pending: 1, task.failed warning"})
	told, err := s.Told(t.Context(), []int64{1, 2, 3})
	if err != nil || len(told) != 1 {
		t.Errorf("who was told is %+v, %v", told, err)
	}
}
