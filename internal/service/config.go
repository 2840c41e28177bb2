package service

import (
	"context"
	"time"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/store"
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
//
// Failure policy: fail closed. Secrets that leave the gateway are in the audit
// log, or they do not leave it.
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
	encode := gatewayfile.Encode
	if o.Format == FormatJSON {
		encode = gatewayfile.EncodeJSON
	}
	file, err := encode(cfg)
	if err == nil && !o.Masked {
		err = s.noteExport(ctx, p, o)
	}
	if err != nil {
		return nil, err
	}
	return file, nil
}

// noteExport says in the audit log who took all secrets, and how they were
// protected.
func (s *Service) noteExport(ctx context.Context, p dispatchapy.Principal, o ExportOptions) error {
	detail := "the configuration with its secrets in clear"
	if o.Passphrase != "" {
		detail = "the configuration with its secrets sealed by a passphrase"
	}
	return storeError(s.store.AppendAudit(ctx, []store.AuditEntry{{At: time.Now(), By: p.Name, Action: "export", Detail: detail}}))
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
