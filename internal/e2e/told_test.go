package e2e_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
)

// mailbox is a real mail server that keeps what it takes.
type mailbox struct {
	port int

	mu    sync.Mutex
	mails []string
}

func openMailbox(t *testing.T) *mailbox {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mailbox{port: listener.Addr().(*net.TCPAddr).Port}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &letter{box: m}, nil }))
	server.Domain, server.ErrorLog = "mail.example", log.New(io.Discard, "", 0)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Shutdown(context.Background())
		<-ended
	})
	return m
}

func (m *mailbox) all() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails)
}

// has reports whether a text came in one of the mails.
func (m *mailbox) has(text string) bool {
	return slices.ContainsFunc(m.all(), func(mail string) bool { return strings.Contains(strings.ReplaceAll(mail, "=\r\n", ""), text) })
}

type letter struct{ box *mailbox }

func (*letter) Reset()                               {}
func (*letter) Logout() error                        { return nil }
func (*letter) Mail(string, *smtp.MailOptions) error { return nil }
func (*letter) Rcpt(string, *smtp.RcptOptions) error { return nil }

func (l *letter) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	l.box.mu.Lock()
	defer l.box.mu.Unlock()
	l.box.mails = append(l.box.mails, string(text))
	return err
}

const toldFile = `
version: 1
settings:
  smtp: {host: 127.0.0.1, port: $port, from: gateway@sender.example, encryption: none}
  status_page: {enabled: true, public: true, endpoints: [{path: send_sms, name: Text messages}]}
  alerts:
    base_url: https://gateway.example
    channels:
      - {name: ops, group_for: 3s, email: {to: [ops@to.example]}}
      - {name: chat, group_for: 1s, webhook: {url: "$hook", payload: {text: "{title}"}}}
resources:
  - name: only
    url: "$resource"
    health_check: {enabled: true, interval: {min: 1s, max: 1s}}
endpoints:
  - {path: send_sms, resources: [only]}
`

// TestPeopleAreToldOfAnOutage: from the check to the mail, and what of it is
// shown: on the incident, in the check log, as metrics and on the status page.
// The chat's receiver fails first.
func TestPeopleAreToldOfAnOutage(t *testing.T) {
	t.Parallel()
	m, p, hook := openMailbox(t), newProvider(t, works), newProvider(t, answers(http.StatusBadGateway))
	g := start(t, fill(toldFile, map[string]string{"port": fmt.Sprint(m.port), "resource": p.url(), "hook": hook.url()}))
	g.awaitHealth(t, "only", "up")
	p.vanish()
	g.awaitHealth(t, "only", "down")
	eventually(t, patience, "both events have come by mail, and the chat was tried", func() (bool, any) {
		tries := len(hook.all())
		return m.has(`Endpoint "send_sms" is DOWN`) && m.has(`Resource "only" is DOWN`) && tries > 0, fmt.Sprintf("%d tries, %s", tries, m.all())
	})
	if !m.has("https://gateway.example/incidents/") {
		t.Errorf("there is no link in %s", m.all())
	}

	hook.now(answers(http.StatusNoContent))
	var waiting struct{ Items []struct{ ID int64 } }
	g.get(t, "/v1/notifications?channel=chat&status=pending", &waiting)
	for _, n := range waiting.Items {
		if status, answer := g.manage(t, http.MethodPost, fmt.Sprintf("/v1/notifications/%d/retry", n.ID), ""); status != http.StatusOK && status != http.StatusConflict { // it may be being sent
			t.Errorf("%d %s", status, answer)
		}
	}
	var resources struct{ Items []struct{ ID int64 } }
	g.get(t, "/v1/resources", &resources)
	outcomes := func() map[string]string {
		var checks struct {
			Items []struct {
				Told []struct{ Channel, Status string }
			}
		}
		g.get(t, fmt.Sprintf("/v1/resources/%d/health?limit=200", resources.Items[0].ID), &checks)
		got := map[string]string{}
		for _, c := range checks.Items {
			for _, told := range c.Told {
				got[told.Channel] = told.Status
			}
		}
		return got
	}
	eventually(t, patience, "the check log says that both were told", func() (bool, any) {
		got := outcomes()
		return cmp.Equal(map[string]string{"ops": "sent", "chat": "sent"}, got), got
	})
	_, timeline := g.manage(t, http.MethodGet, "/v1/incidents/1", "")
	for _, want := range []string{`"told: email to ops@to.example (channel \"ops\")`, `"not told yet: webhook to 127.0.0.1`, `"told: webhook to 127.0.0.1`} {
		if !strings.Contains(string(timeline), want) {
			t.Errorf("%s is not in %s", want, timeline)
		}
	}
	metrics := g.metrics(t)
	for series, least := range map[string]float64{
		`dispatchapy_incidents_open{kind="resource.down"}`: 1, `dispatchapy_incidents_open{kind="endpoint.down"}`: 1, `dispatchapy_incidents_unacknowledged`: 2,
		`dispatchapy_notifications_total{status="sent",via="email"}`: 1, `dispatchapy_notifications_total{status="pending",via="webhook"}`: 1,
	} {
		if metrics[series] < least {
			t.Errorf("%s is %v, want %v at least", series, metrics[series], least)
		}
	}
	for _, series := range []string{`dispatchapy_incidents_open{kind="breaker.open"}`, `dispatchapy_resource_maintenance{resource="only"}`, `dispatchapy_notifications_waiting`} {
		if value, shown := metrics[series]; !shown || value != 0 {
			t.Errorf("%s is %v, shown: %v", series, value, shown)
		}
	}
	if _, page := g.manageAs(t, "nobody's", http.MethodGet, "/v1/status", ""); !strings.Contains(string(page), `"name":"Text messages","state":"down"`) {
		t.Errorf("the status page says %s", page)
	}

	p.listen(t)
	g.awaitHealth(t, "only", "up")
	eventually(t, patience, "the end is told, too", func() (bool, any) {
		return m.has(`Endpoint "send_sms" is UP again`) && m.has(`Resource "only" is UP again`), m.all()
	})
}
