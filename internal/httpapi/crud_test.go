package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
)

// disagreement is what a problem document says beyond the usual.
type disagreement struct {
	Version *int64
	Current map[string]any
	Yours   map[string]any
	Impact  *struct {
		Version      int64
		InUse        bool `json:"in_use"`
		Endpoints    []string
		Clients      []string
		Stranded     []string
		WaitingTasks int `json:"waiting_tasks"`
	}
}

func (r *response) disagreement() disagreement {
	r.t.Helper()
	var c disagreement
	if err := json.Unmarshal([]byte(r.body), &c); err != nil {
		r.t.Fatal(err)
	}
	return c
}

func (r *response) object() map[string]any {
	r.t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(r.body), &o); err != nil {
		r.t.Fatalf("%v in %s", err, r.body)
	}
	return o
}

// change sends a body with If-Match; "" sends none.
func (g *gateway) change(method, path, tag, body string) *response {
	g.t.Helper()
	header := http.Header{}
	if tag != "" {
		header.Set("If-Match", tag)
	}
	return g.do(request{method: method, path: path, body: body, header: header})
}

// TestNothingIsLostOnTheWayBack: every key that can be written is shown, so
// that an object that was got can be sent back. Tokens are the exception.
func TestNothingIsLostOnTheWayBack(t *testing.T) {
	schemas := newGateway(t).document().Components.Schemas
	for input, shown := range map[string]string{
		"ResourceInput": "ResourceDetail", "EndpointInput": "Endpoint", "ClientInput": "Client", "SettingsInput": "Settings",
	} {
		if schemas[input] == nil || schemas[shown] == nil {
			t.Fatalf("there is no schema %s or %s", input, shown)
		}
		for key := range schemas[input].Value.Properties {
			if schemas[shown].Value.Properties[key] == nil && key != "id" && !strings.Contains(key, "token") {
				t.Errorf("%s has %q, %s does not", input, key, shown)
			}
		}
	}
}

func TestLifeOfAResource(t *testing.T) {
	g := newGateway(t)
	doc := g.document()
	made := g.do(request{method: "POST", path: "/v1/resources", body: `{"name":"third","url":"http://x.example/","headers":{"X":"hush"},
		"notify":{"webhook":{"enabled":true,"url":"http://y.example/","headers":{"Y":"hush"}}}}`}).want(201)
	made.wantDocumented(doc, "POST", "/v1/resources")
	path := made.header.Get("Location")
	if want := fmt.Sprintf("/v1/resources/%v", made.object()["id"]); path != want {
		t.Fatalf("Location %q, want %q", path, want)
	}
	got := g.get(path).want(200)
	tag := got.header.Get("ETag")
	if tag != `"2"` || got.object()["version"] != 2.0 || strings.Contains(got.body, "hush") {
		t.Errorf("ETag %s of %s", tag, got.body)
	}

	// What was got can be sent back, and changes nothing.
	if same := g.change("PUT", path, tag, got.body).want(200); same.header.Get("ETag") != tag {
		t.Errorf("sent back as it is: %s", same.body)
	}
	// The version may stand in the body as well.
	changed := g.change("PATCH", path, "", `{"version":2,"active":false,"headers":{"Z":"hush-z"}}`).want(200)
	changed.wantDocumented(doc, "PATCH", "/v1/resources/{id}")
	if o := changed.object(); o["active"] != false || changed.header.Get("ETag") != `"3"` || !cmp.Equal(o["headers"], map[string]any{"X": "[redacted]", "Z": "[redacted]"}) {
		t.Errorf("patched: %s", changed.body)
	}
	cfg := g.table.Load().Config.Resource("third")
	if cfg.Headers["X"].Reveal() != "hush" || cfg.Headers["Z"].Reveal() != "hush-z" || cfg.Notify.Webhook.Headers["Y"].Reveal() != "hush" {
		t.Errorf("stored: %q", cfg.Headers["X"].Reveal())
	}
	replaced := g.change("PUT", path, `W/"3"`, `{"name":"third","url":"http://x.example/"}`).want(200)
	if o := replaced.object(); o["active"] != true || o["headers"] != nil || o["notify"] != nil {
		t.Errorf("replaced: %s", replaced.body)
	}
	copied := g.do(request{method: "POST", path: path + "/duplicate"}).want(201)
	if o := copied.object(); o["name"] != "third copy" || o["active"] != false || copied.header.Get("Location") == path {
		t.Errorf("copy: %s", copied.body)
	}
	g.change("DELETE", path, replaced.header.Get("ETag"), "").want(204)
	g.get(path).wantProblem(404, dispatchapy.CodeNotFound)
}

func TestLifeOfAnEndpoint(t *testing.T) {
	g := newGateway(t)
	made := g.do(request{method: "POST", path: "/v1/endpoints", body: `{"path":"push me","resources":["primary","backup"],"clients":["shop"]}`}).want(201)
	if o := made.object(); o["path"] != "push_me" || o["readiness"] != "Ready" || !cmp.Equal(o["clients"], []any{"shop"}) {
		t.Errorf("created: %s", made.body)
	}
	path, tag := made.header.Get("Location"), made.header.Get("ETag")
	got := g.change("PATCH", path, tag, `{"resources":["backup","primary"],"clients":["bank"]}`).want(200)
	if o := got.object(); !cmp.Equal(o["resources"], []any{"backup", "primary"}) || !cmp.Equal(o["clients"], []any{"bank"}) {
		t.Errorf("patched: %s", got.body)
	}
	got = g.change("PUT", path, got.header.Get("ETag"), got.body).want(200)
	rules := `{"mapping":{"backup":{"to":{"from":"phone"}}},"dev":{"enabled":true,"rules_enabled":true,"rules":[{"set":{"param":"phone","value":"000"}}]}}`
	got = g.change("PUT", path+"/rules", got.header.Get("ETag"), rules).want(200)
	tag = got.header.Get("ETag")
	got = g.change("PUT", path+"/rules", tag, `{"mapping":{}}`).want(200)
	if o := got.object(); o["mapping"] != nil || o["dev"].(map[string]any)["enabled"] != true {
		t.Errorf("rules: %s", got.body)
	}
	g.change("PUT", path+"/rules", tag, `{"mapping":{}}`).wantProblem(409, dispatchapy.CodeConflict)
	p := g.change("PUT", path+"/rules", got.header.Get("ETag"), `{"path":"x"}`).wantProblem(422, dispatchapy.CodeInvalid)
	if len(p.Fields) != 1 || p.Fields[0].Path != "path" {
		t.Errorf("%+v", p)
	}
	p = g.change("PATCH", path, got.header.Get("ETag"), `{"dev":{"enabled":true,"rules_enabled":false,"rules":null}}`).wantProblem(422, dispatchapy.CodeInvalid)
	if len(p.Fields) != 1 || p.Fields[0].Path != "dev" || !strings.Contains(p.Fields[0].Message, "requires either holding") {
		t.Errorf("%+v", p)
	}
}

func TestLifeOfAClient(t *testing.T) {
	g := newGateway(t)
	made := g.do(request{method: "POST", path: "/v1/clients", body: `{"name":"new","endpoints":["sms"]}`}).want(201)
	path := made.header.Get("Location")
	token, _ := made.object()["token"].(string)
	as := func(token string) int { return g.do(request{method: "GET", path: path, token: token}).status }
	if as(token) != 200 {
		t.Fatalf("the token of %s does not work", made.body)
	}
	if body := g.get(path).want(200).body; strings.Contains(body, token) || strings.Contains(body, "token_hash") || strings.Contains(body, `"token"`) {
		t.Errorf("shown a second time: %s", body)
	}
	rotated := g.do(request{method: "POST", path: path + "/token", body: `{"overlap":"1h"}`}).want(200)
	rotated.wantDocumented(g.document(), "POST", "/v1/clients/{id}/token")
	next, _ := rotated.object()["token"].(string)
	if as(token) != 200 || as(next) != 200 || rotated.object()["old_token_until"] == nil {
		t.Errorf("during the overlap: %s", rotated.body)
	}
	last, _ := g.do(request{method: "POST", path: path + "/token"}).want(200).object()["token"].(string)
	if as(token) != 401 || as(next) != 401 || as(last) != 200 {
		t.Error("without overlap the old ones end at once")
	}
	g.do(request{method: "POST", path: path + "/token", body: `{"overlap":"2h"}`}).wantProblem(422, dispatchapy.CodeInvalid)
	got := g.get(path)
	sent := g.change("PUT", path, got.header.Get("ETag"), got.body).want(200)
	if as(last) != 200 {
		t.Errorf("sending it back ended the token: %s", sent.body)
	}
	if body := g.do(request{method: "POST", path: path + "/duplicate"}).want(201).object(); body["name"] != "new copy" || body["token"] == nil {
		t.Errorf("copy: %v", body)
	}
}

func TestChangeOfSettings(t *testing.T) {
	g := newGateway(t)
	got := g.get("/v1/settings").want(200)
	tag := got.header.Get("ETag")
	g.change("PUT", "/v1/settings", tag, got.body).want(200)
	patched := g.change("PATCH", "/v1/settings", tag, `{"retry":{"factor":2},"task_delay":{"max":"5s"}}`).want(200)
	patched.wantDocumented(g.document(), "PATCH", "/v1/settings")
	s := g.table.Load().Config.Settings
	if s.Retry.Factor != 2 || s.Retry.Base != dispatchapy.DefaultSettings().Retry.Base || s.SMTP.Password.Reveal() != "hush-smtp" {
		t.Errorf("%+v", s)
	}
	p := g.change("PATCH", "/v1/settings", tag, `{"max_attempts":9}`)
	p.wantProblem(409, dispatchapy.CodeConflict)
	if c := p.disagreement(); c.Current["max_attempts"] != 5.0 || c.Yours["max_attempts"] != 9.0 || *c.Version != 2 || strings.Contains(p.body, "hush") {
		t.Errorf("%s", p.body)
	}
	fields := g.change("PATCH", "/v1/settings", patched.header.Get("ETag"), `{"max_attempts":0,"smtp":{"port":70000}}`).wantProblem(422, dispatchapy.CodeInvalid).Fields
	if len(fields) != 2 || fields[0].Path != "max_attempts" || fields[1].Path != "smtp.port" {
		t.Errorf("%+v", fields)
	}
}

func TestVersionsAreRequired(t *testing.T) {
	g := newGateway(t)
	cfg := g.table.Load().Config
	resource, endpoint, client := fmt.Sprintf("/v1/resources/%d", cfg.Resource("primary").ID),
		fmt.Sprintf("/v1/endpoints/%d", cfg.Endpoint("sms").ID), fmt.Sprintf("/v1/clients/%d", cfg.Client("shop").ID)
	bodies := map[string]string{
		resource: `{"name":"primary","url":"http://mine.example/","headers":{"X-Key":"[redacted]","Mine":"hush-mine"}}`,
		endpoint: `{"path":"sms","description":"mine"}`, client: `{"name":"shop","description":"mine"}`, "/v1/settings": `{"max_attempts":7}`,
	}
	for path, body := range bodies {
		for _, method := range []string{"PUT", "PATCH", "DELETE"} {
			if method == "DELETE" {
				body = ""
				if path == "/v1/settings" {
					continue
				}
			}
			t.Run(method+" "+path, func(t *testing.T) {
				missing := g.change(method, path, "", body)
				missing.t = t
				missing.wantProblem(428, dispatchapy.CodePrecondition)
				if c := missing.disagreement(); c.Version == nil || *c.Version != 1 || missing.header.Get("ETag") != `"1"` {
					t.Errorf("the present version is not told: %s", missing.body)
				}
				stale := g.change(method, path, `"99"`, body)
				stale.t = t
				stale.wantProblem(409, dispatchapy.CodeConflict)
				c := stale.disagreement()
				if c.Current == nil || (c.Yours == nil) != (method == "DELETE") || strings.Contains(stale.body, "hush") {
					t.Errorf("both sides: %s", stale.body)
				}
				odd := g.change(method, path, `"a", "b"`, body)
				odd.t = t
				odd.wantProblem(422, dispatchapy.CodeInvalid)
			})
		}
	}
	if v := g.table.Load().Config.Version; v != 1 {
		t.Errorf("something was changed: version %d", v)
	}
}

func TestObjectFaults(t *testing.T) {
	g := newGateway(t)
	tests := []struct {
		name, method, path, body, contentType string
		status                                int
		code                                  dispatchapy.Code
		field                                 string
	}{
		{"unknown field", "POST", "/v1/resources", `{"name":"x","url":"http://x.example/","uri":"hush"}`, "", 422, dispatchapy.CodeInvalid, "uri"},
		{"unknown field below", "POST", "/v1/resources", `{"name":"x","health_check":{"hush":1}}`, "", 422, dispatchapy.CodeInvalid, "health_check.hush"},
		{"unknown field in a patch", "PATCH", "/v1/resources/3", `{"uri":null}`, "", 422, dispatchapy.CodeInvalid, "uri"},
		{"wrong type", "POST", "/v1/endpoints", `{"path":["hush"]}`, "", 422, dispatchapy.CodeInvalid, "path"},
		{"wrong type of a shown key", "POST", "/v1/endpoints", `{"path":"x","clients":"hush"}`, "", 422, dispatchapy.CodeInvalid, "clients"},
		{"invalid", "POST", "/v1/resources", `{"name":"x","url":"hush"}`, "", 422, dispatchapy.CodeInvalid, "url"},
		{"name taken", "POST", "/v1/clients", `{"name":"shop"}`, "", 422, dispatchapy.CodeInvalid, "name"},
		{"other id", "POST", "/v1/clients", `{"name":"x","id":7}`, "", 422, dispatchapy.CodeInvalid, "id"},
		{"two versions", "PATCH", "/v1/resources/3", `{"version":9}`, "", 422, dispatchapy.CodeInvalid, "version"},
		{"odd version", "PATCH", "/v1/resources/3", `{"version":"x"}`, "", 422, dispatchapy.CodeInvalid, "version"},
		{"old tokens", "POST", "/v1/clients", `{"name":"x","old_tokens":[{"hash":"00","until":"2026-01-01T00:00:00Z"}]}`, "", 422, dispatchapy.CodeInvalid, "old_tokens"},
		{"two tokens", "POST", "/v1/clients", `{"name":"x","token":"hush-hush-hush","token_hash":"00"}`, "", 422, dispatchapy.CodeInvalid, "token"},
		{"nothing to keep", "POST", "/v1/resources", `{"name":"x","url":"http://x.example/","headers":{"X":"[redacted]"}}`, "", 422, dispatchapy.CodeInvalid, "headers.X"},
		{"no JSON", "POST", "/v1/clients", `{"name":`, "", 422, dispatchapy.CodeInvalid, ""},
		{"no object", "POST", "/v1/clients", `[]`, "", 422, dispatchapy.CodeInvalid, ""},
		{"null", "PATCH", "/v1/settings", `null`, "", 422, dispatchapy.CodeInvalid, ""},
		{"no body", "POST", "/v1/clients", ``, "", 400, dispatchapy.CodeInvalid, ""},
		{"other type", "POST", "/v1/clients", `name=x`, "application/x-www-form-urlencoded", 415, dispatchapy.CodeUnsupportedType, ""},
		{"too large", "POST", "/v1/clients", strings.Repeat(" ", 5<<20), "", 413, dispatchapy.CodeTooLarge, ""},
		{"no such object", "PATCH", "/v1/resources/4711", `{}`, "", 404, dispatchapy.CodeNotFound, ""},
		{"an object of another kind", "PATCH", "/v1/clients/3", `{}`, "", 404, dispatchapy.CodeNotFound, ""},
		{"no such impact", "GET", "/v1/endpoints/4711/impact", ``, "", 404, dispatchapy.CodeNotFound, ""},
		{"unknown kind of audit", "GET", "/v1/audit?kind=hush", ``, "", 422, dispatchapy.CodeInvalid, "kind"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			header := http.Header{"If-Match": {`"1"`}}
			if tt.contentType != "" {
				header.Set("Content-Type", tt.contentType)
			}
			got := g.do(request{method: tt.method, path: tt.path, body: tt.body, header: header})
			got.t = t
			p := got.wantProblem(tt.status, tt.code)
			if tt.field == "" && len(p.Fields) > 0 || tt.field != "" && (len(p.Fields) == 0 || p.Fields[0].Path != tt.field) {
				t.Errorf("fields %+v, want %q", p.Fields, tt.field)
			}
			if strings.Contains(strings.ReplaceAll(got.body, "health_check.hush", ""), "hush") {
				t.Errorf("the answer echoes what was sent: %s", got.body)
			}
		})
	}
	if v := g.table.Load().Config.Version; v != 1 || g.logs.Len() > 0 {
		t.Errorf("version %d, logged %s", v, g.logs)
	}
}

func TestDeletionIsConfirmedWithTheVersionOfItsImpact(t *testing.T) {
	g := newGateway(t)
	g.insert("bank", false)
	path := fmt.Sprintf("/v1/resources/%d", g.table.Load().Config.Resource("backup").ID)
	g.change("PATCH", fmt.Sprintf("/v1/endpoints/%d", g.table.Load().Config.Endpoint("mail").ID), `"1"`, `{"description":"newer"}`).want(200)

	refused := g.change("DELETE", path, `"1"`, "")
	refused.wantProblem(409, dispatchapy.CodeConflict)
	c := refused.disagreement()
	if c.Impact == nil || !c.Impact.InUse || c.Impact.WaitingTasks != 1 || !cmp.Equal(c.Impact.Stranded, []string{"mail"}) || !cmp.Equal(c.Impact.Endpoints, []string{"mail", "sms"}) {
		t.Fatalf("%s", refused.body)
	}
	seen := g.get(path + "/impact").want(200)
	if seen.object()["version"] != float64(c.Impact.Version) || c.Impact.Version != 2 {
		t.Errorf("impact: %s", seen.body)
	}
	g.change("DELETE", path+"?confirm=true", `"1"`, "").wantProblem(409, dispatchapy.CodeConflict)
	g.change("DELETE", path+"?confirm=true", refused.header.Get("ETag"), "").want(204)
	g.get(path).wantProblem(404, dispatchapy.CodeNotFound)
}

func TestAuditLog(t *testing.T) {
	g := newGateway(t)
	id := g.table.Load().Config.Resource("primary").ID
	g.change("PATCH", fmt.Sprintf("/v1/resources/%d", id), `"1"`, `{"headers":{"X-Key":"hush-new"}}`).want(200)
	got := g.get(fmt.Sprintf("/v1/audit?object=%d&kind=resource&limit=1", id)).want(200)
	got.wantDocumented(g.document(), "GET", "/v1/audit")
	want := fmt.Sprintf(`{"items":[{"id":8,"at":"TIME","by":"admin","action":"update","kind":"resource","object_id":%d,"name":"primary","version":2,"detail":"headers",`+
		`"before":{"name":"primary","url":"http://127.0.0.1:9001/send","headers":{"X-Key":"[redacted]"}},`+
		`"after":{"name":"primary","url":"http://127.0.0.1:9001/send","headers":{"X-Key":"[redacted]"}}}],"next":"8"}`, id)
	if diff := cmp.Diff(want, strings.TrimSpace(withoutTimes(got.body))); diff != "" {
		t.Error(diff)
	}
	older := g.get(fmt.Sprintf("/v1/audit?object=%d&cursor=8", id)).want(200)
	if !strings.Contains(older.body, `"action":"create"`) || !strings.Contains(older.body, `"before":null`) {
		t.Errorf("%s", older.body)
	}
}

func TestListsByNameFilter(t *testing.T) {
	g := newGateway(t)
	for path, want := range map[string]int{"/v1/resources?q=PRIM": 1, "/v1/endpoints?q=m": 2, "/v1/endpoints?q=ai": 1, "/v1/clients?q=x": 0} {
		var got struct{ Items []any }
		decode(t, g.get(path).want(200).body, &got)
		if len(got.Items) != want {
			t.Errorf("%s: %d items, want %d", path, len(got.Items), want)
		}
	}
}

func TestAClientChangesItsDevelopmentSettings(t *testing.T) {
	g := newGateway(t)
	path := fmt.Sprintf("/v1/clients/%d/rules", g.table.Load().Config.Client("shop").ID)
	put := func(tag, body, token string) *response {
		return g.do(request{method: "PUT", path: path, body: body, token: token, header: http.Header{"If-Match": {tag}}})
	}
	got := put(`"1"`, `{"dev":{"hold":true,"rules_enabled":true,"rules":[{"endpoint":"sms","set":{"param":"a","value":1}}]}}`, shopToken).want(200)
	if c := g.table.Load().Config.Client("shop"); !c.Dev.Hold || len(c.Dev.Rules) != 1 || !cmp.Equal(c.Endpoints, []string{"sms"}) {
		t.Errorf("%+v", c)
	}
	if !strings.Contains(g.get("/v1/audit?by=shop").body, `"detail":"dev"`) {
		t.Error("it is not in the audit log")
	}
	tag := got.header.Get("ETag")
	put(tag, `{"dev":{},"endpoints":["mail"]}`, shopToken).wantProblem(422, dispatchapy.CodeInvalid)
	put(tag, `{"dev":{"rules":[`+strings.Repeat(" ", 70<<10)+`]}}`, shopToken).wantProblem(413, dispatchapy.CodeTooLarge)
	put(`"1"`, `{"dev":{}}`, shopToken).wantProblem(409, dispatchapy.CodeConflict)
	put(tag, `{"dev":{}}`, shopToken).want(200)
}
