package cli

import (
	"bytes"
	"io"
	"os"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/sealer"
)

// passphrase seals the secrets of a gateway file and opens them again. It
// never leaves this command: the gateway gets and gives plain values.
type passphrase struct {
	PassphraseFile string `placeholder:"FILE" type:"path" help:"File with the passphrase that seals the secrets of a gateway file." env:"DISPATCHAPY_PASSPHRASE_FILE"`
}

func (p *passphrase) load() (*sealer.Passphrase, error) {
	text, err := os.ReadFile(p.PassphraseFile)
	if err != nil {
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "--passphrase-file: %w", err)
	}
	loaded, err := sealer.NewPassphrase(string(bytes.TrimSpace(text)))
	if err != nil {
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "--passphrase-file: %w", err)
	}
	return loaded, nil
}

// seal seals the secrets of an exported file.
func (p *passphrase) seal(file []byte, format string) ([]byte, error) {
	phrase, err := p.load()
	if err != nil {
		return nil, err
	}
	parsed, err := gatewayfile.Parse("export", file)
	if err != nil {
		return nil, err
	}
	cfg, _, err := gatewayfile.Plan(&dispatchapy.Config{Settings: dispatchapy.DefaultSettings()}, parsed, false)
	if err != nil {
		return nil, err
	}
	cfg, err = gatewayfile.MapSecrets(cfg, func(s dispatchapy.Secret) (dispatchapy.Secret, error) {
		return dispatchapy.Secret(phrase.Seal(s.Reveal())), nil
	})
	if err != nil {
		return nil, err
	}
	if format == "json" {
		return gatewayfile.EncodeJSON(cfg)
	}
	return gatewayfile.Encode(cfg)
}

// readOpened reads a gateway file and opens what is sealed in it.
func (p *passphrase) readOpened(path string, in io.Reader) ([]byte, error) {
	data, err := readFile(path, in)
	if err != nil {
		return nil, err
	}
	return p.open(data)
}

// open opens what is sealed in a file.
func (p *passphrase) open(file []byte) ([]byte, error) {
	if !sealer.HasSealed(file) {
		return file, nil
	}
	if p.PassphraseFile == "" {
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "--passphrase-file: the file has sealed secrets in it, and only their passphrase opens them")
	}
	phrase, err := p.load()
	if err != nil {
		return nil, err
	}
	opened, err := phrase.OpenFile(file)
	if err != nil {
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "--passphrase-file: %w", err)
	}
	return opened, nil
}
