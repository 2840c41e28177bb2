package httpapi

import (
	"context"
	"errors"
	"net/http"
	"reflect"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/service"
)

// alertTest is how the test of a channel ended.
type alertTest struct {
	OK         bool    `json:"ok"`
	To         string  `json:"to" doc:"Whom or where it was sent"`
	Title      string  `json:"title" doc:"What was sent, in a line"`
	Detail     string  `json:"detail" doc:"What whoever took or refused it said"`
	DurationMS float64 `json:"duration_ms"`
}

// alertTemplates are channels that are ready to be filled in.
type alertTemplates struct {
	Items        []alertTemplate `json:"items"`
	Placeholders []string        `json:"placeholders" doc:"What texts of notices may contain, in braces"`
}

type alertTemplate struct {
	Name    string `json:"name" doc:"Of the service"`
	Note    string `json:"note" doc:"Where to find what has to be filled in"`
	Channel object `json:"channel" doc:"As in the settings, without a name"`
}

func (a *api) registerAlerts() {
	register(a, operation(http.MethodGet, "/v1/alerts/templates", "list-alert-templates", "alerts", "Channels for well-known services, to be filled in"),
		func(ctx context.Context, p dispatchapy.Principal, _ *struct{}) (*answer[alertTemplates], error) {
			all, placeholders, err := a.service.AlertTemplates(ctx, p)
			if err != nil {
				return nil, err
			}
			out := alertTemplates{Items: make([]alertTemplate, len(all)), Placeholders: placeholders}
			for i, t := range all {
				out.Items[i] = alertTemplate{Name: t.Name, Note: t.Note, Channel: object(t.Channel)}
			}
			return &answer[alertTemplates]{out}, nil
		})
	body := a.bareInputs(reflect.TypeFor[alertTestBody](), "The channel as in the settings; masked secrets stand for those of the saved channel of this name", nil)
	op := objectOperation(http.MethodPost, "/v1/alerts/test", "test-alert", "alerts", "Send a test message through a channel that need not be saved", body)
	op.Description = "Sends one real message, marked as a test. Takes 20 seconds at most. It is noted in the audit log."
	register(a, op, func(ctx context.Context, p dispatchapy.Principal, in *JSONBody) (*answer[alertTest], error) {
		asked, err := in.alertTest()
		if err != nil {
			return nil, err
		}
		found, err := a.service.TestAlert(ctx, p, asked)
		if err != nil {
			return nil, err
		}
		return &answer[alertTest]{alertTest{OK: found.OK, To: found.To, Title: found.Title, Detail: found.Detail, DurationMS: milliseconds(found.Duration)}}, nil
	})
	op.RequestBody.Content = body.Content
}

// alertTestBody is what a test of a channel asks for.
type alertTestBody struct {
	Channel  dispatchapy.Channel `json:"channel"`
	Resource string              `json:"resource,omitempty" doc:"Whose own notice it is; absent: a channel of the settings"`
}

// alertTest reads what is asked for as strictly as a gateway file.
func (in *JSONBody) alertTest() (out service.AlertTestInput, err error) {
	b, err := in.read("", 0, nil)
	if err != nil {
		return out, err
	}
	if err := b.take("resource", &out.Resource); err != nil {
		return out, err
	}
	channel := b.Take("channel")
	if channel == nil {
		return out, fieldFault("channel", "is missing")
	}
	if err := b.only("channel", "resource"); err != nil {
		return out, err
	}
	object, err := gatewayfile.ParseObject(channel)
	if err == nil {
		err = gatewayfile.Decode(object, &out.Channel)
	}
	if known, ok := errors.AsType[*dispatchapy.Error](err); ok {
		for i := range known.Fields {
			known.Fields[i].Path = "channel." + known.Fields[i].Path
		}
	}
	return out, err
}
