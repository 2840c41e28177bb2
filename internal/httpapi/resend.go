package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"dispatchapy"
	"dispatchapy/internal/service"
)

type resendInput struct {
	ByID
	Body struct {
		Payload  json.RawMessage `json:"payload,omitempty" doc:"Instead of the task's source payload"`
		Resource string          `json:"resource,omitempty" doc:"The only resource to go to, unless the new task is retried"`
		Confirm  bool            `json:"confirm,omitempty" doc:"Needed for a task that was delivered, is pending or was sent again already"`
	}
}

func (a *api) registerResend() {
	type output struct {
		Location string `header:"Location"`
		Body     taskDetail
	}
	op := operation(http.MethodPost, "/v1/tasks/{id}/resend", "resend-task", "tasks", "Make a new task of a task, edited or as it was")
	op.Description = "The message passes the checks of the intake. The task itself stays as it is; one that is held is stopped, and the new one goes out in its place."
	op.DefaultStatus = http.StatusCreated
	op.MaxBodyBytes = maxTrial
	register(a, op, func(ctx context.Context, p dispatchapy.Principal, in *resendInput) (*output, error) {
		created, err := a.service.ResendTask(ctx, p, in.ID, service.ResendInput{
			Payload:  in.Body.Payload,
			Resource: in.Body.Resource,
			Confirm:  in.Body.Confirm,
		})
		if err != nil {
			return nil, err
		}
		return &output{Location: fmt.Sprintf("/v1/tasks/%d", created.ID), Body: newTaskDetail(created)}, nil
	})
}
