package httpapi_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// userPaths are the paths in the document that somebody gets.
func (g *gateway) userPaths(token string) []string {
	g.t.Helper()
	got := g.do(request{method: http.MethodGet, path: "/openapi-user.json", token: token}).want(200)
	if strings.Contains(got.body, "primary") {
		g.t.Errorf("a resource is named in the documentation for senders")
	}
	doc, err := openapi3.NewLoader().LoadFromData([]byte(got.body))
	if err != nil {
		g.t.Fatal(err)
	}
	if err := doc.Validate(g.t.Context()); err != nil {
		g.t.Error(err)
	}
	return slices.Sorted(maps.Keys(doc.Paths.Map()))
}

func TestUserDocumentIsScoped(t *testing.T) {
	g := newGateway(t)
	for token, want := range map[string][]string{
		adminToken: {"/api/mail", "/api/sms"}, shopToken: {"/api/sms"}, bankToken: {"/api/mail"},
	} {
		if got := g.userPaths(token); !slices.Equal(got, want) {
			t.Errorf("paths %q, want %q", got, want)
		}
	}
}

func TestSamplesAreForTheAddressAsked(t *testing.T) {
	g := newGateway(t)
	path := fmt.Sprintf("/v1/endpoints/%d/samples", g.endpointID("sms"))
	for name, tt := range map[string]struct {
		server string
		header http.Header
		want   string
	}{
		"plain":      {"", nil, "http://example.com/api/sms"},
		"by https":   {"https://example.com", nil, "https://example.com/api/sms"},
		"pretending": {"", http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"evil.example"}}, "http://example.com/api/sms"},
	} {
		var got struct {
			TokenVariable string `json:"token_variable"`
			Items         []struct{ Language, Label, Code string }
		}
		decode(t, g.do(request{method: http.MethodGet, path: tt.server + path, token: shopToken, header: tt.header}).want(200).body, &got)
		if len(got.Items) != 5 || got.TokenVariable != "DISPATCHAPY_TOKEN" {
			t.Errorf("%s: %d samples, token in %s", name, len(got.Items), got.TokenVariable)
		}
		for _, s := range got.Items {
			if !strings.Contains(s.Code, tt.want) || !strings.Contains(s.Code, got.TokenVariable) {
				t.Errorf("%s: the sample in %s does not call %s:\n%s", name, s.Label, tt.want, s.Code)
			}
		}
	}
}
