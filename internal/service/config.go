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

	Passphrase dispatchapy.Secret // seals the secrets; "": they are in clear, unless masked
}

// ExportConfig writes the configuration in force as a gateway file. Unless
// masked or sealed it holds secrets, so that applying it elsewhere gives the same
// gateway; of client tokens it holds only the hashes.
func (s *Service) ExportConfig(ctx context.Context, p dispatchapy.Principal, o ExportOptions) ([]byte, error) {
	cfg, err := s.Config(ctx, p)
	if err == nil && o.Masked {
		cfg, err = gatewayfile.MapSecrets(cfg, gatewayfile.Mask)
	}
	if err == nil && o.Passphrase != "" && !o.Masked {
		cfg, err = sealed(cfg, o.Passphrase)
	}
	if err != nil {
		return nil, err
	}
	if o.Format == FormatJSON {
		return gatewayfile.EncodeJSON(cfg)
	}
	return gatewayfile.Encode(cfg)
}

// sealed gives a copy of the configuration whose secrets only the passphrase
// opens.
func sealed(cfg *dispatchapy.Config, passphrase dispatchapy.Secret) (*dispatchapy.Config, error) {
	phrase, err := openWith(passphrase, "")
	if err != nil {
		return nil, err
	}
	return gatewayfile.MapSecrets(cfg, func(s dispatchapy.Secret) (dispatchapy.Secret, error) {
		return dispatchapy.Secret(phrase.Seal(s.Reveal())), nil
	})
}
