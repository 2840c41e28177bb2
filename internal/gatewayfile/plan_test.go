package gatewayfile

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dispatchapy"
)

// stored is a configuration as it comes from the store: with ids.
func stored() *dispatchapy.Config {
	c := &dispatchapy.Config{
		Version:  7,
		Settings: dispatchapy.DefaultSettings(),
		Resources: []dispatchapy.Resource{
			{ID: 1, Name: "backup", URL: "http://127.0.0.1:2/"},
			{ID: 2, Name: "primary", URL: "http://127.0.0.1:1/", Headers: map[string]dispatchapy.Secret{"X": "S3CRET"}, Concurrency: 4},
		},
		Endpoints: []dispatchapy.Endpoint{{ID: 3, Path: "sms", Resources: []string{"primary", "backup"}}},
		Clients:   []dispatchapy.Client{{ID: 4, Name: "shop", TokenHash: dispatchapy.HashToken("token-of-shop").String(), Endpoints: []string{"sms"}}},
	}
	c.Settings.SMTP = &dispatchapy.SMTP{Host: "mail.example.com", From: "a@example.com", Password: "S3CRET"}
	c.Normalize()
	return c
}

func TestPlanListsWhatChanges(t *testing.T) {
	cases := []struct {
		name, text string
		prune      bool
		want       []string
	}{
		{"nothing in the file", "", false, nil},
		{"nothing in the file, prune", "", true, []string{"- resource backup", "- resource primary", "- endpoint sms", "- client shop"}},
		{"the same settings", "settings: {max_attempts: 5, cleanup: {after_days: 30}}", false, nil},
		{"other settings", "settings: {max_attempts: 6, retry: {cap: 2h}}", false, []string{"~ settings: max_attempts, retry"}},
		{"no mail server", "settings: {smtp: null}", false, []string{"~ settings: smtp"}},
		{"a mail server of which only the port is given", "settings: {smtp: {port: 587}}", false, nil},
		{"the same resource, defaults written out", "resources: [{name: backup, url: 'http://127.0.0.1:2/', method: post, active: true, timeout: 15s, health_check: {up_after: 1}}]", false, nil},
		{"a resource without the fields it had", "resources: [{name: primary, url: 'http://127.0.0.1:9/'}]", false, []string{"~ resource primary: url, headers, concurrency"}},
		{"a header's value", "resources: [{name: primary, url: 'http://127.0.0.1:1/', headers: {X: S3CRETS}, concurrency: 4}]", false, []string{"~ resource primary: headers"}},
		{"failover order", "endpoints: [{path: /sms, resources: [backup, primary]}]", false, []string{"~ endpoint sms: resources"}},
		{"new ones", "resources: [{name: z, url: 'http://z/'}, {name: a, url: 'http://a/'}]\nendpoints: [{path: e}]\nclients: [{name: c, token: token-of-c}]", false,
			[]string{"+ resource a", "+ resource z", "+ endpoint e", "+ client c"}},
		{"client without token", "clients: [{name: shop, endpoints: [sms]}]", false, nil},
		{"client with its token", "clients: [{name: shop, token: token-of-shop, endpoints: [/sms/]}]", false, nil},
		{"client with another token", "clients: [{name: shop, token: S3CRETS3CRET, endpoints: [sms]}]", false, []string{"~ client shop: token"}},
		{"one replaced", "resources: [{name: other, url: 'http://z/'}, {name: backup, url: 'http://127.0.0.1:2/'}]", true, []string{"+ resource other", "- resource primary", "- endpoint sms", "- client shop"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			current := stored()
			next, changes, err := Plan(current, mustParse(t, "version: 1\n"+tc.text), tc.prune)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range changes {
				got = append(got, c.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(fmt.Sprintf("%v %+v", changes, got), "S3CRET") {
				t.Errorf("the changes tell a secret: %v", got)
			}
			if diff := cmp.Diff(stored(), current); diff != "" {
				t.Errorf("Plan changed the current configuration: %s", diff)
			}
			if next.Version != current.Version {
				t.Errorf("the version is %d, want %d: only storing counts it up", next.Version, current.Version)
			}
		})
	}
}

func TestPlanMergesSettingsFieldByField(t *testing.T) {
	want := stored().Settings
	want.Retry.Factor = 2
	want.SMTP.Port = 25
	next := mustPlan(t, stored(), mustParse(t, "version: 1\nsettings: {retry: {factor: 2}, smtp: {port: 25}}"), false)
	if diff := cmp.Diff(want, next.Settings); diff != "" {
		t.Error(diff)
	}
}

func TestPlanKeepsIDs(t *testing.T) {
	next := mustPlan(t, stored(), mustParse(t, `{"version":1,"resources":[{"name":"primary"},{"name":"new"}],"endpoints":[{"path":"sms"}],"clients":[{"name":"shop"}]}`), false)
	got := map[string]int64{}
	for _, r := range next.Resources {
		got[r.Name] = r.ID
	}
	got["sms"], got["shop"] = next.Endpoints[0].ID, next.Clients[0].ID
	if diff := cmp.Diff(map[string]int64{"primary": 2, "backup": 1, "new": 0, "sms": 3, "shop": 4}, got); diff != "" {
		t.Error(diff)
	}
}

// An endpoint that is pruned leaves the status page, unless the file wants it
// there, which is refused where the whole is judged.
func TestPruneAndTheStatusPage(t *testing.T) {
	for text, want := range map[string][]dispatchapy.StatusEndpoint{
		"endpoints: [{path: sms}]": {{Path: "sms", Name: "Texts"}}, "": {}, "settings: {status_page: {title: T}}": {},
		"settings: {status_page: {endpoints: [{path: sms}]}}": {{Path: "sms"}},
	} {
		current := stored()
		current.Settings.StatusPage.Endpoints = []dispatchapy.StatusEndpoint{{Path: "sms", Name: "Texts"}}
		next := mustPlan(t, current, mustParse(t, "version: 1\n"+text), true)
		if diff := cmp.Diff(want, next.Settings.StatusPage.Endpoints); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestPlanMakesATokenForANewClient(t *testing.T) {
	f := mustParse(t, "version: 1\nclients: [{name: shop}, {name: new}]")
	next, changes, err := Plan(stored(), f, false)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(changes, func(c Change) bool { return c.Name == "new" })
	if i < 0 {
		t.Fatalf("no change for the client: %v", changes)
	}
	token := changes[i].Token.Reveal()
	if !regexp.MustCompile(`^dpy_[A-Za-z0-9_-]{43}$`).MatchString(token) {
		t.Errorf("the token is %q", token)
	}
	if got := next.Client("new").TokenHash; got != dispatchapy.HashToken(token).String() {
		t.Errorf("the client has the hash %q, which is not of its token", got)
	}
	if strings.Contains(changes[i].String(), token) {
		t.Error("the line to print shows the token")
	}
	if shop := changes[slices.IndexFunc(changes, func(c Change) bool { return c.Name == "shop" })]; shop.Token != "" {
		t.Error("a client that has a token got another one")
	}
	if again := mustChanges(t, next, f, false); len(again) > 0 {
		t.Errorf("planned again it changes %v", again)
	}
}

func TestPlanKeepsNoTokens(t *testing.T) {
	next := mustPlan(t, stored(), mustParse(t, "version: 1\nclients: [{name: shop, token: S3CRETS3CRET}, {name: new}]"), false)
	text, err := json.Marshal(next)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "S3CRETS3CRET") || strings.Contains(string(text), "dpy_") {
		t.Errorf("a token would be stored: %s", text)
	}
}

func TestPlanOfAnExportWithPruneRestoresIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wanted, other := config().Draw(t, "wanted"), config().Draw(t, "other")
		before := clone(other)
		text, err := Encode(wanted)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Parse("export.yaml", text)
		if err != nil {
			t.Fatal(err)
		}
		next, changes, err := Plan(other, f, true)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wanted, next, equivalent); diff != "" {
			t.Fatalf("(-exported +restored):\n%s", diff)
		}
		if diff := cmp.Diff(before, other); diff != "" {
			t.Fatalf("Plan changed the current configuration: %s", diff)
		}
		if same := cmp.Equal(before, next, equivalent); same != (len(changes) == 0) {
			t.Fatalf("equal: %v, but changes: %v", same, changes)
		}
	})
}

func TestLocatePointsIntoTheFile(t *testing.T) {
	const text = `version: 1
settings: {max_attempts: 0, retry: {base: 2h}}
resources:
  - name: z
    url: ftp://z/
  - name: a
    headers: {"b d": x}
    health_check: {interval: {min: 1ms}}
endpoints:
  - path: e
    resources: [z, nope]
    required_params: [phone, ""]
    mapping:
      z:
        to.number: {type: date, from: x}
clients:
  - name: c
    endpoints: [z, /e, a]
  - name: b
    token: token-of-shop
`
	f := mustParse(t, text)
	current := stored()
	current.Endpoints[0].Resources = []string{"gone"}
	next := mustPlan(t, current, f, false)
	err := f.Locate(next.Validate())
	want := []string{
		"settings.max_attempts: gateway.yaml:2:26: ",
		"settings.retry.cap: gateway.yaml:2:36: ",
		"resources[1].url: gateway.yaml:6:5: is missing",
		"resources[1].headers.b d: gateway.yaml:7:22: ",
		"resources[1].health_check.interval.min: gateway.yaml:8:36: ",
		"resources[1].health_check.interval.max: gateway.yaml:8:30: ",
		"resources[0].url: gateway.yaml:5:10: ",
		"endpoints[0].required_params[1]: gateway.yaml:12:30: is missing",
		"endpoints[0].resources[1]: gateway.yaml:11:20: there is no resource \"nope\"",
		"endpoints[0].mapping.z.to.number.type: gateway.yaml:15:27: ",
		"endpoints[1].resources[0]: there is no resource \"gone\" (endpoint \"sms\", which is not in gateway.yaml)",
		"clients[0].endpoints[2]: gateway.yaml:18:24: there is no endpoint \"a\"",
		"clients[0].endpoints[0]: gateway.yaml:18:17: there is no endpoint \"z\"",
		"clients[2].token: client \"b\" has the same token: every client needs its own (client \"shop\", which is not in gateway.yaml)",
	}
	e, ok := err.(*dispatchapy.Error)
	if !ok {
		t.Fatalf("got %v", err)
	}
	for i, field := range e.Fields {
		if got := field.Path + ": " + field.Message; i >= len(want) || !strings.HasPrefix(got, want[i]) {
			t.Errorf("fault %d is %s", i, got)
		}
	}
	if len(e.Fields) != len(want) {
		t.Errorf("got %d faults, want %d", len(e.Fields), len(want))
	}
}

func TestLocateLeavesOtherErrorsAlone(t *testing.T) {
	f := mustParse(t, "version: 1")
	if f.Locate(nil) != nil {
		t.Error("no error became one")
	}
	plain := dispatchapy.Errorf(dispatchapy.CodeConflict, "no")
	if f.Locate(plain) != error(plain) {
		t.Error("an error without fields was changed")
	}
	mustPlan(t, stored(), f, false)
	odd := &dispatchapy.Error{Code: dispatchapy.CodeInvalid, Fields: []dispatchapy.FieldError{{Path: "clients[99].endpoints[99].x"}, {Path: "x[y"}, {}, {Path: "settings[0]"}}}
	if e, ok := f.Locate(odd).(*dispatchapy.Error); !ok || len(e.Fields) != 4 {
		t.Errorf("got %v", e)
	}
}

// large is a file of n resources, endpoints and clients each.
func large(n int) *dispatchapy.Config {
	c := &dispatchapy.Config{Settings: dispatchapy.DefaultSettings()}
	for i := range n {
		name := fmt.Sprintf("n%06d", i)
		c.Resources = append(c.Resources, dispatchapy.Resource{
			Name: name, URL: "http://127.0.0.1/" + name, Headers: map[string]dispatchapy.Secret{"Authorization": "Bearer x"}, RequiredParams: []string{"to"}, Timeout: dispatchapy.Duration(time.Minute),
		})
		c.Endpoints = append(c.Endpoints, dispatchapy.Endpoint{Path: name, Resources: []string{name}, Mapping: map[string]dispatchapy.Mapping{name: {"to": {From: "phone"}}}})
		c.Clients = append(c.Clients, dispatchapy.Client{Name: name, TokenHash: dispatchapy.HashToken(name).String(), Endpoints: []string{name}})
	}
	return c
}

func BenchmarkApply10000(b *testing.B) {
	cfg := large(3334)
	for name, encode := range map[string]func(*dispatchapy.Config) ([]byte, error){"yaml": Encode, "json": EncodeJSON} {
		text, err := encode(cfg)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("parse/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				mustParse(b, string(text))
			}
		})
		b.Run("plan/"+name, func(b *testing.B) {
			f := mustParse(b, string(text))
			for b.Loop() {
				mustPlan(b, cfg, f, true)
			}
		})
		b.Run("encode/"+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := encode(cfg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestPlanKeepsVersionsAndReplacedTokens(t *testing.T) {
	old := dispatchapy.OldToken{Hash: dispatchapy.HashToken("before").String(), Until: time.Unix(1_800_000_000, 0).UTC()}
	for text, want := range map[string]int{
		"clients: [{name: shop, description: x, endpoints: [sms]}]":                                                    1,
		"clients: [{name: shop, description: x, token: token-of-shop, endpoints: [sms]}]":                              1,
		"clients: [{name: shop, description: x, token: another-token, endpoints: [sms]}]":                              0,
		"clients: [{name: shop, description: x, old_tokens: [], endpoints: [sms]}]":                                    0,
		"clients: [{name: shop, description: x, token_hash: " + dispatchapy.HashToken("token-of-shop").String() + "}]": 0,
	} {
		current := stored()
		current.Clients[0].Version = 5
		current.Clients[0].OldTokens = []dispatchapy.OldToken{old}
		next := mustPlan(t, current, mustParse(t, "version: 1\n"+text), false)
		if c := next.Clients[0]; len(c.OldTokens) != want || c.Version != 5 {
			t.Errorf("%s: %+v", text, c)
		}
	}
}

func TestCompareFollowsARename(t *testing.T) {
	before, after := stored(), stored()
	after.Resource("backup").Name = "reserve"
	after.Endpoint("sms").Resources[1] = "reserve"
	after.Normalize()
	changes, err := Compare(before, after)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range changes {
		got = append(got, c.String())
	}
	want := []string{"~ resource reserve (was backup): name", "~ endpoint sms: resources"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
