package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/original"
	"dispatchapy/internal/store"
)

// Bounds of what is imported in one transaction.
const (
	importTasks  = 200
	importBytes  = 4 << 20 // of payloads and answers, about
	importChecks = 1000
)

// OriginalStore is what the history of the original is imported into.
type OriginalStore interface {
	ImportTasks(ctx context.Context, tasks []store.TaskDetail) ([]int64, error)
	ImportChecks(ctx context.Context, checks []dispatchapy.Check) error
	ImportNames(ctx context.Context, kind store.Kind, names []string) ([]int64, error)
}

// OriginalOptions say how the original's database is imported.
type OriginalOptions struct {
	DryRun bool // read and count, and change nothing
	Merge  bool // into a gateway that has something already
	Again  bool // although tasks of the file seem to be here already

	Name string // how messages call the file; "": by its path
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
}

// Total is the number of tasks.
func (r *Imported) Total() int {
	n := 0
	for _, count := range r.Tasks {
		n += count
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

// SurveyOriginal says what a database of the original would bring to an empty
// gateway.
func SurveyOriginal(ctx context.Context, path string) (Imported, error) {
	m, err := newMover(ctx, path)
	if err != nil {
		return Imported{}, err
	}
	m.result.Mended = m.source.Mended()
	return m.result, nil
}

// ImportOriginal brings everything from the file of a database of the original
// into the gateway. Its configuration is merged in one change: objects and
// settings that the gateway has already stay as they are, and tasks join them
// by name. Tasks get new numbers; the old one is in their log. Those that wait
// come last and are sent at once.
//
// Failure policy: nothing of the configuration is applied unless all of it is.
// The history is brought over in steps, so that a running gateway is not held
// up; what came before a failure is deleted again, unless it waits to be sent.
func (s *Service) ImportOriginal(ctx context.Context, p dispatchapy.Principal, path string, o OriginalOptions) (Imported, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return Imported{}, err
	}
	if !o.DryRun {
		if !s.importing.CompareAndSwap(false, true) {
			return Imported{}, dispatchapy.Errorf(dispatchapy.CodeConflict, "another import is under way: wait for it to end")
		}
		defer s.importing.Store(false)
	}
	m, err := newMover(ctx, path)
	if err != nil {
		return Imported{}, o.named(err, path)
	}
	m.service, m.who = s, p
	if err := m.admit(ctx, o); err != nil {
		return Imported{}, err
	}
	if !o.DryRun {
		if err := m.move(context.WithoutCancel(ctx)); err != nil {
			return Imported{}, storeError(err)
		}
	}
	m.result.Mended = m.source.Mended()
	return m.result, nil
}

// named puts the name of the file in the place of its path.
func (o *OriginalOptions) named(err error, path string) error {
	var known *dispatchapy.Error
	if o.Name == "" || !errors.As(err, &known) {
		return err
	}
	renamed := *known
	renamed.Message = strings.ReplaceAll(known.Message, path, o.Name)
	return &renamed
}

// mover brings one database of the original into a gateway.
type mover struct {
	source  *original.Import
	service *Service
	who     dispatchapy.Principal
	ids     map[nameKey]int64
	deleted map[nameKey]bool // names that only the history knows
	latest  []original.Task  // a few, to see whether they are here already
	brought []int64          // tasks
	result  Imported
}

// newMover reads a file, counts, and finds the names that only the history
// knows.
func newMover(ctx context.Context, path string) (*mover, error) {
	source, err := original.Read(ctx, path)
	if err != nil {
		return nil, err
	}
	cfg := source.Config
	m := &mover{source: source, ids: map[nameKey]int64{}, deleted: map[nameKey]bool{}}
	m.result = Imported{
		Resources: len(cfg.Resources), Endpoints: len(cfg.Endpoints), Clients: len(cfg.Clients), Checks: len(source.Checks),
		Tasks: map[dispatchapy.Status]int{},
	}
	known := objectsOf(cfg)
	note := func(kind store.Kind, name string) {
		if _, found := known[nameKey{kind, name}]; name != "" && !found {
			m.deleted[nameKey{kind, name}] = true
		}
	}
	for t, err := range source.Tasks(ctx) {
		if err != nil {
			return nil, err
		}
		m.result.Tasks[t.Task.Status]++
		m.result.Attempts += len(t.Attempts)
		note(store.KindClient, t.Client)
		note(store.KindEndpoint, t.Endpoint)
		note(store.KindResource, t.Resource)
		for i := range t.Attempts {
			note(store.KindResource, t.Attempts[i].Resource)
		}
		m.remember(&t)
	}
	for key := range m.deleted {
		m.result.Deleted = append(m.result.Deleted, string(key.kind)+" "+key.name)
	}
	slices.Sort(m.result.Deleted)
	return m, nil
}

const rememberedTasks = 5

func (m *mover) remember(t *original.Task) {
	if len(m.latest) == rememberedTasks {
		m.latest = m.latest[:copy(m.latest, m.latest[1:])]
	}
	m.latest = append(m.latest, original.Task{ID: t.ID, Task: dispatchapy.Task{Ref: t.Task.Ref, Scope: t.Task.Scope, CreatedAt: t.Task.CreatedAt}})
}

// admit refuses a gateway that has something already unless that is meant, and
// a file that was imported before.
func (m *mover) admit(ctx context.Context, o OriginalOptions) error {
	current := m.service.table.Load().Config
	newest, err := m.service.store.ListTasks(ctx, store.TaskQuery{Limit: 1})
	if err != nil {
		return storeError(err)
	}
	empty := len(current.Resources)+len(current.Endpoints)+len(current.Clients)+len(newest.Tasks) == 0
	m.without(current) // what stays is told beforehand, too
	switch {
	case o.DryRun:
		return nil
	case !empty && !o.Merge:
		return dispatchapy.Errorf(dispatchapy.CodeConflict, "the gateway is not empty: give merge to add to what it has")
	case o.Again || empty:
		return nil
	}
	for i := range m.latest {
		t := &m.latest[i].Task
		found, err := m.service.store.ListTasks(ctx, store.TaskQuery{Limit: 1, Filter: store.TaskFilter{
			Ref: t.Ref, Scope: t.Scope, Since: t.CreatedAt, Until: t.CreatedAt.Add(time.Millisecond),
		}})
		if err != nil {
			return storeError(err)
		}
		if len(found.Tasks) > 0 {
			return dispatchapy.Errorf(dispatchapy.CodeConflict,
				"task %d of the file is here already, as task %d: importing it again would double tasks, and send those that wait twice", m.latest[i].ID, found.Tasks[0].ID)
		}
	}
	return nil
}

// without gives the original's configuration without what the gateway has
// already, and notes what that is.
func (m *mover) without(current *dispatchapy.Config) *dispatchapy.Config {
	had := objectsOf(current)
	cfg := *m.source.Config
	if len(had) > 1 { // the settings are one
		cfg.Settings = current.Settings
	}
	m.result.Kept = nil
	keep := func(kind store.Kind, name string) bool {
		if _, found := had[nameKey{kind, name}]; !found {
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

// move fills the gateway.
func (m *mover) move(ctx context.Context) error {
	for _, step := range []func(context.Context) error{m.configuration, m.names, m.checks} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	for _, waiting := range []bool{false, true} {
		if err := m.tasks(ctx, waiting); err != nil {
			m.undo(ctx)
			return err
		}
	}
	return m.service.store.AppendAudit(ctx, []store.AuditEntry{{
		At: time.Now(), By: m.who.Name, Action: "import",
		Detail: fmt.Sprintf("the history of the original: %d tasks, %d attempts, %d health checks", m.result.Total(), m.result.Attempts, m.result.Checks),
	}})
}

// configuration applies the original's configuration like a gateway file.
func (m *mover) configuration(ctx context.Context) error {
	_, err := m.service.change(ctx, m.who, false, func(current *dispatchapy.Config) (*dispatchapy.Config, []Change, error) {
		text, err := gatewayfile.EncodeJSON(m.without(current))
		if err != nil {
			return nil, nil, err
		}
		file, err := gatewayfile.Parse("the original's configuration", text)
		if err != nil {
			return nil, nil, err
		}
		return gatewayfile.Plan(current, file, false)
	})
	if err != nil {
		return err
	}
	for key, object := range objectsOf(m.service.table.Load().Config) {
		m.ids[key] = *object.id
	}
	return nil
}

// names gives ids to the names that only the history knows, so that they can be
// shown and searched for.
func (m *mover) names(ctx context.Context) error {
	byKind := map[store.Kind][]string{}
	for key := range m.deleted {
		if m.ids[key] == 0 {
			byKind[key.kind] = append(byKind[key.kind], key.name)
		}
	}
	for kind, names := range byKind {
		slices.Sort(names)
		ids, err := m.service.store.ImportNames(ctx, kind, names)
		if err != nil {
			return err
		}
		for i, name := range names {
			m.ids[nameKey{kind, name}] = ids[i]
		}
	}
	// Not beside a change, whose names would be lost by what was read before it.
	m.service.mu.Lock()
	defer m.service.mu.Unlock()
	return m.service.loadNames(ctx)
}

func (m *mover) checks(ctx context.Context) error {
	for batch := range slices.Chunk(m.source.Checks, importChecks) {
		checks := make([]dispatchapy.Check, len(batch))
		for i := range batch {
			checks[i] = batch[i].Check
			checks[i].ResourceID = m.ids[nameKey{store.KindResource, batch[i].Resource}]
		}
		if err := m.service.store.ImportChecks(ctx, checks); err != nil {
			return err
		}
	}
	return nil
}

// tasks brings over those that wait to be sent, or all others.
func (m *mover) tasks(ctx context.Context, waiting bool) error {
	now := time.Now()
	var batch []store.TaskDetail
	size := 0
	flush := func() error {
		ids, err := m.service.store.ImportTasks(ctx, batch)
		if !waiting {
			m.brought = append(m.brought, ids...)
		}
		batch, size = batch[:0], 0
		return err
	}
	for t, err := range m.source.Tasks(ctx) {
		if err != nil {
			return err
		}
		if (t.Task.Status == dispatchapy.StatusPending) != waiting {
			continue
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

// undo takes back the tasks that were brought and wait for nothing.
func (m *mover) undo(ctx context.Context) {
	for ids := range slices.Chunk(m.brought, transitionChunk) {
		if _, err := m.service.store.TransitionTasks(ctx, ids, store.Transition{Action: dispatchapy.ActionDelete, By: m.who.Name}); err != nil {
			m.service.log.Error("tasks of an import that failed could not be deleted", "error", err, "tasks", len(m.brought))
			return
		}
	}
}

// task gives a task as it is stored.
func (m *mover) task(t *original.Task, now time.Time) store.TaskDetail {
	detail := store.TaskDetail{Task: t.Task, Attempts: make([]dispatchapy.Attempt, len(t.Attempts))}
	detail.Task.ClientID = m.ids[nameKey{store.KindClient, t.Client}]
	detail.Task.EndpointID = m.ids[nameKey{store.KindEndpoint, t.Endpoint}]
	detail.Task.ResourceID = m.ids[nameKey{store.KindResource, t.Resource}]
	for i := range t.Attempts {
		detail.Attempts[i] = t.Attempts[i].Attempt
		detail.Attempts[i].ResourceID = m.ids[nameKey{store.KindResource, t.Attempts[i].Resource}]
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
