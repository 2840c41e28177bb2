package httpapi

import (
	"context"
	"net/http"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

type auditEntry struct {
	ID       int64     `json:"id"`
	At       timestamp `json:"at"`
	By       string    `json:"by"`
	Action   string    `json:"action" example:"update"`
	Kind     *string   `json:"kind" doc:"Of the object, null if it is not about one" example:"resource"`
	ObjectID *int64    `json:"object_id"`
	Name     *string   `json:"name" doc:"Of the object"`
	Version  *int64    `json:"version" doc:"Of the configuration that the change made, null if it made none"`
	Detail   string    `json:"detail" doc:"The keys that changed, or more in words"`
	Before   object    `json:"before" nullable:"true" doc:"As in the gateway file, secrets masked; null if there was nothing"`
	After    object    `json:"after" nullable:"true" doc:"As in the gateway file, secrets masked; null if there is nothing any more"`
}

func (a *api) registerAudit() {
	type input struct {
		By     string    `query:"by" maxLength:"200" doc:"Who did it"`
		Kind   string    `query:"kind" enum:"settings,resource,endpoint,client,user,token,notification" doc:"Kind of the object"`
		Object int64     `query:"object" minimum:"1" doc:"Id of the object"`
		Since  time.Time `query:"since" doc:"At or after"`
		Until  time.Time `query:"until" doc:"Before"`
		Paging
	}
	op := operation(http.MethodGet, "/v1/audit", "list-audit", "events", "List who changed what, newest first")
	op.Description = "Changes of the configuration, and what people did besides. Alerts are in /v1/events."
	register(a, op, func(ctx context.Context, p dispatchapy.Principal, in *input) (*answer[list[auditEntry]], error) {
		filter := service.AuditFilter{By: in.By, Kind: in.Kind, Object: in.Object, Since: in.Since, Until: in.Until}
		found, err := a.service.ListAudit(ctx, p, filter, in.request())
		return page(found, newAuditEntry), err
	})
}

func newAuditEntry(e *service.AuditEntry) auditEntry {
	return auditEntry{
		ID:       e.ID,
		At:       timestamp(e.At),
		By:       e.By,
		Action:   e.Action,
		Kind:     optional(string(e.Kind)),
		ObjectID: optional(e.ObjectID),
		Name:     optional(e.Name),
		Version:  optional(e.Version),
		Detail:   e.Detail,
		Before:   payload(e.Before),
		After:    payload(e.After),
	}
}
