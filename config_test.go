package dispatchapy

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestNormalizeFillsInDefaults(t *testing.T) {
	c := &Config{
		Settings:  Settings{SMTP: &SMTP{}},
		Resources: []Resource{{Name: " b ", URL: " http://b/ ", Method: "put", RateLimit: &RateLimit{}}, {Name: "a"}},
		Endpoints: []Endpoint{{Path: "/send sms/", RequiredParams: []string{"phone", "scope", "phone"}, Dev: EndpointDev{Rules: []Rule{{}}}}},
		Clients:   []Client{{Name: "c", Token: "dpy_example", Endpoints: []string{"z", "/send sms", "z/"}, Dev: ClientDev{Rules: []Rule{{Endpoint: "/send sms"}}}}},
	}
	c.Normalize()
	on := true
	check := HealthCheck{Method: CheckSimple, Interval: DurationRange{Duration(time.Minute), Duration(90 * time.Second)}, DownAfter: 1, UpAfter: 1,
		Flap: Flap{Changes: 5, Within: Duration(10 * time.Minute)}}
	want := &Config{
		Settings: Settings{Cleanup: Cleanup{AfterDays: 30}, SMTP: &SMTP{Port: 587, Encryption: EncryptionSTARTTLS}, Alerts: DefaultSettings().Alerts},
		Resources: []Resource{
			{Name: "a", Method: "POST", Active: &on, Timeout: Duration(15 * time.Second), HealthCheck: check},
			{Name: "b", URL: "http://b/", Method: "PUT", Active: &on, Timeout: Duration(15 * time.Second), HealthCheck: check, RateLimit: &RateLimit{Per: Duration(time.Second), Burst: 1}},
		},
		Endpoints: []Endpoint{{Path: "send_sms", Active: &on, MaxBody: 1 << 20, RequiredParams: []string{"ref", "scope", "phone"}, Dev: EndpointDev{Rules: []Rule{{Active: &on}}}}},
		Clients: []Client{{
			Name: "c", Token: "dpy_example", TokenHash: HashToken("dpy_example").String(), Endpoints: []string{"send_sms", "z"},
			Dev: ClientDev{Rules: []Rule{{Endpoint: "send_sms", Active: &on}}},
		}},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
}

// TestNormalizeIsIdempotent normalises what was normalised, with texts at whose
// ends something may be cut off.
func TestNormalizeIsIdempotent(t *testing.T) {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("ab/ \t\n.A\u00a0\u2003")), 0, 8, -1)
	list := rapid.SliceOfN(text, 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		c := &Config{}
		for range 3 {
			c.Resources = append(c.Resources, Resource{Name: text.Draw(t, "name"), URL: text.Draw(t, "url"), Method: text.Draw(t, "method")})
			c.Endpoints = append(c.Endpoints, Endpoint{Path: text.Draw(t, "path"), RequiredParams: list.Draw(t, "required")})
			c.Clients = append(c.Clients, Client{
				Name: text.Draw(t, "client"), Token: Secret(text.Draw(t, "token")), TokenHash: text.Draw(t, "hash"), Endpoints: list.Draw(t, "endpoints"),
				Dev: ClientDev{Rules: []Rule{{Endpoint: text.Draw(t, "rule")}}},
			})
		}
		c.Normalize()
		once := mustJSON(t, c)
		c.Normalize()
		if diff := cmp.Diff(once, mustJSON(t, c)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func mustJSON(t *rapid.T, v any) string {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLookups(t *testing.T) {
	c := validConfig()
	c.Normalize()
	if c.Resource("sms") != &c.Resources[0] || c.Endpoint("send/sms") != &c.Endpoints[0] || c.Client("shop") != &c.Clients[0] {
		t.Error("an object was not found, or a copy of it")
	}
	if c.Resource("shop") != nil || c.Endpoint("") != nil || c.Client("sms") != nil {
		t.Error("something was found that is not there")
	}
}

func TestRetryForLaysTheOverrideOverTheSettings(t *testing.T) {
	s := DefaultSettings()
	if policy, attempts := s.RetryFor(nil); policy != s.Retry || attempts != s.MaxAttempts {
		t.Errorf("without override: %+v, %d", policy, attempts)
	}
	policy, attempts := s.RetryFor(&RetryOverride{
		MaxAttempts: new(9), Base: new(Duration(1)), Factor: new(2.0), Cap: new(Duration(3)), Jitter: new(0.0), MaxAge: new(Duration(4)),
	})
	if want := (RetryPolicy{Base: 1, Factor: 2, Cap: 3, Jitter: 0, MaxAge: 4}); policy != want || attempts != 9 {
		t.Errorf("got %+v, %d", policy, attempts)
	}
	if policy, _ := s.RetryFor(&RetryOverride{Factor: new(1.0)}); policy.Factor != 1 || policy.Base != s.Retry.Base {
		t.Errorf("with a part of it: %+v", policy)
	}
}
