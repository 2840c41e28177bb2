package intake

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"dispatchapy"
)

// The reasons for which requests are rejected, as they stand in the metrics.
const (
	ReasonMethod      = "method"
	ReasonEndpoint    = "unknown_endpoint"
	ReasonNoToken     = "missing_token"
	ReasonToken       = "invalid_token"
	ReasonContentType = "content_type"
	ReasonTooLarge    = "too_large"
	ReasonIncomplete  = "incomplete_body" // hung up, too slow, or broken framing
	ReasonBody        = "invalid_body"
	ReasonFields      = "missing_field"
	ReasonIdempotency = "idempotency_key"
	ReasonRefused     = "refused" // by the dispatcher, for a reason of its own
	ReasonLimited     = "limited"
	ReasonUnavailable = "unavailable" // starting, draining, store not writable, out of memory
	ReasonInternal    = "internal"
)

// Reasons lists all reasons.
var Reasons = []string{
	ReasonMethod, ReasonEndpoint, ReasonNoToken, ReasonToken, ReasonContentType, ReasonTooLarge, ReasonIncomplete,
	ReasonBody, ReasonFields, ReasonIdempotency, ReasonRefused, ReasonLimited, ReasonUnavailable, ReasonInternal,
}

// retryAfter is when, in seconds, a caller may come again after a 503 or 429.
const retryAfter = "5"

// refusal is the answer to a request that is not accepted.
type refusal struct {
	status int
	reason string
	detail string
}

// The refusals that are always the same.
var (
	refuseMethod     = &refusal{http.StatusMethodNotAllowed, ReasonMethod, "Only POST is allowed here"}
	refuseNotReady   = &refusal{http.StatusServiceUnavailable, ReasonUnavailable, "The gateway is starting or shutting down: try again"}
	refuseEndpoint   = &refusal{http.StatusNotFound, ReasonEndpoint, "Endpoint not found"}
	refuseNoToken    = &refusal{http.StatusUnauthorized, ReasonNoToken, "API token is missing"}
	refuseToken      = &refusal{http.StatusForbidden, ReasonToken, "Invalid API token for this endpoint"}
	refuseNoRef      = &refusal{http.StatusBadRequest, ReasonFields, "Payload must include 'ref' and 'scope' fields"}
	refuseBusy       = &refusal{http.StatusServiceUnavailable, ReasonUnavailable, "Too much is being received at the same time: try again"}
	refuseSlow       = &refusal{http.StatusRequestTimeout, ReasonIncomplete, "The body did not arrive in time"}
	refuseIncomplete = &refusal{http.StatusBadRequest, ReasonIncomplete, "The body could not be read to its end"}
)

func refuseTooLarge(limit int64) *refusal {
	return &refusal{http.StatusRequestEntityTooLarge, ReasonTooLarge,
		fmt.Sprintf("The body is larger than the %d bytes allowed at this endpoint", limit)}
}

// submitErrors says how the Submitter's errors are answered. Others are
// internal.
var submitErrors = map[dispatchapy.Code]refusal{
	dispatchapy.CodeInvalid:     {status: http.StatusUnprocessableEntity, reason: ReasonRefused},
	dispatchapy.CodeForbidden:   {status: http.StatusForbidden, reason: ReasonRefused},
	dispatchapy.CodeNotFound:    {status: http.StatusNotFound, reason: ReasonEndpoint}, // deleted in this moment
	dispatchapy.CodeConflict:    {status: http.StatusConflict, reason: ReasonIdempotency},
	dispatchapy.CodeTooLarge:    {status: http.StatusRequestEntityTooLarge, reason: ReasonTooLarge},
	dispatchapy.CodeLimited:     {status: http.StatusTooManyRequests, reason: ReasonLimited},
	dispatchapy.CodeUnavailable: {status: http.StatusServiceUnavailable, reason: ReasonUnavailable},
}

// refuseSubmission turns an error of the Submitter into an answer. What is not
// meant for the caller goes to the log, under an id that the caller can quote.
func (h *Handler) refuseSubmission(err error, from sender) *refusal {
	var known *dispatchapy.Error
	if errors.As(err, &known) {
		if answer, ok := submitErrors[known.Code]; ok {
			if known.Code == dispatchapy.CodeUnavailable && h.warned.allow(time.Now()) {
				h.opts.Log.Warn("messages are refused because they cannot be stored", "err", err, "cause", known.Err)
			}
			answer.detail = known.Error()
			return &answer
		}
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	id := hex.EncodeToString(random[:])
	h.opts.Log.Error("a message could not be accepted", "error_id", id, "err", err,
		slog.String("endpoint", from.endpoint.Path), slog.String("client", from.client.Name))
	return &refusal{http.StatusInternalServerError, ReasonInternal,
		"Internal error: the message may or may not have been accepted. The log says more under the id " + id}
}

// throttle lets one warning through per second, so that a full disk does not
// fill the log as well. It counts from start, because the clock may be set back.
type throttle struct {
	start time.Time
	next  atomic.Int64 // from start, in nanoseconds
}

func (t *throttle) allow(now time.Time) bool {
	elapsed, next := now.Sub(t.start), t.next.Load()
	return int64(elapsed) >= next && t.next.CompareAndSwap(next, int64(elapsed+time.Second))
}

// jsonType is shared by all answers; net/http only reads it.
var jsonType = []string{"application/json"}

// write sends the refusal.
func (f *refusal) write(w http.ResponseWriter) {
	header := w.Header()
	header["Content-Type"] = jsonType
	switch f.status {
	case http.StatusMethodNotAllowed:
		header.Set("Allow", http.MethodPost)
	case http.StatusUnauthorized:
		header.Set("WWW-Authenticate", "Bearer")
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		header.Set("Retry-After", retryAfter)
	}
	answer, _ := json.Marshal(struct {
		Detail string `json:"detail"`
	}{f.detail}) // text can always be encoded
	w.WriteHeader(f.status)
	_, _ = w.Write(answer) // nobody is left to tell
}

// writeReceipt sends the answer to an accepted message.
func writeReceipt(w http.ResponseWriter, receipt dispatchapy.Receipt) {
	header := w.Header()
	header["Content-Type"] = jsonType
	if receipt.Replayed {
		header.Set("Idempotent-Replayed", "true")
	}
	status := "queued"
	if receipt.Held {
		status = "held"
	}
	answer := make([]byte, 0, 64)
	answer = append(answer, `{"status":"`...)
	answer = append(answer, status...)
	answer = append(answer, `","task_id":`...)
	answer = strconv.AppendInt(answer, receipt.TaskID, 10)
	answer = append(answer, '}')
	_, _ = w.Write(answer) // stored all the same; with an idempotency key the caller may ask again
}
