package httpapi

import (
	"context"
	"net/http"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// Resource is a resource with its health. Header values are secrets and are
// masked; a client gets no more than id, name, active and health.
type Resource struct {
	ID             int64                         `json:"id"`
	Name           string                        `json:"name"`
	Active         bool                          `json:"active"`
	URL            string                        `json:"url,omitempty"`
	Method         string                        `json:"method,omitempty"`
	Headers        map[string]dispatchapy.Secret `json:"headers,omitempty" doc:"Values are masked"`
	RequiredParams []string                      `json:"required_params,omitempty"`
	Timeout        dispatchapy.Duration          `json:"timeout,omitempty"`
	Concurrency    int                           `json:"concurrency,omitempty"`
	RateLimit      *dispatchapy.RateLimit        `json:"rate_limit,omitempty"`
	HealthCheck    *dispatchapy.HealthCheck      `json:"health_check,omitempty"`
	Health         health                        `json:"health"`
}

type health struct {
	State     dispatchapy.HealthState `json:"state" enum:"unknown,up,down"`
	Since     *timestamp              `json:"since" nullable:"true" doc:"When the state was entered"`
	CheckedAt *timestamp              `json:"checked_at" nullable:"true" doc:"When it was checked last"`
	Failures  int                     `json:"consecutive_failures"`
	Successes int                     `json:"consecutive_successes"`
}

// resourceDetail is a resource with its latest check.
type resourceDetail struct {
	Resource
	LastCheck *check `json:"last_check,omitempty"`
}

type check struct {
	ID         int64                   `json:"id"`
	At         timestamp               `json:"at"`
	Method     dispatchapy.CheckMethod `json:"method" enum:"simple,actual"`
	Manual     bool                    `json:"manual" doc:"A person asked for it"`
	OK         bool                    `json:"ok"`
	StatusCode *int                    `json:"status_code"`
	Error      *dispatchapy.ErrorClass `json:"error"`
	Detail     string                  `json:"detail"`
	DurationMS float64                 `json:"duration_ms"`
	State      dispatchapy.HealthState `json:"state" enum:"unknown,up,down" doc:"Of the resource after this check"`
}

func (a *api) registerResources() {
	register(a, operation(http.MethodGet, "/v1/resources", "list-resources", "resources", "List resources with their health, by name"),
		func(ctx context.Context, p dispatchapy.Principal, in *Paging) (*answer[list[Resource]], error) {
			found, err := a.service.ListResources(ctx, p, in.request())
			return page(found, newResource), err
		})
	register(a, operation(http.MethodGet, "/v1/resources/{id}", "get-resource", "resources", "Get a resource with its latest check"),
		func(ctx context.Context, p dispatchapy.Principal, in *ByID) (*answer[resourceDetail], error) {
			found, err := a.service.Resource(ctx, p, in.ID)
			body := resourceDetail{Resource: newResource(&found)}
			if found.LastCheck != nil {
				last := newCheck(found.LastCheck)
				body.LastCheck = &last
			}
			return &answer[resourceDetail]{body}, err
		})
	type historyInput struct {
		ByID
		Paging
	}
	register(a, operation(http.MethodGet, "/v1/resources/{id}/health", "list-checks", "resources", "List a resource's health checks, newest first"),
		func(ctx context.Context, p dispatchapy.Principal, in *historyInput) (*answer[list[check]], error) {
			found, err := a.service.ListChecks(ctx, p, in.ID, in.request())
			return page(found, newCheck), err
		})
	register(a, operation(http.MethodPost, "/v1/resources/{id}/check", "check-resource", "resources", "Check a resource's health now"),
		func(ctx context.Context, p dispatchapy.Principal, in *ByID) (*answer[check], error) {
			found, err := a.service.CheckResource(ctx, p, in.ID)
			return &answer[check]{newCheck(&found)}, err
		})
}

func newResource(r *service.Resource) Resource {
	out := Resource{
		ID:             r.ID,
		Name:           r.Name,
		Active:         r.IsActive(),
		URL:            r.URL,
		Method:         r.Method,
		Headers:        masked(r.Headers),
		RequiredParams: r.RequiredParams,
		Timeout:        r.Timeout,
		Concurrency:    r.Concurrency,
		RateLimit:      r.RateLimit,
		Health: health{
			State:     r.Health.State,
			Since:     optionalTime(r.Health.Since),
			CheckedAt: optionalTime(r.Health.CheckedAt),
			Failures:  r.Health.Failures,
			Successes: r.Health.Successes,
		},
	}
	if r.HealthCheck.Method != "" {
		out.HealthCheck = &r.HealthCheck
	}
	return out
}

func newCheck(c *dispatchapy.Check) check {
	return check{
		ID:         c.ID,
		At:         timestamp(c.At),
		Method:     c.Method,
		Manual:     c.Manual,
		OK:         c.OK,
		StatusCode: optional(c.StatusCode),
		Error:      optional(c.Error),
		Detail:     c.Detail,
		DurationMS: milliseconds(c.Duration),
		State:      c.State,
	}
}

// masked keeps the names of headers and hides their values.
func masked(headers map[string]dispatchapy.Secret) map[string]dispatchapy.Secret {
	out := make(map[string]dispatchapy.Secret, len(headers))
	for name, value := range headers {
		out[name] = dispatchapy.Secret(value.String())
	}
	return out
}
