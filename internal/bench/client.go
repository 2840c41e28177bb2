package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	seqDigits    = 10
	minBodyBytes = 200

	tokenHeader = "X-API-Token"
	contentType = "application/json"
)

// sender makes one request at a time and waits for the answer.
type sender interface {
	send(ctx context.Context, seq int64) (status int, err error)
	hangUp() // gives up the connection, if there is one
}

// clients gives the maker of the load's senders. No answer is waited for
// beyond the deadline.
func (l load) clients(addr string, deadline time.Time) func() sender {
	if l.raw {
		return func() sender { return &rawClient{addr: addr, deadline: deadline, request: newRequest(l)} }
	}
	client := &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: l.connections, DisableCompression: true},
		Timeout:   time.Until(deadline),
	}
	url := "http://" + addr + intakePath(l)
	return func() sender { return &netClient{client: client, url: url, token: l.token, request: newRequest(l)} }
}

// netClient is what most applications are: an ordinary HTTP client.
type netClient struct {
	client  *http.Client
	url     string
	token   string
	request request
}

func (c *netClient) send(ctx context.Context, seq int64) (status int, err error) {
	body := c.request.numbered(seq)[len(c.request.head):]
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set(tokenHeader, c.token)
	req.Header.Set("Content-Type", contentType)
	resp, err := c.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0, err
	}
	return resp.StatusCode, nil
}

func (c *netClient) hangUp() { c.client.CloseIdleConnections() }

// rawClient writes prepared bytes to a connection of its own and reads just
// enough of the answer. It costs a quarter of an ordinary client, which leaves
// more of a small machine to what is measured.
type rawClient struct {
	addr     string
	deadline time.Time
	request  request
	conn     net.Conn // nil: none at the moment
	answers  *bufio.Reader
	forget   func() bool // ends the watch that closes conn with the context
}

func (c *rawClient) send(ctx context.Context, seq int64) (status int, err error) {
	if c.conn == nil {
		if err := c.dial(ctx); err != nil {
			return 0, err
		}
	}
	if _, err := c.conn.Write(c.request.numbered(seq)); err != nil {
		return 0, err
	}
	status, closing, err := readAnswer(c.answers)
	if closing {
		c.hangUp()
	}
	return status, err
}

func (c *rawClient) dial(ctx context.Context) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", c.addr)
	if err != nil {
		return err
	}
	// One deadline for all requests: setting it anew for each costs more than
	// it is worth here.
	if err := conn.SetDeadline(c.deadline); err != nil {
		conn.Close()
		return err
	}
	c.conn, c.answers = conn, bufio.NewReader(conn)
	c.forget = context.AfterFunc(ctx, func() { conn.Close() })
	return nil
}

func (c *rawClient) hangUp() {
	if c.conn != nil {
		c.forget()
		c.conn.Close()
		c.conn = nil
	}
}

// request is the bytes of one request with its number in several places.
type request struct {
	head    string
	bytes   []byte // head and body
	numbers []int  // where the number's digits stand
}

func newRequest(l load) request {
	const digits = "0000000000"
	body := fmt.Sprintf(`{"ref":"bench-%s","scope":"prod","phone":"+6281234567890","seq":"%s","kind":"%s","message":"`, digits, digits, kindOf(l))
	const tail = `"}`
	body += strings.Repeat("x", max(0, l.bodyBytes-len(body)-len(tail))) + tail
	r := request{head: fmt.Sprintf("POST %s HTTP/1.1\r\nHost: bench\r\n%s: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		intakePath(l), tokenHeader, l.token, contentType, len(body))}
	r.bytes = []byte(r.head + body)
	for at := len(r.head); ; {
		i := bytes.Index(r.bytes[at:], []byte(digits))
		if i < 0 {
			return r
		}
		r.numbers = append(r.numbers, at+i)
		at += i + len(digits)
	}
}

func intakePath(l load) string { return "/api/" + l.endpoint }

// kindOf is the word by which the provider knows what not to record.
func kindOf(l load) string {
	if l.unrecorded {
		return "other"
	}
	return "measured"
}

// numbered writes the number into the request. The bytes are valid until the
// next call.
func (r request) numbered(seq int64) []byte {
	var digits [seqDigits]byte
	for i := seqDigits - 1; i >= 0; i-- {
		digits[i] = byte('0' + seq%10)
		seq /= 10
	}
	for _, at := range r.numbers {
		copy(r.bytes[at:], digits[:])
	}
	return r.bytes
}
