package httpapi

import (
	"context"
	"net/http"
	"reflect"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
)

// settings are the settings with their version.
type settings struct {
	Version int64 `json:"version"`
	dispatchapy.Settings
}

func (s settings) identity() (id, version int64) { return 0, s.Version }

type settingsOutput = objectOutput[settings]

func newSettings(s dispatchapy.Settings) *settingsOutput {
	return &settingsOutput{ETag: etag(s.Version), Body: settings{Version: s.Version, Settings: s}}
}

func (a *api) registerSettings() {
	register(a, operation(http.MethodGet, "/v1/settings", "get-settings", "settings", "Get the settings, the mail password masked"),
		func(ctx context.Context, p dispatchapy.Principal, _ *struct{}) (*settingsOutput, error) {
			found, err := a.service.Settings(ctx, p)
			return newSettings(found), err
		})
	body := a.inputs(reflect.TypeFor[dispatchapy.Settings](), "The settings as in the gateway file", nil)
	change := func(method, id, summary string, edit func(b *objectBody, s *dispatchapy.Settings) error) {
		type input struct {
			IfMatch
			JSONBody
		}
		described := body
		if method == http.MethodPatch {
			described = asMergePatch(body)
		}
		op := objectOperation(method, "/v1/settings", id, "settings", summary, described)
		register(a, op, func(ctx context.Context, p dispatchapy.Principal, in *input) (*settingsOutput, error) {
			b, err := in.read(in.IfMatch.IfMatch, 0, nil)
			if err != nil {
				return nil, err
			}
			changed, err := a.service.UpdateSettings(ctx, p, b.expect, func(s *dispatchapy.Settings) error { return edit(b, s) })
			return newSettings(changed), err
		})
		op.RequestBody.Content = described.Content
	}
	change(http.MethodPut, "update-settings", "Replace the settings", func(b *objectBody, s *dispatchapy.Settings) error {
		*s = dispatchapy.DefaultSettings()
		return gatewayfile.Decode(b.Object, s)
	})
	change(http.MethodPatch, "patch-settings", "Change settings by a JSON merge patch", func(b *objectBody, s *dispatchapy.Settings) error {
		return gatewayfile.Merge(b.Object, s)
	})
}
