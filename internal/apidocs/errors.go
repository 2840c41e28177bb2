package apidocs

import (
	"net/http"
	"slices"
)

// Error is one reason for which POST /api/{path} refuses a message. The body of
// such an answer is {"detail": "..."}.
type Error struct {
	Status int    // HTTP status
	Detail string // the text of "detail", with an example where a part of it varies
	When   string // what leads to it, a sentence
	Do     string // what the sender should do, a sentence
	Retry  bool   // the same request may be accepted later
}

const (
	doFixBody = "Correct the body; repeating it as it is cannot help."
	doRepeat  = "Send it again after the time in Retry-After, with the same Idempotency-Key."
)

// errorTable is sorted by status; the usual reason of a status comes first.
var errorTable = []Error{
	{http.StatusBadRequest, "Payload must include 'ref' and 'scope' fields", "ref or scope is missing, null or empty.", doFixBody, false},
	{http.StatusBadRequest, "Missing required parameter: KEY", "A key that the endpoint demands is missing.", doFixBody, false},
	{http.StatusBadRequest, "Invalid JSON at line 1, column 10: duplicate key \"ref\"", "The body is not valid JSON, repeats a key or nests deeper than 64 levels.", doFixBody, false},
	{http.StatusBadRequest, "The body must be a JSON object, not an array", "The body is something else than an object.", doFixBody, false},
	{http.StatusBadRequest, "Idempotency-Key is empty", "The header is empty, repeated, longer than 255 bytes or not printable ASCII.", "Correct the header or leave it out.", false},
	{http.StatusUnauthorized, "API token is missing", "No header carries a token.", "Send the token in X-API-Token or as Authorization: Bearer TOKEN.", false},
	{http.StatusForbidden, "Invalid API token for this endpoint", "The token is unknown, or its client may not use this endpoint.", "Check the token; ask the gateway's administrator for access.", false},
	{http.StatusNotFound, "Endpoint not found", "There is no such endpoint, or it is switched off.", "Check the path.", false},
	{http.StatusRequestTimeout, "The body did not arrive in time", "Sending the body took too long.", "Send it again with the same Idempotency-Key.", true},
	{http.StatusConflict, "this Idempotency-Key was used with another body", "Within the last 24 hours, the key came with another body at this endpoint.", "Use another key for another message.", false},
	{http.StatusRequestEntityTooLarge, "The body is larger than the 1048576 bytes allowed at this endpoint", "The body is over the endpoint's limit.", "Send less.", false},
	{http.StatusUnsupportedMediaType, "Content-Type \"text/plain\" is not supported: send application/json", "The Content-Type is not JSON, or the body is compressed.", "Send uncompressed JSON as application/json.", false},
	{http.StatusUnprocessableEntity, "The message was refused", "The gateway refuses the message for the reason that the text gives.", "Do what the text says.", false},
	{http.StatusTooManyRequests, "Too many messages: try again later", "More messages came than are allowed.", doRepeat, true},
	{http.StatusInternalServerError, "Internal error: the message may or may not have been accepted. The log says more under the id 0123456789abcdef", "A fault of the gateway.", "Send it again with the same Idempotency-Key; give the id to the gateway's administrator.", true},
	{http.StatusServiceUnavailable, "The gateway is starting or shutting down: try again", "The gateway does not accept messages at the moment.", doRepeat, true},
	{http.StatusServiceUnavailable, "the task could not be stored", "The message could not be made safe, for example because a disk is full.", doRepeat, true},
	{http.StatusServiceUnavailable, "Too much is being received at the same time: try again", "The memory for bodies is used up.", doRepeat, true},
}

// Errors gives the errors of POST /api/{path}, sorted by status, the usual
// reason of each status first.
func Errors() []Error { return slices.Clone(errorTable) }
