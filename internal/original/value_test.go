package original

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"dispatchapy"
)

func rowOf(value any) row { return row{columns: map[string]int{"v": 0}, values: []any{value}} }

// SQLite keeps values of any type in any column, and drivers differ in what
// they make of a declared type.
func TestValues(t *testing.T) {
	moment := time.Date(2026, 2, 1, 10, 0, 0, 0, time.UTC)
	tests := []struct {
		value   any
		text    string
		integer int64
		whole   bool
		on      bool
		time    time.Time
	}{
		{value: nil},
		{value: "", text: ""},
		{value: int64(7), text: "7", integer: 7, whole: true, on: true},
		{value: " 12 ", text: " 12 ", integer: 12, whole: true, on: true},
		{value: "3.0", text: "3.0", integer: 3, whole: true, on: true},
		{value: 2.0, text: "2", integer: 2, whole: true, on: true},
		{value: 2.5, text: "2.5"},
		{value: math.NaN(), text: "NaN"},
		{value: math.Inf(1), text: "+Inf"},
		{value: 1e18, text: "1e+18"},
		{value: true, text: "true", integer: 1, whole: true, on: true},
		{value: false, text: "false", whole: true},
		{value: "False", text: "False"},
		{value: "on", text: "on", on: true},
		{value: []byte("a\xffb"), text: "a\uFFFDb"},
		{value: "2026-02-01 10:00:00", text: "2026-02-01 10:00:00", time: moment},
		{value: "2026-02-01T12:00:00+02:00", text: "2026-02-01T12:00:00+02:00", time: moment},
		{value: moment, text: "2026-02-01T10:00:00Z", time: moment},
		{value: moment.Unix(), text: "1769940000", integer: moment.Unix(), whole: true, on: true, time: moment},
		{value: "1970-01-01 00:00:00", text: "1970-01-01 00:00:00"},
	}
	for _, tt := range tests {
		r := rowOf(tt.value)
		if got := r.text("v"); got != tt.text {
			t.Errorf("text of %#v is %q, want %q", tt.value, got, tt.text)
		}
		if got, whole := r.integer("v"); got != tt.integer || whole != tt.whole {
			t.Errorf("integer of %#v is %d, %t, want %d, %t", tt.value, got, whole, tt.integer, tt.whole)
		}
		if got := r.on("v"); got != tt.on {
			t.Errorf("switch of %#v is %t", tt.value, got)
		}
		if got := r.time("v"); !got.Equal(tt.time) {
			t.Errorf("time of %#v is %s, want %s", tt.value, got, tt.time)
		}
	}
	if got := rowOf("x").text("no such column"); got != "" {
		t.Errorf("a missing column reads %q", got)
	}
}

func TestClassify(t *testing.T) {
	tests := []struct {
		status  int
		detail  string
		class   dispatchapy.ErrorClass
		outcome dispatchapy.AttemptOutcome
	}{
		{503, "timed out", dispatchapy.ErrorStatus5xx, dispatchapy.OutcomeFailed},
		{404, "", dispatchapy.ErrorStatus4xx, dispatchapy.OutcomeRefused},
		{429, "", dispatchapy.ErrorStatus4xx, dispatchapy.OutcomeFailed},
		{302, "", dispatchapy.ErrorRedirect, dispatchapy.OutcomeFailed},
		{0, "Failed to resolve 'x' ([Errno -3] Temporary failure in name resolution)", dispatchapy.ErrorDNS, dispatchapy.OutcomeFailed},
		{0, "SSLError: CERTIFICATE_VERIFY_FAILED", dispatchapy.ErrorTLS, dispatchapy.OutcomeFailed},
		{0, "Read timed out. (read timeout=10)", dispatchapy.ErrorTimeout, dispatchapy.OutcomeFailed},
		{0, "[Errno 111] Connection refused", dispatchapy.ErrorRefused, dispatchapy.OutcomeFailed},
		{0, "('Connection aborted.', RemoteDisconnected())", dispatchapy.ErrorReset, dispatchapy.OutcomeFailed},
		{0, "what?", dispatchapy.ErrorOther, dispatchapy.OutcomeFailed},
	}
	for _, tt := range tests {
		if got := classify(tt.status, tt.detail); got != tt.class {
			t.Errorf("class of %d %q is %q, want %q", tt.status, tt.detail, got, tt.class)
		}
		if got := outcome(tt.status); got != tt.outcome {
			t.Errorf("outcome of %d is %q, want %q", tt.status, got, tt.outcome)
		}
	}
}

func TestClip(t *testing.T) {
	if got := clip("abc", 3); got != "abc" {
		t.Errorf("clip gave %q", got)
	}
	if got := clip(strings.Repeat("ö", 10), 5); got != "öö" || !utf8.ValidString(got) {
		t.Errorf("clip gave %q", got)
	}
}

func TestCleanPathIsAccepted(t *testing.T) {
	for _, raw := range []string{"/a b/", "ü/ö", "a//b", "./..", "..", strings.Repeat("a/", 300), strings.Repeat("ä", 300), "a/\x00", "x?y#z%"} {
		c := dispatchapy.Config{Settings: dispatchapy.DefaultSettings(), Endpoints: []dispatchapy.Endpoint{{Path: cleanPath(raw, "endpoint-1")}}}
		path := c.Endpoints[0].Path
		c.Normalize()
		if err := c.Validate(); err != nil || c.Endpoints[0].Path != path {
			t.Errorf("path %q becomes %q: %v", raw, path, err)
		}
	}
}
