package original_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/original"
)

func TestTidyGatewayComesOverWhole(t *testing.T) {
	on, off := true, false
	second := dispatchapy.Duration(time.Second)
	always := dispatchapy.Override{Param: "flag", Value: json.RawMessage(`"yes"`)}
	settings := dispatchapy.DefaultSettings()
	settings.MaxAttempts = 3
	settings.TaskDelay = dispatchapy.DurationRange{Max: 2 * second}
	settings.Cleanup.Enabled, settings.Cleanup.AfterDays = true, 14
	settings.SMTP = &dispatchapy.SMTP{
		Host: "mail.example.com", Port: 465, Username: "mailer", Password: "planted-smtp",
		From: "gw@example.com", Encryption: dispatchapy.EncryptionTLS,
	}
	want := &dispatchapy.Config{
		Settings: settings,
		Resources: []dispatchapy.Resource{{
			Name: "chat", URL: "http://chat.example.com/post", RequiredParams: []string{"body"}, Active: &off,
			HealthCheck: dispatchapy.HealthCheck{Interval: dispatchapy.DurationRange{Min: 5 * second, Max: 5 * second}},
		}, {
			Name: "sms", URL: "https://sms.example.com/send?key=planted-query", Active: &on,
			Headers:        map[string]dispatchapy.Secret{"X-Key": "planted-header"},
			RequiredParams: []string{"to", "text", "id"},
			HealthCheck: dispatchapy.HealthCheck{
				Enabled: true, Method: dispatchapy.CheckActual,
				Interval: dispatchapy.DurationRange{Min: 60 * second, Max: 120 * second},
				TestValues: map[string]json.RawMessage{
					"to": json.RawMessage(`"0"`), "text": json.RawMessage(`"ping {datetime}"`), "id": json.RawMessage(`{"deep": [1, "x"]}`),
				},
			},
			Notify: &dispatchapy.Notify{
				Email: &dispatchapy.EmailNotice{
					Enabled: new(true), To: []string{"ops@example.com", "On Call <call@example.com>"},
					Subject: "{resource_name} is down", Body: "Look at {resource_endpoint}.\nNow.",
				},
				Webhook: &dispatchapy.WebhookNotice{
					Enabled: new(true), URL: "https://hooks.example.com/x",
					Headers: map[string]dispatchapy.Secret{"X-Hook": "planted-hook"},
					Payload: json.RawMessage(`{"text": "{resource_name} is down"}`),
				},
			},
		}},
		Endpoints: []dispatchapy.Endpoint{{
			Path: "send_sms", Description: "Send one text", Active: &on, RequiredParams: []string{"phone"},
			Resources: []string{"chat", "sms"},
			Mapping: map[string]dispatchapy.Mapping{
				"chat": {"body": {From: "message"}},
				"sms":  {"to": {From: "phone"}, "text": {From: "message"}, "id": {UUID: true}},
			},
			Dev: dispatchapy.EndpointDev{Enabled: true, RulesEnabled: true, Rules: []dispatchapy.Rule{
				{If: &dispatchapy.Condition{Param: "scope", Matches: "^staging$"}, Set: dispatchapy.Override{Param: "phone", Value: json.RawMessage(`"+100"`)}},
				{Set: always},
			}},
		}, {
			Path: "team/notify", Active: &off, Resources: []string{"chat"}, Dev: dispatchapy.EndpointDev{Hold: true},
		}},
		Clients: []dispatchapy.Client{{
			Name: "crm", TokenHash: hash("dpy_planted-token-of-the-crm"), Endpoints: []string{"send_sms"},
		}, {
			Name: "shop", Description: "The shop", TokenHash: hash("dpy_planted-token-of-the-shop"),
			Endpoints: []string{"send_sms", "team/notify"},
			Dev: dispatchapy.ClientDev{Hold: true, RulesEnabled: true, Rules: []dispatchapy.Rule{
				{If: &dispatchapy.Condition{Param: "phone"}, Set: dispatchapy.Override{Param: "phone", Value: json.RawMessage(`"+200"`)}},
				{Active: &off, Set: dispatchapy.Override{Param: "note", Value: json.RawMessage("null")}},
			}},
		}},
	}
	want.Normalize()
	im := read(t, database(t, tidy))
	// As text, with secrets shown and without the difference of nil and empty.
	if diff := cmp.Diff(lines(t, want), lines(t, im.Config)); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	if err := im.Config.Validate(); err != nil {
		t.Error(err)
	}
	if len(im.Mended()) > 0 {
		t.Errorf("mended without need: %q", im.Mended())
	}
}

func lines(t *testing.T, c *dispatchapy.Config) []string {
	t.Helper()
	text, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}

func TestChecks(t *testing.T) {
	im := read(t, database(t, tidy))
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	want := []original.Check{
		{Resource: "sms", Check: dispatchapy.Check{At: day, Method: dispatchapy.CheckActual, StatusCode: 500,
			Error: dispatchapy.ErrorStatus5xx, Detail: "Internal error", State: dispatchapy.HealthDown}},
		{Resource: "chat", Check: dispatchapy.Check{At: day.Add(30 * time.Second), Method: dispatchapy.CheckSimple,
			Error: dispatchapy.ErrorRefused, Detail: "tcp_error:[Errno 111] Connection refused", State: dispatchapy.HealthDown}},
		{Resource: "sms", Check: dispatchapy.Check{At: day.Add(time.Minute), Method: dispatchapy.CheckActual, OK: true, StatusCode: 200,
			Detail: `{"ok": true}`, State: dispatchapy.HealthUp}},
	}
	if diff := cmp.Diff(want, im.Checks); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
}

func TestChecksKeepTheLatestOfTheRightResource(t *testing.T) {
	im := read(t, database(t, tidy, `
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
			INSERT INTO health_check_logs SELECT 10 + i, 2, datetime('2026-03-01', '+' || i || ' seconds'), 1, NULL, 'check ' || i, NULL, 'simple' FROM n;
		INSERT INTO health_check_logs VALUES (9000, 1, '2025-12-31 00:00:00', 1, 200, 'of a predecessor', NULL, 'simple'),
			(9001, 1, 'never', 1, 200, 'without a time', NULL, 'simple'), (9002, 77, '2026-03-01', 1, 200, 'of nobody', NULL, 'simple')`))
	counts := map[string]int{}
	for _, c := range im.Checks {
		counts[c.Resource]++
	}
	if diff := cmp.Diff(map[string]int{"sms": 2, "chat": 1000}, counts); diff != "" {
		t.Errorf("checks per resource (-want +got):\n%s", diff)
	}
	if last := im.Checks[len(im.Checks)-1]; last.Detail != "check 1500" {
		t.Errorf("the latest check is %q", last.Detail)
	}
	want := []string{"health checks of resources that do not exist, without a time, or older than the latest 1000, left out: 504"}
	if diff := cmp.Diff(want, im.Mended()); diff != "" {
		t.Errorf("mended (-want +got):\n%s", diff)
	}
}

func TestMended(t *testing.T) {
	long := strings.Repeat("x", 300)
	tests := []struct {
		name   string
		mess   string
		mended []string // all lines
		check  func(c *dispatchapy.Config) bool
	}{
		{
			name:   "path with a space",
			mess:   `UPDATE endpoints SET path = 'send_sms copy' WHERE id = 2`,
			mended: []string{`endpoint "send_sms copy": cannot be called under this path, or it is that of another one: now "send_sms_copy"`},
			check: func(c *dispatchapy.Config) bool {
				return slices.Equal(c.Client("shop").Endpoints, []string{"send_sms", "send_sms_copy"})
			},
		},
		{
			name:   "path that another one has once cleaned",
			mess:   `UPDATE endpoints SET path = '/send sms/' WHERE id = 2`,
			mended: []string{`endpoint "/send sms/": cannot be called under this path, or it is that of another one: now "send_sms-2"`},
			check:  func(c *dispatchapy.Config) bool { return c.Endpoint("send_sms-2") != nil },
		},
		{
			name:   "path of which nothing is left",
			mess:   `UPDATE endpoints SET path = '..//.' WHERE id = 2`,
			mended: []string{`endpoint "..//.": cannot be called under this path, or it is that of another one: now "endpoint-2"`},
			check:  func(c *dispatchapy.Config) bool { return c.Endpoint("endpoint-2") != nil },
		},
		{
			name:   "names",
			mess:   `UPDATE resources SET name = 'sms' WHERE id = 2; UPDATE clients SET name = char(10) WHERE id = 2`,
			mended: []string{`resource "sms": not a name, or that of another one: now "sms (2)"`, `client "\n": not a name, or that of another one: now "client 2"`},
			check: func(c *dispatchapy.Config) bool {
				return slices.Equal(c.Endpoint("send_sms").Resources, []string{"sms (2)", "sms"}) && c.Client("client 2") != nil
			},
		},
		{
			name: "links to what was deleted",
			mess: `DELETE FROM resources WHERE id = 2; DELETE FROM clients WHERE id = 2; DELETE FROM health_check_logs;
				INSERT INTO endpoint_client_links VALUES (9, 77, 1); INSERT INTO development_rules VALUES (9, 77, NULL, NULL, 'a', 'b')`,
			mended: []string{
				`endpoint "send_sms": links to resource 2, which does not exist, left out: 1`,
				`endpoint "team/notify": links to resource 2, which does not exist, left out: 1`,
				`endpoint "send_sms": parameter rules for resource 2, which does not exist, left out: 1`,
				`development rules of endpoint 77, which does not exist, left out: 1`,
				`links to endpoints of client 2, which does not exist, left out: 1`,
				`links to clients of endpoint 77, which does not exist, left out: 1`,
			},
			check: func(c *dispatchapy.Config) bool {
				return slices.Equal(c.Endpoint("send_sms").Resources, []string{"sms"}) && len(c.Endpoint("team/notify").Resources) == 0
			},
		},
		{
			name:   "mapping without a link",
			mess:   `DELETE FROM endpoint_resource_links WHERE id = 1`,
			mended: []string{`endpoint "send_sms": not linked to resource "sms", so the mapping for it is left out (id a UUID, text from message, to from phone)`},
			check:  func(c *dispatchapy.Config) bool { return len(c.Endpoint("send_sms").Mapping) == 1 },
		},
		{
			name:   "a link twice",
			mess:   `INSERT INTO endpoint_resource_links VALUES (9, 1, 2, 5); INSERT INTO endpoint_client_links VALUES (9, 1, 2)`,
			mended: []string{`endpoint "send_sms": linked to resource "chat" twice, once is kept`},
			check:  func(c *dispatchapy.Config) bool { return len(c.Endpoint("send_sms").Resources) == 2 },
		},
		{
			name: "mapping rules",
			mess: `INSERT INTO parameter_rules VALUES (11,1,2,'body','from_source','other',NULL),(12,1,2,'body.a','from_source','x',NULL),
				(13,1,2,'to.number','from_source','x',NULL),(14,1,2,'a..b','generate_uuid','',NULL),(15,1,2,'none','from_source','',NULL),(16,1,2,'odd','magic','x',NULL)`,
			mended: []string{
				`endpoint "send_sms", mapping for "chat": "body" is set twice, the later rule is kept`,
				`endpoint "send_sms", mapping for "chat": "none" has no source key, left out`,
				`endpoint "send_sms", mapping for "chat": "odd" has the source type "magic", which is not known, left out`,
				`endpoint "send_sms", mapping for "chat": "a..b" cannot be a key, left out`,
				`endpoint "send_sms", mapping for "chat": "body.a" would be within "body", which is a value, left out`,
				`endpoint "send_sms", mapping for "chat": "to.number" is now sent as nested objects; the original sent a key with a dot in it`,
			},
			check: func(c *dispatchapy.Config) bool {
				m := c.Endpoint("send_sms").Mapping["chat"]
				return len(m) == 2 && m["body"].From == "other" && m["to.number"].From == "x"
			},
		},
		{
			name: "incomplete mapping stays incomplete",
			mess: `DELETE FROM parameter_rules WHERE target_key = 'text'`,
			check: func(c *dispatchapy.Config) bool {
				return c.Readiness(c.Endpoint("send_sms")) == "Rules incomplete for 'sms'"
			},
		},
		{
			name: "development mode that does nothing",
			mess: `DELETE FROM development_rules; UPDATE clients SET dev_rules_enabled = 1 WHERE id = 2`,
			mended: []string{
				`endpoint "send_sms": development rules were on, but there are none: switched off`,
				`endpoint "send_sms": development mode neither held tasks nor had rules: switched off`,
				`client "crm": development rules were on, but there are none: switched off`,
			},
			check: func(c *dispatchapy.Config) bool { return !c.Endpoint("send_sms").Dev.Enabled },
		},
		{
			name: "rules that cannot be kept hold the tasks",
			mess: `UPDATE development_rules SET target_param = char(10) WHERE id = 1; UPDATE client_dev_rules SET target_param = '' WHERE id = 1;
				UPDATE clients SET dev_hold_tasks = 0 WHERE id = 1`,
			mended: []string{
				`endpoint "send_sms": a development rule has no key to set or look at, left out`,
				`endpoint "send_sms": holds its tasks while in development mode, because a rule is missing`,
				`client "shop": a development rule has no key to set or look at, left out`,
				`client "shop": holds its tasks, because a rule is missing`,
			},
			check: func(c *dispatchapy.Config) bool {
				return c.Endpoint("send_sms").Dev.Hold && c.Client("shop").Dev.Hold && len(c.Client("shop").Dev.Rules) == 1
			},
		},
		{
			name:   "invalid expression",
			mess:   `UPDATE development_rules SET condition_value = 'a(b' WHERE id = 1`,
			mended: []string{`endpoint "send_sms": the condition of the rule for "phone" is not a regular expression that is known here; it is searched as plain text: check it`},
			check:  func(c *dispatchapy.Config) bool { return c.Endpoint("send_sms").Dev.Rules[0].If.Matches == "a(b" },
		},
		{
			name: "expression that is too large",
			mess: `UPDATE client_dev_rules SET condition_param = 'phone', condition_value = '(abcdefghij){1000}' WHERE id = 1; UPDATE clients SET dev_hold_tasks = 0 WHERE id = 1`,
			mended: []string{
				`client "shop": the condition of the rule for "phone" is too large, left out`,
				`client "shop": holds its tasks, because a rule is missing`,
			},
			check: func(c *dispatchapy.Config) bool { return c.Client("shop").Dev.Hold },
		},
		{
			name: "too many rules",
			mess: `WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 207)
				INSERT INTO development_rules SELECT i, 1, NULL, NULL, 'flag', 'yes' FROM n; INSERT INTO development_rules VALUES (300, 1, NULL, NULL, 'one', 'more')`,
			mended: []string{
				`endpoint "send_sms": has more than 200 development rules, the others are left out`,
				`endpoint "send_sms": holds its tasks while in development mode, because a rule is missing`,
			},
			check: func(c *dispatchapy.Config) bool { return len(c.Endpoint("send_sms").Dev.Rules) == 200 },
		},
		{
			name: "limits of client rules",
			mess: `UPDATE client_dev_rules SET endpoint_id = id`,
			mended: []string{
				`client "shop": a rule is limited to endpoint "send_sms" and now applies only there; the original applied it to all endpoints`,
				`client "shop": a rule is limited to endpoint "team/notify" and now applies only there; the original applied it to all endpoints`,
			},
			check: func(c *dispatchapy.Config) bool { return c.Client("shop").Dev.Rules[1].Endpoint == "team/notify" },
		},
		{
			name:   "limit to a deleted endpoint",
			mess:   `UPDATE client_dev_rules SET endpoint_id = 77 WHERE id = 1`,
			mended: []string{`client "shop": a rule is limited to endpoint 77, which does not exist: it applies to all endpoints, as it did`},
			check:  func(c *dispatchapy.Config) bool { return c.Client("shop").Dev.Rules[0].Endpoint == "" },
		},
		{
			name: "tokens",
			mess: `UPDATE clients SET token = 'dpy_planted-token-of-the-shop' WHERE id = 2;
				INSERT INTO clients VALUES (3, 'empty', '', NULL, 0, 0, 0, NULL, NULL), (4, 'weak', 'evil', 2, 0, 0, 0, NULL, NULL)`,
			mended: []string{
				`client "crm": has the same token as client "shop", which keeps it: give it a new one`,
				`client "empty": has no token: give it a new one`,
				`client "weak": its token is weak (a token has 8 to 200 characters); it still works: give it a new one soon`,
				`client "weak": an old kind of link, to endpoint 2, is left out: link it again if it is meant`,
			},
			check: func(c *dispatchapy.Config) bool {
				return c.Client("shop").TokenHash == hash("dpy_planted-token-of-the-shop") && c.Client("weak").TokenHash == hash("evil") &&
					c.Client("empty").TokenHash != hash("") && len(c.Client("weak").Endpoints) == 0
			},
		},
		{
			name:   "URL without a scheme",
			mess:   `UPDATE resources SET endpoint = ' chat.example.com:81/x ' WHERE id = 2`,
			mended: []string{`resource "chat": its URL had no scheme: now http://`},
			check:  func(c *dispatchapy.Config) bool { return c.Resource("chat").URL == "http://chat.example.com:81/x" },
		},
		{
			name:   "URL with a password",
			mess:   `UPDATE resources SET endpoint = 'https://me:planted-password@chat.example.com/x' WHERE id = 2`,
			mended: []string{`resource "chat": its URL had a user name or password in it: now in the header Authorization`},
			check: func(c *dispatchapy.Config) bool {
				r := c.Resource("chat")
				return r.URL == "https://chat.example.com/x" && r.Headers["Authorization"].Reveal() == "Basic bWU6cGxhbnRlZC1wYXNzd29yZA=="
			},
		},
		{
			name: "URL with a password that a header overrides",
			mess: `UPDATE resources SET endpoint = 'me:planted-password@chat.example.com', headers = '{"authorization": "planted-header"}' WHERE id = 2`,
			mended: []string{
				`resource "chat": its URL had no scheme: now http://`,
				`resource "chat": its URL had a user name or password in it, left out because there is a header Authorization`,
			},
			check: func(c *dispatchapy.Config) bool {
				r := c.Resource("chat")
				return r.URL == "http://chat.example.com" && len(r.Headers) == 1 && r.Headers["authorization"].Reveal() == "planted-header"
			},
		},
		{
			name:   "URL that cannot be used",
			mess:   `UPDATE resources SET endpoint = 'ftp://planted-password/x' WHERE id = 1`,
			mended: []string{`resource "sms": its URL cannot be used: replaced by http://unknown.invalid/, switched off, not checked`},
			check: func(c *dispatchapy.Config) bool {
				r := c.Resource("sms")
				return !r.IsActive() && !r.HealthCheck.Enabled
			},
		},
		{
			name: "health check",
			mess: `UPDATE resources SET health_check_interval_min = 300, health_check_interval_max = -1, health_check_test_values = '{"to": 1, "..": 2}' WHERE id = 1;
				UPDATE resources SET health_check_interval_min = 'soon', health_check_method = 'ping' WHERE id = 2`,
			mended: []string{
				`resource "sms": health check interval: 300 to -1 seconds is not possible, now 1 to 300`,
				`resource "sms": health_check_test_values: ".." cannot be a key, left out`,
				`resource "sms": health check method actual needs a test value for "text": now simple`,
				`resource "chat": health check interval: not a number of seconds, now 60 to 90`,
				`resource "chat": health check method "ping" is not known: now simple`,
			},
			check: func(c *dispatchapy.Config) bool {
				return c.Resource("sms").HealthCheck.Method == dispatchapy.CheckSimple
			},
		},
		{
			name: "headers, keys and notices",
			mess: `UPDATE resources SET headers = '{"X Y": "planted-header", "x-a": 1, "X-A": "2", "X-B": "a` + "\\n" + `b"}', required_params = '["a", 5, "a", ""]',
					notification_email = 'None, nobody', failure_webhook_url = 'hooks', failure_webhook_payload = 'down!' WHERE id = 1;
				UPDATE resources SET headers = '[1]', required_params = '{', health_check_test_values = '"{\"body\": \"x\"}"' WHERE id = 2`,
			mended: []string{
				`resource "sms": headers: "X Y" or its value cannot be sent, left out`,
				`resource "sms": headers: "X-B" or its value cannot be sent, left out`,
				`resource "sms": headers: "x-a" is given twice, left out`,
				`resource "sms": required_params has "", which cannot be a key, left out`,
				`resource "sms": health check method actual needs a test value for "a": now simple`,
				`resource "sms": recipient "nobody": not an email address, left out`,
				`resource "sms": email without a recipient: switched off`,
				`resource "sms": webhook: its URL cannot be used, left out`,
				`resource "sms": webhook without a URL: switched off`,
				`resource "sms": webhook: its payload is not JSON, now a JSON string`,
				`resource "chat": headers: not an object of names and values, left out`,
				`resource "chat": required_params is not a list, left out`,
			},
			check: func(c *dispatchapy.Config) bool {
				sms := c.Resource("sms")
				return slices.Equal(sms.RequiredParams, []string{"a", "5"}) && sms.Headers["X-A"].Reveal() == "2" &&
					string(sms.Notify.Webhook.Payload) == `"down!"` && string(c.Resource("chat").HealthCheck.TestValues["body"]) == `"x"`
			},
		},
		{
			name: "settings",
			mess: `UPDATE settings SET value = CASE key WHEN 'smtp_port' THEN '99999' WHEN 'smtp_encryption' THEN 'rot13' WHEN 'email_from' THEN 'gw'
				WHEN 'max_failure_attempts' THEN '0' WHEN 'task_delay_min' THEN '9' WHEN 'task_cleanup_days' THEN 'many' WHEN 'enable_task_cleanup' THEN 'perhaps'
				WHEN 'smtp_username' THEN 'a@example.com' ELSE value END`,
			mended: []string{
				`setting max_failure_attempts: 0 is out of range, set to 1`,
				`settings task_delay_min and task_delay_max: the first is greater, exchanged`,
				`setting enable_task_cleanup: neither true nor false, set to false`,
				`setting task_cleanup_days: not a whole number, set to 30`,
				`setting smtp_port: 99999 is out of range, set to 65535`,
				`setting email_from: not an email address, set to a@example.com`,
				`setting smtp_encryption: "rot13" is not known, set to starttls`,
			},
			check: func(c *dispatchapy.Config) bool {
				return c.Settings.TaskDelay.Max == dispatchapy.Duration(9*time.Second)
			},
		},
		{
			name: "settings as people type them",
			mess: `UPDATE settings SET value = ' ' || value || ' '`,
			check: func(c *dispatchapy.Config) bool {
				s := c.Settings
				return s.MaxAttempts == 3 && s.Cleanup.Enabled && s.SMTP.Host == "mail.example.com" && s.SMTP.From == "gw@example.com" &&
					s.SMTP.Encryption == dispatchapy.EncryptionTLS && s.SMTP.Password.Reveal() == " planted-smtp " // spaces may belong to a password
			},
		},
		{
			name:   "mail without a server",
			mess:   `DELETE FROM settings WHERE key = 'smtp_server'`,
			mended: []string{`setting smtp_server: missing, left out with all that belongs to it`},
			check:  func(c *dispatchapy.Config) bool { return c.Settings.SMTP == nil },
		},
		{
			name:   "mail server that is none",
			mess:   `UPDATE settings SET value = 'mail server' WHERE key = 'smtp_server'`,
			mended: []string{`setting smtp_server: not the name of a server, left out with all that belongs to it`},
			check:  func(c *dispatchapy.Config) bool { return c.Settings.SMTP == nil },
		},
		{
			name:   "user name with a line break",
			mess:   `UPDATE settings SET value = 'a' || char(10) WHERE key = 'smtp_username'`,
			mended: []string{`setting smtp_username: has control characters, left out`},
			check:  func(c *dispatchapy.Config) bool { return c.Settings.SMTP.Username == "" },
		},
		{
			name: "no settings at all: those of the original",
			mess: `DELETE FROM settings`,
			check: func(c *dispatchapy.Config) bool {
				delay := dispatchapy.DurationRange{Min: dispatchapy.Duration(time.Second), Max: dispatchapy.Duration(5 * time.Second)}
				return c.Settings.MaxAttempts == 5 && c.Settings.TaskDelay == delay && c.Settings.SMTP == nil && !c.Settings.Cleanup.Enabled
			},
		},
		{
			name:   "names of any length",
			mess:   `UPDATE clients SET name = '` + long + `'`,
			mended: []string{clientLine(long, long[:200]), clientLine(long, long[:196]+" (2)")},
			check:  func(c *dispatchapy.Config) bool { return c.Client(long[:196]+" (2)") != nil },
		},
		{
			name:   "history missing",
			mess:   `DROP TABLE logs; DROP TABLE task_logs; DROP TABLE health_check_logs`,
			mended: []string{`the table health_check_logs is missing: what it would hold is not brought over`, `the table logs is missing: what it would hold is not brought over`},
			check:  func(c *dispatchapy.Config) bool { return len(c.Clients) == 2 },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			im := read(t, database(t, tidy, tt.mess))
			if diff := cmp.Diff(tt.mended, im.Mended()); diff != "" && len(tt.mended)+len(im.Mended()) > 0 {
				t.Errorf("mended (-want +got):\n%s", diff)
			}
			if !tt.check(im.Config) {
				t.Errorf("not mended as expected:\n%s", strings.Join(lines(t, im.Config), "\n"))
			}
			if err := im.Config.Validate(); err != nil {
				t.Error(err)
			}
			noSecrets(t, im)
		})
	}
}

func clientLine(was, now string) string {
	return `client "` + was + `": not a name, or that of another one: now "` + now + `"`
}

func noSecrets(t testing.TB, im *original.Import) {
	t.Helper()
	for _, line := range im.Mended() {
		for _, secret := range planted {
			if strings.Contains(line, secret) {
				t.Errorf("the report holds a secret: %s", line)
			}
		}
		if strings.ContainsAny(line, "\r\n") {
			t.Errorf("more than one line: %q", line)
		}
	}
}
