package apidocs

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/routing"
)

// Viewer is who reads the documentation, and where the gateway is for them.
type Viewer struct {
	ClientID  int64  // sees the endpoints it is linked to; 0: an admin, who sees all
	ServerURL string // of the gateway, without /api; "": where the document was loaded from
}

// maxSummary is the length of a headline, in characters.
const maxSummary = 120

// OpenAPI gives an OpenAPI 3.1 document, as JSON, of the active endpoints that
// the viewer may call, sorted by path. The same snapshot and viewer give the
// same bytes. A client that is not (any more) in the snapshot sees none. The
// error is a *dispatchapy.Error for a ServerURL that is none.
func OpenAPI(snapshot *routing.Snapshot, viewer Viewer) ([]byte, error) {
	document := object{
		{"openapi", "3.1.0"},
		{"info", object{
			{"title", "Dispatchapy"},
			{"version", "1"},
			{"description", "Send messages to the gateway. An answer of 200 means that the message is stored safely and will be delivered; " +
				"it does not wait for the delivery."},
		}},
	}
	if viewer.ServerURL != "" {
		server, err := cleanServerURL(viewer.ServerURL)
		if err != nil {
			return nil, err
		}
		document = append(document, member{"servers", []any{object{{"url", server}}}})
	}
	document = append(document,
		member{"security", []any{object{{"token", []any{}}}, object{{"bearer", []any{}}}}},
		member{"tags", []any{object{{"name", "Messages"}}}},
		member{"paths", paths(snapshot, viewer.ClientID)},
		member{"components", components()},
	)
	return compactJSON.append(nil, document, 0), nil
}

func cleanServerURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		// The text is not repeated: it may contain a password.
		return "", &dispatchapy.Error{Code: dispatchapy.CodeInvalid, Message: "the address of the gateway is not valid", Fields: []dispatchapy.FieldError{
			{Path: "server_url", Message: "must be like https://gateway.example.com, without user, query and fragment"},
		}}
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// paths describes POST /api/{path} of the active endpoints of a client, of all
// for 0.
func paths(snapshot *routing.Snapshot, clientID int64) object {
	client := snapshot.ClientByID(clientID)
	ids := operationIDs(snapshot.Endpoints)
	out := object{}
	for _, e := range sortedByPath(snapshot.Endpoints) {
		if e.IsActive() && (clientID == 0 || e.Allows(client)) {
			out = append(out, member{callPath(e.Path), object{{"post", operation(e.Endpoint, ids[e.Path])}}})
		}
	}
	return out
}

func sortedByPath(endpoints []*routing.Endpoint) []*routing.Endpoint {
	return slices.SortedFunc(slices.Values(endpoints), func(a, b *routing.Endpoint) int { return strings.Compare(a.Path, b.Path) })
}

// callPath gives the path of a URL under which an endpoint is called.
func callPath(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i] = url.PathEscape(segment)
	}
	return "/api/" + strings.Join(segments, "/")
}

// operationIDs names the operations by path, so that generators of code can
// make functions of them. All endpoints take part, so that a name is the same
// for every viewer.
func operationIDs(endpoints []*routing.Endpoint) map[string]string {
	ids := make(map[string]string, len(endpoints))
	taken := make(map[string]bool, len(endpoints))
	var others []string
	for _, e := range sortedByPath(endpoints) {
		if id := identifierOf(e.Path); id == e.Path {
			ids[e.Path], taken[id] = id, true
			continue
		}
		others = append(others, e.Path)
	}
	for _, path := range others {
		base := identifierOf(path)
		id := base
		for n := 2; taken[id]; n++ {
			id = base + "_" + strconv.Itoa(n)
		}
		ids[path], taken[id] = id, true
	}
	return ids
}

// identifierOf makes an identifier of a path; a path that is one stays as it is.
func identifierOf(path string) string {
	id := strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, path)
	if id == "" || id[0] >= '0' && id[0] <= '9' {
		return "post_" + id
	}
	return id
}

func operation(e *dispatchapy.Endpoint, id string) object {
	parameters := parametersOf(e)
	properties, required := make(object, len(parameters)), make([]any, len(parameters))
	for i, p := range parameters {
		properties[i], required[i] = member{p.name, p.schema}, p.name
	}
	out := object{
		{"operationId", id},
		{"summary", summary(e)},
	}
	if e.Description != "" {
		out = append(out, member{"description", e.Description})
	}
	return append(out,
		member{"tags", []any{"Messages"}},
		member{"parameters", []any{refTo("parameters", "IdempotencyKey")}},
		member{"requestBody", object{
			{"description", fmt.Sprintf("At most %d bytes. Other keys than the required ones are kept, too.", e.MaxBody)},
			{"required", true},
			{"content", object{{"application/json", object{
				{"schema", object{
					{"type", "object"},
					{"required", required},
					{"properties", properties},
					{"additionalProperties", true},
				}},
				{"example", exampleMessage(parameters)},
			}}}},
		}},
		member{"responses", operationResponses},
	)
}

// summary is the headline of an endpoint: the first line of its description.
func summary(e *dispatchapy.Endpoint) string {
	first, _, _ := strings.Cut(strings.TrimSpace(e.Description), "\n")
	if line := oneLine(first, maxSummary); line != "" {
		return line
	}
	return "Send a message to " + e.Path
}

func refTo(section, name string) object {
	return object{{"$ref", "#/components/" + section + "/" + name}}
}

// operationResponses refers to the answers, which all endpoints share.
var operationResponses = func() object {
	out := object{{"200", refTo("responses", "Accepted")}}
	for _, status := range errorStatuses() {
		out = append(out, member{strconv.Itoa(status), refTo("responses", errorName(status))})
	}
	return out
}()

func errorStatuses() []int {
	statuses := make([]int, len(errorTable))
	for i, e := range errorTable {
		statuses[i] = e.Status
	}
	return slices.Compact(statuses)
}

func errorName(status int) string { return "Error" + strconv.Itoa(status) }

func components() object {
	responses := object{{"Accepted", accepted()}}
	for _, status := range errorStatuses() {
		responses = append(responses, member{errorName(status), errorResponse(status)})
	}
	return object{
		{"schemas", object{
			{"Receipt", object{
				{"type", "object"},
				{"required", []any{"status", "task_id"}},
				{"properties", object{
					{"status", object{
						{"type", "string"},
						{"enum", []any{"queued", "held"}},
						{"description", "held: it is sent only when somebody releases it."},
					}},
					{"task_id", object{{"type", "integer"}, {"format", "int64"}}},
				}},
			}},
			{"Error", object{
				{"type", "object"},
				{"required", []any{"detail"}},
				{"properties", object{{"detail", object{{"type", "string"}}}}},
			}},
		}},
		{"parameters", object{{"IdempotencyKey", idempotencyKey()}}},
		{"responses", responses},
		{"securitySchemes", object{
			{"token", object{{"type", "apiKey"}, {"in", "header"}, {"name", "X-API-Token"}}},
			{"bearer", object{{"type", "http"}, {"scheme", "bearer"}}},
		}},
	}
}

func idempotencyKey() object {
	return object{
		{"name", "Idempotency-Key"},
		{"in", "header"},
		{"description", "Makes repeating safe: within 24 hours, a second request with this key at this endpoint is answered like the first " +
			"and sends nothing. With another body it is refused."},
		{"schema", object{{"type", "string"}, {"minLength", 1}, {"maxLength", 255}, {"pattern", "^[ -~]+$"}}},
		{"example", exampleRef},
	}
}

func accepted() object {
	example := func(status string) object {
		return object{{"value", object{{"status", status}, {"task_id", 7}}}}
	}
	return object{
		{"description", "The message is stored safely."},
		{"headers", object{{"Idempotent-Replayed", object{
			{"description", "The answer to an earlier request with the same Idempotency-Key."},
			{"schema", object{{"type", "string"}, {"enum", []any{"true"}}}},
		}}}},
		{"content", object{{"application/json", object{
			{"schema", refTo("schemas", "Receipt")},
			{"examples", object{{"queued", example("queued")}, {"held", example("held")}}},
		}}}},
	}
}

// errorResponse describes all errors of a status as one response.
func errorResponse(status int) object {
	var lines []string
	examples := object{}
	canRetryAfter := status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
	for _, e := range errorTable {
		if e.Status != status {
			continue
		}
		lines = append(lines, e.When+" "+e.Do)
		examples = append(examples, member{"example" + strconv.Itoa(len(lines)), object{
			{"summary", e.When},
			{"value", object{{"detail", e.Detail}}},
		}})
	}
	out := object{{"description", strings.Join(lines, "\n\n")}}
	if canRetryAfter {
		out = append(out, member{"headers", object{{"Retry-After", object{
			{"description", "Seconds to wait."},
			{"schema", object{{"type", "integer"}}},
		}}}})
	}
	return append(out, member{"content", object{{"application/json", object{
		{"schema", refTo("schemas", "Error")},
		{"examples", examples},
	}}}})
}
