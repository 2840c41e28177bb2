package deliver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"dispatchapy"
)

// verdict judges a status code.
//
// A redirect is OutcomeFailed and not OutcomeRefused: it speaks of the resource
// (moved, behind a login, in maintenance), not of the message, and goes away
// when the resource is set right.
func verdict(status int) (dispatchapy.AttemptOutcome, dispatchapy.ErrorClass) {
	switch {
	case status >= 200 && status < 300:
		return dispatchapy.OutcomeDelivered, ""
	case status >= 300 && status < 400:
		return dispatchapy.OutcomeFailed, dispatchapy.ErrorRedirect
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		return dispatchapy.OutcomeFailed, dispatchapy.ErrorStatus4xx
	case status >= 400 && status < 500:
		return dispatchapy.OutcomeRefused, dispatchapy.ErrorStatus4xx
	case status >= 500 && status < 600:
		return dispatchapy.OutcomeFailed, dispatchapy.ErrorStatus5xx
	default: // 101 Switching Protocols, 600 and above
		return dispatchapy.OutcomeFailed, dispatchapy.ErrorProtocol
	}
}

// statusDetail words a status that is no success.
func statusDetail(resp *http.Response) string {
	words := "HTTP " + strconv.Itoa(resp.StatusCode)
	if text := http.StatusText(resp.StatusCode); text != "" {
		words += " " + text
	}
	if resp.StatusCode/100 != 3 {
		return words
	}
	words += ": redirects are not followed"
	// Only the host: the rest may carry a token.
	if to, err := url.Parse(resp.Header.Get("Location")); err == nil && to.Host != "" {
		words += " (to " + shorten(to.Hostname()) + ")"
	}
	return words
}

// retryAfter reads the Retry-After header: seconds or a date. A date is
// compared with the resource's own clock where the answer tells it.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil || seconds > int64(MaxRetryAfter/time.Second) {
			return MaxRetryAfter
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), MaxRetryAfter)
}

// classify names the fault behind an error of the transport. connected says
// whether there was a connection, timeout how long the attempt might take.
func classify(err error, connected bool, timeout time.Duration) (dispatchapy.ErrorClass, string) {
	if errors.Is(err, context.Canceled) {
		return dispatchapy.ErrorOther, "cancelled before there was an answer"
	}
	dial, inDial := errors.AsType[*dialError](err)
	if blocked, ok := errors.AsType[*blockedError](err); ok {
		return dispatchapy.ErrorBlocked, blocked.reason
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dispatchapy.ErrorDNS, dnsDetail(dns)
	}
	switch {
	case isTimeout(err):
		return dispatchapy.ErrorTimeout, timeoutDetail(connected, timeout)
	case isTLS(err) || inDial && dial.tls:
		return dispatchapy.ErrorTLS, "TLS: " + shorten(err.Error())
	case isAny(err, syscall.ECONNREFUSED):
		return dispatchapy.ErrorRefused, "connection refused" + peer(err)
	case isAny(err, syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EHOSTDOWN, syscall.ENETDOWN):
		return dispatchapy.ErrorRefused, "host unreachable" + peer(err)
	case isReset(err):
		return dispatchapy.ErrorReset, "connection closed before the answer was complete"
	case connected && !inDial:
		// What can still go wrong on a connection is the answer's form.
		return dispatchapy.ErrorProtocol, "the answer is not valid HTTP: " + shorten(err.Error())
	default:
		return dispatchapy.ErrorOther, shorten(err.Error())
	}
}

func isTimeout(err error) bool {
	if isAny(err, context.DeadlineExceeded, os.ErrDeadlineExceeded, syscall.ETIMEDOUT) {
		return true
	}
	timed, ok := errors.AsType[net.Error](err)
	return ok && timed.Timeout()
}

func isReset(err error) bool {
	if isAny(err, io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, net.ErrClosed, errStale) {
		return true
	}
	// The transport's error for a kept connection that the server closed has
	// no name.
	return strings.Contains(err.Error(), "server closed idle connection")
}

func isTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return true
	}
	_, ok := errors.AsType[tls.AlertError](err)
	return ok
}

func isAny(err error, targets ...error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

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

func timeoutDetail(connected bool, timeout time.Duration) string {
	if connected {
		return "no answer within " + dispatchapy.Duration(timeout).String()
	}
	return "no connection within " + dispatchapy.Duration(min(timeout, dialTimeout)).String()
}

// peer names the address that a network error is about.
func peer(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Addr != nil {
		return " by " + op.Addr.String()
	}
	return ""
}

// bodyTrouble words what broke the body of an answer.
func bodyTrouble(err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case isTimeout(err):
		return "it did not arrive in time"
	case errors.Is(err, errCompression):
		return "bad compression"
	case isReset(err):
		return "connection closed"
	default:
		return "malformed"
	}
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
