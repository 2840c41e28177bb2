package mail_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"dispatchapy"
	"dispatchapy/internal/mail"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var dialer net.Dialer

func (p *postOffice) sender() *mail.Sender {
	return mail.New(mail.Options{Dial: dialer.DialContext, RootCAs: p.roots})
}

func TestSend(t *testing.T) {
	for name, r := range map[string]rules{
		"starttls and login": {login: true},
		"tls and login":      {implicit: true, login: true},
		"starttls":           {},
		"tls":                {implicit: true},
		"in the clear":       {plain: true},
		"login in the clear": {plain: true, login: true, clear: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t, r)
			m := mail.Message{To: []string{"Ops <ops@to.example>", "b@to.example"}, Subject: "Ressource \"a\": ausgefallen für immer", Body: "first\n.\nlast\n"}
			if err := p.sender().Send(t.Context(), p.settings(), m); err != nil {
				t.Fatal(err)
			}
			got := <-p.arrived
			if got.from != "gw@sender.example" || got.tls == p.plain || (got.user == "gw") != p.login {
				t.Errorf("%+v", got)
			}
			if diff := cmp.Diff([]string{"ops@to.example", "b@to.example"}, got.to); diff != "" {
				t.Error(diff)
			}
			for _, want := range []string{
				"From: \"Gateway\" <gw@sender.example>\r\n", "ops@to.example", "Subject: =?UTF-8?q?", "Auto-Submitted: auto-generated\r\n",
				"Message-ID: <", "Date: ", "first\r\n.\r\nlast",
			} {
				if !strings.Contains(got.data, want) {
					t.Errorf("%q is missing in\n%s", want, got.data)
				}
			}
		})
	}
}

// A mail in two forms has the id that it was given, whenever it is sent.
func TestAMailInTwoForms(t *testing.T) {
	p := open(t, rules{plain: true})
	m := mail.Message{To: []string{"a@to.example"}, Subject: "s", Body: "plain text", HTML: "<p>rich text</p>", ID: "one.2@sender.example"}
	for range 2 {
		if err := p.sender().Send(t.Context(), p.settings(), m); err != nil {
			t.Fatal(err)
		}
		got := <-p.arrived
		for _, want := range []string{"Message-ID: <one.2@sender.example>\r\n", "multipart/alternative", "text/plain", "plain text", "text/html", "rich text"} {
			if !strings.Contains(got.data, want) {
				t.Errorf("%q is missing in\n%s", want, got.data)
			}
		}
	}
}

// One recipient that is refused keeps nothing from the others where that is
// asked for.
func TestSendToSome(t *testing.T) {
	gone := &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	full := &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "mailbox full"}
	p := open(t, rules{plain: true, refuse: map[string]error{"gone@to.example": gone, "full@to.example": full}})
	m := mail.Message{To: []string{"gone@to.example", "Ops <ops@to.example>", "full@to.example"}, Subject: "s", Body: "b"}
	refused, err := p.sender().SendToSome(t.Context(), p.settings(), m)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]mail.Refusal{
		{To: "gone@to.example", Detail: "550 5.1.1 no such user"}, {To: "full@to.example", Detail: "452 4.2.2 mailbox full", Temporary: true},
	}, refused); diff != "" {
		t.Error(diff)
	}
	if got := <-p.arrived; !strings.Contains(got.data, "ops@to.example") {
		t.Errorf("%+v", got)
	}
	wantError(t, p.sender().Send(t.Context(), p.settings(), m),
		mail.Error{Fault: mail.FaultRecipient, Detail: "the server refused a recipient: 550 5.1.1 no such user"})
	m.To = []string{"gone@to.example", "full@to.example"}
	_, err = p.sender().SendToSome(t.Context(), p.settings(), m)
	wantError(t, err, mail.Error{Fault: mail.FaultRecipient, Detail: "the server refused a recipient: 452 4.2.2 mailbox full", Temporary: true})
	if len(p.arrived) > 0 {
		t.Errorf("%+v was sent all the same", <-p.arrived)
	}
}

func TestCheckSendsNothing(t *testing.T) {
	p := open(t, rules{login: true})
	if err := p.sender().Check(t.Context(), p.settings()); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-p.arrived:
		t.Errorf("%+v was sent", got)
	default:
	}
}

func TestRefusals(t *testing.T) {
	no := &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "not\x07 here"}
	later := &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "later"}
	echo := &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "no hush-password here"}
	wrong := func(s *dispatchapy.SMTP) { s.Password = "hush-wrong" }
	tests := []struct {
		name  string
		rules rules
		edit  func(*dispatchapy.SMTP)
		want  mail.Error
	}{
		{"wrong password", rules{login: true}, wrong,
			mail.Error{Fault: mail.FaultAuth, Detail: "the server refused username and password: 535 5.7.8 Authentication failed"}},
		{"the password is repeated", rules{login: true, auth: echo}, nil,
			mail.Error{Fault: mail.FaultAuth, Detail: "the server refused username and password: 535"}},
		{"login for now", rules{login: true, auth: later}, nil,
			mail.Error{Fault: mail.FaultAuth, Detail: "the server refused username and password: 451 4.3.0 later", Temporary: true}},
		{"login not offered", rules{}, func(s *dispatchapy.SMTP) { s.Username = "gw" },
			mail.Error{Fault: mail.FaultAuth, Detail: "the server offers no login here: use the port and encryption meant for sending, or leave out the username"}},
		{"no STARTTLS", rules{plain: true, login: true, clear: true}, func(s *dispatchapy.SMTP) { s.Encryption = dispatchapy.EncryptionSTARTTLS },
			mail.Error{Fault: mail.FaultNoSTARTTLS, Detail: "the server does not offer STARTTLS on this port: use another port or another encryption"}},
		{"TLS where there is none", rules{plain: true}, func(s *dispatchapy.SMTP) { s.Encryption = dispatchapy.EncryptionTLS },
			mail.Error{Fault: mail.FaultTLS, Detail: "the server does not answer in TLS: if this port, like 587, begins without TLS, set encryption to starttls"}},
		{"sender", rules{mail: no}, nil,
			mail.Error{Fault: mail.FaultSender, Detail: "the server refused the sender Gateway <gw@sender.example>: 550 5.7.1 not  here"}},
		{"recipient", rules{rcpt: later}, nil,
			mail.Error{Fault: mail.FaultRecipient, Detail: "the server refused a recipient: 451 4.3.0 later", Temporary: true}},
		{"message", rules{data: no}, nil,
			mail.Error{Fault: mail.FaultMessage, Detail: "the server refused the message: 550 5.7.1 not  here"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := open(t, tt.rules)
			settings := p.settings()
			if tt.edit != nil {
				tt.edit(&settings)
			}
			wantError(t, p.sender().Send(t.Context(), settings, mail.Message{To: []string{"a@b.example"}}), tt.want)
			if len(p.arrived) > 0 {
				t.Errorf("%+v was sent all the same", <-p.arrived)
			}
		})
	}
}

func wantError(t *testing.T, err error, want mail.Error) {
	t.Helper()
	var got *mail.Error
	if !errors.As(err, &got) {
		t.Fatalf("%T %v", err, err)
	}
	if got.Fault != want.Fault || got.Detail != want.Detail || got.Temporary != want.Temporary {
		t.Errorf("fault %s, temporary %t: %s\nwant %s, %t: %s", got.Fault, got.Temporary, got.Detail, want.Fault, want.Temporary, want.Detail)
	}
}

func TestCertificates(t *testing.T) {
	for _, r := range []rules{{login: true}, {implicit: true, login: true}} {
		p := open(t, r)
		stranger := mail.New(mail.Options{Dial: dialer.DialContext})
		var got *mail.Error
		if err := stranger.Check(t.Context(), p.settings()); !errors.As(err, &got) || got.Fault != mail.FaultTLS ||
			!strings.HasPrefix(got.Detail, "the server's certificate is not accepted: x509: ") {
			t.Errorf("implicit %t, unknown issuer: %v", r.implicit, err)
		}
		settings := p.settings()
		settings.Host = "localhost"
		if err := p.sender().Check(t.Context(), settings); !errors.As(err, &got) || got.Fault != mail.FaultTLS || !strings.Contains(got.Detail, "localhost") {
			t.Errorf("implicit %t, another name: %v", r.implicit, err)
		}
	}
}

func TestServersThatAreNone(t *testing.T) {
	say := func(text string) func(net.Conn) {
		return func(nc net.Conn) {
			_, _ = io.WriteString(nc, text)
			_, _ = nc.Read(make([]byte, 100))
		}
	}
	endless := func(nc net.Conn) {
		for {
			if _, err := io.WriteString(nc, strings.Repeat("x", 4096)); err != nil {
				return
			}
		}
	}
	tests := []struct {
		name string
		talk func(net.Conn)
		want mail.Error
	}{
		{"HTTP", say("HTTP/1.1 400 Bad Request\r\n\r\n"), mail.Error{Fault: mail.FaultProtocol, Detail: "what answers there is not a mail server"}},
		{"endless line", endless, mail.Error{Fault: mail.FaultProtocol, Detail: "what answers there is not a mail server"}},
		{"hangs up", func(net.Conn) {}, mail.Error{Fault: mail.FaultReset, Detail: "the server closed the connection instead of greeting", Temporary: true}},
		{"turns away", say("554 closed\r\n"), mail.Error{Fault: mail.FaultRefused, Detail: "the server takes no mail: 554 closed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			settings := dispatchapy.SMTP{Host: "127.0.0.1", Port: talker(t, tt.talk), From: "a@b.example"}
			wantError(t, mail.New(mail.Options{Dial: dialer.DialContext}).Check(t.Context(), settings), tt.want)
		})
	}
}

// TestSlowServer lets a server take every connection and say nothing.
func TestSlowServer(t *testing.T) {
	port := talker(t, func(nc net.Conn) { _, _ = io.Copy(io.Discard, nc) })
	for encryption, words := range map[dispatchapy.Encryption]struct{ before, after string }{
		dispatchapy.EncryptionSTARTTLS: {"connected, but no greeting within ", ": if this port, like 465, wants TLS from the start, set encryption to tls"},
		dispatchapy.EncryptionTLS:      {"connected, but TLS was not answered within ", ": if this port, like 587, begins without TLS, set encryption to starttls"},
	} {
		settings := dispatchapy.SMTP{Host: "127.0.0.1", Port: port, From: "a@b.example", Encryption: encryption}
		sender := mail.New(mail.Options{Dial: dialer.DialContext, Timeout: 80 * time.Millisecond})
		var got *mail.Error
		if err := sender.Check(t.Context(), settings); !errors.As(err, &got) || got.Fault != mail.FaultTimeout || !got.Temporary ||
			!strings.HasPrefix(got.Detail, words.before) || !strings.HasSuffix(got.Detail, words.after) {
			t.Errorf("%s: %v", encryption, err)
		}
	}
}

func TestCallerGivesUp(t *testing.T) {
	connected := make(chan struct{})
	port := talker(t, func(nc net.Conn) {
		close(connected)
		_, _ = io.Copy(io.Discard, nc)
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-connected
		cancel()
	}()
	err := mail.New(mail.Options{Dial: dialer.DialContext}).Check(ctx, dispatchapy.SMTP{Host: "127.0.0.1", Port: port, From: "a@b.example"})
	wantError(t, err, mail.Error{Fault: mail.FaultCanceled, Detail: "given up before the server had answered", Temporary: true})
}

func TestNoConnection(t *testing.T) {
	listener := listen(t)
	port := portOf(listener)
	_ = listener.Close()
	refuses := func(err error) func(context.Context, string, string) (net.Conn, error) {
		return func(context.Context, string, string) (net.Conn, error) { return nil, err }
	}
	tests := []struct {
		name string
		dial func(context.Context, string, string) (net.Conn, error)
		want mail.Error
	}{
		{"refused", dialer.DialContext, mail.Error{Fault: mail.FaultRefused, Detail: fmt.Sprintf("connection refused by 127.0.0.1:%d", port), Temporary: true}},
		{"no such name", refuses(&net.DNSError{Name: "mail.example", IsNotFound: true}), mail.Error{Fault: mail.FaultDNS, Detail: `host name "mail.example" does not exist`}},
		{"no name server", refuses(&net.DNSError{Name: "mail.example"}),
			mail.Error{Fault: mail.FaultDNS, Detail: `host name "mail.example" cannot be resolved`, Temporary: true}},
		{"guarded", refuses(dispatchapy.Errorf(dispatchapy.CodeForbidden, "never contacted")), mail.Error{Fault: mail.FaultBlocked, Detail: "never contacted"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			settings := dispatchapy.SMTP{Host: "127.0.0.1", Port: port, From: "a@b.example"}
			wantError(t, mail.New(mail.Options{Dial: tt.dial}).Check(t.Context(), settings), tt.want)
		})
	}
}

func TestMessagesThatCannotBeWritten(t *testing.T) {
	dial := func(context.Context, string, string) (net.Conn, error) {
		t.Error("dialled")
		return nil, errors.New("dialled")
	}
	sender := mail.New(mail.Options{Dial: dial})
	for name, m := range map[string]mail.Message{
		"no recipient":      {},
		"not an address":    {To: []string{"ops"}},
		"a command instead": {To: []string{"a@b.example>\r\nDATA"}},
	} {
		var got *mail.Error
		if err := sender.Send(t.Context(), dispatchapy.SMTP{Host: "h", From: "a@b.example"}, m); !errors.As(err, &got) || got.Fault != mail.FaultMessage {
			t.Errorf("%s: %v", name, err)
		}
	}
}
