package httpapi

import (
	"context"
	"net/http"

	"dispatchapy"
	"dispatchapy/internal/service"
)

const statusPath = "/v1/status"

// publicStatus is how the gateway does, for people without an account.
type publicStatus struct {
	Title     string              `json:"title"`
	At        timestamp           `json:"at" doc:"When this was looked at; at most 15 seconds ago, unless the database cannot be read"`
	State     service.StatusState `json:"state" enum:"operational,maintenance,degraded,down" doc:"Of all endpoints together: down only if all are"`
	Endpoints []publicEndpoint    `json:"endpoints" doc:"Those that the settings name, in their order"`
}

type publicEndpoint struct {
	Path      string              `json:"path"`
	Name      string              `json:"name"`
	State     service.StatusState `json:"state" enum:"operational,maintenance,degraded,down"`
	Uptime    *float64            `json:"uptime" doc:"Which part of the known time messages were delivered, 0 to 1, over all days; null if nothing is known"`
	Days      []publicDay         `json:"days" doc:"The latest 90 by UTC, oldest first; the last one is not over"`
	Resources []publicResource    `json:"resources,omitempty" doc:"In failover order, where the settings publish them"`
}

type publicDay struct {
	Date          string              `json:"date" example:"2026-11-25"`
	State         service.StatusState `json:"state" enum:"operational,maintenance,degraded,down,unknown" doc:"The worst of the day"`
	UpMS          int64               `json:"up_ms" doc:"The first choice worked"`
	DegradedMS    int64               `json:"degraded_ms" doc:"It did not, but another resource did"`
	DownMS        int64               `json:"down_ms" doc:"None did"`
	MaintenanceMS int64               `json:"maintenance_ms" doc:"None did, which was planned"`
	UnknownMS     int64               `json:"unknown_ms" doc:"Nobody looked"`
}

type publicResource struct {
	Name  string                  `json:"name"`
	State dispatchapy.HealthState `json:"state" enum:"unknown,up,down,maintenance"`
}

// registerStatus adds what visitors may ask for.
func (a *api) registerStatus() {
	type input struct {
		Token string `query:"token" maxLength:"200" doc:"Of the status page; not needed by staff, nor where the page is public"`
	}
	op := operation(http.MethodGet, statusPath, "get-status", "status", "Show the status page")
	op.Description = "There is one where settings.status_page is enabled."
	op.Security = []map[string][]string{{}, {"bearer": {}}, {"token": {}}, {"basic": {}}}
	register(a, op, func(ctx context.Context, p dispatchapy.Principal, in *input) (*answer[publicStatus], error) {
		found, err := a.service.StatusPage(ctx, service.Visitor{Token: dispatchapy.Secret(in.Token), Principal: p})
		if err != nil {
			return nil, err
		}
		return &answer[publicStatus]{newPublicStatus(found)}, nil
	})
}

func newPublicStatus(p *service.StatusPage) publicStatus {
	out := publicStatus{Title: p.Title, At: timestamp(p.At), State: p.State, Endpoints: make([]publicEndpoint, len(p.Endpoints))}
	for i := range p.Endpoints {
		e := &p.Endpoints[i]
		view := publicEndpoint{Path: e.Path, Name: e.Name, State: e.State, Days: make([]publicDay, len(e.Days))}
		if share, ok := e.Share(); ok {
			view.Uptime = &share
		}
		for j := range e.Days {
			d := &e.Days[j]
			view.Days[j] = publicDay{
				Date: d.Start.Format("2006-01-02"), State: d.State(), UpMS: d.Up.Milliseconds(), DegradedMS: d.Degraded.Milliseconds(),
				DownMS: d.Down.Milliseconds(), MaintenanceMS: d.Planned.Milliseconds(), UnknownMS: d.Unknown.Milliseconds(),
			}
		}
		for _, r := range e.Resources {
			view.Resources = append(view.Resources, publicResource(r))
		}
		out.Endpoints[i] = view
	}
	return out
}
