package httpapi_test

import (
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"dispatchapy"
)

// The row of the matrix for the status page, which wants a token of its own.
func init() {
	maps.Copy(matrix, map[string]access{"get-status": {nobody: 401, shop: 401, bank: 401, admin: 200}})
	leastRole[dispatchapy.RoleViewer] = append(leastRole[dispatchapy.RoleViewer], "get-status")
}

const statusToken = "hush-status-token"

func (g *gateway) visit(path string, header ...string) *response {
	r := request{method: http.MethodGet, path: path, token: "-", header: http.Header{}}
	for i := 0; i+1 < len(header); i += 2 {
		r.header.Set(header[i], header[i+1])
	}
	return g.do(r)
}

func TestStatusPage(t *testing.T) {
	g := newGateway(t)
	g.visit("/v1/status").wantProblem(401, dispatchapy.CodeUnauthenticated)
	g.visit("/v1/status?token=hush-status-toke").wantProblem(401, dispatchapy.CodeUnauthenticated)
	got := g.visit("/v1/status?token=" + statusToken).want(200)
	got.wantDocumented(g.document(), http.MethodGet, "/v1/status")
	var page struct {
		Title, State string
		Endpoints    []struct {
			Path, Name, State string
			Uptime            *float64
			Days              []struct{ Date, State string }
		}
	}
	decode(t, got.body, &page)
	if page.Title != "Dispatchapy" || page.State != "operational" || len(page.Endpoints) != 1 || page.Endpoints[0].Uptime != nil || len(page.Endpoints[0].Days) != 90 {
		t.Errorf("%+v", page)
	}
	if last := page.Endpoints[0].Days[89]; last.Date != time.Now().UTC().Format("2006-01-02") || last.State != "unknown" {
		t.Errorf("today is %+v", last)
	}
	for _, hidden := range []string{"primary", "backup", "127.0.0.1", "mail", "hush"} {
		if strings.Contains(got.body, hidden) {
			t.Errorf("strangers are shown %q in %s", hidden, got.body)
		}
	}
	g.patchStatus(`{"public":true,"resources":true}`)
	if body := g.visit("/v1/status").want(200).body; !strings.Contains(body, `"resources":[{"name":"primary","state":"unknown"}`) {
		t.Error(body)
	}
	g.patchStatus(`{"enabled":false}`)
	for _, path := range []string{"/v1/status", "/v1/status?token=" + statusToken, "/status/badge/sms.svg"} {
		g.visit(path).wantProblem(404, dispatchapy.CodeNotFound)
	}
}

func (g *gateway) patchStatus(page string) {
	g.t.Helper()
	version := g.get("/v1/settings").header.Get("ETag")
	g.do(request{method: http.MethodPatch, path: "/v1/settings", header: http.Header{"If-Match": {version}}, body: `{"status_page":` + page + `}`}).want(200)
}

func TestBadges(t *testing.T) {
	g := newGateway(t)
	for _, path := range []string{"sms.svg", "mail.svg", "sms.svg?token=x"} {
		g.visit("/status/badge/"+path).wantProblem(401, dispatchapy.CodeUnauthenticated)
	}
	const with = ".svg?token=" + statusToken
	got := g.visit("/status/badge/sms" + with).want(200)
	if got.header.Get("Content-Type") != "image/svg+xml" || got.header.Get("Cache-Control") != "private, max-age=30" || !strings.Contains(got.body, `aria-label="Text &lt;messages&gt;: operational"`) {
		t.Errorf("%v %s", got.header, got.body)
	}
	wellFormed(t, got.body)
	g.visit("/status/badge/sms"+with, "If-None-Match", got.header.Get("ETag")).want(304)
	// Endpoints that are not on the page are none, whether there are any or not.
	for _, path := range []string{"mail" + with, "nope" + with, with, "sms?token=" + statusToken, "sms.png?token=" + statusToken, ""} {
		g.visit("/status/badge/"+path).wantProblem(404, dispatchapy.CodeNotFound)
	}
	g.patchStatus(`{"public":true}`)
	if got := g.visit("/status/badge/sms.svg").want(200); got.header.Get("Cache-Control") != "public, max-age=30" {
		t.Errorf("%v", got.header)
	}
	g.do(request{method: http.MethodPut, path: "/v1/config", body: `{"version":1,"endpoints":[{"path":"sms","active":false,"resources":["primary"]}]}`}).want(200)
	if got := g.visit("/status/badge/sms.svg", "If-None-Match", got.header.Get("ETag")).want(200); !strings.Contains(got.body, ">down<") {
		t.Error(got.body)
	}
}

func wellFormed(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
}
