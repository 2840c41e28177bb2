package service_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// The permissions for what the settings and the documentation show.
func init() {
	maps.Copy(needed, map[string]dispatchapy.Permission{
		"System": dispatchapy.ReadSettings, "Compare": dispatchapy.WriteConfig, "DescribeEndpoints": dispatchapy.ReadConfig,
		"ImportOriginal": dispatchapy.WriteConfig, "KeepUpload": dispatchapy.WriteConfig,
	})
}

func TestTryRules(t *testing.T) {
	n := startNode(t)
	off := false
	rules := []dispatchapy.Rule{
		{If: &dispatchapy.Condition{Param: "scope", Matches: "^test$"}, Set: dispatchapy.Override{Param: "phone", Value: []byte(`"+1"`)}},
		{Endpoint: "mail", Set: dispatchapy.Override{Param: "phone", Value: []byte(`"+2"`)}},
		{Active: &off, Set: dispatchapy.Override{Param: "text", Value: []byte(`null`)}},
		{If: &dispatchapy.Condition{Param: "scope", Matches: "["}, Set: dispatchapy.Override{Param: "x", Value: []byte(`1`)}},
	}
	got, err := n.TryRules(t.Context(), n.client("shop-token-1234"), service.RulesTrial{
		Rules: rules, Endpoint: "sms", Payload: []byte(`{"scope":"test","phone":"+9","text":"hi"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	var fires []bool
	for _, r := range got.Rules {
		fires = append(fires, r.Fires)
	}
	if diff := cmp.Diff([]bool{true, false, true, false}, fires); diff != "" {
		t.Error(diff)
	}
	if string(got.Rules[0].Before) != `"+9"` || string(got.Payload) != `{"scope":"test","phone":"+1","text":"hi"}` {
		t.Errorf("%s, %s", got.Rules[0].Before, got.Payload)
	}
	if len(got.Rules[3].Notes) != 1 || !strings.Contains(got.Rules[3].Notes[0], "plain text") {
		t.Errorf("notes %q", got.Rules[3].Notes)
	}
}

func TestRulesThatCannotBeTried(t *testing.T) {
	n := startNode(t)
	good := dispatchapy.Rule{Set: dispatchapy.Override{Param: "a", Value: []byte(`1`)}}
	for _, tt := range []struct {
		field string
		in    service.RulesTrial
	}{
		{"dev.rules[1].set.param", service.RulesTrial{Rules: []dispatchapy.Rule{good, {Set: dispatchapy.Override{Value: []byte(`1`)}}}, Payload: []byte(`{}`)}},
		{"payload", service.RulesTrial{Rules: []dispatchapy.Rule{good}, Payload: []byte(`[`)}},
		{"payload", service.RulesTrial{Payload: []byte(`{"a":"` + strings.Repeat("x", 256<<10) + `"}`)}},
		{"dev.rules", service.RulesTrial{Rules: make([]dispatchapy.Rule, 501)}},
	} {
		_, err := n.TryRules(t.Context(), admin, tt.in)
		if !strings.Contains(err.Error(), tt.field) || dispatchapy.ErrorCode(err) != dispatchapy.CodeInvalid {
			t.Errorf("%s: %v", tt.field, err)
		}
	}
}
