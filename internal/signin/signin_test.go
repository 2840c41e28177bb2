package signin

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/golang-jwt/jwt/v5"
	"github.com/oauth2-proxy/mockoidc"

	"dispatchapy"
	"dispatchapy/internal/people"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/sealer"
	"dispatchapy/internal/store"
	"dispatchapy/internal/store/sqlite"
)

var boss = dispatchapy.Principal{Name: "boss", Role: dispatchapy.RoleAdmin}

// person is a user of the provider whose ID token has these claims, beside or
// instead of its usual ones.
type person map[string]any

func (p person) ID() string { return "subject-1" }

func (p person) Userinfo([]string) ([]byte, error) { return json.Marshal(p) }

func (p person) Claims(_ []string, usual *mockoidc.IDTokenClaims) (jwt.Claims, error) {
	text, err := json.Marshal(usual)
	if err != nil {
		return nil, err
	}
	claims := jwt.MapClaims{}
	if err := json.Unmarshal(text, &claims); err != nil {
		return nil, err
	}
	for name, value := range p {
		claims[name] = value
	}
	return claims, nil
}

// site is a gateway's door, a provider, and a browser.
type site struct {
	t        *testing.T
	provider *mockoidc.MockOIDC
	people   *people.People
	store    *sqlite.Store
	door     *Door
	url      string
	browser  *http.Client
	logs     *bytes.Buffer
}

// newSite makes a site whose provider listens on the address once it runs.
func newSite(t *testing.T) (s *site, run func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	db, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "test.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	box, err := sealer.New(sealer.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	empty, err := routing.Compile(&dispatchapy.Config{Settings: dispatchapy.DefaultSettings()})
	if err != nil {
		t.Fatal(err)
	}
	s = &site{t: t, store: db, logs: &bytes.Buffer{}}
	s.people = people.New(people.Options{
		Store: db, Box: box, Snapshots: routing.NewTable(empty), Log: slog.New(slog.DiscardHandler),
		Cost: &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32},
	})
	if _, err := s.people.EnsureAdmin(t.Context(), "admin-password"); err != nil {
		t.Fatal(err)
	}
	if s.provider, err = mockoidc.NewServer(nil); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	s.url = "http://" + server.Listener.Addr().String()
	s.door = New(Options{
		Issuer: "http://" + address + mockoidc.IssuerBase, ClientID: s.provider.ClientID, ClientSecret: dispatchapy.Secret(s.provider.ClientSecret),
		RedirectURL: s.url + CallbackPath, RoleClaim: "groups",
		Roles:  map[dispatchapy.Role][]string{dispatchapy.RoleAdmin: {"chiefs"}, dispatchapy.RoleViewer: {"staff", "guests"}},
		People: s.people, Log: slog.New(slog.NewTextHandler(s.logs, nil)),
	})
	s.door.provider.retryIn = 0
	server.Config.Handler = s.door
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(s.door.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.browser = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s, func() {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.provider.Start(listener, nil); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.provider.Shutdown() })
	}
}

func started(t *testing.T) *site {
	s, run := newSite(t)
	run()
	return s
}

type reply struct {
	status int
	to     string // Location
	text   string
	header http.Header
}

func (s *site) get(address string) reply {
	s.t.Helper()
	res, err := s.browser.Get(address)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header.Get("Location"), string(text), res.Header}
}

// callback signs in at the provider and gives where it sends the browser. edit
// changes the address that the browser asks the provider for.
func (s *site) callback(who mockoidc.User, back string, edit func(url.Values)) string {
	s.t.Helper()
	asked := s.get(s.url + Path + "?return=" + url.QueryEscape(back))
	if asked.status != http.StatusFound {
		s.t.Fatalf("%s: %d %s", Path, asked.status, asked.text)
	}
	u, err := url.Parse(asked.to)
	if err != nil {
		s.t.Fatal(err)
	}
	q := u.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || len(q.Get("nonce")) < 20 || len(q.Get("state")) < 20 {
		s.t.Errorf("the provider is asked with %v", q)
	}
	if edit != nil {
		edit(q)
	}
	u.RawQuery = q.Encode()
	s.provider.QueueUser(who)
	answered := s.get(u.String())
	if answered.status != http.StatusFound {
		s.t.Fatalf("the provider: %d %s", answered.status, answered.text)
	}
	return answered.to
}

// session gives the session cookie that the answer sets.
func (r *reply) session() string {
	for _, c := range (&http.Response{Header: r.header}).Cookies() {
		if c.Name == people.SessionCookie {
			return c.Value
		}
	}
	return ""
}

func (s *site) wantRefused(r reply, logged string) {
	s.t.Helper()
	if r.status != http.StatusForbidden || r.session() != "" || !strings.Contains(r.text, "could not be signed in") {
		s.t.Errorf("the answer is %d %q", r.status, r.text)
	}
	if !strings.Contains(s.logs.String(), logged) {
		s.t.Errorf("the log does not say %q: %s", logged, s.logs)
	}
	entries, err := s.store.ListAudit(s.t.Context(), store.AuditQuery{Limit: 1})
	if err != nil {
		s.t.Fatal(err)
	}
	if len(entries) == 0 || !strings.Contains(entries[0].Action, "refused") {
		s.t.Errorf("the audit log has %+v", entries)
	}
}

func TestSignIn(t *testing.T) {
	s := started(t)
	ann := person{"email": "Ann@example.org", "email_verified": true, "groups": []string{"x", "chiefs", "staff"}}
	r := s.get(s.callback(ann, "/tasks?a=1", nil))
	if r.status != http.StatusFound || r.to != "/tasks?a=1" {
		t.Fatalf("%d to %q: %s; %s", r.status, r.to, r.text, s.logs)
	}
	set := r.header.Values("Set-Cookie")
	if i := slices.IndexFunc(set, func(c string) bool { return strings.HasPrefix(c, people.SessionCookie+"=") }); i < 0 ||
		!strings.Contains(set[i], "HttpOnly") || !strings.Contains(set[i], "SameSite=Lax") || !strings.Contains(set[i], "Path=/;") {
		t.Errorf("the cookies are %q", set)
	}
	who, err := s.people.Authenticate(t.Context(), dispatchapy.Secret(r.session()))
	if err != nil || who.Name != "Ann@example.org" || who.Role != dispatchapy.RoleAdmin {
		t.Errorf("%+v, %v", who, err)
	}

	// The role follows the provider, and without one nobody stays in.
	r = s.get(s.callback(person{"groups": "guests"}, "/", nil))
	if who, err = s.people.Authenticate(t.Context(), dispatchapy.Secret(r.session())); err != nil || who.Role != dispatchapy.RoleViewer {
		t.Errorf("%+v, %v; %s", who, err, s.logs)
	}
	s.wantRefused(s.get(s.callback(person{"groups": "others"}, "/", nil)), "no role here")
	if _, err := s.people.Authenticate(t.Context(), dispatchapy.Secret(r.session())); err == nil {
		t.Error("the sessions from before go on")
	}
}

func TestRefused(t *testing.T) {
	staff := person{"groups": []string{"staff"}}
	with := func(name string, value any) person { return person{"groups": []string{"staff"}, name: value} }
	for name, tt := range map[string]struct {
		who    person
		asked  func(url.Values) // of the provider
		answer func(url.Values)
		logged string
	}{
		"wrong state":       {who: staff, answer: func(q url.Values) { q.Set("state", "another") }, logged: "the state is not"},
		"no state":          {who: staff, answer: func(q url.Values) { q.Del("state") }, logged: "the state is not"},
		"wrong code":        {who: staff, answer: func(q url.Values) { q.Set("code", "another") }, logged: "refuses the code"},
		"provider's error":  {who: staff, answer: func(q url.Values) { q.Set("error", "access_denied") }, logged: "access_denied"},
		"wrong nonce":       {who: staff, asked: func(q url.Values) { q.Set("nonce", "another") }, logged: "another nonce"},
		"wrong challenge":   {who: staff, asked: func(q url.Values) { q.Set("code_challenge", "another") }, logged: "refuses the code"},
		"expired":           {who: with("exp", time.Now().Add(-time.Minute).Unix()), logged: "expired"},
		"wrong audience":    {who: with("aud", "another"), logged: "audience"},
		"for another party": {who: with("aud", []string{"another", "self"}), logged: "was made for"},
		"wrong issuer":      {who: with("iss", "https://other.example"), logged: "issued by a different provider"},
		"unknown role":      {who: person{"groups": []string{"others"}}, logged: "no role here"},
		"no role":           {who: person{}, logged: "no role here"},
		"unverified email":  {who: person{"email": "bob@example.org"}, logged: "no role here"},
		"the name admin":    {who: person{"sub": "admin"}, logged: "no role here"},
		"deactivated":       {who: person{"email": "off@example.org", "email_verified": true, "groups": "chiefs"}, logged: "no role here"},
	} {
		t.Run(name, func(t *testing.T) {
			s := started(t)
			s.create("bob@example.org", true)
			s.create("off@example.org", false)
			if aud, ok := tt.who["aud"].([]string); ok {
				tt.who["aud"] = []string{aud[0], s.provider.ClientID}
			}
			u, err := url.Parse(s.callback(tt.who, "/", tt.asked))
			if err != nil {
				t.Fatal(err)
			}
			if tt.answer != nil {
				q := u.Query()
				tt.answer(q)
				u.RawQuery = q.Encode()
			}
			s.wantRefused(s.get(u.String()), tt.logged)
		})
	}
}

// create makes a user whom an administrator created.
func (s *site) create(name string, active bool) {
	s.t.Helper()
	u, err := s.people.CreateUser(s.t.Context(), boss, people.NewUser{Name: name, Password: "some password", Role: dispatchapy.RoleOperator})
	if err == nil {
		_, err = s.people.EditUser(s.t.Context(), boss, u.ID, &u.Version, people.UserEdit{Active: &active})
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestKnownUserKeepsTheirRole(t *testing.T) {
	s := started(t)
	s.create("bob@example.org", true)
	for _, groups := range []string{"", "chiefs"} {
		r := s.get(s.callback(person{"email": "bob@example.org", "email_verified": true, "groups": groups}, "/", nil))
		who, err := s.people.Authenticate(t.Context(), dispatchapy.Secret(r.session()))
		if err != nil || who.Name != "bob@example.org" || who.Role != dispatchapy.RoleOperator {
			t.Errorf("with %q: %+v, %v; %s", groups, who, err, s.logs)
		}
	}
}

func TestReplayedAnswer(t *testing.T) {
	s := started(t)
	answer := s.callback(person{"groups": "staff"}, "/", nil)
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	kept := s.browser.Jar.Cookies(u)
	if r := s.get(answer); r.session() == "" {
		t.Fatal(r, s.logs)
	}
	s.wantRefused(s.get(answer), "began no sign in")
	s.browser.Jar.SetCookies(u, kept) // by somebody who stole them
	s.wantRefused(s.get(answer), "was used before")
}

func TestProviderIsDownAtFirst(t *testing.T) {
	s, run := newSite(t)
	if r := s.get(s.url + Path); r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
		t.Fatalf("without a provider: %d %s", r.status, r.text)
	}
	run()
	if r := s.get(s.callback(person{"groups": "staff"}, "/", nil)); r.session() == "" {
		t.Errorf("%d %s; %s", r.status, r.text, s.logs)
	}
}

func TestLocalPath(t *testing.T) {
	for path, want := range map[string]string{
		"": "/", "/": "/", "/tasks?x=1#y": "/tasks?x=1#y", "tasks": "/", "//evil.example": "/", `/\evil.example`: "/",
		"https://evil.example": "/", "/\t/evil.example": "/", "/a/..//evil.example": "/", "/" + strings.Repeat("a", maxReturn): "/",
	} {
		if got := localPath(path); got != want {
			t.Errorf("%q leads to %q, want %q", path, got, want)
		}
	}
}

func TestClaimValues(t *testing.T) {
	claims := map[string]any{
		"one": "a", "many": []any{"a", 1, "b"}, "realm": map[string]any{"roles": []any{"c"}}, "x.y": "d", "number": 5,
	}
	for name, want := range map[string]string{"one": "a", "many": "a b", "realm.roles": "c", "x.y": "d", "number": "", "none": "", "none.none": ""} {
		if got := strings.Join(claimValues(claims, name), " "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestHTTPS looks at the cookies where people come by https.
func TestHTTPS(t *testing.T) {
	d := New(Options{RedirectURL: "https://gateway.example" + CallbackPath, Log: slog.New(slog.DiscardHandler)})
	w := httptest.NewRecorder()
	d.setFlow(w, newFlow("/"))
	if c := w.Header().Get("Set-Cookie"); !strings.HasPrefix(c, "__Host-") || !strings.Contains(c, "; Secure") || !strings.Contains(c, "; HttpOnly") {
		t.Errorf("the cookie is %q", c)
	}
}
