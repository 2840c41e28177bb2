package httpapi

import (
	"context"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/service"
)

// endpoint is an endpoint with its readiness. A client gets no mapping, retry
// policy or development mode, and of the clients only itself.
type endpoint struct {
	ID             int64                          `json:"id"`
	Version        int64                          `json:"version"`
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
	Alerts         *dispatchapy.EndpointAlerts    `json:"alerts,omitempty" doc:"Instead of the settings' rules"`
	Dev            *dispatchapy.EndpointDev       `json:"dev,omitempty"`
}

func (a *api) registerEndpoints() {
	register(a, operation(http.MethodGet, "/v1/endpoints", "list-endpoints", "endpoints", "List endpoints with their readiness, by path"),
		func(ctx context.Context, p dispatchapy.Principal, in *NamePaging) (*answer[list[endpoint]], error) {
			found, err := a.service.ListEndpoints(ctx, p, in.request())
			return page(found, func(e *service.Endpoint) endpoint { return newEndpoint(e, p.IsStaff()) }), err
		})
	names := &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString},
		Description: "The clients that may post to it; absent: as they are"}
	body := a.inputs(reflect.TypeFor[dispatchapy.Endpoint](), "An endpoint as in the gateway file", map[string]*huma.Schema{"clients": names})
	registerNoun(a, a.endpointNoun(), body)
	a.registerRules()
}

// registerRules adds the route for the part of an endpoint that says how
// messages are shaped.
func (a *api) registerRules() {
	type endpointRules struct {
		Mapping map[string]dispatchapy.Mapping `json:"mapping,omitempty"`
		Dev     dispatchapy.EndpointDev        `json:"dev,omitempty"`
	}
	body := a.inputs(reflect.TypeFor[endpointRules](), "mapping and dev as in the gateway file", nil)
	op := objectOperation(http.MethodPut, "/v1/endpoints/{id}/rules", "update-rules", "endpoints", "Replace mapping and development rules", body)
	op.Description = "Of mapping and dev, one that is absent stays as it is."
	registerChange(a, op, nil, func(ctx context.Context, p dispatchapy.Principal, id int64, b *objectBody) (endpoint, error) {
		changed, err := a.service.UpdateEndpoint(ctx, p, id, b.expect, func(d *service.EndpointDraft) error {
			return decodeRules(b, &d.Endpoint)
		})
		return newEndpoint(&changed, p.IsStaff()), err
	})
}

// decodeRules lays mapping and dev over an endpoint, and refuses other keys.
func decodeRules(b *objectBody, e *dispatchapy.Endpoint) error {
	if err := b.only("mapping", "dev"); err != nil {
		return err
	}
	if slices.Contains(b.Keys(), "dev") {
		e.Dev = dispatchapy.EndpointDev{}
	}
	return gatewayfile.Decode(b.Object, e)
}

func (a *api) endpointNoun() *noun[endpoint] {
	written := func(p dispatchapy.Principal, e service.Endpoint, err error) (endpoint, error) {
		return newEndpoint(&e, p.IsStaff()), err
	}
	update := func(ctx context.Context, p dispatchapy.Principal, id int64, b *objectBody, edit func(*dispatchapy.Endpoint) error) (endpoint, error) {
		var clients []string
		if err := b.take("clients", &clients); err != nil {
			return endpoint{}, err
		}
		e, err := a.service.UpdateEndpoint(ctx, p, id, b.expect, func(d *service.EndpointDraft) error {
			if clients != nil {
				d.Clients = clients
			}
			return edit(&d.Endpoint)
		})
		return written(p, e, err)
	}
	return &noun[endpoint]{
		path: "/v1/endpoints", name: "endpoint", tag: "endpoints",
		get: func(ctx context.Context, p dispatchapy.Principal, id int64) (endpoint, error) {
			e, err := a.service.Endpoint(ctx, p, id)
			return written(p, e, err)
		},
		create: func(ctx context.Context, p dispatchapy.Principal, b *objectBody) (endpoint, error) {
			var d service.EndpointDraft
			if err := b.take("clients", &d.Clients); err != nil {
				return endpoint{}, err
			}
			if err := gatewayfile.Decode(b.Object, &d.Endpoint); err != nil {
				return endpoint{}, err
			}
			e, err := a.service.CreateEndpoint(ctx, p, &d)
			return written(p, e, err)
		},
		replace: func(ctx context.Context, p dispatchapy.Principal, id int64, b *objectBody) (endpoint, error) {
			return update(ctx, p, id, b, func(e *dispatchapy.Endpoint) error {
				*e = dispatchapy.Endpoint{}
				return gatewayfile.Decode(b.Object, e)
			})
		},
		merge: func(ctx context.Context, p dispatchapy.Principal, id int64, b *objectBody) (endpoint, error) {
			return update(ctx, p, id, b, func(e *dispatchapy.Endpoint) error { return gatewayfile.Merge(b.Object, e) })
		},
		duplicate: func(ctx context.Context, p dispatchapy.Principal, id int64) (endpoint, error) {
			e, err := a.service.DuplicateEndpoint(ctx, p, id)
			return written(p, e, err)
		},
		impact: a.service.EndpointImpact,
		remove: a.service.DeleteEndpoint,
		shown:  []string{"readiness"},
	}
}

func (e endpoint) identity() (id, version int64) { return e.ID, e.Version }

func newEndpoint(e *service.Endpoint, whole bool) endpoint {
	out := endpoint{
		ID:             e.ID,
		Version:        e.Version,
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
		Alerts:         e.Alerts,
	}
	if whole {
		out.Dev = &e.Dev
	}
	return out
}
