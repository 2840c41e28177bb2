package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/apidocs"
	"dispatchapy/internal/store"
)

// Bounds on what a filter may carry.
const (
	maxFilterNames = 100
	maxFilterText  = 500 // bytes
)

// Task is a task with the names of what it refers to. A name is that of a
// deleted object where there is none any more.
type Task struct {
	dispatchapy.Task
	Phase    dispatchapy.Phase // at the moment of asking
	Client   string
	Endpoint string
	Resource string // of the latest attempt; "" before the first
}

// TaskDetail is a task with its history, oldest first.
type TaskDetail struct {
	Task
	Target   []byte // body of the latest request; nil if none was made
	Attempts []Attempt
	Log      []dispatchapy.LogEntry
	Resent   []int64 // tasks that were made from this one, the latest ones

	// Timeline is all of this in one, in order of time, with what the task is
	// waiting for at the end.
	Timeline []TimelineEntry

	// Routes are the resources of the endpoint in failover order, with what
	// keeps each from taking the task; of a pending task only.
	Routes []RouteState
}

// Attempt is an attempt with the name of its resource.
type Attempt struct {
	dispatchapy.Attempt
	Resource string
	PassedBy []PassedOver // Attempt.PassedOver with names
}

// Curl gives a command that makes the attempt's request once more, with
// variables for secrets; "" if nothing is known of the request.
func (a *Attempt) Curl() string {
	if a.Exchange == nil {
		return ""
	}
	return apidocs.Curl(a.Exchange, a.RequestBody)
}

// TaskFilter selects tasks. Empty fields select everything; all given ones
// must hold. Names may be those of deleted objects.
type TaskFilter struct {
	Statuses  []dispatchapy.Status
	Phases    []dispatchapy.Phase // with Statuses: both must hold
	Clients   []string
	Endpoints []string
	Resources []string
	Ref       string // with * at its end: what it begins with
	Scope     string
	Since     time.Time // accepted at or after
	Until     time.Time // accepted before
	Text      string    // anywhere in payloads that one may read, names, ref and scope, ignoring case
}

// selectsAll reports whether no field is given.
func (f *TaskFilter) selectsAll() bool {
	return len(f.Statuses)+len(f.Phases)+len(f.Clients)+len(f.Endpoints)+len(f.Resources) == 0 &&
		f.Ref == "" && f.Scope == "" && f.Text == "" && f.Since.IsZero() && f.Until.IsZero()
}

// ListTasks gives a page of tasks, newest first. A page may be shorter than
// its limit without being the last. A client does not read of providers unless
// it was allowed to; so for Task.
func (s *Service) ListTasks(ctx context.Context, p dispatchapy.Principal, f TaskFilter, r PageRequest) (Page[Task], error) {
	if err := require(p, dispatchapy.ReadTasks); err != nil {
		return Page[Task]{}, err
	}
	now := s.outlook()
	filter, err := s.storeFilter(p, f, now)
	if err != nil {
		return Page[Task]{}, err
	}
	limit, err := r.limit()
	if err != nil {
		return Page[Task]{}, err
	}
	before, err := r.before()
	if err != nil {
		return Page[Task]{}, err
	}
	found, err := s.store.ListTasks(ctx, store.TaskQuery{Filter: filter, Before: before, Limit: limit})
	if err != nil {
		return Page[Task]{}, storeError(err)
	}
	page := Page[Task]{Items: make([]Task, len(found.Tasks)), Next: beforeCursor(found.Next)}
	mayRead := s.mayReadProviders(p)
	for i := range found.Tasks {
		page.Items[i] = s.named(found.Tasks[i], now)
		if !mayRead {
			discreet(&page.Items[i])
		}
	}
	return page, nil
}

// Task gives a task with its attempts and log.
func (s *Service) Task(ctx context.Context, p dispatchapy.Principal, id int64) (TaskDetail, error) {
	if err := require(p, dispatchapy.ReadTasks); err != nil {
		return TaskDetail{}, err
	}
	found, err := s.taskOf(ctx, p, id)
	if err != nil {
		return TaskDetail{}, err
	}
	detail := s.detail(found)
	if !s.mayReadProviders(p) {
		discreetDetail(&detail)
	}
	s.addTimeline(&detail)
	return detail, nil
}

// taskOf gives a task with its history if it is within the sight of p.
func (s *Service) taskOf(ctx context.Context, p dispatchapy.Principal, id int64) (store.TaskDetail, error) {
	found, err := s.store.Task(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return found, notFound("task", id)
	case err != nil:
		return found, storeError(err)
	case !p.IsStaff() && found.Task.ClientID != p.ClientID:
		return store.TaskDetail{}, notFound("task", id) // whether it exists is not theirs to know
	}
	return found, nil
}

func (s *Service) detail(found store.TaskDetail) TaskDetail {
	now := s.outlook()
	d := TaskDetail{Task: s.named(found.Task, now), Log: found.Log, Resent: found.Resent, Routes: now.routesOf(&found.Task)}
	names := s.names.Load()
	for _, a := range found.Attempts {
		attempt := Attempt{Attempt: a, Resource: names.name(store.KindResource, a.ResourceID)}
		for _, p := range a.PassedOver {
			attempt.PassedBy = append(attempt.PassedBy, PassedOver{Resource: names.name(store.KindResource, p.ResourceID), Why: p.Why})
		}
		d.Attempts = append(d.Attempts, attempt)
		if len(a.RequestBody) > 0 {
			d.Target = a.RequestBody
		}
	}
	return d
}

func (s *Service) named(t dispatchapy.Task, now *outlook) Task {
	names := s.names.Load()
	return Task{
		Task:     t,
		Phase:    now.phaseOf(&t),
		Client:   names.name(store.KindClient, t.ClientID),
		Endpoint: names.name(store.KindEndpoint, t.EndpointID),
		Resource: names.name(store.KindResource, t.ResourceID),
	}
}

// storeFilter turns names into ids and phases into what is stored, and keeps a
// client to its own tasks.
func (s *Service) storeFilter(p dispatchapy.Principal, f TaskFilter, now *outlook) (store.TaskFilter, error) {
	out, err := s.anyPhase(p, f)
	if err == nil {
		now.narrow(&out, f.Phases)
	}
	return out, err
}

// anyPhase is storeFilter without the phases.
func (s *Service) anyPhase(p dispatchapy.Principal, f TaskFilter) (store.TaskFilter, error) {
	if err := f.check(); err != nil {
		return store.TaskFilter{}, err
	}
	names := s.names.Load()
	out := store.TaskFilter{
		Statuses:    f.Statuses,
		ClientIDs:   names.ids(store.KindClient, f.Clients),
		EndpointIDs: names.ids(store.KindEndpoint, f.Endpoints),
		ResourceIDs: names.ids(store.KindResource, f.Resources),
		Scope:       f.Scope,
		Since:       f.Since,
		Until:       f.Until,
		Text:        f.Text,
		SourceOnly:  !s.mayReadProviders(p),
	}
	if prefix, isPrefix := strings.CutSuffix(f.Ref, "*"); isPrefix {
		out.RefPrefix = prefix
	} else {
		out.Ref = f.Ref
	}
	if !p.IsStaff() {
		if out.ClientIDs == nil || slices.Contains(out.ClientIDs, p.ClientID) {
			out.ClientIDs = []int64{p.ClientID}
		} else {
			out.ClientIDs = []int64{}
		}
	}
	if f.Text != "" {
		out.Named = store.NamedIDs{
			Clients:   names.containing(store.KindClient, f.Text),
			Endpoints: names.containing(store.KindEndpoint, f.Text),
			Resources: names.containing(store.KindResource, f.Text),
		}
	}
	return out, nil
}

func (f *TaskFilter) check() error {
	for _, status := range f.Statuses {
		if !status.Valid() {
			return invalid("status", "must be one of "+joinWords(dispatchapy.Statuses))
		}
	}
	for _, phase := range f.Phases {
		if !phase.Valid() {
			return invalid("phase", "must be one of "+joinWords(dispatchapy.Phases))
		}
	}
	for _, list := range []struct {
		field string
		names []string
	}{{"client", f.Clients}, {"endpoint", f.Endpoints}, {"resource", f.Resources}} {
		if len(list.names) > maxFilterNames {
			return invalid(list.field, fmt.Sprintf("at most %d names can be given", maxFilterNames))
		}
	}
	for _, text := range []struct{ field, value string }{{"q", f.Text}, {"ref", f.Ref}, {"scope", f.Scope}} {
		if len(text.value) > maxFilterText {
			return invalid(text.field, fmt.Sprintf("must have at most %d bytes", maxFilterText))
		}
	}
	if f.Ref == "*" {
		return invalid("ref", "needs something before the *, which stands for any end")
	}
	if !f.Since.IsZero() && !f.Until.IsZero() && f.Until.Before(f.Since) {
		return invalid("until", "must not be before since")
	}
	return nil
}

func joinWords[T ~string](list []T) string {
	words := make([]string, len(list))
	for i, word := range list {
		words[i] = string(word)
	}
	return strings.Join(words, ", ")
}
