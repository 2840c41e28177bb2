package webui_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"dispatchapy/internal/app"
	"dispatchapy/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	adminToken = "pages-admin-token-0123456789"
	password   = "correct horse battery"
	shopToken  = "dpy_pages-shop-token-0123456789"
	bankToken  = "dpy_pages-bank-token-0123456789"
)

// gatewayFile is what the tests start with: two clients that share nothing.
const gatewayFile = `
version: 1
resources:
  - {name: primary, url: "$sink/primary", headers: {X-Key: hush-header}, required_params: [to, text]}
  - {name: backup, url: "$sink/backup"}
endpoints:
  - path: sms
    required_params: [phone]
    resources: [primary, backup]
    mapping: {primary: {to: {from: phone}, text: {from: message}}}
  - {path: mail, resources: [backup]}
clients:
  - {name: shop, token: dpy_pages-shop-token-0123456789, endpoints: [sms]}
  - {name: bank, token: dpy_pages-bank-token-0123456789, endpoints: [mail]}
`

// gateway is a whole gateway in this process.
type gateway struct {
	t    *testing.T
	url  string
	logs *bytes.Buffer
	sink *httptest.Server
	made int    // objects that tests were given
	stop func() // may be called early

	says     atomic.Value // string that the sink answers with
	mu       sync.Mutex
	received []delivered // by the sink
	arrived  chan struct{}
}

// delivered is a request as a provider got it.
type delivered struct {
	method, path, body string
	header             http.Header
}

// ServeHTTP plays every provider.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.received = append(g.received, delivered{r.Method, r.URL.RequestURI(), string(body), r.Header.Clone()})
	_, _ = io.WriteString(w, g.says.Load().(string))
	select {
	case g.arrived <- struct{}{}:
	default: // nobody waits
	}
}

// got gives what the providers got so far.
func (g *gateway) got() []delivered {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.received)
}

func start(t *testing.T) *gateway {
	t.Helper()
	return startWith(t, gatewayFile)
}

// startWith starts a gateway with a file, in which $sink is where the providers
// are; none if it is "". Tests with a gateway run beside each other: each has
// its own, and they often wait for it.
func startWith(t *testing.T, file string) *gateway {
	t.Helper()
	t.Parallel()
	g := &gateway{t: t, logs: &bytes.Buffer{}, arrived: make(chan struct{}, 100)}
	g.says.Store(`{"ok":true}`)
	g.sink = httptest.NewServer(g)
	t.Cleanup(g.sink.Close)
	options := config.Options{Addr: "127.0.0.1:0", DataDir: t.TempDir(), AdminToken: adminToken, AdminPassword: password, Grace: 2 * time.Second}
	a, err := app.New(t.Context(), options, "test", slog.New(slog.NewJSONHandler(g.logs, nil)))
	if err != nil {
		t.Fatal(err)
	}
	g.stop = sync.OnceFunc(a.Stop)
	t.Cleanup(g.stop)
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	g.url = "http://" + a.Addr()
	if file != "" {
		g.manage(http.MethodPut, "/v1/config", strings.ReplaceAll(file, "$sink", g.sink.URL), http.StatusOK)
	}
	return g
}

// manage makes a request to the management API as the administrator.
func (g *gateway) manage(method, path, body string, want int) string {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, g.url+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	req.Header.Set("Content-Type", "application/json")
	if path == "/v1/config" {
		req.Header.Set("Content-Type", "application/yaml")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer res.Body.Close()
	answer, _ := io.ReadAll(res.Body)
	if res.StatusCode != want {
		g.t.Fatalf("%s %s: %d, want %d: %s", method, path, res.StatusCode, want, answer)
	}
	return string(answer)
}

// post sends a message as a client and gives the number of its task.
func (g *gateway) post(token, endpoint, body string) int64 {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, g.url+"/api/"+endpoint, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("X-API-Token", token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer res.Body.Close()
	answer, _ := io.ReadAll(res.Body)
	var id int64
	if n, _ := fmt.Sscanf(string(answer[bytes.Index(answer, []byte(`"task_id":`))+1:]), `task_id":%d`, &id); n != 1 {
		g.t.Fatalf("POST /api/%s: %d %s", endpoint, res.StatusCode, answer)
	}
	return id
}

// browser is somebody with a browser without scripts.
type browser struct {
	g    *gateway
	http *http.Client
}

// browser makes one in which nobody has signed in.
func (g *gateway) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		g.t.Fatal(err)
	}
	transport := &http.Transport{}
	g.t.Cleanup(transport.CloseIdleConnections)
	return &browser{g: g, http: &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// admin is a browser in which the administrator has signed in.
func (g *gateway) admin() *browser {
	return g.signedIn(url.Values{"name": {"admin"}, "password": {password}})
}

// client is a browser in which a client has signed in.
func (g *gateway) client(token string) *browser {
	return g.signedIn(url.Values{"as": {"client"}, "token": {token}})
}

// user is a browser of a new user with a role.
func (g *gateway) user(role string) *browser {
	g.t.Helper()
	g.made++
	name := fmt.Sprintf("%s-%d", role, g.made)
	g.manage(http.MethodPost, "/v1/users", fmt.Sprintf(`{"name":%q,"password":%q,"role":%q}`, name, password, role), http.StatusCreated)
	return g.signedIn(url.Values{"name": {name}, "password": {password}})
}

func (g *gateway) signedIn(form url.Values) *browser {
	g.t.Helper()
	b := g.browser()
	if got := b.post("/login", form); got.status != http.StatusSeeOther {
		g.t.Fatalf("signing in: %d %s", got.status, got.body)
	}
	return b
}

// answer is a page, or what came instead.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

func (b *browser) do(method, path, contentType, body string, header http.Header) *answer {
	b.g.t.Helper()
	req, err := http.NewRequestWithContext(b.g.t.Context(), method, b.g.url+path, strings.NewReader(body))
	if err != nil {
		b.g.t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := b.http.Do(req)
	if err != nil {
		b.g.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.g.t.Fatal(err)
	}
	if res.StatusCode == http.StatusInternalServerError {
		b.g.t.Logf("%s %s: the gateway's log: %s", method, path, b.g.logs)
	}
	return &answer{t: b.g.t, status: res.StatusCode, header: res.Header, body: string(text)}
}

func (b *browser) get(path string) *answer {
	b.g.t.Helper()
	return b.do(http.MethodGet, path, "", "", nil)
}

// post sends a form, with the token that the pages of this session have.
func (b *browser) post(path string, form url.Values) *answer {
	b.g.t.Helper()
	sent := url.Values{}
	for name, values := range form {
		sent[name] = values
	}
	if !sent.Has("csrf") {
		sent.Set("csrf", b.csrf())
	}
	return b.do(http.MethodPost, path, "application/x-www-form-urlencoded", sent.Encode(), nil)
}

var csrfMeta = regexp.MustCompile(`<meta name="csrf" content="([^"]*)">`)

func (b *browser) csrf() string {
	b.g.t.Helper()
	match := csrfMeta.FindStringSubmatch(b.get("/nowhere").body)
	if match == nil {
		return ""
	}
	return match[1]
}

func (a *answer) want(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %.2000s", a.status, status, a.content())
	}
	return a
}

// shows fails the test unless the page has every text, escaped as HTML.
func (a *answer) shows(texts ...string) *answer {
	a.t.Helper()
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			a.t.Errorf("the page does not show %q: %.3000s", text, a.content())
		}
	}
	return a
}

// content is the page without what stands around every page.
func (a *answer) content() string {
	if _, content, found := strings.Cut(a.body, `<main id="main"`); found {
		return content
	}
	return a.body
}

// hides fails the test if the page has one of the texts.
func (a *answer) hides(texts ...string) *answer {
	a.t.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) {
			a.t.Errorf("the page shows %q", text)
		}
	}
	return a
}
