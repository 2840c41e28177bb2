package mail_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"dispatchapy"
)

// delivered is a message as the server got it.
type delivered struct {
	from string
	to   []string
	data string
	user string
	tls  bool
}

// rules are what the server of a test wants and refuses.
type rules struct {
	implicit bool // TLS from the start
	plain    bool // no STARTTLS
	login    bool // AUTH is offered
	clear    bool // AUTH without TLS too
	mail     error
	rcpt     error
	refuse   map[string]error // of single recipients
	data     error
	auth     error
}

// postOffice is a real mail server.
type postOffice struct {
	rules
	arrived chan delivered
	roots   *x509.CertPool
	port    int
}

func open(t *testing.T, r rules) *postOffice {
	t.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate
	web.Close()
	p := &postOffice{rules: r, arrived: make(chan delivered, 4), roots: x509.NewCertPool()}
	p.roots.AddCert(web.Certificate())
	config := &tls.Config{Certificates: web.TLS.Certificates}
	listener := listen(t)
	p.port = portOf(listener)
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		s := &session{office: p, conn: c}
		if r.login {
			return authSession{s}, nil
		}
		return s, nil
	}))
	server.Domain, server.AllowInsecureAuth = "mail.example", r.clear
	server.ErrorLog = log.New(io.Discard, "", 0)
	if !r.plain && !r.implicit {
		server.TLSConfig = config
	}
	if r.implicit {
		listener = tls.NewListener(listener, config)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return p
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// settings are those that fit the server.
func (p *postOffice) settings() dispatchapy.SMTP {
	s := dispatchapy.SMTP{Host: "127.0.0.1", Port: p.port, From: "Gateway <gw@sender.example>", Encryption: dispatchapy.EncryptionSTARTTLS}
	switch {
	case p.implicit:
		s.Encryption = dispatchapy.EncryptionTLS
	case p.plain:
		s.Encryption = dispatchapy.EncryptionNone
	}
	if p.login {
		s.Username, s.Password = "gw", "hush-password"
	}
	return s
}

// session is one connection to the server.
type session struct {
	office *postOffice
	conn   *smtp.Conn
	got    delivered
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.got.from = from
	return s.office.mail
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.got.to = append(s.got.to, to)
	if err := s.office.refuse[to]; err != nil {
		return err
	}
	return s.office.rcpt
}

func (s *session) Data(r io.Reader) error {
	var content bytes.Buffer
	if _, err := content.ReadFrom(r); err != nil {
		return err
	}
	if s.office.data != nil {
		return s.office.data
	}
	s.got.data = content.String()
	_, s.got.tls = s.conn.TLSConnectionState()
	s.office.arrived <- s.got
	return nil
}

type authSession struct{ *session }

func (authSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s authSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		switch {
		case s.office.auth != nil:
			return s.office.auth
		case username != "gw" || password != "hush-password":
			return smtp.ErrAuthFailed
		}
		s.got.user = username
		return nil
	}), nil
}

// talker accepts one connection after the other and hands them to talk.
func talker(t *testing.T, talk func(net.Conn)) int {
	t.Helper()
	listener := listen(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			nc, err := listener.Accept()
			if err != nil {
				return
			}
			talk(nc)
			_ = nc.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-ended
	})
	return portOf(listener)
}
