package service

import (
	"context"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
)

// Settings gives the settings with the mail server's password masked.
func (s *Service) Settings(_ context.Context, p dispatchapy.Principal) (dispatchapy.Settings, error) {
	if err := require(p, dispatchapy.ReadSettings); err != nil {
		return dispatchapy.Settings{}, err
	}
	view := maskedSettings(&s.table.Load().Config.Settings)
	for _, c := range view.Alerts.Channels {
		hideAddress(p, c.Webhook)
	}
	return *view, nil
}

// UpdateSettings changes the settings, which are at version expect. edit gets
// them with the mail server's password masked; left so it stays as it is. It
// may be called several times. The error can be a *ConflictError.
func (s *Service) UpdateSettings(ctx context.Context, p dispatchapy.Principal, expect *int64, edit func(*dispatchapy.Settings) error) (dispatchapy.Settings, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return dispatchapy.Settings{}, err
	}
	var draft *dispatchapy.Config
	_, err := s.change(ctx, p, false, func(current *dispatchapy.Config) (*dispatchapy.Config, []Change, error) {
		draft = draftOf(current)
		if err := editSettings(draft, expect, edit); err != nil {
			return nil, nil, err
		}
		changes, err := gatewayfile.Compare(current, draft)
		return draft, changes, err
	})
	if err != nil {
		return dispatchapy.Settings{}, locate(err, draft, "settings.")
	}
	return *maskedSettings(&draft.Settings), nil
}

func editSettings(draft *dispatchapy.Config, expect *int64, edit func(*dispatchapy.Settings) error) error {
	stored := draft.Settings
	return editSettingsAs(draft, &stored, expect, edit)
}

// editSettingsAs is editSettings with the settings in which the values of
// masked secrets are looked up.
func editSettingsAs(draft *dispatchapy.Config, stored *dispatchapy.Settings, expect *int64, edit func(*dispatchapy.Settings) error) error {
	edited := maskedSettings(&draft.Settings)
	if expect == nil {
		return preconditionRequired(stored.Version)
	}
	if err := edit(edited); err != nil {
		return err
	}
	edited.Version = stored.Version
	edited.Normalize()
	if *expect != stored.Version {
		maskSettings(edited)
		conflict := staleVersion("the settings", stored.Version)
		conflict.Current, conflict.Yours = *maskedSettings(&draft.Settings), *edited
		return conflict
	}
	if fields := restoreSettings(edited, stored); len(fields) > 0 {
		return invalidFields(fields)
	}
	draft.Settings = *edited
	return nil
}

func maskedSettings(s *dispatchapy.Settings) *dispatchapy.Settings {
	view := gatewayfile.Clone(s)
	maskSettings(view)
	return view
}
