package routing

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"dispatchapy"
)

// ruled is a configuration with one development rule of an endpoint and one of
// a client.
func ruled(endpoint, client dispatchapy.Rule) *dispatchapy.Config {
	cfg := &dispatchapy.Config{
		Settings:  dispatchapy.DefaultSettings(),
		Endpoints: []dispatchapy.Endpoint{{ID: 1, Path: "sms", Dev: dispatchapy.EndpointDev{Rules: []dispatchapy.Rule{endpoint}}}},
		Clients:   []dispatchapy.Client{{ID: 1, Name: "shop", Token: "shop-token", Dev: dispatchapy.ClientDev{Rules: []dispatchapy.Rule{client}}}},
	}
	cfg.Normalize()
	return cfg
}

func paths(fields []dispatchapy.FieldError) []string {
	var out []string
	for _, f := range fields {
		out = append(out, f.Path)
	}
	return out
}

func TestCompileRefusesRulesThatCannotWork(t *testing.T) {
	deep := strings.Repeat("a.", 40) + "a"
	cfg := ruled(
		dispatchapy.Rule{Set: dispatchapy.Override{Param: deep, Value: []byte("1")}},
		dispatchapy.Rule{If: &dispatchapy.Condition{Param: deep}, Set: dispatchapy.Override{Param: "a", Value: []byte("1")}},
	)
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	_, err := Compile(cfg)
	var e *dispatchapy.Error
	if !errors.As(err, &e) || e.Code != dispatchapy.CodeInvalid {
		t.Fatalf("Compile gave %v", err)
	}
	want := []string{"endpoints[0].dev.rules[0].set.param", "clients[0].dev.rules[0].if.param"}
	if got := paths(e.Fields); !slices.Equal(got, want) {
		t.Errorf("faults at %q, want %q", got, want)
	}
}

func TestWarningsOfExpressionsThatAreNone(t *testing.T) {
	rule := func(matches string) dispatchapy.Rule {
		return dispatchapy.Rule{If: &dispatchapy.Condition{Param: "a", Matches: matches}, Set: dispatchapy.Override{Param: "a", Value: []byte("1")}}
	}
	cfg := ruled(rule("(62"), rule("^62"))
	if _, err := Compile(cfg); err != nil {
		t.Fatal(err)
	}
	if got, want := paths(Warnings(cfg)), []string{"endpoints[0].dev.rules[0].if.matches"}; !slices.Equal(got, want) {
		t.Errorf("warnings at %q, want %q", got, want)
	}
}

func TestAReplacedTokenWorksForItsTime(t *testing.T) {
	until := time.Unix(1_800_000_000, 0)
	cfg := &dispatchapy.Config{Clients: []dispatchapy.Client{{
		ID: 1, Name: "shop", TokenHash: dispatchapy.HashToken("new").String(),
		OldTokens: []dispatchapy.OldToken{{Hash: dispatchapy.HashToken("old").String(), Until: until}},
	}}}
	cfg.Normalize()
	s, err := Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		token string
		at    time.Time
		works bool
	}{
		{"old", until.Add(-time.Nanosecond), true},
		{"old", until, false},
		{"new", until.Add(time.Hour), true},
		{"other", until.Add(-time.Hour), false},
	} {
		if got := s.ClientByToken(dispatchapy.HashToken(tt.token), tt.at); (got != nil) != tt.works {
			t.Errorf("token %s at %s: %v, want works = %v", tt.token, tt.at, got, tt.works)
		}
	}
	cfg.Clients = append(cfg.Clients, dispatchapy.Client{ID: 2, Name: "thief", TokenHash: dispatchapy.HashToken("old").String()})
	if _, err := Compile(cfg); err == nil {
		t.Error("a replaced token was given to another client")
	}
	if err := cfg.Validate(); dispatchapy.ErrorCode(err) != dispatchapy.CodeInvalid {
		t.Errorf("validation: %v", err)
	}
}
