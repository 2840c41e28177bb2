package deliver

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"syscall"
	"time"

	"dispatchapy"
)

// Defaults and limits that no option changes.
const (
	DefaultMaxBody = 64 << 10        // bytes kept of an answer's body
	MaxRetryAfter  = 5 * time.Minute // longest wait that a resource can ask for

	dialTimeout     = 10 * time.Second // for DNS, connect and TLS together
	idleTimeout     = 60 * time.Second // of an unused connection
	maxIdle         = 1024             // unused connections in all
	maxIdlePerHost  = 256
	maxHeaderBytes  = 64 << 10 // of an answer
	maxDrainedBytes = 32 << 10 // read and dropped to save a connection
)

// Options are what a Client is made of.
type Options struct {
	// AllowPrivate says whether loopback and private networks may be reached.
	// It is read at each dial and each use of a connection. Nil: they may not.
	AllowPrivate func() bool

	UserAgent string // default "dispatchapy"
	MaxBody   int64  // bytes kept of an answer's body; default DefaultMaxBody
}

// Client makes attempts. It is safe for concurrent use.
//
// It speaks HTTP/1.1 only, so that one stuck or reset connection is one failed
// attempt; it never asks the environment for a proxy, because a proxy would
// resolve names out of the guard's sight.
type Client struct {
	transport *http.Transport
	dialer    *dialer
	userAgent []string
	maxBody   int64
}

// NewClient makes a client. Close it.
func NewClient(o Options) *Client {
	if o.AllowPrivate == nil {
		o.AllowPrivate = func() bool { return false }
	}
	if o.UserAgent == "" {
		o.UserAgent = "dispatchapy"
	}
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	d := newDialer(newGuard(o.AllowPrivate))
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &Client{
		dialer:    d,
		userAgent: []string{o.UserAgent},
		maxBody:   o.MaxBody,
		transport: &http.Transport{
			DialContext:    d.dial,
			DialTLSContext: d.dialTLS,
			Protocols:      protocols,
			// Connections in use are not limited here but by the dispatcher:
			// waiting inside the transport would eat the attempt's timeout.
			MaxIdleConns:           maxIdle,
			MaxIdleConnsPerHost:    maxIdlePerHost,
			IdleConnTimeout:        idleTimeout,
			MaxResponseHeaderBytes: maxHeaderBytes,
			DisableCompression:     true, // done by readBody, which bounds it
		},
	}
}

// Close ends running dials and closes unused connections. Attempts still under
// way are ended by their own contexts.
func (c *Client) Close() {
	c.dialer.close()
	c.transport.CloseIdleConnections()
}

// Result is how an attempt ended.
type Result struct {
	Outcome    dispatchapy.AttemptOutcome
	StatusCode int                    // 0: no answer
	Error      dispatchapy.ErrorClass // "" if delivered
	Detail     string                 // for people, without secrets; may be set on success too
	RetryAfter time.Duration          // wait asked for by the resource, at most MaxRetryAfter; 0: none
	Header     http.Header            // the answer's; nil: no answer
	Body       []byte                 // the answer's, decompressed, at most Options.MaxBody
	StartedAt  time.Time
	Duration   time.Duration // of the whole exchange
	Timing     dispatchapy.Timing

	// CertificateEnds is when the server's certificate expires; zero if that was
	// not seen.
	CertificateEnds time.Time

	// Exchange is what can be shown of it; nil if there was no request.
	Exchange *dispatchapy.Exchange

	// Canceled says that the caller's context was cancelled, or the client
	// closed, before there was a verdict: nothing is known of the resource, or of the message's fate there.
	Canceled bool

	// NotSent says that this machine is at fault: it has no file descriptor or
	// port left for a connection. Nothing was sent, and nothing is known of the
	// resource.
	NotSent bool
}

// Do makes one attempt to deliver body to the target. key is sent as the
// Idempotency-Key header, "" sends none. body must not be changed any more,
// even after Do returned.
//
// The status line decides: after a 2xx the resource has the message, even if
// the rest of the answer breaks off (Detail says so then). To call that a
// failure would send the message a second time, through another resource too.
//
// A kept connection may turn out to be dead when it is used. The request is
// then repeated once on a new connection, within the same attempt and under the
// same key. That is the only repetition made here.
func (c *Client) Do(ctx context.Context, t *Target, key string, body []byte) Result {
	start := time.Now()
	r := Result{StartedAt: start}
	x := exchange{}
	x.trace.GotConn = x.gotConn
	timeout := t.timeout()
	attempt, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	x.Context = attempt

	req, err := c.request(httptrace.WithClientTrace(&x, &x.trace), t, key, body)
	if err != nil {
		r.Outcome, r.Error, r.Detail = dispatchapy.OutcomeFailed, dispatchapy.ErrorOther, err.Error()
		return r
	}
	// Not http.Client: redirects must not be followed, and its error texts
	// quote the whole URL.
	resp, err := c.transport.RoundTrip(req)
	r.Timing = x.fresh
	if err != nil {
		r.fail(ctx, err, x.connected, timeout)
	} else {
		r.Timing.FirstByte = time.Since(start)
		c.judge(&r, resp)
		_ = resp.Body.Close() // what is needed of it was read
		r.Body = t.echoes.mask(r.Body)
		t.echoes.maskHeader(r.Header)
	}
	r.Exchange = c.exchange(t, key, r.Header)
	r.Duration = time.Since(start)
	return r
}

// request makes the request of one attempt.
func (c *Client) request(ctx context.Context, t *Target, key string, body []byte) (*http.Request, error) {
	req, err := t.request(ctx)
	if err != nil {
		return nil, err
	}
	c.complete(req, key, body)
	return req, nil
}

// Preview gives the request that Do would send, as it goes over the line, and
// sends nothing. Credentials in the URL are in the header, like every other
// secret of the resource.
func (c *Client) Preview(ctx context.Context, t *Target, key string, body []byte) (Preview, error) {
	req, err := c.request(ctx, t, key, body)
	if err != nil {
		return Preview{}, err
	}
	header := req.Header
	if len(header[keyHeader]) == 0 {
		header.Del(keyHeader)
	}
	header.Set("Host", cmp.Or(req.Host, req.URL.Host))
	if req.ContentLength > 0 || bodyExpected(req.Method) {
		header.Set("Content-Length", strconv.FormatInt(req.ContentLength, 10))
	}
	return Preview{Method: req.Method, URL: req.URL.String(), Header: header, Body: body}, nil
}

// bodyExpected says whether an empty body is announced as such.
func bodyExpected(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// Preview is a request as Client.Do sends it.
type Preview struct {
	Method string
	URL    string
	Header http.Header // with Host and Content-Length; values are secrets where the resource's own headers are
	Body   []byte
}

// complete adds what differs between the requests to one target.
func (c *Client) complete(req *http.Request, key string, body []byte) {
	req.Header = maps.Clone(req.Header)
	// An empty list is not sent, but tells the transport that the request may
	// be repeated if a kept connection turns out to be dead.
	keys := []string{}
	if key != "" {
		keys = append(keys, key)
	}
	req.Header[keyHeader] = keys
	if _, given := req.Header["User-Agent"]; !given {
		req.Header["User-Agent"] = c.userAgent
	}
	if len(body) == 0 {
		return
	}
	req.ContentLength = int64(len(body))
	// The transport recognises this very type and sends head and body in one
	// packet.
	req.Body = io.NopCloser(bytes.NewReader(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
}

// fail turns the transport's error into a verdict.
func (r *Result) fail(ctx context.Context, err error, connected bool, timeout time.Duration) {
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		err = ctx.Err() // the caller may have given its own cause
	}
	if failed, ok := errors.AsType[*dialError](err); ok {
		r.Timing = failed.timing
	}
	r.Outcome = dispatchapy.OutcomeFailed
	r.CertificateEnds = endOf(err)
	r.Error, r.Detail = classify(err, connected, timeout)
	r.Canceled = errors.Is(err, context.Canceled)
	r.NotSent = isAny(err, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL)
}

// judge turns an answer into a verdict and keeps its body.
func (c *Client) judge(r *Result, resp *http.Response) {
	r.StatusCode, r.Header, r.CertificateEnds = resp.StatusCode, resp.Header, certificateEnds(resp.TLS)
	r.Outcome, r.Error = verdict(resp.StatusCode)
	if r.Outcome != dispatchapy.OutcomeDelivered {
		r.Detail = statusDetail(resp)
	}
	if r.Outcome == dispatchapy.OutcomeFailed {
		r.RetryAfter = retryAfter(resp.Header, time.Now())
	}
	var err error
	r.Body, err = readBody(resp, c.maxBody)
	if err != nil {
		if r.Detail == "" {
			r.Detail = "accepted with HTTP " + strconv.Itoa(r.StatusCode)
		}
		r.Detail += "; the answer's body is incomplete: " + bodyTrouble(err)
	}
}

// Dial makes a TCP connection to host:port under the same guard as a delivery
// and closes it at once. The context limits its time. The result is
// OutcomeDelivered if the connection came about.
func (c *Client) Dial(ctx context.Context, addr string) Result {
	r := Result{StartedAt: time.Now(), Outcome: dispatchapy.OutcomeDelivered}
	timeout := dialTimeout
	if deadline, limited := ctx.Deadline(); limited {
		timeout = deadline.Sub(r.StartedAt).Round(time.Millisecond)
	}
	conn, err := c.dialer.dial(ctx, "tcp", addr)
	r.Duration = time.Since(r.StartedAt)
	if err != nil {
		r.fail(ctx, err, false, timeout)
		return r
	}
	r.Timing = underlying(conn).timing
	_ = conn.Close() // the connection was all that was asked for
	return r
}
