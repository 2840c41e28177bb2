package deliver

import (
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"dispatchapy"
)

// TestBrokenAnswers shows what each way of not answering properly counts as.
func TestBrokenAnswers(t *testing.T) {
	reset := func(nc net.Conn) {
		_ = nc.(*net.TCPConn).SetLinger(0)
	}
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
	tests := []struct {
		name    string
		script  func(net.Conn)
		outcome dispatchapy.AttemptOutcome
		class   dispatchapy.ErrorClass
		detail  string
		body    string
	}{
		{"closes", func(net.Conn) {}, "failed", "reset", "connection closed before the answer was complete", ""},
		{"resets", reset, "failed", "reset", "connection closed before the answer was complete", ""},
		{"closes in the status line", write("HTTP/1.1 2"), "failed", "protocol", "the answer is not valid HTTP: ", ""},
		{"closes in the head", write("HTTP/1.1 200 OK\r\nX: y\r\n"), "failed", "reset", "connection closed before the answer was complete", ""},
		{"garbage", write("\x00\x01 garbage\r\n\r\n"), "failed", "protocol", "the answer is not valid HTTP: ", ""},
		{"bad header", write("HTTP/1.1 200 OK\r\n: x\r\n\r\n"), "failed", "protocol", "the answer is not valid HTTP: ", ""},
		{"two lengths", write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), "failed", "protocol", "the answer is not valid HTTP: ", ""},
		{"endless head", func(nc net.Conn) {
			_, _ = io.WriteString(nc, "HTTP/1.1 200 OK\r\n")
			for line := []byte("X: " + strings.Repeat("x", 1000) + "\r\n"); ; {
				if _, err := nc.Write(line); err != nil {
					return
				}
			}
		}, "failed", "protocol", "the answer is not valid HTTP: ", ""},
		{"switches protocols", write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), "failed", "protocol", "HTTP 101 Switching Protocols", ""},
		{"length too long", write(head + "short"), "success", "", "accepted with HTTP 200; the answer's body is incomplete: connection closed", "short"},
		{"length too short", write(head + "0123456789and more"), "success", "", "", "0123456789"},
		{"bad chunks", write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n"), "success", "", "accepted with HTTP 200; the answer's body is incomplete: malformed", "abc"},
		{"reset in the body", func(nc net.Conn) { write("HTTP/1.1 500 X\r\nContent-Length: 10\r\n\r\nabc")(nc) }, "failed", "server_error", "HTTP 500 Internal Server Error; the answer's body is incomplete: connection closed", "abc"},
		{"no length", write("HTTP/1.0 200 OK\r\n\r\nuntil the end"), "success", "", "", "until the end"},
		{"not gzip", write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n0123456789"), "success", "", "accepted with HTTP 200; the answer's body is incomplete: bad compression", ""},
		{"gzip without body", write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"), "success", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url := serveRaw(t, tt.script)
			r := newTestClient(t).Do(t.Context(), targetOf(url), "k", []byte("{}"))
			if r.Outcome != tt.outcome || r.Error != tt.class || string(r.Body) != tt.body || r.Canceled {
				t.Errorf("result = %+v (body %q), want %s %s %q", r, r.Body, tt.outcome, tt.class, tt.body)
			}
			if !strings.HasPrefix(r.Detail, tt.detail) || tt.detail == "" && r.Detail != "" || strings.Contains(r.Detail, "topsecret") {
				t.Errorf("detail = %q, want %q", r.Detail, tt.detail)
			}
		})
	}
}

// TestTimeout covers every phase: the limit holds for the whole exchange.
func TestTimeout(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
	trickle := func(nc net.Conn) {
		for range time.Tick(time.Millisecond) {
			if _, err := nc.Write([]byte("x")); err != nil {
				return
			}
		}
	}
	tests := []struct {
		name    string
		script  func(net.Conn)
		outcome dispatchapy.AttemptOutcome
		class   dispatchapy.ErrorClass
		detail  string
	}{
		{"no answer", hang, "failed", "timeout", "no answer within 50ms"},
		{"half a head", func(nc net.Conn) { write(head[:20])(nc); hang(nc) }, "failed", "timeout", "no answer within 50ms"},
		{"head byte by byte", func(nc net.Conn) { write("HTTP/1.1 200 OK\r\nX: ")(nc); trickle(nc) }, "failed", "timeout", "no answer within 50ms"},
		{"half a body", func(nc net.Conn) { write(head + "abc")(nc); hang(nc) }, "success", "", "accepted with HTTP 200; the answer's body is incomplete: it did not arrive in time"},
		{"body byte by byte", func(nc net.Conn) { write(head)(nc); trickle(nc) }, "success", "", "accepted with HTTP 200; the answer's body is incomplete: it did not arrive in time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := targetOf(serveRaw(t, tt.script))
			target.Timeout = 50 * time.Millisecond
			r := newTestClient(t).Do(t.Context(), target, "k", []byte("{}"))
			if r.Outcome != tt.outcome || r.Error != tt.class || r.Detail != tt.detail || r.Canceled {
				t.Errorf("result = %+v, want %s %s %q", r, tt.outcome, tt.class, tt.detail)
			}
			if r.Duration < target.Timeout || r.Duration > 5*time.Second {
				t.Errorf("took %v, want %v", r.Duration, target.Timeout)
			}
		})
	}
}

func zipped(t *testing.T, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.CopyN(z, zeros{}, size); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestBodyIsBounded(t *testing.T) {
	const limit = DefaultMaxBody
	bomb := bytes.Repeat(zipped(t, 1<<20), 256) // members of one stream
	tests := []struct {
		name   string
		answer http.HandlerFunc
		kept   int
		reused bool // the connection is still good for the next request
	}{
		{"empty", func(http.ResponseWriter, *http.Request) {}, 0, true},
		{"at the limit", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.CopyN(w, zeros{}, limit) }, limit, true},
		{"little more", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.CopyN(w, zeros{}, limit+1000) }, limit, true},
		{"1 GiB", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(1<<30))
			_, _ = io.CopyN(w, zeros{}, 1<<30)
		}, limit, false},
		{"1 GiB in chunks", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.CopyN(w, zeros{}, 1<<30) }, limit, false},
		{"small gzip", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "GZIP")
			_, _ = w.Write(zipped(t, 1000))
		}, 1000, true},
		{"gzip bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb)
		}, limit, false},
		{"unknown encoding", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			_, _ = io.WriteString(w, "as it is")
		}, 8, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, connections := countingServer(t, tt.answer)
			c := newTestClient(t)
			for range 2 {
				r := c.Do(t.Context(), targetOf(s.URL), "k", []byte("{}"))
				if r.Outcome != dispatchapy.OutcomeDelivered || len(r.Body) != tt.kept || r.Detail != "" {
					t.Fatalf("result = %s %q with %d bytes, want %d", r.Outcome, r.Detail, len(r.Body), tt.kept)
				}
			}
			if reused := connections.Load() == 1; reused != tt.reused {
				t.Errorf("%d connections for two requests, want reuse %v", connections.Load(), tt.reused)
			}
		})
	}
}
