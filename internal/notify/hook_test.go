package notify_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/notify"
	"dispatchapy/internal/store"
)

// call is a request as the receiver got it.
type call struct {
	method string
	path   string
	header http.Header
	body   string
}

// receiver is a real server that answers as it is told.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []call
	answer func(n int, w http.ResponseWriter) // the number of the call, from 1
}

func receive(t *testing.T, answer func(n int, w http.ResponseWriter)) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.calls = append(r.calls, call{req.Method, req.URL.RequestURI(), req.Header.Clone(), string(body)})
		n := len(r.calls)
		r.mu.Unlock()
		if r.answer != nil {
			r.answer(n, w)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) got() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]call(nil), r.calls...)
}

const whsec = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// A receiver that fails first gets the same message until it takes it, signed
// each time, and never again after that.
func TestAWebhookThatFailsFirst(t *testing.T) {
	t.Parallel()
	r := receive(t, func(n int, w http.ResponseWriter) {
		switch n {
		case 1:
			http.Error(w, "no   such\nhook /hush/path or hush%2Fpath or hush\\/path for hush-header", http.StatusNotFound)
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 3:
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusFound)
		}
	})
	hook := &dispatchapy.WebhookNotice{
		URL: r.URL + "/{secret:path}?a=1", Method: http.MethodPut, Headers: map[string]dispatchapy.Secret{"X-Key": "hush-header"}, SigningSecret: whsec,
		Secrets: map[string]dispatchapy.Secret{"path": "hush/path"}, Payload: json.RawMessage(`{"text": "{title}", "deep": [{"id": "{incident_id}"}]}`),
	}
	g := open(t, config(dispatchapy.Channel{Name: "chat", Webhook: hook}))
	g.start()
	t.Cleanup(func() { g.stop(); g.close() })
	g.check(sms, false)
	wants := []string{"HTTP 404 Not Found: no such hook /[redacted] or [redacted] or [redacted] for [redacted]", "HTTP 503 Service Unavailable", "HTTP 302 Found"}
	for i, want := range wants {
		eventually(t, fmt.Sprint("attempt ", i+1), func() bool {
			n := g.notifications()
			return len(n) == 1 && n[0].Attempts == 1 && n[0].Status == dispatchapy.NotificationPending && len(r.got()) == i+1
		})
		if got := g.notifications()[0].LastError; !strings.HasPrefix(got, want) || strings.Contains(got, "hush") {
			t.Errorf("attempt %d: %q, want %q", i+1, got, want)
		}
		g.retry()
	}
	eventually(t, "it is sent", g.sent(1))
	calls := r.got()
	if len(calls) != len(wants)+1 {
		t.Fatalf("%d calls", len(calls))
	}
	for i, c := range calls {
		if c.method != http.MethodPut || c.path != "/hush/path?a=1" || c.header.Get("X-Key") != "hush-header" || c.body != `{"deep":[{"id":"1"}],"text":"Resource \"sms\" is DOWN"}` {
			t.Errorf("call %d: %+v", i+1, c)
		}
		id := c.header.Get("Webhook-Id")
		if id == "" || id != calls[0].header.Get("Webhook-Id") || id != c.header.Get("Idempotency-Key") {
			t.Errorf("call %d has the id %q", i+1, id)
		}
		if !verify(t, c) {
			t.Errorf("call %d: the signature %s is wrong", i+1, c.header.Get("Webhook-Signature"))
		}
	}
}

// verify checks a signature as a receiver would.
func verify(t *testing.T, c call) bool {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(whsec, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(c.header.Get("Webhook-Id") + "." + c.header.Get("Webhook-Timestamp") + "." + c.body))
	return c.header.Get("Webhook-Signature") == "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestAWebhookHasItsTimeAndItsRetries(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	r := receive(t, func(int, http.ResponseWriter) { <-hang })
	t.Cleanup(func() { close(hang) })
	hook := &dispatchapy.WebhookNotice{URL: r.URL, Timeout: dispatchapy.Duration(time.Second), Retries: new(0)}
	g := open(t, config(dispatchapy.Channel{Name: "chat", Webhook: hook}))
	g.start()
	t.Cleanup(func() { g.stop(); g.close() })
	g.check(sms, false)
	eventually(t, "it is given up", func() bool {
		n := g.notifications()
		return len(n) == 1 && n[0].Status == dispatchapy.NotificationFailed
	})
	if n := g.notifications()[0]; !strings.Contains(n.LastError, "1s") || n.Attempts != 1 {
		t.Errorf("%+v", n)
	}
	d, err := g.store.Incident(t.Context(), 1)
	if err != nil || !strings.HasPrefix(d.Timeline[len(d.Timeline)-1].Detail, "given up: webhook to 127.0.0.1:") {
		t.Errorf("%+v, %v", d.Timeline, err)
	}
}

// A webhook leads nowhere that a delivery could not lead.
func TestAWebhookIsGuarded(t *testing.T) {
	t.Parallel()
	r := receive(t, nil)
	client := deliver.NewClient(deliver.Options{AllowPrivate: func() bool { return false }})
	t.Cleanup(client.Close)
	g := open(t, config(
		dispatchapy.Channel{Name: "private", Webhook: &dispatchapy.WebhookNotice{URL: r.URL}},
		dispatchapy.Channel{Name: "metadata", Webhook: &dispatchapy.WebhookNotice{URL: "http://169.254.169.254/latest"}},
	))
	g.poster = client
	g.start()
	t.Cleanup(func() { g.stop(); g.close() })
	g.check(sms, false)
	eventually(t, "both are refused", func() bool { n := g.notifications(); return len(n) == 2 && n[0].Attempts == 1 && n[1].Attempts == 1 })
	for i, want := range []string{"is not public", "is never contacted"} {
		if n := g.notifications()[i]; !strings.Contains(n.LastError, want) {
			t.Errorf("%+v", n)
		}
	}
	if calls := r.got(); len(calls) > 0 {
		t.Errorf("%+v", calls)
	}
}

// A resource's own notice tells when it goes down, and when it is up again,
// whatever the rules say.
func TestAResourcesOwnNotice(t *testing.T) {
	t.Parallel()
	p, r := openOffice(t), receive(t, nil)
	c := config()
	c.Settings.SMTP = p.settings()
	c.Settings.Alerts.ResourceDown.Enabled = new(false)
	c.Resources[0].Notify = &dispatchapy.Notify{
		Email:   &dispatchapy.EmailNotice{To: []string{"ops@to.example"}, Subject: "{resource_name} is DOWN"},
		Webhook: &dispatchapy.WebhookNotice{URL: r.URL, Payload: json.RawMessage(`{"text": "{resource_name} is down"}`)},
	}
	g := open(t, c)
	g.start()
	t.Cleanup(func() { g.stop(); g.close() })
	g.check(sms, false)
	g.check(chat, false) // has none
	eventually(t, "down is told", g.sent(2))
	g.check(sms, true)
	eventually(t, "up is told", g.sent(4))
	mails, calls := p.mails(), r.got()
	if len(mails) != 2 || mails[0].subject != "sms is DOWN" || mails[1].subject != `Dispatchapy: Resource "sms" is UP again` {
		t.Errorf("%+v", mails)
	}
	if len(calls) != 2 || calls[0].body != `{"text":"sms is down"}` || !strings.Contains(calls[1].body, `"status":"resolved"`) {
		t.Errorf("%+v", calls)
	}
	checks, err := g.store.ListChecks(t.Context(), sms, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks {
		if told, err := g.store.Told(t.Context(), []int64{c.EventID}); err != nil || len(told) != 2 {
			t.Errorf("of the check %+v: %+v, %v", c, told, err)
		}
	}
}

// A person who retries what was given up has it sent.
func TestGivenUpAndRetried(t *testing.T) {
	t.Parallel()
	r := receive(t, func(n int, w http.ResponseWriter) {
		if n == 1 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	g := open(t, config(dispatchapy.Channel{Name: "chat", Webhook: &dispatchapy.WebhookNotice{URL: r.URL, Retries: new(0)}}))
	g.start()
	t.Cleanup(func() { g.stop(); g.close() })
	g.check(sms, false)
	eventually(t, "it is given up", func() bool {
		n := g.notifications()
		return len(n) == 1 && n[0].Status == dispatchapy.NotificationFailed
	})
	if _, err := g.store.RetryNotification(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	g.runner.Wake()
	eventually(t, "it is sent", g.sent(1))
}

// Several nodes share the work, and nobody is told twice.
func TestSeveralNodes(t *testing.T) {
	t.Parallel()
	r := receive(t, nil)
	var channels []dispatchapy.Channel
	for i := range 5 {
		channels = append(channels, dispatchapy.Channel{Name: fmt.Sprint(i), Webhook: &dispatchapy.WebhookNotice{URL: r.URL + fmt.Sprint("/", i), Payload: json.RawMessage(`{"id": "{incident_id}"}`)}})
	}
	g := open(t, config(channels...))
	var nodes []*notify.Runner
	for range 4 {
		g.start()
		nodes = append(nodes, g.runner)
	}
	t.Cleanup(func() {
		for _, n := range nodes {
			g.runner = n
			g.stop()
		}
		g.close()
	})
	for id := range int64(20) {
		g.happen(dispatchapy.Event{Kind: dispatchapy.EventEndpointDown, EndpointID: send, IncidentID: id + 1})
		for _, n := range nodes {
			n.Wake()
		}
	}
	eventually(t, "all are sent", func() bool {
		for _, n := range nodes {
			n.Wake()
		}
		return g.sent(100)()
	})
	seen := map[string]int{}
	for _, c := range r.got() {
		seen[c.path+" "+c.body]++
	}
	for what, n := range seen {
		if n != 1 {
			t.Errorf("%s was told %d times", what, n)
		}
	}
	if len(seen) != 100 {
		t.Errorf("%d messages, want 100", len(seen))
	}
}

// What is being sent when the gateway stops gets its time, and is broken off
// after that and given back, without losing an attempt.
func TestStopWhileSending(t *testing.T) {
	t.Parallel()
	begun, hang := make(chan struct{}, 1), make(chan struct{})
	r := receive(t, func(n int, _ http.ResponseWriter) {
		if n == 1 {
			begun <- struct{}{}
			<-hang
		}
	})
	g := open(t, config(dispatchapy.Channel{Name: "chat", Webhook: &dispatchapy.WebhookNotice{URL: r.URL}}))
	g.start()
	g.check(sms, false)
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g.runner.Stop(ctx)
	close(hang)
	if n := g.notifications()[0]; n.Status != dispatchapy.NotificationPending || n.Attempts != 0 {
		t.Errorf("%+v", n)
	}
	g.start()
	t.Cleanup(func() { g.stop(); g.close() })
	eventually(t, "it is sent", func() bool { g.retry(); return g.sent(1)() })
	if calls := r.got(); len(calls) != 2 || calls[0].header.Get("Webhook-Id") != calls[1].header.Get("Webhook-Id") {
		t.Errorf("%+v", calls)
	}
}

var _ notify.Store = (*forgetful)(nil)

// forgetful is a store that cannot record what was sent, for a while.
type forgetful struct {
	notify.Store
	mu     sync.Mutex
	broken bool
	failed chan struct{} // closed with the first failure
}

func (f *forgetful) RecordNotifications(ctx context.Context, outcomes []store.NotificationOutcome) ([]int64, error) {
	f.mu.Lock()
	broken := f.broken
	if broken && f.failed != nil {
		close(f.failed)
		f.failed = nil
	}
	f.mu.Unlock()
	if broken {
		return nil, errBroken
	}
	return f.Store.RecordNotifications(ctx, outcomes)
}

func (f *forgetful) mend() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = false
}
