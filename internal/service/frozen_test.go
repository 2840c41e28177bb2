package service_test

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/service"
)

const richFile = `
version: 1
settings:
  smtp: {host: localhost, from: gateway@example.com, username: u, password: hush-mail}
  alerts:
    channels:
      - {name: ops, email: {to: [ops@example.com]}, quiet: [{days: [mon], from: "22:00", until: "06:00"}]}
      - {name: chat, webhook: {url: "http://127.0.0.1:9100/{secret:key}", headers: {X-Key: hush}, secrets: {key: hush}}}
    resource_down: {channels: [ops, chat]}
resources:
  - name: primary
    url: http://127.0.0.1:9001/send
    headers: {X-Key: hush-header}
    required_params: [to]
    rate_limit: {requests: 5}
    health_check: {test_values: {to: "0"}}
    maintenance: [{weekly: {days: [sun], at: "03:00", for: 1h}}]
    notify: {email: {enabled: true, to: [a@example.com]}, webhook: {enabled: true, url: "http://127.0.0.1:9100/", headers: {X-Key: hush}}}
    alerts: {breaker_open: {channels: [chat]}, certificate_expiring: {days: [30, 3]}}
  - {name: backup, url: "http://127.0.0.1:9002/send"}
endpoints:
  - path: sms
    required_params: [phone]
    resources: [primary, backup]
    mapping: {primary: {to: {from: phone}, tag: {value: {a: [1, 2]}}}}
    retry: {max_attempts: 3}
    alerts: {backlog_old: {channels: [ops]}}
    dev: {enabled: true, rules_enabled: true, rules: [{if: {param: phone, matches: "^62"}, set: {param: phone, value: "0"}}]}
  - {path: mail, resources: [backup]}
clients:
  - {name: shop, token: shop-token-1234, endpoints: [sms, mail], may_rotate_token: true, dev: {rules_enabled: true, rules: [{endpoint: sms, set: {param: phone, value: "1"}}]}}
  - {name: bank, token: bank-token-1234, endpoints: [sms]}
`

// TestWhatIsInForceIsOnlyRead runs use cases on a configuration that has
// something of everything, and looks afterwards whether anything was written to
// what others read at the same time: even the same value once more is a race.
func TestWhatIsInForceIsOnlyRead(t *testing.T) {
	payload := []byte(`{"ref":"r","scope":"s","phone":"62"}`)
	for name, use := range map[string]func(ctx context.Context, n *node) error{
		"preview of a set-up": func(ctx context.Context, n *node) error {
			in := setup()
			in.ResourceID = n.resource("primary").ID
			_, err := n.PreviewSetup(ctx, admin, in, payload)
			return err
		},
		"set-up": func(ctx context.Context, n *node) error {
			in := setup()
			in.ResourceID = n.resource("primary").ID
			_, err := n.SetUp(ctx, admin, in)
			return err
		},
		"preview of unsaved rules": func(ctx context.Context, n *node) error {
			e, err := n.Endpoint(ctx, admin, n.endpoint("sms").ID)
			if err != nil {
				return err
			}
			_, err = n.PreviewMessage(ctx, admin, e.ID, service.PreviewInput{Payload: payload, Client: "shop", Resources: []string{"backup"}, Dev: &e.Dev})
			return err
		},
		"rules tried": func(ctx context.Context, n *node) error {
			_, err := n.TryRules(ctx, admin, service.RulesTrial{Rules: n.endpoint("sms").Dev.Rules, Endpoint: "sms", Payload: payload})
			return err
		},
		"channels tried": func(ctx context.Context, n *node) error {
			cfg := n.table.Load().Config
			own := cfg.Resource("primary").Notify
			for _, in := range []service.AlertTestInput{
				{Channel: cfg.Settings.Alerts.Channels[0]}, {Channel: cfg.Settings.Alerts.Channels[1]},
				{Channel: dispatchapy.Channel{Webhook: own.Webhook}, Resource: "primary"},
			} {
				if _, err := n.TestAlert(ctx, admin, in); err != nil {
					return err
				}
			}
			return nil
		},
		"lists": func(ctx context.Context, n *node) error {
			for _, list := range []func() error{
				func() error { _, err := n.ListResources(ctx, admin, service.PageRequest{}); return err },
				func() error { _, err := n.ListEndpoints(ctx, admin, service.PageRequest{}); return err },
				func() error { _, err := n.ListClients(ctx, admin, service.PageRequest{}); return err },
				func() error { _, err := n.Settings(ctx, admin); return err },
				func() error { _, err := n.ExportConfig(ctx, admin, service.ExportOptions{Masked: true}); return err },
				func() error { _, err := n.ExportConfig(ctx, admin, service.ExportOptions{}); return err },
			} {
				if err := list(); err != nil {
					return err
				}
			}
			return nil
		},
		"resource changed": func(ctx context.Context, n *node) error {
			primary := n.resource("primary")
			_, err := n.UpdateResource(ctx, admin, primary.ID, &primary.Version, func(r *dispatchapy.Resource) error {
				r.Name, r.Headers["X-Key"], r.Notify.Webhook.URL, r.Notify.Webhook.Headers = "other", "new", "http://127.0.0.1:9/", nil
				r.Alerts.CertificateExpiring.Days[0], r.HealthCheck.TestValues["to"] = 9, []byte(`"9"`)
				return nil
			})
			return err
		},
		"resource duplicated": func(ctx context.Context, n *node) error {
			_, err := n.DuplicateResource(ctx, admin, n.resource("primary").ID)
			return err
		},
		"resource deleted": func(ctx context.Context, n *node) error {
			impact, err := n.ResourceImpact(ctx, admin, n.resource("primary").ID)
			if err != nil {
				return err
			}
			return n.DeleteResource(ctx, admin, n.resource("primary").ID, &impact.Version, true)
		},
		"endpoint changed": func(ctx context.Context, n *node) error {
			sms := n.endpoint("sms")
			_, err := n.UpdateEndpoint(ctx, admin, sms.ID, &sms.Version, func(d *service.EndpointDraft) error {
				d.Path, d.Dev.Rules[0].Set.Param, d.Resources[0], d.Clients[0] = "text", "x", "backup", "shop"
				d.Resources, d.Clients, d.Mapping = d.Resources[:1], d.Clients[:1], nil
				return nil
			})
			return err
		},
		"endpoint duplicated": func(ctx context.Context, n *node) error {
			_, err := n.DuplicateEndpoint(ctx, admin, n.endpoint("sms").ID)
			return err
		},
		"endpoint deleted": func(ctx context.Context, n *node) error {
			impact, err := n.EndpointImpact(ctx, admin, n.endpoint("sms").ID)
			if err != nil {
				return err
			}
			return n.DeleteEndpoint(ctx, admin, n.endpoint("sms").ID, &impact.Version, true)
		},
		"client's rules changed": func(ctx context.Context, n *node) error {
			shop := n.table.Load().Config.Client("shop")
			_, err := n.UpdateClientDev(ctx, n.client("shop-token-1234"), shop.ID, &shop.Version, func(dev *dispatchapy.ClientDev) error {
				dev.Rules[0].Set.Param = "x"
				return nil
			})
			return err
		},
		"token rotated twice": func(ctx context.Context, n *node) error {
			shop := n.table.Load().Config.Client("shop")
			if _, err := n.RotateToken(ctx, admin, shop.ID, nil, time.Hour); err != nil {
				return err
			}
			_, err := n.RotateToken(ctx, admin, shop.ID, nil, time.Hour)
			return err
		},
		"channel renamed": func(ctx context.Context, n *node) error {
			return n.SaveChannel(ctx, admin, "chat", n.settingsVersion(), func(c *dispatchapy.Channel) error { c.Name = "team"; return nil })
		},
		"channel deleted": func(ctx context.Context, n *node) error {
			return n.DeleteChannel(ctx, admin, "ops", n.settingsVersion())
		},
		"settings changed": func(ctx context.Context, n *node) error {
			_, err := n.UpdateSettings(ctx, admin, n.settingsVersion(), func(s *dispatchapy.Settings) error {
				s.SMTP.Port, s.Alerts.Channels[0].Email.To[0], s.Alerts.ResourceDown.Channels = 2525, "new@example.com", []string{"chat"}
				return nil
			})
			return err
		},
		"file applied": func(ctx context.Context, n *node) error {
			_, err := n.Apply(ctx, admin, "gateway.yaml", []byte(baseFile), service.ApplyOptions{Prune: true})
			return err
		},
		"file compared": func(ctx context.Context, n *node) error {
			_, err := n.Compare(ctx, admin, "gateway.yaml", []byte(baseFile), service.ApplyOptions{Prune: true})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, openStore(t), 1)
			n.refresh()
			n.apply(richFile, service.ApplyOptions{})
			inForce := n.table.Load().Config
			before := memoryOf(inForce)
			if err := use(t.Context(), n); err != nil {
				t.Fatal(err, fieldsOf(err))
			}
			if diff := cmp.Diff(before, memoryOf(inForce)); diff != "" {
				t.Errorf("the configuration that others read was written to (-before +after):\n%s", diff)
			}
		})
	}
}

// memoryOf gives what a value holds, by path: with the addresses of what it
// leads to, so that an equal value at another place is seen.
func memoryOf(v any) map[string]string {
	out := map[string]string{}
	remember(out, "", reflect.ValueOf(v))
	return out
}

func remember(out map[string]string, path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		out[path] = fmt.Sprint(v.UnsafePointer())
		if !v.IsNil() {
			remember(out, path+"*", v.Elem())
		}
	case reflect.Slice:
		out[path] = fmt.Sprint(v.UnsafePointer(), v.Len())
		for i := range v.Len() {
			remember(out, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	case reflect.Map:
		out[path] = fmt.Sprint(v.UnsafePointer(), v.Len())
		for it := v.MapRange(); it.Next(); {
			remember(out, fmt.Sprintf("%s[%v]", path, it.Key()), it.Value())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			remember(out, path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.String:
		out[path] = v.String()
	default:
		out[path] = fmt.Sprint(v)
	}
}
