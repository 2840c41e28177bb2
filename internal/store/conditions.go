package store

import (
	"context"
	"time"

	"dispatchapy"
)

// Conditions is what a driver keeps of things that can be wrong for a time,
// so that a restart forgets none of them and several nodes tell of each once.
// The deletion of a resource or an endpoint forgets its conditions.
type Conditions interface {
	// LoadConditions gives every condition that was ever recorded.
	LoadConditions(ctx context.Context) ([]Condition, error)
	// RecordConditions makes each change whose Version is still the stored one,
	// with its incident and events, in one transaction. Others change nothing
	// and are reported by their place in changes.
	RecordConditions(ctx context.Context, changes []ConditionChange) (stale []int, err error)
}

// ConditionKey names a condition: by the kind of the event that begins it and
// what it is about.
type ConditionKey struct {
	Kind       dispatchapy.EventKind
	ResourceID int64
	EndpointID int64
}

// Condition is the stored state of a condition.
type Condition struct {
	ConditionKey
	Active  bool
	Level   int       // of an active one; what it means is up to its kind
	Since   time.Time // when Active became what it is
	Version int64     // counts the changes; 0: never recorded
}

// ConditionChange is a new state of a condition. Version is the one that it was
// made from.
type ConditionChange struct {
	Condition
	Incident *IncidentChange
}
