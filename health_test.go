package dispatchapy

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestSpans(t *testing.T) {
	begun := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return begun.Add(time.Duration(minutes) * time.Minute) }
	window := func(from, until int) Maintenance { return Maintenance{From: at(from), Until: at(until)} }
	tests := []struct {
		name    string
		state   HealthState
		holds   int // minutes
		windows []Maintenance
		now     int
		want    string // state from-to in minutes
	}{
		{"up", HealthUp, 60, nil, 10, "up 0-10"},
		{"nobody looked", HealthDown, 5, nil, 10, "down 0-5"},
		{"unknown", HealthUnknown, 60, nil, 10, ""},
		{"nothing new", HealthUp, 60, nil, 0, ""},
		{"a clock set back", HealthUp, 60, nil, -5, ""},
		{"maintenance in between", HealthDown, 60, []Maintenance{window(2, 4)}, 10, "down 0-2, maintenance 2-4, down 4-10"},
		{"in maintenance", HealthUp, 3, []Maintenance{window(2, 20)}, 10, "up 0-2, maintenance 2-10"},
		{"nobody looked after it", HealthUp, 3, []Maintenance{window(2, 8)}, 10, "up 0-2, maintenance 2-8"},
		{"unknown in maintenance", HealthUnknown, 0, []Maintenance{window(-5, 8)}, 10, "maintenance 0-8"},
		{"two windows", HealthUp, 60, []Maintenance{window(6, 8), window(1, 2)}, 10, "up 0-1, maintenance 1-2, up 2-6, maintenance 6-8, up 8-10"},
		{"long ago", HealthUp, 100_000, nil, 10_000, "up 7120-10000"}, // the latest two days
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := Health{State: tt.state, CountedTo: begun, HoldsUntil: at(tt.holds)}
			var got []string
			for _, s := range h.Spans(at(tt.now), tt.windows) {
				got = append(got, fmt.Sprintf("%s %.0f-%.0f", s.State, s.From.Sub(begun).Minutes(), s.To.Sub(begun).Minutes()))
			}
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("spans %s, want %s", strings.Join(got, ", "), tt.want)
			}
		})
	}
	if got := (&Health{State: HealthUp, HoldsUntil: at(9)}).Spans(at(9), nil); got != nil {
		t.Errorf("before the first check: %v", got)
	}
}
