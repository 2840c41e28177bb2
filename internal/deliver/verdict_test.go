package deliver

import (
	"net/http"
	"testing"
	"time"

	"dispatchapy"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	tests := []struct {
		value, clock string // headers Retry-After and Date
		want         time.Duration
	}{
		{"", "", 0},
		{"0", "", 0},
		{"7", "", 7 * time.Second},
		{" 7 ", "", 7 * time.Second},
		{"300", "", 5 * time.Minute},
		{"301", "", 5 * time.Minute},
		{"99999999999999999999999", "", 5 * time.Minute},
		{"-5", "", 0},
		{"1.5", "", 0},
		{"soon", "", 0},
		{date(time.Minute), "", time.Minute},
		{date(-time.Minute), "", 0},
		{date(24 * time.Hour), "", 5 * time.Minute},
		{date(time.Hour + time.Minute), date(time.Hour), time.Minute}, // a clock one hour ahead
		{date(time.Minute), "broken", time.Minute},
	}
	for _, tt := range tests {
		h := http.Header{}
		h.Set("Retry-After", tt.value)
		h.Set("Date", tt.clock)
		if got := retryAfter(h, now); got != tt.want {
			t.Errorf("retryAfter(%q, Date %q) = %v, want %v", tt.value, tt.clock, got, tt.want)
		}
	}
}

// TestRetryAfterOnlyOnFailure: a wait has a meaning only if there is a next time.
func TestRetryAfterOnlyOnFailure(t *testing.T) {
	tests := map[int]time.Duration{200: 0, 404: 0, 429: 3 * time.Second, 503: 3 * time.Second}
	for status, want := range tests {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(status)
		})
		r := newTestClient(t).Do(t.Context(), targetOf(s.URL), "k", nil)
		if r.StatusCode != status || r.RetryAfter != want {
			t.Errorf("%d: result = %+v, want a wait of %v", status, r, want)
		}
	}
}

func TestTargetAddr(t *testing.T) {
	tests := []struct{ url, want string }{
		{"http://h/x", "h:80"},
		{"https://h/x", "h:443"},
		{"https://u:p@h:8443/x?y", "h:8443"},
		{"http://[::1]/x", "[::1]:80"},
		{"ftp://h/", ""},
		{"http:///x", ""},
		{"%", ""},
	}
	for _, tt := range tests {
		target := NewTarget(&dispatchapy.Resource{URL: tt.url})
		got, err := target.Addr()
		if got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("Addr of %q = %q, %v, want %q", tt.url, got, err, tt.want)
		}
	}
}

func TestShorten(t *testing.T) {
	long := make([]byte, 1000)
	for i := range long {
		long[i] = 'x'
	}
	if got := shorten(string(long)); len(got) != 203 {
		t.Errorf("length = %d, want 203", len(got))
	}
	if got := shorten("a\xffb"); got != "a?b" {
		t.Errorf("shorten of invalid UTF-8 = %q", got)
	}
}
