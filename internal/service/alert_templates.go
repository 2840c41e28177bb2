package service

import (
	"context"
	_ "embed"
	"encoding/json"
	"slices"

	"dispatchapy"
)

// AlertTemplate is a channel for a service that many people use. What is in
// capital letters has to be replaced.
type AlertTemplate struct {
	Name    string          `json:"name"`    // of the service
	Note    string          `json:"note"`    // where to find what has to be filled in
	Channel json.RawMessage `json:"channel"` // as in the settings, without a name
}

//go:embed alert_templates.json
var alertTemplates []byte

// templates are read once: the file is part of the program, and a test reads it.
var templates = func() (all []AlertTemplate) {
	if err := json.Unmarshal(alertTemplates, &all); err != nil {
		panic("service: alert_templates.json cannot be read: " + err.Error())
	}
	return all
}()

// AlertTemplates gives the channels that are ready to be filled in, and the
// placeholders that texts of notices may contain.
func (s *Service) AlertTemplates(_ context.Context, p dispatchapy.Principal) (all []AlertTemplate, placeholders []string, err error) {
	if err := require(p, dispatchapy.ReadSettings); err != nil {
		return nil, nil, err
	}
	return slices.Clone(templates), slices.Clone(dispatchapy.Placeholders), nil
}
