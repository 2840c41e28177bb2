package httpapi

import (
	"context"
	"net/http"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

type event struct {
	ID       int64                 `json:"id"`
	Kind     dispatchapy.EventKind `json:"kind" example:"resource.down"`
	At       timestamp             `json:"at"`
	Resource *string               `json:"resource"`
	Endpoint *string               `json:"endpoint" doc:"Path"`
	TaskID   *int64                `json:"task_id"`
	Incident *int64                `json:"incident_id" doc:"That it opened, closed or belongs to"`
	Detail   string                `json:"detail"`
	Told     []told                `json:"told" doc:"Who was told of it, or is to be"`
}

func (a *api) registerEvents() {
	a.registerAudit()
	type input struct {
		Kind     []string  `query:"kind" doc:"Like resource.down; several with commas"`
		Resource string    `query:"resource" doc:"Name"`
		Endpoint string    `query:"endpoint" doc:"Path"`
		Incident int64     `query:"incident" minimum:"1" doc:"Id"`
		Since    time.Time `query:"since" doc:"At or after"`
		Until    time.Time `query:"until" doc:"Before"`
		Paging
	}
	register(a, operation(http.MethodGet, "/v1/events", "list-events", "events", "List events, newest first"),
		func(ctx context.Context, p dispatchapy.Principal, in *input) (*answer[list[event]], error) {
			filter := service.EventFilter{
				Kinds: splitWords(in.Kind), Resource: in.Resource, Endpoint: in.Endpoint, Incident: in.Incident,
				Since: in.Since, Until: in.Until,
			}
			found, err := a.service.ListEvents(ctx, p, filter, in.request())
			return page(found, newEvent), err
		})
}

func newEvent(e *service.Event) event {
	return event{
		ID:       e.ID,
		Kind:     e.Kind,
		At:       timestamp(e.At),
		Resource: optional(e.Resource),
		Endpoint: optional(e.Endpoint),
		TaskID:   optional(e.TaskID),
		Incident: optional(e.IncidentID),
		Detail:   e.Detail,
		Told:     newTold(e.Told),
	}
}
