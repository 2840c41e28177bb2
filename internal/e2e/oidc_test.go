package e2e_test

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/oauth2-proxy/mockoidc"
)

const adminPassword = "e2e admin password"

// claims are what the provider says of somebody, beside what it says of
// everybody. They implement mockoidc.User.
type claims map[string]any

func (c claims) ID() string { return c["sub"].(string) }

func (c claims) Userinfo([]string) ([]byte, error) { return json.Marshal(c) }

func (c claims) Claims(_ []string, usual *mockoidc.IDTokenClaims) (jwt.Claims, error) {
	text, err := json.Marshal(usual)
	if err != nil {
		return nil, err
	}
	all := jwt.MapClaims{}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	for name, value := range c {
		all[name] = value
	}
	return all, nil
}

// member is somebody in one group.
func member(name, group string) claims {
	return claims{"sub": "id-of-" + name, "email": name + "@example.org", "email_verified": true, "groups": []string{group}}
}

// idp is an OpenID Connect provider at a fixed address, which can be down.
type idp struct {
	*mockoidc.MockOIDC
	addr string
}

func newIDP(t *testing.T) *idp {
	t.Helper()
	provider, err := mockoidc.NewServer(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &idp{MockOIDC: provider, addr: freeAddr(t)}
	t.Cleanup(func() { p.goDown(t) })
	return p
}

// freeAddr gives an address at which nobody listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func (p *idp) goUp(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", p.addr)
	if err == nil {
		err = p.Start(listener, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (p *idp) goDown(t *testing.T) {
	t.Helper()
	if p.Server == nil {
		return
	}
	if err := p.Server.Close(); err != nil {
		t.Error(err)
	}
	p.Server = nil
}

// launchWithIDP runs the program with the options of sign in by the provider.
func launchWithIDP(t *testing.T, p *idp, file string) *process {
	t.Helper()
	addr := freeAddr(t)
	return launchIn(t, []string{"GATEWAY_ADMIN_PASSWORD=" + adminPassword, "DISPATCHAPY_OIDC_CLIENT_SECRET=" + p.ClientSecret}, t.TempDir(), file,
		"--addr", addr,
		"--oidc-issuer", "http://"+p.addr+mockoidc.IssuerBase,
		"--oidc-client-id", p.ClientID,
		"--oidc-redirect-url", "http://"+addr+"/login/oidc/callback",
		"--oidc-admin", "chiefs", "--oidc-operator", "desk,night", "--oidc-viewer", "staff")
}

// browser follows redirects and keeps cookies, and nothing else: no token.
type browser struct {
	*http.Client
	gateway string
}

func (g *gateway) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{&http.Client{Jar: jar, Transport: g.http.Transport, Timeout: g.http.Timeout}, g.url}
}

func (b *browser) do(t *testing.T, method, url, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := b.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// signIn goes by the provider, where it is who, to /v1/session.
func (b *browser) signIn(t *testing.T, p *idp, who claims) (status int, answer string) {
	t.Helper()
	p.QueueUser(who)
	return b.do(t, http.MethodGet, b.gateway+"/login/oidc?return=/v1/session", "")
}

// wants checks what a browser gets from the gateway.
func (b *browser) wants(t *testing.T, method, path, body string, status int, says string) {
	t.Helper()
	got, answer := b.do(t, method, b.gateway+path, body)
	if got != status || !strings.Contains(answer, says) {
		t.Errorf("%s %s: %d %s, want %d with %s", method, path, got, answer, status, says)
	}
}

// TestOpenIDConnect has people come in by a real provider, each with the role
// that a group stands for, and work with the cookie alone.
func TestOpenIDConnect(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	p.goUp(t)
	g := launchWithIDP(t, p, fillOne(newProvider(t, works)))
	g.awaitStatus(t, g.send(t, "send_sms", "seen-by-staff"), "success")

	for _, tt := range []struct {
		name, group, role string
		readAudit, act    int // what /v1/audit and stopping a task say
	}{
		{"ann", "chiefs", "admin", 200, 409},
		{"ben", "night", "operator", 403, 409},
		{"eve", "staff", "viewer", 403, 403},
	} {
		b := g.browser(t)
		b.wants(t, http.MethodGet, "/v1/session", "", 401, "unauthenticated")
		status, answer := b.signIn(t, p, member(tt.name, tt.group))
		if status != http.StatusOK || !strings.Contains(answer, `"role":"`+tt.role+`"`) || !strings.Contains(answer, `"name":"`+tt.name+`@example.org"`) {
			t.Fatalf("%s of %s comes in as %d %s", tt.name, tt.group, status, answer)
		}
		b.wants(t, http.MethodGet, "/v1/tasks", "", 200, "seen-by-staff")
		b.wants(t, http.MethodGet, "/v1/audit", "", tt.readAudit, "")
		b.wants(t, http.MethodPost, "/v1/tasks/1/stop", "", tt.act, "")

		b.wants(t, http.MethodDelete, "/v1/session", "", 204, "")
		b.wants(t, http.MethodGet, "/v1/tasks", "", 401, "the session has ended") // the cookie is still there
	}

	stranger := g.browser(t)
	status, answer := stranger.signIn(t, p, member("sam", "visitors"))
	if status != http.StatusForbidden || !strings.Contains(answer, "could not be signed in") {
		t.Errorf("somebody without a role: %d %s", status, answer)
	}
	stranger.wants(t, http.MethodGet, "/v1/session", "", 401, "")
	status, entries := g.manage(t, http.MethodGet, "/v1/audit", "")
	if status != http.StatusOK || !strings.Contains(string(entries), "ann@example.org") || !strings.Contains(string(entries), "refused") {
		t.Errorf("the audit log: %d %s", status, entries)
	}
	g.tellsNothing(t, p)
}

// tellsNothing looks for secrets of the sign in among the logs.
func (p *process) tellsNothing(t *testing.T, at *idp) {
	t.Helper()
	for _, secret := range []string{at.ClientSecret, "dpys_", "code=", adminPassword} {
		if strings.Contains(p.logs.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

// TestOpenIDConnectProviderIsDown: from the start, and while somebody is on the
// way back from it. Passwords work all the time.
func TestOpenIDConnectProviderIsDown(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	g := launchWithIDP(t, p, fillOne(newProvider(t, works)))
	b := g.browser(t)
	const notNow = "not possible at the moment"
	passwords := func() {
		t.Helper()
		g.create(t, "", "/v1/session", `{"name":"admin","password":"`+adminPassword+`"}`)
	}
	b.wants(t, http.MethodGet, "/login/oidc", "", 503, notNow)
	passwords()

	p.goUp(t)
	eventually(t, patience, "the provider is asked again", func() (bool, any) {
		status, answer := b.signIn(t, p, member("ann", "chiefs"))
		return status == http.StatusOK && strings.Contains(answer, "ann@example.org"), answer
	})

	// The browser gets its code, and the provider is gone before it is used.
	errBack := errors.New("back at the gateway")
	b = g.browser(t)
	var back string
	b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.Path, "/login/oidc/callback") {
			back = r.URL.String()
			return errBack
		}
		return nil
	}
	p.QueueUser(member("ann", "chiefs"))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+"/login/oidc", nil)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := b.Do(req); !errors.Is(err, errBack) {
		t.Fatalf("the browser was not sent back: %v, %v", res, err)
	}
	p.goDown(t)
	if status, answer := b.do(t, http.MethodGet, back, ""); status != http.StatusServiceUnavailable || !strings.Contains(answer, notNow) {
		t.Errorf("without the provider: %d %s", status, answer)
	}
	b.wants(t, http.MethodGet, "/v1/session", "", 401, "")
	passwords()
	g.tellsNothing(t, p)
}
