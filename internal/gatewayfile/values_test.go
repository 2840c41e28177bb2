package gatewayfile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
)

func TestValues(t *testing.T) {
	current := mustPlan(t, &dispatchapy.Config{Settings: dispatchapy.DefaultSettings()}, mustParse(t, `
version: 1
settings: {smtp: {host: mail.example.com, password: hush-before}}
resources:
  - {name: chat, url: "http://127.0.0.1:1/send", headers: {X-Key: hush-before, X-Kind: hush-kind}, required_params: [text]}
  - {name: gone, url: "http://127.0.0.1:2/send"}
endpoints:
  - path: alerts
    description: was
    resources: [chat]
    mapping: {chat: {text: {from: message}, n: {value: 1}}}
clients:
  - {name: shop, token: hush-token-before, endpoints: [alerts]}
`), false)
	file := mustParse(t, `
version: 1
settings: {max_attempts: 7, smtp: {host: mail.example.com, password: hush-after}}
resources:
  - {name: chat, url: "http://127.0.0.1:1/send", headers: {X-Key: hush-after, X-New: hush-new}, required_params: [text]}
  - {name: new, url: "http://127.0.0.1:3/`+strings.Repeat("x", 300)+`", headers: {X-Key: hush-new}}
endpoints:
  - path: alerts
    resources: [chat, new]
    mapping: {chat: {text: {template: "{{message}}"}, n: {value: 1}}}
clients:
  - {name: shop, token: hush-token-after, endpoints: [alerts]}
`)
	next, changes, err := Plan(current, file, true)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range changes {
		values, err := c.Values(current, next)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			got = append(got, fmt.Sprintf("%s %s: %s -> %s", c.Name, v.Path, v.Before, v.After))
		}
	}
	want := []string{
		`settings max_attempts: 5 -> 7`,
		`settings smtp.password: "[redacted]" -> "[redacted]" (another value)`,
		`chat headers.X-Key: "[redacted]" -> "[redacted]" (another value)`,
		`chat headers.X-New:  -> "[redacted]"`,
		`chat headers.X-Kind: "[redacted]" -> `,
		`new name:  -> new`,
		`new url:  -> "http://127.0.0.1:3/` + strings.Repeat("x", 180) + `… (321 bytes)`,
		`new headers:  -> {X-Key: "[redacted]"}`,
		`alerts resources: [chat] -> [chat, new]`,
		`alerts mapping.chat.text.template:  -> "{{message}}"`,
		`alerts mapping.chat.text.from: message -> `,
		`alerts description: was -> `,
		`shop token_hash: "[redacted]" -> "[redacted]" (another value)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(fmt.Sprint(got), "hush") {
		t.Error("a secret is shown")
	}
	if current.Resource("chat").Headers["X-Key"] != "hush-before" || next.Settings.SMTP.Password != "hush-after" {
		t.Error("masking changed the configuration")
	}
}
