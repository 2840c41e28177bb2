package gatewayfile

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"dispatchapy"
)

const contractFile = `version: 1
settings:
  max_attempts: 5
  task_delay: {min: 0s, max: 0s}
  cleanup: {enabled: false, after_days: 30}
  smtp: {host: localhost, port: 587, username: u, password: p, from: a@b.c, encryption: starttls}   # starttls | tls | none
resources:
  - name: sms-primary
    url: http://127.0.0.1:9001/send
    headers: {X-Key: abc}
    required_params: [to, text, id]
    active: true
    timeout: 15s
    health_check:
      enabled: true
      method: simple              # simple | actual
      interval: {min: 60s, max: 90s}
      down_after: 1               # consecutive failures; the original's behaviour is 1 and 1
      up_after: 1
      test_values: {to: "0", text: "ping {datetime}", id: "x"}
    notify:
      email: {enabled: true, to: [ops@example.com], subject: "...", body: "..."}
      webhook: {enabled: true, url: http://127.0.0.1:9100/alert, headers: {}, payload: {text: "{resource_name} is down"}}
  - name: sms-backup
    url: http://127.0.0.1:9002/send
endpoints:
  - path: send_sms
    description: Send one text message
    active: true
    required_params: [ref, scope, phone, message]
    resources: [sms-primary, sms-backup]          # failover order
    mapping:
      sms-primary:
        to: {from: phone}
        text: {from: message}
        id: {uuid: true}
      sms-backup:
        msisdn: {from: phone}
    dev:
      enabled: false
      hold: false
      rules_enabled: false
      rules:
        - if: {param: phone, matches: "^62"}       # no if: always; no matches: whenever present
          set: {param: phone, value: "000"}
clients:
  - name: shop
    token: dpy_example                             # optional; absent: generated, printed once
    endpoints: [send_sms]
    dev: {hold: false, rules_enabled: false, rules: []}   # client rules may add endpoint: send_sms
`

func TestContractFileRoundTrip(t *testing.T) {
	current := &dispatchapy.Config{Settings: dispatchapy.DefaultSettings()}
	f := mustParse(t, contractFile)
	next := mustPlan(t, current, f, false)
	if err := f.Locate(next.Validate()); err != nil {
		t.Fatal(err)
	}
	if changes := mustChanges(t, next, f, true); len(changes) > 0 {
		t.Errorf("applying the file again changes %v", changes)
	}
	for name, encode := range map[string]func(*dispatchapy.Config) ([]byte, error){"YAML": Encode, "JSON": EncodeJSON} {
		text, err := encode(next)
		if err != nil {
			t.Fatal(err)
		}
		again := mustPlan(t, &dispatchapy.Config{}, mustParse(t, string(text)), false)
		if diff := cmp.Diff(next, again, equivalent); diff != "" {
			t.Errorf("%s: what was written reads differently (-written +read):\n%s\n%s", name, diff, text)
		}
		if second, _ := encode(again); !bytes.Equal(text, second) {
			t.Errorf("%s: written again it differs:\n%s", name, cmp.Diff(string(text), string(second)))
		}
	}
}

// equivalent compares configurations by meaning: nothing and empty are the
// same, and secrets are compared by value.
var equivalent = cmp.Options{cmpopts.EquateEmpty()}

func mustParse(t testing.TB, text string) *File {
	t.Helper()
	f, err := Parse("gateway.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return f
}

func mustPlan(t testing.TB, current *dispatchapy.Config, f *File, prune bool) *dispatchapy.Config {
	t.Helper()
	next, _, err := Plan(current, f, prune)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func mustChanges(t testing.TB, current *dispatchapy.Config, f *File, prune bool) []Change {
	t.Helper()
	_, changes, err := Plan(current, f, prune)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

func TestRoundTripIsLossless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := config().Draw(t, "config")
		for name, encode := range map[string]func(*dispatchapy.Config) ([]byte, error){"YAML": Encode, "JSON": EncodeJSON} {
			text, err := encode(cfg)
			if err != nil {
				t.Fatal(err)
			}
			f, err := Parse("gateway.yaml", text)
			if err != nil {
				t.Fatalf("%s: %v in\n%s", name, err, text)
			}
			again, _, err := Plan(&dispatchapy.Config{}, f, false)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(cfg, again, equivalent); diff != "" {
				t.Fatalf("%s: (-written +read):\n%s\n%s", name, diff, text)
			}
			if second, _ := encode(again); !bytes.Equal(text, second) {
				t.Fatalf("%s: written again it differs:\n%s", name, cmp.Diff(string(text), string(second)))
			}
			if _, changes, _ := Plan(again, f, true); len(changes) > 0 {
				t.Fatalf("%s: applied again it changes %v", name, changes)
			}
		}
	})
}
