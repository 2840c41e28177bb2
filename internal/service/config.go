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

// ExportOptions say how the configuration is written out.
type ExportOptions struct {
	Format Format
	Masked bool // secrets are hidden: the file can be shown, and applied where it came from
}

// ExportConfig writes the configuration in force as a gateway file. Unless
// masked it holds secrets, so that applying it elsewhere gives the same
// gateway; of client tokens it holds only the hashes.
func (s *Service) ExportConfig(ctx context.Context, p dispatchapy.Principal, o ExportOptions) ([]byte, error) {
	cfg, err := s.Config(ctx, p)
	if err == nil && o.Masked {
		cfg, err = gatewayfile.MapSecrets(cfg, gatewayfile.Mask)
	}
	if err != nil {
		return nil, err
	}
	if o.Format == FormatJSON {
		return gatewayfile.EncodeJSON(cfg)
	}
	return gatewayfile.Encode(cfg)
}
