package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

type trialInput struct {
	ByID
	Body struct {
		Payload  json.RawMessage `json:"payload,omitempty" doc:"As the resource gets it"`
		Endpoint string          `json:"endpoint,omitempty" doc:"Instead of payload: the path at which source comes in"`
		Source   json.RawMessage `json:"source,omitempty" doc:"As it would be sent to /api/{path}; it is shaped as usual"`
		Client   string          `json:"client,omitempty" doc:"Name of who sends source"`
	}
}

// trial is a test request and how it ended.
type trial struct {
	Overrides  []firedRule                `json:"overrides" doc:"Development rules that were applied to source"`
	Request    shownRequest               `json:"request"`
	Response   *trialResponse             `json:"response,omitempty" doc:"Absent if no answer was received"`
	Outcome    dispatchapy.AttemptOutcome `json:"outcome" enum:"success,failed,refused"`
	Error      *dispatchapy.ErrorClass    `json:"error"`
	Detail     string                     `json:"detail"`
	StartedAt  timestamp                  `json:"started_at"`
	DurationMS float64                    `json:"duration_ms"`
	Timing     timing                     `json:"timing" doc:"Parts of the duration; 0 where a part did not happen"`
}

type trialResponse struct {
	StatusCode int               `json:"status_code"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body" doc:"Decompressed, up to a limit"`
}

func (a *api) registerTrial() {
	op := operation(http.MethodPost, "/v1/resources/{id}/test", "test-resource", "resources", "Send one real request to a resource")
	op.Description = "Whether it is switched on or not. It counts neither for its health nor for its limits, and is noted in the audit log without its content."
	op.MaxBodyBytes = maxTrial
	register(a, op, func(ctx context.Context, p dispatchapy.Principal, in *trialInput) (*answer[trial], error) {
		found, err := a.service.TestResource(ctx, p, in.ID, service.TrialInput{
			Payload:  in.Body.Payload,
			Endpoint: in.Body.Endpoint,
			Source:   in.Body.Source,
			Client:   in.Body.Client,
		})
		if err != nil {
			return nil, err
		}
		return &answer[trial]{newTrial(&found)}, nil
	})
}

func newTrial(t *service.Trial) trial {
	out := trial{
		Overrides:  newOverrides(t.Overrides),
		Request:    *newShownRequest(&t.Request),
		Outcome:    t.Answer.Outcome,
		Error:      optional(t.Answer.Error),
		Detail:     t.Answer.Detail,
		StartedAt:  timestamp(t.Answer.StartedAt),
		DurationMS: milliseconds(t.Answer.Duration),
		Timing:     newTiming(t.Answer.Timing),
	}
	if t.Answer.StatusCode > 0 {
		out.Response = &trialResponse{
			StatusCode: t.Answer.StatusCode,
			Headers:    t.Header,
			Body:       strings.ToValidUTF8(string(t.Answer.Body), "\uFFFD"),
		}
	}
	return out
}
