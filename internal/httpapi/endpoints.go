package httpapi

import (
	"context"
	"net/http"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// endpoint is an endpoint with its readiness. A client gets no mapping, retry
// policy or development mode, and of the clients only itself.
type endpoint struct {
	ID             int64                          `json:"id"`
	Path           string                         `json:"path"`
	Description    string                         `json:"description"`
	Active         bool                           `json:"active"`
	Readiness      string                         `json:"readiness" doc:"Ready, or what is missing" example:"Ready"`
	RequiredParams []string                       `json:"required_params"`
	MaxBody        int64                          `json:"max_body" doc:"Bytes"`
	Resources      []string                       `json:"resources" doc:"In failover order"`
	Clients        []string                       `json:"clients"`
	Mapping        map[string]dispatchapy.Mapping `json:"mapping,omitempty" doc:"By resource"`
	Retry          *dispatchapy.RetryOverride     `json:"retry,omitempty"`
	Dev            *dispatchapy.EndpointDev       `json:"dev,omitempty"`
}

func (a *api) registerEndpoints() {
	register(a, operation(http.MethodGet, "/v1/endpoints", "list-endpoints", "endpoints", "List endpoints with their readiness, by path"),
		func(ctx context.Context, p dispatchapy.Principal, in *Paging) (*answer[list[endpoint]], error) {
			found, err := a.service.ListEndpoints(ctx, p, in.request())
			return page(found, func(e *service.Endpoint) endpoint { return newEndpoint(e, p.IsStaff()) }), err
		})
}

func newEndpoint(e *service.Endpoint, whole bool) endpoint {
	out := endpoint{
		ID:             e.ID,
		Path:           e.Path,
		Description:    e.Description,
		Active:         e.IsActive(),
		Readiness:      e.Readiness,
		RequiredParams: emptyIfNil(e.RequiredParams),
		MaxBody:        e.MaxBody,
		Resources:      emptyIfNil(e.Resources),
		Clients:        emptyIfNil(e.Clients),
		Mapping:        e.Mapping,
		Retry:          e.Retry,
	}
	if whole {
		out.Dev = &e.Dev
	}
	return out
}
