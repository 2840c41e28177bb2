package store

import (
	"context"
	"time"

	"dispatchapy"
)

// Management is what a driver offers beyond the way of a message: what people
// do, who they are, and what they look back on.
type Management interface {
	// AppendAudit writes entries that stand for acts outside the configuration.
	// Those of a configuration change are written by ApplyConfig.
	AppendAudit(ctx context.Context, entries []AuditEntry) error
	// ListAudit gives up to limit entries, newest first, with ids below before
	// (0: from the newest).
	ListAudit(ctx context.Context, q AuditQuery) ([]AuditEntry, error)

	// RewriteAudit puts what rewrite makes of them in the place of Before and
	// After of up to limit entries with ids above after, lowest first. It gives
	// the id of the last one, 0 if there was none. rewrite may be called more
	// than once with the same text, never with nil; an error of it changes
	// nothing.
	RewriteAudit(ctx context.Context, after int64, limit int, rewrite func(text []byte) ([]byte, error)) (last int64, err error)
	// DeleteOldAudit deletes up to limit of the oldest entries, as far as they
	// are older than age.
	DeleteOldAudit(ctx context.Context, age time.Duration, limit int) (int, error)
	// DeleteOldEvents does the same to events.
	DeleteOldEvents(ctx context.Context, age time.Duration, limit int) (int, error)

	// PutSession stores or replaces a session by its hash.
	PutSession(ctx context.Context, s Session) error
	// Session finds a session by its hash, or gives ErrNotFound. One that has
	// ended is not found.
	Session(ctx context.Context, hash [32]byte) (Session, error)
	// TouchSessions moves SeenAt and IdleEnd of sessions that have not ended,
	// never back.
	TouchSessions(ctx context.Context, seen []SessionSeen) error
	// LimitSessions makes sessions end idle after they were seen last, and
	// absolute after they began, unless they end before that anyway.
	LimitSessions(ctx context.Context, idle, absolute time.Duration) error
	// ListSessions gives the sessions of one user or client that have not
	// ended, latest seen first; both ids 0: everybody's.
	ListSessions(ctx context.Context, userID, clientID int64) ([]Session, error)
	// DeleteSessions ends sessions and says how many there were.
	DeleteSessions(ctx context.Context, q SessionSelection) (int, error)
	// DeleteEndedSessions forgets up to limit sessions past their end.
	DeleteEndedSessions(ctx context.Context, limit int) (int, error)

	// RecordTokenUse notes when tokens were used last. Objects are API tokens
	// (KindToken) and clients. Older times than the stored one change nothing.
	RecordTokenUse(ctx context.Context, uses map[ObjectRef]time.Time) error
	// TokenUses gives the last use by id, of those objects of a kind whose tokens
	// were ever used. It is forgotten with the object.
	TokenUses(ctx context.Context, kind Kind, ids []int64) (map[int64]time.Time, error)

	// Stats gives counts of finished tasks and of attempts in [Since, Until),
	// grouped as asked. They are kept in buckets of an hour per endpoint,
	// client, resource and scope, and survive the deletion of tasks. Rows are in
	// order of Start, then of ObjectID or Scope; what has no rows did not happen.
	// A question whose answer has more than MaxStatsRows is refused.
	Stats(ctx context.Context, q StatsQuery) ([]StatsRow, error)
	// FailedAttempts gives the latest attempts that a resource did not accept,
	// latest first and without what was exchanged. Of the latest limit ones
	// those of deleted tasks are left out.
	FailedAttempts(ctx context.Context, resourceID int64, limit int) ([]FailedAttempt, error)
	// DeleteOldStats deletes up to limit rows of statistics about hours longer
	// than age ago.
	DeleteOldStats(ctx context.Context, age time.Duration, limit int) (int, error)

	// ImportTasks stores tasks with their whole history as they are, all or
	// nothing, and gives their new ids in order. They must not be processing,
	// and they are not counted in the statistics. It is one transaction, which
	// others wait for: a few hundred tasks at a time.
	ImportTasks(ctx context.Context, tasks []TaskDetail) (ids []int64, err error)
	// ImportChecks stores health checks as they are, given oldest first; the
	// latest MaxChecks of each resource are kept.
	ImportChecks(ctx context.Context, checks []dispatchapy.Check) error

	// ImportNames gives ids to names of objects that are no more, so that tasks
	// which belonged to them can be shown and found by name. The configuration
	// and its version stay as they are.
	ImportNames(ctx context.Context, kind Kind, names []string) (ids []int64, err error)

	// Backup writes a consistent copy of the database to a new file, with
	// everything that was acknowledged before the call. Tasks keep coming in
	// meanwhile. After an error there is no file.
	Backup(ctx context.Context, path string) error
}

// The kinds of people. They are stored like configuration objects, with their
// versions, but are not part of the gateway file.
const (
	KindUser  Kind = "user"
	KindToken Kind = "token" // an API token
)

// KindNotification stands in the audit log only.
const KindNotification Kind = "notification"

// AuditEntry says who did what to which object. Before and After are JSON with
// secrets masked.
type AuditEntry struct {
	ID       int64 // set by the store
	At       time.Time
	By       string
	Action   string // create, update, delete, rotate token, sign in, ...
	Kind     Kind   // of the object; "" if it is not about one
	ObjectID int64  // 0 in an update for a new object: set by the store
	Name     string // of the object
	Version  int64  // configuration version that the change made; 0 if it made none
	Detail   string // in words, without secrets
	Before   []byte // nil: there was nothing
	After    []byte // nil: there is nothing any more
}

// AuditQuery selects audit entries. Zero fields select all.
type AuditQuery struct {
	By       string
	Kind     Kind
	ObjectID int64
	Since    time.Time
	Until    time.Time
	Before   int64 // only ids below; 0: from the newest
	Limit    int
}

// Session is somebody signed in. The token itself is never stored.
type Session struct {
	ID          int64 // set by the store; what people see and revoke
	Hash        [32]byte
	UserID      int64 // one of UserID and ClientID is set
	ClientID    int64
	Address     string // of the browser, for the list of sessions
	Agent       string // user agent, shortened
	CreatedAt   time.Time
	SeenAt      time.Time
	IdleEnd     time.Time // ends unless seen before
	AbsoluteEnd time.Time // ends in any case
}

// SessionSeen moves a session's times.
type SessionSeen struct {
	Hash    [32]byte
	SeenAt  time.Time
	IdleEnd time.Time
}

// SessionSelection selects sessions: by id, or all of a user or client, but
// for Except. Where ids and an owner are given, both must hold. Nothing given
// selects nothing.
type SessionSelection struct {
	IDs      []int64
	UserID   int64
	ClientID int64
	Except   [32]byte
}

// StatsGroup is what rows of statistics are grouped by.
type StatsGroup string

// The groups.
const (
	ByEndpoint StatsGroup = "endpoint"
	ByClient   StatsGroup = "client"
	ByResource StatsGroup = "resource"
	ByScope    StatsGroup = "scope"
)

// MaxStatsRows is how many rows Stats gives at most.
const MaxStatsRows = 20_000

// Bounds of the scopes that statistics tell apart, because scopes come from
// clients, who may put anything there. What goes beyond them is counted under
// the scope "".
const (
	MaxScopes      = 1000 // rows with a scope of one endpoint and client in one hour; scopes in one answer
	MaxScopeLength = 200  // bytes
)

// StatsQuery asks for statistics. Filters that are zero select all.
//
// As rows are kept by the hour, [Since, Until) is widened to full hours.
type StatsQuery struct {
	Since, Until time.Time
	Bucket       time.Duration // 0: one row per group; else a multiple of an hour, counted from Since
	Group        StatsGroup    // "": all together
	EndpointID   int64
	ClientID     int64
	ResourceID   int64
	Scope        string
}

// FailedAttempt is an attempt that was not accepted, with its task.
type FailedAttempt struct {
	dispatchapy.Attempt
	TaskID     int64
	EndpointID int64
	ClientID   int64
	Ref        string
}

// StatsRow counts what happened in one bucket of one group. Delivered, Failed
// and Latency are of tasks, by the resource of their last attempt; Attempts
// are of requests.
type StatsRow struct {
	Start          time.Time // of the bucket; Since where there are no buckets
	ObjectID       int64     // of the group, unless by scope
	Scope          string
	Delivered      int64
	Failed         int64
	Attempts       int64
	FailedAttempts int64
	Latency        Histogram // accept to delivered
	Answer         Histogram // duration of attempts
}

// Histogram counts durations by powers of two: Counts[i] holds those below
// 2^i milliseconds that are in no lower one; the last one holds the rest.
type Histogram struct{ Counts [20]int64 }

// Add counts a duration.
func (h *Histogram) Add(d time.Duration) {
	bound := time.Millisecond
	for i := range h.Counts {
		if d < bound || i == len(h.Counts)-1 {
			h.Counts[i]++
			return
		}
		bound *= 2
	}
}

// Merge adds the counts of another histogram.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other.Counts {
		h.Counts[i] += n
	}
}

// Quantile estimates the duration below which the share q of all lies, by
// interpolation within a bucket; 0 if nothing was counted.
func (h *Histogram) Quantile(q float64) time.Duration {
	var total int64
	for _, n := range h.Counts {
		total += n
	}
	rank := q * float64(total)
	low, high := 0.0, float64(time.Millisecond)
	for _, n := range h.Counts {
		if n > 0 && rank <= float64(n) {
			return time.Duration(low + (high-low)*rank/float64(n))
		}
		rank -= float64(n)
		low, high = high, 2*high
	}
	return 0
}
