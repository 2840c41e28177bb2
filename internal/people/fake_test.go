package people

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/sealer"
	"dispatchapy/internal/store"
)

// memory is a store in memory. Several People on it are nodes of one gateway.
type memory struct {
	mu       sync.Mutex
	version  int64
	lastID   int64
	objects  map[int64]store.ConfigObject
	sessions map[[32]byte]store.Session
	audit    []store.AuditEntry
	events   []dispatchapy.Event
	uses     map[store.ObjectRef]time.Time
	reads    int    // of sessions
	err      error  // of everything
	errEnd   error  // of DeleteSessions
	errAudit error  // of AppendAudit and AppendEvents
	conflict int    // so many changes meet one by somebody else
	race     func() // called before a session is stored
}

func newMemory() *memory {
	return &memory{
		objects:  map[int64]store.ConfigObject{},
		sessions: map[[32]byte]store.Session{},
		uses:     map[store.ObjectRef]time.Time{},
	}
}

func (m *memory) LoadConfig(context.Context) (int64, []store.ConfigObject, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var objects []store.ConfigObject
	for _, o := range m.objects {
		objects = append(objects, o)
	}
	slices.SortFunc(objects, func(a, b store.ConfigObject) int { return cmp.Compare(a.ID, b.ID) })
	return m.version, objects, m.err
}

func (m *memory) ConfigVersion(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.version, m.err
}

func (m *memory) ApplyConfig(_ context.Context, u store.ConfigUpdate) (int64, []int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conflict > 0 {
		m.conflict--
		m.version++
	}
	if m.err != nil || u.Expect != m.version {
		return 0, nil, errors.Join(m.err, store.ErrVersionConflict)
	}
	m.version++
	for _, ref := range u.Delete {
		delete(m.objects, ref.ID)
	}
	var ids []int64
	for _, o := range u.Put {
		if o.ID == 0 {
			m.lastID++
			o.ID = m.lastID
		}
		o.Version = m.version
		m.objects[o.ID] = o
		ids = append(ids, o.ID)
	}
	m.audit = append(m.audit, u.Audit...)
	return m.version, ids, nil
}

func (m *memory) PutSession(_ context.Context, s store.Session) error {
	if m.race != nil {
		m.race()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lastID++
	s.ID = m.lastID
	m.sessions[s.Hash] = s
	return m.err
}

func ended(s *store.Session) bool {
	now := time.Now()
	return !now.Before(s.IdleEnd) || !now.Before(s.AbsoluteEnd)
}

func (m *memory) Session(_ context.Context, hash [32]byte) (store.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	s, found := m.sessions[hash]
	if m.err == nil && (!found || ended(&s)) {
		return store.Session{}, store.ErrNotFound
	}
	return s, m.err
}

func (m *memory) TouchSessions(_ context.Context, seen []store.SessionSeen) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range seen {
		if s, found := m.sessions[t.Hash]; found {
			s.SeenAt, s.IdleEnd = t.SeenAt, t.IdleEnd
			m.sessions[t.Hash] = s
		}
	}
	return m.err
}

func (m *memory) LimitSessions(_ context.Context, idle, absolute time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	earlier := func(a, b time.Time) time.Time {
		if b.Before(a) {
			return b
		}
		return a
	}
	for hash, s := range m.sessions {
		s.IdleEnd, s.AbsoluteEnd = earlier(s.IdleEnd, s.SeenAt.Add(idle)), earlier(s.AbsoluteEnd, s.CreatedAt.Add(absolute))
		m.sessions[hash] = s
	}
	return nil
}

func (m *memory) ListSessions(_ context.Context, user, client int64) ([]store.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []store.Session
	for _, s := range m.sessions {
		if !ended(&s) && (user == 0 && client == 0 || user != 0 && s.UserID == user || client != 0 && s.ClientID == client) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b store.Session) int {
		return cmp.Or(b.SeenAt.Compare(a.SeenAt), cmp.Compare(b.ID, a.ID))
	})
	return out, m.err
}

func (m *memory) DeleteSessions(_ context.Context, q store.SessionSelection) (n int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(m.err, m.errEnd); err != nil {
		return 0, err
	}
	for hash, s := range m.sessions {
		all := q.UserID != 0 && s.UserID == q.UserID || q.ClientID != 0 && s.ClientID == q.ClientID
		if slices.Contains(q.IDs, s.ID) || all && hash != q.Except {
			delete(m.sessions, hash)
			n++
		}
	}
	return n, nil
}

func (m *memory) DeleteEndedSessions(_ context.Context, limit int) (n int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for hash, s := range m.sessions {
		if ended(&s) && n < limit {
			delete(m.sessions, hash)
			n++
		}
	}
	return n, m.err
}

func (m *memory) AppendAudit(_ context.Context, entries []store.AuditEntry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.audit = append(m.audit, entries...)
	return cmp.Or(m.err, m.errAudit)
}

func (m *memory) AppendEvents(_ context.Context, events []dispatchapy.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, events...)
	return cmp.Or(m.err, m.errAudit)
}

func (m *memory) RecordTokenUse(_ context.Context, uses map[store.ObjectRef]time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for ref, at := range uses {
		m.uses[ref] = at
	}
	return m.err
}

func (m *memory) TokenUses(_ context.Context, kind store.Kind, ids []int64) (map[int64]time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	uses := map[int64]time.Time{}
	for _, id := range ids {
		if at, used := m.uses[store.ObjectRef{Kind: kind, ID: id}]; used {
			uses[id] = at
		}
	}
	return uses, m.err
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	m.err = err
	m.mu.Unlock()
}

// actions are what the audit says was done, in order.
func (m *memory) actions() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for _, e := range m.audit {
		out = append(out, e.By+": "+e.Action+" "+e.Name)
	}
	return out
}

const adminPassword = dispatchapy.Secret("correct horse")

var (
	boss = dispatchapy.Principal{Name: "boss", Role: dispatchapy.RoleAdmin}
	home = From{Address: "192.0.2.1:1234", Agent: "test"}
)

// cheap is a cost that tests can afford.
func cheap() *argon2id.Params {
	return &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// node is People on a store.
type node struct {
	*People
	t     *testing.T
	store *memory
	table *routing.Table
	logs  *bytes.Buffer
}

func newNode(t *testing.T, m *memory) *node {
	t.Helper()
	box, err := sealer.New(sealer.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, store: m, logs: &bytes.Buffer{}}
	n.table = routing.NewTable(n.configured(1))
	n.People = New(Options{Store: m, Box: box, Snapshots: n.table, Log: slog.New(slog.NewJSONHandler(n.logs, nil)), Cost: cheap()})
	n.refresh()
	return n
}

// start is a node of a new gateway with the user admin.
func start(t *testing.T) *node {
	t.Helper()
	n := newNode(t, newMemory())
	if _, err := n.EnsureAdmin(t.Context(), adminPassword); err != nil {
		t.Fatal(err)
	}
	return n
}

// configured compiles a configuration with clients that have these tokens.
func (n *node) configured(version int64, tokens ...string) *routing.Snapshot {
	n.t.Helper()
	cfg := &dispatchapy.Config{Version: version, Settings: dispatchapy.DefaultSettings()}
	for i, token := range tokens {
		cfg.Clients = append(cfg.Clients, dispatchapy.Client{
			ID: int64(1000 + i), Name: "client " + string(rune('a'+i)), TokenHash: dispatchapy.HashToken(token).String(),
		})
	}
	snapshot, err := routing.Compile(cfg)
	if err != nil {
		n.t.Fatal(err)
	}
	return snapshot
}

func (n *node) refresh() {
	n.t.Helper()
	if err := n.Refresh(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) create(name string, role dispatchapy.Role) User {
	n.t.Helper()
	u, err := n.CreateUser(n.t.Context(), boss, NewUser{Name: name, Password: "password of " + dispatchapy.Secret(name), Role: role})
	if err != nil {
		n.t.Fatal(err)
	}
	return u
}

func (n *node) signIn(name string) SignedIn {
	n.t.Helper()
	password := "password of " + dispatchapy.Secret(name)
	if name == AdminName {
		password = adminPassword
	}
	in, err := n.SignIn(n.t.Context(), name, password, home)
	if err != nil {
		n.t.Fatal(err)
	}
	return in
}

// knows reports whether the session lets somebody in.
func (n *node) knows(token dispatchapy.Secret) bool {
	n.t.Helper()
	_, err := n.Authenticate(n.t.Context(), token)
	if err != nil && dispatchapy.ErrorCode(err) != dispatchapy.CodeUnauthenticated {
		n.t.Fatal(err)
	}
	return err == nil
}

func wantCode(t *testing.T, err error, code dispatchapy.Code) {
	t.Helper()
	if got := dispatchapy.ErrorCode(err); got != code {
		t.Errorf("error %v with code %q, want %q", err, got, code)
	}
}

// wantField checks that the error is about the field.
func wantField(t *testing.T, err error, field string) {
	t.Helper()
	var e *dispatchapy.Error
	if !errors.As(err, &e) || e.Code != dispatchapy.CodeInvalid || len(e.Fields) != 1 || e.Fields[0].Path != field {
		t.Errorf("error %v, want one about the field %s", err, field)
	}
}

func ptr[T any](v T) *T { return &v }
