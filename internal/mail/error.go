package mail

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"dispatchapy"
)

// Fault names what went wrong, for programs.
type Fault string

// The faults.
const (
	FaultBlocked    Fault = "blocked"     // the gateway may not connect there
	FaultDNS        Fault = "dns"         // the host has no address
	FaultRefused    Fault = "refused"     // there is no way to the server, or it takes no connections
	FaultTimeout    Fault = "timeout"     // no answer in time
	FaultTLS        Fault = "tls"         // certificate or handshake
	FaultNoSTARTTLS Fault = "no_starttls" // the server does not offer it
	FaultAuth       Fault = "auth"        // the login is refused or not offered
	FaultSender     Fault = "sender"
	FaultRecipient  Fault = "recipient"
	FaultMessage    Fault = "message"
	FaultReset      Fault = "reset"    // the server broke off
	FaultProtocol   Fault = "protocol" // the answer is not that of a mail server
	FaultCanceled   Fault = "canceled" // the caller gave up
	FaultOther      Fault = "other"
)

// Error says why a mail server did not take what it was to take.
type Error struct {
	Fault     Fault
	Detail    string // for people, without secrets
	Temporary bool   // it may well work later without anything being changed
	Err       error  // cause; its text may hold what the server sent
}

// Error implements error.
func (e *Error) Error() string { return e.Detail }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// explain words what broke a conversation.
func (c *conversation) explain(ctx context.Context, err error) error {
	e := &Error{Fault: FaultOther, Err: err}
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		e.Temporary = reply.Code/100 == 4
		e.Fault, e.Detail = c.refusal(c.quote(reply))
		return e
	}
	if refused, ok := errors.AsType[*dispatchapy.Error](err); ok {
		e.Fault, e.Detail = FaultBlocked, refused.Message
		return e
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && !errors.Is(ctx.Err(), context.Canceled) {
		e.Fault, e.Detail, e.Temporary = FaultDNS, dnsDetail(dns), !dns.IsNotFound
		return e
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		e.Fault, e.Detail, e.Temporary = FaultCanceled, "given up before the server had answered", true
	case errors.Is(err, errNoSTARTTLS):
		e.Fault, e.Detail = FaultNoSTARTTLS, "the server does not offer STARTTLS on this port: use another port or another encryption"
	case errors.Is(err, errNoLogin):
		e.Fault, e.Detail = FaultAuth, "the server offers no login here: use the port and encryption meant for sending, or leave out the username"
	case errors.Is(err, errNoMethod):
		e.Fault, e.Detail = FaultAuth, "the server offers none of the ways to log in that are known here: PLAIN, LOGIN and CRAM-MD5"
	case ctx.Err() != nil || isTimeout(err):
		e.Fault, e.Detail, e.Temporary = FaultTimeout, c.timeoutDetail(), true
	default:
		c.explainConnection(e, err)
	}
	return e
}

// explainConnection words what went wrong below the protocol.
func (c *conversation) explainConnection(e *Error, err error) {
	_, malformed := errors.AsType[textproto.ProtocolError](err)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Fault, e.Detail, e.Temporary = FaultRefused, "connection refused"+peer(err), true
	case c.step == stepConnect:
		e.Fault, e.Detail, e.Temporary = FaultRefused, "there is no way to the server: "+shorten(innermost(err).Error()), true
	case c.step == stepTLS || isTLS(err) || c.step == stepSTARTTLS && !isReset(err) && !malformed:
		e.Fault, e.Detail = FaultTLS, c.tlsDetail(err)
	case isReset(err):
		e.Fault, e.Detail, e.Temporary = FaultReset, "the server closed the connection"+c.while(), true
	case malformed || errors.Is(err, errTooMuch):
		e.Fault, e.Detail = FaultProtocol, "what answers there is not a mail server"
	default:
		e.Detail = "it broke off" + c.while() + ": " + shorten(innermost(err).Error())
	}
}

// refusal words an answer of the server that says no.
func (c *conversation) refusal(answer string) (Fault, string) {
	switch c.step {
	case stepSTARTTLS:
		return FaultTLS, "the server refused STARTTLS: " + answer
	case stepLogin:
		return FaultAuth, "the server refused username and password: " + answer
	case stepSender:
		return FaultSender, "the server refused the sender " + shorten(c.server.From) + ": " + answer
	case stepRecipient:
		return FaultRecipient, "the server refused a recipient: " + answer
	case stepMessage:
		return FaultMessage, "the server refused the message: " + answer
	default:
		return FaultRefused, "the server takes no mail: " + answer
	}
}

// while says at what the conversation was.
func (c *conversation) while() string {
	switch c.step {
	case stepGreeting:
		return " instead of greeting"
	case stepLogin:
		return " during the login"
	case stepSender, stepRecipient, stepMessage:
		return " while the message was being handed over"
	default:
		return ""
	}
}

func (c *conversation) timeoutDetail() string {
	within := " within " + dispatchapy.Duration(time.Since(c.start).Round(100*time.Millisecond)).String()
	switch {
	case c.step == stepConnect:
		return "no connection" + within + ": wrong host or port, or a firewall"
	case c.step == stepGreeting && c.server.Encryption != dispatchapy.EncryptionTLS:
		return "connected, but no greeting" + within + ": if this port, like 465, wants TLS from the start, set encryption to tls"
	case c.step == stepTLS:
		return "connected, but TLS was not answered" + within + ": if this port, like 587, begins without TLS, set encryption to starttls"
	default:
		return "no answer" + within + c.while()
	}
}

func (c *conversation) tlsDetail(err error) string {
	if invalid, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the server's certificate is not accepted: " + shorten(invalid.Err.Error())
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the server does not answer in TLS: if this port, like 587, begins without TLS, set encryption to starttls"
	}
	return "TLS failed: " + shorten(innermost(err).Error())
}

// quote gives the server's words. One that repeats the password is quoted with
// its code only.
func (c *conversation) quote(reply *textproto.Error) string {
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, reply.Msg)
	if password := c.server.Password.Reveal(); password != "" {
		for _, form := range []string{password, encoded(password), encoded("\x00" + c.server.Username + "\x00" + password)} {
			if strings.Contains(text, form) {
				return fmt.Sprint(reply.Code)
			}
		}
	}
	return shorten(strings.TrimSpace(fmt.Sprintf("%d %s", reply.Code, text)))
}

func encoded(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func dnsDetail(e *net.DNSError) string {
	switch {
	case e.IsNotFound:
		return fmt.Sprintf("host name %q does not exist", shorten(e.Name))
	case e.IsTimeout:
		return fmt.Sprintf("host name %q was not resolved in time", shorten(e.Name))
	default:
		return fmt.Sprintf("host name %q cannot be resolved", shorten(e.Name))
	}
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, syscall.ETIMEDOUT) {
		return true
	}
	timed, ok := errors.AsType[net.Error](err)
	return ok && timed.Timeout()
}

func isReset(err error) bool {
	for _, known := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, net.ErrClosed} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

func isTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	_, ok := errors.AsType[tls.AlertError](err)
	return ok
}

// innermost leaves away what the layers on the way added.
func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// peer names the address that a network error is about.
func peer(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Addr != nil {
		return " by " + op.Addr.String()
	}
	return ""
}

// shorten bounds text that comes from outside.
func shorten(s string) string {
	const limit = 200
	if len(s) > limit {
		s = s[:limit] + "..."
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "?")
	}
	return s
}
