package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// preference is what a person wants to find again.
type preference struct {
	Name      string    `json:"name"`
	Value     anyJSON   `json:"value" doc:"Any JSON, at most 16 KiB"`
	UpdatedAt timestamp `json:"updated_at"`
}

func newPreference(p *service.Preference) preference {
	return preference{Name: p.Name, Value: anyJSON(p.Value), UpdatedAt: timestamp(p.UpdatedAt)}
}

// ByName is the input of an operation on something that has a name.
type ByName struct {
	Name string `path:"name" maxLength:"64" doc:"Letters a-z, digits, dot, dash and underscore"`
}

type preferenceInput struct {
	ByName
	Body struct {
		Value json.RawMessage `json:"value" doc:"Any JSON, at most 16 KiB"`
	}
}

func (a *api) registerPreferences() {
	register(a, operation(http.MethodGet, "/v1/preferences", "list-preferences", "people", "List what the person who asks keeps"),
		func(ctx context.Context, p dispatchapy.Principal, _ *struct{}) (*answer[list[preference]], error) {
			found, err := a.service.Preferences(ctx, p)
			return page(service.Page[service.Preference]{Items: found}, newPreference), err
		})
	const path = "/v1/preferences/{name}"
	register(a, operation(http.MethodGet, path, "get-preference", "people", "Get something that the person who asks keeps"),
		func(ctx context.Context, p dispatchapy.Principal, in *ByName) (*answer[preference], error) {
			found, err := a.service.Preference(ctx, p, in.Name)
			return &answer[preference]{newPreference(&found)}, err
		})
	register(a, operation(http.MethodPut, path, "set-preference", "people", "Keep something for the person who asks, up to 64 of them"),
		func(ctx context.Context, p dispatchapy.Principal, in *preferenceInput) (*answer[preference], error) {
			stored, err := a.service.SetPreference(ctx, p, in.Name, in.Body.Value)
			return &answer[preference]{newPreference(&stored)}, err
		})
	register(a, operation(http.MethodDelete, path, "delete-preference", "people", "Forget something that was kept"),
		func(ctx context.Context, p dispatchapy.Principal, in *ByName) (*struct{}, error) {
			return nil, a.service.DeletePreference(ctx, p, in.Name)
		})
}
