package dispatchapy

// Phase is the state of a task as people are told it: its status, with pending
// taken apart by what the task waits for. It is computed when it is looked at,
// because what can be used right now is stored nowhere.
type Phase string

// The phases.
const (
	PhaseQueued    Phase = "queued"    // waits for its turn; not tried in its present budget
	PhaseRetrying  Phase = "retrying"  // was tried; the next round is at Task.RunAt
	PhaseWaiting   Phase = "waiting"   // no resource of its endpoint can be used now
	PhaseSending   Phase = "sending"   // a node is sending it
	PhaseDelivered Phase = "delivered" // a resource accepted it
	PhaseFailed    Phase = "failed"    // budget spent, or refused by every resource
	PhaseHeld      Phase = "held"      // until a person lets it go
	PhaseStopped   Phase = "stopped"   // by a person
)

// Phases lists every phase in the order in which people think of them.
var Phases = []Phase{
	PhaseQueued, PhaseRetrying, PhaseWaiting, PhaseSending, PhaseDelivered, PhaseFailed, PhaseHeld, PhaseStopped,
}

// statusOf is the status behind each phase.
var statusOf = map[Phase]Status{
	PhaseQueued: StatusPending, PhaseRetrying: StatusPending, PhaseWaiting: StatusPending, PhaseSending: StatusProcessing,
	PhaseDelivered: StatusSuccess, PhaseFailed: StatusFailed, PhaseHeld: StatusHeld, PhaseStopped: StatusStopped,
}

// Valid reports whether p is one of Phases.
func (p Phase) Valid() bool { return statusOf[p] != "" }

// Status gives the status that a task of this phase has, "" for no phase.
func (p Phase) Status() Status { return statusOf[p] }

// PhaseOf gives the phase of a task with a status and so many attempts in its
// present budget. stuck says that no resource of its endpoint can be used now.
func PhaseOf(s Status, attempts int, stuck bool) Phase {
	switch s {
	case StatusPending:
		switch {
		case stuck:
			return PhaseWaiting
		case attempts > 0:
			return PhaseRetrying
		}
		return PhaseQueued
	case StatusProcessing:
		return PhaseSending
	case StatusSuccess:
		return PhaseDelivered
	}
	return Phase(s) // failed, held and stopped are called the same
}
