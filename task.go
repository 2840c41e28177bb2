package dispatchapy

import (
	"encoding/json"
	"time"
)

// Task is one accepted message: what the client sent and how far it has come.
// The same row is the queue entry (see docs/adr/0001).
type Task struct {
	ID         int64
	Status     Status
	ClientID   int64
	EndpointID int64
	ResourceID int64 // resource of the latest attempt; 0 before the first
	Ref        string
	Scope      string
	ResendOf   int64 // the task that this one was made from by a person; 0: none

	// Source is the body exactly as it was received: a JSON object.
	Source json.RawMessage

	// AttemptCount is what has been spent of MaxAttempts. AttemptBase is how
	// many attempts were made before the last manual retry, which starts a new
	// budget; the number of the next attempt is AttemptBase + AttemptCount + 1.
	AttemptCount int
	AttemptBase  int
	MaxAttempts  int

	// Refused lists the resources that gave a definite refusal (4xx). They are
	// not tried again for this task until it is retried by hand.
	Refused []int64

	LastError  string    // why the latest attempt or the task failed; "" if nothing did
	CreatedAt  time.Time // when it was accepted
	BudgetFrom time.Time // when the present budget began: CreatedAt, or when it was last retried or released by hand
	RunAt      time.Time // pending: when due; processing: when the lease ends; otherwise without meaning
	FinishedAt time.Time // zero until Status.Finished
}

// Attempt is one request made to one resource for one task.
type Attempt struct {
	Number       int // from 1, over the whole life of the task
	ResourceID   int64
	Outcome      AttemptOutcome
	StatusCode   int        // 0: no answer was received
	Error        ErrorClass // "" on success
	Detail       string     // the error in words
	RequestBody  []byte     // the target payload as it was sent
	ResponseBody []byte     // as received after decompression, up to a limit
	StartedAt    time.Time
	Duration     time.Duration
	Timing       Timing
	Exchange     *Exchange // nil: there was no request, or it was made before exchanges were kept

	// Abridged means that RequestBody, ResponseBody and Exchange were left out
	// when the attempt was read: later ones took the room.
	Abridged bool

	// Place is that of the resource in the endpoint's failover order of so many
	// Routes, from 1; 0 if it was made before that was kept. PassedOver are the
	// resources before it that were not even tried in this round.
	Place      int
	Routes     int
	PassedOver []PassedOver
}

// PassedOver is a resource that was not tried, and why.
type PassedOver struct {
	ResourceID int64
	Why        string // "down", "full", ...; "refused" if it had refused the message before
}

// Timing splits the duration of an attempt. A part that did not happen (a
// reused connection needs no DNS) is zero.
type Timing struct {
	DNS       time.Duration
	Connect   time.Duration
	TLS       time.Duration
	FirstByte time.Duration // from the start of the attempt to the first byte of the answer
}

// AttemptOutcome is the verdict on one attempt.
type AttemptOutcome string

// The outcomes of an attempt.
const (
	OutcomeDelivered AttemptOutcome = "success" // the resource accepted the message
	OutcomeFailed    AttemptOutcome = "failed"  // may work later: network errors, 408, 425, 429, 5xx
	OutcomeRefused   AttemptOutcome = "refused" // will not work with this message: other answers
)

// ErrorClass names what went wrong in an attempt, coarse enough for a metric
// label and a filter.
type ErrorClass string

// The error classes.
const (
	ErrorDNS       ErrorClass = "dns"          // the host name does not resolve
	ErrorRefused   ErrorClass = "refused"      // connection refused or unreachable
	ErrorReset     ErrorClass = "reset"        // connection closed before the answer was complete
	ErrorTimeout   ErrorClass = "timeout"      // no (complete) answer within the resource's timeout
	ErrorTLS       ErrorClass = "tls"          // handshake or certificate
	ErrorBlocked   ErrorClass = "blocked"      // address forbidden by the outbound guard
	ErrorProtocol  ErrorClass = "protocol"     // the answer is not HTTP
	ErrorRedirect  ErrorClass = "redirect"     // 3xx: redirects are not followed
	ErrorStatus4xx ErrorClass = "client_error" // 4xx
	ErrorStatus5xx ErrorClass = "server_error" // 5xx
	ErrorTransform ErrorClass = "transform"    // the payload cannot be mapped for this resource
	ErrorOther     ErrorClass = "other"        // none of the above
)

// LogEntry is a line of a task's log: what was decided about it, and why.
type LogEntry struct {
	At      time.Time
	Message string
	Kind    LogKind // what the line says, for programs
	Data    LogData // about what; zero fields do not belong to the kind
}

// LogKind is what a line of a task's log says.
type LogKind string

// The kinds of lines.
const (
	LogNote       LogKind = ""            // only text, as are all lines of earlier versions
	LogSubmitted  LogKind = "submitted"   // By sent it in the client's name
	LogResent     LogKind = "resent"      // By made it from Task
	LogHeld       LogKind = "held"        // the message says why
	LogReleased   LogKind = "released"    // By let it go
	LogRetried    LogKind = "retried"     // By gave it a fresh budget
	LogStopped    LogKind = "stopped"     // By stopped it; Task, if any, takes its place
	LogDeleted    LogKind = "deleted"     // By deleted it
	LogRestored   LogKind = "restored"    // By brought it back
	LogOverride   LogKind = "override"    // a development rule replaced a value
	LogPassedOver LogKind = "passed_over" // why the next attempt went to Resource and not to an earlier one
	LogBrokenOff  LogKind = "broken_off"  // an attempt at Resource, of which nothing is known
	LogFailed     LogKind = "failed"      // it was given up; the message says why
)

// LogData is what a line of a task's log is about.
type LogData struct {
	By       string `json:"by,omitempty"`
	Task     int64  `json:"task,omitempty"`
	Resource int64  `json:"resource,omitempty"`

	// Of a rule: whose it is, its place there from 0, and what it replaced, as
	// JSON, shortened if it is long; "" for a value that was absent.
	Origin string `json:"origin,omitempty"`
	Rule   int    `json:"rule,omitempty"`
	Param  string `json:"param,omitempty"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}
