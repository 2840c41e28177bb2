package gatewayfile

import (
	"encoding/json"
	"fmt"
	"time"

	"pgregory.net/rapid"

	"dispatchapy"
)

// nasty are texts that YAML readers like to take for something else, or that
// break a careless writer.
var nasty = []string{
	"", " ", "~", "null", "Null", "true", "True", "no", "on", "y", "0", "007", "0x1F", "1_000", "1e5", "-1.5", "+5", ".inf", ".nan", "-", "- a",
	"? a", ": a", "a: b", "a :b", "a #b", "#a", "!tag", "&a", "*a", "<<", "=", "|", ">", "%a", "@a", "`a`", "[a]", "{a}", "a, b", "'a'", `"a"`, `a\nb`, `\`,
	"---", "...", "a\nb", "a\nb\n", "a\n\nb\n", "\na", "a\n", "a\n\n", " a\nb", "a \nb", "a\n b", "a\n\tb", "a\r\nb", "\r", "\t", "a\tb", "a\n#b", "a\n- b", "a\n---\nb", "a\n...",
	"é", "日本", "😀", "a\u2028b", "a\u0085b", "\ufeff", "a\u00a0b", "\x00", "\x1b[0m", "\x7f", "\ufffd",
	"2026-01-02", "12:30", "1.2.3.4", "15s", "{{phone}} ({{ref}})", "ping {datetime}", "http://a/b?c=d&e#f", "https://a.b:80/c", "a  b", "a b", "a.b[0]",
}

func text() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom(nasty), rapid.StringN(0, 30, 200), rapid.StringMatching(`[a-z_]{1,12}`))
}

func jsonValue(depth int) *rapid.Generator[json.RawMessage] {
	return rapid.Custom(func(t *rapid.T) json.RawMessage {
		choice := rapid.IntRange(0, 6).Draw(t, "kind of value")
		if depth == 0 && choice > 4 {
			choice = 0
		}
		switch choice {
		case 1:
			return json.RawMessage(rapid.SampledFrom([]string{
				"0", "-0", "1", "12345678901234567890123", "0.10", "1e400", "-1.5E+3", "9007199254740993", "0.1000000000000000055511151231257827",
			}).Draw(t, "number"))
		case 2:
			return json.RawMessage(rapid.SampledFrom([]string{"true", "false", "null", "[]", "{}"}).Draw(t, "word"))
		case 5:
			items := rapid.SliceOfN(jsonValue(depth-1), 1, 3).Draw(t, "list")
			out := []byte{'['}
			for i, item := range items {
				if i > 0 {
					out = append(out, ',')
				}
				out = append(out, item...)
			}
			return append(out, ']')
		case 6:
			items := rapid.SliceOfNDistinct(text(), 1, 3, rapid.ID[string]).Draw(t, "keys")
			out := []byte{'{'}
			for i, k := range items {
				if i > 0 {
					out = append(out, ',')
				}
				out = append(appendJSONString(out, k), ':')
				out = append(out, jsonValue(depth-1).Draw(t, "value")...)
			}
			return append(out, '}')
		default:
			return appendJSONString(nil, text().Draw(t, "text"))
		}
	})
}

func values() *rapid.Generator[map[string]json.RawMessage] {
	return rapid.MapOfN(text(), jsonValue(2), 0, 3)
}

func duration() *rapid.Generator[dispatchapy.Duration] {
	return rapid.Map(rapid.SampledFrom([]time.Duration{
		0, 1, time.Microsecond, 1500 * time.Millisecond, time.Second, time.Minute, 90 * time.Minute, time.Hour, 25*time.Hour + 1, 1<<63 - 1,
	}), func(d time.Duration) dispatchapy.Duration { return dispatchapy.Duration(d) })
}

func durations() *rapid.Generator[dispatchapy.DurationRange] {
	return rapid.Custom(func(t *rapid.T) dispatchapy.DurationRange {
		return dispatchapy.DurationRange{Min: duration().Draw(t, "min"), Max: duration().Draw(t, "max")}
	})
}

// maybe gives nil half of the time.
func maybe[T any](t *rapid.T, label string, g *rapid.Generator[T]) *T {
	if !rapid.Bool().Draw(t, "has "+label) {
		return nil
	}
	v := g.Draw(t, label)
	return &v
}

func secrets() *rapid.Generator[map[string]dispatchapy.Secret] {
	return rapid.MapOfN(text(), rapid.Map(text(), func(s string) dispatchapy.Secret { return dispatchapy.Secret(s) }), 0, 3)
}

func resource(name string) *rapid.Generator[dispatchapy.Resource] {
	return rapid.Custom(func(t *rapid.T) dispatchapy.Resource {
		return dispatchapy.Resource{
			Name:           name,
			URL:            text().Draw(t, "url"),
			Method:         rapid.SampledFrom(dispatchapy.Methods).Draw(t, "method"),
			Headers:        secrets().Draw(t, "headers"),
			RequiredParams: rapid.SliceOfN(text(), 0, 3).Draw(t, "required"),
			Active:         maybe(t, "active", rapid.Bool()),
			Timeout:        duration().Draw(t, "timeout"),
			Concurrency:    rapid.IntRange(0, 3).Draw(t, "concurrency"),
			RateLimit: maybe(t, "rate limit", rapid.Custom(func(t *rapid.T) dispatchapy.RateLimit {
				return dispatchapy.RateLimit{Requests: rapid.IntRange(0, 2).Draw(t, "requests"), Per: duration().Draw(t, "per"), Burst: rapid.IntRange(0, 2).Draw(t, "burst")}
			})),
			HealthCheck: dispatchapy.HealthCheck{
				Enabled:     rapid.Bool().Draw(t, "check"),
				Method:      rapid.SampledFrom([]dispatchapy.CheckMethod{"", dispatchapy.CheckSimple, dispatchapy.CheckActual}).Draw(t, "check method"),
				Interval:    durations().Draw(t, "interval"),
				DownAfter:   rapid.IntRange(0, 3).Draw(t, "down"),
				UpAfter:     rapid.IntRange(0, 3).Draw(t, "up"),
				TestValues:  values().Draw(t, "test values"),
				Flap:        dispatchapy.Flap{Changes: rapid.SampledFrom([]int{0, 2, 5}).Draw(t, "flap"), Within: duration().Draw(t, "flap within")},
				RemindEvery: duration().Draw(t, "remind"),
			},
			Maintenance: rapid.SliceOfN(rapid.Custom(maintenance), 0, 2).Draw(t, "maintenance"),
			Notify:      maybe(t, "notify", rapid.Custom(notify)),
			Alerts: maybe(t, "alerts", rapid.Custom(func(t *rapid.T) dispatchapy.ResourceAlerts {
				return dispatchapy.ResourceAlerts{
					ResourceDown: alert(t), ResourceFlapping: alert(t), ResourceSaturated: lasting(t), BreakerOpen: lasting(t), CertificateExpiring: certificate(t),
				}
			})),
		}
	})
}

func maintenance(t *rapid.T) dispatchapy.Maintenance {
	m := dispatchapy.Maintenance{Note: text().Draw(t, "note")}
	if rapid.Bool().Draw(t, "once") {
		m.From = time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "from"), 0)
		m.Until = time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "until"), 0)
	}
	m.Weekly = maybe(t, "weekly", rapid.Custom(func(t *rapid.T) dispatchapy.Weekly {
		return dispatchapy.Weekly{
			Days: rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(dispatchapy.Weekdays), rapid.Map(text(), func(s string) dispatchapy.Weekday { return dispatchapy.Weekday(s) })), 0, 3).Draw(t, "days"),
			At:   text().Draw(t, "at"), For: duration().Draw(t, "for"), Timezone: text().Draw(t, "zone"),
		}
	}))
	return m
}

func alert(t *rapid.T) dispatchapy.Alert {
	return dispatchapy.Alert{Enabled: maybe(t, "enabled", rapid.Bool()), Channels: rapid.SliceOfN(text(), 0, 2).Draw(t, "channels")}
}

func lasting(t *rapid.T) dispatchapy.LastingAlert {
	a := alert(t)
	return dispatchapy.LastingAlert{Enabled: a.Enabled, Channels: a.Channels, For: duration().Draw(t, "for")}
}

func certificate(t *rapid.T) dispatchapy.CertificateAlert {
	a := alert(t)
	return dispatchapy.CertificateAlert{Enabled: a.Enabled, Channels: a.Channels, Days: rapid.SliceOfN(rapid.IntRange(0, 30), 0, 3).Draw(t, "days")}
}

func failures(t *rapid.T) dispatchapy.FailuresAlert {
	a := alert(t)
	return dispatchapy.FailuresAlert{
		Enabled: a.Enabled, Channels: a.Channels, Of: rapid.SampledFrom([]dispatchapy.FailuresOf{"", "tasks", "attempts"}).Draw(t, "of"),
		Percent: rapid.IntRange(0, 3).Draw(t, "percent"), Within: duration().Draw(t, "within"), AtLeast: rapid.IntRange(0, 3).Draw(t, "at least"),
	}
}

func alerts(t *rapid.T) dispatchapy.Alerts {
	return dispatchapy.Alerts{
		BaseURL: text().Draw(t, "base url"),
		Channels: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) dispatchapy.Channel {
			n := notify(t)
			return dispatchapy.Channel{
				Name: text().Draw(t, "name"), Email: n.Email, Webhook: n.Webhook,
				GroupBy: rapid.SampledFrom([]dispatchapy.GroupBy{"", "channel", "incident"}).Draw(t, "group by"), GroupFor: duration().Draw(t, "group for"),
				Quiet: rapid.SliceOfN(rapid.Custom(quiet), 0, 2).Draw(t, "quiet"),
			}
		}), 0, 2).Draw(t, "channels"),
		ResourceDown: alert(t), ResourceFlapping: alert(t), ResourceSaturated: lasting(t), BreakerOpen: lasting(t), CertificateExpiring: certificate(t),
		EndpointOnBackup: lasting(t), EndpointDown: alert(t), BacklogOld: lasting(t), FailuresHigh: failures(t),
		TaskFailed: alert(t), ConfigChanged: alert(t), LoginThrottled: alert(t),
	}
}

func quiet(t *rapid.T) dispatchapy.QuietHours {
	return dispatchapy.QuietHours{
		Days: rapid.SliceOfN(rapid.SampledFrom(dispatchapy.Weekdays), 0, 2).Draw(t, "days"),
		From: text().Draw(t, "from"), Until: text().Draw(t, "until"), Timezone: text().Draw(t, "timezone"),
		HoldCritical: rapid.Bool().Draw(t, "hold critical"),
	}
}

func notify(t *rapid.T) dispatchapy.Notify {
	return dispatchapy.Notify{
		Email: maybe(t, "email", rapid.Custom(func(t *rapid.T) dispatchapy.EmailNotice {
			return dispatchapy.EmailNotice{
				Enabled: maybe(t, "enabled", rapid.Bool()),
				To:      rapid.SliceOfN(text(), 0, 2).Draw(t, "to"),
				Subject: text().Draw(t, "subject"),
				Body:    text().Draw(t, "body"),
			}
		})),
		Webhook: maybe(t, "webhook", rapid.Custom(func(t *rapid.T) dispatchapy.WebhookNotice {
			w := dispatchapy.WebhookNotice{
				Enabled: maybe(t, "enabled", rapid.Bool()), URL: text().Draw(t, "url"), Headers: secrets().Draw(t, "headers"),
				Method: rapid.SampledFrom([]string{"", "POST", "PUT"}).Draw(t, "method"), Timeout: duration().Draw(t, "timeout"),
				Retries: maybe(t, "retries", rapid.IntRange(0, 3)), Secrets: secrets().Draw(t, "secrets"),
				SigningSecret: dispatchapy.Secret(text().Draw(t, "signing secret")),
			}
			if payload := maybe(t, "payload", jsonValue(3)); payload != nil {
				w.Payload = *payload
			}
			return w
		})),
	}
}

func source(t *rapid.T) dispatchapy.Source {
	s := dispatchapy.Source{Type: rapid.SampledFrom([]string{"", "integer"}).Draw(t, "type")}
	switch rapid.IntRange(0, 4).Draw(t, "source") {
	case 0:
		s.From = text().Draw(t, "from")
	case 1:
		s.UUID = true
	case 2:
		s.Value = jsonValue(2).Draw(t, "value")
	case 3:
		s.Template = text().Draw(t, "template")
	case 4:
		s.Now = true
	}
	if d := maybe(t, "default", jsonValue(1)); d != nil {
		s.Default = *d
	}
	return s
}

func rules() *rapid.Generator[[]dispatchapy.Rule] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) dispatchapy.Rule {
		return dispatchapy.Rule{
			Endpoint: rapid.SampledFrom([]string{"", "e0"}).Draw(t, "endpoint"),
			Active:   maybe(t, "active", rapid.Bool()),
			If: maybe(t, "if", rapid.Custom(func(t *rapid.T) dispatchapy.Condition {
				return dispatchapy.Condition{Param: text().Draw(t, "param"), Matches: text().Draw(t, "matches")}
			})),
			Set: dispatchapy.Override{Param: text().Draw(t, "set"), Value: jsonValue(2).Draw(t, "value")},
		}
	}), 0, 3)
}

func endpoint(path string) *rapid.Generator[dispatchapy.Endpoint] {
	return rapid.Custom(func(t *rapid.T) dispatchapy.Endpoint {
		return dispatchapy.Endpoint{
			Path:           path,
			Description:    text().Draw(t, "description"),
			Active:         maybe(t, "active", rapid.Bool()),
			RequiredParams: rapid.SliceOfN(text(), 0, 3).Draw(t, "required"),
			MaxBody:        rapid.Int64Range(0, 2).Draw(t, "max body"),
			Resources:      rapid.SliceOfN(text(), 0, 3).Draw(t, "resources"),
			Mapping:        rapid.MapOfN(text(), rapid.Map(rapid.MapOfN(text(), rapid.Custom(source), 0, 3), func(m map[string]dispatchapy.Source) dispatchapy.Mapping { return m }), 0, 2).Draw(t, "mapping"),
			Retry: maybe(t, "retry", rapid.Custom(func(t *rapid.T) dispatchapy.RetryOverride {
				return dispatchapy.RetryOverride{
					MaxAttempts: maybe(t, "attempts", rapid.IntRange(0, 9)), Base: maybe(t, "base", duration()), Factor: maybe(t, "factor", rapid.Float64Range(0, 9)),
					Cap: maybe(t, "cap", duration()), Jitter: maybe(t, "jitter", rapid.Float64Range(0, 1)), MaxAge: maybe(t, "age", duration()),
				}
			})),
			Alerts: maybe(t, "alerts", rapid.Custom(func(t *rapid.T) dispatchapy.EndpointAlerts {
				return dispatchapy.EndpointAlerts{
					EndpointOnBackup: lasting(t), EndpointDown: alert(t), BacklogOld: lasting(t), FailuresHigh: failures(t), TaskFailed: alert(t),
				}
			})),
			Dev: dispatchapy.EndpointDev{
				Enabled: rapid.Bool().Draw(t, "dev"), Hold: rapid.Bool().Draw(t, "hold"), RulesEnabled: rapid.Bool().Draw(t, "rules on"), Rules: rules().Draw(t, "rules"),
			},
		}
	})
}

// config gives any configuration that can be written, valid or not.
func config() *rapid.Generator[*dispatchapy.Config] {
	return rapid.Custom(func(t *rapid.T) *dispatchapy.Config {
		c := &dispatchapy.Config{Settings: dispatchapy.Settings{
			MaxAttempts: rapid.IntRange(0, 9).Draw(t, "attempts"),
			TaskDelay:   durations().Draw(t, "delay"),
			Retry: dispatchapy.RetryPolicy{
				Base: duration().Draw(t, "base"), Factor: rapid.Float64().Draw(t, "factor"), Cap: duration().Draw(t, "cap"),
				Jitter: rapid.Float64().Draw(t, "jitter"), MaxAge: duration().Draw(t, "age"),
			},
			Cleanup:  dispatchapy.Cleanup{Enabled: rapid.Bool().Draw(t, "clean"), AfterDays: rapid.IntRange(0, 40).Draw(t, "days"), AuditDays: rapid.IntRange(0, 40).Draw(t, "audit days")},
			Sessions: dispatchapy.Sessions{Idle: duration().Draw(t, "idle"), Absolute: duration().Draw(t, "absolute")},
			Outbound: dispatchapy.Outbound{AllowPrivate: rapid.Bool().Draw(t, "private")},
			Alerts:   alerts(t),
			StatusPage: dispatchapy.StatusPage{
				Enabled: rapid.Bool().Draw(t, "status"), Title: text().Draw(t, "title"), Public: rapid.Bool().Draw(t, "public"),
				Token: dispatchapy.Secret(text().Draw(t, "status token")), Resources: rapid.Bool().Draw(t, "show resources"),
				Endpoints: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) dispatchapy.StatusEndpoint {
					return dispatchapy.StatusEndpoint{Path: text().Draw(t, "path"), Name: text().Draw(t, "shown as")}
				}), 0, 2).Draw(t, "shown"),
			},
			SMTP: maybe(t, "smtp", rapid.Custom(func(t *rapid.T) dispatchapy.SMTP {
				return dispatchapy.SMTP{
					Host: text().Draw(t, "host"), Port: rapid.IntRange(0, 600).Draw(t, "port"), Username: text().Draw(t, "user"), Password: dispatchapy.Secret(text().Draw(t, "password")),
					From: text().Draw(t, "from"), Encryption: dispatchapy.Encryption(text().Draw(t, "encryption")),
				}
			})),
		}}
		for i := range rapid.IntRange(0, 2).Draw(t, "resources") {
			c.Resources = append(c.Resources, resource(fmt.Sprintf("r%d", i)+text().Draw(t, "name")).Draw(t, "resource"))
		}
		for i := range rapid.IntRange(0, 2).Draw(t, "endpoints") {
			c.Endpoints = append(c.Endpoints, endpoint(fmt.Sprintf("e%d", i)).Draw(t, "endpoint"))
		}
		for i := range rapid.IntRange(0, 2).Draw(t, "clients") {
			c.Clients = append(c.Clients, dispatchapy.Client{
				Name: fmt.Sprintf("c%d", i) + text().Draw(t, "name"), Description: text().Draw(t, "description"),
				TokenHash:          dispatchapy.HashToken(fmt.Sprint(i)).String(),
				Endpoints:          rapid.SliceOfN(text(), 0, 2).Draw(t, "endpoints"),
				Dev:                dispatchapy.ClientDev{Hold: rapid.Bool().Draw(t, "hold"), RulesEnabled: rapid.Bool().Draw(t, "rules on"), Rules: rules().Draw(t, "rules")},
				ShowProviderBodies: rapid.Bool().Draw(t, "show"),
				MayRotateToken:     rapid.Bool().Draw(t, "rotate"),
				OldTokens: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) dispatchapy.OldToken {
					return dispatchapy.OldToken{Hash: text().Draw(t, "hash"), Until: time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "until"), 0).UTC()}
				}), 0, 2).Draw(t, "old tokens"),
			})
		}
		c.Normalize()
		return c
	})
}
