package deliver

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"net/netip"
	"syscall"
	"time"

	"dispatchapy"
)

// exchange is the context of one attempt and what is learnt on its way. The
// transport calls gotConn in the goroutine of Client.Do, so no lock is needed.
type exchange struct {
	context.Context
	trace     httptrace.ClientTrace
	connected bool               // a connection was made or found
	fresh     dispatchapy.Timing // cost of the connection, if it was made for this attempt
}

type exchangeKey struct{}

// Value gives the exchange itself to the dialer: the transport dials with a
// context that has the values of the request's, but not its end.
func (x *exchange) Value(key any) any {
	if key == (exchangeKey{}) {
		return x
	}
	return x.Context.Value(key)
}

// gotConn is called whenever the transport has found a connection for the
// request: once, and again each time the connection turned out to be dead.
func (x *exchange) gotConn(info httptrace.GotConnInfo) {
	again := x.connected
	x.connected = true
	c := underlying(info.Conn)
	if c == nil {
		return
	}
	switch {
	case again && info.Reused:
		// Failing the write unsent makes the transport go on to the next kept
		// connection and at last to a new one. So a resource that closes every
		// connection upon a request sees the request twice at most, not once
		// for every connection kept.
		c.stale = true
	case !info.Reused && !info.WasIdle:
		x.fresh = c.timing
	}
}

// conn is a connection that knows what it has cost and asks the guard again
// before every write.
type conn struct {
	net.Conn
	guard   *guard
	timing  dispatchapy.Timing
	private netip.Addr // set if the address may be used only while private ones are allowed
	stale   bool       // set before the request is written, by the attempt that owns the connection
}

var errStale = errors.New("connection is not used again")

// Write refuses what must not go out over this connection any more: the
// setting may have changed since it was dialled.
func (c *conn) Write(b []byte) (int, error) {
	if c.stale {
		return 0, errStale
	}
	if c.private.IsValid() {
		if err := c.guard.mayUsePrivate(c.private); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(b)
}

// underlying finds our conn below TLS.
func underlying(nc net.Conn) *conn {
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	c, _ := nc.(*conn)
	return c
}

// dialError is a failure before there was a usable connection.
type dialError struct {
	tls    bool // during the handshake
	timing dispatchapy.Timing
	err    error
}

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

// dialer makes connections under the guard.
type dialer struct {
	guard   *guard
	net     net.Dialer
	tls     *tls.Config
	closing context.Context // ends all dials
	close   context.CancelFunc
}

func newDialer(g *guard) *dialer {
	d := &dialer{
		guard: g,
		tls: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			NextProtos:         []string{"http/1.1"},
			ClientSessionCache: tls.NewLRUClientSessionCache(maxIdle),
		},
	}
	d.net.ControlContext = d.control
	d.closing, d.close = context.WithCancel(context.Background())
	return d
}

// control is called with the resolved address, just before the connect.
func (d *dialer) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return &blockedError{"address of unknown form is refused"}
	}
	_, err = d.guard.check(ap.Addr())
	return err
}

// limit gives the context of a dial. The transport lets a dial go on when its
// request has ended; here it ends with the attempt's deadline, so that dials to
// a dead host do not pile up.
func (d *dialer) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline := time.Now().Add(dialTimeout)
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		if end, limited := x.Deadline(); limited && end.Before(deadline) {
			deadline = end
		}
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	stop := context.AfterFunc(d.closing, cancel)
	if d.closing.Err() != nil {
		cancel() // at once, where AfterFunc takes its time
	}
	return ctx, func() { stop(); cancel() }
}

// dial is the transport's DialContext.
func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := d.limit(ctx)
	defer cancel()
	return d.connect(ctx, network, addr)
}

func (d *dialer) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	c := &conn{guard: d.guard}
	start := time.Now()
	var resolved time.Time // hooks run in this goroutine
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSDone: func(httptrace.DNSDoneInfo) { resolved = time.Now() },
	})
	nc, err := d.net.DialContext(ctx, network, addr)
	if !resolved.IsZero() {
		c.timing.DNS = resolved.Sub(start)
		start = resolved
	}
	c.timing.Connect = time.Since(start)
	if err != nil {
		return nil, &dialError{timing: c.timing, err: err}
	}
	c.Conn = nc
	if remote, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		addr := remote.AddrPort().Addr()
		if private, _ := d.guard.check(addr); private { // refusals were control's
			c.private = addr
		}
	}
	return c, nil
}

// dialTLS is the transport's DialTLSContext.
func (d *dialer) dialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := d.limit(ctx)
	defer cancel()
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	nc, err := d.connect(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	config := d.tls.Clone()
	config.ServerName = host
	secured := tls.Client(nc, config)
	start := time.Now()
	err = secured.HandshakeContext(ctx)
	c := underlying(nc)
	c.timing.TLS = time.Since(start)
	if err != nil {
		_ = nc.Close() // the handshake's error is the one to report
		return nil, &dialError{tls: true, timing: c.timing, err: err}
	}
	return secured, nil
}
