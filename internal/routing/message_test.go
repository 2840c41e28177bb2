package routing

import (
	"errors"
	"slices"
	"testing"
	"time"

	"dispatchapy"
)

// gatewayConfig has one endpoint with two resources, overrides on both sides
// and a mapping for one of them.
func gatewayConfig() *dispatchapy.Config {
	set := func(param, value string) []dispatchapy.Rule {
		return []dispatchapy.Rule{{Set: dispatchapy.Override{Param: param, Value: []byte(value)}}}
	}
	cfg := &dispatchapy.Config{
		Settings: dispatchapy.DefaultSettings(),
		Resources: []dispatchapy.Resource{
			{ID: 1, Name: "a", URL: "http://a.example"}, {ID: 2, Name: "b", URL: "http://b.example"}, {ID: 3, Name: "c", URL: "http://c.example"},
		},
		Endpoints: []dispatchapy.Endpoint{{
			ID: 1, Path: "sms", Resources: []string{"a", "b"},
			Mapping: map[string]dispatchapy.Mapping{"a": {"to": {From: "phone"}, "id": {UUID: true}}},
			Dev:     dispatchapy.EndpointDev{Enabled: true, RulesEnabled: true, Rules: set("phone", `"000"`)},
		}},
		Clients: []dispatchapy.Client{{
			ID: 1, Name: "shop", Token: "shop-token", Endpoints: []string{"sms"},
			Dev: dispatchapy.ClientDev{RulesEnabled: true, Rules: set("text", `"test"`)},
		}},
	}
	cfg.Normalize()
	return cfg
}

func compiled(t *testing.T, cfg *dispatchapy.Config) *Snapshot {
	t.Helper()
	s, err := Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMessageAppliesTheRulesOfBoth(t *testing.T) {
	s := compiled(t, gatewayConfig())
	source := []byte(`{"phone":"1","text":"real"}`)
	tests := map[string]struct {
		client  *Client
		payload string
		applied int
	}{
		"client":         {s.ClientByID(1), `{"phone":"000","text":"test"}`, 2},
		"deleted client": {nil, `{"phone":"000","text":"real"}`, 1},
	}
	for name, tt := range tests {
		payload, applied, err := s.Endpoint("sms").Message(tt.client, source)
		if err != nil || string(payload.Raw()) != tt.payload || len(applied) != tt.applied {
			t.Errorf("%s: %s, %d applied, %v", name, payload.Raw(), len(applied), err)
		}
	}
	if _, _, err := s.Endpoint("sms").Message(nil, []byte(`[]`)); dispatchapy.ErrorCode(err) != dispatchapy.CodeInvalid {
		t.Errorf("a payload that is no object gave %v", err)
	}
}

func TestSeedsAreStableAndApart(t *testing.T) {
	key := [32]byte{1}
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_000, time.UTC)
	task := &dispatchapy.Task{ID: 7, CreatedAt: at}
	seed := NewSeed(key, task, 1)
	for name, other := range map[string]Seed{
		"task": NewSeed(key, &dispatchapy.Task{ID: 8, CreatedAt: at}, 1), "resource": NewSeed(key, task, 2), "instance": NewSeed([32]byte{2}, task, 1),
		"task with the same id": NewSeed(key, &dispatchapy.Task{ID: 7, CreatedAt: at.Add(time.Microsecond)}, 1),
	} {
		if other == seed || other.IdempotencyKey() == seed.IdempotencyKey() {
			t.Errorf("another %s has the same seed", name)
		}
	}
	if again := NewSeed(key, &dispatchapy.Task{ID: 7, CreatedAt: at.Local(), AttemptCount: 3}, 1); again != seed || len(seed.IdempotencyKey()) != 32 {
		t.Errorf("the seed changes, or its key is %q", seed.IdempotencyKey())
	}
	s := compiled(t, gatewayConfig())
	payload, _, err := s.Endpoint("sms").Message(nil, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	route := &s.Endpoint("sms").Routes[0]
	first, err1 := route.Body(payload, seed, time.Now())
	second, err2 := route.Body(payload, seed, time.Now())
	if err1 != nil || err2 != nil || string(first) != string(second) {
		t.Errorf("attempts of a task differ: %s, %s", first, second)
	}
}

func TestTry(t *testing.T) {
	s := compiled(t, gatewayConfig())
	changed := *s.Endpoint("sms").Endpoint
	changed.Resources = []string{"c"}
	changed.Mapping = map[string]dispatchapy.Mapping{"c": {"msisdn": {From: "phone"}}}
	e, err := s.Try(&changed)
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Routes) != 1 || e.Routes[0].Resource != s.ResourceByID(3) || !e.Allows(s.ClientByID(1)) || e.DevRules == nil {
		t.Errorf("compiled %+v", e)
	}
	if got := s.Endpoint("sms").Routes[0].Resource.Name; got != "a" {
		t.Errorf("trying changed the snapshot: its first route leads to %s", got)
	}
	changed.Resources = []string{"c", "nowhere"}
	changed.Mapping = map[string]dispatchapy.Mapping{"c": {"a": {}, "b": {Template: "{{x"}}}
	_, err = s.Try(&changed)
	var fault *dispatchapy.Error
	if !errors.As(err, &fault) || fault.Code != dispatchapy.CodeInvalid {
		t.Fatalf("Try gave %v", err)
	}
	if got, want := paths(fault.Fields), []string{"resources[1]", "mapping.c.a"}; !slices.Equal(got, want) {
		t.Errorf("faults at %q, want %q", got, want)
	}
	changed.Resources = []string{"c"}
	changed.Mapping = map[string]dispatchapy.Mapping{"c": {"b": {Template: "{{x"}}}
	_, err = s.Try(&changed)
	if !errors.As(err, &fault) || !slices.Equal(paths(fault.Fields), []string{"mapping.c.b.template"}) {
		t.Errorf("a template with a fault gave %v", err)
	}
}
