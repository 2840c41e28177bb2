package httpapi

import (
	"context"
	"net/http"
	"reflect"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/service"
)

// Resource is a resource with its health. Header values are secrets and are
// masked; a client gets no more than id, name, active and health.
type Resource struct {
	ID             int64                         `json:"id"`
	Version        int64                         `json:"version"`
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
	Maintenance    []dispatchapy.Maintenance     `json:"maintenance,omitempty" doc:"Planned"`
	Notify         *dispatchapy.Notify           `json:"notify,omitempty" doc:"Header values are masked"`
	Alerts         *dispatchapy.ResourceAlerts   `json:"alerts,omitempty" doc:"Instead of the settings' rules"`
	Health         health                        `json:"health"`
}

type health struct {
	State     dispatchapy.HealthState `json:"state" enum:"unknown,up,down"`
	Since     *timestamp              `json:"since" nullable:"true" doc:"When the state was entered"`
	CheckedAt *timestamp              `json:"checked_at" nullable:"true" doc:"When it was checked last"`
	Flapping  bool                    `json:"flapping" doc:"It changes between up and down too often to tell people each time"`
	Failures  int                     `json:"consecutive_failures"`
	Successes int                     `json:"consecutive_successes"`
	Planned   *planned                `json:"maintenance,omitempty" doc:"That it is in: it gets no traffic and no checks"`
}

// planned is a window of maintenance.
type planned struct {
	From  timestamp `json:"from"`
	Until timestamp `json:"until"`
	Note  string    `json:"note"`
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
	By         *string                 `json:"by" doc:"Who asked; null for a check that was due, and for clients"`
	OK         bool                    `json:"ok"`
	StatusCode *int                    `json:"status_code"`
	Error      *dispatchapy.ErrorClass `json:"error"`
	Detail     string                  `json:"detail"`
	DurationMS float64                 `json:"duration_ms"`
	State      dispatchapy.HealthState `json:"state" enum:"unknown,up,down" doc:"Of the resource after this check"`
	Told       []told                  `json:"told,omitempty" doc:"Who was told of what it caused, or is to be; not for clients"`
}

func (a *api) registerResources() {
	register(a, operation(http.MethodGet, "/v1/resources", "list-resources", "resources", "List resources with their health, by name"),
		func(ctx context.Context, p dispatchapy.Principal, in *NamePaging) (*answer[list[Resource]], error) {
			found, err := a.service.ListResources(ctx, p, in.request())
			return page(found, newResource), err
		})
	registerNoun(a, a.resourceNoun(), a.inputs(reflect.TypeFor[dispatchapy.Resource](), "A resource as in the gateway file", nil))
	type historyInput struct {
		ByID
		Paging
	}
	register(a, operation(http.MethodGet, "/v1/resources/{id}/health", "list-checks", "resources", "List a resource's health checks, newest first"),
		func(ctx context.Context, p dispatchapy.Principal, in *historyInput) (*answer[list[check]], error) {
			found, err := a.service.ListChecks(ctx, p, in.ID, in.request())
			return page(found, newToldCheck), err
		})
	register(a, operation(http.MethodPost, "/v1/resources/{id}/check", "check-resource", "resources", "Check a resource's health now"),
		func(ctx context.Context, p dispatchapy.Principal, in *ByID) (*answer[check], error) {
			found, err := a.service.CheckResource(ctx, p, in.ID)
			return &answer[check]{newCheck(&found)}, err
		})
}

func (a *api) resourceNoun() *noun[resourceDetail] {
	written := func(r service.Resource, err error) (resourceDetail, error) { return newResourceDetail(&r), err }
	return &noun[resourceDetail]{
		path: "/v1/resources", name: "resource", tag: "resources",
		get: func(ctx context.Context, p dispatchapy.Principal, id int64) (resourceDetail, error) {
			return written(a.service.Resource(ctx, p, id))
		},
		create: func(ctx context.Context, p dispatchapy.Principal, b *objectBody) (resourceDetail, error) {
			var r dispatchapy.Resource
			if err := gatewayfile.Decode(b.Object, &r); err != nil {
				return resourceDetail{}, err
			}
			return written(a.service.CreateResource(ctx, p, &r))
		},
		replace: func(ctx context.Context, p dispatchapy.Principal, id int64, b *objectBody) (resourceDetail, error) {
			return written(a.service.UpdateResource(ctx, p, id, b.expect, func(r *dispatchapy.Resource) error {
				*r = dispatchapy.Resource{}
				return gatewayfile.Decode(b.Object, r)
			}))
		},
		merge: func(ctx context.Context, p dispatchapy.Principal, id int64, b *objectBody) (resourceDetail, error) {
			return written(a.service.UpdateResource(ctx, p, id, b.expect, func(r *dispatchapy.Resource) error {
				return gatewayfile.Merge(b.Object, r)
			}))
		},
		duplicate: func(ctx context.Context, p dispatchapy.Principal, id int64) (resourceDetail, error) {
			return written(a.service.DuplicateResource(ctx, p, id))
		},
		impact: a.service.ResourceImpact,
		remove: a.service.DeleteResource,
		shown:  []string{"health", "last_check"},
	}
}

func (r resourceDetail) identity() (id, version int64) { return r.ID, r.Version }

func newResourceDetail(r *service.Resource) resourceDetail {
	out := resourceDetail{Resource: newResource(r)}
	if r.LastCheck != nil {
		last := newCheck(r.LastCheck)
		out.LastCheck = &last
	}
	return out
}

func newResource(r *service.Resource) Resource {
	out := Resource{
		ID:             r.ID,
		Version:        r.Version,
		Name:           r.Name,
		Active:         r.IsActive(),
		URL:            r.URL,
		Method:         r.Method,
		Headers:        r.Headers,
		RequiredParams: r.RequiredParams,
		Timeout:        r.Timeout,
		Concurrency:    r.Concurrency,
		RateLimit:      r.RateLimit,
		Maintenance:    r.Maintenance,
		Notify:         r.Notify,
		Alerts:         r.Alerts,
		Health:         newHealth(&r.Health, r.Planned),
	}
	if r.HealthCheck.Method != "" {
		out.HealthCheck = &r.HealthCheck
	}
	return out
}

func newHealth(h *dispatchapy.Health, window *dispatchapy.Window) health {
	out := health{
		State:     h.State,
		Since:     optionalTime(h.Since),
		CheckedAt: optionalTime(h.CheckedAt),
		Flapping:  h.Flapping,
		Failures:  h.Failures,
		Successes: h.Successes,
	}
	if window != nil {
		out.Planned = &planned{From: timestamp(window.From), Until: timestamp(window.Until), Note: window.Note}
	}
	return out
}

func newToldCheck(c *service.Check) check {
	out := newCheck(&c.Check)
	out.Told = newTold(c.Told)
	return out
}

func newCheck(c *dispatchapy.Check) check {
	return check{
		ID:         c.ID,
		At:         timestamp(c.At),
		Method:     c.Method,
		Manual:     c.Manual,
		By:         optional(c.By),
		OK:         c.OK,
		StatusCode: optional(c.StatusCode),
		Error:      optional(c.Error),
		Detail:     c.Detail,
		DurationMS: milliseconds(c.Duration),
		State:      c.State,
	}
}
