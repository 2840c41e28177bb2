package deliver

import (
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	"dispatchapy"
)

func BenchmarkDo(b *testing.B) {
	s := newBenchServer(b)
	c := NewClient(Options{AllowPrivate: always})
	b.Cleanup(c.Close)
	target := targetOf(s)
	body := make([]byte, 300)
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if r := c.Do(b.Context(), target, "dpy-0123456789abcdef", body); r.Outcome != dispatchapy.OutcomeDelivered {
				b.Errorf("result = %+v", r)
				return
			}
		}
	})
}

// BenchmarkTransport is the yardstick: the bare transport, reading the body.
func BenchmarkTransport(b *testing.B) {
	s := newBenchServer(b)
	tr := &http.Transport{MaxIdleConnsPerHost: maxIdlePerHost}
	b.Cleanup(tr.CloseIdleConnections)
	target := targetOf(s)
	c := NewClient(Options{})
	b.Cleanup(c.Close)
	body := make([]byte, 300)
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			req, _ := target.request(b.Context())
			c.complete(req, "dpy-0123456789abcdef", body)
			resp, err := tr.RoundTrip(req)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	})
}

// newBenchServer answers like a small provider, with as little work as can be,
// so that the client is what is measured. It gives its URL.
func newBenchServer(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	const answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"
	var running sync.WaitGroup
	running.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer nc.Close()
				buf := make([]byte, 4096) // one request is one packet
				for {
					if _, err := nc.Read(buf); err != nil {
						return
					}
					if _, err := io.WriteString(nc, answer); err != nil {
						return
					}
				}
			})
		}
	})
	b.Cleanup(func() { _ = l.Close() })
	return "http://" + l.Addr().String()
}
