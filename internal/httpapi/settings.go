package httpapi

import (
	"context"
	"net/http"

	"dispatchapy"
)

func (a *api) registerSettings() {
	register(a, operation(http.MethodGet, "/v1/settings", "get-settings", "settings", "Get the settings, the mail password masked"),
		func(ctx context.Context, p dispatchapy.Principal, _ *struct{}) (*answer[dispatchapy.Settings], error) {
			settings, err := a.service.Settings(ctx, p)
			return &answer[dispatchapy.Settings]{settings}, err
		})
}
