package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"dispatchapy/internal/webui"
)

// access is what a page answers to whom. Pages that are asked for with an id
// get one of an object that belongs to the client shop.
type access struct {
	nobody, shop, bank, viewer, operator, admin int

	form url.Values                              // what is posted
	path func(g *gateway, pattern string) string // gives the page's path; nil: the pattern without {$}

	stream bool // it does not end
}

// matrix has a row for every page. Rows of a page stand beside its other tests,
// in an init function.
var matrix = map[string]access{
	"GET /login":        {nobody: 200, shop: 303, bank: 303, viewer: 303, operator: 303, admin: 303},
	"POST /login":       {nobody: 401, shop: 401, bank: 401, viewer: 401, operator: 401, admin: 401, form: url.Values{"name": {"x"}, "password": {"y"}}},
	"POST /logout":      {nobody: 303, shop: 303, bank: 303, viewer: 303, operator: 303, admin: 303},
	"GET /{$}":          {nobody: 303, shop: 200, bank: 200, viewer: 200, operator: 200, admin: 200},
	"GET /palette":      {nobody: 303, shop: 200, bank: 200, viewer: 200, operator: 200, admin: 200},
	"POST /preferences": {nobody: 303, shop: 303, bank: 303, viewer: 303, operator: 303, admin: 303, form: url.Values{"theme": {"dark"}}},
}

// TestEveryPageIsForWhomItShould asks for every page as everybody. What an
// administrator's request changes may change what others find: so each asks of
// a gateway of its own.
func TestEveryPageIsForWhomItShould(t *testing.T) {
	routes := webui.Routes()
	for pattern := range matrix {
		if !contains(routes, pattern) {
			t.Errorf("the matrix has a row for %s, which is no page", pattern)
		}
	}
	roles := []struct {
		name string
		open func(g *gateway) *browser
		want func(a access) int
	}{
		{"nobody", (*gateway).browser, func(a access) int { return a.nobody }},
		{"shop", func(g *gateway) *browser { return g.client(shopToken) }, func(a access) int { return a.shop }},
		{"bank", func(g *gateway) *browser { return g.client(bankToken) }, func(a access) int { return a.bank }},
		{"viewer", func(g *gateway) *browser { return g.user("viewer") }, func(a access) int { return a.viewer }},
		{"operator", func(g *gateway) *browser { return g.user("operator") }, func(a access) int { return a.operator }},
		{"admin", (*gateway).admin, func(a access) int { return a.admin }},
	}
	for _, role := range roles {
		t.Run(role.name, func(t *testing.T) {
			g := start(t)
			b := role.open(g)
			for _, pattern := range routes {
				row, known := matrix[pattern]
				if !known {
					t.Errorf("the matrix has no row for %s", pattern)
					continue
				}
				got := b.ask(pattern, row)
				if got.signsOut() {
					b = role.open(g)
				}
				if got.status != role.want(row) {
					t.Errorf("%s: %d, want %d: %.300s", pattern, got.status, role.want(row), got.body)
				}
				got.wantGuarded(pattern)
			}
		})
	}
}

// signsOut reports whether the answer takes the session from the browser.
func (a *answer) signsOut() bool {
	for _, c := range a.header["Set-Cookie"] {
		if strings.HasPrefix(c, "dispatchapy_session=;") {
			return true
		}
	}
	return false
}

func contains(list []string, wanted string) bool {
	for _, s := range list {
		if s == wanted {
			return true
		}
	}
	return false
}

func (b *browser) ask(pattern string, row access) *answer {
	b.g.t.Helper()
	method, path, _ := strings.Cut(pattern, " ")
	path = strings.ReplaceAll(path, "{$}", "")
	if row.path != nil {
		path = row.path(b.g, pattern)
	}
	switch {
	case method == http.MethodPost:
		return b.post(path, row.form)
	case row.stream:
		return b.glance(path)
	}
	return b.get(path)
}

// glance asks for a page and reads nothing of it.
func (b *browser) glance(path string) *answer {
	b.g.t.Helper()
	req, err := http.NewRequestWithContext(b.g.t.Context(), http.MethodGet, b.g.url+path, nil)
	if err != nil {
		b.g.t.Fatal(err)
	}
	res, err := b.http.Do(req)
	if err != nil {
		b.g.t.Fatal(err)
	}
	defer res.Body.Close()
	return &answer{t: b.g.t, status: res.StatusCode, header: res.Header}
}

// wantGuarded checks the headers that every answer has.
func (a *answer) wantGuarded(what string) {
	a.t.Helper()
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
	} {
		if got := a.header.Get(name); got != want {
			a.t.Errorf("%s: %s is %q", what, name, got)
		}
	}
	policy := a.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'; script-src 'self'; style-src 'self';") || strings.Contains(policy, "unsafe") {
		a.t.Errorf("%s: policy %q", what, policy)
	}
	for _, c := range a.header["Set-Cookie"] {
		if strings.Contains(c, "session") && (!strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax")) {
			a.t.Errorf("%s: cookie %s", what, c)
		}
	}
}

// TestFormsOfOtherPagesAreRefused posts without the token of the session, and
// as a page of another site would.
func TestFormsOfOtherPagesAreRefused(t *testing.T) {
	g := start(t)
	b := g.admin()
	b.post("/logout", url.Values{"csrf": {"guessed"}}).want(http.StatusForbidden)
	foreign := http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"http://evil.example"}}
	b.do(http.MethodPost, "/login", "application/x-www-form-urlencoded", "name=admin&password="+url.QueryEscape(password), foreign).want(http.StatusForbidden)
	b.get("/").want(http.StatusOK)
}

func TestOldAddressesLeadToTheirPages(t *testing.T) {
	b := start(t).admin()
	for from, to := range map[string]string{
		"/task/7": "/tasks/7", "/resources/3/history": "/resources/3", "/endpoints/edit/2": "/endpoints/2", "/docs": "/documentation",
		"/client/login": "/login?as=client", "/client/dashboard": "/",
	} {
		if got := b.get(from).want(http.StatusMovedPermanently); got.header.Get("Location") != to {
			t.Errorf("%s leads to %s", from, got.header.Get("Location"))
		}
	}
	b.get("/task/x").want(http.StatusNotFound)
}
