package dispatchapy

import (
	"slices"
	"strings"
	"time"
)

// Maintenance is planned work at a resource: once, or every week. Meanwhile it
// gets no traffic and no checks, nobody is told of it, and the time counts as
// neither up nor down.
type Maintenance struct {
	From   time.Time `json:"from,omitzero"` // once; whole seconds, UTC
	Until  time.Time `json:"until,omitzero"`
	Weekly *Weekly   `json:"weekly,omitempty"`
	Note   string    `json:"note,omitempty"`
}

// Weekly is a time on some days of every week.
type Weekly struct {
	Days     []Weekday `json:"days,omitempty"`     // on which it begins
	At       string    `json:"at,omitempty"`       // time of day, like 02:30
	For      Duration  `json:"for,omitempty"`      // by the clock that knows no summer time
	Timezone string    `json:"timezone,omitempty"` // like Europe/Berlin; default UTC
}

// Bounds of maintenance.
const (
	MaxMaintenance = 20 // windows of one resource
	MaxWindow      = 6 * 24 * time.Hour
)

// Window is one time of maintenance. Windows that meet or overlap are one.
type Window struct {
	From, Until time.Time // Until is not a part of it
	Note        string    // of the first of them
}

// MaintenanceAt gives the window that a time is in, and when that may change
// next: at its end, or at the beginning of the next one; zero: never.
func MaintenanceAt(windows []Maintenance, at time.Time) (w Window, in bool, next time.Time) {
	for i := range windows {
		from, until, ok := windows[i].around(at)
		switch {
		case !ok:
		case from.After(at):
			next = earliest(next, from)
		case !in:
			w, in = Window{from, until, windows[i].Note}, true
		default:
			w.Until = latest(w.Until, until)
		}
	}
	if !in {
		return Window{}, false, next
	}
	// Another one may begin before this one ends, of a weekly one the next. Where
	// that goes on for ever it is said for some time.
	for range maxJoined {
		joined := w.Until
		for i := range windows {
			from, until, ok := windows[i].around(w.Until)
			if ok && !from.After(w.Until) {
				w.Until = latest(w.Until, until)
			}
		}
		if w.Until.Equal(joined) {
			break
		}
	}
	return w, true, w.Until
}

// maxJoined is how many windows are joined to one.
const maxJoined = 50

// around gives the window that a time is in, or else the next one.
func (m *Maintenance) around(at time.Time) (from, until time.Time, ok bool) {
	if m.Weekly == nil {
		return m.From, m.Until, m.Until.After(at)
	}
	return m.Weekly.around(at)
}

// around looks at the days on which a window can begin that is not over yet.
func (w *Weekly) around(at time.Time) (from, until time.Time, ok bool) {
	zone, err := w.location()
	if err != nil {
		return from, until, false // Validate refuses it
	}
	clock, err := time.Parse(dayTime, w.At)
	if err != nil {
		return from, until, false
	}
	length := w.For.Std()
	first := at.Add(-length).In(zone)
	// One day more on either side, for days that are not 24 hours long.
	for day := -1; day <= int(length/(24*time.Hour))+9; day++ {
		date := time.Date(first.Year(), first.Month(), first.Day()+day, 12, 0, 0, 0, zone)
		if !slices.Contains(w.Days, Weekdays[(int(date.Weekday())+6)%7]) {
			continue
		}
		from = wallClock(date, clock.Hour(), clock.Minute())
		if until = from.Add(length); until.After(at) {
			return from, until, true
		}
	}
	return time.Time{}, time.Time{}, false
}

// wallClock gives the moment at which clocks show a time on a day. What is
// skipped in spring is when they are put forward; of what comes twice in autumn
// it is the first.
func wallClock(date time.Time, hour, minute int) time.Time {
	zone := date.Location()
	t := time.Date(date.Year(), date.Month(), date.Day(), hour, minute, 0, 0, zone)
	begun, ends := t.ZoneBounds()
	if t.Hour() != hour || t.Minute() != minute { // there is no such time
		if t.Hour()*60+t.Minute() > hour*60+minute {
			return begun
		}
		return ends
	}
	if begun.IsZero() {
		return t
	}
	_, now := t.Zone()
	_, before := begun.Add(-time.Second).Zone()
	if earlier := t.Add(time.Duration(now-before) * time.Second); before > now && earlier.Before(begun) {
		return earlier
	}
	return t
}

func (w *Weekly) location() (*time.Location, error) {
	if w.Timezone == "" {
		return time.UTC, nil
	}
	return time.LoadLocation(w.Timezone)
}

func (m *Maintenance) normalize() {
	m.From, m.Until = m.From.UTC().Truncate(time.Second), m.Until.UTC().Truncate(time.Second)
	m.Note = strings.TrimSpace(m.Note)
	if m.Weekly == nil {
		return
	}
	w := *m.Weekly
	days := make([]Weekday, 0, len(w.Days))
	for _, day := range w.Days {
		days = append(days, Weekday(strings.ToLower(string(day))))
	}
	slices.SortStableFunc(days, func(a, b Weekday) int { return slices.Index(Weekdays, a) - slices.Index(Weekdays, b) })
	w.Days = slices.Compact(days)
	setDefault(&w.Timezone, "UTC")
	m.Weekly = &w
}

func (m *Maintenance) validate(at place) {
	at.field("note").check(len(m.Note) <= MaxNameLength, "must have at most %d bytes", MaxNameLength)
	once := !m.From.IsZero() || !m.Until.IsZero()
	switch {
	case m.Weekly == nil && !once:
		at.fault("must have either from and until, or weekly")
	case m.Weekly == nil:
		at.field("from").check(!m.From.IsZero(), "is missing: write a time like 2026-01-02T22:00:00Z")
		at.field("until").check(m.Until.After(m.From), "must be after from")
	case once:
		at.fault("must have either from and until, or weekly, and not both")
	default:
		m.Weekly.validate(at.field("weekly"))
	}
}

func (w *Weekly) validate(at place) {
	at.field("days").check(len(w.Days) > 0, "needs at least one day, like sun")
	for i, day := range w.Days {
		oneOf(at.item("days", i), day, Weekdays...)
	}
	at.field("at").timeOfDay(w.At)
	between(at.field("for"), w.For, Duration(time.Minute), Duration(MaxWindow))
	_, err := w.location()
	at.field("timezone").check(err == nil && w.Timezone != "Local", "%q is not known: use a name like Europe/Berlin", w.Timezone)
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
