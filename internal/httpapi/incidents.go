package httpapi

import (
	"context"
	"net/http"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// Incident is exported because huma looks for embedded fields in no others.
type Incident struct {
	ID             int64                 `json:"id"`
	Kind           dispatchapy.EventKind `json:"kind" doc:"Of the event that opened it" example:"resource.down"`
	Resource       *string               `json:"resource" doc:"Null if it is not about one"`
	Endpoint       *string               `json:"endpoint" doc:"Path; null if it is not about one"`
	Open           bool                  `json:"open"`
	OpenedAt       timestamp             `json:"opened_at"`
	ClosedAt       *timestamp            `json:"closed_at" nullable:"true"`
	DurationMS     int64                 `json:"duration_ms" doc:"Up to now while it is open"`
	Cause          string                `json:"cause"`
	AcknowledgedBy *string               `json:"acknowledged_by"`
	AcknowledgedAt *timestamp            `json:"acknowledged_at" nullable:"true"`
	Note           string                `json:"note" doc:"The latest one"`
}

type incidentDetail struct {
	Incident
	Timeline []incidentEntry `json:"timeline" doc:"Oldest first"`
}

type incidentEntry struct {
	ID         int64                 `json:"id"`
	Kind       dispatchapy.EntryKind `json:"kind" enum:"opened,failed_checks,failed_attempts,flapping,reminder,maintenance,acknowledged,note,notified,closed"`
	At         timestamp             `json:"at"`
	LastAt     timestamp             `json:"last_at" doc:"Of the last one, where count is greater than 1"`
	Count      int                   `json:"count" doc:"How many this entry stands for"`
	By         *string               `json:"by" doc:"Null for the gateway itself"`
	Detail     string                `json:"detail"`
	LastDetail string                `json:"last_detail" doc:"Of the last one"`
	TaskID     *int64                `json:"task_id" doc:"Whose attempt it was"`
}

// noteBody is what a person says about an incident.
type noteBody struct {
	Note string `json:"note" maxLength:"8000"`
}

func (a *api) registerIncidents() {
	type input struct {
		Kind     []string  `query:"kind" doc:"Of the event that opened it, like resource.down; several with commas"`
		Resource string    `query:"resource" doc:"Name"`
		Endpoint string    `query:"endpoint" doc:"Path"`
		Open     string    `query:"open" enum:"true,false" doc:"Both if left out"`
		Since    time.Time `query:"since" doc:"Open at or after"`
		Until    time.Time `query:"until" doc:"Opened before"`
		Paging
	}
	register(a, operation(http.MethodGet, "/v1/incidents", "list-incidents", "incidents", "List incidents, newest first"),
		func(ctx context.Context, p dispatchapy.Principal, in *input) (*answer[list[Incident]], error) {
			filter := service.IncidentFilter{Kinds: splitWords(in.Kind), Resource: in.Resource, Endpoint: in.Endpoint, Since: in.Since, Until: in.Until}
			if in.Open != "" {
				open := in.Open == "true"
				filter.Open = &open
			}
			found, err := a.service.ListIncidents(ctx, p, filter, in.request())
			return page(found, newIncident), err
		})
	register(a, operation(http.MethodGet, "/v1/incidents/{id}", "get-incident", "incidents", "Show an incident with its timeline"),
		func(ctx context.Context, p dispatchapy.Principal, in *ByID) (*answer[incidentDetail], error) {
			return incidentAnswer(a.service.Incident(ctx, p, in.ID))
		})
	type acknowledgement struct {
		ByID
		Body *noteBody
	}
	register(a, operation(http.MethodPost, "/v1/incidents/{id}/acknowledge", "acknowledge-incident", "incidents", "Take an open incident on"),
		func(ctx context.Context, p dispatchapy.Principal, in *acknowledgement) (*answer[incidentDetail], error) {
			note := ""
			if in.Body != nil {
				note = in.Body.Note
			}
			return a.annotated(ctx, p, in.ID, func() error {
				_, err := a.service.AcknowledgeIncident(ctx, p, in.ID, note)
				return err
			})
		})
	type note struct {
		ByID
		Body noteBody
	}
	register(a, operation(http.MethodPost, "/v1/incidents/{id}/note", "note-incident", "incidents", "Add a note to an incident"),
		func(ctx context.Context, p dispatchapy.Principal, in *note) (*answer[incidentDetail], error) {
			return a.annotated(ctx, p, in.ID, func() error {
				_, err := a.service.NoteIncident(ctx, p, in.ID, in.Body.Note)
				return err
			})
		})
}

// annotated answers a change of an incident with its timeline.
func (a *api) annotated(ctx context.Context, p dispatchapy.Principal, id int64, change func() error) (*answer[incidentDetail], error) {
	if err := change(); err != nil {
		return nil, err
	}
	return incidentAnswer(a.service.Incident(ctx, p, id))
}

func incidentAnswer(i service.Incident, err error) (*answer[incidentDetail], error) {
	out := incidentDetail{Incident: newIncident(&i), Timeline: make([]incidentEntry, len(i.Timeline))}
	for n := range i.Timeline {
		e := &i.Timeline[n]
		out.Timeline[n] = incidentEntry{
			ID: e.ID, Kind: e.Kind, At: timestamp(e.At), LastAt: timestamp(e.LastAt), Count: e.Count,
			By: optional(e.By), Detail: e.Detail, LastDetail: e.LastDetail, TaskID: optional(e.TaskID),
		}
	}
	return &answer[incidentDetail]{out}, err
}

func newIncident(i *service.Incident) Incident {
	end := i.ClosedAt
	if i.IsOpen() {
		end = time.Now()
	}
	return Incident{
		ID: i.ID, Kind: i.Kind, Resource: optional(i.Resource), Endpoint: optional(i.Endpoint),
		Open: i.IsOpen(), OpenedAt: timestamp(i.OpenedAt), ClosedAt: optionalTime(i.ClosedAt),
		DurationMS: max(end.Sub(i.OpenedAt), 0).Milliseconds(), Cause: i.Cause,
		AcknowledgedBy: optional(i.AcknowledgedBy), AcknowledgedAt: optionalTime(i.AcknowledgedAt), Note: i.Note,
	}
}
