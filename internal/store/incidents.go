package store

import (
	"context"
	"time"

	"dispatchapy"
)

// Incidents is what a driver offers about incidents. They are opened and closed
// by whoever causes it, in the same transaction: see IncidentChange. The
// deletion of a resource or an endpoint closes its incidents.
type Incidents interface {
	// ListIncidents gives up to Limit incidents, newest first.
	ListIncidents(ctx context.Context, q IncidentQuery) ([]dispatchapy.Incident, error)
	// Incident gives an incident with its timeline, or ErrNotFound.
	Incident(ctx context.Context, id int64) (IncidentDetail, error)
	// AnnotateIncident notes what a person does about an incident. It gives
	// ErrNotFound, or CodeConflict for acknowledging one that is closed.
	AnnotateIncident(ctx context.Context, id int64, a Annotation) (dispatchapy.Incident, error)
	// AddIncidentEntries adds to the timeline of an incident, open or closed.
	// ErrNotFound: there is none (any more).
	AddIncidentEntries(ctx context.Context, id int64, entries []dispatchapy.IncidentEntry) error
	// Repairs counts the incidents of a kind since a time, per resource, in
	// order of ResourceID: of those asked for, or of all if resourceIDs is nil.
	Repairs(ctx context.Context, kind dispatchapy.EventKind, since time.Time, resourceIDs []int64) ([]Repairs, error)
	// DeleteOldIncidents deletes up to limit incidents that were closed longer
	// than age ago.
	DeleteOldIncidents(ctx context.Context, age time.Duration, limit int) (int, error)
}

// IncidentChange opens or closes the incident of its kind about a resource or
// endpoint, or adds to it.
type IncidentChange struct {
	Kind       dispatchapy.EventKind // of the event that opens it
	ResourceID int64
	EndpointID int64
	At         time.Time

	Open   bool   // unless it is open already
	Cause  string // in words, for one that is opened
	Close  bool   // if it is open
	Reason string // in words, for one that is closed

	// Entries are added to the timeline, if there is an open incident.
	Entries []dispatchapy.IncidentEntry

	// Event, if given, is written if, and only if, the incident was opened or
	// closed by this change. So nobody is told twice.
	Event *dispatchapy.Event
	// Always, if given, is written in any case, as one of the incident.
	Always *dispatchapy.Event
	// Reminder, if given, is written if the incident is open and nobody has
	// acknowledged it.
	Reminder *dispatchapy.Event
}

// IncidentQuery selects incidents. Zero fields select all; all given ones must
// hold.
type IncidentQuery struct {
	Kinds      []dispatchapy.EventKind
	ResourceID int64
	EndpointID int64
	Open       *bool
	Since      time.Time // not closed before
	Until      time.Time // opened before
	Before     int64     // only ids below; 0: from the newest
	Limit      int
}

// IncidentDetail is an incident with its timeline, oldest first.
type IncidentDetail struct {
	Incident dispatchapy.Incident
	Timeline []dispatchapy.IncidentEntry
}

// Annotation is what a person does about an incident.
type Annotation struct {
	By          string
	Acknowledge bool   // does nothing if somebody has done it before
	Note        string // "": none
}

// Repairs counts the incidents of a resource in a time.
type Repairs struct {
	ResourceID int64
	Opened     int64         // in the time
	Closed     int64         // in the time, whenever they were opened
	Took       time.Duration // from opening to closing, of those closed together
}
