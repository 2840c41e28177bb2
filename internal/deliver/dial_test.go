package deliver

import (
	"context"
	"net"
	"testing"
	"time"

	"dispatchapy"
)

// TestSilentTLS: the other side takes the connection and says nothing.
func TestSilentTLS(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	target := targetOf("https://" + l.Addr().String())
	target.Timeout = 50 * time.Millisecond
	r := newTestClient(t).Do(t.Context(), target, "k", nil)
	if r.Error != dispatchapy.ErrorTimeout || r.Detail != "no connection within 50ms" || r.Canceled {
		t.Errorf("result = %+v, want timeout", r)
	}
}

// TestDialEndsWithTheAttempt although the transport cuts the dial's context
// off from the attempt's.
func TestDialEndsWithTheAttempt(t *testing.T) {
	d := newDialer(newGuard(always))
	defer d.close()
	deadline := func(timeout time.Duration) time.Time {
		attempt, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		ctx, cancel := d.limit(context.WithoutCancel(&exchange{Context: attempt}))
		defer cancel()
		end, _ := ctx.Deadline()
		return end
	}
	now := time.Now()
	if in := deadline(time.Second).Sub(now); in > 2*time.Second {
		t.Errorf("dial of a short attempt ends in %v, want 1s", in)
	}
	if in := deadline(time.Hour).Sub(now); in < dialTimeout || in > 2*dialTimeout {
		t.Errorf("dial of a long attempt ends in %v, want %v", in, dialTimeout)
	}
}
