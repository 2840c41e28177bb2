package webui

import (
	"strings"
	"time"

	"dispatchapy"
)

// Maintenance windows are rows of two lists: once[...] has a beginning and an
// end, weekly[...] days, a time of day and a length.

// clockLayout is how browsers write a time without its zone, which is UTC here.
const clockLayout = "2006-01-02T15:04"

func (f *Form) fillMaintenance(windows []dispatchapy.Maintenance) {
	once, weekly := 0, 0
	for i := range windows {
		w := &windows[i]
		if w.Weekly == nil {
			f.Set(At("once", once, "from"), writeClock(w.From))
			f.Set(At("once", once, "until"), writeClock(w.Until))
			f.Set(At("once", once, "note"), w.Note)
			once++
			continue
		}
		days := make([]string, len(w.Weekly.Days))
		for i, day := range w.Weekly.Days {
			days[i] = string(day)
		}
		f.values[At("weekly", weekly, "days")] = days
		f.Set(At("weekly", weekly, "at"), w.Weekly.At)
		f.Set(At("weekly", weekly, "for"), w.Weekly.For.String())
		f.Set(At("weekly", weekly, "timezone"), w.Weekly.Timezone)
		f.Set(At("weekly", weekly, "note"), w.Note)
		weekly++
	}
}

// writeClock keeps seconds where there are any.
func writeClock(t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case t.Second() != 0:
		return t.UTC().Format("2006-01-02T15:04:05")
	}
	return t.UTC().Format(clockLayout)
}

// readMaintenance reads the windows, those of the list once first.
func (f *Form) readMaintenance() []dispatchapy.Maintenance {
	f.compact("once", "from", "until", "note")
	f.compact("weekly", "days", "at", "for", "note")
	var windows []dispatchapy.Maintenance
	for i := range f.Rows("once") {
		windows = append(windows, dispatchapy.Maintenance{
			From: f.clock(At("once", i, "from")), Until: f.clock(At("once", i, "until")), Note: f.Value(At("once", i, "note")),
		})
	}
	for i := range f.Rows("weekly") {
		w := &dispatchapy.Weekly{
			At: strings.TrimSpace(f.Value(At("weekly", i, "at"))), For: f.Duration(At("weekly", i, "for")), Timezone: strings.TrimSpace(f.Value(At("weekly", i, "timezone"))),
		}
		for _, day := range f.Values(At("weekly", i, "days")) {
			w.Days = append(w.Days, dispatchapy.Weekday(day))
		}
		windows = append(windows, dispatchapy.Maintenance{Weekly: w, Note: f.Value(At("weekly", i, "note"))})
	}
	return windows
}

// clock reads a time in UTC as browsers write it; the zero time if there is
// none.
func (f *Form) clock(name string) time.Time {
	text := strings.TrimSpace(f.Value(name))
	if text == "" {
		return time.Time{}
	}
	for _, layout := range []string{clockLayout, "2006-01-02T15:04:05", "2006-01-02 15:04", time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	f.Refuse(name, "must be a time like {example}", "example", "2026-01-02T22:00")
	return time.Time{}
}

// placeMaintenance gives a fault of the window with a place its row.
func (f *Form) placeMaintenance(at int, rest string) string {
	once := f.Rows("once")
	if at < once {
		if rest == "" {
			rest = "from"
		}
		return At("once", at, rest)
	}
	rest = strings.TrimPrefix(rest, "weekly.")
	if strings.HasPrefix(rest, "days") || rest == "" {
		rest = "days"
	}
	return At("weekly", at-once, rest)
}

// weekdays are the days to choose from, in the language of the page.
func (w *words) weekdays() []Option {
	return options("mon", w.lang.T("Mon"), "tue", w.lang.T("Tue"), "wed", w.lang.T("Wed"), "thu", w.lang.T("Thu"), "fri", w.lang.T("Fri"), "sat", w.lang.T("Sat"), "sun", w.lang.T("Sun"))
}
