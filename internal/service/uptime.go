package service

import (
	"context"
	"fmt"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// UptimeStore is where the history of health is kept.
type UptimeStore interface {
	Uptime(ctx context.Context, q store.UptimeQuery) ([]store.UptimeRow, error)
	RecentChecks(ctx context.Context, resourceIDs []int64) ([]store.Recent, error)
}

// Uptime is how a resource did in a time. What counts as down is the state that
// its checks led to, not a single check that failed.
type Uptime struct {
	Since, Until time.Time // Until is not after now
	Up, Down     time.Duration
	Maintenance  time.Duration // planned: neither up nor down
	Unknown      time.Duration // the rest, in which nobody looked
	Checks       int64
	Failures     int64     // failed checks
	Answer       Quantiles // duration of the checks that succeeded
}

// Share gives which part of the time that is known the resource was up, 0 to 1;
// ok is false if nothing is known.
func (u *Uptime) Share() (share float64, ok bool) {
	known := u.Up + u.Down
	if known <= 0 {
		return 0, false
	}
	return float64(u.Up) / float64(known), true
}

// Worst gives the worst state of the time: down if it was down at all, then up,
// maintenance and unknown.
func (u *Uptime) Worst() dispatchapy.HealthState {
	switch {
	case u.Down > 0:
		return dispatchapy.HealthDown
	case u.Up > 0:
		return dispatchapy.HealthUp
	case u.Maintenance > 0:
		return dispatchapy.HealthMaintenance
	}
	return dispatchapy.HealthUnknown
}

// UptimeSpans are the times over which Uptime is given: a day by the hour, the
// others by the day (UTC). The present hour or day is the last one.
var UptimeSpans = []string{"24h", "7d", "30d", "90d"}

// uptimeSpan says where the bars of a span begin, and their length.
func uptimeSpan(span string, now time.Time) (since time.Time, bar time.Duration, bars int, err error) {
	bar = 24 * time.Hour
	switch span {
	case "", "24h":
		bar, bars = time.Hour, 24
	case "7d":
		bars = 7
	case "30d":
		bars = 30
	case "90d":
		bars = 90
	default:
		return since, 0, 0, invalid("span", fmt.Sprintf("must be one of %s", strings.Join(UptimeSpans, ", ")))
	}
	last := now.UTC().Truncate(bar)
	return last.Add(-time.Duration(bars-1) * bar), bar, bars, nil
}

// ResourceUptime is how a resource did over a span, as a whole and bar by bar.
type ResourceUptime struct {
	Total   Uptime
	Bars    []Uptime // every bar of the span, oldest first
	Repairs Repairs
}

// Repairs are the outages of a resource in a time: incidents of the kind
// resource.down.
type Repairs struct {
	Incidents int64         // that began in it
	Repaired  int64         // that ended in it
	MTTR      time.Duration // mean time to repair of those that ended; 0 if none did
}

func newRepairs(r *store.Repairs) Repairs {
	out := Repairs{Incidents: r.Opened, Repaired: r.Closed}
	if r.Closed > 0 {
		out.MTTR = r.Took / time.Duration(r.Closed)
	}
	return out
}

// ResourceUptime gives how a resource did over one of UptimeSpans; "" is a day.
func (s *Service) ResourceUptime(ctx context.Context, p dispatchapy.Principal, id int64, span string) (ResourceUptime, error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return ResourceUptime{}, err
	}
	resource, err := s.sightOf(p).resource(id)
	if err != nil {
		return ResourceUptime{}, err
	}
	now := time.Now()
	since, bar, bars, err := uptimeSpan(span, now)
	if err != nil {
		return ResourceUptime{}, err
	}
	health, err := s.health(ctx)
	if err != nil {
		return ResourceUptime{}, err
	}
	rows, err := s.store.Uptime(ctx, store.UptimeQuery{ResourceIDs: []int64{id}, Since: since, Bucket: bar})
	if err != nil {
		return ResourceUptime{}, storeError(err)
	}
	present := health[id]
	sums := make([]uptimeSum, bars)
	for i := range sums {
		sums[i].since = since.Add(time.Duration(i) * bar)
		sums[i].until = earlier(sums[i].since.Add(bar), now)
		sums[i].addSpans(present.Spans(now, resource.Maintenance))
	}
	for i := range rows {
		if at := int(rows[i].Start.Sub(since) / bar); at >= 0 && at < bars {
			sums[at].add(&rows[i])
		}
	}
	total := uptimeSum{since: since, until: now}
	out := ResourceUptime{Bars: make([]Uptime, bars)}
	for i := range sums {
		total.add(&sums[i].row)
		out.Bars[i] = sums[i].uptime()
	}
	out.Total = total.uptime()
	repairs, err := s.store.Repairs(ctx, dispatchapy.EventResourceDown, since, []int64{id})
	if err != nil {
		return ResourceUptime{}, storeError(err)
	}
	if len(repairs) > 0 {
		out.Repairs = newRepairs(&repairs[0])
	}
	return out, nil
}

// ResourceHealth is the health of a resource beside that of others.
type ResourceHealth struct {
	ID     int64
	Name   string
	Active bool
	Health dispatchapy.Health
	Recent []dispatchapy.CheckMark // the latest checks, oldest first, at most store.MaxRecent
	Uptime Uptime

	Repairs Repairs
	Planned *dispatchapy.Window // the maintenance that it is in; nil: none
}

// ListHealth gives a page of the health of the resources that p may see, by
// name, with how they did over one of UptimeSpans; "" is a day. It asks the
// database four times, however many they are.
func (s *Service) ListHealth(ctx context.Context, p dispatchapy.Principal, r PageRequest, span string) (Page[ResourceHealth], error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return Page[ResourceHealth]{}, err
	}
	found, err := byName(r, s.sightOf(p).resources(), func(r *routing.Resource) string { return r.Name })
	if err != nil {
		return Page[ResourceHealth]{}, err
	}
	items, err := s.resourceHealth(ctx, found.Items, span)
	return Page[ResourceHealth]{Items: items, Next: found.Next}, err
}

// AllHealth is ListHealth for all resources at once, for the overview.
func (s *Service) AllHealth(ctx context.Context, p dispatchapy.Principal, span string) ([]ResourceHealth, error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return nil, err
	}
	return s.resourceHealth(ctx, s.sightOf(p).resources(), span)
}

func (s *Service) resourceHealth(ctx context.Context, resources []*routing.Resource, span string) ([]ResourceHealth, error) {
	now := time.Now()
	since, _, _, err := uptimeSpan(span, now)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(resources))
	for i, r := range resources {
		ids[i] = r.ID
	}
	health, err := s.health(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.Uptime(ctx, store.UptimeQuery{ResourceIDs: ids, Since: since})
	if err != nil {
		return nil, storeError(err)
	}
	recent, err := s.store.RecentChecks(ctx, ids)
	if err != nil {
		return nil, storeError(err)
	}
	repairs, err := s.store.Repairs(ctx, dispatchapy.EventResourceDown, since, ids)
	if err != nil {
		return nil, storeError(err)
	}
	out := make([]ResourceHealth, len(resources))
	at := make(map[int64]int, len(resources))
	sums := make([]uptimeSum, len(resources))
	for i, r := range resources {
		at[r.ID] = i
		out[i] = ResourceHealth{ID: r.ID, Name: r.Name, Active: r.IsActive(), Health: healthOf(health, r.ID), Planned: plannedNow(r.Resource)}
		sums[i] = uptimeSum{since: since, until: now}
		sums[i].addSpans(out[i].Health.Spans(now, r.Maintenance))
	}
	for i := range rows {
		sums[at[rows[i].ResourceID]].add(&rows[i])
	}
	for i := range recent {
		out[at[recent[i].ResourceID]].Recent = recent[i].Checks
	}
	for i := range repairs {
		out[at[repairs[i].ResourceID]].Repairs = newRepairs(&repairs[i])
	}
	for i := range out {
		out[i].Uptime = sums[i].uptime()
	}
	return out, nil
}

// uptimeSum adds up what is known of a time.
type uptimeSum struct {
	since, until time.Time
	row          store.UptimeRow
}

func (s *uptimeSum) add(row *store.UptimeRow) {
	s.row.Up += row.Up
	s.row.Down += row.Down
	s.row.Maintenance += row.Maintenance
	s.row.Checks += row.Checks
	s.row.Failures += row.Failures
	s.row.Answer.Merge(&row.Answer)
}

// addSpans adds what lies within the time of spans that are not stored yet.
func (s *uptimeSum) addSpans(spans []dispatchapy.Span) {
	for _, span := range spans {
		from, to := span.From, earlier(span.To, s.until)
		if from.Before(s.since) {
			from = s.since
		}
		if !from.Before(to) {
			continue
		}
		switch span.State {
		case dispatchapy.HealthUp:
			s.row.Up += to.Sub(from)
		case dispatchapy.HealthDown:
			s.row.Down += to.Sub(from)
		case dispatchapy.HealthMaintenance:
			s.row.Maintenance += to.Sub(from)
		}
	}
}

func (s *uptimeSum) uptime() Uptime {
	r := &s.row
	return Uptime{
		Since: s.since, Until: s.until,
		Up: r.Up, Down: r.Down, Maintenance: r.Maintenance,
		Unknown:  max(s.until.Sub(s.since)-r.Up-r.Down-r.Maintenance, 0),
		Checks:   r.Checks,
		Failures: r.Failures,
		Answer:   quantiles(&r.Answer),
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
