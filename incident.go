package dispatchapy

import "time"

// Incident is a time in which something was wrong with a resource or an
// endpoint, from the event that opened it to the one that closed it. There is
// at most one open incident of a kind about the same resource and endpoint.
type Incident struct {
	ID         int64
	Kind       EventKind // of the event that opened it
	ResourceID int64     // 0 if it is not about a resource
	EndpointID int64     // 0 if it is not about an endpoint
	OpenedAt   time.Time
	ClosedAt   time.Time // zero while it is open
	Cause      string    // in words

	AcknowledgedBy string // "" until somebody has taken it on
	AcknowledgedAt time.Time
	Note           string // the latest one that somebody wrote
}

// IsOpen reports whether it is not over.
func (i *Incident) IsOpen() bool { return i.ClosedAt.IsZero() }

// EntryKind says what an entry in the timeline of an incident is about.
type EntryKind string

// The kinds of entries.
const (
	EntryOpened         EntryKind = "opened"
	EntryFailedChecks   EntryKind = "failed_checks"   // all of them in one entry
	EntryFailedAttempts EntryKind = "failed_attempts" // of deliveries: the first ones, and how many more
	EntryFlapping       EntryKind = "flapping"        // all its changes in one entry
	EntryReminder       EntryKind = "reminder"
	EntryMaintenance    EntryKind = "maintenance"
	EntryAcknowledged   EntryKind = "acknowledged"
	EntryNote           EntryKind = "note"
	EntryNotified       EntryKind = "notified" // somebody was told, or could not be
	EntryClosed         EntryKind = "closed"
)

// MaxEntries is how many entries of a kind an incident has. What comes after
// that is counted in the latest one.
func (k EntryKind) MaxEntries() int {
	switch k {
	case EntryFailedChecks, EntryFlapping:
		return 1
	case EntryFailedAttempts:
		return 20
	}
	return 200
}

// IncidentEntry is a part of an incident's timeline. One that stands for
// several events has the first one's At and Detail and the last one's LastAt
// and LastDetail.
type IncidentEntry struct {
	ID         int64
	Kind       EntryKind
	At         time.Time
	LastAt     time.Time
	Count      int    // from 1
	By         string // who did it; "" for the gateway
	Detail     string
	LastDetail string
	TaskID     int64 // of an attempt; 0 otherwise
}
