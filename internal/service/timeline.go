package service

import (
	"slices"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// TimelineKind is what an entry of a timeline says.
type TimelineKind string

// The kinds of entries. Those that a person caused name the person in By.
const (
	TimelineReceived   TimelineKind = "received"
	TimelineSubmitted  TimelineKind = "submitted"   // in the client's name
	TimelineResent     TimelineKind = "resent"      // it was made from Task
	TimelineHeld       TimelineKind = "held"        // Text says why
	TimelineReleased   TimelineKind = "released"    // a held one was let go
	TimelineOverride   TimelineKind = "override"    // Rule replaced a value
	TimelinePassedOver TimelineKind = "passed_over" // Text says why; of attempts that do not say so themselves
	TimelineAttempt    TimelineKind = "attempt"     // Attempt, and why at Resource: Place, Routes, PassedOver
	TimelineBrokenOff  TimelineKind = "broken_off"  // an attempt at Resource that may have arrived
	TimelineRetried    TimelineKind = "retried"
	TimelineStopped    TimelineKind = "stopped" // Task, if any, takes its place
	TimelineDeleted    TimelineKind = "deleted"
	TimelineRestored   TimelineKind = "restored"
	TimelineDelivered  TimelineKind = "delivered"
	TimelineFailed     TimelineKind = "failed" // Text says why
	TimelineNote       TimelineKind = "note"   // Text

	// What has not happened yet stands at the end.
	TimelineQueued         TimelineKind = "queued"          // waits for its turn, or for At
	TimelineRetryScheduled TimelineKind = "retry_scheduled" // at At
	TimelineWaiting        TimelineKind = "waiting"         // Waiting says why
	TimelineSending        TimelineKind = "sending"
)

// TimelineEntry is one thing that happened to a task, or that is about to.
// Fields that do not belong to the kind are zero.
type TimelineEntry struct {
	At       time.Time // zero: now
	Kind     TimelineKind
	Text     string // for people; what the kind does not say
	By       string
	Task     int64 // another task
	Resource string
	Rule     *TimelineRule

	Attempt    int // its number
	Place      int // of its resource in failover order, from 1; 0: not known
	Routes     int // how many there were
	PassedOver []PassedOver

	Waiting []RouteState
}

// TimelineRule is a development rule that was applied.
type TimelineRule struct {
	Origin string // client or endpoint
	Rule   int    // its place among them, from 0
	Param  string
	Before string // JSON, shortened; "": there was no value
	After  string
}

// PassedOver is a resource before the one of an attempt that was not tried.
type PassedOver struct {
	Resource string
	Why      string // like routing.Reason; "refused": it had refused the message before
}

// logKinds are the entries that lines of the log make. A line whose kind is not
// in it is a note.
var logKinds = map[dispatchapy.LogKind]TimelineKind{
	dispatchapy.LogSubmitted: TimelineSubmitted, dispatchapy.LogResent: TimelineResent, dispatchapy.LogHeld: TimelineHeld,
	dispatchapy.LogReleased: TimelineReleased, dispatchapy.LogOverride: TimelineOverride, dispatchapy.LogPassedOver: TimelinePassedOver,
	dispatchapy.LogBrokenOff: TimelineBrokenOff, dispatchapy.LogRetried: TimelineRetried, dispatchapy.LogStopped: TimelineStopped,
	dispatchapy.LogDeleted: TimelineDeleted, dispatchapy.LogRestored: TimelineRestored, dispatchapy.LogFailed: TimelineFailed,
}

// timeline tells the life of a task in order: what is stored of it, and what it
// is waiting for. It is a function of the detail and of the resources' names.
func timeline(d *TaskDetail, resource func(id int64) string) []TimelineEntry {
	entries := []TimelineEntry{{At: d.CreatedAt, Kind: TimelineReceived}}
	for i := range d.Log {
		entry := lineEntry(&d.Log[i], resource)
		if entry.Kind == TimelinePassedOver && d.saysPlace(entry.At) {
			continue
		}
		entries = append(entries, entry)
	}
	for i := range d.Attempts {
		a := &d.Attempts[i]
		entries = append(entries, TimelineEntry{
			At: a.StartedAt, Kind: TimelineAttempt, Resource: a.Resource, Attempt: a.Number,
			Place: a.Place, Routes: a.Routes, PassedOver: a.PassedBy,
		})
	}
	slices.SortStableFunc(entries[1:], func(a, b TimelineEntry) int { return a.At.Compare(b.At) })
	return append(entries, d.lastEntries(entries)...)
}

func lineEntry(line *dispatchapy.LogEntry, resource func(id int64) string) TimelineEntry {
	kind, known := logKinds[line.Kind]
	if !known {
		kind = TimelineNote
	}
	entry := TimelineEntry{At: line.At, Kind: kind, By: line.Data.By, Task: line.Data.Task}
	switch kind {
	case TimelineNote, TimelineHeld, TimelinePassedOver, TimelineFailed:
		entry.Text = line.Message
	case TimelineOverride:
		entry.Rule = &TimelineRule{
			Origin: line.Data.Origin, Rule: line.Data.Rule, Param: line.Data.Param, Before: line.Data.Before, After: line.Data.After,
		}
	}
	if line.Data.Resource != 0 {
		entry.Resource = resource(line.Data.Resource)
	}
	return entry
}

// saysPlace reports whether the attempt that followed at says itself why it
// was made where it was made.
func (d *TaskDetail) saysPlace(at time.Time) bool {
	i := slices.IndexFunc(d.Attempts, func(a Attempt) bool { return !a.StartedAt.Before(at) })
	return i >= 0 && d.Attempts[i].Place > 0
}

// lastEntries say how the task ended, unless its log does, or what it is
// waiting for.
func (d *TaskDetail) lastEntries(entries []TimelineEntry) []TimelineEntry {
	switch d.Phase {
	case dispatchapy.PhaseDelivered:
		return []TimelineEntry{{At: d.FinishedAt, Kind: TimelineDelivered, Resource: d.Resource}}
	case dispatchapy.PhaseFailed:
		if !endsWith(entries, TimelineFailed) {
			return []TimelineEntry{{At: d.FinishedAt, Kind: TimelineFailed, Text: d.LastError}}
		}
	case dispatchapy.PhaseQueued:
		return []TimelineEntry{{At: d.RunAt, Kind: TimelineQueued, Waiting: d.Routes}}
	case dispatchapy.PhaseRetrying:
		return []TimelineEntry{{At: d.RunAt, Kind: TimelineRetryScheduled, Waiting: d.Routes}}
	case dispatchapy.PhaseWaiting:
		return []TimelineEntry{{Kind: TimelineWaiting, Waiting: d.Routes}}
	case dispatchapy.PhaseSending:
		return []TimelineEntry{{Kind: TimelineSending}}
	}
	return nil
}

// endsWith reports whether an entry of the kind comes after the last attempt
// and after the last retry. What was deleted and restored since changes nothing.
func endsWith(entries []TimelineEntry, kind TimelineKind) bool {
	for _, entry := range slices.Backward(entries) {
		switch entry.Kind {
		case kind:
			return true
		case TimelineAttempt, TimelineRetried, TimelineReleased:
			return false
		}
	}
	return false
}

// addTimeline fills in the timeline from the rest of the detail.
func (s *Service) addTimeline(d *TaskDetail) {
	names := s.names.Load()
	d.Timeline = timeline(d, func(id int64) string { return names.name(store.KindResource, id) })
}
