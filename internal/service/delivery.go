package service

import (
	"context"
	"net/http"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/routing"
)

// Judge says what the intake would answer to a body, as an HTTP status with the
// text of a refusal, and makes the submission of one that it accepts. A nil
// client stands for any that may use the endpoint.
type Judge func(e *routing.Endpoint, c *routing.Client, source []byte) (s dispatchapy.Submission, status int, detail string)

// Submitter makes a message a task, as for the intake.
type Submitter interface {
	Submit(ctx context.Context, s dispatchapy.Submission) (dispatchapy.Receipt, error)
}

// Sender makes requests to resources.
type Sender interface {
	Do(ctx context.Context, t *deliver.Target, key string, body []byte) deliver.Result
	Preview(ctx context.Context, t *deliver.Target, key string, body []byte) (deliver.Preview, error)
}

// Rooms knows which resources can be used right now.
type Rooms interface {
	Room(r *routing.Resource) (room int, why routing.Reason, wait time.Duration)
}

// Delivery is the way of a message, as far as people may try it out and send
// messages themselves. All fields are needed for that.
type Delivery struct {
	Judge     Judge
	Submitter Submitter
	Sender    Sender
	Rooms     Rooms
	InFlight  func() map[int64]int // tasks being sent by this node, by endpoint
}

// Request is a request to a resource, to be shown: secrets are masked.
type Request struct {
	Method string
	URL    string
	Header map[string]string
	Body   []byte // exactly as it is sent, but for what is volatile

	Volatile        []string // target keys that differ from task to task or attempt to attempt
	VolatileHeaders []string
}

// idempotencyHeader carries a key that every task has of its own.
const idempotencyHeader = "Idempotency-Key"

// request shows the request with which a body goes to the resource.
func (s *Service) request(ctx context.Context, r *routing.Resource, key string, body []byte) (*Request, error) {
	preview, err := s.delivery.Sender.Preview(ctx, &r.Target, key, body)
	if err != nil {
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "resource %s: %w", r.Name, err)
	}
	return &Request{
		Method: preview.Method,
		URL:    dispatchapy.MaskURL(preview.URL),
		Header: maskedHeader(preview.Header, r.Headers),
		Body:   preview.Body,
	}, nil
}

// maskedHeader hides the values of the resource's own headers, and of the
// credentials that may stand in its URL.
func maskedHeader(header http.Header, own map[string]dispatchapy.Secret) map[string]string {
	secret := map[string]bool{"Authorization": true}
	for name := range own {
		secret[http.CanonicalHeaderKey(name)] = true
	}
	out := make(map[string]string, len(header))
	for name, values := range header {
		value := strings.Join(values, ", ")
		if secret[name] {
			value = dispatchapy.Secret(value).String()
		}
		out[name] = value
	}
	return out
}
