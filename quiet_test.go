package dispatchapy

import (
	"testing"
	"time"
)

// Quiet hours go by the clock on the wall, in nights in which that is moved,
// too.
func TestQuietHours(t *testing.T) {
	night := QuietHours{From: "22:00", Until: "07:00", Timezone: "Europe/Berlin"}
	weekend := QuietHours{Days: []Weekday{"sat", "sun"}, From: "00:00", Until: "00:00", Timezone: "Europe/Berlin"}
	lunch := QuietHours{Days: []Weekday{"wed"}, From: "12:00", Until: "13:30", Timezone: "Asia/Jakarta"}
	strict := QuietHours{From: "22:00", Until: "06:00", Timezone: "UTC", HoldCritical: true}
	broken := QuietHours{From: "10 pm", Until: "07:00", Timezone: "Europe/Berlin"}
	nowhere := QuietHours{From: "00:00", Until: "00:00", Timezone: "Nowhere/Land"}
	for name, tc := range map[string]struct {
		quiet    []QuietHours
		severity Severity
		at, want string
	}{
		"none":                              {nil, SeverityWarning, "2026-07-01T23:00:00Z", ""},
		"before midnight":                   {[]QuietHours{night}, SeverityWarning, "2026-07-01T21:00:00Z", "2026-07-02T05:00:00Z"},
		"after midnight":                    {[]QuietHours{night}, SeverityWarning, "2026-07-02T03:00:00Z", "2026-07-02T05:00:00Z"},
		"the minute it begins":              {[]QuietHours{night}, SeverityWarning, "2026-07-01T20:00:00Z", "2026-07-02T05:00:00Z"},
		"the minute it ends":                {[]QuietHours{night}, SeverityWarning, "2026-07-02T05:00:00Z", ""},
		"by day":                            {[]QuietHours{night}, SeverityWarning, "2026-07-01T19:59:59Z", ""},
		"critical":                          {[]QuietHours{night}, SeverityCritical, "2026-07-01T23:00:00Z", ""},
		"critical held":                     {[]QuietHours{strict}, SeverityCritical, "2026-07-01T23:00:00Z", "2026-07-02T06:00:00Z"},
		"winter":                            {[]QuietHours{night}, SeverityWarning, "2026-01-01T23:00:00Z", "2026-01-02T06:00:00Z"},
		"an hour is left out":               {[]QuietHours{night}, SeverityWarning, "2026-03-28T21:00:00Z", "2026-03-29T05:00:00Z"},
		"an hour comes twice":               {[]QuietHours{night}, SeverityWarning, "2026-10-24T20:00:00Z", "2026-10-25T06:00:00Z"},
		"the hour that comes twice, later":  {[]QuietHours{night}, SeverityWarning, "2026-10-25T01:30:00Z", "2026-10-25T06:00:00Z"},
		"whole days, one after the other":   {[]QuietHours{weekend}, SeverityInfo, "2026-07-03T22:00:00Z", "2026-07-05T22:00:00Z"},
		"the weekend and then the night":    {[]QuietHours{weekend, night}, SeverityInfo, "2026-07-04T10:00:00Z", "2026-07-06T05:00:00Z"},
		"another day":                       {[]QuietHours{lunch}, SeverityInfo, "2026-07-02T05:30:00Z", ""},
		"the day there":                     {[]QuietHours{lunch}, SeverityInfo, "2026-07-01T05:30:00Z", "2026-07-01T06:30:00Z"},
		"what Validate refuses is not kept": {[]QuietHours{broken, nowhere}, SeverityInfo, "2026-07-01T23:00:00Z", ""},
	} {
		at, err := time.Parse(time.RFC3339, tc.at)
		if err != nil {
			t.Fatal(err)
		}
		c := Channel{Quiet: tc.quiet}
		got := ""
		if end := c.QuietUntil(tc.severity, at); !end.IsZero() {
			got = end.UTC().Format(time.RFC3339)
		}
		if got != tc.want {
			t.Errorf("%s: until %q, want %q", name, got, tc.want)
		}
	}
}

// Hours that never end hold back for a while only.
func TestQuietForEver(t *testing.T) {
	c := Channel{Quiet: []QuietHours{{From: "00:00", Until: "00:00", Timezone: "UTC"}}}
	at := time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)
	if end := c.QuietUntil(SeverityInfo, at); end.Sub(at) > MaxQuiet*24*time.Hour || end.Before(at) {
		t.Errorf("until %s", end)
	}
}

func TestEveryEventHasASeverity(t *testing.T) {
	s := DefaultSettings()
	for kind := range factsOf {
		if rule := s.Alerts.Rule(kind, nil, nil); rule.Enabled == nil {
			t.Errorf("%s has no rule", kind)
		}
	}
	if len(factsOf) != 21 || EventEndpointDown.Severity() != SeverityCritical || !EventEndpointUp.Ends() || EventKind("nonsense").Severity() != SeverityInfo {
		t.Errorf("%d kinds", len(factsOf))
	}
	if !SeverityCritical.Over(SeverityWarning) || !SeverityWarning.Over(SeverityInfo) || SeverityInfo.Over(SeverityInfo) {
		t.Error("severities are not in order")
	}
}
