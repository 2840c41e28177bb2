package dispatchapy

import "time"

// HealthState is what the checks say of a resource.
type HealthState string

// The health states.
const (
	HealthUnknown HealthState = "unknown" // not checked yet: usable until a check says otherwise
	HealthUp      HealthState = "up"
	HealthDown    HealthState = "down" // gets no traffic
)

// HealthMaintenance is the state of a resource during planned work. It stands
// in histories only: Health.State keeps what the checks said before.
const HealthMaintenance HealthState = "maintenance"

// Health is the state of one resource with what is needed to judge the next
// check.
type Health struct {
	ResourceID int64
	State      HealthState
	Failures   int       // consecutive failed checks
	FailedFrom time.Time // when the first of them was; zero: the latest check succeeded
	Successes  int       // consecutive successful checks
	Since      time.Time // when State was entered
	CheckedAt  time.Time // latest check; zero: none yet

	// Flapping says that it changes between up and down too often to tell people
	// each time. State goes on following the checks.
	Flapping bool
	Changes  []time.Time // the latest changes that count for it, oldest first
	RemindAt time.Time   // when people are due to be reminded that it is down; zero: never

	// CountedTo is up to when the history holds the time spent in each state,
	// and HoldsUntil how long State counts if no check follows; see Spans.
	CountedTo  time.Time
	HoldsUntil time.Time
}

// Span is a time that a resource spent in one state.
type Span struct {
	State    HealthState
	From, To time.Time // To is not a part of it
}

// MaxSpan is how far back the history is written: checks that are further apart
// leave a gap. So the work of one check is bounded.
const MaxSpan = 48 * time.Hour

// Spans gives what the history does not hold yet of the time before now, with
// the windows of maintenance cut out of it. Time of which nothing is known is in
// no span: before the first check, and where no check came although it was due,
// because nobody looked.
func (h *Health) Spans(now time.Time, maintenance []Maintenance) (spans []Span) {
	if h.CountedTo.IsZero() {
		return nil
	}
	known := h.State == HealthUp || h.State == HealthDown
	for from := latest(h.CountedTo, now.Add(-MaxSpan)); from.Before(now); {
		w, in, next := MaintenanceAt(maintenance, from)
		to := now
		if !next.IsZero() && next.Before(now) {
			to = next
		}
		switch {
		case in:
			to = earliest(w.Until, now)
			spans = append(spans, Span{State: HealthMaintenance, From: from, To: to})
		case known && from.Before(h.HoldsUntil):
			spans = append(spans, Span{State: h.State, From: from, To: earliest(h.HoldsUntil, to)})
		}
		from = to
	}
	return spans
}

// Check is one health check, as kept in the history.
type Check struct {
	ID         int64
	ResourceID int64
	At         time.Time
	Method     CheckMethod
	Manual     bool   // asked for by a person
	By         string // who asked; "" for a check that was due
	OK         bool
	StatusCode int        // 0: no answer, or method simple
	Error      ErrorClass // "" on success
	Detail     string     // answer or error in words, shortened
	Duration   time.Duration
	State      HealthState // the resource's state after this check
	EventID    int64       // of what it caused; 0: nothing
}

// CheckMark is a check as one bar among others.
type CheckMark struct {
	At       time.Time
	OK       bool
	State    HealthState   // the resource's state after it
	Duration time.Duration // in whole microseconds, at most MaxMarkDuration
}

// MaxMarkDuration is the longest duration that a CheckMark can have.
const MaxMarkDuration = time.Hour

// EventKind names something that people may want to hear of.
type EventKind string

// The events. Those that end what another one began stand beside it.
const (
	EventResourceDown        EventKind = "resource.down"
	EventResourceUp          EventKind = "resource.up"
	EventResourceFlapping    EventKind = "resource.flapping"  // instead of many times down and up
	EventResourceReminder    EventKind = "resource.reminder"  // it is still down
	EventResourceSaturated   EventKind = "resource.saturated" // its limits turn tasks away
	EventResourceUnsaturated EventKind = "resource.unsaturated"

	EventBreakerOpen         EventKind = "breaker.open" // of a resource
	EventBreakerClosed       EventKind = "breaker.closed"
	EventCertificateExpiring EventKind = "certificate.expiring" // of a resource's host
	EventCertificateRenewed  EventKind = "certificate.renewed"

	EventEndpointOnBackup  EventKind = "endpoint.on_backup" // delivery goes on, but not by the first choice
	EventEndpointOnPrimary EventKind = "endpoint.on_primary"
	EventEndpointDown      EventKind = "endpoint.down" // all its resources are
	EventEndpointUp        EventKind = "endpoint.up"

	EventBacklogOld   EventKind = "backlog.old" // of an endpoint
	EventBacklogOK    EventKind = "backlog.ok"
	EventFailuresHigh EventKind = "failures.high" // of an endpoint
	EventFailuresOK   EventKind = "failures.ok"
	EventTaskFailed   EventKind = "task.failed"

	EventConfigChanged  EventKind = "config.changed"  // by a person, or users or API tokens were
	EventLoginThrottled EventKind = "login.throttled" // somebody tries too often to sign in
)

// Event is a notable fact, stored in the same transaction as its cause.
type Event struct {
	ID         int64
	Kind       EventKind
	At         time.Time
	ResourceID int64 // 0 if it is not about a resource
	EndpointID int64 // 0 if it is not about an endpoint
	TaskID     int64 // 0 if it is not about a task
	IncidentID int64 // that it opened, closed or belongs to; 0: none. Set by the store
	Detail     string
}
