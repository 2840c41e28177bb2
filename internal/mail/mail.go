// Package mail hands messages to a mail server, and says in words that help
// what was wrong if it did not take them.
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	netmail "net/mail"
	"net/textproto"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"

	"dispatchapy"
)

const (
	defaultTimeout = 30 * time.Second
	maxReceived    = 256 << 10 // bytes read from a server in one conversation
)

// Options are what a Sender is made of.
type Options struct {
	// Dial makes the connections and decides where they may lead. If it refuses
	// an address with a *dispatchapy.Error, its message is shown.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	RootCAs *x509.CertPool // that vouch for servers; nil: the system's
	Timeout time.Duration  // for everything together; default 30 s
}

// Sender speaks to mail servers. It keeps no connections, starts nothing that
// outlives a call, and is safe for concurrent use.
type Sender struct {
	dial    func(ctx context.Context, network, addr string) (net.Conn, error)
	roots   *x509.CertPool
	timeout time.Duration
}

// New makes a Sender.
func New(o Options) *Sender {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	return &Sender{dial: o.Dial, roots: o.RootCAs, timeout: o.Timeout}
}

// Message is a mail.
type Message struct {
	To      []string // addresses; at least one
	Subject string
	Body    string // plain text
	HTML    string // the same for programs that show it; "": none

	// ID, like local@domain, is the same whenever the same message is sent
	// again, so that readers see it once; "": one of its own.
	ID string
}

// Refusal says that a server does not take a message for a recipient.
type Refusal struct {
	To        string
	Detail    string // for people
	Temporary bool   // it may well work later
}

// Check connects, logs in if there is a username, and asks whether the server
// takes mail from the sender. Nothing is sent. The error is an *Error.
func (s *Sender) Check(ctx context.Context, server dispatchapy.SMTP) error {
	from, err := envelope(server.From)
	if err != nil {
		return &Error{Fault: FaultSender, Detail: "the sender is not an email address", Err: err}
	}
	return s.converse(ctx, server, func(c *conversation) error {
		if err := c.sender(from); err != nil {
			return err
		}
		_ = c.client.Reset() // nothing was begun that matters
		return nil
	})
}

// Send hands the message to the server. It is all or nothing: a recipient that
// is refused keeps it from the others. After nil the server has the message. The
// error is an *Error; after a connection that broke off at the very end the
// server may have the message all the same.
func (s *Sender) Send(ctx context.Context, server dispatchapy.SMTP, m Message) error {
	_, err := s.send(ctx, server, m, false)
	return err
}

// SendToSome is Send for as many recipients as the server takes: those that it
// refuses are reported. If it refuses all of them that is an error.
func (s *Sender) SendToSome(ctx context.Context, server dispatchapy.SMTP, m Message) ([]Refusal, error) {
	return s.send(ctx, server, m, true)
}

func (s *Sender) send(ctx context.Context, server dispatchapy.SMTP, m Message, some bool) (refused []Refusal, err error) {
	from, to, content, err := compose(server.From, m)
	if err != nil {
		return nil, &Error{Fault: FaultMessage, Detail: "the message cannot be written: " + shorten(err.Error()), Err: err}
	}
	err = s.converse(ctx, server, func(c *conversation) error {
		if err := c.sender(from); err != nil {
			return err
		}
		for i, address := range to {
			c.step = stepRecipient
			err := c.client.Rcpt(address)
			if reply, ok := errors.AsType[*textproto.Error](err); ok && some && len(refused) < len(to)-1 {
				refused = append(refused, Refusal{To: m.To[i], Detail: c.quote(reply), Temporary: reply.Code/100 == 4})
				continue
			}
			if err != nil {
				return err
			}
		}
		c.step = stepMessage
		w, err := c.client.Data()
		if err != nil {
			return err
		}
		if _, err = content.WriteTo(w); err != nil {
			return err
		}
		return w.Close()
	})
	if err != nil {
		return nil, err
	}
	return refused, nil
}

// compose makes the message and the addresses of its envelope.
func compose(from string, m Message) (sender string, to []string, content *gomail.Msg, err error) {
	content = gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err = errors.Join(content.From(from), content.To(m.To...)); err != nil {
		return "", nil, nil, err
	}
	if len(m.To) == 0 {
		return "", nil, nil, errors.New("it has no recipient")
	}
	content.Subject(m.Subject)
	content.SetDate()
	content.SetMessageID()
	if m.ID != "" {
		content.SetMessageIDWithValue(m.ID)
	}
	content.SetBodyString(gomail.TypeTextPlain, m.Body)
	if m.HTML != "" {
		content.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	// Keeps answering machines quiet.
	content.SetGenHeader("Auto-Submitted", "auto-generated")
	if sender, err = envelope(from); err != nil {
		return "", nil, nil, err
	}
	for _, text := range m.To {
		address, err := envelope(text)
		if err != nil {
			return "", nil, nil, err
		}
		to = append(to, address)
	}
	return sender, to, content, nil
}

// envelope gives an address as it stands in the commands, without a name.
func envelope(text string) (string, error) {
	address, err := netmail.ParseAddress(text)
	if err != nil {
		return "", err
	}
	return (&netmail.Address{Address: address.Address}).String(), nil
}

// converse connects, logs in, and lets talk go on from there.
func (s *Sender) converse(ctx context.Context, server dispatchapy.SMTP, talk func(*conversation) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	c := &conversation{server: server, step: stepConnect, start: time.Now()}
	nc, err := s.dial(ctx, "tcp", net.JoinHostPort(server.Host, strconv.Itoa(server.Port)))
	if err != nil {
		return c.explain(ctx, err)
	}
	defer nc.Close()
	// The library knows no context: its end closes the connection.
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	defer stop()
	config := &tls.Config{ServerName: server.Host, RootCAs: s.roots, MinVersion: tls.VersionTLS12}
	if err = c.open(ctx, &bounded{Conn: nc, left: maxReceived}, config); err == nil {
		err = c.login()
	}
	if err == nil {
		err = talk(c)
	}
	if err != nil {
		return c.explain(ctx, err)
	}
	_ = c.client.Quit() // politeness; the server has what it was to get
	return nil
}

// bounded is a connection from which only so much is read: the library takes
// lines of any length.
type bounded struct {
	net.Conn
	left int
}

var errTooMuch = errors.New("the server sends more than a mail server has to say")

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooMuch
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
