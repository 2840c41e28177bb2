package dispatchapy

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code classifies an error for the people and programs outside. It is part of
// the management API (the "code" of a problem document) and never changes its
// meaning.
type Code string

// The codes an Error can carry.
const (
	CodeInvalid         Code = "invalid"               // the input is wrong; Fields says where
	CodeUnauthenticated Code = "unauthenticated"       // no token, or none we know
	CodeForbidden       Code = "forbidden"             // known, but not allowed
	CodeNotFound        Code = "not_found"             // no such object, or not visible to the caller
	CodeConflict        Code = "conflict"              // the object is not in the state the request assumes
	CodePrecondition    Code = "precondition_required" // the request must say which version it is based on
	CodeTooLarge        Code = "too_large"             // body over the limit
	CodeUnsupportedType Code = "unsupported_type"      // content type other than JSON
	CodeLimited         Code = "limited"               // too many requests
	CodeUnavailable     Code = "unavailable"           // cannot be done now; try again
	CodeInternal        Code = "internal"              // our fault; logged with an id
)

// FieldError says what is wrong with one field and what to do about it. Path
// is written as in the gateway file: resources[0].health_check.interval.min.
type FieldError struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

// Error is an error meant to be shown to the caller. Any other error type that
// reaches an outer door is a CodeInternal.
type Error struct {
	Code    Code
	Message string       // one sentence for people; no secrets
	Fields  []FieldError // for CodeInvalid
	Err     error        // cause for the log; never shown

	// RetryAfter says, for CodeLimited and CodeUnavailable, when it makes sense
	// to come again; 0: soon.
	RetryAfter time.Duration
}

// Errorf makes an Error. A cause may be given with %w; it is kept for errors.Is.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// Error gives the message followed by its field errors.
func (e *Error) Error() string {
	if len(e.Fields) == 0 {
		return e.Message
	}
	parts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		parts[i] = f.Path + ": " + f.Message
	}
	return e.Message + ": " + strings.Join(parts, "; ")
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrorCode gives the code of the first Error in err's chain, CodeInternal if
// there is none, and "" for nil.
func ErrorCode(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}
