package dispatchapy

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// validConfig is a graph with one of everything and nothing wrong.
func validConfig() *Config {
	c := &Config{
		Settings: DefaultSettings(),
		Resources: []Resource{{
			Name: "sms", URL: "https://sms.example.com/send", Headers: map[string]Secret{"X-Key": "abc"},
			RequiredParams: []string{"to", "text"},
			RateLimit:      &RateLimit{Requests: 5},
			HealthCheck: HealthCheck{Enabled: true, Method: CheckActual, TestValues: map[string]json.RawMessage{
				"to": json.RawMessage(`"0"`), "text": json.RawMessage(`{"a":[1]}`),
			}},
			Notify: &Notify{
				Email:   &EmailNotice{Enabled: new(true), To: []string{"ops@example.com"}, Subject: "down"},
				Webhook: &WebhookNotice{Enabled: new(true), URL: "http://127.0.0.1:9100/alert", Payload: json.RawMessage(`{}`)},
			},
		}},
		Endpoints: []Endpoint{{
			Path: "send/sms", Resources: []string{"sms"},
			Mapping: map[string]Mapping{"sms": {
				"to":   {From: "phone", Type: "string"},
				"text": {Template: "{{message}}", Default: json.RawMessage(`""`)},
				"kind": {Value: json.RawMessage(`null`)},
			}},
			Retry: &RetryOverride{MaxAttempts: new(3)},
			Dev: EndpointDev{Enabled: true, RulesEnabled: true, Rules: []Rule{{
				If: &Condition{Param: "phone", Matches: "^62"}, Set: Override{Param: "phone", Value: json.RawMessage(`"0"`)},
			}}},
		}},
		Clients: []Client{{
			Name: "shop", Token: "dpy_example", Endpoints: []string{"send/sms"},
			Dev: ClientDev{RulesEnabled: true, Rules: []Rule{{
				Endpoint: "send/sms", Set: Override{Param: "phone", Value: json.RawMessage(`"0"`)},
			}}},
		}},
	}
	c.Settings.SMTP = &SMTP{Host: "mail.example.com", From: "Gateway <gw@example.com>"}
	c.Settings.Cleanup.AuditDays = 0 // for ever
	c.Settings.Alerts.Channels = []Channel{
		{Name: "ops", Email: &EmailNotice{Enabled: new(true), To: []string{"ops@example.com"}}},
		{Name: "chat", Webhook: &WebhookNotice{Enabled: new(true), URL: "https://chat.example.com/hook"}},
	}
	c.Settings.Alerts.TaskFailed.Channels = []string{"ops", "chat"}
	c.Resources[0].Maintenance = []Maintenance{
		{From: time.Unix(1, 0), Until: time.Unix(2, 0), Note: "move"}, {Weekly: &Weekly{Days: []Weekday{"Sun", "mon"}, At: "23:59", For: Duration(time.Hour), Timezone: "Asia/Tokyo"}},
	}
	c.Resources[0].Alerts = &ResourceAlerts{BreakerOpen: LastingAlert{For: Duration(time.Minute), Channels: []string{"chat"}}}
	c.Endpoints[0].Alerts = &EndpointAlerts{FailuresHigh: FailuresAlert{Percent: 99}}
	return c
}

func TestValidateAcceptsAValidGraph(t *testing.T) {
	for name, c := range map[string]*Config{
		"one of everything": validConfig(),
		"empty":             {Settings: DefaultSettings()},
	} {
		c.Normalize()
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	long := strings.Repeat("é", MaxNameLength+1)
	// Each case breaks the valid graph in one way; want is "path: part of the message".
	cases := []struct {
		name  string
		spoil func(c *Config, r *Resource, e *Endpoint, cl *Client)
		want  []string
	}{
		{"name missing", func(_ *Config, r *Resource, e *Endpoint, _ *Client) { r.Name = " "; e.Resources = nil; e.Mapping = nil }, []string{"resources[0].name: is missing"}},
		{"name long", func(_ *Config, _ *Resource, _ *Endpoint, cl *Client) { cl.Name = long }, []string{"clients[0].name: at most 200"}},
		{"name with line break", func(_ *Config, _ *Resource, _ *Endpoint, cl *Client) { cl.Name = "a\nb" }, []string{"clients[0].name: control"}},
		{"name not UTF-8", func(_ *Config, _ *Resource, _ *Endpoint, cl *Client) { cl.Name = "a\xff" }, []string{"clients[0].name: UTF-8"}},
		{"names twice", func(c *Config, r *Resource, e *Endpoint, cl *Client) {
			c.Resources = append(c.Resources, *r)
			c.Endpoints = append(c.Endpoints, *e)
			other := *cl
			other.Token = "another-token"
			c.Clients = append(c.Clients, other)
		}, []string{"resources[1].name: used twice", "endpoints[1].path: used twice", "clients[1].name: used twice"}},

		{"url missing", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) { r.URL = "" }, []string{"resources[0].url: is missing"}},
		{"url unreadable", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) { r.URL = "http://a b/?k=S3CRET" }, []string{"resources[0].url: is not a URL"}},
		{"url scheme", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) { r.URL = "ftp://a/b" }, []string{"resources[0].url: http://"}},
		{"url host", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) { r.URL = "http://:80/" }, []string{"resources[0].url: host"}},
		{"url userinfo", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) { r.URL = "http://u:S3CRET@a/" }, []string{"resources[0].url: header"}},
		{"url port", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) { r.URL = "http://a:70000/" }, []string{"resources[0].url: port"}},
		{"method", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) { r.Method = "trace" }, []string{`resources[0].method: "TRACE" is not known`}},
		{"headers", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) {
			r.Headers = map[string]Secret{"a b": "S3CRET", "X": "S3CRET\n", "Dup": "1", "dup": "2", "": "x"}
		}, []string{"resources[0].headers.: name", "resources[0].headers.X: line breaks", "resources[0].headers.a b: name", `resources[0].headers.dup: same header as "Dup"`}},
		{"required params", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) {
			r.RequiredParams = []string{"to", "", "to"}
			r.HealthCheck.Method = CheckSimple
		}, []string{"resources[0].required_params[1]: is missing", "resources[0].required_params[2]: repeated"}},
		{"timeout low", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) { r.Timeout = Duration(99 * time.Millisecond) }, []string{"resources[0].timeout: between 100ms and 5m"}},
		{"timeout high", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) { r.Timeout = Duration(301 * time.Second) }, []string{"resources[0].timeout: between 100ms and 5m"}},
		{"limits", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) {
			r.Concurrency = -1
			r.RateLimit = &RateLimit{Requests: 0, Per: -1, Burst: -1}
		}, []string{"resources[0].concurrency: negative", "resources[0].rate_limit.requests: between 1 and 1000000", "resources[0].rate_limit.per: greater than 0", "resources[0].rate_limit.burst: between 1 and 1000000"}},
		{"health check", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) {
			r.HealthCheck = HealthCheck{Method: "ping", Interval: DurationRange{Min: 1, Max: 0}, DownAfter: 101, UpAfter: -1}
		}, []string{"resources[0].health_check.method: not known", "resources[0].health_check.interval.min: at least 1s", "resources[0].health_check.interval.max: less than min", "resources[0].health_check.down_after: between 1 and 100", "resources[0].health_check.up_after: between 1 and 100"}},
		{"flapping", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) {
			r.HealthCheck.Flap = Flap{Changes: 1, Within: Duration(time.Second)}
			r.HealthCheck.RemindEvery = Duration(time.Second)
		}, []string{"resources[0].health_check.flap.changes: between 2 and 20", "resources[0].health_check.flap.within: between 10s and 24h", "resources[0].health_check.remind_every: at least 1m"}},
		{"flapping and reminders for ages", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) {
			r.HealthCheck.Flap = Flap{Changes: 21, Within: Duration(25 * time.Hour)}
			r.HealthCheck.RemindEvery = math.MaxInt64
		}, []string{"resources[0].health_check.flap.changes: between 2 and 20", "resources[0].health_check.flap.within: between 10s and 24h", "resources[0].health_check.remind_every: at most 8760h"}},
		{"maintenance", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) {
			r.Maintenance = []Maintenance{
				{Note: strings.Repeat("x", 201)}, {From: time.Unix(2, 0), Until: time.Unix(1, 0)}, {Until: time.Unix(1, 0)},
				{From: time.Unix(1, 0), Weekly: &Weekly{}}, {Weekly: &Weekly{At: "24:00", Timezone: "Moon/Base"}},
				{Weekly: &Weekly{Days: []Weekday{"sunday"}, At: "1:30", For: Duration(145 * time.Hour), Timezone: "Local"}}, {Weekly: &Weekly{Days: []Weekday{"sun"}, At: "12:60", For: Duration(time.Hour)}},
			}
		}, []string{
			"resources[0].maintenance[0].note: at most 200", "resources[0].maintenance[0]: either from and until, or weekly", "resources[0].maintenance[1].until: after from",
			"resources[0].maintenance[2].from: is missing", "resources[0].maintenance[3]: not both",
			"resources[0].maintenance[4].weekly.days: at least one day", "resources[0].maintenance[4].weekly.at: a time of day",
			"resources[0].maintenance[4].weekly.for: between 1m and 144h", `resources[0].maintenance[4].weekly.timezone: "Moon/Base" is not known`,
			`resources[0].maintenance[5].weekly.days[0]: "sunday" is not known`, "resources[0].maintenance[5].weekly.at: a time of day",
			"resources[0].maintenance[5].weekly.for: between 1m and 144h", `resources[0].maintenance[5].weekly.timezone: "Local"`,
			"resources[0].maintenance[6].weekly.at: a time of day",
		}},
		{"too much maintenance", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) {
			for range MaxMaintenance {
				r.Maintenance = append(r.Maintenance, r.Maintenance[0])
			}
		}, []string{"resources[0].maintenance: at most 20"}},
		{"channels", func(c *Config, _ *Resource, _ *Endpoint, _ *Client) {
			c.Settings.Alerts.Channels = append(c.Settings.Alerts.Channels, Channel{Name: "ops"}, Channel{Webhook: &WebhookNotice{Enabled: new(true)}},
				Channel{Name: "both", Email: &EmailNotice{Enabled: new(true)}, Webhook: &WebhookNotice{URL: "http://a/", Headers: map[string]Secret{"X": Redacted}}})
		}, []string{
			"settings.alerts.channels[2].name: used twice", "settings.alerts.channels[2]: exactly one of email and webhook",
			"settings.alerts.channels[3].name: is missing", "settings.alerts.channels[3].webhook.url: is missing",
			"settings.alerts.channels[4]: exactly one", "settings.alerts.channels[4].email.to: at least one", "settings.alerts.channels[4].webhook.headers.X: is masked",
		}},
		{"grouping and quiet hours", func(c *Config, _ *Resource, _ *Endpoint, _ *Client) {
			c.Settings.Alerts.BaseURL = "https://gateway.example.com/?x"
			c.Settings.Alerts.Channels[0].GroupBy, c.Settings.Alerts.Channels[0].GroupFor = "people", Duration(2*time.Hour)
			c.Settings.Alerts.Channels[0].Quiet = []QuietHours{{Days: []Weekday{"monday"}, From: "22", Until: "7:00", Timezone: "Mars"}, {From: "22:00", Until: "24:00", Timezone: "Local"}}
			c.Settings.Alerts.Channels[1].Quiet = slices.Repeat([]QuietHours{{From: "22:00", Until: "07:00"}}, MaxQuiet+1)
		}, []string{
			"settings.alerts.base_url: without ?", `settings.alerts.channels[0].group_by: "people" is not known`, "settings.alerts.channels[0].group_for: between 1s and 1h",
			"settings.alerts.channels[0].quiet[0].from: time of day", "settings.alerts.channels[0].quiet[0].until: time of day",
			`settings.alerts.channels[0].quiet[0].days[0]: "monday" is not known`, `settings.alerts.channels[0].quiet[0].timezone: "Mars" is not a time zone`,
			"settings.alerts.channels[0].quiet[1].until: time of day", `settings.alerts.channels[0].quiet[1].timezone: "Local"`,
			"settings.alerts.channels[1].quiet: at most 20",
		}},
		{"webhooks", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) {
			*r.Notify.Webhook = WebhookNotice{
				URL: "https://{secret:host}.example/", Method: "GET", Timeout: Duration(time.Hour), Retries: new(-1), SigningSecret: "whsec_c2hvcnQ=",
				Secrets: map[string]Secret{"a b": "x", "line": "a\nb", "masked": Redacted}, Payload: json.RawMessage(`{"key":"{secret:nope}"}`),
			}
		}, []string{
			"resources[0].notify.webhook.url: must name the server without a placeholder", `resources[0].notify.webhook.method: "GET" is not known`,
			`resources[0].notify.webhook.payload: there is no secret "nope"`, "resources[0].notify.webhook.timeout: between 1s and 1m",
			"resources[0].notify.webhook.retries: between 0 and 200", "resources[0].notify.webhook.secrets.a b: name of a secret",
			"resources[0].notify.webhook.secrets.line: no control characters", "resources[0].notify.webhook.secrets.masked: is masked",
			"resources[0].notify.webhook.signing_secret: whsec_ and the base64",
		}},
		{"secrets in a webhook's URL", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) {
			r.Notify.Webhook.URL, r.Notify.Webhook.SigningSecret = "ftp://x/{secret:a}/{secret:b}", Redacted
			r.Notify.Webhook.Secrets = map[string]Secret{"a": "1"}
		}, []string{
			"resources[0].notify.webhook.url: http://", `resources[0].notify.webhook.url: there is no secret "b"`, "resources[0].notify.webhook.signing_secret: is masked",
		}},
		{"too much to say", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) {
			r.Notify.Email.To = slices.Repeat([]string{"a@b.example"}, MaxRecipients+1)
			r.Notify.Email.Subject, r.Notify.Email.Body = strings.Repeat("x", 1001), strings.Repeat("x", MaxNoticeText+1)
			r.Notify.Webhook.Payload = json.RawMessage(`"` + strings.Repeat("x", MaxNoticeText) + `"`)
		}, []string{
			"resources[0].notify.email.to: at most 100", "resources[0].notify.email.subject: at most 1000", "resources[0].notify.email.body: at most 65536",
			"resources[0].notify.webhook.payload: at most 65536",
		}},
		{"too many channels", func(c *Config, _ *Resource, _ *Endpoint, _ *Client) {
			for i := range MaxChannels {
				c.Settings.Alerts.Channels = append(c.Settings.Alerts.Channels, Channel{Name: fmt.Sprint(i), Email: &EmailNotice{Enabled: new(false)}})
			}
		}, []string{"settings.alerts.channels: at most 100"}},
		{"channels of rules", func(c *Config, r *Resource, e *Endpoint, _ *Client) {
			c.Settings.Alerts.ConfigChanged.Channels = []string{"nope"}
			c.Settings.Alerts.LoginThrottled.Channels = []string{"ops", "ops"}
			r.Alerts.ResourceDown.Channels = []string{"", "chat"}
			e.Alerts.TaskFailed.Channels = []string{"nope"}
		}, []string{
			`settings.alerts.config_changed.channels[0]: there is no channel "nope" among chat, ops`, "settings.alerts.login_throttled.channels[1]: repeated",
			`resources[0].alerts.resource_down.channels[0]: there is no channel ""`, `endpoints[0].alerts.task_failed.channels[0]: there is no channel "nope"`,
		}},
		{"thresholds", func(c *Config, r *Resource, e *Endpoint, _ *Client) {
			c.Settings.Alerts.BacklogOld.For = Duration(25 * time.Hour)
			r.Alerts.ResourceSaturated.For, r.Alerts.BreakerOpen.For = -1, Duration(time.Millisecond)
			r.Alerts.CertificateExpiring.Days = []int{366, 0}
			e.Alerts.FailuresHigh = FailuresAlert{Of: "mails", Percent: 100, Within: Duration(time.Second), AtLeast: -1}
		}, []string{
			"settings.alerts.backlog_old.for: between 1s and 24h", "resources[0].alerts.resource_saturated.for: between 1s and 24h",
			"resources[0].alerts.breaker_open.for: between 1s and 24h", "resources[0].alerts.certificate_expiring.days[0]: between 1 and 365",
			"resources[0].alerts.certificate_expiring.days[1]: between 1 and 365", `endpoints[0].alerts.failures_high.of: "mails" is not known`,
			"endpoints[0].alerts.failures_high.percent: between 1 and 99", "endpoints[0].alerts.failures_high.within: between 1m and 1h",
			"endpoints[0].alerts.failures_high.at_least: between 1 and 1000000",
		}},
		{"status page", func(c *Config, _ *Resource, _ *Endpoint, _ *Client) {
			c.Settings.StatusPage = StatusPage{Enabled: true, Title: "a\nb", Endpoints: []StatusEndpoint{{Path: "send/sms", Name: strings.Repeat("x", 201)}, {Path: "/send/sms/"}, {Path: "nope"}}}
		}, []string{
			"settings.status_page.title: ", "settings.status_page.token: is missing", "settings.status_page.endpoints[0].name: 200 characters",
			`settings.status_page.endpoints[1].path: "send/sms" is repeated`, `settings.status_page.endpoints[2].path: there is no endpoint "nope"`,
		}},
		{"token of the status page", func(c *Config, _ *Resource, _ *Endpoint, _ *Client) {
			c.Settings.StatusPage = StatusPage{Public: true, Token: "fifteen letters"}
		}, []string{"settings.status_page.token: between 16 and 200", "settings.status_page.token: printable ASCII"}},
		{"masked token of the status page", func(c *Config, _ *Resource, _ *Endpoint, _ *Client) {
			c.Settings.StatusPage = StatusPage{Token: Redacted, Endpoints: make([]StatusEndpoint, MaxStatusEndpoints+1)}
			for i := range c.Settings.StatusPage.Endpoints {
				c.Settings.StatusPage.Endpoints[i].Path = fmt.Sprint("e", i)
				c.Endpoints = append(c.Endpoints, Endpoint{Path: fmt.Sprint("e", i)})
			}
		}, []string{"settings.status_page.token: is masked", "settings.status_page.endpoints: at most 50"}},
		{"test values missing", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) { r.HealthCheck.TestValues = nil }, []string{"resources[0].health_check.test_values: to, text"}},
		{"test values broken", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) {
			r.HealthCheck.TestValues = map[string]json.RawMessage{"to": json.RawMessage(`{`), "text": nil}
		}, []string{"resources[0].health_check.test_values.text: is missing", "resources[0].health_check.test_values.to: valid JSON"}},
		{"email", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) {
			r.Notify.Email = &EmailNotice{Enabled: new(true), Subject: "a\nBcc: x"}
		}, []string{"resources[0].notify.email.to: at least one", "resources[0].notify.email.subject: single line"}},
		{"recipient", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) {
			r.Notify.Email = &EmailNotice{Enabled: new(false), To: []string{"ops@example.com", "ops", ""}}
		}, []string{"resources[0].notify.email.to[1]: not an email address", "resources[0].notify.email.to[2]: is missing"}},
		{"webhook", func(_ *Config, r *Resource, _ *Endpoint, _ *Client) {
			r.Notify.Webhook = &WebhookNotice{Enabled: new(true), Headers: map[string]Secret{"é": "1"}, Payload: json.RawMessage(`{`)}
		}, []string{"resources[0].notify.webhook.url: is missing", "resources[0].notify.webhook.headers.é: header name", "resources[0].notify.webhook.payload: valid JSON"}},

		{"path missing", func(_ *Config, _ *Resource, e *Endpoint, cl *Client) {
			e.Path = "/"
			cl.Endpoints = nil
			cl.Dev = ClientDev{}
		}, []string{"endpoints[0].path: is missing"}},
		{"path characters", func(_ *Config, _ *Resource, e *Endpoint, cl *Client) {
			e.Path = "a?b"
			cl.Endpoints = nil
			cl.Dev = ClientDev{}
		}, []string{"endpoints[0].path: letters"}},
		{"path long", func(_ *Config, _ *Resource, e *Endpoint, cl *Client) {
			e.Path = strings.Repeat("a", 201)
			cl.Endpoints = nil
			cl.Dev = ClientDev{}
		}, []string{"endpoints[0].path: at most 200"}},
		{"path segments", func(_ *Config, _ *Resource, e *Endpoint, cl *Client) {
			e.Path = "a/../b"
			cl.Endpoints = nil
			cl.Dev = ClientDev{}
		}, []string{"endpoints[0].path: empty part"}},
		{"endpoint's resources", func(_ *Config, _ *Resource, e *Endpoint, _ *Client) { e.Resources = []string{"sms", "nope", "sms"} }, []string{`endpoints[0].resources[1]: there is no resource "nope"`, "endpoints[0].resources[2]: repeated"}},
		{"mapping of an unlinked resource", func(_ *Config, _ *Resource, e *Endpoint, _ *Client) { e.Mapping["other"] = nil }, []string{"endpoints[0].mapping.other: not among"}},
		{"sources", func(_ *Config, _ *Resource, e *Endpoint, _ *Client) {
			e.Mapping["sms"] = Mapping{
				"a": {}, "b": {From: "x", Now: true}, "c": {UUID: true, Type: "date"},
				"d": {Value: json.RawMessage(`x`), Default: json.RawMessage(`y`)}, "": {Now: true},
			}
		}, []string{
			"endpoints[0].mapping.sms.: is missing", "endpoints[0].mapping.sms.a: exactly one", "endpoints[0].mapping.sms.b: exactly one",
			`endpoints[0].mapping.sms.c.type: "date"`, "endpoints[0].mapping.sms.d.value: valid JSON", "endpoints[0].mapping.sms.d.default: valid JSON",
		}},
		{"body limit", func(_ *Config, _ *Resource, e *Endpoint, _ *Client) { e.MaxBody = MaxMaxBody + 1 }, []string{"endpoints[0].max_body: between 1 and 67108864"}},
		{"retry override", func(_ *Config, _ *Resource, e *Endpoint, _ *Client) {
			e.Retry = &RetryOverride{MaxAttempts: new(0), Base: new(Duration(0)), Factor: new(0.5), Cap: new(Duration(-1)), Jitter: new(2.0), MaxAge: new(Duration(-1))}
		}, []string{
			"endpoints[0].retry.max_attempts: between", "endpoints[0].retry.base: greater than 0", "endpoints[0].retry.factor: between",
			"endpoints[0].retry.cap: less than base", "endpoints[0].retry.jitter: between", "endpoints[0].retry.max_age: negative",
		}},
		{"override against settings", func(_ *Config, _ *Resource, e *Endpoint, _ *Client) {
			e.Retry = &RetryOverride{Base: new(Duration(2 * time.Hour))}
		}, []string{"endpoints[0].retry.cap: 1h must not be less than base, which is 2h"}},
		{"endpoint dev", func(_ *Config, _ *Resource, e *Endpoint, _ *Client) { e.Dev = EndpointDev{Enabled: true} }, []string{"endpoints[0].dev: requires either"}},
		{"endpoint rules", func(_ *Config, _ *Resource, e *Endpoint, _ *Client) {
			e.Dev.Rules = []Rule{{Endpoint: "send/sms", If: &Condition{Matches: "x"}}}
		}, []string{"endpoints[0].dev.rules[0].if.param: is missing", "endpoints[0].dev.rules[0].set.param: is missing", "endpoints[0].dev.rules[0].set.value: is missing", "endpoints[0].dev.rules[0].endpoint: only a client's rule"}},
		{"too much of rules", func(_ *Config, _ *Resource, e *Endpoint, cl *Client) {
			e.Dev.Rules = slices.Repeat(e.Dev.Rules, MaxRules+1)
			cl.Dev.Rules[0].If = &Condition{Param: "phone", Matches: "(abcdefghij){1000}"}
		}, []string{"endpoints[0].dev.rules: at most 200 rules", "clients[0].dev.rules[0].if.matches: too large: at most 1000 bytes"}},
		{"no endpoint rules", func(_ *Config, _ *Resource, e *Endpoint, _ *Client) { e.Dev.Rules = nil }, []string{"endpoints[0].dev.rules: at least one"}},

		{"client's endpoints", func(_ *Config, _ *Resource, _ *Endpoint, cl *Client) { cl.Endpoints = []string{"nope"} }, []string{`clients[0].endpoints[0]: there is no endpoint "nope"`}},
		{"client's rules", func(_ *Config, _ *Resource, _ *Endpoint, cl *Client) {
			cl.Dev.Rules[0].Endpoint = "nope"
			cl.Dev.Rules[0].Set.Value = json.RawMessage(`nope`)
		}, []string{"clients[0].dev.rules[0].set.value: valid JSON", `clients[0].dev.rules[0].endpoint: there is no endpoint "nope"`}},
		{"no client rules", func(_ *Config, _ *Resource, _ *Endpoint, cl *Client) { cl.Dev.Rules = nil }, []string{"clients[0].dev.rules: at least one"}},
		{"no token", func(_ *Config, _ *Resource, _ *Endpoint, cl *Client) { cl.Token = "" }, []string{"clients[0].token: is missing"}},
		{"short token", func(_ *Config, _ *Resource, _ *Endpoint, cl *Client) { cl.Token = "S3CRET7" }, []string{"clients[0].token: 8 to 200"}},
		{"token with a space", func(_ *Config, _ *Resource, _ *Endpoint, cl *Client) { cl.Token = "S3CRET S3CRET" }, []string{"clients[0].token: no spaces"}},
		{"token hash", func(_ *Config, _ *Resource, _ *Endpoint, cl *Client) { cl.Token, cl.TokenHash = "", "abc" }, []string{"clients[0].token_hash: 64 hexadecimal"}},
		{"token shared", func(c *Config, _ *Resource, _ *Endpoint, _ *Client) {
			c.Clients = append(c.Clients, Client{Name: "zoo", TokenHash: strings.ToUpper(HashToken("dpy_example").String())})
		}, []string{`clients[1].token: client "shop" has the same token`}},

		{"settings", func(c *Config, _ *Resource, e *Endpoint, _ *Client) {
			e.Retry = nil
			c.Settings = Settings{Alerts: c.Settings.Alerts, MaxAttempts: 1001, TaskDelay: DurationRange{Min: -1, Max: Duration(25 * time.Hour)}, Cleanup: Cleanup{AfterDays: -1, AuditDays: 29},
				Sessions: Sessions{Idle: Duration(time.Minute), Absolute: Duration(91 * 24 * time.Hour)},
				Retry:    RetryPolicy{Factor: math.NaN(), Cap: -1, Jitter: -0.1, MaxAge: -1}}
		}, []string{
			"settings.max_attempts: between 1 and 1000", "settings.task_delay.min: between 0s and 24h", "settings.task_delay.max: between 0s and 24h",
			"settings.retry.base: greater", "settings.retry.factor: between", "settings.retry.cap: less than base", "settings.retry.jitter: between",
			"settings.retry.max_age: negative", "settings.cleanup.after_days: between 1 and 36500",
			"settings.cleanup.audit_days: between 30 and 36500, or 0", "settings.sessions.idle: between 5m and 2160h", "settings.sessions.absolute: between 5m and 2160h",
		}},
		{"idle for longer than signed in", func(c *Config, _ *Resource, _ *Endpoint, _ *Client) {
			c.Settings.Sessions = Sessions{Idle: Duration(2 * time.Hour), Absolute: Duration(time.Hour)}
		}, []string{"settings.sessions.idle: longer than absolute, which is 1h"}},
		{"numbers that overflow", func(c *Config, r *Resource, e *Endpoint, _ *Client) {
			const ages = Duration(math.MaxInt64)
			e.Retry = nil
			r.RateLimit = &RateLimit{Requests: math.MaxInt, Per: ages, Burst: math.MaxInt}
			r.HealthCheck.Interval = DurationRange{Min: Duration(time.Minute), Max: ages}
			c.Settings.Retry.Cap, c.Settings.Retry.MaxAge = ages, ages
			c.Settings.Cleanup.AfterDays = 106_752 // days that a time.Duration cannot hold
		}, []string{
			"settings.retry.cap: at most 8760h", "settings.retry.max_age: at most 8760h", "settings.cleanup.after_days: between 1 and 36500",
			"resources[0].rate_limit.requests: between 1 and 1000000", "resources[0].rate_limit.per: at most 8760h",
			"resources[0].rate_limit.burst: between 1 and 1000000", "resources[0].health_check.interval.max: at most 8760h",
		}},
		{"delay", func(c *Config, _ *Resource, _ *Endpoint, _ *Client) { c.Settings.TaskDelay.Min = 1 }, []string{"settings.task_delay: min must not be greater"}},
		{"smtp", func(c *Config, _ *Resource, _ *Endpoint, _ *Client) {
			c.Settings.SMTP = &SMTP{Host: "a b", Port: 65536, Username: "a\n", From: "x", Encryption: "ssl"}
		}, []string{"settings.smtp.host: mail server", "settings.smtp.port: between 1 and 65535", "settings.smtp.username: control", "settings.smtp.from: not an email", `settings.smtp.encryption: "ssl" is not known: use one of starttls, tls, none`}},
		{"smtp, too long", func(c *Config, _ *Resource, _ *Endpoint, _ *Client) {
			long := strings.Repeat("x", 10_000)
			c.Settings.SMTP = &SMTP{Host: long, Port: 25, Username: long, Password: Secret(long), From: long + "@x.example", Encryption: EncryptionNone}
		}, []string{"settings.smtp.host: at most 253 bytes", "settings.smtp.username: at most 1000 bytes", "settings.smtp.password: at most 1000 bytes", "settings.smtp.from: at most 1000 bytes"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := validConfig()
			tc.spoil(c, &c.Resources[0], &c.Endpoints[0], &c.Clients[0])
			c.Normalize()
			err := c.Validate()
			var e *Error
			if !errors.As(err, &e) || e.Code != CodeInvalid {
				t.Fatalf("Validate gave %v, want an Error with CodeInvalid", err)
			}
			if strings.Contains(err.Error(), "S3CRET") {
				t.Errorf("the error tells a secret: %v", err)
			}
			if len(e.Fields) != len(tc.want) {
				t.Fatalf("got %d faults, want %d:\n%s", len(e.Fields), len(tc.want), strings.Join(faultLines(e), "\n"))
			}
			for i, want := range tc.want {
				path, message, _ := strings.Cut(want, ": ")
				if e.Fields[i].Path != path || !strings.Contains(e.Fields[i].Message, message) {
					t.Errorf("fault %d is %q: %q, want %q", i, e.Fields[i].Path, e.Fields[i].Message, want)
				}
			}
		})
	}
}

func faultLines(e *Error) []string {
	lines := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		lines[i] = f.Path + ": " + f.Message
	}
	return lines
}

func TestValidateReportsFaultsInTheSameOrder(t *testing.T) {
	broken := func() string {
		c := validConfig()
		c.Resources[0].Headers = map[string]Secret{"a b": "", "c d": "", "e f": "", "g h": ""}
		c.Normalize()
		return c.Validate().Error()
	}
	first := broken()
	for range 20 {
		if diff := cmp.Diff(first, broken()); diff != "" {
			t.Fatal(diff)
		}
	}
}

// manyObjects is a valid graph of n resources, endpoints and clients each.
func manyObjects(n int) *Config {
	c := &Config{Settings: DefaultSettings()}
	for i := range n {
		name := fmt.Sprintf("n%06d", i)
		c.Resources = append(c.Resources, Resource{Name: name, URL: "http://127.0.0.1/", RequiredParams: []string{"to"}})
		c.Endpoints = append(c.Endpoints, Endpoint{Path: name, Resources: []string{name}, Mapping: map[string]Mapping{name: {"to": {From: "phone"}}}})
		c.Clients = append(c.Clients, Client{Name: name, TokenHash: HashToken(name).String(), Endpoints: []string{name}})
	}
	c.Normalize()
	return c
}

// BenchmarkValidate10000 shows that look-ups are not quadratic: some ten
// milliseconds for 10,000 objects.
func BenchmarkValidate10000(b *testing.B) { benchmarkValidate(b, 3334) }

func benchmarkValidate(b *testing.B, n int) {
	c := manyObjects(n)
	for b.Loop() {
		if err := c.Validate(); err != nil {
			b.Fatal(err)
		}
		index := c.ReadinessIndex()
		for i := range c.Endpoints {
			if got := index.Of(&c.Endpoints[i]); got != ReadinessReady {
				b.Fatal(got)
			}
		}
	}
}
