package webui

import (
	"net/http"
	"strconv"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// resourcePage is what the pages of a resource share: head and tabs.
type resourcePage struct {
	Shell
	R     service.Resource
	Now   service.ResourceState
	State state
	Tab   string
	Ahead *dispatchapy.Window // of maintenance that comes soon; nil: none
}

func resourcePath(id int64, below string) string {
	path := "/resources/" + strconv.FormatInt(id, 10)
	if below != "" {
		path += "/" + below
	}
	return path
}

// Own gives the address of the resource, or of what is below it.
func (p *resourcePage) Own(below string) string { return resourcePath(p.R.ID, below) }

// Host names where the resource is.
func (p *resourcePage) Host() string { return hostOf(p.R.URL) }

// Actual reports whether a check is a real request.
func (p *resourcePage) Actual() bool { return p.R.HealthCheck.Method == dispatchapy.CheckActual }

// Checked reports whether checks are made by themselves.
func (p *resourcePage) Checked() bool { return p.R.IsActive() && p.R.HealthCheck.Enabled }

// openResource reads what every tab shows.
func (c *call) openResource(tab string) (resourcePage, error) {
	p := resourcePage{Tab: tab}
	id, err := c.id()
	if err != nil {
		return p, err
	}
	if p.R, err = c.ui.service.Resource(c.ctx(), c.who, id); err != nil {
		return p, err
	}
	states, err := c.ui.service.ResourceStates(c.ctx(), c.who)
	if err != nil {
		return p, err
	}
	p.Now = states[id]
	p.plan(time.Now())
	p.State = (&words{c.lang}).resource(p.R.IsActive(), p.R.Health.State, string(p.Now.Reason))
	return p, nil
}

func (ui *UI) resourceRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{get, "/resources", staff, ui.showResources},
		{get, "/resources/new", admins, ui.showNewResource},
		{post, "/resources/new", admins, ui.createResource},
		{get, "/resources/{id}", staff, ui.showResource},
		{get, "/resources/{id}/delivery", staff, ui.showDelivery},
		{get, "/resources/{id}/configuration", staff, ui.showConfiguration},
		{post, "/resources/{id}/configuration", admins, ui.saveConfiguration},
		{get, "/resources/{id}/alerts", staff, ui.showAlerts},
		{post, "/resources/{id}/alerts", admins, ui.saveAlerts},
		{get, "/resources/{id}/test", admins, ui.showTrial},
		{post, "/resources/{id}/test", admins, ui.sendTrial},
		{get, "/resources/{id}/used-by", staff, ui.showUses},
		{post, "/resources/{id}/check", checkers, ui.checkResource},
		{post, "/resources/{id}/active", admins, ui.switchResource},
		{post, "/resources/{id}/duplicate", admins, ui.duplicateResource},
		{get, "/resources/{id}/delete", admins, ui.confirmResourceDelete},
		{post, "/resources/{id}/delete", admins, ui.deleteResource},
	}
}
