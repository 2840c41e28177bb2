package apidocs

import (
	"encoding/json"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/routing"
)

// planted are texts of the configuration that no document may contain.
var planted = []string{"provider-name", "provider.internal", "provider-header", "provider-secret", "provider_key", "dpy_shop_token", "client-name", "rule-value"}

// fixture compiles a configuration with the given endpoints in addition.
func fixture(t testing.TB, more ...dispatchapy.Endpoint) *routing.Snapshot {
	t.Helper()
	off := false
	cfg := &dispatchapy.Config{
		Settings: dispatchapy.DefaultSettings(),
		Resources: []dispatchapy.Resource{{
			ID: 1, Name: "provider-name", URL: "https://provider.internal/send",
			Headers: map[string]dispatchapy.Secret{"provider-header": "provider-secret"}, RequiredParams: []string{"provider_key"},
		}},
		Endpoints: append([]dispatchapy.Endpoint{
			{
				ID: 11, Path: "send_sms", Description: "Send one text message.\n\nIt is delivered **once**.", MaxBody: 1000,
				RequiredParams: []string{"phone", "message", "customer", "lines"},
				Resources:      []string{"provider-name"},
				Mapping: map[string]dispatchapy.Mapping{"provider-name": {
					"provider_key": {From: "phone"},
					"a":            {From: "customer.email"},
					"b":            {From: "customer.address.city"},
					"c":            {Template: "{{ lines.0.sku }} of {{lines.1.price}} for {{message}}"},
				}},
				Dev: dispatchapy.EndpointDev{Rules: []dispatchapy.Rule{{Set: dispatchapy.Override{Param: "phone", Value: json.RawMessage(`"rule-value"`)}}}},
			},
			{ID: 12, Path: "orders/create"},
			{ID: 13, Path: "retired", Active: &off},
			{ID: 14, Path: "others_only"},
		}, more...),
		Clients: []dispatchapy.Client{
			{ID: 21, Name: "client-name", Token: "dpy_shop_token", Endpoints: []string{"send_sms", "orders/create", "retired"}},
			{ID: 22, Name: "without", Token: "dpy_other_token"},
		},
	}
	cfg.Normalize()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	snapshot, err := routing.Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}
