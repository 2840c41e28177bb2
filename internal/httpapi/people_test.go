package httpapi_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"dispatchapy"
)

// person is a user or token as a client reads it.
type person struct {
	ID, Version    int64
	Name, Role     string
	Active         bool
	Token          string
	ExpiresAt      *string `json:"expires_at"`
	LastUse        *string `json:"last_used_at"`
	CreatedBy      string  `json:"created_by"`
	UserID         *int64  `json:"user_id"`
	ClientID       *int64  `json:"client_id"`
	Address, Agent string
	Current        bool
}

func (r *response) person(status int) (p person) {
	r.t.Helper()
	decode(r.t, r.want(status).body, &p)
	return p
}

func (g *gateway) posted(path, token, body string) *response {
	g.t.Helper()
	return g.do(request{method: http.MethodPost, path: path, token: token, body: body})
}

func ifMatch(version int64) http.Header {
	return http.Header{"If-Match": {fmt.Sprintf(`"%d"`, version)}}
}

func basic(name, password string) http.Header {
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))}}
}

func TestUserFromBeginningToEnd(t *testing.T) {
	g := staffed(t)
	made := g.posted("/v1/users", "", `{"name":"ann","role":"operator","password":"first password"}`)
	ann := made.person(201)
	path := fmt.Sprintf("/v1/users/%d", ann.ID)
	if got := made.header.Get("Location"); got != path || made.header.Get("ETag") != fmt.Sprintf(`"%d"`, ann.Version) {
		t.Errorf("Location %q, ETag %q", got, made.header.Get("ETag"))
	}
	if strings.Contains(made.body, "argon2") || strings.Contains(made.body, "first password") {
		t.Errorf("a secret is shown: %s", made.body)
	}

	// What was got may be sent back, and changes nothing.
	got := g.get(path).want(200).body
	if same := g.do(request{method: "PUT", path: path, body: got}).person(200); same.Version != ann.Version {
		t.Errorf("sending it back made version %d of %d", same.Version, ann.Version)
	}
	g.do(request{method: "PATCH", path: path, body: `{"active":false}`, header: ifMatch(ann.Version)}).want(200)
	g.do(request{method: "PATCH", path: path, body: `{"active":true}`, header: ifMatch(g.get(path).person(200).Version)}).want(200)
	stale := g.do(request{method: "PUT", path: path, body: strings.Replace(got, "operator", "admin", 1)}).wantConflict(409)
	if stale.Current.Role != "operator" || stale.Yours.Role != "admin" || stale.Version != stale.Current.Version {
		t.Errorf("%+v", stale)
	}
	g.do(request{method: "PUT", path: path, body: `{"name":"ann","role":"admin","active":true}`}).wantProblem(428, dispatchapy.CodePrecondition)

	edit := request{method: "PATCH", path: path, body: `{"role":"viewer"}`, header: ifMatch(stale.Version)}
	edit.header.Set("Content-Type", "application/merge-patch+json")
	viewer := g.do(edit).person(200)
	if viewer.Role != "viewer" || viewer.Name != "ann" || !viewer.Active {
		t.Errorf("%+v", viewer)
	}
	var list struct{ Items []person }
	decode(t, g.get("/v1/users?q=AN").want(200).body, &list)
	if len(list.Items) != 1 || list.Items[0].Name != "ann" {
		t.Errorf("%+v", list)
	}

	g.do(request{method: "DELETE", path: path}).wantProblem(428, dispatchapy.CodePrecondition)
	g.do(request{method: "DELETE", path: path, header: ifMatch(viewer.Version)}).want(204)
	g.get(path).wantProblem(404, dispatchapy.CodeNotFound)
}

// conflict is a problem that shows both sides.
type conflict struct {
	Version        int64
	Current, Yours person
}

func (r *response) wantConflict(status int) (c conflict) {
	r.t.Helper()
	decode(r.t, r.want(status).body, &c)
	return c
}

func TestPeopleFaults(t *testing.T) {
	g := staffed(t)
	for _, tt := range []struct {
		path, body, field string
		status            int
	}{
		{"/v1/users", `{"name":"a b","role":"viewer","password":"long enough"}`, "name", 422},
		{"/v1/users", `{"name":"ann","role":"client","password":"long enough"}`, "role", 422},
		{"/v1/users", `{"name":"ann","role":"viewer","password":"hush"}`, "password", 422},
		{"/v1/users", `{"name":"ann","role":"viewer","password":"long enough","hash":"x"}`, "hash", 422},
		{"/v1/users", `{"name":"Admin","role":"viewer","password":"long enough"}`, "", 409},
		{"/v1/tokens", `{"name":"viewer","role":"viewer"}`, "", 409},
		{"/v1/tokens", `{"name":"","role":"viewer"}`, "name", 422},
		{"/v1/tokens", `{"name":"ci","role":"viewer","expires_at":"2001-01-01T00:00:00Z"}`, "expires_at", 422},
		{"/v1/tokens", `{"name":"ci","role":"viewer","expires_at":"tomorrow"}`, "expires_at", 422},
		{"/v1/session", `{}`, "name", 422},
		{"/v1/session", `{"token":"a","name":"b","password":"hush"}`, "token", 422},
		{"/v1/session", `{"name":"admin","password":"hush"}`, "", 401},
		{"/v1/session", `{"token":"hush"}`, "", 401},
	} {
		got := g.posted(tt.path, "", tt.body)
		var p problem
		decode(t, got.body, &p)
		if got.status != tt.status || tt.field != "" && (len(p.Fields) != 1 || p.Fields[0].Path != tt.field) {
			t.Errorf("%s %s: %d %s", tt.path, tt.body, got.status, got.body)
		}
		if strings.Contains(got.body, "hush") {
			t.Errorf("a secret is echoed: %s", got.body)
		}
	}
}

func TestTheLastAdministratorStays(t *testing.T) {
	g := staffed(t)
	var list struct{ Items []person }
	decode(t, g.get("/v1/users").want(200).body, &list)
	admin := list.Items[0]
	path := fmt.Sprintf("/v1/users/%d", admin.ID)
	for _, r := range []request{
		{method: "DELETE", path: path},
		{method: "PATCH", path: path, body: `{"active":false}`},
		{method: "PATCH", path: path, body: `{"role":"viewer"}`},
	} {
		r.header = ifMatch(admin.Version)
		g.do(r).wantProblem(409, dispatchapy.CodeConflict)
	}
}

func TestTokenFromBeginningToEnd(t *testing.T) {
	g := staffed(t)
	expires := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	made := g.posted("/v1/tokens", "", fmt.Sprintf(`{"name":"ci","role":"viewer","expires_at":%q}`, expires)).person(201)
	path := fmt.Sprintf("/v1/tokens/%d", made.ID)
	if !strings.HasPrefix(made.Token, "dpya_") || made.CreatedBy != "admin" || made.LastUse != nil {
		t.Errorf("%+v", made)
	}
	who := g.do(request{method: "GET", path: "/v1/session", token: made.Token}).person(200)
	if who.Name != "token ci" || who.Role != "viewer" || who.UserID != nil {
		t.Errorf("%+v", who)
	}
	got := g.get(path).want(200)
	if strings.Contains(got.body, made.Token) {
		t.Error("the token is shown again")
	}
	if seen := got.person(200); seen.LastUse == nil || seen.ExpiresAt == nil {
		t.Errorf("%+v", seen)
	}
	g.do(request{method: "PUT", path: path, body: got.body}).want(200)
	version := g.get(path).person(200).Version
	never := g.do(request{method: "PATCH", path: path, body: fmt.Sprintf(`{"version":%d,"expires_at":null}`, version)}).person(200)
	if never.ExpiresAt != nil || never.Name != "ci" {
		t.Errorf("%+v", never)
	}
	g.do(request{method: "PATCH", path: path, body: `{"expires_at":"2001-01-01T00:00:00Z"}`, header: ifMatch(never.Version)}).want(200)
	g.do(request{method: "GET", path: "/v1/session", token: made.Token}).wantProblem(401, dispatchapy.CodeUnauthenticated)
	g.do(request{method: "DELETE", path: path, header: ifMatch(g.get(path).person(200).Version)}).want(204)
}

func TestSession(t *testing.T) {
	g := staffed(t)
	signIn := func(body string) string { return g.posted("/v1/session", "-", body).person(201).Token }
	admin := signIn(`{"name":"admin","password":"admin-password"}`)
	shop := signIn(`{"token":"shop-token-1234"}`)
	g.do(request{method: "GET", path: "/v1/settings", token: admin}).want(200)
	g.do(request{method: "GET", path: "/v1/settings", token: shop}).wantProblem(403, dispatchapy.CodeForbidden)
	g.do(request{method: "GET", path: "/v1/tasks", token: shop}).want(200)
	if who := g.do(request{method: "GET", path: "/v1/session", token: shop}).person(200); who.Name != "shop" || who.ClientID == nil {
		t.Errorf("%+v", who)
	}

	// Everybody sees their own.
	var list struct{ Items []person }
	decode(t, g.do(request{method: "GET", path: "/v1/sessions", token: shop}).want(200).body, &list)
	if len(list.Items) != 1 || !list.Items[0].Current || list.Items[0].Name != "shop" || list.Items[0].Address == "" {
		t.Errorf("%+v", list)
	}
	decode(t, g.do(request{method: "GET", path: "/v1/sessions", token: admin}).want(200).body, &list)
	if len(list.Items) != 2 {
		t.Errorf("%+v", list)
	}

	second := signIn(`{"name":"admin","password":"admin-password"}`)
	g.do(request{method: "DELETE", path: "/v1/sessions", token: second}).want(200)
	g.do(request{method: "GET", path: "/v1/session", token: admin}).wantProblem(401, dispatchapy.CodeUnauthenticated)
	g.do(request{method: "GET", path: "/v1/session", token: second}).want(200)
	g.do(request{method: "DELETE", path: "/v1/session", token: second}).want(204)
	g.do(request{method: "GET", path: "/v1/session", token: second}).wantProblem(401, dispatchapy.CodeUnauthenticated)
	g.do(request{method: "GET", path: "/v1/session", token: shop}).want(200)
}

func TestOwnPassword(t *testing.T) {
	g := staffed(t)
	g.posted("/v1/users", "", `{"name":"ann","role":"viewer","password":"first password"}`).want(201)
	token := g.posted("/v1/session", "-", `{"name":"ann","password":"first password"}`).person(201).Token
	change := request{method: "PUT", path: "/v1/session/password", token: token, body: `{"password":"wrong one","new_password":"second password"}`}
	if p := g.do(change).wantProblem(422, dispatchapy.CodeInvalid); p.Fields[0].Path != "password" {
		t.Errorf("%+v", p)
	}
	change.body = `{"password":"first password","new_password":"second password"}`
	g.do(change).want(204)
	g.do(request{method: "GET", path: "/v1/session", token: token}).want(200)
	g.do(request{method: "GET", path: "/v1/session", token: "-", header: basic("ann", "second password")}).want(200)
	g.do(request{method: "GET", path: "/v1/session", token: "-", header: basic("ann", "first password")}).wantProblem(401, dispatchapy.CodeUnauthenticated)
}

func TestGuessersAreToldWhenToComeAgain(t *testing.T) {
	g := staffed(t)
	sign := func() *response { return g.posted("/v1/session", "-", `{"name":"admin","password":"guessed wrong"}`) }
	for range 5 {
		sign().wantProblem(401, dispatchapy.CodeUnauthenticated)
	}
	got := sign()
	got.wantProblem(429, dispatchapy.CodeLimited)
	if after := got.header.Get("Retry-After"); after != "1" {
		t.Errorf("Retry-After %q", after)
	}
}
