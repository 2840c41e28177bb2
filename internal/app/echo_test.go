package app

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func askEcho(t *testing.T, peer string, own net.IP, body string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	ctx := t.Context()
	if own != nil {
		ctx = context.WithValue(ctx, http.LocalAddrContextKey, &net.TCPAddr{IP: own, Port: 8000})
	}
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, EchoPath, strings.NewReader(body))
	r.RemoteAddr = peer
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	echo(w, r)
	return w
}

func TestEchoIsForThisMachineAlone(t *testing.T) {
	lan := net.IPv4(192, 0, 2, 7)
	for name, tt := range map[string]struct {
		peer   string
		own    net.IP
		header http.Header
		want   int
	}{
		"loopback":                     {"127.0.0.1:5000", nil, nil, 200},
		"loopback, version 6":          {"[::1]:5000", nil, nil, 200},
		"loopback, mapped":             {"[::ffff:127.0.0.1]:5000", nil, nil, 200},
		"the listener's own address":   {"192.0.2.7:5000", lan, nil, 200},
		"another host":                 {"192.0.2.8:5000", lan, nil, 404},
		"a proxy on this machine":      {"127.0.0.1:5000", nil, http.Header{"X-Forwarded-For": {"192.0.2.8"}}, 404},
		"another kind of proxy":        {"127.0.0.1:5000", nil, http.Header{"Forwarded": {"for=192.0.2.8"}}, 404},
		"a peer without an address":    {"@", nil, nil, 404},
		"an address without its owner": {"192.0.2.7:5000", nil, nil, 404},
	} {
		if got := askEcho(t, tt.peer, tt.own, `{}`, tt.header).Code; got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

func TestEchoGivesBackWhatItGot(t *testing.T) {
	for body, want := range map[string]string{
		`{"n": 12345678901234567890}`: `{"n":12345678901234567890}`,
		"<script>alert(1)</script>":   `"\u003cscript\u003ealert(1)\u003c/script\u003e"`,
		"":                            `""`,
	} {
		w := askEcho(t, "127.0.0.1:5000", nil, body, nil)
		var got struct {
			Status   string
			Received json.RawMessage
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if w.Code != 200 || string(got.Received) != want || got.Status != "ok" || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%q: %d %s %v", body, w.Code, w.Body, w.Header())
		}
	}
	if w := askEcho(t, "127.0.0.1:5000", nil, strings.Repeat("x", maxEcho+1), nil); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a body that is too large: %d", w.Code)
	}
}

func TestEchoURLIsThatOfTheListener(t *testing.T) {
	for want, listener := range map[string]net.Addr{
		"http://127.0.0.1:8000/echo": &net.TCPAddr{IP: net.IPv4zero, Port: 8000},
		"http://127.0.0.1:8001/echo": &net.TCPAddr{IP: net.IPv6unspecified, Port: 8001},
		"http://[::1]:8002/echo":     &net.TCPAddr{IP: net.IPv6loopback, Port: 8002},
		"http://192.0.2.7:8003/echo": &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 8003},
		"":                           &net.UnixAddr{Name: "/x", Net: "unix"},
	} {
		if got := echoURL(listener); got != want {
			t.Errorf("%v: %s, want %s", listener, got, want)
		}
	}
}
