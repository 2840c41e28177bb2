package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// maxTrial bounds a body with a payload to try out.
const maxTrial = 4 << 20 // bytes

type previewInput struct {
	ByID
	Body struct {
		Payload   json.RawMessage                `json:"payload" doc:"As it would be sent to /api/{path}"`
		Client    string                         `json:"client,omitempty" doc:"Name of who sends it; without it no client's rules and switches apply"`
		Resources []string                       `json:"resources,omitempty" doc:"Unsaved failover order, instead of the saved one"`
		Mapping   map[string]dispatchapy.Mapping `json:"mapping,omitempty" doc:"Unsaved mapping by resource, instead of the saved one"`
		Dev       *dispatchapy.EndpointDev       `json:"dev,omitempty" doc:"Unsaved development mode, instead of the saved one"`
	}
}

// preview is what would become of a message.
type preview struct {
	Intake    previewIntake     `json:"intake"`
	Hold      *string           `json:"hold" doc:"Why the message would be held, null if it would not"`
	Overrides []firedRule       `json:"overrides" doc:"Development rules that apply, in order"`
	Payload   object            `json:"payload" nullable:"true" doc:"After the overrides, null if it cannot be read"`
	Resource  *string           `json:"resource" doc:"The first that could take the message now, null if none could"`
	Resources []previewResource `json:"resources" doc:"In failover order"`
}

type previewIntake struct {
	Status int    `json:"status" doc:"HTTP status of the answer" example:"200"`
	Result string `json:"result" enum:"queued,held,refused"`
	Detail string `json:"detail" doc:"Why it would be refused"`
}

type firedRule struct {
	By     string   `json:"by" enum:"client,endpoint" doc:"Whose rule it is"`
	Param  string   `json:"param"`
	Before anyValue `json:"before" doc:"Null if the key was absent, too"`
	After  anyValue `json:"after"`
	Text   string   `json:"text" doc:"As it will stand in the task's log"`
}

// anyValue is any JSON value, null too.
type anyValue json.RawMessage

// MarshalJSON implements json.Marshaler.
func (v anyValue) MarshalJSON() ([]byte, error) { return v, nil }

// Schema implements huma.SchemaProvider.
func (anyValue) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{
		{Type: huma.TypeString, Nullable: true},
		{Type: huma.TypeNumber},
		{Type: huma.TypeBoolean},
		{Type: huma.TypeArray, Items: &huma.Schema{}},
		{Type: huma.TypeObject, AdditionalProperties: true},
	}}
}

type previewResource struct {
	Resource  string                   `json:"resource"`
	Usable    bool                     `json:"usable"`
	Reason    *string                  `json:"reason" doc:"Why it cannot be used now, null if it can"`
	RetryInMS *float64                 `json:"retry_in_ms" doc:"When that may change by itself, null if unknown"`
	Refusal   *string                  `json:"refusal" doc:"Why the message does not fit this resource, null if it does"`
	Fields    []dispatchapy.FieldError `json:"fields,omitempty" doc:"Target keys of the refusal"`
	Request   *shownRequest            `json:"request,omitempty" doc:"What would be sent; absent with a refusal"`
}

// shownRequest is a request to a resource.
type shownRequest struct {
	Method          string            `json:"method"`
	URL             string            `json:"url"`
	Headers         map[string]string `json:"headers" doc:"Secrets are masked"`
	Body            string            `json:"body" doc:"Exactly what is sent, but for what is volatile"`
	Volatile        []string          `json:"volatile" doc:"Keys of the body whose values differ from task to task or attempt to attempt"`
	VolatileHeaders []string          `json:"volatile_headers" doc:"Headers whose values do so"`
}

func (a *api) registerPreview() {
	op := operation(http.MethodPost, "/v1/endpoints/{id}/preview", "preview-message", "endpoints", "Show what would become of a message, without sending it")
	op.MaxBodyBytes = maxTrial
	register(a, op, func(ctx context.Context, p dispatchapy.Principal, in *previewInput) (*answer[preview], error) {
		found, err := a.service.PreviewMessage(ctx, p, in.ID, service.PreviewInput{
			Payload:   in.Body.Payload,
			Client:    in.Body.Client,
			Resources: in.Body.Resources,
			Mapping:   in.Body.Mapping,
			Dev:       in.Body.Dev,
		})
		if err != nil {
			return nil, err
		}
		return &answer[preview]{newPreview(&found)}, nil
	})
}

func newPreview(found *service.Preview) preview {
	out := preview{
		Intake:    previewIntake{Status: found.Status, Result: "queued", Detail: found.Detail},
		Hold:      optional(found.Hold),
		Overrides: newOverrides(found.Overrides),
		Payload:   payload(found.Payload),
		Resource:  optional(found.Chosen),
		Resources: make([]previewResource, len(found.Routes)),
	}
	switch {
	case found.Status != http.StatusOK:
		out.Intake.Result = "refused"
	case found.Hold != "":
		out.Intake.Result = "held"
	}
	for i := range found.Routes {
		route := &found.Routes[i]
		out.Resources[i] = previewResource{
			Resource: route.Resource,
			Usable:   route.Reason == "",
			Reason:   optional(string(route.Reason)),
			Refusal:  optional(route.Refusal),
			Fields:   route.Fields,
			Request:  newShownRequest(route.Request),
		}
		if route.Wait > 0 {
			wait := milliseconds(route.Wait)
			out.Resources[i].RetryInMS = &wait
		}
	}
	return out
}

func newOverrides(applied []service.Override) []firedRule {
	out := make([]firedRule, len(applied))
	for i, o := range applied {
		out[i] = firedRule{By: o.Origin, Param: o.Param, Before: anyValue(payload(o.Before)), After: anyValue(payload(o.After)), Text: o.String()}
	}
	return out
}

func newShownRequest(r *service.Request) *shownRequest {
	if r == nil {
		return nil
	}
	return &shownRequest{
		Method:          r.Method,
		URL:             r.URL,
		Headers:         r.Header,
		Body:            strings.ToValidUTF8(string(r.Body), "\uFFFD"),
		Volatile:        emptyIfNil(r.Volatile),
		VolatileHeaders: emptyIfNil(r.VolatileHeaders),
	}
}
