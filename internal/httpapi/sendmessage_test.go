package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestSendMessage sends as the administrator in the name of a client, and as
// the client itself.
func TestSendMessage(t *testing.T) {
	l := newLive(t)
	path := fmt.Sprintf("/v1/endpoints/%d/send", l.endpointID("sms"))
	for _, tt := range []struct{ token, body string }{
		{"", `{"client":"shop","payload":{"ref":"r","scope":"s","phone":"62811"}}`},
		{shopToken, `{"payload":{"ref":"r","scope":"s","phone":"62811"}}`},
	} {
		var got resent
		answer := l.do(request{method: http.MethodPost, path: path, body: tt.body, token: tt.token}).want(201)
		decode(t, answer.body, &got)
		if want := fmt.Sprintf("/v1/tasks/%d", got.ID); answer.header.Get("Location") != want {
			t.Errorf("Location %q, want %s", answer.header.Get("Location"), want)
		}
		if says := got.says("sent by"); says != (tt.token == "") {
			t.Errorf("the log of %s says who sent it: %t", answer.body, says)
		}
		l.ended()
		if sent := l.primary.received(t); !strings.Contains(sent.Body, `"to":`) {
			t.Errorf("sent %s", sent.Body)
		}
	}
	for _, tt := range []struct {
		body, says string
	}{
		{`{"payload":{"ref":"r","scope":"s","phone":"1"}}`, "in whose name"},
		{`{"client":"nobody","payload":{"ref":"r","scope":"s","phone":"1"}}`, "no client of this name"},
		{`{"client":"shop","payload":{"ref":"r","scope":"s"}}`, "Missing required parameter: phone"},
	} {
		if got := l.do(request{method: http.MethodPost, path: path, body: tt.body}).want(422); !strings.Contains(got.body, tt.says) {
			t.Errorf("%s: %s, want %q", tt.body, got.body, tt.says)
		}
	}
	l.primary.nothing(t)
}

// TestSendMessageOnce repeats a request with its key, as after a timeout.
func TestSendMessageOnce(t *testing.T) {
	l := newLive(t)
	path := fmt.Sprintf("/v1/endpoints/%d/send", l.endpointID("sms"))
	send := func(key, body string, want int) (got resent) {
		t.Helper()
		answer := l.do(request{method: http.MethodPost, path: path, body: body, header: http.Header{"Idempotency-Key": {key}}}).want(want)
		if want == http.StatusCreated {
			decode(t, answer.body, &got)
		}
		return got
	}
	const body = `{"client":"shop","payload":{"ref":"r","scope":"s","phone":"1"}}`
	if first, again, other := send("a", body, 201), send("a", body, 201), send("b", body, 201); again.ID != first.ID || other.ID == first.ID {
		t.Errorf("tasks %d, %d with the same key and %d with another one", first.ID, again.ID, other.ID)
	}
	send("a", `{"client":"shop","payload":{"ref":"other","scope":"s","phone":"1"}}`, 409)
	send("\u00e9", body, 422)
}
