package notify

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/store"
)

var (
	oclock = time.Date(2026, 11, 24, 2, 41, 0, 0, time.UTC)
	place  = world{gateway: "gw.example", base: "https://gw.example", now: oclock.Add(time.Hour),
		address: func(id int64) string { return map[int64]string{1: "http://u:hush@a.example/send?key=hush"}[id] }}
)

// happened makes an event of incident number i, if there is one.
func happened(kind dispatchapy.EventKind, incident int64, after time.Duration) store.EventDetail {
	e := store.EventDetail{Event: dispatchapy.Event{ID: 1, Kind: kind, At: oclock.Add(after), IncidentID: incident, Detail: "connection refused"}}
	if incident != 0 {
		e.OpenedAt = oclock
	}
	switch {
	case strings.HasPrefix(string(kind), "resource."):
		e.ResourceID, e.Resource = 1, "sms"
	case strings.HasPrefix(string(kind), "endpoint."), kind == dispatchapy.EventTaskFailed:
		e.EndpointID, e.Endpoint = 11, "send/sms"
	}
	if kind.Ends() {
		e.ClosedAt, e.Detail = e.At, "was down for "+after.String()
	}
	return e
}

func telling1(events ...store.EventDetail) *telling {
	d := &store.NotificationDetail{Events: events}
	d.Notification.ID, d.Notification.Events = 9, len(events)
	return tell(place, d)
}

func TestPlaceholdersOfOneEvent(t *testing.T) {
	down := telling1(happened(dispatchapy.EventResourceDown, 7, 0)).all()
	want := values{
		"title": `Resource "sms" is DOWN`, "text": "connection refused\nSince 2026-11-24 02:41:00 UTC", "event": "resource.down", "status": "firing", "action": "trigger",
		"severity": "warning", "reason": "connection refused", "since": "2026-11-24 02:41:00 UTC", "downtime": "1h0m0s", "count": "1",
		"resource_name": "sms", "resource_endpoint": down["resource_endpoint"], "endpoint": "", "incident_id": "7", "task_id": "",
		"datetime": "2026-11-24T02:41:00Z", "timestamp_utc": "2026-11-24 02:41:00 UTC", "link": "https://gw.example/incidents/7", "gateway": "gw.example", "key": "incident-7",
	}
	if diff := cmp.Diff(want, down); diff != "" {
		t.Errorf("down (-want +got):\n%s", diff)
	}
	if address := down["resource_endpoint"]; strings.Contains(address, "hush") || !strings.Contains(address, "a.example/send") {
		t.Errorf("the address is %s", address)
	}
	for _, name := range dispatchapy.Placeholders {
		if _, known := down[name]; !known {
			t.Errorf("{%s} has no value", name)
		}
	}
	up := telling1(happened(dispatchapy.EventResourceDown, 7, 0), happened(dispatchapy.EventResourceUp, 7, 5*time.Minute)).all()
	for name, want := range map[string]string{
		"title": `Resource "sms" is UP again`, "text": "was down for 5m0s\nFrom 2026-11-24 02:41:00 UTC to 2026-11-24 02:46:00 UTC", "status": "resolved", "action": "resolve",
		"downtime": "5m0s", "count": "2", "timestamp_utc": "2026-11-24 02:46:00 UTC", "key": "incident-7",
	} {
		if up[name] != want {
			t.Errorf("up: {%s} is %q, want %q", name, up[name], want)
		}
	}
	task := happened(dispatchapy.EventTaskFailed, 0, 0)
	task.TaskID = 42
	failed := telling1(task).all()
	for name, want := range map[string]string{
		"title": `A task of endpoint "send/sms" failed for good`, "status": "info", "link": "https://gw.example/tasks/42", "task_id": "42", "downtime": "", "key": "notification-9",
		"text": "connection refused\nAt 2026-11-24 02:41:00 UTC",
	} {
		if failed[name] != want {
			t.Errorf("a task: {%s} is %q, want %q", name, failed[name], want)
		}
	}
}

func TestPlaceholdersOfManyEvents(t *testing.T) {
	endpoint := happened(dispatchapy.EventEndpointDown, 8, time.Minute)
	over := happened(dispatchapy.EventResourceUp, 7, 2*time.Minute)
	other := happened(dispatchapy.EventResourceDown, 9, 3*time.Minute)
	other.Resource, other.Detail = "chat", "timeout"
	v := telling1(happened(dispatchapy.EventResourceDown, 7, 0), endpoint, over, other).all()
	for name, want := range map[string]string{
		"title": `Endpoint "send/sms" is DOWN, and 2 more`, "status": "firing", "action": "trigger", "severity": "critical", "count": "4",
		"resource_name": "sms, chat", "endpoint": "send/sms", "reason": "was down for 2m0s, connection refused, timeout", "incident_id": "7, 8, 9",
		"event": "resource.up, endpoint.down, resource.down", "link": "https://gw.example", "key": "notification-9", "datetime": "2026-11-24T02:44:00Z",
		"text": "Resource \"sms\" is UP again: was down for 2m0s\nEndpoint \"send/sms\" is DOWN: connection refused\nResource \"chat\" is DOWN: timeout",
	} {
		if v[name] != want {
			t.Errorf("{%s} is %q, want %q", name, v[name], want)
		}
	}
	d := &store.NotificationDetail{Events: []store.EventDetail{endpoint}}
	d.Notification.Events = 300
	if v := tell(place, d).all(); v["title"] != `Endpoint "send/sms" is DOWN, and 299 more` || !strings.HasSuffix(v["text"], "\nand 299 more") {
		t.Errorf("%q\n%s", v["title"], v["text"])
	}
	d.Events = nil
	if v := tell(place, d).all(); v["title"] != "300 events" || v["text"] == "" {
		t.Errorf("of what is gone: %q", v)
	}
	var all []store.EventDetail
	for i := range 30 {
		e := happened(dispatchapy.EventResourceDown, int64(i+1), 0)
		e.Resource, e.Detail = fmt.Sprint("r", i), strings.Repeat("x", 2000)
		all = append(all, e)
	}
	v = telling1(all...).all()
	if n := len(v["text"]); n > maxText+10 || !strings.HasSuffix(v["resource_name"], "r9, 20 more") {
		t.Errorf("a text of %d bytes, resources %s", n, v["resource_name"])
	}
}

func TestPayload(t *testing.T) {
	down, up := happened(dispatchapy.EventResourceDown, 7, 0), happened(dispatchapy.EventResourceUp, 7, time.Minute)
	secrets := map[string]dispatchapy.Secret{"token": "hush-token"}
	for name, tc := range map[string]struct {
		payload string
		events  []store.EventDetail
		want    string
	}{
		"as the original has it": {`{"text": "{resource_name} is down since {datetime}", "level": 2}`, []store.EventDetail{down}, `{"level":2,"text":"sms is down since 2026-11-24T02:41:00Z"}`},
		"at any depth":           {`{"a": [{"b": ["{title}"]}], "{title}": 1.50}`, []store.EventDetail{down}, `{"a":[{"b":["Resource \"sms\" is DOWN"]}],"{title}":1.50}`},
		"keys of its own":        {`{"env": "prod {gateway}", "n": 7, "text": "{env}: {n}, {resource_name}"}`, []store.EventDetail{down}, `{"env":"prod gw.example","n":7,"text":"prod gw.example: 7, sms"}`},
		"in a circle":            {`{"a": "{b}", "b": "{a}"}`, []store.EventDetail{down}, `{"a":"{a}","b":"{b}"}`},
		"unknown ones stay":      {`["{nope} {} {secret:nope}"]`, []store.EventDetail{down}, `["{nope} {} {secret:nope}"]`},
		"secrets":                {`{"key": "{secret:token}"}`, []store.EventDetail{down}, `{"key":"hush-token"}`},
		"what is filled in is not filled": {`{"text": "{reason}"}`, []store.EventDetail{func() store.EventDetail { e := down; e.Detail = "{secret:token} {title}"; return e }()},
			`{"text":"{secret:token} {title}"}`},
		"one that says what it is of the end": {`{"text": "{status}: {resource_name}"}`, []store.EventDetail{down, up}, `{"text":"resolved: sms"}`},
	} {
		got, err := telling1(tc.events...).payload(&dispatchapy.WebhookNotice{Payload: json.RawMessage(tc.payload), Secrets: secrets})
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, tc.want)
		}
	}
	long := happened(dispatchapy.EventResourceDown, 7, 0)
	long.Resource = strings.Repeat("é", 200)
	payload := `["` + strings.Repeat("{resource_name}", 4000) + `"]`
	if _, err := telling1(long).payload(&dispatchapy.WebhookNotice{Payload: json.RawMessage(payload)}); err == nil {
		t.Error("a payload without a bound")
	}
}

// A text of a few kilobytes can ask for any number of bytes, by keys of the
// payload that are long themselves: it is refused before they are there.
func TestWhatIsFilledInIsBounded(t *testing.T) {
	down := telling1(happened(dispatchapy.EventResourceDown, 7, 0))
	payload := `{"a": "` + strings.Repeat("{text}", 5000) + `", "b": ["` + strings.Repeat(`{a}","`, 4000) + `"]}`
	before := allocated()
	_, err := down.payload(&dispatchapy.WebhookNotice{Payload: json.RawMessage(payload)})
	if err == nil || !strings.Contains(err.Error(), "more than 262144 bytes") {
		t.Errorf("a payload without a bound: %v", err)
	}
	// Without a bound it would be some GB. The race detector takes more, too.
	if used := allocated() - before; used > 512<<20 {
		t.Errorf("%d MB were used for it", used>>20)
	}
	many := telling1(manyEvents(100)...)
	l := many.email(&dispatchapy.EmailNotice{Body: strings.Repeat("{text}\n", 9000)})
	if len(l.text) > 2*maxOwn {
		t.Errorf("a mail of %d bytes", len(l.text))
	}
	if !strings.Contains(l.text, "Incident:  99") {
		t.Error("what the text of the notice leaves no room for is not told")
	}
}

func manyEvents(n int) (out []store.EventDetail) {
	for i := range n {
		out = append(out, happened(dispatchapy.EventResourceDown, int64(i+1), 0))
	}
	return out
}

// allocated is how many bytes were asked for since the process began.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// A payload that was written for what begins does not say it of the end, nor is
// the end kept from anybody.
func TestUsualPayload(t *testing.T) {
	written := &dispatchapy.WebhookNotice{Payload: json.RawMessage(`{"text": "{resource_name} is down"}`)}
	got, err := telling1(happened(dispatchapy.EventResourceDown, 7, 0), happened(dispatchapy.EventResourceUp, 7, time.Minute)).payload(written)
	if err != nil {
		t.Fatal(err)
	}
	var p usualPayload
	if err := json.Unmarshal(got, &p); err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	want := usualPayload{
		Title: `Resource "sms" is UP again`, Text: "was down for 1m0s\nFrom 2026-11-24 02:41:00 UTC to 2026-11-24 02:42:00 UTC", Status: "resolved", Severity: "warning", Count: 2,
		Gateway: "gw.example", Link: "https://gw.example/incidents/7", Events: []usualEvent{{
			Event: "resource.up", Title: `Resource "sms" is UP again`, Status: "resolved", Severity: "warning", At: "2026-11-24T02:42:00Z", Reason: "was down for 1m0s",
			Resource: new("sms"), Address: p.Events[0].Address, Incident: new(int64(7)), Since: new("2026-11-24T02:41:00Z"), Downtime: new("1m0s"), Link: "https://gw.example/incidents/7",
		}},
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if strings.Contains(string(got), "hush") {
		t.Errorf("it holds a secret: %s", got)
	}
}

func TestEmail(t *testing.T) {
	down, up := happened(dispatchapy.EventResourceDown, 7, 0), happened(dispatchapy.EventResourceUp, 7, 5*time.Minute)
	usual := telling1(down).email(&dispatchapy.EmailNotice{})
	wantText := `Resource "sms" is DOWN

Reason:    connection refused
Resource:  sms (` + telling1(down).all()["resource_endpoint"] + `)
Since:     2026-11-24 02:41:00 UTC
Incident:  7

https://gw.example/incidents/7

-- 
Dispatchapy on gw.example
`
	if usual.subject != `Dispatchapy Alert: Resource "sms" is DOWN` || usual.text != wantText {
		t.Errorf("%s\n%s", usual.subject, cmp.Diff(wantText, usual.text))
	}
	again := telling1(down, up).email(&dispatchapy.EmailNotice{Subject: "{resource_name} is DOWN", Body: "{resource_name} at {resource_endpoint} since {timestamp_utc}"})
	for _, want := range []string{"Resource \"sms\" is UP again\n", "Lasted:    5m0s\n", "Before:    2026-11-24 02:41:00 UTC: Resource \"sms\" is DOWN\n"} {
		if !strings.Contains(again.text, want) {
			t.Errorf("%q is missing in\n%s", want, again.text)
		}
	}
	if again.subject != `Dispatchapy: Resource "sms" is UP again` {
		t.Error(again.subject)
	}
	own := telling1(down).email(&dispatchapy.EmailNotice{Subject: "{resource_name}\nis DOWN {nope}", Body: "Look at {resource_name}.\nSince {timestamp_utc}.\n"})
	if own.subject != "sms is DOWN {nope}" || !strings.HasPrefix(own.text, "Look at sms.\nSince 2026-11-24 02:41:00 UTC.\n\n-- \n") {
		t.Errorf("%s\n%s", own.subject, own.text)
	}
	many := telling1(down, happened(dispatchapy.EventEndpointDown, 8, 0), happened(dispatchapy.EventTaskFailed, 0, 0)).email(&dispatchapy.EmailNotice{})
	if many.subject != `Dispatchapy Alert: Endpoint "send/sms" is DOWN, and 2 more` || strings.Count(many.text, "\n----\n") != 2 || !strings.Contains(many.text, "failed for good") {
		t.Errorf("%s\n%s", many.subject, many.text)
	}
}

// What others say does not become a part of the page.
func TestEmailEscapes(t *testing.T) {
	e := happened(dispatchapy.EventResourceDown, 7, 0)
	e.Resource, e.Detail = `O'Neil "x" <img onerror=alert(1)>`, "<script>alert(1)</script>"
	for _, body := range []string{"", "{resource_name}: {reason} <b>"} {
		l := telling1(e).email(&dispatchapy.EmailNotice{Body: body})
		if strings.Contains(l.html, "<script") || strings.Contains(l.html, "<img") || strings.Contains(l.html, "<b>") || !strings.Contains(l.html, "&lt;script&gt;") {
			t.Error(l.html)
		}
		if !strings.Contains(l.text, "<script>") {
			t.Error(l.text)
		}
	}
	e.Resource = strings.Repeat("long ", 200) + "\r\nBcc: x"
	if l := telling1(e).email(&dispatchapy.EmailNotice{Subject: "{resource_name}"}); len(l.subject) > maxSubject+3 || strings.ContainsAny(l.subject, "\r\n") {
		t.Errorf("%q", l.subject)
	}
}

func TestATestSaysThatItIsOne(t *testing.T) {
	d := &store.NotificationDetail{Events: []store.EventDetail{happened(dispatchapy.EventResourceDown, 0, 0)}}
	d.Notification.Events = 1
	w := place
	w.test = true
	l := tell(w, d).email(&dispatchapy.EmailNotice{Subject: "{resource_name} is DOWN", Body: "{resource_name} is DOWN"})
	if !strings.Contains(l.subject, "TEST") || !strings.Contains(l.text, "This is a test") || !strings.Contains(l.html, "This is a test") {
		t.Errorf("%s\n%s", l.subject, l.text)
	}
	for _, payload := range []string{`{"text": "{resource_name} is down"}`, `{"text": "{title}"}`, ``} {
		got, err := tell(w, d).payload(&dispatchapy.WebhookNotice{Payload: json.RawMessage(payload)})
		if err != nil || !strings.Contains(string(got), "TEST") {
			t.Errorf("%s: %s, %v", payload, got, err)
		}
	}
}

func TestEveryKindHasATitle(t *testing.T) {
	s := dispatchapy.DefaultSettings()
	for _, kind := range dispatchapy.EventKinds() {
		if titles[kind] == "" {
			t.Errorf("%s has no title", kind)
		}
		if !s.Alerts.Rule(kind, nil, nil).IsOn() && s.Alerts.Rule(kind, nil, nil).Enabled == nil {
			t.Errorf("%s has no rule", kind)
		}
	}
	if got := titleOf(&store.EventDetail{Event: dispatchapy.Event{Kind: "weather.bad"}}); got != "weather.bad" {
		t.Error(got)
	}
}

// Chats refuse what is too long for them, and would go on refusing it.
func TestLongNamesFitIntoChats(t *testing.T) {
	for _, kind := range dispatchapy.EventKinds() {
		d := &store.NotificationDetail{}
		for i := range 100 {
			e := happened(kind, int64(i+1), 0)
			e.Resource, e.Endpoint, e.Detail = strings.Repeat("r", 200), strings.Repeat("e", 200), strings.Repeat("x", 10_000)
			d.Events = append(d.Events, e)
		}
		d.Notification.Events = 5000
		w := place
		w.test = true
		v := tell(w, d).all()
		if title, text := utf8.RuneCountInString(v["title"]), utf8.RuneCountInString(v["text"]); title > 150 || text > 1500 || !strings.HasSuffix(v["title"], " more") {
			t.Errorf("%s: %d characters in the title, %d in the text: %s", kind, title, text, v["title"])
		}
	}
}
