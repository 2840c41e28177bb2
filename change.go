package dispatchapy

// Change says that something is different from before, to those who show it. It
// has no content: whoever hears of it looks again.
type Change struct {
	Kind  ChangeKind
	ID    int64  // of the object; 0: any of its kind
	State string // what it has become, as far as that is one word: a Phase, "deleted", a HealthState

	ClientID   int64 // whose it is; 0: nobody's in particular
	EndpointID int64 // of a task
}

// ChangeKind is what a Change is about.
type ChangeKind string

// The kinds of changes.
const (
	ChangeTask     ChangeKind = "task"
	ChangeHeld     ChangeKind = "held" // which tasks are held
	ChangeResource ChangeKind = "resource"
	ChangeEndpoint ChangeKind = "endpoint"
	ChangeClient   ChangeKind = "client"
	ChangeConfig   ChangeKind = "config"
	ChangeIncident ChangeKind = "incident" // what people are to hear of: events, incidents, notes on them
)

// Changes are what happened since one asked last.
type Changes struct {
	List     []Change // of each object the latest
	Resync   bool     // there was more than is remembered: everything has to be looked at again
	Position string   // where to go on after an interruption
}
