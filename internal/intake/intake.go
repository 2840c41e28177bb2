// Package intake is the door through which messages come in:
//
//	POST /api/{path}
//
// It is the hot path of the gateway. Who asks and where to is decided from the
// snapshot of the configuration, before a single byte of the body is read; the
// body is checked in one pass and kept as it came; and the answer is given when
// the message is stored durably, never before.
package intake

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
)

// Prefix is the path under which the Handler expects to be mounted. It should
// be reached without http.ServeMux in between, which redirects paths with
// doubled slashes instead of passing them on.
const Prefix = "/api/"

// Defaults of Options.
const (
	DefaultBodyTimeout = 30 * time.Second
	DefaultMemory      = 256 << 20
)

// Snapshots gives the current configuration. routing.Table implements it.
type Snapshots interface {
	Load() *routing.Snapshot
}

// Submitter stores a message and sees to its delivery. When Submit returns nil
// the message survives a loss of power. It refuses with a *dispatchapy.Error:
// CodeConflict if the idempotency key was used with another body,
// CodeUnavailable if it cannot store now. Any other error is a fault of ours.
type Submitter interface {
	Submit(ctx context.Context, s dispatchapy.Submission) (dispatchapy.Receipt, error)
}

// Observer counts what happens at the door. Each request leads to exactly one
// call.
type Observer interface {
	// Accepted reports a stored message, or the repeat of one, with the time
	// from the arrival of its header to its answer.
	Accepted(d time.Duration)
	// Rejected reports a refused request with one of Reasons.
	Rejected(reason string)
}

// Options are what New needs. Snapshots, Submitter and Observer must be given.
type Options struct {
	Snapshots Snapshots
	Submitter Submitter
	Observer  Observer

	Seen func(clientID int64) // told whose token comes with a request, valid at the endpoint or not; nil: nobody is

	Ready func() bool    // false while starting and draining; nil: always ready
	Log   *slog.Logger   // nil: slog.Default
	Rand  func() float64 // uniform in [0, 1), for the delay of a task; nil: math/rand

	// BodyTimeout is within which a body must have arrived in full; 0:
	// DefaultBodyTimeout.
	BodyTimeout time.Duration
	// Memory bounds, in bytes, the bodies that are being read or stored at the
	// same time; 0: DefaultMemory. Requests beyond it are asked to come again.
	Memory int64
}

// Handler answers POST /api/{path}. Make it with New.
type Handler struct {
	opts   Options
	memory budget
	warned throttle
	linger time.Duration
}

// New makes the Handler. The paths it is asked for begin with Prefix.
func New(opts Options) *Handler {
	if opts.Ready == nil {
		opts.Ready = func() bool { return true }
	}
	if opts.Seen == nil {
		opts.Seen = func(int64) {}
	}
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	if opts.Rand == nil {
		opts.Rand = rand.Float64
	}
	if opts.BodyTimeout <= 0 {
		opts.BodyTimeout = DefaultBodyTimeout
	}
	if opts.Memory <= 0 {
		opts.Memory = DefaultMemory
	}
	return &Handler{
		opts:   opts,
		memory: budget{limit: opts.Memory},
		warned: throttle{start: time.Now()},
		linger: defaultLinger,
	}
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	receipt, refusal := h.accept(w, r)
	if refusal != nil {
		h.opts.Observer.Rejected(refusal.reason)
		refusal.write(w)
		h.lingerFor(w, r)
		return
	}
	h.opts.Observer.Accepted(time.Since(start))
	writeReceipt(w, receipt)
}

// accept takes a request through all checks, in the order in which the contract
// promises their errors, and submits it.
func (h *Handler) accept(w http.ResponseWriter, r *http.Request) (dispatchapy.Receipt, *refusal) {
	snapshot := h.opts.Snapshots.Load()
	sender, refused := h.admit(snapshot, r)
	if refused != nil {
		h.leaveBody(w, r)
		return dispatchapy.Receipt{}, refused
	}
	source, refused := h.readBody(w, r, sender.endpoint.MaxBody)
	if refused != nil {
		return dispatchapy.Receipt{}, refused
	}
	defer h.memory.giveBack(source)

	submission, refused := sender.submission(source)
	if refused != nil {
		return dispatchapy.Receipt{}, refused
	}
	if delay := snapshot.Config.Settings.TaskDelay; delay.Max > 0 {
		submission.Delay = delay.At(h.opts.Rand())
	}
	// A caller who hangs up now does not take the message back: part of it may
	// be on its way to the disk already.
	receipt, err := h.opts.Submitter.Submit(context.WithoutCancel(r.Context()), submission)
	if err != nil {
		return dispatchapy.Receipt{}, h.refuseSubmission(err, sender)
	}
	return receipt, nil
}

// sender is who sends, where to, and the header of the message.
type sender struct {
	client         *routing.Client
	endpoint       *routing.Endpoint
	idempotencyKey string
}

// admit decides about a request by its header alone.
func (h *Handler) admit(snapshot *routing.Snapshot, r *http.Request) (sender, *refusal) {
	if r.Method != http.MethodPost {
		return sender{}, refuseMethod
	}
	if !h.opts.Ready() {
		return sender{}, refuseNotReady
	}
	path := strings.Trim(strings.TrimPrefix(r.URL.Path, Prefix), "/")
	endpoint := snapshot.Endpoint(path)
	if endpoint == nil || !endpoint.IsActive() {
		return sender{}, refuseEndpoint
	}
	client, refused := clientOf(snapshot, r)
	if refused != nil {
		return sender{}, refused
	}
	if client != nil {
		h.opts.Seen(client.ID)
	}
	if !endpoint.Allows(client) {
		return sender{}, refuseToken
	}
	if refused := checkContent(r.Header); refused != nil {
		return sender{}, refused
	}
	key, refused := idempotencyKey(r.Header)
	if refused != nil {
		return sender{}, refused
	}
	if r.ContentLength > endpoint.MaxBody {
		return sender{}, refuseTooLarge(endpoint.MaxBody)
	}
	return sender{client: client, endpoint: endpoint, idempotencyKey: key}, nil
}

type clientKey struct{}

// As makes the requests of a context those of a client that was recognised
// otherwise than by a token: by a session. Tokens in their headers count for
// nothing.
func As(ctx context.Context, clientID int64) context.Context {
	return context.WithValue(ctx, clientKey{}, clientID)
}

// clientOf finds the client that asks; nil if it is none.
func clientOf(snapshot *routing.Snapshot, r *http.Request) (*routing.Client, *refusal) {
	if id, recognised := r.Context().Value(clientKey{}).(int64); recognised {
		return snapshot.ClientByID(id), nil
	}
	token := findToken(r.Header)
	if token == "" {
		return nil, refuseNoToken
	}
	return clientByToken(snapshot, token), nil
}

// submission checks a body and makes the submission of it.
func (s sender) submission(source []byte) (dispatchapy.Submission, *refusal) {
	b := newBody(source)
	if err := b.check(); err != nil {
		return dispatchapy.Submission{}, &refusal{http.StatusBadRequest, ReasonBody, err.Message}
	}
	ref, err := b.word("ref", b.ref)
	if err != nil {
		return dispatchapy.Submission{}, &refusal{http.StatusBadRequest, ReasonFields, err.Message}
	}
	scope, err := b.word("scope", b.scope)
	if err != nil {
		return dispatchapy.Submission{}, &refusal{http.StatusBadRequest, ReasonFields, err.Message}
	}
	if ref == "" || scope == "" {
		return dispatchapy.Submission{}, refuseNoRef
	}
	for _, name := range s.endpoint.RequiredParams {
		if !b.has(name) {
			return dispatchapy.Submission{}, &refusal{http.StatusBadRequest, ReasonFields, "Missing required parameter: " + name}
		}
	}
	return dispatchapy.Submission{
		EndpointID:     s.endpoint.ID,
		ClientID:       s.client.ID,
		Ref:            ref,
		Scope:          scope,
		Source:         source,
		MaxAttempts:    s.endpoint.MaxAttempts,
		Hold:           s.endpoint.HoldReason(s.client),
		IdempotencyKey: s.idempotencyKey,
	}, nil
}
