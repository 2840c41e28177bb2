package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// statusOf is the one table from error codes to HTTP statuses.
var statusOf = map[dispatchapy.Code]int{
	dispatchapy.CodeInvalid:         http.StatusUnprocessableEntity,
	dispatchapy.CodeUnauthenticated: http.StatusUnauthorized,
	dispatchapy.CodeForbidden:       http.StatusForbidden,
	dispatchapy.CodeNotFound:        http.StatusNotFound,
	dispatchapy.CodeConflict:        http.StatusConflict,
	dispatchapy.CodePrecondition:    http.StatusPreconditionRequired,
	dispatchapy.CodeTooLarge:        http.StatusRequestEntityTooLarge,
	dispatchapy.CodeUnsupportedType: http.StatusUnsupportedMediaType,
	dispatchapy.CodeLimited:         http.StatusTooManyRequests,
	dispatchapy.CodeUnavailable:     http.StatusServiceUnavailable,
	dispatchapy.CodeInternal:        http.StatusInternalServerError,
}

// codeOf is the table backwards, for errors that huma finds.
func codeOf(status int) dispatchapy.Code {
	for code, s := range statusOf {
		if s == status {
			return code
		}
	}
	if status >= http.StatusInternalServerError {
		return dispatchapy.CodeInternal
	}
	return dispatchapy.CodeInvalid
}

// problem is an error as it is sent: a problem document of RFC 9457.
type problem struct {
	Title  string                   `json:"title" doc:"The status in words"`
	Status int                      `json:"status" doc:"HTTP status"`
	Detail string                   `json:"detail" doc:"What is wrong, for people"`
	Code   dispatchapy.Code         `json:"code" enum:"invalid,unauthenticated,forbidden,not_found,conflict,precondition_required,too_large,unsupported_type,limited,unavailable,internal" doc:"What is wrong, for programs"`
	Fields []dispatchapy.FieldError `json:"fields,omitempty" doc:"The fields at fault, with code invalid"`

	Version *int64  `json:"version,omitempty" doc:"The version that a next try has to name"`
	Current object  `json:"current,omitempty" doc:"The object as it is, in the shape of the gateway file"`
	Yours   object  `json:"yours,omitempty" doc:"The object as it would be by this request"`
	Impact  *impact `json:"impact,omitempty" doc:"What the deletion would do"`

	retryAfter time.Duration // for the header; 0: a second
}

// Error implements error.
func (p *problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders implements huma.HeadersError.
func (p *problem) GetHeaders() http.Header {
	h := http.Header{}
	switch p.Code {
	case dispatchapy.CodeUnauthenticated:
		h.Set("WWW-Authenticate", `Bearer realm="dispatchapy"`)
	case dispatchapy.CodeUnavailable, dispatchapy.CodeLimited:
		h.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(p.retryAfter.Seconds())))))
	}
	if p.Version != nil {
		h.Set("ETag", etag(*p.Version))
	}
	return h
}

// problem translates an error. What is not meant for the caller becomes a 500
// with an id, under which the cause is logged: here and nowhere else.
func (a *api) problem(ctx context.Context, err error) *problem {
	var known *dispatchapy.Error
	switch {
	case errors.As(err, &known) && known.Code != dispatchapy.CodeInternal:
		p := newProblem(known.Code, known.Message, known.Fields)
		p.retryAfter = known.RetryAfter
		p.addConflict(err)
		return p
	case ctx.Err() != nil: // the caller is gone; nobody reads this
		return newProblem(dispatchapy.CodeUnavailable, "the request was given up", nil)
	}
	id := uuid.NewString()
	attrs := []any{"id", id, "error", err}
	var p panicError
	if errors.As(err, &p) {
		attrs = append(attrs, "stack", string(debug.Stack()))
	}
	a.log.ErrorContext(ctx, "management request failed", attrs...)
	return newProblem(dispatchapy.CodeInternal, "internal error; the log has more under id "+id, nil)
}

// addConflict shows both sides of a conflict.
func (p *problem) addConflict(err error) {
	var conflict *service.ConflictError
	if !errors.As(err, &conflict) {
		return
	}
	p.Version = &conflict.Version
	p.Current, p.Yours = asSent(conflict.Current), asSent(conflict.Yours)
	if conflict.Impact != nil {
		p.Impact = newImpact(conflict.Impact)
	}
}

func newProblem(code dispatchapy.Code, detail string, fields []dispatchapy.FieldError) *problem {
	status := statusOf[code]
	return &problem{Title: http.StatusText(status), Status: status, Detail: detail, Code: code, Fields: fields}
}

// fail answers outside of huma.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	writeProblem(w, a.problem(r.Context(), err))
}

func writeProblem(w http.ResponseWriter, p *problem) {
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller may be gone
}

// panicError carries a recovered panic to the log.
type panicError struct{ value any }

func (p panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// huma has package variables for these. Whoever imports this package gets
// problems for all errors, and lists that are never null.
func init() {
	huma.DefaultArrayNullable = false
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return humaProblem(status, message, errs)
	}
}

// humaProblem translates what huma finds wrong with a request. huma's details
// echo the offending value, which may be a secret: only place and message are
// taken over.
func humaProblem(status int, message string, errs []error) *problem {
	if status == http.StatusInternalServerError {
		// huma's own 500 is a body that broke off; handlers return problems.
		status, message = http.StatusBadRequest, "the request body could not be read"
		errs = nil
	}
	p := &problem{Title: http.StatusText(status), Status: status, Detail: message, Code: codeOf(status)}
	for _, err := range errs {
		var detail huma.ErrorDetailer
		if errors.As(err, &detail) {
			d := detail.ErrorDetail()
			p.Fields = append(p.Fields, dispatchapy.FieldError{Path: fieldPath(d.Location), Message: d.Message})
		}
	}
	if len(p.Fields) > 0 {
		p.Detail = "the request is not valid"
	}
	return p
}

// fieldPath drops the part of the request from huma's location: body.ids[0]
// becomes ids[0]. What is wrong with the body as a whole stays "body".
func fieldPath(location string) string {
	if _, rest, found := strings.Cut(location, "."); found {
		return rest
	}
	return location
}
