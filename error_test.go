package dispatchapy

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestErrorCode(t *testing.T) {
	own := Errorf(CodeNotFound, "no task %d", 7)
	for _, tc := range []struct {
		err  error
		want Code
	}{
		{nil, ""}, {own, CodeNotFound}, {fmt.Errorf("load: %w", own), CodeNotFound}, {io.EOF, CodeInternal}, {errors.Join(io.EOF, own), CodeNotFound},
	} {
		if got := ErrorCode(tc.err); got != tc.want {
			t.Errorf("%v has the code %q, want %q", tc.err, got, tc.want)
		}
	}
}

func TestErrorTextAndCause(t *testing.T) {
	err := Errorf(CodeUnavailable, "cannot read: %w", io.ErrUnexpectedEOF)
	if !errors.Is(err, io.ErrUnexpectedEOF) || err.Error() != "cannot read: unexpected EOF" {
		t.Errorf("got %v", err)
	}
	err = &Error{Code: CodeInvalid, Message: "not valid", Fields: []FieldError{{"a.b", "is missing"}, {"c[0]", "is odd"}}}
	if got, want := err.Error(), "not valid: a.b: is missing; c[0]: is odd"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
