package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/httpapi"
	"dispatchapy/internal/mail"
	"dispatchapy/internal/people"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/sealer"
	"dispatchapy/internal/service"
	"dispatchapy/internal/store"
	"dispatchapy/internal/store/sqlite"
)

const (
	adminToken    = "admin-token-1234"
	localToken    = "local-token-1234" // a second administrator's token
	adminPassword = "admin-password"
	shopToken     = "shop-token-1234"
	bankToken     = "bank-token-1234"
)

// cheapHash is what hashing a password costs in tests.
var cheapHash = &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}

const baseFile = `
version: 1
settings:
  smtp: {host: mail.example, from: a@b.example, username: u, password: hush-smtp}
  status_page: {enabled: true, token: hush-status-token, endpoints: [{path: sms, name: "Text <messages>"}]}
resources:
  - {name: primary, url: "http://127.0.0.1:9001/send", headers: {X-Key: hush-header}}
  - {name: backup, url: "http://127.0.0.1:9002/send"}
endpoints:
  - {path: sms, resources: [primary, backup]}
  - {path: mail, resources: [backup]}
clients:
  - {name: shop, token: shop-token-1234, endpoints: [sms]}
  - {name: bank, token: bank-token-1234, endpoints: [mail]}
`

// gateway is the API over a real service and a real database.
type gateway struct {
	t       testing.TB
	service *service.Service
	people  *people.People
	store   *faultyStore
	table   *routing.Table
	handler http.Handler
	logs    *bytes.Buffer
	names   int // that were given
	box     *sealer.Box
	sender  *deliver.Client
	quiet   bool // nothing is sent to providers and mail servers
	rooms   *routing.Availability

	uploads string // where they are kept

	tokens map[dispatchapy.Role]string // of a staffed one
}

// faultyStore is the real store that can be told to fail or to panic.
type faultyStore struct {
	*sqlite.Store
	listTasks   func() error
	appendAudit func() error
	beforeStop  func() // called once, before tasks are stopped
}

func (s *faultyStore) AppendAudit(ctx context.Context, entries []store.AuditEntry) error {
	if s.appendAudit != nil {
		return s.appendAudit()
	}
	return s.Store.AppendAudit(ctx, entries)
}

func (s *faultyStore) TransitionTasks(ctx context.Context, ids []int64, t store.Transition) ([]store.TransitionResult, error) {
	if before := s.beforeStop; before != nil && t.Action == dispatchapy.ActionStop {
		s.beforeStop = nil
		before()
	}
	return s.Store.TransitionTasks(ctx, ids, t)
}

func (s *faultyStore) ListTasks(ctx context.Context, q store.TaskQuery) (store.TaskPage, error) {
	if s.listTasks != nil {
		return store.TaskPage{}, s.listTasks()
	}
	return s.Store.ListTasks(ctx, q)
}

type checker struct{}

func (checker) CheckNow(_ context.Context, id int64, by string) (dispatchapy.Check, error) {
	return dispatchapy.Check{
		ID: 9, ResourceID: id, At: time.Unix(1, 0), Method: dispatchapy.CheckSimple, Manual: true, By: by,
		Error: dispatchapy.ErrorRefused, Detail: "connection refused", Duration: 1500 * time.Microsecond, State: dispatchapy.HealthDown,
	}, nil
}

func newGateway(t testing.TB, set ...func(*gateway)) *gateway {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "test.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	box, err := sealer.New(sealer.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	empty, err := routing.Compile(&dispatchapy.Config{})
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{t: t, store: &faultyStore{Store: db}, table: routing.NewTable(empty), logs: &bytes.Buffer{}, uploads: t.TempDir()}
	g.box = box
	g.people = people.New(people.Options{Store: g.store, Box: box, Snapshots: g.table, Log: slog.New(slog.DiscardHandler), Cost: cheapHash})
	for _, f := range set {
		f(g)
	}
	g.serve(g.delivery())
	admin := dispatchapy.Principal{Name: "setup", Role: dispatchapy.RoleAdmin}
	if _, err := g.service.Apply(t.Context(), admin, "base.yaml", []byte(baseFile), service.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	return g
}

// staffed is a gateway with the user admin and tokens of the lesser roles.
func staffed(t testing.TB, set ...func(*gateway)) *gateway {
	t.Helper()
	g := newGateway(t, set...)
	if err := g.people.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := g.people.EnsureAdmin(t.Context(), adminPassword); err != nil {
		t.Fatal(err)
	}
	admin := dispatchapy.Principal{Name: "setup", Role: dispatchapy.RoleAdmin}
	g.tokens = map[dispatchapy.Role]string{dispatchapy.RoleAdmin: adminToken}
	for _, role := range []dispatchapy.Role{dispatchapy.RoleOperator, dispatchapy.RoleViewer} {
		_, secret, err := g.people.CreateToken(t.Context(), admin, people.NewToken{Name: string(role), Role: role})
		if err != nil {
			t.Fatal(err)
		}
		g.tokens[role] = secret.Reveal()
	}
	return g
}

// serve makes the service and the handler.
func (g *gateway) serve(delivery service.Delivery) {
	log := slog.New(slog.NewJSONHandler(g.logs, nil))
	var mailer service.Mailer = mail.New(mail.Options{Dial: g.sender.Connect})
	if g.quiet {
		mailer, delivery.Sender = silentMailer{}, silentSender{g.sender}
	}
	g.service = service.New(service.Options{
		Store: g.store, Table: g.table, Box: g.box, Checker: checker{}, Log: log, Delivery: delivery, Mail: mailer, Alerter: g.alerter(), Spool: uploads{g.uploads},
	})
	g.handler = httpapi.New(httpapi.Options{
		Service: g.service, People: g.people, Tokens: []dispatchapy.Secret{adminToken, "", localToken}, Log: log,
	})
}

// insert stores a task of the client at its endpoint; it is not due for long.
func (g *gateway) insert(client string, hold bool) int64 {
	g.t.Helper()
	c := g.table.Load().Config.Client(client)
	row := store.NewTask{Submission: dispatchapy.Submission{
		ClientID:    c.ID,
		EndpointID:  g.table.Load().Config.Endpoint(c.Endpoints[0]).ID,
		Ref:         "r1",
		Scope:       "test",
		Source:      []byte(`{"ref":"r1","big":12345678901234567890,"html":"<&>"}`),
		MaxAttempts: 5,
		Delay:       time.Hour,
	}}
	if hold {
		row.Hold = "held by the test"
	}
	results, err := g.store.InsertTasks(g.t.Context(), []store.NewTask{row})
	if err = errors.Join(err, results[0].Err); err != nil {
		g.t.Fatal(err)
	}
	return results[0].TaskID
}

// newName gives a name that nothing has yet.
func (g *gateway) newName() string {
	g.names++
	return fmt.Sprintf("new-%d", g.names)
}

// request is a request to the API. Its zero value of token is the
// administrator's; "-" sends none.
type request struct {
	method, path, body, token string
	header                    http.Header
	address                   string // of the peer; "": always the same
}

type response struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

func (g *gateway) do(r request) *response {
	g.t.Helper()
	var body io.Reader
	if r.body != "" {
		body = strings.NewReader(r.body)
	}
	req := httptest.NewRequestWithContext(g.t.Context(), r.method, r.path, body)
	if r.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	switch r.token {
	case "-":
	case "":
		req.Header.Set("Authorization", "Bearer "+adminToken)
	default:
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	if r.address != "" {
		req.RemoteAddr = r.address
	}
	w := httptest.NewRecorder()
	g.handler.ServeHTTP(w, req)
	return &response{t: g.t, status: w.Code, header: w.Header(), body: w.Body.String()}
}

func (g *gateway) get(path string) *response {
	return g.do(request{method: http.MethodGet, path: path})
}

func (r *response) want(status int) *response {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	return r
}

// problem is a problem document as a client reads it.
type problem struct {
	Title, Detail string
	Status        int
	Code          dispatchapy.Code
	Fields        []dispatchapy.FieldError
}

// wantProblem checks that the answer is a problem document in every respect.
func (r *response) wantProblem(status int, code dispatchapy.Code) problem {
	r.t.Helper()
	r.want(status)
	var p problem
	decode(r.t, r.body, &p)
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		r.t.Errorf("Content-Type %q", got)
	}
	if p.Status != status || p.Code != code || p.Title != http.StatusText(status) || p.Detail == "" {
		r.t.Errorf("problem %+v, want status %d and code %s", p, status, code)
	}
	return p
}

func decode(t testing.TB, text string, into any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}
