package deliver

import (
	"io"
	"net"
	"sync/atomic"
	"testing"

	"dispatchapy"
)

func TestConnectIsGuarded(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			nc, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(nc, "hello")
			_ = nc.Close()
		}
	}()
	var allow atomic.Bool
	c := NewClient(Options{AllowPrivate: allow.Load})
	t.Cleanup(c.Close)

	for _, addr := range []string{listener.Addr().String(), "169.254.169.254:25", "[::ffff:169.254.169.254]:25"} {
		if _, err := c.Connect(t.Context(), "tcp", addr); dispatchapy.ErrorCode(err) != dispatchapy.CodeForbidden {
			t.Errorf("%s: %v, want forbidden", addr, err)
		}
	}
	allow.Store(true)
	nc, err := c.Connect(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if got, err := io.ReadAll(nc); string(got) != "hello" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := c.Connect(t.Context(), "tcp", "169.254.169.254:25"); dispatchapy.ErrorCode(err) != dispatchapy.CodeForbidden {
		t.Errorf("metadata with private addresses allowed: %v", err)
	}
}
