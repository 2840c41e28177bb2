package dispatchapy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretDoesNotShowItself(t *testing.T) {
	const value = "S3CRET"
	secret := Secret(value)
	holder := struct {
		Token   Secret
		Headers map[string]Secret
		List    []Secret
	}{secret, map[string]Secret{"X-Key": secret}, []Secret{secret}}
	resource := Resource{Headers: map[string]Secret{"X-Key": secret}}
	smtp := &SMTP{Password: secret}

	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s", "%T|%v"} {
		for _, v := range []any{secret, &secret, holder, resource, *smtp, []any{secret}} {
			shown := fmt.Sprintf(verb, v)
			if leaks(shown, value) {
				t.Errorf("%s of a %T shows %s", verb, v, shown)
			}
		}
	}
	if got := fmt.Sprintf("%v|%s", secret, Secret("")); got != Redacted+"|" {
		t.Errorf("got %q", got)
	}
	if got := fmt.Errorf("login: %w", fmt.Errorf("with %s", secret)).Error(); leaks(got, value) {
		t.Errorf("an error shows %q", got)
	}
}

// leaks looks for the value in clear and in hexadecimal.
func leaks(shown, value string) bool {
	lower := strings.ToLower(shown)
	return strings.Contains(lower, strings.ToLower(value)) || strings.Contains(lower, fmt.Sprintf("%x", value))
}

func TestSecretDoesNotShowInLogs(t *testing.T) {
	const value = "S3CRET"
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		log := slog.New(handler)
		log.Info("x", "token", Secret(value), slog.Group("g", "token", Secret(value)))
		log.With("token", Secret(value)).Info("y")
	}
	if leaks(out.String(), value) || strings.Count(out.String(), Redacted) != 6 {
		t.Errorf("got %s", out.String())
	}
}

func TestSecretIsStoredInFull(t *testing.T) {
	text, err := json.Marshal(Client{Name: "a", Token: "S3CRET"})
	if err != nil {
		t.Fatal(err)
	}
	var c Client
	if err := json.Unmarshal(text, &c); err != nil || c.Token.Reveal() != "S3CRET" {
		t.Errorf("read back %q, %v", c.Token.Reveal(), err)
	}
}

func TestTokenHash(t *testing.T) {
	hash := HashToken("dpy_example")
	if hash == HashToken("dpy_examplf") {
		t.Error("two tokens have the same hash")
	}
	if got, want := HashToken("").String(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; got != want {
		t.Errorf("got %s, want SHA-256, %s", got, want)
	}
	for _, s := range []string{hash.String(), strings.ToUpper(hash.String())} {
		if back, err := ParseTokenHash(s); err != nil || back != hash {
			t.Errorf("%s read back as %s, %v", s, back, err)
		}
	}
	for _, s := range []string{"", "abc", strings.Repeat("g", 64), hash.String() + "00", hash.String()[2:]} {
		if _, err := ParseTokenHash(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
}
