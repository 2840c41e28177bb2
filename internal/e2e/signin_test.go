package e2e_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"dispatchapy/internal/config"
)

// TestPeopleAcrossRestarts has sessions and an API token live through a
// restart, and end with what they were given for: a session of a client with
// its token, those of a user with the password.
func TestPeopleAcrossRestarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	with := func(password string) func(*config.Options) {
		return func(o *config.Options) { o.DataDir, o.AdminPassword = dir, password }
	}
	p := newProvider(t, works)
	g := start(t, fillOne(p), with("the first password"))
	admin := g.signIn(t, `{"name":"admin","password":"the first password"}`)
	shop := g.signIn(t, `{"token":"`+shopToken+`"}`)
	token := g.create(t, admin, "/v1/tokens", `{"name":"ci","role":"viewer"}`)
	know := func(wanted map[string]bool) {
		t.Helper()
		for secret, want := range wanted {
			if status, body := g.manageAs(t, secret, http.MethodGet, "/v1/session", ""); (status == http.StatusOK) != want {
				t.Errorf("%.8s: %d %s", secret, status, body)
			}
		}
	}
	know(map[string]bool{admin: true, shop: true, token: true})
	first := g.logs
	g.stop()

	g = start(t, fillOne(p), with("the first password"))
	know(map[string]bool{admin: true, shop: true, token: true})
	g.apply(t, "version: 1\nclients: [{name: shop, token: dpy_changed-token-0123456789, endpoints: [send_sms]}]\n")
	eventually(t, patience, "the session of the client's old token ends", func() (bool, any) {
		status, _ := g.manageAs(t, shop, http.MethodGet, "/v1/session", "")
		return status == http.StatusUnauthorized, status
	})
	know(map[string]bool{admin: true, token: true})
	second := g.logs
	g.stop()

	g = start(t, fillOne(p), with("the second password"))
	know(map[string]bool{admin: false, shop: false, token: true})
	again := g.signIn(t, `{"name":"admin","password":"the second password"}`)
	for _, logs := range []*logs{first, second, g.logs} {
		for _, secret := range []string{admin, shop, token, again, "the first password", "the second password"} {
			if strings.Contains(logs.String(), secret) {
				t.Errorf("%.8s... is in the log", secret)
			}
		}
	}
}

// signIn begins a session and gives its token.
func (g *gateway) signIn(t *testing.T, body string) string {
	t.Helper()
	return g.create(t, "", "/v1/session", body)
}

// create makes something that has a token and gives the token.
func (g *gateway) create(t *testing.T, as, path, body string) string {
	t.Helper()
	status, answer := g.manageAs(t, as, http.MethodPost, path, body)
	var made struct{ Token string }
	if err := json.Unmarshal(answer, &made); err != nil || status != http.StatusCreated || made.Token == "" {
		t.Fatalf("%s: %d %s", path, status, answer)
	}
	return made.Token
}
