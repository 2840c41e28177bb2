package httpapi

import (
	"context"
	"net/http"
	"reflect"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/service"
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
	a.registerMailTest()
	change(http.MethodPatch, "patch-settings", "Change settings by a JSON merge patch", func(b *objectBody, s *dispatchapy.Settings) error {
		return gatewayfile.Merge(b.Object, s)
	})
}

type mailTestInput struct {
	Body struct {
		Host       string                 `json:"host"`
		Port       int                    `json:"port,omitempty" doc:"Default 587"`
		Username   string                 `json:"username,omitempty" doc:"Empty: no login"`
		Password   string                 `json:"password,omitempty" writeOnly:"true" doc:"[redacted] stands for the stored one if host, port and username are the stored ones too"`
		From       string                 `json:"from" doc:"The sender's address"`
		Encryption dispatchapy.Encryption `json:"encryption,omitempty" enum:"starttls,tls,none" doc:"Default starttls"`
		To         string                 `json:"to,omitempty" doc:"Who gets a test mail; empty: nothing is sent"`
	}
}

// mailTest is how the test of a mail server ended.
type mailTest struct {
	OK         bool    `json:"ok"`
	Detail     string  `json:"detail" doc:"What works, or what failed"`
	DurationMS float64 `json:"duration_ms"`
}

func (a *api) registerMailTest() {
	op := operation(http.MethodPost, "/v1/settings/smtp-test", "test-smtp", "settings", "Try out a mail server, with values that need not be saved")
	op.Description = "Connects, logs in, asks whether mail from the sender is accepted, and sends a test mail if there is a recipient. Takes 10 seconds at most. It is noted in the audit log."
	register(a, op, func(ctx context.Context, p dispatchapy.Principal, in *mailTestInput) (*answer[mailTest], error) {
		b := &in.Body
		found, err := a.service.TestMail(ctx, p, service.MailTestInput{
			Server: dispatchapy.SMTP{
				Host: b.Host, Port: b.Port, Username: b.Username, Password: dispatchapy.Secret(b.Password), From: b.From, Encryption: b.Encryption,
			},
			To: b.To,
		})
		if err != nil {
			return nil, err
		}
		return &answer[mailTest]{mailTest{OK: found.OK, Detail: found.Detail, DurationMS: milliseconds(found.Duration)}}, nil
	})
}
