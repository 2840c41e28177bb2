package httpapi

import (
	"context"
	"net/http"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// Notification is exported because huma looks for embedded fields in no others.
type Notification struct {
	ID         int64                          `json:"id"`
	Channel    *string                        `json:"channel" doc:"Name; null for the notice of a resource itself"`
	Resource   *string                        `json:"resource" doc:"Whose own notice it is"`
	Via        dispatchapy.Via                `json:"via" enum:"email,webhook"`
	Status     dispatchapy.NotificationStatus `json:"status" enum:"pending,processing,sent,failed,dropped"`
	Kind       dispatchapy.EventKind          `json:"kind" doc:"Of its latest event" example:"resource.down"`
	Severity   dispatchapy.Severity           `json:"severity" enum:"critical,warning,info" doc:"The highest of its events"`
	Events     int                            `json:"events" doc:"How many it tells of"`
	Title      string                         `json:"title" doc:"What was sent, in a line; empty before the first attempt"`
	Attempts   int                            `json:"attempts"`
	LastError  *string                        `json:"last_error" doc:"Why it was not sent, or not to everybody, or why it waits"`
	CreatedAt  timestamp                      `json:"created_at"`
	RunAt      *timestamp                     `json:"run_at" nullable:"true" doc:"When it is due; null if it is finished"`
	FinishedAt *timestamp                     `json:"finished_at" nullable:"true"`
}

type notificationDetail struct {
	Notification
	Told []event `json:"told" doc:"The events that it tells of, oldest first, at most 100"`
}

// told is what has become of telling people of an event.
type told struct {
	NotificationID int64                          `json:"notification_id"`
	Channel        *string                        `json:"channel" doc:"Name; null for the notice of the resource itself"`
	Via            dispatchapy.Via                `json:"via" enum:"email,webhook"`
	Status         dispatchapy.NotificationStatus `json:"status" enum:"pending,processing,sent,failed,dropped"`
	At             *timestamp                     `json:"at" nullable:"true" doc:"When it was finished"`
	Error          *string                        `json:"error"`
}

func (a *api) registerNotifications() {
	type input struct {
		Status   []string `query:"status" doc:"pending, processing, sent, failed, dropped; several with commas"`
		Channel  string   `query:"channel" doc:"Name"`
		Resource string   `query:"resource" doc:"Name of a resource: its own notice"`
		Incident int64    `query:"incident" minimum:"1" doc:"Id"`
		Paging
	}
	register(a, operation(http.MethodGet, "/v1/notifications", "list-notifications", "notifications", "List what people were told, or are to be, newest first"),
		func(ctx context.Context, p dispatchapy.Principal, in *input) (*answer[list[Notification]], error) {
			found, err := a.service.ListNotifications(ctx, p, service.NotificationFilter{
				Statuses: splitWords(in.Status), Channel: in.Channel, Resource: in.Resource, Incident: in.Incident,
			}, in.request())
			return page(found, newNotification), err
		})
	register(a, operation(http.MethodGet, "/v1/notifications/{id}", "get-notification", "notifications", "Show a notification with the events that it tells of"),
		func(ctx context.Context, p dispatchapy.Principal, in *ByID) (*answer[notificationDetail], error) {
			return notificationAnswer(a.service.Notification(ctx, p, in.ID))
		})
	register(a, operation(http.MethodPost, "/v1/notifications/{id}/retry", "retry-notification", "notifications", "Send a notification at once that waits, has failed or was dropped"),
		func(ctx context.Context, p dispatchapy.Principal, in *ByID) (*answer[notificationDetail], error) {
			if _, err := a.service.RetryNotification(ctx, p, in.ID); err != nil {
				return nil, err
			}
			return notificationAnswer(a.service.Notification(ctx, p, in.ID))
		})
}

func notificationAnswer(n service.Notification, err error) (*answer[notificationDetail], error) {
	out := notificationDetail{Notification: newNotification(&n), Told: make([]event, len(n.Told))}
	for i := range n.Told {
		out.Told[i] = newEvent(&n.Told[i])
	}
	return &answer[notificationDetail]{out}, err
}

func newNotification(n *service.Notification) Notification {
	return Notification{
		ID: n.ID, Channel: optional(n.Channel.Name), Resource: optional(n.Resource), Via: n.Channel.Via, Status: n.Status,
		Kind: n.Kind, Severity: n.Severity, Events: n.Events, Title: n.Title, Attempts: n.Attempts, LastError: optional(n.LastError),
		CreatedAt: timestamp(n.CreatedAt), RunAt: optionalTime(n.RunAt), FinishedAt: optionalTime(n.FinishedAt),
	}
}

func newTold(list []service.Told) []told {
	out := make([]told, len(list))
	for i, t := range list {
		out[i] = told{
			NotificationID: t.NotificationID, Channel: optional(t.Channel.Name), Via: t.Channel.Via, Status: t.Status, At: optionalTime(t.At), Error: optional(t.Error),
		}
	}
	return out
}
