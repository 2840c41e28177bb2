package httpapi

import (
	"context"
	"net/http"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// uptime is how a resource did in a time.
type uptime struct {
	Since         timestamp               `json:"since"`
	Until         timestamp               `json:"until" doc:"Not after now"`
	Uptime        *float64                `json:"uptime" doc:"Which part of the known time it was up, 0 to 1; null if nothing is known"`
	Worst         dispatchapy.HealthState `json:"worst" enum:"unknown,up,down,maintenance" doc:"down if it was down at all, else up, else maintenance"`
	UpMS          int64                   `json:"up_ms"`
	DownMS        int64                   `json:"down_ms"`
	MaintenanceMS int64                   `json:"maintenance_ms" doc:"Planned: counts as neither up nor down"`
	UnknownMS     int64                   `json:"unknown_ms" doc:"Nobody looked: counts as neither up nor down"`
	Checks        int64                   `json:"checks"`
	Failures      int64                   `json:"failures" doc:"Failed checks. A few of them need not have led to the state down"`
	CheckMS       quantiles               `json:"check_ms" doc:"Duration of the checks that succeeded"`
}

// resourceUptime is no page: its size is bounded.
type resourceUptime struct {
	Total uptime   `json:"total"`
	Bars  []uptime `json:"bars" doc:"By the hour for a day, else by the day (UTC), oldest first; the last one is not over"`

	Repairs repairs `json:"repairs"`
}

// repairs are the outages of a resource in a time.
type repairs struct {
	Incidents int64  `json:"incidents" doc:"Incidents of the kind resource.down that began in it"`
	Repaired  int64  `json:"repaired" doc:"That ended in it"`
	MTTRMS    *int64 `json:"mttr_ms" doc:"Mean time to repair of those that ended in it; null if none did"`
}

// resourceHealth is a resource's health beside that of others.
type resourceHealth struct {
	ID     int64       `json:"id"`
	Name   string      `json:"name"`
	Active bool        `json:"active"`
	Health health      `json:"health"`
	Uptime uptime      `json:"uptime"`
	Recent []checkMark `json:"recent" doc:"The latest checks, oldest first, at most 60"`

	Repairs repairs `json:"repairs" doc:"Over the span of uptime"`
}

type checkMark struct {
	At         timestamp               `json:"at"`
	OK         bool                    `json:"ok"`
	State      dispatchapy.HealthState `json:"state" enum:"unknown,up,down" doc:"Of the resource after this check"`
	DurationMS float64                 `json:"duration_ms"`
}

func (a *api) registerUptime() {
	type uptimeInput struct {
		ByID
		Span string `query:"span" enum:"24h,7d,30d,90d" default:"24h"`
	}
	register(a, operation(http.MethodGet, "/v1/resources/{id}/uptime", "get-uptime", "resources", "Show how a resource did over a time"),
		func(ctx context.Context, p dispatchapy.Principal, in *uptimeInput) (*answer[resourceUptime], error) {
			found, err := a.service.ResourceUptime(ctx, p, in.ID, in.Span)
			return &answer[resourceUptime]{newResourceUptime(&found)}, err
		})
	type healthInput struct {
		NamePaging
		Span string `query:"span" enum:"24h,7d,30d,90d" default:"24h" doc:"Of uptime"`
	}
	register(a, operation(http.MethodGet, "/v1/health", "list-health", "resources", "List the health of resources with their latest checks, by name"),
		func(ctx context.Context, p dispatchapy.Principal, in *healthInput) (*answer[list[resourceHealth]], error) {
			found, err := a.service.ListHealth(ctx, p, in.request(), in.Span)
			return page(found, newResourceHealth), err
		})
}

func newResourceUptime(u *service.ResourceUptime) resourceUptime {
	out := resourceUptime{Total: newUptime(&u.Total), Bars: make([]uptime, len(u.Bars)), Repairs: newRepairs(&u.Repairs)}
	for i := range u.Bars {
		out.Bars[i] = newUptime(&u.Bars[i])
	}
	return out
}

func newUptime(u *service.Uptime) uptime {
	out := uptime{
		Since: timestamp(u.Since), Until: timestamp(u.Until), Worst: u.Worst(),
		UpMS: u.Up.Milliseconds(), DownMS: u.Down.Milliseconds(),
		MaintenanceMS: u.Maintenance.Milliseconds(), UnknownMS: u.Unknown.Milliseconds(),
		Checks: u.Checks, Failures: u.Failures,
		CheckMS: newQuantiles(u.Answer, u.Checks-u.Failures),
	}
	if share, ok := u.Share(); ok {
		out.Uptime = &share
	}
	return out
}

func newResourceHealth(r *service.ResourceHealth) resourceHealth {
	out := resourceHealth{
		ID: r.ID, Name: r.Name, Active: r.Active, Health: newHealth(&r.Health, r.Planned), Uptime: newUptime(&r.Uptime),
		Recent: make([]checkMark, len(r.Recent)), Repairs: newRepairs(&r.Repairs),
	}
	for i, m := range r.Recent {
		out.Recent[i] = checkMark{At: timestamp(m.At), OK: m.OK, State: m.State, DurationMS: milliseconds(m.Duration)}
	}
	return out
}

func newRepairs(r *service.Repairs) repairs {
	out := repairs{Incidents: r.Incidents, Repaired: r.Repaired}
	if r.Repaired > 0 {
		mttr := r.MTTR.Milliseconds()
		out.MTTRMS = &mttr
	}
	return out
}
