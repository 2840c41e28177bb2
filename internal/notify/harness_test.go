package notify_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http/httptest"
	netmail "net/mail"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/mail"
	"dispatchapy/internal/notify"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
	"dispatchapy/internal/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ notify.Store = store.Store(nil)

type notifyStore = notify.Store

const patience = 20 * time.Second

// arrival is a mail as the server got it.
type arrival struct {
	to      []string
	subject string
	id      string
	data    string
	user    string
	tls     bool
}

// postOffice is a real mail server that can be closed and opened again.
type postOffice struct {
	implicit bool // TLS from the start
	plain    bool // no STARTTLS
	login    bool
	port     int
	roots    *x509.CertPool
	config   *tls.Config

	mu      sync.Mutex
	server  *smtp.Server
	ended   chan struct{}
	refuse  func(to string) error
	data    func() error // what the end of a message is answered with
	arrived []arrival
}

func openOffice(t *testing.T, change ...func(*postOffice)) *postOffice {
	t.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate
	web.Close()
	p := &postOffice{roots: x509.NewCertPool(), config: &tls.Config{Certificates: web.TLS.Certificates}, plain: true}
	p.roots.AddCert(web.Certificate())
	for _, f := range change {
		f(p)
	}
	p.reopen(t)
	t.Cleanup(p.close)
	return p
}

// reopen lets the server take mails, again at the same port.
func (p *postOffice) reopen(t *testing.T) {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", portText(p.port)))
	if err != nil {
		t.Fatal(err)
	}
	p.port = listener.Addr().(*net.TCPAddr).Port
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		s := &session{office: p, conn: c}
		if p.login {
			return authSession{s}, nil
		}
		return s, nil
	}))
	server.Domain, server.ErrorLog = "mail.example", log.New(io.Discard, "", 0)
	if p.implicit {
		listener = tls.NewListener(listener, p.config)
	} else if !p.plain {
		server.TLSConfig = p.config
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener)
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server, p.ended = server, ended
}

func portText(port int) string {
	return (&net.TCPAddr{Port: port}).String()[1:]
}

func (p *postOffice) close() {
	p.mu.Lock()
	server, ended := p.server, p.ended
	p.server = nil
	p.mu.Unlock()
	if server != nil {
		_ = server.Close()
		<-ended
	}
}

func (p *postOffice) set(refuse func(to string) error, data func() error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse, p.data = refuse, data
}

func (p *postOffice) mails() []arrival {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.arrived)
}

// settings are those that fit the server.
func (p *postOffice) settings() *dispatchapy.SMTP {
	s := &dispatchapy.SMTP{Host: "127.0.0.1", Port: p.port, From: "Gateway <gw@sender.example>", Encryption: dispatchapy.EncryptionSTARTTLS}
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

type session struct {
	office *postOffice
	conn   *smtp.Conn
	got    arrival
}

func (s *session) Reset()                               {}
func (s *session) Logout() error                        { return nil }
func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.office.mu.Lock()
	refuse := s.office.refuse
	s.office.mu.Unlock()
	if refuse != nil {
		if err := refuse(to); err != nil {
			return err
		}
	}
	s.got.to = append(s.got.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.office.mu.Lock()
	answer := s.office.data
	s.office.mu.Unlock()
	if answer != nil {
		if err := answer(); err != nil {
			return err
		}
	}
	m, err := netmail.ReadMessage(strings.NewReader(string(data)))
	if err != nil {
		return err
	}
	s.got.data, s.got.subject, s.got.id = string(data), m.Header.Get("Subject"), m.Header.Get("Message-ID")
	_, s.got.tls = s.conn.TLSConnectionState()
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	s.office.arrived = append(s.office.arrived, s.got)
	return nil
}

type authSession struct{ *session }

func (authSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s authSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != "gw" || password != "hush-password" {
			return smtp.ErrAuthFailed
		}
		s.got.user = username
		return nil
	}), nil
}

// gateway is a runner with everything around it.
type gateway struct {
	t      testing.TB
	store  *sqlite.Store
	table  *routing.Table
	roots  *x509.CertPool
	poster notify.Poster
	runner *notify.Runner

	alter func(notify.Store) notify.Store // nil: the store as it is
}

// Ids of what the configuration has.
const (
	sms = int64(iota + 2)
	chat
	send
)

// config makes a configuration with two resources and one endpoint.
func config(channels ...dispatchapy.Channel) *dispatchapy.Config {
	c := &dispatchapy.Config{
		Settings:  dispatchapy.DefaultSettings(),
		Resources: []dispatchapy.Resource{{ID: sms, Name: "sms", URL: "http://sms.example/send"}, {ID: chat, Name: "chat", URL: "http://chat.example/send"}},
		Endpoints: []dispatchapy.Endpoint{{ID: send, Path: "send", Resources: []string{"sms", "chat"}}},
	}
	for i := range channels {
		if channels[i].GroupFor == 0 {
			channels[i].GroupFor = dispatchapy.Duration(time.Second)
		}
	}
	c.Settings.Alerts.Channels = channels
	return c
}

func compile(t testing.TB, c *dispatchapy.Config) *routing.Snapshot {
	t.Helper()
	c.Normalize()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	s, err := routing.Compile(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// open makes a gateway that does nothing yet.
func open(t testing.TB, c *dispatchapy.Config) *gateway {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "test.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	_, ids, err := s.ApplyConfig(t.Context(), store.ConfigUpdate{Put: []store.ConfigObject{
		{Kind: store.KindResource, Name: "sms"}, {Kind: store.KindResource, Name: "chat"}, {Kind: store.KindEndpoint, Name: "send"},
	}})
	if err != nil || !slices.Equal(ids, []int64{sms, chat, send}) {
		t.Fatalf("ids %v, %v", ids, err)
	}
	return &gateway{t: t, store: s, table: routing.NewTable(compile(t, c))}
}

func (g *gateway) configure(c *dispatchapy.Config) {
	g.t.Helper()
	g.table.Store(compile(g.t, c))
}

// start makes a runner and starts it.
func (g *gateway) start() {
	var dialer net.Dialer
	poster := g.poster
	if poster == nil {
		client := deliver.NewClient(deliver.Options{AllowPrivate: func() bool { return true }})
		g.t.Cleanup(client.Close)
		poster = client
	}
	var s notify.Store = g.store
	if g.alter != nil {
		s = g.alter(s)
	}
	g.runner = notify.New(notify.Options{
		Store: s, Snapshots: g.table, Mailer: mail.New(mail.Options{Dial: dialer.DialContext, RootCAs: g.roots}), Poster: poster,
		Log: slog.New(slog.DiscardHandler), Host: "gw", Random: func() float64 { return 0.5 },
	})
	g.runner.Start()
}

func (g *gateway) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	g.runner.Stop(ctx)
}

func (g *gateway) close() {
	g.t.Helper()
	if err := g.store.Close(); err != nil {
		g.t.Error(err)
	}
}

// happen stores events and wakes the runner, as the app does.
func (g *gateway) happen(events ...dispatchapy.Event) {
	g.t.Helper()
	if err := g.store.AppendEvents(context.Background(), events); err != nil {
		g.t.Fatal(err)
	}
	g.runner.Wake()
}

// down opens an incident, or closes it, by a check, with its event.
func (g *gateway) check(resourceID int64, ok bool) {
	g.t.Helper()
	ctx := context.Background()
	claimed, err := g.store.ClaimProbes(ctx, store.ProbeClaim{LeaseFor: time.Minute, ResourceIDs: []int64{resourceID}, Force: true})
	if err != nil || len(claimed.Probes) != 1 {
		g.t.Fatalf("claimed %+v, %v", claimed, err)
	}
	now := time.Now()
	o := store.ProbeOutcome{Fence: claimed.Probes[0].Fence, Health: claimed.Probes[0].Health, NextIn: time.Hour}
	o.Check = dispatchapy.Check{At: now, Method: dispatchapy.CheckSimple, OK: ok, State: dispatchapy.HealthUp}
	of := &store.IncidentChange{Kind: dispatchapy.EventResourceDown, ResourceID: resourceID, At: now, Close: ok, Reason: "it answers", Open: !ok, Cause: "connection refused"}
	of.Event = &dispatchapy.Event{Kind: dispatchapy.EventResourceUp, At: now, ResourceID: resourceID, Detail: "it answers"}
	if !ok {
		o.Check.State = dispatchapy.HealthDown
		of.Event.Kind, of.Event.Detail = dispatchapy.EventResourceDown, "connection refused"
	}
	o.Incident = of
	if _, err := g.store.RecordProbes(ctx, []store.ProbeOutcome{o}); err != nil {
		g.t.Fatal(err)
	}
	g.runner.Wake()
}

func (g *gateway) notifications() []dispatchapy.Notification {
	g.t.Helper()
	list, err := g.store.ListNotifications(context.Background(), store.NotificationQuery{Limit: 500})
	if err != nil {
		g.t.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

// statuses says what has become of all, oldest first.
func (g *gateway) statuses() (out []dispatchapy.NotificationStatus) {
	for _, n := range g.notifications() {
		out = append(out, n.Status)
	}
	return out
}

// retry makes what waits due, so that no test has to wait for the backoff.
func (g *gateway) retry() {
	for _, n := range g.notifications() {
		_, _ = g.store.RetryNotification(context.Background(), n.ID) // one that is being sent or was needs none
	}
	g.runner.Wake()
}

// eventually waits for something that comes about by itself.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

var errBroken = errors.New("the store is broken")
