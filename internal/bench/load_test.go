package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestRequestIsNumberedValidAndOfItsSize(t *testing.T) {
	for _, size := range []int{minBodyBytes, 300, 5000} {
		r := newRequest(load{endpoint: "e", token: "t", bodyBytes: size})
		for _, seq := range []int64{0, 7, 34567890} {
			text := r.numbered(seq)
			req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(text))))
			if err != nil {
				t.Fatal(err)
			}
			if req.URL.Path != "/api/e" || req.Header.Get(tokenHeader) != "t" || req.ContentLength != int64(size) {
				t.Errorf("request is %s with %d bytes, want %d", req.URL.Path, req.ContentLength, size)
			}
			var body struct{ Ref, Scope, Seq, Kind string }
			if err := json.NewDecoder(req.Body).Decode(&body); err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf("%010d", seq)
			if body.Seq != want || body.Ref != "bench-"+want || body.Scope == "" {
				t.Errorf("body of %d is %+v", seq, body)
			}
			if got, recorded, ok := readTask(text); got != seq || !recorded || !ok {
				t.Errorf("the provider reads %d %v %v from %d", got, recorded, ok, seq)
			}
		}
	}
}

func TestReadAnswer(t *testing.T) {
	for _, c := range []struct {
		name, text string
		status     int
		closing    bool
		err        string
	}{
		{name: "plain", text: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", status: 200},
		{name: "odd case, closing", text: "HTTP/1.1 503 Busy\r\ncontent-LENGTH: 0\r\nconnection: Close\r\n\r\n", status: 503, closing: true},
		{name: "chunked", text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", err: "without Content-Length"},
		{name: "negative length", text: "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", err: "not a number"},
		{name: "short body", text: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", err: "EOF"},
		{name: "not HTTP", text: "hello, this is something else\r\n\r\n", err: "not an HTTP/1.1 answer"},
		{name: "no status", text: "HTTP/1.1 abc\r\n\r\n", err: "not an HTTP status"},
		{name: "nothing", text: "", err: "EOF"},
	} {
		status, closing, err := readAnswer(bufio.NewReader(strings.NewReader(c.text)))
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want %q", c.name, err, c.err)
			}
			continue
		}
		if err != nil || status != c.status || closing != c.closing {
			t.Errorf("%s: %d %v %v, want %d %v", c.name, status, closing, err, c.status, c.closing)
		}
	}
}

// TestLoad runs both kinds of client against a server that refuses every
// third request and closes every fifth connection.
func TestLoad(t *testing.T) {
	for name, raw := range map[string]bool{"net": false, "raw": true} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int64
			var mu sync.Mutex
			refs := map[string]int{}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var body struct{ Ref string }
				if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
					t.Error(err)
				}
				mu.Lock()
				refs[body.Ref]++
				mu.Unlock()
				n := requests.Add(1)
				if n%5 == 0 {
					w.Header().Set("Connection", "close")
				}
				if n%3 == 0 {
					http.Error(w, "no", http.StatusServiceUnavailable)
					return
				}
				fmt.Fprint(w, `{}`)
			}))
			defer server.Close()

			l := load{endpoint: "e", bodyBytes: minBodyBytes, connections: 3, limit: 60, duration: time.Minute, raw: raw}
			result, err := l.run(t.Context(), strings.TrimPrefix(server.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			if len(result.samples) != 40 || result.rejected != 20 || len(refs) != 60 {
				t.Errorf("%d accepted, %d rejected, %d different refs; want 40, 20, 60", len(result.samples), result.rejected, len(refs))
			}
			seen := map[int64]bool{}
			for _, s := range result.samples {
				if seen[s.seq] || s.answered < s.sent {
					t.Errorf("sample %+v", s)
				}
				seen[s.seq] = true
			}
		})
	}
}

func TestLoadAtAFixedRateCountsFromTheDueTime(t *testing.T) {
	// One connection, answers after 20 ms, due every 5 ms: the delay adds up,
	// and only an honest load shows it.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(20 * time.Millisecond)
		fmt.Fprint(w, `{}`)
	}))
	defer server.Close()
	l := load{endpoint: "e", bodyBytes: minBodyBytes, connections: 1, rate: 200, limit: 10, duration: time.Minute, raw: true}
	result, err := l.run(t.Context(), strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	last := result.samples[len(result.samples)-1]
	if waited := time.Duration(last.answered - last.sent); waited < 100*time.Millisecond {
		t.Errorf("the tenth request shows %s, but it was due 155 ms before its answer", waited)
	}
}

func TestLoadGivesUpWhenNobodyAnswers(t *testing.T) {
	addr, err := freeAddr(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range []bool{false, true} {
		l := load{endpoint: "e", bodyBytes: minBodyBytes, connections: 2, duration: time.Minute, raw: raw}
		if _, err := l.run(t.Context(), addr); err == nil || !strings.Contains(err.Error(), "requests in a row") {
			t.Errorf("error %v", err)
		}
	}
}
