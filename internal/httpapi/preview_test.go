package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
)

// previewed is the answer of a preview.
type previewed struct {
	Intake struct {
		Status         int
		Result, Detail string
	}
	Hold      *string
	Overrides []struct {
		By, Param, Text string
		Before, After   json.RawMessage
	}
	Payload   json.RawMessage
	Resource  *string
	Resources []struct {
		Resource  string
		Usable    bool
		Reason    *string
		RetryInMS *float64 `json:"retry_in_ms"`
		Refusal   *string
		Fields    []dispatchapy.FieldError
		Request   *struct {
			outbound
			Volatile        []string
			VolatileHeaders []string `json:"volatile_headers"`
		}
	}
}

func (g *gateway) preview(body string) previewed {
	g.t.Helper()
	var got previewed
	path := fmt.Sprintf("/v1/endpoints/%d/preview", g.endpointID("sms"))
	answer := g.do(request{method: http.MethodPost, path: path, body: body}).want(200)
	if strings.Contains(answer.body, "hush") {
		g.t.Errorf("a secret is shown: %s", answer.body)
	}
	answer.wantDocumented(g.document(), http.MethodPost, "/v1/endpoints/{id}/preview")
	decode(g.t, answer.body, &got)
	return got
}

// drawn are values that are made for one task or attempt.
var drawn = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}|\d{4}-\d\d-\d\dT[0-9:.]+Z`)

// TestPreviewIsWhatIsSent previews messages and then sends them for real.
func TestPreviewIsWhatIsSent(t *testing.T) {
	l := newLive(t)
	l.primary.answerWith(500, "")
	messages := []string{
		`{"ref":"r","scope":"s","phone":"62811","amount":"12345678901234567890.10"}`,
		` {"scope": 1, "ref": 2, "phone": 62, "note": null, "html":"<&>", "x":"\u00e9é"}`,
		`{"ref":"r","scope":"s","phone":"1","note":"real"}`,
	}
	for _, message := range messages {
		t.Run(message, func(t *testing.T) {
			shown := l.preview(`{"client":"shop","payload":` + message + `}`)
			if shown.Intake.Status != 200 || shown.Intake.Result != "queued" || shown.Resource == nil || *shown.Resource != "primary" {
				t.Errorf("preview %+v, resource %v", shown.Intake, shown.Resource)
			}
			if status, answer := l.send(shopToken, strings.TrimSpace(message)); status != 200 {
				t.Fatal(answer)
			}
			for i, p := range []*provider{l.primary, l.backup} {
				want, got := p.received(t), shown.Resources[i].Request.outbound
				want.URL = dispatchapy.MaskURL(want.URL)
				for name, value := range got.Headers {
					if value == dispatchapy.Redacted {
						want.Headers[name] = dispatchapy.Redacted
					}
				}
				for _, r := range []*outbound{&want, &got} {
					r.Body = drawn.ReplaceAllString(r.Body, "DRAWN")
					r.Headers["Idempotency-Key"] = drawn.ReplaceAllString(r.Headers["Idempotency-Key"], "DRAWN")
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("sent (-), preview (+):\n%s", diff)
				}
			}
			l.ended()
		})
	}
	shown := l.preview(`{"client":"shop","payload":` + messages[0] + `}`)
	if got := shown.Resources[0].Request; !slices.Equal(got.Volatile, []string{"id", "meta.at"}) || !slices.Equal(got.VolatileHeaders, []string{"Idempotency-Key"}) ||
		got.Headers["X-Key"] != dispatchapy.Redacted {
		t.Errorf("volatile %q and %q, headers %v", got.Volatile, got.VolatileHeaders, got.Headers)
	}
	if got := shown.Resources[1].Request; got.Volatile == nil || len(got.Volatile) > 0 {
		t.Errorf("volatile without a mapping: %q", got.Volatile)
	}
}

func TestPreviewNamesOverrides(t *testing.T) {
	l := newLive(t)
	got := l.preview(`{"client":"shop","payload":{"ref":"r","scope":"s","phone":"62811"}}`)
	var lines []string
	for _, o := range got.Overrides {
		lines = append(lines, fmt.Sprintf("%s %s %s %s | %s", o.By, o.Param, o.Before, o.After, o.Text))
	}
	want := []string{
		`client note null "test" | client rule set note: (absent) -> "test"`,
		`endpoint phone "62811" "000" | endpoint rule set phone: "62811" -> "000"`,
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	if string(got.Payload) != `{"ref":"r","scope":"s","phone":"000","note":"test"}` {
		t.Errorf("payload %s", got.Payload)
	}
	got = l.preview(`{"payload":{"ref":"r","scope":"s","phone":"1"}}`)
	if len(got.Overrides) != 0 {
		t.Errorf("without a client and with another phone: %+v", got.Overrides)
	}
}

func TestPreviewOfTheIntake(t *testing.T) {
	l := newLive(t)
	tests := []struct{ name, body, result, detail string }{
		{"accepted", `{"payload":{"ref":"r","scope":"s","phone":"1"}}`, "200 queued", ""},
		{"parameter missing", `{"payload":{"ref":"r","scope":"s"}}`, "400 refused", "Missing required parameter: phone"},
		{"no object", `{"payload":[1]}`, "400 refused", "The body must be a JSON object, not an array"},
		{"duplicate key", `{"payload":{"ref":"r","ref":"r"}}`, "400 refused", `Invalid JSON at line 1, column 12: duplicate key "ref"`},
		{"held", `{"payload":{"ref":"r","scope":"s","phone":"1"},"dev":{"enabled":true,"hold":true,"rules_enabled":false}}`, "200 held", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := l.preview(tt.body)
			result := fmt.Sprint(got.Intake.Status, " ", got.Intake.Result)
			if result != tt.result || got.Intake.Detail != tt.detail || (got.Hold != nil) != (tt.name == "held") {
				t.Errorf("intake %s (%s), hold %v", result, got.Intake.Detail, got.Hold)
			}
			if (got.Resource == nil) != (got.Intake.Status != 200) {
				t.Errorf("chosen is %v", got.Resource)
			}
		})
	}
	l.primary.nothing(t)
}

func TestPreviewOfResources(t *testing.T) {
	l := newLive(t)
	const fits = `{"payload":{"ref":"r","scope":"s","phone":"1"}}`
	got := l.preview(`{"payload":{"ref":"r","scope":"s","phone":"1","amount":"much"}}`)
	if first := got.Resources[0]; !first.Usable || first.Refusal == nil || first.Fields[0].Path != "amount" || first.Request != nil || *got.Resource != "backup" {
		t.Errorf("a message that does not fit: %+v, chosen %s", first, *got.Resource)
	}
	primary := l.table.Load().ResourceByID(l.resourceID("primary"))
	permit, _ := l.rooms.Acquire(primary)
	permit.Done(true, time.Hour)
	got = l.preview(fits)
	if first := got.Resources[0]; first.Usable || *first.Reason != "paused" || *first.RetryInMS < 3_000_000 || first.Request == nil || *got.Resource != "backup" {
		t.Errorf("paused by the provider: %+v, chosen %s", first, *got.Resource)
	}
}

func TestPreviewOfUnsavedChanges(t *testing.T) {
	l := newLive(t)
	got := l.preview(`{"payload":{"ref":"r","scope":"s","phone":"7"},"resources":["backup"],"mapping":{"backup":{"msisdn":{"from":"phone"}}}}`)
	if len(got.Resources) != 1 || got.Resources[0].Request.Body != `{"msisdn":"7"}` {
		t.Errorf("%+v", got.Resources)
	}
	got = l.preview(`{"payload":{"ref":"r","scope":"s","phone":"7"},"resources":["backup"]}`)
	if len(got.Resources) != 1 || got.Resources[0].Request.Body != `{"ref":"r","scope":"s","phone":"7"}` {
		t.Errorf("without the resource that has a mapping: %+v", got.Resources)
	}
	if saved := l.table.Load().Config.Endpoint("sms"); len(saved.Resources) != 2 || len(saved.Mapping) != 1 {
		t.Errorf("a preview changed the configuration: %+v", saved)
	}
	path := fmt.Sprintf("/v1/endpoints/%d/preview", l.endpointID("sms"))
	for name, tt := range map[string]struct{ body, field string }{
		"no such resource": {`{"payload":{},"resources":["nowhere"],"mapping":{}}`, "resources[0]"},
		"no such client":   {`{"payload":{},"client":"nobody"}`, "client"},
		"bad mapping":      {`{"payload":{},"mapping":{"primary":{"a":{"template":"{{x"}}}}`, "mapping.primary.a.template"},
		"bad dev":          {`{"payload":{},"dev":{"enabled":true,"hold":false,"rules_enabled":false}}`, "dev"},
		"no payload":       {`{}`, "body"},
		"unknown key":      {`{"payload":{},"mapping":{"primary":{"a":{"form":"x"}}}}`, "mapping.primary.a.form"},
	} {
		t.Run(name, func(t *testing.T) {
			got := l.do(request{method: http.MethodPost, path: path, body: tt.body})
			got.t = t
			if p := got.wantProblem(422, dispatchapy.CodeInvalid); len(p.Fields) == 0 || p.Fields[0].Path != tt.field {
				t.Errorf("fields %+v, want %s", p.Fields, tt.field)
			}
		})
	}
	l.do(request{method: http.MethodPost, path: "/v1/endpoints/4711/preview", body: `{"payload":{}}`}).wantProblem(404, dispatchapy.CodeNotFound)
}
