package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"dispatchapy"
)

// step is what a conversation is about at the moment. It tells faults apart
// that look the same on the wire.
type step int

const (
	stepConnect step = iota
	stepTLS          // TLS from the start
	stepGreeting
	stepHello
	stepSTARTTLS
	stepLogin
	stepSender
	stepRecipient
	stepMessage
)

// conversation is one connection to a mail server.
type conversation struct {
	server dispatchapy.SMTP
	client *smtp.Client
	step   step
	start  time.Time
}

// Faults that no answer of the server says.
var (
	errNoSTARTTLS = errors.New("STARTTLS is not offered")
	errNoLogin    = errors.New("no login is offered")
	errNoMethod   = errors.New("no known way to log in is offered")
)

// open reads the greeting and secures the connection.
//
// Failure policy: fail closed. Where encryption is asked for and not to be had,
// neither the password nor a message is sent.
func (c *conversation) open(ctx context.Context, nc net.Conn, config *tls.Config) (err error) {
	if c.server.Encryption == dispatchapy.EncryptionTLS {
		c.step = stepTLS
		secured := tls.Client(nc, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			return err
		}
		nc = secured
	}
	c.step = stepGreeting
	if c.client, err = smtp.NewClient(nc, c.server.Host); err != nil {
		return err
	}
	c.step = stepHello
	if err := c.client.Hello(ownName()); err != nil {
		return err
	}
	if c.server.Encryption == dispatchapy.EncryptionTLS || c.server.Encryption == dispatchapy.EncryptionNone {
		return nil
	}
	c.step = stepSTARTTLS
	if offered, _ := c.client.Extension("STARTTLS"); !offered {
		return errNoSTARTTLS
	}
	return c.client.StartTLS(config)
}

// ownName is how the gateway introduces itself.
func ownName() string {
	name, err := os.Hostname()
	if err != nil || name == "" || strings.ContainsAny(name, " \r\n") {
		return "localhost"
	}
	return name
}

// login authenticates if there is a username.
//
// SCRAM is not among the methods: with it the server decides how long this side
// computes. Without encryption, which is then what the settings ask for, a
// method is preferred that does not show the password.
func (c *conversation) login() error {
	s := c.server
	if s.Username == "" {
		return nil
	}
	c.step = stepLogin
	offered, methods := c.client.Extension("AUTH")
	if !offered {
		return errNoLogin
	}
	known := strings.Fields(strings.ToUpper(methods))
	clear := s.Encryption == dispatchapy.EncryptionNone
	password := s.Password.Reveal()
	switch {
	case clear && slices.Contains(known, "CRAM-MD5"):
		return c.client.Auth(smtp.CRAMMD5Auth(s.Username, password))
	case slices.Contains(known, "PLAIN"):
		return c.client.Auth(smtp.PlainAuth("", s.Username, password, s.Host, clear))
	case slices.Contains(known, "LOGIN"):
		return c.client.Auth(smtp.LoginAuth(s.Username, password, s.Host, clear))
	case slices.Contains(known, "CRAM-MD5"):
		return c.client.Auth(smtp.CRAMMD5Auth(s.Username, password))
	}
	return errNoMethod
}

// sender begins a message.
func (c *conversation) sender(from string) error {
	c.step = stepSender
	// Not every server on the way of a mail takes the extension: it is used
	// only where an address needs it.
	ascii := strings.IndexFunc(from, func(r rune) bool { return r > 127 }) < 0
	c.client.SkipSMTPUTF8(ascii)
	return c.client.Mail(from)
}
