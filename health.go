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

// Health is the state of one resource with what is needed to judge the next
// check.
type Health struct {
	ResourceID int64
	State      HealthState
	Failures   int       // consecutive failed checks
	Successes  int       // consecutive successful checks
	Since      time.Time // when State was entered
	CheckedAt  time.Time // latest check; zero: none yet
}

// Check is one health check, as kept in the history.
type Check struct {
	ID         int64
	ResourceID int64
	At         time.Time
	Method     CheckMethod
	Manual     bool // asked for by a person
	OK         bool
	StatusCode int        // 0: no answer, or method simple
	Error      ErrorClass // "" on success
	Detail     string     // answer or error in words, shortened
	Duration   time.Duration
	State      HealthState // the resource's state after this check
}

// EventKind names something that people may want to hear of.
type EventKind string

// The events.
const (
	EventResourceDown EventKind = "resource.down"
	EventResourceUp   EventKind = "resource.up"
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
	TaskID     int64 // 0 if it is not about a task
	Detail     string
}
