package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/config"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/original"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/service"
	"dispatchapy/internal/store"
	"dispatchapy/internal/store/sqlite"
)

// Bounds of what is imported in one transaction.
const (
	importTasks  = 200
	importBytes  = 4 << 20 // of payloads and answers, about
	importChecks = 1000
)

// ImportOptions say how an import is made.
type ImportOptions struct {
	DryRun bool // read and count, and change nothing
	Merge  bool // into a gateway that has something already
}

// Imported is what an import brought, or would bring.
type Imported struct {
	Resources int                        `json:"resources"`
	Endpoints int                        `json:"endpoints"`
	Clients   int                        `json:"clients"`
	Tasks     map[dispatchapy.Status]int `json:"tasks"` // by status
	Attempts  int                        `json:"attempts"`
	Checks    int                        `json:"checks"`
	Deleted   []string                   `json:"deleted"` // names that tasks have and the configuration has not
	Kept      []string                   `json:"kept"`    // objects that the gateway had already, and that stayed
	Mended    []string                   `json:"mended"`
	Aside     string                     `json:"aside,omitempty"` // where the old database is now
}

// ImportOriginal brings everything from the database of the original into a
// data directory that no gateway uses: all of it or nothing. Tasks get new
// numbers; the old one is in their log. With Merge, objects and settings that
// the gateway has already stay as they are, and tasks join them by name.
func ImportOriginal(ctx context.Context, options config.Options, file string, o ImportOptions) (result Imported, err error) {
	source, err := original.Read(ctx, file)
	if err != nil {
		return result, err
	}
	m := &mover{source: source, merge: o.Merge, deleted: map[store.Kind]map[string]bool{}}
	m.result.Tasks = map[dispatchapy.Status]int{}
	if err := m.survey(ctx); err != nil {
		return result, err
	}
	if !o.DryRun {
		box, err := openBox(options)
		if err != nil {
			return result, err
		}
		m.box = box
		m.result.Aside, err = sqlite.Rebuild(ctx, options.DatabasePath(), func(part string) error { return m.move(ctx, part) })
		if err != nil {
			return result, err
		}
	}
	m.result.Mended = source.Mended()
	return m.result, nil
}

// mover brings one database of the original into a store.
type mover struct {
	source *original.Import
	merge  bool
	box    service.Box
	store  *sqlite.Store
	ids    map[nameOf]int64

	deleted map[store.Kind]map[string]bool
	result  Imported
}

type nameOf struct {
	kind store.Kind
	name string
}

// survey counts, and finds the names that only the history knows.
func (m *mover) survey(ctx context.Context) error {
	cfg := m.source.Config
	m.result.Resources, m.result.Endpoints, m.result.Clients = len(cfg.Resources), len(cfg.Endpoints), len(cfg.Clients)
	m.result.Checks = len(m.source.Checks)
	known := namesIn(cfg)
	note := func(kind store.Kind, name string) {
		if name == "" || known[nameOf{kind, name}] {
			return
		}
		if m.deleted[kind] == nil {
			m.deleted[kind] = map[string]bool{}
		}
		m.deleted[kind][name] = true
	}
	for t, err := range m.source.Tasks(ctx) {
		if err != nil {
			return err
		}
		m.result.Tasks[t.Task.Status]++
		m.result.Attempts += len(t.Attempts)
		note(store.KindClient, t.Client)
		note(store.KindEndpoint, t.Endpoint)
		note(store.KindResource, t.Resource)
		for i := range t.Attempts {
			note(store.KindResource, t.Attempts[i].Resource)
		}
	}
	for kind, names := range m.deleted {
		for name := range names {
			m.result.Deleted = append(m.result.Deleted, string(kind)+" "+name)
		}
	}
	slices.Sort(m.result.Deleted)
	return nil
}

func namesIn(cfg *dispatchapy.Config) map[nameOf]bool {
	names := map[nameOf]bool{}
	for i := range cfg.Resources {
		names[nameOf{store.KindResource, cfg.Resources[i].Name}] = true
	}
	for i := range cfg.Endpoints {
		names[nameOf{store.KindEndpoint, cfg.Endpoints[i].Path}] = true
	}
	for i := range cfg.Clients {
		names[nameOf{store.KindClient, cfg.Clients[i].Name}] = true
	}
	return names
}

// move fills the database at path, which nobody else uses.
func (m *mover) move(ctx context.Context, path string) (err error) {
	m.store, err = sqlite.Open(ctx, sqlite.Options{Path: path, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.store.Close()) }()
	for _, step := range []func(context.Context) error{m.configuration, m.tombstones, m.checks, m.tasks} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// configuration applies the original's configuration like a gateway file.
func (m *mover) configuration(ctx context.Context) error {
	empty, err := routing.Compile(&dispatchapy.Config{Settings: dispatchapy.DefaultSettings()})
	if err != nil {
		return err
	}
	table := routing.NewTable(empty)
	gateway := service.New(service.Options{Store: m.store, Table: table, Box: m.box, Log: slog.New(slog.DiscardHandler)})
	if _, err := gateway.Refresh(ctx); err != nil {
		return err
	}
	current := table.Load().Config
	newest, err := m.store.ListTasks(ctx, store.TaskQuery{Limit: 1})
	if err != nil {
		return err
	}
	had := namesIn(current)
	if (len(had) > 0 || len(newest.Tasks) > 0) && !m.merge {
		return dispatchapy.Errorf(dispatchapy.CodeConflict, "the gateway is not empty: give --merge to add to what it has")
	}
	file, err := gatewayfile.EncodeJSON(m.without(had, current))
	if err != nil {
		return err
	}
	if _, err := gateway.Apply(ctx, System, "the original's configuration", file, service.ApplyOptions{}); err != nil {
		return err
	}
	m.ids = map[nameOf]int64{}
	cfg := table.Load().Config
	for i := range cfg.Resources {
		m.ids[nameOf{store.KindResource, cfg.Resources[i].Name}] = cfg.Resources[i].ID
	}
	for i := range cfg.Endpoints {
		m.ids[nameOf{store.KindEndpoint, cfg.Endpoints[i].Path}] = cfg.Endpoints[i].ID
	}
	for i := range cfg.Clients {
		m.ids[nameOf{store.KindClient, cfg.Clients[i].Name}] = cfg.Clients[i].ID
	}
	return nil
}

// without gives the original's configuration without what the gateway has
// already.
func (m *mover) without(had map[nameOf]bool, current *dispatchapy.Config) *dispatchapy.Config {
	cfg := *m.source.Config
	if len(had) > 0 {
		cfg.Settings = current.Settings
	}
	keep := func(kind store.Kind, name string) bool {
		if !had[nameOf{kind, name}] {
			return true
		}
		m.result.Kept = append(m.result.Kept, string(kind)+" "+name)
		return false
	}
	cfg.Resources = filtered(cfg.Resources, func(r *dispatchapy.Resource) bool { return keep(store.KindResource, r.Name) })
	cfg.Endpoints = filtered(cfg.Endpoints, func(e *dispatchapy.Endpoint) bool { return keep(store.KindEndpoint, e.Path) })
	cfg.Clients = filtered(cfg.Clients, func(c *dispatchapy.Client) bool { return keep(store.KindClient, c.Name) })
	return &cfg
}

func filtered[T any](items []T, keep func(*T) bool) []T {
	var kept []T
	for i := range items {
		if keep(&items[i]) {
			kept = append(kept, items[i])
		}
	}
	return kept
}

// tombstones gives ids to the names that only the history knows: objects are
// made and deleted at once, so that the names can be shown and searched for.
func (m *mover) tombstones(ctx context.Context) error {
	version, err := m.store.ConfigVersion(ctx)
	if err != nil {
		return err
	}
	var made store.ConfigUpdate
	for _, kind := range []store.Kind{store.KindResource, store.KindEndpoint, store.KindClient} {
		for name := range m.deleted[kind] {
			if m.ids[nameOf{kind, name}] == 0 {
				made.Put = append(made.Put, store.ConfigObject{Kind: kind, Name: name})
			}
		}
	}
	if len(made.Put) == 0 {
		return nil
	}
	made.Expect = version
	version, ids, err := m.store.ApplyConfig(ctx, made)
	if err != nil {
		return err
	}
	deleted := store.ConfigUpdate{Expect: version}
	for i, o := range made.Put {
		m.ids[nameOf{o.Kind, o.Name}] = ids[i]
		deleted.Delete = append(deleted.Delete, store.ObjectRef{Kind: o.Kind, ID: ids[i]})
	}
	_, _, err = m.store.ApplyConfig(ctx, deleted)
	return err
}

func (m *mover) checks(ctx context.Context) error {
	for batch := range slices.Chunk(m.source.Checks, importChecks) {
		checks := make([]dispatchapy.Check, len(batch))
		for i := range batch {
			checks[i] = batch[i].Check
			checks[i].ResourceID = m.ids[nameOf{store.KindResource, batch[i].Resource}]
		}
		if err := m.store.ImportChecks(ctx, checks); err != nil {
			return err
		}
	}
	return nil
}

func (m *mover) tasks(ctx context.Context) error {
	now := time.Now()
	var batch []store.TaskDetail
	size := 0
	flush := func() error {
		_, err := m.store.ImportTasks(ctx, batch)
		batch, size = batch[:0], 0
		return err
	}
	for t, err := range m.source.Tasks(ctx) {
		if err != nil {
			return err
		}
		detail := m.task(&t, now)
		batch = append(batch, detail)
		size += sizeOf(&detail)
		if len(batch) == importTasks || size > importBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// task gives a task as it is stored.
func (m *mover) task(t *original.Task, now time.Time) store.TaskDetail {
	detail := store.TaskDetail{Task: t.Task, Attempts: make([]dispatchapy.Attempt, len(t.Attempts))}
	detail.Task.ClientID = m.ids[nameOf{store.KindClient, t.Client}]
	detail.Task.EndpointID = m.ids[nameOf{store.KindEndpoint, t.Endpoint}]
	detail.Task.ResourceID = m.ids[nameOf{store.KindResource, t.Resource}]
	for i := range t.Attempts {
		detail.Attempts[i] = t.Attempts[i].Attempt
		detail.Attempts[i].ResourceID = m.ids[nameOf{store.KindResource, t.Attempts[i].Resource}]
	}
	detail.Log = append(slices.Clone(t.Log), dispatchapy.LogEntry{
		At: now, Message: fmt.Sprintf("imported from the original, where it was task %d", t.ID),
	})
	return detail
}

func sizeOf(d *store.TaskDetail) int {
	n := len(d.Task.Source)
	for i := range d.Attempts {
		n += len(d.Attempts[i].RequestBody) + len(d.Attempts[i].ResponseBody)
	}
	for i := range d.Log {
		n += len(d.Log[i].Message)
	}
	return n
}

// Statuses words how many tasks there are of each status: "3 success, 1 held".
func (r *Imported) Statuses() string {
	var words []string
	for _, status := range dispatchapy.Statuses {
		if n := r.Tasks[status]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, status))
		}
	}
	return strings.Join(words, ", ")
}
