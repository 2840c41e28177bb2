package store

import (
	"strings"
	"testing"

	"dispatchapy"
)

func TestConfigChangedSaysWhoDidWhat(t *testing.T) {
	entry := func(action string, kind Kind, name, detail string) AuditEntry {
		return AuditEntry{By: "ann", Action: action, Kind: kind, Name: name, Detail: detail, Before: []byte("hush"), After: []byte("hush")}
	}
	var many []AuditEntry
	for range 10_000 {
		many = append(many, entry("create", KindEndpoint, strings.Repeat("ü", 200), ""))
	}
	cut := strings.Repeat("ü", 99) + "…"
	for want, entries := range map[string][]AuditEntry{
		"ann updated resource sms-primary: url, headers": {entry("update", KindResource, "sms-primary", "url, headers")},
		"ann updated the settings: smtp":                 {entry("update", KindSettings, "settings", "smtp")},
		"ann deleted client shop":                        {entry("delete", KindClient, "shop", "")},
		"ann created API token ci":                       {entry("create", KindToken, "ci", "")},
		"ann changed the password of user bob":           {entry("change password", KindUser, "bob", "")},
		"ann rotated the secret key":                     {entry("rotate key", "", "", "sealed 5 objects with another key")},
		"ann created resource a, updated endpoint b":     {entry("create", KindResource, "a", ""), entry("update", KindEndpoint, "b", "resources")},
		"ann created endpoint " + cut + strings.Repeat(", created endpoint "+cut, 4) + ", and made 9995 more changes": many,
	} {
		e := ConfigChanged(entries)
		if e.Detail != want || e.Kind != dispatchapy.EventConfigChanged {
			t.Errorf("%s %q, want %q", e.Kind, e.Detail, want)
		}
	}
}
