package dispatchapy

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestDurationText(t *testing.T) {
	cases := []struct {
		d    time.Duration
		text string
	}{
		{0, "0s"}, {time.Nanosecond, "1ns"}, {100 * time.Millisecond, "100ms"}, {1500 * time.Millisecond, "1.5s"}, {15 * time.Second, "15s"},
		{time.Minute, "1m"}, {10 * time.Minute, "10m"}, {90 * time.Second, "1m30s"}, {time.Hour, "1h"}, {10 * time.Hour, "10h"},
		{time.Hour + 10*time.Minute, "1h10m"}, {time.Hour + time.Second, "1h0m1s"}, {100 * time.Hour, "100h"}, {-time.Minute, "-1m"}, {1<<63 - 1, "2562047h47m16.854775807s"},
	}
	for _, tc := range cases {
		text, err := json.Marshal(Duration(tc.d))
		if err != nil || string(text) != `"`+tc.text+`"` {
			t.Errorf("%v is written %s, %v; want %q", tc.d, text, err, tc.text)
		}
		var back Duration
		if err := json.Unmarshal(text, &back); err != nil || back.Std() != tc.d {
			t.Errorf("%s is read as %v, %v", text, back, err)
		}
	}
}

func TestDurationRefusesOtherText(t *testing.T) {
	for _, text := range []string{"", "15", "1d", "fast", "1 m", "99999999h"} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "15s") {
			t.Errorf("%q: %v; want an error that shows how to write it", text, err)
		}
	}
}

func TestDurationRangeAt(t *testing.T) {
	r := DurationRange{Min: Duration(time.Minute), Max: Duration(3 * time.Minute)}
	for f, want := range map[float64]time.Duration{0: time.Minute, 0.5: 2 * time.Minute, 0.75: 150 * time.Second} {
		if got := r.At(f); got != want {
			t.Errorf("at %v: %v, want %v", f, got, want)
		}
	}
}
