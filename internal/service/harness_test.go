package service_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/sealer"
	"dispatchapy/internal/service"
	"dispatchapy/internal/store"
	"dispatchapy/internal/store/sqlite"
)

var admin = dispatchapy.Principal{Name: "root", Role: dispatchapy.RoleAdmin}

const baseFile = `
version: 1
resources:
  - {name: primary, url: "http://127.0.0.1:9001/send", headers: {X-Key: hush-header}}
  - {name: backup, url: "http://127.0.0.1:9002/send"}
  - {name: spare, url: "http://127.0.0.1:9003/send"}
endpoints:
  - {path: sms, resources: [primary, backup]}
  - {path: mail, resources: [backup]}
clients:
  - {name: shop, token: shop-token-1234, endpoints: [sms]}
  - {name: bank, token: bank-token-1234, endpoints: [sms, mail]}
`

// node is one gateway on a database, as far as the service is concerned.
type node struct {
	*service.Service
	t     testing.TB
	store *spyStore
	table *routing.Table
	rooms fakeRooms
	logs  *bytes.Buffer
	seen  []*routing.Snapshot // given to OnConfig
	sent  []dispatchapy.Submission

	published []dispatchapy.Change
	onSubmit  func() // before a message is stored
}

// watched is what a reader of changes was asked for.
type watched struct {
	client   int64
	position string
}

type fakeReader struct {
	service.ChangeReader
	watched watched
}

// judge accepts everything but the text "refused".
func (n *node) judge(e *routing.Endpoint, c *routing.Client, source []byte) (dispatchapy.Submission, int, string) {
	if string(source) == "refused" {
		return dispatchapy.Submission{}, 400, "no JSON"
	}
	return dispatchapy.Submission{EndpointID: e.ID, ClientID: c.ID, Source: source}, 200, ""
}

// Submit implements service.Submitter.
func (n *node) Submit(_ context.Context, s dispatchapy.Submission) (dispatchapy.Receipt, error) {
	if n.onSubmit != nil {
		n.onSubmit()
	}
	n.sent = append(n.sent, s)
	return dispatchapy.Receipt{TaskID: int64(len(n.sent))}, nil
}

// spyStore is the real store; it can be told to fail and remembers updates.
type spyStore struct {
	*sqlite.Store
	updates   []store.ConfigUpdate
	applyErr  error // of the next ApplyConfig calls
	importErr error // of ImportTasks, once tasks were imported
	onImport  func()
	failAfter int // TransitionTasks calls that still work; negative: all

	loadHealth func() error // before LoadHealth; nil: nothing
}

func (s *spyStore) LoadHealth(ctx context.Context) ([]dispatchapy.Health, error) {
	if s.loadHealth != nil {
		if err := s.loadHealth(); err != nil {
			return nil, err
		}
	}
	return s.Store.LoadHealth(ctx)
}

func (s *spyStore) ApplyConfig(ctx context.Context, u store.ConfigUpdate) (int64, []int64, error) {
	if s.applyErr != nil {
		return 0, nil, s.applyErr
	}
	s.updates = append(s.updates, u)
	return s.Store.ApplyConfig(ctx, u)
}

func (s *spyStore) ImportTasks(ctx context.Context, tasks []store.TaskDetail) ([]int64, error) {
	if s.onImport != nil {
		s.onImport()
	}
	ids, err := s.Store.ImportTasks(ctx, tasks)
	if s.importErr != nil && err == nil {
		return ids, s.importErr
	}
	return ids, err
}

func (s *spyStore) TransitionTasks(ctx context.Context, ids []int64, t store.Transition) ([]store.TransitionResult, error) {
	if s.failAfter == 0 {
		return nil, store.ErrUnavailable
	}
	s.failAfter--
	return s.Store.TransitionTasks(ctx, ids, t)
}

type checkerFunc func(ctx context.Context, id int64) (dispatchapy.Check, error)

func (f checkerFunc) CheckNow(ctx context.Context, id int64, _ string) (dispatchapy.Check, error) {
	return f(ctx, id)
}

type alerterFunc func(c *dispatchapy.Channel) dispatchapy.AlertTest

func (f alerterFunc) PreviewAlert(*dispatchapy.Channel, *dispatchapy.Resource) dispatchapy.AlertPreview {
	return dispatchapy.AlertPreview{}
}

func (f alerterFunc) TestAlert(_ context.Context, c *dispatchapy.Channel, _ *dispatchapy.Resource) dispatchapy.AlertTest {
	return f(c)
}

// fakeRooms says of resources, by name, why they cannot be used.
type fakeRooms map[string]routing.Reason

func (f fakeRooms) Room(r *routing.Resource) (int, routing.Reason, time.Duration) {
	if why := f[r.Name]; why != routing.Usable {
		return 0, why, time.Second
	}
	return routing.Unlimited, routing.Usable, 0
}

func openStore(t testing.TB) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "test.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// newNode makes a node that has not read its configuration yet.
func newNode(t testing.TB, db *sqlite.Store, key byte) *node {
	t.Helper()
	box, err := sealer.New(sealer.Key(bytes.Repeat([]byte{key}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	empty, err := routing.Compile(&dispatchapy.Config{Settings: dispatchapy.DefaultSettings()})
	if err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, store: &spyStore{Store: db, failAfter: -1}, table: routing.NewTable(empty), rooms: fakeRooms{}, logs: &bytes.Buffer{}}
	client := deliver.NewClient(deliver.Options{AllowPrivate: func() bool { return true }})
	t.Cleanup(client.Close)
	n.Service = service.New(service.Options{
		Store: n.store,
		Table: n.table,
		Box:   box,
		Checker: checkerFunc(func(_ context.Context, id int64) (dispatchapy.Check, error) {
			return dispatchapy.Check{ID: 1, ResourceID: id, OK: true}, nil
		}),
		Alerter:  alerterFunc(func(*dispatchapy.Channel) dispatchapy.AlertTest { return dispatchapy.AlertTest{OK: true} }),
		Log:      slog.New(slog.NewTextHandler(n.logs, nil)),
		Delivery: service.Delivery{Rooms: n.rooms, Judge: n.judge, Submitter: n, Sender: client},
		Publish:  func(c dispatchapy.Change) { n.published = append(n.published, c) },
		Subscribe: func(client int64, position string) (service.ChangeReader, error) {
			return fakeReader{watched: watched{client, position}}, nil
		},
		OnConfig: func(s *routing.Snapshot) { n.seen = append(n.seen, s) },
	})
	return n
}

// startNode makes a node on a new database with the base file applied.
func startNode(t testing.TB) *node {
	t.Helper()
	n := newNode(t, openStore(t), 1)
	n.refresh()
	n.apply(baseFile, service.ApplyOptions{})
	n.store.updates = nil
	return n
}

func (n *node) refresh() bool {
	n.t.Helper()
	changed, err := n.Refresh(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	return changed
}

func (n *node) apply(text string, o service.ApplyOptions) service.ApplyResult {
	n.t.Helper()
	result, err := n.Apply(n.t.Context(), admin, "gateway.yaml", []byte(text), o)
	if err != nil {
		n.t.Fatal(err)
	}
	return result
}

// client gives a client as it is after presenting its token.
func (n *node) client(token dispatchapy.Secret) dispatchapy.Principal {
	n.t.Helper()
	p, ok := n.Authenticate(token)
	if !ok {
		n.t.Fatal("the token is not known")
	}
	return p
}

// task describes a task to insert.
type task struct {
	client, endpoint, ref string
	hold                  bool
}

// insert stores tasks; they are not due for a long time.
func (n *node) insert(tasks ...task) []int64 {
	n.t.Helper()
	cfg := n.table.Load().Config
	rows := make([]store.NewTask, len(tasks))
	for i, t := range tasks {
		rows[i].Submission = dispatchapy.Submission{
			EndpointID:  cfg.Endpoint(t.endpoint).ID,
			ClientID:    cfg.Client(t.client).ID,
			Ref:         t.ref,
			Scope:       "test",
			Source:      []byte(`{"ref":"` + t.ref + `"}`),
			MaxAttempts: 5,
			Delay:       time.Hour,
		}
		if t.hold {
			rows[i].Hold = "held by the test"
		}
	}
	results, err := n.store.InsertTasks(n.t.Context(), rows)
	if err != nil {
		n.t.Fatal(err)
	}
	ids := make([]int64, len(results))
	for i, r := range results {
		if r.Err != nil {
			n.t.Fatal(r.Err)
		}
		ids[i] = r.TaskID
	}
	return ids
}

func wantCode(t *testing.T, err error, code dispatchapy.Code) {
	t.Helper()
	if got := dispatchapy.ErrorCode(err); got != code {
		t.Errorf("error %v has code %q, want %q", err, got, code)
	}
}

func fieldsOf(err error) []dispatchapy.FieldError {
	var e *dispatchapy.Error
	if errors.As(err, &e) {
		return e.Fields
	}
	return nil
}
