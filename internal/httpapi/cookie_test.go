package httpapi_test

import (
	"net/http"
	"testing"

	"dispatchapy/internal/people"
)

// TestSessionCookie asks as a browser does.
func TestSessionCookie(t *testing.T) {
	g := staffed(t)
	in, err := g.people.SignIn(t.Context(), people.AdminName, adminPassword, people.From{Address: "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"name":"by-cookie","url":"http://x.example/"}`
	for name, tt := range map[string]struct {
		method, path, body, cookie, site string
		want                             int
	}{
		"reads":                      {http.MethodGet, "/v1/session", "", in.Token.Reveal(), "same-origin", 200},
		"changes":                    {http.MethodPost, "/v1/resources", body, in.Token.Reveal(), "same-origin", 201},
		"for another site":           {http.MethodPost, "/v1/resources", body, in.Token.Reveal(), "cross-site", 403},
		"for a sibling":              {http.MethodPost, "/v1/resources", body, in.Token.Reveal(), "same-site", 403},
		"with an ended session":      {http.MethodGet, "/v1/session", "", people.SessionPrefix + "ended", "same-origin", 401},
		"with an administrator's":    {http.MethodGet, "/v1/session", "", adminToken, "same-origin", 401},
		"with nothing in the cookie": {http.MethodGet, "/v1/session", "", "", "same-origin", 401},
	} {
		t.Run(name, func(t *testing.T) {
			header := http.Header{"Cookie": {people.SessionCookie + "=" + tt.cookie}, "Sec-Fetch-Site": {tt.site}}
			answer := g.do(request{method: tt.method, path: tt.path, body: tt.body, token: "-", header: header})
			answer.t = t
			answer.want(tt.want)
		})
	}
	// Whoever sends a token means that one.
	header := http.Header{"Cookie": {people.SessionCookie + "=" + in.Token.Reveal()}}
	g.do(request{method: http.MethodGet, path: "/v1/users", token: shopToken, header: header}).want(403)
}
