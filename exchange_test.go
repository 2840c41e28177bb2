package dispatchapy

import (
	"strings"
	"testing"
)

func TestMaskURL(t *testing.T) {
	for raw, want := range map[string]string{
		"https://api.example/send":                         "https://api.example/send",
		"https://u:hush@api.example/send":                  "https://api.example/send",
		"https://hush@api.example/send":                    "https://api.example/send",
		"https://api.example/send?channel=5&api_key=hush":  "https://api.example/send?channel=5&api_key=[redacted]",
		"https://api.example/send?b=2&a=1&b=%20x":          "https://api.example/send?b=2&a=1&b=%20x",
		"https://api.example/?Access_Token=hush&token=":    "https://api.example/?Access_Token=[redacted]&token=",
		"https://api.example/?t%6Fken=hush":                "https://api.example/?t%6Fken=[redacted]",
		"https://api.example/?a%zz=hush":                   "https://api.example/?a%zz=[redacted]",
		"https://api.example/?sig=a=b=hush&password=h;ush": "https://api.example/?sig=[redacted]&password=[redacted]",
		"https://api.example/?flag":                        "https://api.example/?flag",
		"http://[::1":                                      "[redacted]",
	} {
		got := MaskURL(raw)
		if got != want || strings.Contains(got, "hush") {
			t.Errorf("%s is shown as %s, want %s", raw, got, want)
		}
	}
}

func TestSecretName(t *testing.T) {
	for _, name := range []string{"Authorization", "X-Api-Key", "apikey", "Set-Cookie", "WWW-Authenticate", "access_token", "Password", "X-Signature", "client_secret", "PHPSESSIONID"} {
		if !SecretName(name) {
			t.Errorf("%s is shown", name)
		}
	}
	for _, name := range []string{"Content-Type", "Idempotency-Key", "Date", "Retry-After", "X-Request-Id", "Server", "channel", "to"} {
		if SecretName(name) {
			t.Errorf("%s is masked", name)
		}
	}
}
