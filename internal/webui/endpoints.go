package webui

import (
	"net/http"
	"strconv"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

func (ui *UI) endpointRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{get, "/endpoints", staff, ui.showEndpoints},
		{get, "/endpoints/new", admins, ui.newEndpoint},
		{post, "/endpoints/new", admins, ui.createEndpoint},
		{get, "/endpoints/{id}", staff, ui.showRoute},
		{post, "/endpoints/{id}", admins, ui.saveRoute},
		{get, "/endpoints/{id}/rules", staff, ui.showMapping},
		{post, "/endpoints/{id}/rules", admins, ui.saveMapping},
		{get, "/endpoints/{id}/overrides", staff, ui.showEndpointOverrides},
		{post, "/endpoints/{id}/overrides", admins, ui.saveEndpointOverrides},
		{get, "/endpoints/{id}/clients", staff, ui.showEndpointClients},
		{post, "/endpoints/{id}/clients", admins, ui.changeEndpointClients},
		{get, "/endpoints/{id}/alerts", staff, ui.showEndpointAlerts},
		{post, "/endpoints/{id}/alerts", admins, ui.saveEndpointAlerts},
		{get, "/endpoints/{id}/try", staff, ui.showTry},
		{post, "/endpoints/{id}/try", senders, ui.sendTry},
		{post, "/endpoints/{id}/order", admins, ui.orderEndpoint},
		{post, "/endpoints/{id}/active", admins, ui.switchEndpoint},
		{post, "/endpoints/{id}/duplicate", admins, ui.duplicateEndpoint},
		{get, "/endpoints/{id}/delete", admins, ui.confirmEndpointDelete},
		{post, "/endpoints/{id}/delete", admins, ui.deleteEndpoint},
	}
}

// endpointsPage lists the endpoints.
type endpointsPage struct {
	Shell
	Query        string
	Origin       string // of the gateway, as the browser sees it
	Rows         []endpointRow
	Next         string // address of the next page; "" at the end
	First        string // address of the first page, on others
	HasResources bool   // without one an endpoint is of no use
}

// endpointRow is an endpoint as it stands in the list.
type endpointRow struct {
	service.EndpointRoute
	Description string
	Active      bool
	State       state
	Clients     []string
	Count       service.StatsRow // of 24 hours
}

// Hidden counts the clients that are not named in the list.
func (r *endpointRow) Hidden() int { return max(0, len(r.Clients)-namedClients) }

// Named gives the clients that are named in the list.
func (r *endpointRow) Named() string {
	return strings.Join(r.Clients[:min(len(r.Clients), namedClients)], ", ")
}

const (
	namedClients     = 2
	endpointsPerPage = 20
)

func endpointPath(id int64, tab string) string {
	path := "/endpoints/" + strconv.FormatInt(id, 10)
	if tab != "" {
		path += "/" + tab
	}
	return path
}

func (ui *UI) showEndpoints(c *call) error {
	p := &endpointsPage{Origin: c.origin(), Query: strings.TrimSpace(c.query("q"))}
	found, err := ui.service.ListEndpoints(c.ctx(), c.who, service.PageRequest{Text: p.Query, Cursor: c.query("cursor"), Limit: endpointsPerPage})
	if err != nil {
		return err
	}
	routes, err := ui.service.EndpointRoutes(c.ctx(), c.who)
	if err != nil {
		return err
	}
	stats, err := ui.service.Stats(c.ctx(), c.who, service.StatsInput{Group: "endpoint"})
	if err != nil {
		return err
	}
	resources, err := ui.service.ListResources(c.ctx(), c.who, service.PageRequest{Limit: 1})
	if err != nil {
		return err
	}
	p.HasResources = len(resources.Items) > 0
	p.addRows(c, found.Items, routes, stats.Rows)
	p.Next, p.First = c.pageLinks(found.Next)
	return c.show("endpoints", c.t("Endpoints"), p)
}

func (p *endpointsPage) addRows(c *call, found []service.Endpoint, routes []service.EndpointRoute, stats []service.StatsRow) {
	routeOf := make(map[int64]service.EndpointRoute, len(routes))
	for _, r := range routes {
		routeOf[r.ID] = r
	}
	countOf := make(map[string]service.StatsRow, len(stats))
	for _, row := range stats {
		countOf[row.Name] = row
	}
	for i := range found {
		e := &found[i]
		p.Rows = append(p.Rows, endpointRow{
			EndpointRoute: routeOf[e.ID], Description: e.Description, Active: e.IsActive(),
			State: c.readyState(e), Clients: e.Clients, Count: countOf[e.Path],
		})
	}
}

// readyState says whether an endpoint has all that it needs.
func (c *call) readyState(e *service.Endpoint) state {
	switch {
	case !e.IsActive():
		return state{"stop", "off", c.t("Switched off")}
	case e.Readiness == dispatchapy.ReadinessReady:
		return state{"ok", "ok", c.t("Ready")}
	}
	return state{"warn", "warn", c.readiness(e.Readiness)}
}

// pageLinks gives the addresses of the next and the first page of a list.
func (c *call) pageLinks(next string) (following, first string) {
	q := c.r.URL.Query()
	if q.Get("cursor") != "" {
		q.Del("cursor")
		first = c.r.URL.Path + "?" + q.Encode()
	}
	if next != "" {
		q.Set("cursor", next)
		following = c.r.URL.Path + "?" + q.Encode()
	}
	return following, strings.TrimSuffix(first, "?")
}
