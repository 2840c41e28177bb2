package intake

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// dial opens a raw connection on which nothing may take longer than the
// deadline of the test's patience.
func dial(t *testing.T, server *httptest.Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// ask writes text on the connection and reads one answer.
func ask(t *testing.T, conn net.Conn, text string) answer {
	t.Helper()
	if text != "" {
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.Close {
		res.Header.Set("Connection", "close") // http.ReadResponse takes it out
	}
	return answer{res.StatusCode, res.Header, string(body)}
}

func head(path, token string, lines ...string) string {
	return "POST /api/" + path + " HTTP/1.1\r\nHost: x\r\nToken: " + token + "\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// A body that is announced but never sent: the answer to a stranger must not
// wait for it.
func TestStrangersBodyIsNotRead(t *testing.T) {
	t.Parallel()
	for _, framing := range []string{"Content-Length: 10", "Content-Length: 1000000000", "Transfer-Encoding: chunked"} {
		for _, tt := range []struct {
			path, token, extra string
			status             int
		}{
			{"nowhere", shopToken, "X: y", 404},
			{"v2/send", "", "X: y", 401},
			{"v2/send", "wrong", "X: y", 403},
			{"v2/send", shopToken, "Content-Type: text/plain", 415},
		} {
			t.Run(fmt.Sprint(tt.status, " ", framing), func(t *testing.T) {
				t.Parallel()
				request := head(tt.path, tt.token, tt.extra, framing)
				serveLingering := func(linger time.Duration) *httptest.Server {
					handler := New(Options{Snapshots: tableOf(t), Submitter: &desk{}, Observer: &desk{}})
					handler.linger = linger
					server := httptest.NewServer(handler)
					t.Cleanup(server.Close)
					return server
				}
				// The answer comes first, however long the body is waited for.
				conn := dial(t, serveLingering(time.Hour))
				if got := ask(t, conn, request); got.status != tt.status || got.header.Get("Connection") != "close" {
					t.Errorf("%+v", got)
				}
				// Then the server gives the connection up by itself.
				conn = dial(t, serveLingering(time.Millisecond))
				if got := ask(t, conn, request); got.status != tt.status {
					t.Errorf("%+v", got)
				}
				if rest, err := io.ReadAll(conn); err != nil || len(rest) > 0 {
					t.Errorf("after the answer %q, %v", rest, err)
				}
			})
		}
	}
}

func TestExpectContinue(t *testing.T) {
	t.Parallel()
	server := serve(t, &desk{}, nil)
	if got := ask(t, dial(t, server), head("v2/send", "wrong", "Expect: 100-continue", "Content-Length: 10")); got.status != 403 {
		t.Errorf("stranger: %+v", got)
	}
	if got := ask(t, dial(t, server), head("v2/send", shopToken, "Expect: 100-continue", "Content-Length: 10")); got.status != 100 {
		t.Errorf("client: %+v", got)
	}
}

func TestChunkedBody(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, minRead - 1, minRead, minRead + 1, 200_000} {
		d := &desk{}
		server := serve(t, d, nil)
		body := fmt.Sprintf(`{"ref":"r","scope":"s","x":%q}`, strings.Repeat("x", size))
		req, err := http.NewRequest(http.MethodPost, server.URL+"/api/large", io.MultiReader(strings.NewReader(body))) // of unknown length
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Token", shopToken)
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK || len(d.submitted) != 1 || string(d.submitted[0].Source) != body {
			t.Errorf("%d bytes: %d", len(body), res.StatusCode)
		}
	}
}

func TestSizeLimitIsExact(t *testing.T) {
	t.Parallel()
	for _, chunked := range []bool{false, true} {
		for size, want := range map[int]int{999: 200, 1000: 200, 1001: 413, 100_000: 413} {
			d := &desk{}
			server := serve(t, d, nil)
			body := goodBody + strings.Repeat(" ", size-len(goodBody))
			framing, wire := fmt.Sprintf("Content-Length: %d", size), body
			if chunked {
				framing, wire = "Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", size, body)
			}
			if got := ask(t, dial(t, server), head("send_sms", shopToken, framing)+wire); got.status != want {
				t.Errorf("chunked %v, %d bytes: %+v", chunked, size, got)
			}
		}
	}
}

func TestLargeBody(t *testing.T) {
	t.Parallel()
	d := &desk{}
	server := serve(t, d, nil)
	for _, size := range []int{firstRead - 1, firstRead, firstRead + 1, 3*firstRead + 7, 5 << 20} {
		body := `{"ref":"r","scope":"s"}` + strings.Repeat(" ", size-23)
		d.submitted = nil
		if got := send(t, server, "POST", "/api/large", body, "Token", shopToken); got.status != 200 || string(d.submitted[0].Source) != body {
			t.Errorf("%d bytes: %+v", size, got)
		}
	}
}

// A caller that wants the connection closed and reads only when it has written
// everything gets the answer too.
func TestRefusedWhileSendingAndClosing(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]int{shopToken: 413, "wrong": 403} {
		d := &desk{}
		conn := dial(t, serve(t, d, nil))
		const size = 4 << 20
		header := head("v2/send", token, fmt.Sprintf("Connection: close\r\nContent-Length: %d", size))
		if _, err := io.WriteString(conn, header+strings.Repeat("x", size)); err != nil {
			t.Fatalf("token %s: %v", token, err)
		}
		if got := ask(t, conn, ""); got.status != want {
			t.Errorf("token %s: %+v", token, got)
		}
	}
}

func TestIncompleteBody(t *testing.T) {
	t.Parallel()
	for _, rest := range []string{
		"Content-Length: 100\r\n\r\n{",
		"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
		"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
	} {
		d := &desk{}
		server := serve(t, d, nil)
		conn := dial(t, server)
		if _, err := io.WriteString(conn, strings.TrimSuffix(head("v2/send", shopToken, "X: y"), "\r\n")+rest); err != nil {
			t.Fatal(err)
		}
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got := ask(t, conn, ""); got.status != 400 || got.detail(t) != "The body could not be read to its end" || !slices.Equal(d.observed, []string{ReasonIncomplete}) {
			t.Errorf("%q: %+v, observed %q", rest, got, d.observed)
		}
	}
}

func TestSlowBody(t *testing.T) {
	t.Parallel()
	d := &desk{}
	server := serve(t, d, func(o *Options) { o.BodyTimeout = 50 * time.Millisecond })
	got := ask(t, dial(t, server), head("v2/send", shopToken, "Content-Length: 100")+"{")
	if got.status != 408 || got.detail(t) != "The body did not arrive in time" || !slices.Equal(d.observed, []string{ReasonIncomplete}) {
		t.Errorf("%+v, observed %q", got, d.observed)
	}
}

// The time for the body is not the time for the store, and says nothing about
// the next request on the connection.
func TestBodyTimeoutEndsWithTheBody(t *testing.T) {
	t.Parallel()
	const timeout = 30 * time.Millisecond
	d := &desk{before: func(ctx context.Context) {
		wait, cancel := context.WithTimeout(ctx, 3*timeout)
		defer cancel()
		<-wait.Done()
	}}
	handler := New(Options{Snapshots: tableOf(t), Submitter: d, Observer: d, BodyTimeout: timeout})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r)
		if err := r.Context().Err(); err != nil {
			t.Errorf("the context of the request: %v", err)
		}
	}))
	t.Cleanup(server.Close)
	conn := dial(t, server)
	request := head("v2/send", shopToken, fmt.Sprintf("Content-Length: %d", len(goodBody))) + goodBody
	for range 2 {
		if got := ask(t, conn, request); got.status != 200 {
			t.Errorf("%+v", got)
		}
	}
}

// A caller who hangs up does not cancel what is being stored.
func TestHangUpWhileStoring(t *testing.T) {
	t.Parallel()
	hungUp, stored := make(chan struct{}), make(chan error, 1)
	d := &desk{before: func(ctx context.Context) {
		<-hungUp
		stored <- ctx.Err()
	}}
	var requestEnded <-chan struct{}
	inner := New(Options{Snapshots: tableOf(t), Submitter: d, Observer: d})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requestEnded = r.Context().Done()
		go func() { <-requestEnded; close(hungUp) }()
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	conn := dial(t, server)
	if _, err := io.WriteString(conn, head("v2/send", shopToken, fmt.Sprintf("Content-Length: %d", len(goodBody)))+goodBody); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if err := <-stored; err != nil {
		t.Errorf("the submission's context: %v", err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	var later atomic.Bool
	entered, leave := make(chan struct{}), make(chan struct{})
	d := &desk{before: func(context.Context) {
		if later.CompareAndSwap(false, true) { // only the first one waits
			close(entered)
			<-leave
		}
	}}
	const room = 1 << 20
	handler := New(Options{Snapshots: tableOf(t), Submitter: d, Observer: d, Memory: room})
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	big := `{"ref":"r","scope":"s"}` + strings.Repeat(" ", 600_000)
	first := make(chan answer, 1)
	go func() { first <- send(t, server, "POST", "/api/large", big, "Token", shopToken) }()
	<-entered

	got := send(t, server, "POST", "/api/large", big, "Token", shopToken)
	if got.status != 503 || got.header.Get("Retry-After") == "" || !strings.Contains(got.detail(t), "try again") {
		t.Errorf("second: %+v", got)
	}
	if got := send(t, server, "POST", "/api/large", goodBody, "Token", shopToken); got.status != 200 {
		t.Errorf("a small one beside it: %+v", got)
	}
	close(leave)
	if got := <-first; got.status != 200 {
		t.Errorf("first: %+v", got)
	}
	server.Close() // waits for the handlers
	if used := handler.memory.used.Load(); used != 0 {
		t.Errorf("%d bytes were not given back", used)
	}
}

func TestMemoryIsGivenBackAfterErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		request string
		timeout time.Duration
		want    int
	}{
		{head("large", shopToken, "Content-Length: 900") + "{", 20 * time.Millisecond, 408},
		{head("send_sms", shopToken, "Transfer-Encoding: chunked") + "500\r\n" + strings.Repeat("x", 0x500), time.Minute, 413},
		{head("large", shopToken, "Content-Length: 2") + "{]", time.Minute, 400},
		{head("large", shopToken, "Content-Length: 9000000") + strings.Repeat("x", 600_000), time.Minute, 503},
		{head("send_sms", shopToken, fmt.Sprintf("Content-Length: %d", len(goodBody))) + goodBody, time.Minute, 200},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.want), func(t *testing.T) {
			t.Parallel()
			d := &desk{}
			handler := New(Options{Snapshots: tableOf(t), Submitter: d, Observer: d, Memory: 1 << 20, BodyTimeout: tt.timeout})
			server := httptest.NewServer(handler)
			if got := ask(t, dial(t, server), tt.request); got.status != tt.want {
				t.Errorf("%+v, want %d", got, tt.want)
			}
			server.Close() // waits for the handler
			if used := handler.memory.used.Load(); used != 0 {
				t.Errorf("%d bytes were not given back", used)
			}
		})
	}
}
