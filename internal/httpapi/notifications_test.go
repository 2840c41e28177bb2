package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/mail"
	"dispatchapy/internal/notify"
	"dispatchapy/internal/service"
	"dispatchapy/internal/store"
)

// The rows of the matrix for what people are told.
func init() {
	maps.Copy(matrix, map[string]access{
		"list-notifications":   {nobody: 401, shop: 403, bank: 403, admin: 200},
		"get-notification":     {nobody: 401, shop: 403, bank: 403, admin: 200},
		"retry-notification":   {nobody: 401, shop: 403, bank: 403, admin: 200},
		"list-alert-templates": {nobody: 401, shop: 403, bank: 403, admin: 200},
		"test-alert":           {nobody: 401, shop: 403, bank: 403, admin: 200, body: `{"channel":{"webhook":{"url":"http://127.0.0.1:1/"}}}`},
	})
	for role, operations := range map[dispatchapy.Role][]string{
		dispatchapy.RoleViewer:   {"list-notifications", "get-notification", "list-alert-templates"},
		dispatchapy.RoleOperator: {"retry-notification"},
		dispatchapy.RoleAdmin:    {"test-alert"},
	} {
		leastRole[role] = append(leastRole[role], operations...)
	}
}

// alerter sends test alerts, or only seems to.
func (g *gateway) alerter() service.Alerter {
	o := notify.Options{Store: g.store, Snapshots: g.table, Mailer: mail.New(mail.Options{Dial: g.sender.Connect}), Poster: g.sender, Log: slog.New(slog.DiscardHandler), Host: "gw"}
	if g.quiet {
		o.Mailer, o.Poster = silentPost{}, silentSender{g.sender}
	}
	return notify.New(o)
}

// silentPost takes every mail and sends none.
type silentPost struct{}

func (silentPost) SendToSome(context.Context, dispatchapy.SMTP, mail.Message) ([]mail.Refusal, error) {
	return nil, nil
}

// told makes a notification for the channel ops of an event, ended as it says.
func (g *gateway) told(e dispatchapy.Event, status dispatchapy.NotificationStatus, failure string) int64 {
	g.t.Helper()
	ctx := g.t.Context()
	if e.Kind != "" {
		if err := g.store.AppendEvents(ctx, []dispatchapy.Event{e}); err != nil {
			g.t.Fatal(err)
		}
	}
	events, err := g.store.ClaimEvents(ctx, time.Minute, 100)
	if err != nil {
		g.t.Fatal(err)
	}
	var plans []store.EventPlan
	for _, l := range events {
		plans = append(plans, store.EventPlan{EventID: l.Event.ID, Fence: l.Fence, Notices: []store.Notice{
			{Channel: dispatchapy.ChannelRef{Name: "ops", Via: dispatchapy.ViaEmail}, Group: g.newName()},
		}})
	}
	if _, err := g.store.PlanEvents(ctx, plans); err != nil {
		g.t.Fatal(err)
	}
	var id int64
	for range plans {
		claimed, err := g.store.ClaimNotifications(ctx, store.NotificationClaim{LeaseFor: time.Minute, Limits: map[dispatchapy.Via]int{dispatchapy.ViaEmail: 1}})
		if err != nil || len(claimed.Notifications) != 1 {
			g.t.Fatalf("claimed %+v, %v", claimed, err)
		}
		l := claimed.Notifications[0]
		id = l.Notification.ID
		o := store.NotificationOutcome{ID: id, Fence: l.Fence, Status: status, Attempted: true, Title: "a title", Error: failure}
		if status == dispatchapy.NotificationPending {
			o.RetryIn = time.Hour
		}
		if _, err := g.store.RecordNotifications(ctx, []store.NotificationOutcome{o}); err != nil {
			g.t.Fatal(err)
		}
	}
	return id
}

// givenUp makes a notification that was given up.
func (g *gateway) givenUp() int64 {
	return g.told(dispatchapy.Event{Kind: dispatchapy.EventTaskFailed, Detail: "spent"}, dispatchapy.NotificationFailed, "550 no")
}

type notification struct {
	ID        int64
	Channel   *string
	Resource  *string
	Status    string
	Kind      string
	Events    int
	Attempts  int
	LastError *string `json:"last_error"`
	Told      []struct {
		Kind     string
		Resource *string
	}
}

func TestNotifications(t *testing.T) {
	g := staffed(t)
	primary := g.table.Load().Config.Resource("primary").ID
	g.probe(primary, false)
	waits := g.told(dispatchapy.Event{}, dispatchapy.NotificationPending, "connection refused")
	gone := g.givenUp()
	sent := g.told(dispatchapy.Event{Kind: dispatchapy.EventConfigChanged}, dispatchapy.NotificationSent, "")
	list := func(query string) (ids []int64) {
		t.Helper()
		var page struct{ Items []notification }
		decode(t, g.get("/v1/notifications"+query).want(200).body, &page)
		for _, n := range page.Items {
			ids = append(ids, n.ID)
		}
		return ids
	}
	// The incident's is the first of all; changes of the configuration come before.
	for query, want := range map[string][]int64{
		"?status=failed": {gone}, "?status=sent,failed": {sent, gone}, "?incident=1": {waits}, "?channel=nope": nil, "?resource=primary": nil, "?resource=nope": nil,
		"?channel=ops&limit=1": {sent}, fmt.Sprintf("?limit=1&cursor=%d", sent): {gone},
	} {
		if got := list(query); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	g.get("/v1/notifications?status=lost").wantProblem(422, dispatchapy.CodeInvalid)
	g.get("/v1/notifications?chanel=ops").wantProblem(422, dispatchapy.CodeInvalid)

	var n notification
	decode(t, g.get(fmt.Sprintf("/v1/notifications/%d", waits)).want(200).body, &n)
	if n.Status != "pending" || n.Attempts != 1 || *n.LastError != "connection refused" || *n.Channel != "ops" || len(n.Told) != 1 || n.Told[0].Kind != "resource.down" || *n.Told[0].Resource != "primary" {
		t.Errorf("%+v", n)
	}
	retry := func(id int64) *response {
		return g.do(request{method: http.MethodPost, path: fmt.Sprintf("/v1/notifications/%d/retry", id), token: g.tokens[dispatchapy.RoleOperator]})
	}
	for _, id := range []int64{waits, gone} {
		decode(t, retry(id).want(200).body, &n)
		if n.ID != id || n.Status != "pending" || n.Attempts != 0 {
			t.Errorf("retried: %+v", n)
		}
	}
	retry(sent).wantProblem(409, dispatchapy.CodeConflict)
	retry(999).wantProblem(404, dispatchapy.CodeNotFound)
	g.get("/v1/notifications/999").wantProblem(404, dispatchapy.CodeNotFound)
	if audit := g.get("/v1/audit?kind=notification").want(200).body; strings.Count(audit, `"action":"retry"`) != 3 {
		t.Errorf("the audit log: %s", audit)
	}
}

// Who was told stands with the event, and with the check that caused it; clients
// learn nothing of it.
func TestWhoWasToldIsShown(t *testing.T) {
	g := newGateway(t)
	primary := g.table.Load().Config.Resource("primary").ID
	g.probe(primary, false)
	id := g.told(dispatchapy.Event{}, dispatchapy.NotificationFailed, "550 no")
	type told struct {
		NotificationID int64 `json:"notification_id"`
		Channel        string
		Status, Error  string
	}
	want := []told{{NotificationID: id, Channel: "ops", Status: "failed", Error: "550 no"}}
	for _, path := range []string{"/v1/events?kind=resource.down", fmt.Sprintf("/v1/resources/%d/health", primary)} {
		var page struct{ Items []struct{ Told []told } }
		decode(t, g.get(path).want(200).body, &page)
		if diff := cmp.Diff(want, page.Items[0].Told); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	if body := g.do(request{method: http.MethodGet, path: fmt.Sprintf("/v1/resources/%d/health", primary), token: shopToken}).want(200).body; strings.Contains(body, "ops") {
		t.Errorf("a client is shown %s", body)
	}
}

func TestAlertTemplates(t *testing.T) {
	g := newGateway(t)
	var got struct {
		Items []struct {
			Name, Note string
			Channel    json.RawMessage
		}
		Placeholders []string
	}
	decode(t, g.get("/v1/alerts/templates").want(200).body, &got)
	if len(got.Items) != 7 || !slices.Contains(got.Placeholders, "resource_name") {
		t.Errorf("%d templates, placeholders %v", len(got.Items), got.Placeholders)
	}
	// Each can be put into the settings as it is, with a name.
	for _, item := range got.Items {
		version := g.get("/v1/settings").header.Get("ETag")
		channel := `{"name":"` + item.Name + `",` + string(item.Channel[1:])
		g.do(request{method: http.MethodPatch, path: "/v1/settings", header: http.Header{"If-Match": {version}}, body: `{"alerts":{"channels":[` + channel + `]}}`}).want(200)
	}
}

func (g *gateway) testAlert(body string) (got struct {
	OK                bool
	To, Title, Detail string
}) {
	g.t.Helper()
	answer := g.do(request{method: http.MethodPost, path: "/v1/alerts/test", body: body}).want(200)
	answer.wantDocumented(g.document(), http.MethodPost, "/v1/alerts/test")
	if strings.Contains(answer.body, "hush") {
		g.t.Errorf("a secret is shown: %s", answer.body)
	}
	decode(g.t, answer.body, &got)
	return got
}

// A channel is tried before it is saved, with one real message, and whoever
// took or refused it is quoted.
func TestAlertsAreTried(t *testing.T) {
	g := newGateway(t)
	var bodies, paths []string
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies, paths = append(bodies, string(body)), append(paths, r.URL.Path+" "+r.Header.Get("X-Key"))
		if r.Header.Get("X-Dispatchapy-Test") != "true" {
			t.Error("it does not say that it is a test")
		}
		if r.URL.Path == "/no" {
			http.Error(w, "no such hook", http.StatusNotFound)
			return
		}
		fmt.Fprint(w, "taken")
	}))
	defer hook.Close()
	got := g.testAlert(`{"channel":{"webhook":{"enabled":false,"url":"` + hook.URL + `/{secret:path}","headers":{"X-Key":"hush-key"},"secrets":{"path":"hush-path"},"payload":{"text":"{title}"}}}}`)
	if !got.OK || got.Detail != "HTTP 200: taken" || got.Title != `[TEST] Resource "example" is DOWN` || !strings.HasPrefix(got.To, "webhook to 127.0.0.1:") {
		t.Errorf("%+v", got)
	}
	if len(bodies) != 1 || bodies[0] != `{"text":"[TEST] Resource \"example\" is DOWN"}` || paths[0] != "/hush-path hush-key" {
		t.Errorf("%v %v", bodies, paths)
	}
	if got := g.testAlert(`{"channel":{"webhook":{"url":"` + hook.URL + `/no"}}}`); got.OK || got.Detail != "HTTP 404 Not Found: no such hook" {
		t.Errorf("%+v", got)
	}
	// The notice of a resource, with the resource's name.
	if got := g.testAlert(`{"resource":"primary","channel":{"webhook":{"url":"` + hook.URL + `/own","payload":{"text":"{resource_name} is down"}}}}`); !got.OK {
		t.Errorf("%+v", got)
	}
	if bodies[2] != `{"text":"TEST primary is down"}` {
		t.Error(bodies[2])
	}
	audit := g.get("/v1/audit").want(200).body
	if !strings.Contains(audit, "sent a test alert to "+hook.URL+"/no") || strings.Contains(audit, "hush") {
		t.Error(audit)
	}
}

func TestAlertsAreTriedByMail(t *testing.T) {
	g, m := newGateway(t), openMailbox(t)
	g.storeMail(fmt.Sprintf(`{"host":"127.0.0.1","port":%d,"username":"u","password":"hush-smtp","from":"gw@a.example","encryption":"none"}`, m.port))
	got := g.testAlert(`{"channel":{"name":"ops","email":{"to":["ops@b.example"],"subject":"{resource_name} is DOWN"}}}`)
	if !got.OK || got.To != "email to ops@b.example" || got.Detail != "the mail server has taken it" || got.Title != "[TEST] example is DOWN" {
		t.Errorf("%+v", got)
	}
	if mail := <-m.arrived; !strings.Contains(mail, "Subject: [TEST] example is DOWN") || !strings.Contains(mail, "This is a test") {
		t.Error(mail)
	}
	g.storeMail(fmt.Sprintf(`{"host":"127.0.0.1","port":%d,"username":"u","password":"hush-wrong","from":"gw@a.example","encryption":"none"}`, m.port))
	if got := g.testAlert(`{"channel":{"email":{"to":["ops@b.example"]}}}`); got.OK || !strings.HasPrefix(got.Detail, "the server refused username and password: 535") {
		t.Errorf("%+v", got)
	}
}

// A masked secret stands for the stored one only where that is sent anyway.
func TestMaskedSecretsOfATriedAlert(t *testing.T) {
	g := newGateway(t)
	var keys []string
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { keys = append(keys, r.Header.Get("X-Key")) }))
	defer hook.Close()
	version := g.get("/v1/settings").header.Get("ETag")
	channel := `{"name":"chat","webhook":{"url":"` + hook.URL + `/a","headers":{"X-Key":"hush-key"}}}`
	g.do(request{method: http.MethodPatch, path: "/v1/settings", header: http.Header{"If-Match": {version}}, body: `{"alerts":{"channels":[` + channel + `]}}`}).want(200)
	masked := func(name, path string) string {
		return `{"channel":{"name":"` + name + `","webhook":{"url":"` + hook.URL + path + `","headers":{"X-Key":"[redacted]"}}}}`
	}
	if got := g.testAlert(masked("chat", "/a")); !got.OK || keys[0] != "hush-key" {
		t.Errorf("%+v, %q", got, keys)
	}
	for _, body := range []string{masked("chat", "/b"), masked("other", "/a"), masked("", "/a")} {
		p := g.do(request{method: http.MethodPost, path: "/v1/alerts/test", body: body}).wantProblem(422, dispatchapy.CodeInvalid)
		if len(p.Fields) != 1 || p.Fields[0].Path != "channel.webhook.headers.X-Key" {
			t.Errorf("%+v", p)
		}
	}
	if len(keys) != 1 {
		t.Errorf("%d requests", len(keys))
	}
}

func TestFaultsOfATriedAlert(t *testing.T) {
	g := newGateway(t)
	for body, path := range map[string]string{
		`{}`: "channel", `{"channel":{}}`: "channel", `{"chanel":{}}`: "channel", `{"channel":{"email":{}},"x":1}`: "x", `{"channel":{"mail":{}}}`: "channel.mail",
		`{"channel":{"email":{"to":["nobody"]}}}`:                              "channel.email.to[0]",
		`{"channel":{"webhook":{"url":"ftp://x/"}}}`:                           "channel.webhook.url",
		`{"channel":{"webhook":{"url":"http://x/"}},"resource":"nope"}`:        "resource",
		`{"channel":{"webhook":{"url":"http://x/","timeout":"1h"}}}`:           "channel.webhook.timeout",
		`{"channel":{"email":{"to":["a@b.example"]},"quiet":[{"from":"22"}]}}`: "channel.quiet[0].from",
	} {
		p := g.do(request{method: http.MethodPost, path: "/v1/alerts/test", body: body}).wantProblem(422, dispatchapy.CodeInvalid)
		if len(p.Fields) == 0 || p.Fields[0].Path != path {
			t.Errorf("%s: %+v, want a fault at %s", body, p, path)
		}
	}
	g.store.appendAudit = func() error { return store.ErrUnavailable }
	g.do(request{method: http.MethodPost, path: "/v1/alerts/test", body: `{"channel":{"webhook":{"url":"http://127.0.0.1:1/"}}}`}).wantProblem(503, dispatchapy.CodeUnavailable)
	id := g.givenUp()
	g.do(request{method: http.MethodPost, path: fmt.Sprintf("/v1/notifications/%d/retry", id)}).wantProblem(503, dispatchapy.CodeUnavailable)
}
