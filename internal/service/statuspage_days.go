package service

import (
	"context"
	"maps"
	"slices"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// StatusDays is how many days the status page goes back.
const StatusDays = 90

// recentDays are read each time, because the history of up to
// dispatchapy.MaxSpan may still be written; what is older is read once a day.
const recentDays = int(dispatchapy.MaxSpan/day) + 1

const day = 24 * time.Hour

// StatusDay is how an endpoint did on a day (UTC), as far as it is over.
type StatusDay struct {
	Start    time.Time
	Up       time.Duration // by the first choice
	Degraded time.Duration // by others
	Down     time.Duration // by none
	Planned  time.Duration // by none, for maintenance
	Unknown  time.Duration // the rest, in which nobody looked
}

// State gives the worst state of the day.
func (d *StatusDay) State() StatusState {
	switch {
	case d.Down > 0:
		return StatusDown
	case d.Degraded > 0:
		return StatusDegraded
	case d.Up > 0:
		return StatusOperational
	case d.Planned > 0:
		return StatusMaintenance
	}
	return StatusUnknown
}

// addHour adds an hour, of which length is over. rows is what is known in it of
// the resources of c that are checked.
//
// The history says how long each was down, not when within the hour. Times in
// which all were down together count as long as they can have been: as long as
// the best of them was.
func (d *StatusDay) addHour(length time.Duration, rows []store.UptimeRow, c *chain) {
	var known, none, planned, lead time.Duration
	seen := false
	for i := range rows {
		r := &rows[i]
		if r.Up+r.Down+r.Maintenance == 0 {
			continue // it was not checked yet, or is not in use for as long
		}
		off := r.Down + r.Maintenance
		known = max(known, r.Up+off)
		if !seen {
			lead, none, planned, seen = off, off, r.Maintenance, true
			continue
		}
		none, planned = min(none, off), min(planned, r.Maintenance)
	}
	if c.always {
		none = 0
	}
	if c.first {
		lead = 0
	}
	known = min(known, length)
	none = min(none, known)
	planned = min(planned, none)
	degraded := min(max(lead-none, 0), known-none)
	d.Planned += planned
	d.Down += none - planned
	d.Degraded += degraded
	d.Up += known - none - degraded
	d.Unknown += length - known
}

// statusPast are days that are over for good, by endpoint.
type statusPast struct {
	until time.Time
	days  map[int64]pastDays
}

type pastDays struct {
	chain chain // that they were judged by
	days  []StatusDay
}

// forget drops what is no longer asked for, or of another day.
func (p *statusPast) forget(now time.Time, endpoints map[int64]bool) {
	until := now.UTC().Truncate(day).Add(-day * time.Duration(recentDays-1))
	if !p.until.Equal(until) {
		p.until, p.days = until, map[int64]pastDays{}
	}
	maps.DeleteFunc(p.days, func(id int64, _ pastDays) bool { return !endpoints[id] })
}

// chain is what of an endpoint's resources its history is judged by.
type chain struct {
	checked []int64 // those that are checked, in failover order
	always  bool    // there are others, which count as usable
	first   bool    // one of them comes before those that are checked
}

func chainOf(e *routing.Endpoint) (c chain) {
	for _, r := range activeChain(e) {
		if r.HealthCheck.Enabled {
			c.checked = append(c.checked, r.ID)
			continue
		}
		c.always, c.first = true, c.first || len(c.checked) == 0
	}
	return c
}

func (c *chain) equal(other *chain) bool {
	return slices.Equal(c.checked, other.checked) && c.always == other.always && c.first == other.first
}

// statusDays gives the latest days of an endpoint. Those that are not in past
// yet are put there.
func (s *Service) statusDays(ctx context.Context, e *routing.Endpoint, look *statusLook, past *statusPast) ([]StatusDay, error) {
	const before = StatusDays - recentDays
	c := chainOf(e)
	known, ok := past.days[e.ID]
	if !ok || !known.chain.equal(&c) {
		days, err := s.readDays(ctx, e, &c, look, past.until.Add(-day*time.Duration(before)), before)
		if err != nil {
			return nil, err
		}
		known = pastDays{c, days}
		past.days[e.ID] = known
	}
	recent, err := s.readDays(ctx, e, &c, look, past.until, recentDays)
	if err != nil {
		return nil, err
	}
	return slices.Concat(known.days, recent), nil
}

// readDays reads days from the history, and what is not stored of it yet.
func (s *Service) readDays(ctx context.Context, e *routing.Endpoint, c *chain, look *statusLook, since time.Time, n int) ([]StatusDay, error) {
	place := make(map[int64]int, len(c.checked))
	for i, id := range c.checked {
		place[id] = i
	}
	hours := make([][]store.UptimeRow, n*int(day/time.Hour))
	for i := range hours {
		hours[i] = make([]store.UptimeRow, len(c.checked))
	}
	if len(c.checked) > 0 {
		rows, err := s.store.Uptime(ctx, store.UptimeQuery{ResourceIDs: c.checked, Since: since, Until: since.Add(time.Duration(n) * day), Bucket: time.Hour})
		if err != nil {
			return nil, storeError(err)
		}
		for i := range rows {
			if at := int(rows[i].Start.Sub(since) / time.Hour); at >= 0 && at < len(hours) {
				hours[at][place[rows[i].ResourceID]] = rows[i]
			}
		}
	}
	for _, r := range activeChain(e) {
		if i, ok := place[r.ID]; ok {
			h := healthOf(look.health, r.ID)
			addUnstored(hours, i, since, look.now, h.Spans(look.now, r.Maintenance))
		}
	}
	return sumDays(hours, since, look.now, c), nil
}

// addUnstored adds to the hours of a resource what is not stored yet.
func addUnstored(hours [][]store.UptimeRow, place int, since, now time.Time, spans []dispatchapy.Span) {
	if len(spans) == 0 {
		return
	}
	for at := max(0, int(spans[0].From.Sub(since)/time.Hour)); at < len(hours); at++ {
		from := since.Add(time.Duration(at) * time.Hour)
		if !from.Before(now) {
			return
		}
		sum := uptimeSum{since: from, until: earlier(from.Add(time.Hour), now), row: hours[at][place]}
		sum.addSpans(spans)
		hours[at][place] = sum.row
	}
}

// sumDays adds up hours, as far as they are over.
func sumDays(hours [][]store.UptimeRow, since, now time.Time, c *chain) []StatusDay {
	const perDay = int(day / time.Hour)
	days := make([]StatusDay, len(hours)/perDay)
	for i := range days {
		days[i].Start = since.Add(time.Duration(i) * day)
	}
	for i := range hours {
		start := since.Add(time.Duration(i) * time.Hour)
		if length := min(now.Sub(start), time.Hour); length > 0 {
			days[i/perDay].addHour(length, hours[i], c)
		}
	}
	return days
}
