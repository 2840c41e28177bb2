package deliver

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
)

func TestExchangeShowsWhatIsNoSecret(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["Date"] = nil
		h.Set("Content-Type", "application/json")
		h.Add("Set-Cookie", "sid=hush; Path=/; HttpOnly")
		h.Add("Set-Cookie", "other=hush")
		h.Set("WWW-Authenticate", `Bearer realm="hush"`)
		h.Set("X-Auth-Token", "hush")
		h.Set("X-Request-Id", "r-1")
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer s.Close()
	c := NewClient(Options{AllowPrivate: always, UserAgent: "Dispatchapy/test"})
	defer c.Close()
	target := NewTarget(&dispatchapy.Resource{
		Method: "POST", URL: strings.Replace(s.URL, "//", "//user:hush@", 1) + "/send?a=1&token=hush",
		Headers: map[string]dispatchapy.Secret{"X-Key": "hush", "Content-Type": "hush/json"},
	})
	const masked = dispatchapy.Redacted
	want := &dispatchapy.Exchange{
		Method: "POST", URL: s.URL + "/send?a=1&token=" + masked,
		Request: []dispatchapy.Header{
			{Name: "Accept-Encoding", Value: "gzip"}, {Name: "Authorization", Value: masked}, {Name: "Content-Type", Value: masked},
			{Name: "X-Key", Value: masked}, {Name: "Idempotency-Key", Value: "k-1"}, {Name: "User-Agent", Value: "Dispatchapy/test"},
		},
		Response: []dispatchapy.Header{
			{Name: "Content-Length", Value: "0"}, {Name: "Content-Type", Value: "application/json"},
			{Name: "Set-Cookie", Value: "sid=" + masked + "; Path=/; HttpOnly"}, {Name: "Set-Cookie", Value: "other=" + masked},
			{Name: "Www-Authenticate", Value: "Bearer " + masked}, {Name: "X-Auth-Token", Value: masked}, {Name: "X-Request-Id", Value: "r-1"},
		},
	}
	for range 2 { // what the requests share is not changed by one of them
		r := c.Do(t.Context(), &target, "k-1", []byte(`{}`))
		if diff := cmp.Diff(want, r.Exchange); diff != "" {
			t.Error(diff)
		}
	}
	other := c.Do(t.Context(), &target, "", []byte(`{}`)).Exchange
	if len(other.Request) != len(want.Request)-1 {
		t.Errorf("without a key the request has %+v", other.Request)
	}
}

func TestExchangeWithoutAnAnswer(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	c := NewClient(Options{AllowPrivate: always})
	defer c.Close()
	target := NewTarget(&dispatchapy.Resource{Method: "POST", URL: s.URL, Headers: map[string]dispatchapy.Secret{"Host": "hush", "Idempotency-Key": "hush"}})
	x := c.Do(t.Context(), &target, "k-1", nil).Exchange
	if x == nil || x.Response != nil || x.URL != s.URL {
		t.Fatalf("%+v", x)
	}
	shown := map[string]string{}
	for _, h := range x.Request {
		shown[h.Name] += h.Value
	}
	if shown["Host"] != dispatchapy.Redacted || shown["Idempotency-Key"] != "k-1" {
		t.Errorf("request %v", shown)
	}
	broken := NewTarget(&dispatchapy.Resource{URL: "ftp://hush"})
	if x := c.Do(t.Context(), &broken, "k", nil).Exchange; x != nil {
		t.Errorf("where nothing could be sent there is %+v", x)
	}
}

func TestExchangeLeavesOutTheLongestHeaders(t *testing.T) {
	header := http.Header{"A-Long": {strings.Repeat("x", 3000)}, "B-Longer": {strings.Repeat("x", 4000)}, "C": {"short", "too"}}
	shown, omitted := shownAnswer(header)
	want := []dispatchapy.Header{{Name: "A-Long", Value: strings.Repeat("x", 3000)}, {Name: "C", Value: "short"}, {Name: "C", Value: "too"}}
	if diff := cmp.Diff(want, shown); diff != "" || omitted != 1 {
		t.Errorf("%d left out: %s", omitted, diff)
	}
	if shown, omitted := shownAnswer(http.Header{"X": {strings.Repeat("x", maxShownHeaders)}}); len(shown) != 0 || omitted != 1 {
		t.Errorf("of one that is too long %d are shown, %d left out", len(shown), omitted)
	}
	if shown, _ := shownAnswer(http.Header{}); shown == nil {
		t.Error("an answer without headers is no answer")
	}
}
