package service_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/service"
	"dispatchapy/internal/store"
)

const statusToken = "status-token-1234"

// statusFile shows the endpoint sms, whose resources are checked.
func statusFile(settings string) string {
	return `{version: 1, settings: {status_page: {` + settings + `}}, resources: [
  {name: primary, url: "http://127.0.0.1:9001/send", health_check: {enabled: true}},
  {name: backup, url: "http://127.0.0.1:9002/send", health_check: {enabled: true}}]}`
}

// visited gives the page as a visitor without a token gets it. The
// configuration is changed before, so that it is made anew.
func (n *node) visited() *service.StatusPage {
	n.t.Helper()
	n.fresh()
	page, err := n.StatusPage(n.t.Context(), service.Visitor{})
	if err != nil {
		n.t.Fatal(err)
	}
	return page
}

// fresh has the next visitor see what is now.
func (n *node) fresh() {
	n.t.Helper()
	n.apply(fmt.Sprintf("version: 1\nsettings: {max_attempts: %d}\n", n.table.Load().Config.Settings.MaxAttempts%9+1), service.ApplyOptions{})
}

func TestWhoMaySeeTheStatusPage(t *testing.T) {
	n := startNode(t)
	with := func(token string) service.Visitor { return service.Visitor{Token: dispatchapy.Secret(token)} }
	code := func(v service.Visitor) dispatchapy.Code {
		_, err := n.StatusPage(t.Context(), v)
		return dispatchapy.ErrorCode(err)
	}
	staff := service.Visitor{Principal: dispatchapy.Principal{Name: "v", Role: dispatchapy.RoleViewer}}
	for _, v := range []service.Visitor{with(""), with(statusToken), staff} {
		if got := code(v); got != dispatchapy.CodeNotFound {
			t.Errorf("switched off: %q", got)
		}
	}
	n.apply(statusFile(`enabled: true, token: `+statusToken+`, endpoints: [{path: sms}]`), service.ApplyOptions{})
	for _, v := range []service.Visitor{with(""), with("status-token-123"), with(dispatchapy.Redacted), {Principal: n.client("shop-token-1234")}} {
		if got := code(v); got != dispatchapy.CodeUnauthenticated {
			t.Errorf("%+v: %q, want to be asked for the token", v, got)
		}
	}
	for _, v := range []service.Visitor{with(statusToken), staff} {
		if got := code(v); got != "" {
			t.Errorf("%+v: %q", v, got)
		}
	}
	settings, err := n.Settings(t.Context(), admin)
	if err != nil || settings.StatusPage.Token.Reveal() != dispatchapy.Redacted {
		t.Errorf("the token is shown as %q, %v", settings.StatusPage.Token.Reveal(), err)
	}
	// What comes back masked stays, and another page is made at once.
	n.apply(statusFile(`token: "[redacted]", public: true, title: Messages`), service.ApplyOptions{})
	page, err := n.StatusPage(t.Context(), with(""))
	if err != nil || page.Title != "Messages" || !page.Public || n.stored().Settings.StatusPage.Token.Reveal() != statusToken {
		t.Errorf("%+v, %v", page, err)
	}
	if _, err := n.StatusOf(t.Context(), with(""), "/sms/"); err != nil {
		t.Error(err)
	}
	_, err = n.StatusOf(t.Context(), with(""), "mail")
	wantCode(t, err, dispatchapy.CodeNotFound)
}

func TestStatesOfTheStatusPage(t *testing.T) {
	n := startNode(t)
	n.apply(statusFile(`enabled: true, public: true, endpoints: [{path: sms, name: Text messages}]`), service.ApplyOptions{})
	primary, backup := n.resource("primary").ID, n.resource("backup").ID
	now := time.Now()
	version := int64(0)
	incident := func(kind dispatchapy.EventKind, open bool) {
		t.Helper()
		c := store.ConditionChange{Incident: &store.IncidentChange{Kind: kind, EndpointID: n.endpoint("sms").ID, At: now, Open: open, Close: !open}}
		c.ConditionKey, c.Active, c.Since, c.Version = store.ConditionKey{Kind: kind, EndpointID: n.endpoint("sms").ID}, open, now, version
		if stale, err := n.store.RecordConditions(t.Context(), []store.ConditionChange{c}); err != nil || len(stale) > 0 {
			t.Fatal(stale, err)
		}
		version++
	}
	maintenance := func(on bool) {
		windows := "[]"
		if on {
			windows = fmt.Sprintf(`[{from: "%s", until: "%s"}]`, now.Add(-time.Hour).UTC().Format(time.RFC3339), now.Add(time.Hour).UTC().Format(time.RFC3339))
		}
		n.apply(`{version: 1, resources: [{name: backup, url: "http://127.0.0.1:9002/send", health_check: {enabled: true}, maintenance: `+windows+`}]}`, service.ApplyOptions{})
	}
	for _, step := range []struct {
		name string
		do   func()
		want service.StatusState
	}{
		{"nobody has looked yet", func() {}, service.StatusOperational},
		{"both work", func() { n.checked(primary, now, true, "", time.Hour); n.checked(backup, now, true, "", time.Hour) }, service.StatusOperational},
		{"the backup is down", func() { n.checked(backup, now, false, "", time.Hour) }, service.StatusOperational},
		{"the first choice is down", func() { n.checked(backup, now, true, "", time.Hour); n.checked(primary, now, false, "", time.Hour) }, service.StatusDegraded},
		{"the backup is in maintenance, too", func() { maintenance(true) }, service.StatusMaintenance},
		{"both are down", func() { maintenance(false); n.checked(backup, now, false, "", time.Hour) }, service.StatusDown},
		{"both work again", func() { n.checked(primary, now, true, "", time.Hour); n.checked(backup, now, true, "", time.Hour) }, service.StatusOperational},
		{"tasks wait for long", func() { incident(dispatchapy.EventBacklogOld, true) }, service.StatusDegraded},
		{"they do not any more", func() { incident(dispatchapy.EventBacklogOld, false) }, service.StatusOperational},
		{"switched off", func() {
			n.apply(`{version: 1, endpoints: [{path: sms, resources: [primary, backup], active: false}]}`, service.ApplyOptions{})
		}, service.StatusDown},
	} {
		step.do()
		page := n.visited()
		if len(page.Endpoints) != 1 || page.Endpoints[0].State != step.want || page.State != step.want || page.Endpoints[0].Name != "Text messages" || page.Endpoints[0].Resources != nil {
			t.Errorf("%s: %s, %+v", step.name, page.State, page.Endpoints)
		}
	}
}

// What is shown of a day comes from the history of the resources.
func TestDaysOfTheStatusPage(t *testing.T) {
	n := startNode(t)
	n.apply(statusFile(`enabled: true, public: true, resources: true, endpoints: [{path: sms}]`), service.ApplyOptions{})
	primary, backup := n.resource("primary").ID, n.resource("backup").ID
	today := time.Now().UTC().Truncate(24 * time.Hour)
	at := func(days int, hours float64) time.Time {
		return today.AddDate(0, 0, days).Add(time.Duration(hours * float64(time.Hour)))
	}
	for _, c := range []struct {
		id    int64
		at    time.Time
		ok    bool
		holds time.Duration
	}{
		// Long ago: the first choice works for four hours, then is down for two.
		{primary, at(-50, 2), true, 4 * time.Hour}, {primary, at(-50, 6), false, 2 * time.Hour}, {primary, at(-50, 8), true, 0},
		{backup, at(-50, 2), true, 6 * time.Hour}, {backup, at(-50, 8), true, 0},
		// Yesterday: of one hour in which it is down the backup is down for half.
		{primary, at(-1, 10), false, time.Hour}, {primary, at(-1, 11), true, 0},
		{backup, at(-1, 10), true, 30 * time.Minute}, {backup, at(-1, 10.5), false, 30 * time.Minute}, {backup, at(-1, 11), true, 0},
	} {
		n.checked(c.id, c.at, c.ok, "", c.holds)
	}
	page := n.visited()
	e := &page.Endpoints[0]
	if len(e.Days) != service.StatusDays || !e.Days[89].Start.Equal(today) || !e.Days[0].Start.Equal(at(-89, 0)) {
		t.Fatalf("%d days from %v to %v", len(e.Days), e.Days[0].Start, e.Days[len(e.Days)-1].Start)
	}
	got := map[int]string{}
	for i := range e.Days {
		d := &e.Days[i]
		if d.State() != service.StatusUnknown {
			got[i-89] = fmt.Sprintf("%s: up %v degraded %v down %v planned %v unknown %v", d.State(), d.Up, d.Degraded, d.Down, d.Planned, d.Unknown)
		}
	}
	want := map[int]string{
		-50: "degraded: up 4h0m0s degraded 2h0m0s down 0s planned 0s unknown 18h0m0s",
		-1:  "down: up 0s degraded 30m0s down 30m0s planned 0s unknown 23h0m0s",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if share, ok := e.Share(); !ok || share < 0.928 || share > 0.929 { // 6.5 of 7 hours
		t.Errorf("share %v, %v", share, ok)
	}
	if diff := cmp.Diff([]service.StatusResource{{Name: "primary", State: "up"}, {Name: "backup", State: "up"}}, e.Resources); diff != "" {
		t.Error(diff)
	}
}

// However many visitors there are, the database is asked once; and while it
// cannot be asked they see the last page.
func TestVisitorsCostNothing(t *testing.T) {
	n := startNode(t)
	n.apply(statusFile(`enabled: true, public: true, endpoints: [{path: sms}]`), service.ApplyOptions{})
	first := n.visited()
	n.store.loadHealth = func() error { return errors.New("the disk is gone") }
	for range 100 {
		page, err := n.StatusPage(t.Context(), service.Visitor{})
		if err != nil || page != first {
			t.Fatalf("%p, %v, want %p", page, err, first)
		}
	}
	n.fresh()
	asked := 0
	n.store.loadHealth = func() error { asked++; return store.ErrUnavailable }
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 10 {
		_, err := n.StatusPage(gone, service.Visitor{})
		wantCode(t, err, dispatchapy.CodeUnavailable)
	}
	if asked != 1 {
		t.Errorf("a database that fails was asked %d times", asked)
	}
}

// Endpoints on the page keep their place under another name, and go with the
// endpoint.
func TestTheStatusPageFollowsItsEndpoints(t *testing.T) {
	n := startNode(t)
	n.apply(statusFile(`enabled: true, public: true, endpoints: [{path: sms, name: Texts}, {path: mail}]`), service.ApplyOptions{})
	sms := n.endpoint("sms")
	renamed, err := n.UpdateEndpoint(t.Context(), admin, sms.ID, &sms.Version, func(d *service.EndpointDraft) error { d.Path = "texts"; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]dispatchapy.StatusEndpoint{{Path: "texts", Name: "Texts"}, {Path: "mail"}}, n.stored().Settings.StatusPage.Endpoints); diff != "" {
		t.Error(diff)
	}
	impact, err := n.EndpointImpact(t.Context(), admin, renamed.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.DeleteEndpoint(t.Context(), admin, renamed.ID, &impact.Version, true); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]dispatchapy.StatusEndpoint{{Path: "mail"}}, n.stored().Settings.StatusPage.Endpoints); diff != "" {
		t.Error(diff)
	}
}
