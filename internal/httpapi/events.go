package httpapi

import (
	"context"
	"net/http"

	"dispatchapy"
	"dispatchapy/internal/service"
)

type event struct {
	ID       int64                 `json:"id"`
	Kind     dispatchapy.EventKind `json:"kind" example:"resource.down"`
	At       timestamp             `json:"at"`
	Resource *string               `json:"resource"`
	TaskID   *int64                `json:"task_id"`
	Detail   string                `json:"detail"`
}

func (a *api) registerEvents() {
	a.registerAudit()
	register(a, operation(http.MethodGet, "/v1/events", "list-events", "events", "List events, newest first"),
		func(ctx context.Context, p dispatchapy.Principal, in *Paging) (*answer[list[event]], error) {
			found, err := a.service.ListEvents(ctx, p, in.request())
			return page(found, newEvent), err
		})
}

func newEvent(e *service.Event) event {
	return event{
		ID:       e.ID,
		Kind:     e.Kind,
		At:       timestamp(e.At),
		Resource: optional(e.Resource),
		TaskID:   optional(e.TaskID),
		Detail:   e.Detail,
	}
}
