package service_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/service"
	"dispatchapy/internal/store"
)

// checked records a check of a resource at a time. What it found holds for as
// long as given.
func (n *node) checked(resourceID int64, at time.Time, ok bool, by string, holds time.Duration) {
	n.t.Helper()
	claimed, err := n.store.ClaimProbes(n.t.Context(), store.ProbeClaim{LeaseFor: time.Minute, ResourceIDs: []int64{resourceID}, Force: true})
	if err != nil || len(claimed.Probes) != 1 {
		n.t.Fatalf("claim: %v, %v", claimed, err)
	}
	state := dispatchapy.HealthUp
	if !ok {
		state = dispatchapy.HealthDown
	}
	before := claimed.Probes[0].Health
	outcome := store.ProbeOutcome{
		Fence:  claimed.Probes[0].Fence,
		Health: dispatchapy.Health{ResourceID: resourceID, State: state, Since: at, CheckedAt: at, CountedTo: at, HoldsUntil: at.Add(holds)},
		Check:  dispatchapy.Check{ResourceID: resourceID, At: at, OK: ok, State: state, By: by, Manual: by != "", Method: dispatchapy.CheckSimple, Duration: 3 * time.Millisecond, Error: dispatchapy.ErrorRefused, Detail: "10.0.0.1:80 refused"},
		Spans:  before.Spans(at, nil), NextIn: time.Hour,
		Incident: &store.IncidentChange{Kind: dispatchapy.EventResourceDown, ResourceID: resourceID, At: at, Open: !ok, Close: ok},
	}
	if stale, err := n.store.RecordProbes(n.t.Context(), []store.ProbeOutcome{outcome}); err != nil || len(stale) > 0 {
		n.t.Fatalf("record: stale %v, %v", stale, err)
	}
}

// sums tells bars apart by what they count, in minutes.
func sums(bars ...service.Uptime) (out []string) {
	for i := range bars {
		b := &bars[i]
		share, known := b.Share()
		if b.Checks == 0 && !known {
			continue
		}
		out = append(out, fmt.Sprintf("%d: %s %.3f up %.0f down %.0f unknown %.0f of %d", i, b.Worst(), share,
			b.Up.Minutes(), b.Down.Minutes(), b.Unknown.Minutes(), b.Checks))
	}
	return out
}

func TestUptime(t *testing.T) {
	n := startNode(t)
	id := n.table.Load().Config.Resource("primary").ID
	hour := time.Now().UTC().Truncate(time.Hour)
	at := func(hours int, minutes int) time.Time {
		return hour.Add(time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute)
	}
	n.checked(id, at(-5, 0), true, "", 2*time.Hour)
	n.checked(id, at(-4, 30), false, "", 2*time.Hour)
	n.checked(id, at(-4, 45), true, "", 90*time.Minute)
	n.checked(id, at(-2, 0), true, "", 45*time.Minute) // and then nobody looked
	got, err := n.ResourceUptime(t.Context(), admin, id, "24h")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Bars) != 24 || !got.Bars[23].Since.Equal(hour) || got.Bars[23].Until.After(time.Now()) || !got.Bars[0].Since.Equal(at(-23, 0)) {
		t.Errorf("%d bars from %v to %v, until %v", len(got.Bars), got.Bars[0].Since, got.Bars[23].Since, got.Bars[23].Until)
	}
	want := []string{
		"18: up 1.000 up 60 down 0 unknown 0 of 1",
		"19: down 0.750 up 45 down 15 unknown 0 of 2",
		"20: up 1.000 up 60 down 0 unknown 0 of 0",
		"21: up 1.000 up 45 down 0 unknown 15 of 1",
	}
	if diff := cmp.Diff(want, sums(got.Bars...)); diff != "" {
		t.Errorf("bars (-want +got):\n%s", diff)
	}
	if want := (service.Repairs{Incidents: 1, Repaired: 1, MTTR: 15 * time.Minute}); got.Repairs != want {
		t.Errorf("repairs %+v, want %+v", got.Repairs, want)
	}
	if s, known := got.Total.Share(); !known || s < 0.93 || s > 0.94 || got.Total.Checks != 4 || got.Total.Failures != 1 ||
		got.Total.Answer.P50 <= 0 || got.Total.Answer.P50 > 4*time.Millisecond {
		t.Errorf("total %+v, share %v", got.Total, s)
	}
}

func TestUptimeByTheDay(t *testing.T) {
	n := startNode(t)
	id := n.table.Load().Config.Resource("primary").ID
	today := time.Now().UTC().Truncate(24 * time.Hour)
	for days := range 100 {
		from := today.AddDate(0, 0, days-99).Add(-90 * time.Minute)
		n.checked(id, from, days%10 != 0, "", time.Hour)
		n.checked(id, from.Add(time.Hour), true, "", 0)
	}
	for span, want := range map[string]int{"7d": 7, "30d": 30, "90d": 90} {
		got, err := n.ResourceUptime(t.Context(), admin, id, span)
		if err != nil {
			t.Fatal(err)
		}
		known := sums(got.Bars...)
		// Nothing was checked today: the last check was before midnight.
		if len(got.Bars) != want || len(known) != want-1 || !got.Bars[want-1].Since.Equal(today) || got.Total.Up+got.Total.Down != time.Duration(want-1)*time.Hour {
			t.Errorf("%s: %d bars, %d known, the last from %v, total %+v", span, len(got.Bars), len(known), got.Bars[want-1].Since, got.Total)
		}
	}
	_, err := n.ResourceUptime(t.Context(), admin, id, "1y")
	wantCode(t, err, dispatchapy.CodeInvalid)
}

func TestHealthOfAllResources(t *testing.T) {
	n := startNode(t)
	cfg := n.table.Load().Config
	now := time.Now().UTC().Truncate(time.Microsecond)
	primary, backup := cfg.Resource("primary").ID, cfg.Resource("backup").ID
	n.checked(primary, now.Add(-10*time.Minute), true, "", time.Hour)
	n.checked(primary, now.Add(-5*time.Minute), false, "", time.Minute) // counts for a minute
	n.checked(backup, now.Add(-4*time.Minute), true, "", time.Hour)     // up to now

	all, err := n.AllHealth(t.Context(), admin, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range all {
		got = append(got, fmt.Sprintf("%s %s, %d recent", all[i].Name, all[i].Health.State, len(all[i].Recent)))
	}
	if diff := cmp.Diff([]string{"backup up, 1 recent", "primary down, 2 recent", "spare unknown, 0 recent"}, got); diff != "" {
		t.Errorf("health (-want +got):\n%s", diff)
	}
	if u := all[0].Uptime; u.Up < 4*time.Minute || u.Up > 5*time.Minute || u.Down != 0 || u.Checks != 1 {
		t.Errorf("backup: %+v", u)
	}
	if u := all[1].Uptime; u.Up != 5*time.Minute || u.Down != time.Minute || u.Checks != 2 || u.Failures != 1 {
		t.Errorf("primary: %+v", u)
	}
	if want := (service.Repairs{Incidents: 1}); all[1].Repairs != want || all[0].Repairs != (service.Repairs{}) {
		t.Errorf("repairs %+v and %+v, want %+v of the second", all[0].Repairs, all[1].Repairs, want)
	}
	if share, known := all[2].Uptime.Share(); known || all[2].Uptime.Unknown < 23*time.Hour {
		t.Errorf("spare: %v %+v", share, all[2].Uptime)
	}

	page, err := n.ListHealth(t.Context(), n.client("shop-token-1234"), service.PageRequest{Limit: 1}, "7d")
	if err != nil || len(page.Items) != 1 || page.Items[0].Name != "backup" || page.Next == "" {
		t.Errorf("a client's page is %+v, %v", page, err)
	}
	_, err = n.ListHealth(t.Context(), admin, service.PageRequest{}, "2d")
	wantCode(t, err, dispatchapy.CodeInvalid)
}

func TestWhoAskedForACheckIsForStaff(t *testing.T) {
	n := startNode(t)
	id := n.table.Load().Config.Resource("primary").ID
	n.checked(id, time.Now(), true, "root", time.Hour)
	for p, want := range map[dispatchapy.Principal]string{admin: "root", n.client("shop-token-1234"): ""} {
		page, err := n.ListChecks(t.Context(), p, id, service.PageRequest{})
		if err != nil || len(page.Items) != 1 || page.Items[0].By != want || !page.Items[0].Manual {
			t.Errorf("%s sees the checks %+v, %v", p.Name, page.Items, err)
		}
		r, err := n.Resource(t.Context(), p, id)
		if err != nil || r.LastCheck.By != want {
			t.Errorf("%s sees the last check %+v, %v", p.Name, r.LastCheck, err)
		}
	}
}
