package app

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestResolveProxies(t *testing.T) {
	trusted := proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("127.0.0.1/32")}
	const forwardedFor, proto, host = "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"
	for name, tc := range map[string]struct {
		peer   string
		header http.Header
		want   string // address
		https  bool
		host   string // "": as it was asked for
	}{
		"nobody in between": {peer: "203.0.113.9:4711", want: "203.0.113.9:4711"},
		"a stranger who says it were a proxy": {
			peer: "203.0.113.9:4711", want: "203.0.113.9:4711",
			header: http.Header{forwardedFor: {"198.51.100.1"}, proto: {"https"}, host: {"evil.example"}},
		},
		"one proxy": {
			peer: "10.0.0.7:4711", want: "203.0.113.9:0", https: true, host: "gateway.example",
			header: http.Header{forwardedFor: {"203.0.113.9"}, proto: {"https"}, host: {"gateway.example"}},
		},
		"a proxy that asks itself": {peer: "10.0.0.7:4711", want: "10.0.0.7:0"},
		"two proxies":              {peer: "10.0.0.7:4711", header: http.Header{forwardedFor: {"203.0.113.9, 10.0.0.8"}}, want: "203.0.113.9:0"},
		"two proxies, two lines":   {peer: "10.0.0.7:4711", header: http.Header{forwardedFor: {"203.0.113.9", "10.0.0.8"}}, want: "203.0.113.9:0"},
		"a client that makes up where it comes from": {
			peer: "10.0.0.7:4711", want: "203.0.113.9:0",
			header: http.Header{forwardedFor: {"198.51.100.1, 10.0.0.1", "127.0.0.1,203.0.113.9"}},
		},
		"everybody is a proxy":   {peer: "10.0.0.7:4711", header: http.Header{forwardedFor: {"10.0.0.9, 10.0.0.8"}}, want: "10.0.0.9:0"},
		"garbage from a proxy":   {peer: "10.0.0.7:4711", header: http.Header{forwardedFor: {"198.51.100.1, unknown, 10.0.0.8"}}, want: "10.0.0.8:0"},
		"garbage and the client": {peer: "10.0.0.7:4711", header: http.Header{forwardedFor: {"<script>,,203.0.113.9"}}, want: "203.0.113.9:0"},
		"nothing":                {peer: "10.0.0.7:4711", header: http.Header{forwardedFor: {""}, proto: {""}, host: {""}}, want: "10.0.0.7:0"},
		"IPv6":                   {peer: "[fd00::1]:4711", header: http.Header{forwardedFor: {"2001:db8::9, [fd00::2]"}}, want: "[2001:db8::9]:0"},
		"IPv6 with port":         {peer: "[fd00::1]:4711", header: http.Header{forwardedFor: {"[2001:db8::9]:5000"}}, want: "[2001:db8::9]:0"},
		"IPv4 with port":         {peer: "10.0.0.7:4711", header: http.Header{forwardedFor: {"203.0.113.9:5000"}}, want: "203.0.113.9:0"},
		"IPv4 written as IPv6": {
			peer: "[::ffff:10.0.0.7]:4711", header: http.Header{forwardedFor: {"::ffff:203.0.113.9, ::ffff:10.0.0.8"}}, want: "203.0.113.9:0",
		},
		"with a zone": {peer: "[fd00::1%eth0]:4711", header: http.Header{forwardedFor: {"fe80::9%eth0"}}, want: "[fe80::9]:0"},
		"no https":    {peer: "10.0.0.7:4711", header: http.Header{proto: {"http"}}, want: "10.0.0.7:0"},
		"what the nearest proxy says counts": {
			peer: "10.0.0.7:4711", want: "10.0.0.7:0", https: true, host: "gateway.example:8443",
			header: http.Header{proto: {"http, HTTPS"}, host: {"evil.example", "evil.example, gateway.example:8443"}},
		},
		"strange scheme":      {peer: "10.0.0.7:4711", header: http.Header{proto: {"javascript"}}, want: "10.0.0.7:0"},
		"a host that is none": {peer: "10.0.0.7:4711", header: http.Header{host: {"evil.example/x?'\"<"}}, want: "10.0.0.7:0"},
		"a host that is too long": {
			peer: "10.0.0.7:4711", header: http.Header{host: {strings.Repeat("a", maxHost+1)}}, want: "10.0.0.7:0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got *http.Request
			handler := trusted.resolve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }))
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.Host, r.RemoteAddr, r.Header = "inside:8000", tc.peer, tc.header
			handler.ServeHTTP(httptest.NewRecorder(), r)
			if tc.host == "" {
				tc.host = "inside:8000"
			}
			if got.RemoteAddr != tc.want || (got.TLS != nil) != tc.https || got.Host != tc.host {
				t.Errorf("address %s, https %t, host %s; want %s, %t, %s", got.RemoteAddr, got.TLS != nil, got.Host, tc.want, tc.https, tc.host)
			}
		})
	}
}

func FuzzResolveProxies(f *testing.F) {
	f.Add("203.0.113.9, 10.0.0.8", "https", "gateway.example")
	f.Add("[::1]:80,,%,[", "http,", "a:b:c")
	trusted := proxies{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, forwarded, proto, host string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr = "10.0.0.7:4711"
		r.Header = http.Header{
			"X-Forwarded-For": {forwarded, forwarded + ", 203.0.113.9, 10.0.0.8"}, "X-Forwarded-Proto": {proto}, "X-Forwarded-Host": {host},
		}
		trusted.resolve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.RemoteAddr != "203.0.113.9:0" {
				t.Errorf("%q passes for %s", forwarded, r.RemoteAddr)
			}
			if strings.ContainsAny(r.Host, "/?#@ \r\n'\"<>") {
				t.Errorf("host %q", r.Host)
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	})
}
