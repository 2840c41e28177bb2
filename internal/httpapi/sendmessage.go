package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"dispatchapy"
	"dispatchapy/internal/service"
)

type sendInput struct {
	ByID
	IdempotencyKey string `header:"Idempotency-Key" doc:"A repeat with the same key within 24 hours gives the same task and sends nothing, as for the intake"`
	Body           struct {
		Client  string          `json:"client,omitempty" doc:"In whose name it is sent; a client sends as itself and leaves it out"`
		Payload json.RawMessage `json:"payload" doc:"As it would be posted to /api/{path}"`
	}
}

func (a *api) registerSend() {
	type output struct {
		Location string `header:"Location"`
		Body     taskDetail
	}
	op := operation(http.MethodPost, "/v1/endpoints/{id}/send", "send-message", "endpoints", "Send a message in the name of a client")
	op.Description = "It passes the checks of the intake and is sent at once, without the delay of the settings. What staff sends is noted in the audit log."
	op.DefaultStatus = http.StatusCreated
	op.MaxBodyBytes = maxTrial
	register(a, op, func(ctx context.Context, p dispatchapy.Principal, in *sendInput) (*output, error) {
		receipt, err := a.service.SendMessage(ctx, p, in.ID, service.SendInput{
			Client: in.Body.Client, Payload: in.Body.Payload, IdempotencyKey: in.IdempotencyKey,
		})
		if err != nil {
			return nil, err
		}
		created, err := a.service.Task(ctx, p, receipt.TaskID)
		if err != nil {
			return nil, err
		}
		return &output{Location: fmt.Sprintf("/v1/tasks/%d", created.ID), Body: newTaskDetail(&created)}, nil
	})
}
