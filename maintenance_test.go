package dispatchapy

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestMaintenanceAt(t *testing.T) {
	once := func(from, until, note string) Maintenance {
		return Maintenance{From: moment(t, from), Until: moment(t, until), Note: note}
	}
	weekly := func(at string, d time.Duration, zone string, days ...Weekday) Maintenance {
		return Maintenance{Weekly: &Weekly{Days: days, At: at, For: Duration(d), Timezone: zone}}
	}
	night := once("2026-03-01T22:00:00Z", "2026-03-02T02:00:00Z", "move")
	berlin := weekly("02:30", time.Hour, "Europe/Berlin", "sun")
	tests := []struct {
		name    string
		windows []Maintenance
		at      string
		want    string // the window, or out; then when it changes next
	}{
		{"none", nil, "2026-03-01T22:00:00Z", "out, never"},
		{"before", []Maintenance{night}, "2026-03-01T21:59:59Z", "out, 2026-03-01T22:00:00Z"},
		{"at its beginning", []Maintenance{night}, "2026-03-01T22:00:00Z", "2026-03-01T22:00:00Z to 2026-03-02T02:00:00Z move, 2026-03-02T02:00:00Z"},
		{"at its end", []Maintenance{night}, "2026-03-02T02:00:00Z", "out, never"},
		{"the nearer one is next", []Maintenance{once("2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z", ""), night}, "2026-03-01T00:00:00Z", "out, 2026-03-01T22:00:00Z"},
		{"one within another", []Maintenance{once("2026-03-01T23:00:00Z", "2026-03-01T23:30:00Z", "inner"), night}, "2026-03-01T23:10:00Z",
			"2026-03-01T23:00:00Z to 2026-03-02T02:00:00Z inner, 2026-03-02T02:00:00Z"},
		{"a chain", []Maintenance{once("2026-03-02T03:00:00Z", "2026-03-02T04:00:00Z", "c"), once("2026-03-02T01:00:00Z", "2026-03-02T03:00:00Z", "b"), night}, "2026-03-01T22:30:00Z",
			"2026-03-01T22:00:00Z to 2026-03-02T04:00:00Z move, 2026-03-02T04:00:00Z"},

		{"weekly, before", []Maintenance{weekly("02:00", 2*time.Hour, "UTC", "sun", "wed")}, "2026-03-01T04:00:00Z", "out, 2026-03-04T02:00:00Z"},
		{"weekly, within", []Maintenance{weekly("02:00", 2*time.Hour, "", "sun", "wed")}, "2026-03-04T03:59:59Z", "2026-03-04T02:00:00Z to 2026-03-04T04:00:00Z, 2026-03-04T04:00:00Z"},
		{"weekly, once a week", []Maintenance{weekly("02:00", time.Hour, "UTC", "mon")}, "2026-03-02T03:00:00Z", "out, 2026-03-09T02:00:00Z"},
		{"weekly, over midnight", []Maintenance{weekly("23:00", 3*time.Hour, "UTC", "sat")}, "2026-03-01T01:30:00Z", "2026-02-28T23:00:00Z to 2026-03-01T02:00:00Z, 2026-03-01T02:00:00Z"},
		{"weekly, for days", []Maintenance{weekly("12:00", 100*time.Hour, "UTC", "mon")}, "2026-03-06T15:59:59Z", "2026-03-02T12:00:00Z to 2026-03-06T16:00:00Z, 2026-03-06T16:00:00Z"},
		{"every day all day", []Maintenance{weekly("00:00", 24*time.Hour, "UTC", Weekdays...)}, "2026-03-04T12:00:00Z", "2026-03-04T00:00:00Z to 2026-04-24T00:00:00Z, 2026-04-24T00:00:00Z"},
		{"in another zone it is another day", []Maintenance{weekly("01:00", time.Hour, "Asia/Tokyo", "mon")}, "2026-03-01T16:30:00Z", "2026-03-01T16:00:00Z to 2026-03-01T17:00:00Z, 2026-03-01T17:00:00Z"},
		{"half an hour off", []Maintenance{weekly("10:00", time.Hour, "Asia/Kolkata", "mon")}, "2026-03-02T04:00:00Z", "out, 2026-03-02T04:30:00Z"},

		// On 29 March 2026 clocks in Berlin go from 02:00 to 03:00.
		{"winter", []Maintenance{berlin}, "2026-03-22T00:00:00Z", "out, 2026-03-22T01:30:00Z"},
		{"a time that is skipped", []Maintenance{berlin}, "2026-03-29T00:00:00Z", "out, 2026-03-29T01:00:00Z"},
		{"and how long it takes then", []Maintenance{berlin}, "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z to 2026-03-29T02:00:00Z, 2026-03-29T02:00:00Z"},
		{"summer", []Maintenance{berlin}, "2026-04-05T00:00:00Z", "out, 2026-04-05T00:30:00Z"},
		// On 25 October they go from 03:00 to 02:00: 02:30 comes twice.
		{"a time that comes twice", []Maintenance{berlin}, "2026-10-25T00:00:00Z", "out, 2026-10-25T00:30:00Z"},
		{"is over after the first", []Maintenance{berlin}, "2026-10-25T01:30:00Z", "out, 2026-11-01T01:30:00Z"},
		{"over the change it takes as long", []Maintenance{weekly("01:00", 4*time.Hour, "Europe/Berlin", "sun")}, "2026-10-25T02:59:59Z", "2026-10-24T23:00:00Z to 2026-10-25T03:00:00Z, 2026-10-25T03:00:00Z"},
		// Lord Howe changes by half an hour, New York later than Berlin.
		{"half an hour is skipped", []Maintenance{weekly("02:15", time.Hour, "Australia/Lord_Howe", "sun")}, "2026-10-03T00:00:00Z", "out, 2026-10-03T15:30:00Z"},
		{"New York", []Maintenance{weekly("02:30", time.Hour, "America/New_York", "sun")}, "2026-03-08T00:00:00Z", "out, 2026-03-08T07:00:00Z"},
		{"a zone that is not known is never", []Maintenance{weekly("02:30", time.Hour, "Moon/Base", "sun")}, "2026-03-08T00:00:00Z", "out, never"},
		{"nor a time of day", []Maintenance{weekly("2.30", time.Hour, "UTC", "sun")}, "2026-03-08T00:00:00Z", "out, never"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, in, next := MaintenanceAt(tt.windows, moment(t, tt.at))
			got := "out"
			if in {
				got = w.From.UTC().Format(time.RFC3339) + " to " + w.Until.UTC().Format(time.RFC3339)
				if w.Note != "" {
					got += " " + w.Note
				}
			}
			if next.IsZero() {
				got += ", never"
			} else {
				got += ", " + next.UTC().Format(time.RFC3339)
			}
			if got != tt.want {
				t.Errorf("%s: %s, want %s", tt.at, got, tt.want)
			}
		})
	}
}

// TestMaintenanceProperties: until the time given as next nothing changes, and
// then something does; a weekly window begins when the clocks of its zone say
// so, or when they jump over it.
func TestMaintenanceProperties(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia"}
	rapid.Check(t, func(t *rapid.T) {
		var windows []Maintenance
		for range rapid.IntRange(1, 3).Draw(t, "windows") {
			if rapid.Bool().Draw(t, "once") {
				from := time.Unix(1_790_000_000+rapid.Int64Range(0, 3e6).Draw(t, "from"), 0)
				windows = append(windows, Maintenance{From: from, Until: from.Add(time.Duration(rapid.IntRange(1, 100).Draw(t, "hours")) * time.Hour)})
				continue
			}
			windows = append(windows, Maintenance{Weekly: &Weekly{
				Days: rapid.SliceOfNDistinct(rapid.SampledFrom(Weekdays), 1, 7, rapid.ID[Weekday]).Draw(t, "days"),
				At:   fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute")),
				For:  Duration(time.Duration(rapid.IntRange(1, 6*24*60).Draw(t, "for")) * time.Minute), Timezone: rapid.SampledFrom(zones).Draw(t, "zone"),
			}})
		}
		at := time.Unix(1_790_000_000+rapid.Int64Range(0, 3e6).Draw(t, "at"), 0)
		for range 20 {
			w, in, next := MaintenanceAt(windows, at)
			if next.IsZero() {
				return
			}
			if !next.After(at) || in && (at.Before(w.From) || !at.Before(w.Until)) {
				t.Fatalf("at %v: %+v, %v, next %v", at, w, in, next)
			}
			between := at.Add(time.Duration(rapid.Float64Range(0, 0.999).Draw(t, "between") * float64(next.Sub(at))))
			if _, still, _ := MaintenanceAt(windows, between); still != in {
				t.Fatalf("at %v in: %v, at %v: %v, though it changes at %v", at, in, between, still, next)
			}
			if _, then, _ := MaintenanceAt(windows, next); then == in && next.Sub(at) < maxJoined*time.Hour {
				t.Fatalf("at %v nothing changes: in %v", next, in)
			}
			at = next
		}
	})
}
