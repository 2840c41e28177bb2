package webui

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// otherPhases are other words for phases: those of the contract, and those of
// the original.
var otherPhases = map[string][]dispatchapy.Phase{
	string(dispatchapy.StatusPending):    {dispatchapy.PhaseQueued, dispatchapy.PhaseRetrying, dispatchapy.PhaseWaiting},
	string(dispatchapy.StatusProcessing): {dispatchapy.PhaseSending},
	string(dispatchapy.StatusSuccess):    {dispatchapy.PhaseDelivered},
	"dev":                                {dispatchapy.PhaseHeld},
}

// filter turns the query into what the service looks for. Times are read in the
// zone of now.
func (q query) filter(now time.Time) (service.TaskFilter, []fault) {
	f := service.TaskFilter{Text: q.text, Clients: q.values("client"), Resources: q.values("resource")}
	for _, path := range q.values("endpoint") {
		f.Endpoints = append(f.Endpoints, strings.TrimPrefix(strings.TrimPrefix(path, "/api/"), "/"))
	}
	var faults []fault
	note := func(err *fault) {
		if err != nil {
			faults = append(faults, *err)
		}
	}
	var err *fault
	f.Phases, err = phasesOf(q.values("status"))
	note(err)
	for _, one := range []struct {
		key  string
		into *string
	}{{"ref", &f.Ref}, {"scope", &f.Scope}} {
		*one.into, err = q.single(one.key)
		note(err)
		if begins, star := strings.CutSuffix(*one.into, "*"); star && one.key != "ref" {
			note(&fault{tr("“{key}:” is compared as a whole. Leave the key out to find “{text}” anywhere."), []any{"key", one.key, "text", cutRunes(begins, 40)}})
		}
	}
	for _, one := range []struct {
		key  string
		into *time.Time
	}{{"since", &f.Since}, {"until", &f.Until}} {
		*one.into, err = q.moment(one.key, now)
		note(err)
	}
	if len(faults) == 0 && !f.Since.IsZero() && !f.Until.IsZero() && f.Until.Before(f.Since) {
		note(&fault{key: tr("“until” is before “since”.")})
	}
	return f, faults
}

// phasesOf gives the phases that words stand for, in their usual order.
func phasesOf(words []string) ([]dispatchapy.Phase, *fault) {
	var found []dispatchapy.Phase
	for _, word := range words {
		lower := strings.ToLower(word)
		phase := dispatchapy.Phase(lower)
		others, known := otherPhases[lower]
		switch {
		case phase.Valid():
			found = append(found, phase)
		case known:
			found = append(found, others...)
		default:
			return nil, &fault{tr("There is no status “{status}”. There are {all}."), []any{"status", cutRunes(word, 40), "all", joined(dispatchapy.Phases)}}
		}
	}
	var out []dispatchapy.Phase
	for _, phase := range dispatchapy.Phases {
		if slices.Contains(found, phase) {
			out = append(out, phase)
		}
	}
	return out, nil
}

func joined[T ~string](list []T) string {
	words := make([]string, len(list))
	for i, word := range list {
		words[i] = string(word)
	}
	return strings.Join(words, ", ")
}

// single gives the value of a key that can have one only.
func (q query) single(key string) (string, *fault) {
	switch values := q.values(key); len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	}
	return "", &fault{tr("“{key}:” can have one value only."), []any{"key", key}}
}

// moment reads a time: so long ago, a day, or a moment.
func (q query) moment(key string, now time.Time) (time.Time, *fault) {
	text, err := q.single(key)
	if err != nil || text == "" {
		return time.Time{}, err
	}
	if at, ok := readMoment(text, now); ok {
		return at, nil
	}
	return time.Time{}, &fault{tr("“{key}:” needs a time such as 15m, 24h, 7d, today, 2026-01-31 or 2026-01-31T08:30."), []any{"key", key}}
}

var (
	agoPattern = regexp.MustCompile(`^(\d{1,6}[smhdw])+$`)
	agoPart    = regexp.MustCompile(`(\d+)([smhdw])`)
	agoUnits   = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
)

const longestAgo = 100 * 365 * 24 * time.Hour

func readMoment(text string, now time.Time) (time.Time, bool) {
	lower := strings.ToLower(text)
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	switch {
	case lower == "now":
		return now, true
	case lower == "today":
		return midnight, true
	case lower == "yesterday":
		return midnight.AddDate(0, 0, -1), true
	case agoPattern.MatchString(lower):
		ago, ok := readAgo(lower)
		return now.Add(-ago), ok
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00"} {
		if at, err := time.Parse(layout, strings.ToUpper(text)); err == nil {
			return at, sensible(at)
		}
	}
	for _, layout := range []string{"2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if at, err := time.ParseInLocation(layout, strings.ToUpper(text), now.Location()); err == nil {
			return at, sensible(at)
		}
	}
	return time.Time{}, false
}

// sensible keeps years away that databases and RFC 3339 have no room for.
func sensible(at time.Time) bool { return at.Year() >= 1 && at.Year() < 9999 && !at.IsZero() }

func readAgo(text string) (time.Duration, bool) {
	var ago time.Duration
	for _, part := range agoPart.FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(part[1])
		if err != nil || time.Duration(n) > longestAgo/agoUnits[part[2]] {
			return 0, false
		}
		if ago += time.Duration(n) * agoUnits[part[2]]; ago > longestAgo {
			return 0, false
		}
	}
	return ago, true
}
