package service

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"dispatchapy"
	"dispatchapy/internal/apidocs"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// SendInput is a message that a person sends by hand.
type SendInput struct {
	Client  string // the name of who sends it; a client sends as itself and leaves it out
	Payload []byte

	IdempotencyKey string // makes repeating safe, as for the intake; "": none
}

// SendMessage makes a message a task, through the checks of the intake, as if
// the client had posted it to the endpoint, but at once: without the random
// delay of the settings. What the intake would refuse is CodeInvalid with the
// field "payload".
//
// Failure policy: fail closed. What staff sends in the name of a client is not
// sent unless it can be written into the audit log.
func (s *Service) SendMessage(ctx context.Context, p dispatchapy.Principal, endpointID int64, in SendInput) (dispatchapy.Receipt, error) {
	if err := require(p, dispatchapy.ActOnTasks); err != nil {
		return dispatchapy.Receipt{}, err
	}
	sight := s.sightOf(p)
	endpoint := sight.snapshot.EndpointByID(endpointID)
	if endpoint == nil || !sight.endpoint(endpoint) {
		return dispatchapy.Receipt{}, notFound("endpoint", endpointID)
	}
	client, err := sight.senderOf(endpoint, in.Client)
	if err != nil {
		return dispatchapy.Receipt{}, err
	}
	message, status, detail := s.delivery.Judge(endpoint, client, in.Payload)
	if status != http.StatusOK {
		return dispatchapy.Receipt{}, invalid("payload", detail)
	}
	if fault := dispatchapy.IdempotencyKeyFault(in.IdempotencyKey); fault != "" && in.IdempotencyKey != "" {
		return dispatchapy.Receipt{}, invalid("idempotency_key", fault)
	}
	message.IdempotencyKey = in.IdempotencyKey
	if p.IsStaff() {
		message.Note, message.By = fmt.Sprintf("sent by %s as client %s", p.Name, client.Name), p.Name
		if err := s.noteSending(ctx, p, endpoint, client); err != nil {
			return dispatchapy.Receipt{}, err
		}
	}
	receipt, err := s.delivery.Submitter.Submit(context.WithoutCancel(ctx), message)
	return receipt, storeError(err)
}

// senderOf finds the client in whose name a message is sent to the endpoint.
func (v sight) senderOf(endpoint *routing.Endpoint, name string) (*routing.Client, error) {
	if !v.all {
		if name != "" && name != v.client.Name {
			return nil, invalid("client", "is another client: leave it out")
		}
		return v.client, nil
	}
	if name == "" {
		return nil, invalid("client", "is missing: say in whose name the message is sent")
	}
	client, err := clientNamed(v.snapshot, name)
	if err == nil && !endpoint.Allows(client) {
		return nil, invalid("client", "may not post to endpoint "+endpoint.Path)
	}
	return client, err
}

// noteSending says in the audit log who sent in whose name, but not what.
func (s *Service) noteSending(ctx context.Context, p dispatchapy.Principal, e *routing.Endpoint, c *routing.Client) error {
	return storeError(s.store.AppendAudit(ctx, []store.AuditEntry{{
		At:       time.Now(),
		By:       p.Name,
		Action:   "send",
		Kind:     store.KindEndpoint,
		ObjectID: e.ID,
		Name:     e.Path,
		Detail:   "sent a message as client " + c.Name,
	}}))
}

// ExampleMessage gives a message that the endpoint accepts, as in its
// documentation: indented JSON.
func (s *Service) ExampleMessage(_ context.Context, p dispatchapy.Principal, endpointID int64) ([]byte, error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return nil, err
	}
	sight := s.sightOf(p)
	endpoint := sight.snapshot.EndpointByID(endpointID)
	if endpoint == nil || !sight.endpoint(endpoint) {
		return nil, notFound("endpoint", endpointID)
	}
	return apidocs.Example(endpoint), nil
}
