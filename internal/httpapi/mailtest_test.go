package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"dispatchapy"
	"dispatchapy/internal/mail"
	"dispatchapy/internal/store"
)

// silentMailer takes everything and sends nothing.
type silentMailer struct{}

func (silentMailer) Check(context.Context, dispatchapy.SMTP) error              { return nil }
func (silentMailer) Send(context.Context, dispatchapy.SMTP, mail.Message) error { return nil }

// mailbox is a real mail server that knows the user u with hush-smtp.
type mailbox struct {
	port    int
	logins  chan string // passwords
	arrived chan string // mails
}

func openMailbox(t *testing.T) *mailbox {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mailbox{port: listener.Addr().(*net.TCPAddr).Port, logins: make(chan string, 10), arrived: make(chan string, 10)}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return mailSession{m}, nil }))
	server.AllowInsecureAuth, server.ErrorLog = true, log.New(io.Discard, "", 0)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return m
}

type mailSession struct{ box *mailbox }

func (mailSession) Reset()                               {}
func (mailSession) Logout() error                        { return nil }
func (mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (mailSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (mailSession) AuthMechanisms() []string             { return []string{sasl.Plain} }

func (s mailSession) Data(r io.Reader) error {
	content, err := io.ReadAll(r)
	s.box.arrived <- string(content)
	return err
}

func (s mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		s.box.logins <- password
		if username != "u" || password != "hush-smtp" {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

// mailTested is the answer of the test of a mail server.
type mailTested struct {
	OK         bool
	Detail     string
	DurationMS float64 `json:"duration_ms"`
}

func (g *gateway) testMail(body string) mailTested {
	g.t.Helper()
	answer := g.do(request{method: http.MethodPost, path: "/v1/settings/smtp-test", body: body}).want(200)
	answer.wantDocumented(g.document(), http.MethodPost, "/v1/settings/smtp-test")
	if strings.Contains(answer.body, "hush") {
		g.t.Errorf("a secret is shown: %s", answer.body)
	}
	var got mailTested
	decode(g.t, answer.body, &got)
	return got
}

// storeMail saves the mail server's settings.
func (g *gateway) storeMail(settings string) {
	g.t.Helper()
	version := g.get("/v1/settings").want(200).header.Get("ETag")
	g.do(request{method: http.MethodPatch, path: "/v1/settings", body: `{"smtp":` + settings + `}`, header: http.Header{"If-Match": {version}}}).want(200)
}

func TestMailServerWithUnsavedValues(t *testing.T) {
	g, m := newGateway(t), openMailbox(t)
	values := `{"host":"127.0.0.1","port":%d,"username":"u","password":%q,"from":"gw@a.example","encryption":%q,"to":%q}`
	tests := []struct {
		name, password, encryption, to string
		want                           mailTested
		mails                          int
	}{
		{"logs in", "hush-smtp", "none", "", mailTested{OK: true, Detail: "connected with no encryption, logged in as u, mail from gw@a.example is accepted"}, 0},
		{"sends", "hush-smtp", "none", "ops@b.example", mailTested{OK: true, Detail: "connected with no encryption, logged in as u, sent a mail to ops@b.example"}, 1},
		{"wrong password", "hush-wrong", "none", "ops@b.example",
			mailTested{Detail: "the server refused username and password: 535 5.7.8 Authentication failed"}, 0},
		{"no STARTTLS", "hush-smtp", "starttls", "ops@b.example",
			mailTested{Detail: "the server does not offer STARTTLS on this port: use another port or another encryption"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := g.testMail(fmt.Sprintf(values, m.port, tt.password, tt.encryption, tt.to))
			if got.DurationMS <= 0 {
				t.Error("it took no time")
			}
			if got.DurationMS = 0; got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
			if len(m.arrived) != tt.mails {
				t.Errorf("%d mails arrived, want %d", len(m.arrived), tt.mails)
			}
			for range tt.mails {
				if mail := <-m.arrived; !strings.Contains(mail, "Subject: Dispatchapy: test mail\r\n") {
					t.Error(mail)
				}
			}
		})
	}
	if got := g.get("/v1/settings").want(200).body; !strings.Contains(got, "mail.example") {
		t.Errorf("the test changed the settings: %s", got)
	}
}

// TestMaskedPasswordStaysAtHome tries to have the stored password sent
// somewhere else.
func TestMaskedPasswordStaysAtHome(t *testing.T) {
	g, m := newGateway(t), openMailbox(t)
	stored := fmt.Sprintf(`{"host":"127.0.0.1","port":%d,"username":"u","password":"hush-smtp","from":"a@b.example","encryption":"none"}`, m.port)
	masked := strings.Replace(stored, "hush-smtp", "[redacted]", 1)
	g.storeMail(stored)
	if got := g.testMail(masked); !got.OK || <-m.logins != "hush-smtp" {
		t.Errorf("at home: %+v", got)
	}
	refused := func(name, body string) {
		t.Helper()
		got := g.do(request{method: http.MethodPost, path: "/v1/settings/smtp-test", body: body}).wantProblem(422, dispatchapy.CodeInvalid)
		if len(got.Fields) != 1 || got.Fields[0].Path != "password" {
			t.Errorf("%s: %+v", name, got)
		}
		if len(m.logins) > 0 {
			t.Errorf("%s: the server was sent %q", name, <-m.logins)
		}
	}
	refused("another host", strings.Replace(masked, "127.0.0.1", "localhost", 1))
	refused("another username", strings.Replace(masked, `"u"`, `"v"`, 1))
	g.storeMail(strings.Replace(stored, "none", "starttls", 1))
	refused("without the stored encryption", masked)
	g.storeMail(strings.Replace(stored, fmt.Sprint(m.port), "2525", 1))
	refused("another port", masked)
	g.storeMail(`{"host":"127.0.0.1","port":2525,"username":"u","password":"","from":"a@b.example"}`)
	refused("nothing stored", masked)
	g.storeMail("null")
	refused("no server stored", masked)
}

func TestMailTestFaults(t *testing.T) {
	g := newGateway(t)
	for name, tt := range map[string]struct{ body, field string }{
		"no host":         {`{"host":"","from":"a@b.example"}`, "host"},
		"port":            {`{"host":"h","port":70000,"from":"a@b.example"}`, "port"},
		"sender":          {`{"host":"h","from":"me"}`, "from"},
		"recipient":       {`{"host":"h","from":"a@b.example","to":"you\r\nDATA"}`, "to"},
		"encryption":      {`{"host":"h","from":"a@b.example","encryption":"ssl"}`, "encryption"},
		"unknown key":     {`{"host":"h","from":"a@b.example","pass":"x"}`, "pass"},
		"host of a space": {`{"host":"h h","from":"a@b.example"}`, "host"},
	} {
		t.Run(name, func(t *testing.T) {
			got := g.do(request{method: http.MethodPost, path: "/v1/settings/smtp-test", body: tt.body})
			got.t = t
			if p := got.wantProblem(422, dispatchapy.CodeInvalid); len(p.Fields) == 0 || p.Fields[0].Path != tt.field {
				t.Errorf("fields %+v, want %s", p.Fields, tt.field)
			}
		})
	}
}

func TestMailTestIsGuarded(t *testing.T) {
	g := newGateway(t)
	got := g.testMail(`{"host":"169.254.169.254","port":80,"from":"a@b.example"}`)
	if got.OK || !strings.Contains(got.Detail, "169.254.169.254 is never contacted") {
		t.Errorf("%+v", got)
	}
}

func TestMailTestsAreAudited(t *testing.T) {
	g, m := newGateway(t), openMailbox(t)
	body := fmt.Sprintf(`{"host":"127.0.0.1","port":%d,"username":"u","password":"hush-smtp","from":"gw@a.example","encryption":"none","to":"ops@b.example"}`, m.port)
	g.testMail(body)
	<-m.arrived
	entries, err := g.store.ListAudit(t.Context(), store.AuditQuery{Limit: 1})
	text, encodeErr := json.Marshal(entries)
	if err = errors.Join(err, encodeErr); err != nil {
		t.Fatal(err)
	}
	e := entries[0]
	if want := fmt.Sprintf("tested the mail server 127.0.0.1:%d, with a mail to ops@b.example", m.port); e.Action != "test" || e.By != "admin" ||
		e.Kind != store.KindSettings || e.Detail != want {
		t.Errorf("audit entry %+v, want %s", e, want)
	}
	if strings.Contains(string(text)+g.logs.String(), "hush") {
		t.Errorf("the password was written down: %s, %s", text, g.logs)
	}
	g.store.appendAudit = func() error { return store.ErrUnavailable }
	g.do(request{method: http.MethodPost, path: "/v1/settings/smtp-test", body: body}).wantProblem(503, dispatchapy.CodeUnavailable)
	if len(m.arrived) > 0 {
		t.Error("what was not audited was sent")
	}
}

func TestMailTestsAtTheSameTimeAreBounded(t *testing.T) {
	g := newGateway(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	connected, release := make(chan struct{}, 10), make(chan struct{})
	go func() {
		for {
			nc, err := listener.Accept()
			if err != nil {
				return
			}
			connected <- struct{}{}
			go func() {
				<-release
				_, _ = io.WriteString(nc, "554 closed\r\n")
				_, _ = bufio.NewReader(nc).ReadString('\n')
				_ = nc.Close()
			}()
		}
	}()
	trial := request{
		method: http.MethodPost, path: "/v1/settings/smtp-test",
		body: fmt.Sprintf(`{"host":"127.0.0.1","port":%d,"from":"a@b.example"}`, listener.Addr().(*net.TCPAddr).Port),
	}
	var running sync.WaitGroup
	for range 2 {
		running.Go(func() { g.do(trial) })
	}
	for range 2 {
		<-connected
	}
	g.do(trial).wantProblem(429, dispatchapy.CodeLimited)
	close(release)
	running.Wait()
	if got := g.testMail(trial.body); got.OK || got.Detail != "the server takes no mail: 554 closed" {
		t.Errorf("%+v", got)
	}
}
