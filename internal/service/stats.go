package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

const (
	defaultSpan = 24 * time.Hour // of statistics, where nothing is said
	maxBuckets  = 2000           // per group
)

// StatsStore is where what happened is counted.
type StatsStore interface {
	Stats(ctx context.Context, q store.StatsQuery) ([]store.StatsRow, error)
	Held(ctx context.Context) ([]store.LaneBacklog, error)
	FailedAttempts(ctx context.Context, resourceID int64, limit int) ([]store.FailedAttempt, error)
}

// StatsInput asks for statistics. Names are those of present or deleted
// objects; empty ones select everything.
type StatsInput struct {
	Since  time.Time     // zero: a day before Until
	Until  time.Time     // zero: now
	Bucket time.Duration // a multiple of an hour; 0: everything in one
	Group  string        // endpoint, client, resource or scope; "": all together

	Endpoint string
	Client   string
	Resource string
	Scope    string
}

// Stats are the statistics of a time, widened to full hours.
type Stats struct {
	Since, Until time.Time
	Rows         []StatsRow
}

// StatsRow is one bucket of one group.
type StatsRow struct {
	Start          time.Time
	Name           string // of the group's object, or the scope
	Delivered      int64  // tasks
	Failed         int64
	Attempts       int64 // requests
	FailedAttempts int64
	Latency        Quantiles // from accepting a task to its delivery
	Answer         Quantiles // of an attempt
}

// Quantiles are estimates: half, and nineteen of twenty, took no longer. Zero
// where nothing was counted.
type Quantiles struct{ P50, P95 time.Duration }

// statsGroups are the groups with the kind of object that they are made by.
var statsGroups = map[string]store.Kind{
	"":                       "",
	string(store.ByEndpoint): store.KindEndpoint,
	string(store.ByClient):   store.KindClient,
	string(store.ByResource): store.KindResource,
	string(store.ByScope):    "",
}

// Stats counts what became of tasks and attempts. A client gets its own.
func (s *Service) Stats(ctx context.Context, p dispatchapy.Principal, in StatsInput) (Stats, error) {
	if err := require(p, dispatchapy.ReadTasks); err != nil {
		return Stats{}, err
	}
	if err := in.complete(time.Now()); err != nil {
		return Stats{}, err
	}
	out := Stats{Since: in.Since, Until: in.Until}
	query, some := s.statsQuery(p, in)
	if !some {
		return out, nil
	}
	rows, err := s.store.Stats(ctx, query)
	if err != nil {
		return Stats{}, storeError(err)
	}
	names, kind := s.names.Load(), statsGroups[in.Group]
	out.Rows = make([]StatsRow, len(rows))
	for i := range rows {
		r := &rows[i]
		out.Rows[i] = StatsRow{
			Start: r.Start, Name: r.Scope,
			Delivered: r.Delivered, Failed: r.Failed, Attempts: r.Attempts, FailedAttempts: r.FailedAttempts,
			Latency: quantiles(&r.Latency), Answer: quantiles(&r.Answer),
		}
		if kind != "" {
			out.Rows[i].Name = names.name(kind, r.ObjectID)
		}
	}
	return out, nil
}

// complete checks what is asked for and fills in what was left out.
func (in *StatsInput) complete(now time.Time) error {
	if in.Until.IsZero() {
		in.Until = now
	}
	if full := in.Until.Truncate(time.Hour); full.Before(in.Until) {
		in.Until = full.Add(time.Hour)
	}
	if in.Since.IsZero() {
		in.Since = in.Until.Add(-defaultSpan)
	}
	in.Since = in.Since.Truncate(time.Hour)
	span := in.Until.Sub(in.Since)
	_, known := statsGroups[in.Group]
	switch {
	case !known:
		return invalid("group", "must be endpoint, client, resource or scope")
	case span <= 0:
		return invalid("until", "must be after since")
	case in.Bucket < 0 || in.Bucket%time.Hour != 0:
		return invalid("bucket", "must be a number of full hours, like 1h or 24h")
	case in.Bucket > 0 && span/in.Bucket >= maxBuckets:
		return invalid("bucket", fmt.Sprintf("gives more than %d buckets: ask for longer ones, or for less time", maxBuckets))
	}
	return nil
}

// statsQuery turns names into ids and keeps a client to its own. some is false
// if nothing can match.
func (s *Service) statsQuery(p dispatchapy.Principal, in StatsInput) (q store.StatsQuery, some bool) {
	q = store.StatsQuery{Since: in.Since, Until: in.Until, Bucket: in.Bucket, Group: store.StatsGroup(in.Group), Scope: in.Scope}
	names := s.names.Load()
	for _, filter := range []struct {
		name string
		kind store.Kind
		id   *int64
	}{
		{in.Endpoint, store.KindEndpoint, &q.EndpointID},
		{in.Client, store.KindClient, &q.ClientID},
		{in.Resource, store.KindResource, &q.ResourceID},
	} {
		if filter.name == "" {
			continue
		}
		ids := names.ids(filter.kind, []string{filter.name})
		if len(ids) == 0 {
			return q, false
		}
		*filter.id = slices.Max(ids) // of those that had the name the last one
	}
	if p.IsStaff() {
		return q, true
	}
	if q.ClientID != 0 && q.ClientID != p.ClientID {
		return q, false
	}
	q.ClientID = p.ClientID
	return q, true
}

func quantiles(h *store.Histogram) Quantiles {
	return Quantiles{P50: h.Quantile(0.5), P95: h.Quantile(0.95)}
}

// Lane is what an endpoint has unfinished at this moment.
type Lane struct {
	Endpoint string
	Waiting  int       // pending or being sent
	InFlight int       // of those, being sent by this node
	Held     int       // until a person lets them go
	Oldest   time.Time // when the oldest of those waiting was accepted; zero: none waits
}

// Load gives the lanes that have unfinished tasks, by endpoint.
func (s *Service) Load(ctx context.Context, p dispatchapy.Principal) ([]Lane, error) {
	if err := require(p, dispatchapy.ReadTasks); err != nil {
		return nil, err
	}
	if !p.IsStaff() {
		return nil, dispatchapy.Errorf(dispatchapy.CodeForbidden, "lanes are shared between clients: list your tasks by status instead")
	}
	waiting, err := s.store.Backlog(ctx)
	if err != nil {
		return nil, storeError(err)
	}
	held, err := s.store.Held(ctx)
	if err != nil {
		return nil, storeError(err)
	}
	lanes := map[int64]*Lane{}
	lane := func(id int64) *Lane {
		if lanes[id] == nil {
			lanes[id] = &Lane{Endpoint: s.names.Load().name(store.KindEndpoint, id)}
		}
		return lanes[id]
	}
	for _, w := range waiting {
		l := lane(w.EndpointID)
		l.Waiting, l.Oldest = w.Tasks, w.Oldest
	}
	for _, h := range held {
		lane(h.EndpointID).Held = h.Tasks
	}
	for id, n := range s.delivery.InFlight() {
		if n > 0 {
			lane(id).InFlight = n
		}
	}
	return sortedLanes(lanes), nil
}

func sortedLanes(lanes map[int64]*Lane) []Lane {
	out := make([]Lane, 0, len(lanes))
	for _, l := range lanes {
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b Lane) int { return strings.Compare(a.Endpoint, b.Endpoint) })
	return out
}
