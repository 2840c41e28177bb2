package deliver

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/url"
	"time"

	"dispatchapy"
)

// Target is where the messages for one resource go. It is compiled once per
// configuration and shared by every request: nobody may change one in use.
type Target struct {
	ResourceID int64
	Name       string
	Method     string
	URL        string        // as configured, with its query: not for logs
	Header     http.Header   // the resource's own headers; they win over those added here
	Timeout    time.Duration // for the whole exchange, answer's body included

	// What every request has in common, and what can be shown of it; nil if not
	// made by NewTarget.
	prepared *http.Request
	line     *dispatchapy.Exchange
	echoes   echoes
}

// NewTarget compiles a normalised, valid resource.
func NewTarget(r *dispatchapy.Resource) Target {
	t := Target{
		ResourceID: r.ID,
		Name:       r.Name,
		Method:     r.Method,
		URL:        r.URL,
		Header:     make(http.Header, len(r.Headers)),
		Timeout:    r.Timeout.Std(),
	}
	for name, value := range r.Headers {
		t.Header.Set(name, value.Reveal())
	}
	// An invalid URL is refused by the validation; where that was bypassed,
	// Client.Do reports it for every message.
	if t.prepared, _ = t.prepare(); t.prepared != nil {
		t.line = t.shown(t.prepared)
		t.echoes = newEchoes(t.prepared.Header, t.URL)
	}
	return t
}

// Addr gives host and port of the target's URL, for a plain connect.
func (t *Target) Addr() (string, error) {
	base, err := t.base()
	if err != nil {
		return "", err
	}
	port := base.URL.Port()
	if port == "" {
		port = "80"
		if base.URL.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(base.URL.Hostname(), port), nil
}

// timeout gives the time for one attempt.
func (t *Target) timeout() time.Duration {
	if t.Timeout > 0 {
		return t.Timeout
	}
	return dispatchapy.DefaultTimeout
}

// request makes the request of one attempt.
func (t *Target) request(ctx context.Context) (*http.Request, error) {
	base, err := t.base()
	if err != nil {
		return nil, err
	}
	return base.WithContext(ctx), nil
}

func (t *Target) base() (*http.Request, error) {
	if t.prepared != nil {
		return t.prepared, nil
	}
	return t.prepare()
}

var errURL = errors.New("the URL is not a valid http or https URL")

// prepare does the work that is the same for every request. It replaces what
// http.Client would do: credentials in the URL become a header.
func (t *Target) prepare() (*http.Request, error) {
	u, err := url.Parse(t.URL)
	if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errURL // not the cause: it quotes the URL, which may hold secrets
	}
	header := maps.Clone(t.Header)
	if header == nil {
		header = make(http.Header, 4)
	}
	if u.User != nil {
		password, _ := u.User.Password()
		basic := base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password))
		setMissing(header, "Authorization", "Basic "+basic)
		u.User = nil
	}
	setMissing(header, "Content-Type", "application/json")
	// Asked for by ourselves and not by the transport, because the limit on the
	// kept body holds after decompression and needs the bytes before it too.
	setMissing(header, "Accept-Encoding", "gzip")
	host := header.Get("Host") // the transport takes it from Request.Host only
	header.Del("Host")
	return &http.Request{
		Method:     cmp.Or(t.Method, http.MethodPost),
		URL:        u,
		Host:       host,
		Header:     header,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
	}, nil
}

func setMissing(h http.Header, name, value string) {
	if _, given := h[name]; !given {
		h.Set(name, value)
	}
}
