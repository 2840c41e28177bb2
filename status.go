package dispatchapy

import "time"

// Status is the state of a task. The words are part of the contract.
type Status string

// The states of a task.
const (
	StatusPending    Status = "pending"    // waits for its next round
	StatusProcessing Status = "processing" // leased by a node that is sending it
	StatusSuccess    Status = "success"    // a resource accepted it
	StatusFailed     Status = "failed"     // budget spent, or refused by every resource
	StatusStopped    Status = "stopped"    // a person stopped it
	StatusHeld       Status = "held"       // kept back by a hold switch until a person sends it
)

// StatusDeleted is that of a task which was deleted and can still be restored.
// Nobody sees a task in it, and it is not one of Statuses.
const StatusDeleted Status = "deleted"

// UndoFor is how long a deleted task can be restored.
const UndoFor = time.Minute

// Statuses lists every status in the order in which people think of them.
var Statuses = []Status{StatusPending, StatusProcessing, StatusSuccess, StatusFailed, StatusStopped, StatusHeld}

// Valid reports whether s is one of Statuses.
func (s Status) Valid() bool {
	for _, known := range Statuses {
		if s == known {
			return true
		}
	}
	return false
}

// Finished reports whether a task in this state will never move by itself
// again and is counted as done (it has a finish time).
func (s Status) Finished() bool {
	return s == StatusSuccess || s == StatusFailed || s == StatusStopped
}

// Action is what moves a task from one status to another.
type Action string

// The actions. Claim to Release are the dispatcher's, the others a person's.
const (
	ActionClaim   Action = "claim"   // a node leases a due task (or one whose lease ran out)
	ActionSucceed Action = "succeed" // a resource accepted it
	ActionFail    Action = "fail"    // no further attempt will be made
	ActionRelease Action = "release" // back to the queue: retry later, or lease given back

	ActionStop    Action = "stop"    // do not send
	ActionRetry   Action = "retry"   // send again with a fresh budget
	ActionSend    Action = "send"    // let a held task go
	ActionDelete  Action = "delete"  // out of everybody's sight at once, for good after UndoFor
	ActionRestore Action = "restore" // back to what it was before it was deleted
)

// statusBefore marks in the table that a task gets the status back that it was
// deleted in.
const statusBefore Status = ""

// transitions is the whole state machine of a task. What is not in it is
// refused. Stores enforce it by compare-and-set.
var transitions = map[Action]struct {
	from []Status
	to   Status
}{
	ActionClaim:   {from: []Status{StatusPending, StatusProcessing}, to: StatusProcessing},
	ActionSucceed: {from: []Status{StatusProcessing}, to: StatusSuccess},
	ActionFail:    {from: []Status{StatusProcessing}, to: StatusFailed},
	ActionRelease: {from: []Status{StatusProcessing}, to: StatusPending},
	ActionStop:    {from: []Status{StatusPending, StatusHeld}, to: StatusStopped},
	ActionRetry:   {from: []Status{StatusPending, StatusFailed, StatusStopped, StatusHeld}, to: StatusPending},
	ActionSend:    {from: []Status{StatusHeld}, to: StatusPending},
	ActionDelete:  {from: []Status{StatusPending, StatusSuccess, StatusFailed, StatusStopped, StatusHeld}, to: StatusDeleted},
	ActionRestore: {from: []Status{StatusDeleted}, to: statusBefore},
}

// From lists the statuses in which the action is allowed.
func (a Action) From() []Status { return transitions[a].from }

// Next gives the status that the action leads to from s. ok is false where the
// action is unknown or not allowed in s. ActionRestore leads to "": to the status
// in which the task was deleted.
func (a Action) Next(s Status) (next Status, ok bool) {
	t, known := transitions[a]
	if !known {
		return s, false
	}
	for _, from := range t.from {
		if from == s {
			return t.to, true
		}
	}
	return s, false
}

// refusals words, per manual action, why it is not allowed in the other states.
var refusals = map[Action]string{
	ActionStop:    "only pending and held tasks can be stopped",
	ActionRetry:   "a task that is being sent or was delivered cannot be retried",
	ActionSend:    "only held tasks can be sent",
	ActionDelete:  "a task that is being sent cannot be deleted",
	ActionRestore: "only deleted tasks can be restored",
}

// Refuse gives the conflict error for a manual action on a task in state s.
func (a Action) Refuse(id int64, s Status) *Error {
	return Errorf(CodeConflict, "task %d is %s: %s", id, s, refusals[a])
}
