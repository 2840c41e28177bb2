package gatewayfile

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"dispatchapy"
)

const withSecrets = `
version: 1
settings:
  smtp: {host: mail.example, from: a@b.example, password: hush-smtp}
resources:
  - name: sms
    url: http://127.0.0.1:1/
    headers: {X-Key: hush-header}
    notify: {webhook: {enabled: true, url: "http://127.0.0.1:2/", headers: {X-Hook: hush-hook}}}
`

func planned(t *testing.T, current *dispatchapy.Config, text []byte) (*dispatchapy.Config, []Change) {
	t.Helper()
	f, err := Parse("test.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	next, changes, err := Plan(current, f, true)
	if err != nil {
		t.Fatal(err)
	}
	return next, changes
}

func TestAMaskedExportKeepsWhatIsStored(t *testing.T) {
	empty := &dispatchapy.Config{Settings: dispatchapy.DefaultSettings()}
	cfg, _ := planned(t, empty, []byte(withSecrets))
	masked, err := MapSecrets(cfg, Mask)
	if err != nil {
		t.Fatal(err)
	}
	text, err := Encode(masked)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "hush") || strings.Count(string(text), dispatchapy.Redacted) != 3 {
		t.Errorf("masked:\n%s", text)
	}
	if cfg.Resources[0].Headers["X-Key"].Reveal() != "hush-header" {
		t.Error("masking changed the original")
	}
	if _, changes := planned(t, cfg, text); len(changes) != 0 {
		t.Errorf("applied where it came from it changes %v", changes)
	}
	lost, _ := planned(t, empty, text)
	var refused *dispatchapy.Error
	if err := lost.Validate(); !errors.As(err, &refused) || len(refused.Fields) != 3 {
		t.Errorf("applied to an empty gateway: %v, want three faults", err)
	}
}

func TestMapSecretsFindsAll(t *testing.T) {
	cfg, _ := planned(t, &dispatchapy.Config{Settings: dispatchapy.DefaultSettings()}, []byte(withSecrets))
	upper := func(s dispatchapy.Secret) (dispatchapy.Secret, error) {
		return dispatchapy.Secret(strings.ToUpper(s.Reveal())), nil
	}
	mapped, err := MapSecrets(cfg, upper)
	if err != nil {
		t.Fatal(err)
	}
	text, err := Encode(mapped)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("HUSH-")); n != 3 {
		t.Errorf("%d secrets were mapped, want 3:\n%s", n, text)
	}
	failing := errors.New("no")
	if _, err := MapSecrets(cfg, func(dispatchapy.Secret) (dispatchapy.Secret, error) { return "", failing }); !errors.Is(err, failing) {
		t.Errorf("error %v", err)
	}
}
