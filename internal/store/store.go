// Package store says what the gateway needs from a database: types, errors and
// the interface that every driver implements. The rules behind each method are
// stated here and checked by package storetest for every driver.
//
// # The state model
//
// A task row is at once the task, the queue entry and what people look at.
// RunAt is the next moment at which anybody may pick it up: the due time while
// it is pending, the end of the lease while it is processing. Claiming sets
// status=processing, run_at=now+lease, fence=fence+1 in one statement. Whoever
// holds a lease proves it with the fence; a write with an old fence changes
// nothing and is reported as stale. There is no reaper: a crashed node's tasks
// simply become due again. Health probes work in the same way.
//
// # Time
//
// Callers give durations, never deadlines; each driver measures them with its
// own clock, so that skewed clocks of several nodes change nothing.
//
// # Durability
//
// A method that returns nil has made its change durable against power loss.
// A method that returns an error may or may not have changed something.
package store

import (
	"context"
	"errors"
	"time"

	"dispatchapy"
)

// Errors that callers tell apart. Drivers wrap them.
var (
	ErrNotFound            = errors.New("not found")
	ErrVersionConflict     = errors.New("the configuration was changed by somebody else")
	ErrIdempotencyMismatch = errors.New("idempotency key was used with another body")
	ErrUnavailable         = errors.New("the database cannot be written")
	ErrClosed              = errors.New("the store is closed")
)

// Store is everything that a driver offers. It exists for wiring and for the
// conformance suite; consumers declare the few methods that they call.
type Store interface {
	// InsertTasks stores new tasks. Results are in the order of the input; each
	// carries its own error, so that one bad task does not sink its neighbours.
	// The second result is an error of the whole batch.
	InsertTasks(ctx context.Context, tasks []NewTask) ([]InsertResult, error)

	// ClaimDue leases due tasks, oldest due first within each lane, at most the
	// lane's limit. A task whose lease ran out is due as well.
	ClaimDue(ctx context.Context, claim Claim) (Claimed, error)

	// ExtendLeases makes leases end after the duration by, counted from now.
	// Leases that are no longer held are reported.
	ExtendLeases(ctx context.Context, leases []Lease, by time.Duration) (lost []Lease, err error)

	// RecordOutcomes ends leases: status, attempts, log lines and events in one
	// transaction. Outcomes whose lease is no longer held change nothing and
	// are reported.
	RecordOutcomes(ctx context.Context, outcomes []Outcome) (stale []Lease, err error)

	// TransitionTasks applies a person's action to each task by compare-and-set
	// on the transition table of package dispatchapy. Results are in the order
	// of ids. Many are done in several transactions: after an error in a later
	// one the tasks that were not reached have it in their result. A deleted task is gone for every method but restore, which brings
	// it back as it was: found, counted and due as before.
	TransitionTasks(ctx context.Context, ids []int64, t Transition) ([]TransitionResult, error)

	// ListTasks gives a page of tasks, newest first.
	ListTasks(ctx context.Context, q TaskQuery) (TaskPage, error)
	// OldestTasks gives the first tasks that a filter without text selects, oldest
	// first, at most limit; fewer where finding them would be too much work.
	OldestTasks(ctx context.Context, f TaskFilter, limit int) ([]dispatchapy.Task, error)
	// Neighbours gives the tasks beside one in the list that a filter selects,
	// whether the filter selects that one or not.
	Neighbours(ctx context.Context, f TaskFilter, id int64) (Neighbours, error)
	// CountTasks counts the tasks that each of the filters selects, up to limit,
	// all at the same moment. The work for each is bounded.
	CountTasks(ctx context.Context, filters []TaskFilter, limit int) ([]TaskCount, error)
	// Task gives a task with its attempts and log, or ErrNotFound.
	Task(ctx context.Context, id int64) (TaskDetail, error)
	// Backlog counts what waits or is being sent, per endpoint that has any.
	Backlog(ctx context.Context) ([]LaneBacklog, error)
	// Held counts what is held, per endpoint that has any.
	Held(ctx context.Context) ([]LaneBacklog, error)

	// DeleteFinished deletes up to limit succeeded and failed tasks that
	// finished longer than age ago, with their attempts and log, and says how
	// many. It never touches a task of another status.
	DeleteFinished(ctx context.Context, age time.Duration, limit int) (int, error)
	// ForgetDeleted forgets up to limit tasks for good that were deleted longer
	// than age ago, those first that were deleted first, and says how many.
	ForgetDeleted(ctx context.Context, age time.Duration, limit int) (int, error)
	// DeleteExpiredKeys deletes up to limit idempotency keys past their time.
	DeleteExpiredKeys(ctx context.Context, limit int) (int, error)

	// LoadConfig gives the configuration's version and objects, read as one.
	LoadConfig(ctx context.Context) (version int64, objects []ConfigObject, err error)
	// ConfigVersion gives the configuration's version.
	ConfigVersion(ctx context.Context) (int64, error)
	// ApplyConfig changes objects, counts the version up, writes the audit
	// entries and, if there are any, the event ConfigChanged, all or nothing.
	// ErrVersionConflict if the version is not Expect. It gives the new version
	// and the ids of update.Put, in order.
	ApplyConfig(ctx context.Context, update ConfigUpdate) (version int64, ids []int64, err error)
	// ObjectNames gives the name of every object there ever was, so that old
	// tasks can be shown and searched by name.
	ObjectNames(ctx context.Context) ([]ObjectName, error)

	// ClaimProbes leases the health probes that are due among the resources
	// asked for. A resource never seen before is due at once.
	ClaimProbes(ctx context.Context, claim ProbeClaim) (ClaimedProbes, error)
	// RecordProbes ends probe leases: new state, history row (at most
	// MaxChecks per resource are kept), the hour's sums, next due time, the
	// incident and events in one transaction. Stale ones change nothing and are
	// reported by resource.
	RecordProbes(ctx context.Context, outcomes []ProbeOutcome) (stale []int64, err error)
	// LoadHealth gives the state of every resource that was ever checked.
	LoadHealth(ctx context.Context) ([]dispatchapy.Health, error)
	// ListChecks gives up to limit checks of a resource, newest first, with ids
	// below before (0: from the newest).
	ListChecks(ctx context.Context, resourceID, before int64, limit int) ([]dispatchapy.Check, error)

	// AppendEvents stores events that are no consequence of another change.
	// Those without a time get the present one.
	AppendEvents(ctx context.Context, events []dispatchapy.Event) error
	// ListEvents gives up to Limit events, newest first.
	ListEvents(ctx context.Context, q EventQuery) ([]dispatchapy.Event, error)

	// Watch calls notify, from one goroutine, whenever something changed that
	// others may wait for, until ctx ends. Hints may be lost or merged: callers
	// poll as well.
	Watch(ctx context.Context, notify func(Hint)) error

	Management
	Preferences
	HealthHistory
	Incidents
	Conditions
	Notifications

	// InstanceKey is random, made when the database is created, and the same
	// for every node on it. Stable identifiers are derived from it.
	InstanceKey(ctx context.Context) ([32]byte, error)
	// CheckWritable makes a trivial durable write.
	CheckWritable(ctx context.Context) error
	// Close waits for running operations and closes the database.
	Close() error
}

// NewTask is a task to insert.
type NewTask struct {
	dispatchapy.Submission

	// LeaseFor > 0 inserts the task already leased by the caller, who is going
	// to send it at once. It saves the claim. Not for held or delayed tasks.
	LeaseFor time.Duration
}

// InsertResult is the fate of one NewTask.
type InsertResult struct {
	dispatchapy.Receipt
	Leased *Leased // set when the task was inserted leased
	Err    error   // ErrIdempotencyMismatch, or a failure of this task alone
}

// Lease is the right to send a task, until it expires.
type Lease struct {
	TaskID int64
	Fence  int64
}

// Leased is a task with the lease under which it was handed out.
type Leased struct {
	Lease Lease
	Task  dispatchapy.Task
}

// Claim asks for due tasks.
type Claim struct {
	LeaseFor time.Duration
	Lanes    []LaneClaim
}

// LaneClaim asks for up to Limit due tasks of one endpoint, and no further one
// once their payloads have reached MaxBytes (0: no limit).
type LaneClaim struct {
	EndpointID int64
	Limit      int
	MaxBytes   int64
}

// Claimed is the answer to a Claim.
type Claimed struct {
	Tasks []Leased

	// NextDue says, for each lane asked for, in how long its next task becomes
	// due (0: more are due already). A lane that has none is absent.
	NextDue map[int64]time.Duration
}

// Outcome ends a lease.
type Outcome struct {
	Lease  Lease
	Status dispatchapy.Status // success, failed, or pending to try again

	RetryIn    time.Duration // for pending: wait before it is due
	Attempts   []dispatchapy.Attempt
	ResourceID int64   // resource of the last attempt; 0 leaves it as it was
	Refused    []int64 // all resources that refused this task so far
	LastError  string
	Log        []dispatchapy.LogEntry
	Events     []dispatchapy.Event
}

// Transition is a person's action on tasks.
type Transition struct {
	Action   dispatchapy.Action // stop, retry, send, delete or restore
	By       string             // for the task's log
	ClientID int64              // only tasks of this client exist; 0: all
	// Successor is the task that takes the place of one that is stopped; 0: none.
	Successor int64
	Within    time.Duration // restore: only what was deleted less than so long ago exists
}

// TransitionResult is the fate of one task: Err is nil, ErrNotFound, or a
// *dispatchapy.Error with CodeConflict.
type TransitionResult struct {
	ID     int64
	Status dispatchapy.Status // after the action
	Err    error

	// Of a task that was changed: its status before, and whose it is.
	Before               dispatchapy.Status
	ClientID, EndpointID int64
}

// TaskFilter selects tasks. Zero fields select everything; all given fields
// must hold. A nil id list means any, an empty one none.
type TaskFilter struct {
	Statuses    []dispatchapy.Status
	ClientIDs   []int64
	EndpointIDs []int64
	ResourceIDs []int64
	Ref         string
	RefPrefix   string // what the ref begins with
	Scope       string
	Since       time.Time // created at or after
	Until       time.Time // created before

	// Pending says which pending tasks are meant, where pending ones are; nil:
	// all. It says nothing about tasks of another status.
	Pending *PendingFilter

	// Text is searched for, ignoring case, in source and target payloads, ref
	// and scope. Tasks of the Named objects match as well: the caller has found
	// the text in their names.
	Text  string
	Named NamedIDs

	// SourceOnly keeps Text away from target payloads. Neither the tasks of a
	// page nor its end then tell anything of what was sent to resources.
	SourceOnly bool
}

// PendingFilter tells pending tasks apart as dispatchapy.PhaseOf does.
type PendingFilter struct {
	Phases []dispatchapy.Phase // any of queued, retrying and waiting
	Stuck  []int64             // endpoints none of whose resources can be used
}

// NamedIDs are objects whose name contains the text searched for.
type NamedIDs struct{ Clients, Endpoints, Resources []int64 }

// TaskQuery asks for a page of tasks.
type TaskQuery struct {
	Filter TaskFilter
	Before int64 // only ids below; 0: from the newest
	Limit  int
}

// TaskPage is a page of tasks, newest first. Source payloads are included.
type TaskPage struct {
	Tasks []dispatchapy.Task
	// Next is Before of the next page, 0 at the end. A page may be shorter than
	// the limit, even empty, without being the last: a search for rare text
	// stops after a bounded amount of work.
	Next int64
}

// Neighbours are the tasks beside one in a list; 0 where there is none, or none
// that is found with a bounded amount of work.
type Neighbours struct{ Newer, Older int64 }

// TaskCount is how many tasks a filter selects.
type TaskCount struct {
	Tasks   int
	AtLeast bool // there may be more
}

// TaskDetail is a task with its history, oldest first.
type TaskDetail struct {
	Task     dispatchapy.Task
	Attempts []dispatchapy.Attempt
	Log      []dispatchapy.LogEntry

	// Resent are the tasks that were made from this one, oldest first, at most
	// the latest MaxResent.
	Resent []int64
}

// MaxExchanged bounds, in bytes, what TaskDetail has of requests and answers.
// They are given of the latest attempts, of the latest one in any case; older
// ones are Abridged. A task may have hundreds of attempts with a megabyte each.
const MaxExchanged = 4 << 20

// MaxResent is how many ids TaskDetail.Resent has at most.
const MaxResent = 20

// LaneBacklog is what an endpoint has unfinished.
type LaneBacklog struct {
	EndpointID int64
	Tasks      int       // pending and processing; or held
	Oldest     time.Time // when the oldest of them was accepted
}

// Kind is a kind of configuration object.
type Kind string

// The kinds. There is one settings object, with id 1 and the name "settings".
const (
	KindSettings Kind = "settings"
	KindResource Kind = "resource"
	KindEndpoint Kind = "endpoint"
	KindClient   Kind = "client"
)

// ConfigObject is a stored object of the configuration. The store does not
// look into Body.
type ConfigObject struct {
	Kind    Kind
	ID      int64 // 0 in an update: a new object; ids are never used again
	Name    string
	Version int64 // the configuration version that wrote it; set by the store
	Body    []byte
}

// ObjectRef names a stored object.
type ObjectRef struct {
	Kind Kind
	ID   int64
}

// ObjectName is the present or last name of an object.
type ObjectName struct {
	ObjectRef
	Name    string
	Deleted bool
}

// ConfigUpdate is a change of the configuration. Names may be exchanged
// between objects within one update.
type ConfigUpdate struct {
	Expect int64 // the version that the change was made from
	Put    []ConfigObject
	Delete []ObjectRef

	// ResetHealth lists resources whose health is no longer known, because
	// they now live elsewhere. They become due for a check at once.
	ResetHealth []int64

	// Audit says what is changed, by whom. The store fills in Version, At where
	// it is zero, and ObjectID where it is 0, from the object of the same kind
	// and name in Put.
	Audit []AuditEntry
}

// MaxChecks is how many health checks are kept per resource.
const MaxChecks = 1000

// ProbeClaim asks for due probes.
type ProbeClaim struct {
	LeaseFor    time.Duration
	ResourceIDs []int64
	Force       bool // due or not; but never while another node holds the lease
}

// ProbeLease is the right to check a resource, with its state so far.
type ProbeLease struct {
	Health dispatchapy.Health
	Fence  int64
}

// ClaimedProbes is the answer to a ProbeClaim.
type ClaimedProbes struct {
	Probes  []ProbeLease
	NextDue map[int64]time.Duration // as in Claimed; leased ones count with the end of their lease
}

// ProbeOutcome ends a probe lease.
type ProbeOutcome struct {
	Fence    int64
	Health   dispatchapy.Health // the new state
	Check    dispatchapy.Check  // zero At: none was made
	Spans    []dispatchapy.Span // what the history did not hold yet
	NextIn   time.Duration
	Incident *IncidentChange
	Events   []dispatchapy.Event // besides those of the incident
}

// EventQuery selects events. Zero fields select all; all given ones must hold.
type EventQuery struct {
	Kinds      []dispatchapy.EventKind
	ResourceID int64
	EndpointID int64
	IncidentID int64
	Since      time.Time
	Until      time.Time
	Before     int64 // only ids below; 0: from the newest
	Limit      int
}

// Hint says that something changed.
type Hint struct {
	Tasks  []int64 // endpoints that have new due tasks
	Config bool
	Health bool // the state of a resource changed, not only its checks
	Events bool // events are to be planned
}
