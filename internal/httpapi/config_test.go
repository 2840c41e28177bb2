package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
)

type applied struct {
	Version int64
	DryRun  bool `json:"dry_run"`
	Changes []struct {
		Kind, Name, Action, Token string
		Fields                    []string
	}
}

func (g *gateway) put(query, body, contentType string) *response {
	g.t.Helper()
	return g.do(request{method: "PUT", path: "/v1/config" + query, body: body, header: http.Header{"Content-Type": {contentType}}})
}

func TestConfigRoundTrip(t *testing.T) {
	g := newGateway(t)
	for accept, contentType := range map[string]string{
		"":                      "application/json",
		"*/*":                   "application/json",
		"application/yaml":      "application/yaml",
		"text/yaml, */*;q=0.1":  "application/yaml",
		"application/json, */*": "application/json",
	} {
		t.Run(accept, func(t *testing.T) {
			exported := g.do(request{method: "GET", path: "/v1/config", header: http.Header{"Accept": {accept}}})
			exported.t = t
			exported.want(200)
			if got := exported.header.Get("Content-Type"); got != contentType {
				t.Errorf("Content-Type %q, want %q", got, contentType)
			}
			if isJSON := strings.HasPrefix(exported.body, "{"); isJSON != (contentType == "application/json") {
				t.Errorf("%s is sent as %.20s", contentType, exported.body)
			}
			var got applied
			decode(t, g.put("?prune=true", exported.body, contentType).want(200).body, &got)
			if len(got.Changes) != 0 || got.Version != 1 {
				t.Errorf("applying what was exported: %+v", got)
			}
		})
	}
}

func TestTheNameOfAFileMayBeALongPath(t *testing.T) {
	g := newGateway(t)
	name := strings.Repeat("deep/", 100) + "gateway.yaml"
	p := g.put("?file="+name, "version: 1\nresourcez: []\n", "application/yaml").wantProblem(422, dispatchapy.CodeInvalid)
	if len(p.Fields) != 1 || !strings.HasPrefix(p.Fields[0].Message, "gateway.yaml:2:") {
		t.Errorf("%+v does not name file and line", p)
	}
}

func TestApply(t *testing.T) {
	g := newGateway(t)
	file := "version: 1\nresources:\n  - {name: backup, url: \"http://127.0.0.1:9002/other\"}\nclients:\n  - {name: new, endpoints: [sms]}\n"

	var dry applied
	decode(t, g.put("?dry_run=true", file, "application/yaml").want(200).body, &dry)
	if !dry.DryRun || dry.Version != 1 || len(dry.Changes) != 2 || dry.Changes[1].Token != "" {
		t.Errorf("dry run: %+v", dry)
	}
	var got applied
	decode(t, g.put("", file, "text/yaml; charset=utf-8").want(200).body, &got)
	if got.DryRun || got.Version != 2 || len(got.Changes) != 2 {
		t.Fatalf("apply: %+v", got)
	}
	if c := got.Changes[0]; c.Kind != "resource" || c.Name != "backup" || c.Action != "update" || !cmp.Equal(c.Fields, []string{"url"}) {
		t.Errorf("first change: %+v", c)
	}
	token := got.Changes[1].Token
	if !strings.HasPrefix(token, "dpy_") {
		t.Fatalf("token of the new client: %q", token)
	}
	g.do(request{method: "GET", path: "/v1/tasks", token: token}).want(200)
	if body := g.get("/v1/config").body; strings.Contains(body, token) {
		t.Error("the token is shown a second time")
	}
}

func TestApplyFaults(t *testing.T) {
	g := newGateway(t)
	tests := []struct {
		name, query, body, contentType string
		status                         int
		code                           dispatchapy.Code
		contains                       string
	}{
		{"syntax", "?file=gateway.yaml", "version: 1\nresources: [", "application/yaml", 422, dispatchapy.CodeInvalid, "gateway.yaml:"},
		{"unknown key", "?file=conf/gateway.yaml", "version: 1\nresources:\n  - {name: a, uri: hush}\n", "application/yaml", 422, dispatchapy.CodeInvalid, "gateway.yaml:3:"},
		{"invalid", "", `{"version":1,"resources":[{"name":"a","url":"hush"}]}`, "application/json", 422, dispatchapy.CodeInvalid, `resources[0].url`},
		{"other type", "", "version=1", "application/x-www-form-urlencoded", 415, dispatchapy.CodeUnsupportedType, ""},
		{"unreadable type", "", "version: 1", "application/yaml; =", 415, dispatchapy.CodeUnsupportedType, ""},
		{"unknown option", "?purge=true", "version: 1", "application/yaml", 422, dispatchapy.CodeInvalid, "purge"},
		{"empty", "", "", "application/yaml", 400, dispatchapy.CodeInvalid, ""},
		{"too large", "", strings.Repeat(" ", 16<<20+1), "application/yaml", 413, dispatchapy.CodeTooLarge, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := g.put(tt.query, tt.body, tt.contentType)
			got.t = t
			got.wantProblem(tt.status, tt.code)
			if !strings.Contains(got.body, tt.contains) {
				t.Errorf("%s does not contain %q", got.body, tt.contains)
			}
		})
	}
	if v := g.table.Load().Config.Version; v != 1 {
		t.Errorf("the configuration is at version %d", v)
	}
}

func TestLargestFileIsAccepted(t *testing.T) {
	g := newGateway(t)
	file := `{"version":1}`
	g.put("", file+strings.Repeat(" ", 16<<20-len(file)), "application/json").want(200)
}
