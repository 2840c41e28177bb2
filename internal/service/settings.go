package service

import (
	"context"

	"dispatchapy"
)

// Settings gives the settings with the mail server's password masked.
func (s *Service) Settings(_ context.Context, p dispatchapy.Principal) (dispatchapy.Settings, error) {
	if err := require(p, dispatchapy.ReadSettings); err != nil {
		return dispatchapy.Settings{}, err
	}
	settings := s.table.Load().Config.Settings
	if settings.SMTP != nil {
		smtp := *settings.SMTP
		smtp.Password = dispatchapy.Secret(smtp.Password.String())
		settings.SMTP = &smtp
	}
	return settings, nil
}
