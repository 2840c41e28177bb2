package service

import (
	"context"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
)

// Format is how a configuration is written out.
type Format string

// The formats.
const (
	FormatYAML Format = "yaml"
	FormatJSON Format = "json"
)

// Config gives the configuration in force, secrets included. It is shared and
// must not be changed.
func (s *Service) Config(_ context.Context, p dispatchapy.Principal) (*dispatchapy.Config, error) {
	if err := require(p, dispatchapy.ReadSecrets); err != nil {
		return nil, err
	}
	return s.table.Load().Config, nil
}

// ExportConfig writes the configuration in force as a gateway file. It holds
// secrets, so that applying it elsewhere gives the same gateway; of client
// tokens it holds only the hashes.
func (s *Service) ExportConfig(ctx context.Context, p dispatchapy.Principal, format Format) ([]byte, error) {
	cfg, err := s.Config(ctx, p)
	if err != nil {
		return nil, err
	}
	if format == FormatJSON {
		return gatewayfile.EncodeJSON(cfg)
	}
	return gatewayfile.Encode(cfg)
}
