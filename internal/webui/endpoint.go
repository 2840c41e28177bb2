package webui

import (
	"errors"
	"strconv"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// endpointPage is what all tabs of an endpoint begin with.
type endpointPage struct {
	Shell
	E      service.Endpoint
	Route  service.EndpointRoute
	State  state
	Checks []readyCheck
	Tab    string // its path; "" for the first
	Form   *Form
	Origin string // of the gateway, as the browser sees it

	resources []service.Resource // of the endpoint, in order
}

// readyCheck is something that an endpoint needs to work.
type readyCheck struct {
	Done       bool
	Text, Path string
}

// URL gives the address at which callers post.
func (p *endpointPage) URL() string { return "/api/" + p.E.Path }

// Own gives the address of the page, or of what is below it.
func (p *endpointPage) Own(below string) string { return endpointPath(p.E.ID, below) }

// openEndpoint reads what every tab shows.
func (c *call) openEndpoint(tab string) (endpointPage, error) {
	p := endpointPage{Tab: tab, Origin: c.origin()}
	id, err := c.id()
	if err != nil {
		return p, err
	}
	if p.E, err = c.ui.service.Endpoint(c.ctx(), c.who, id); err != nil {
		return p, err
	}
	if p.Route, err = c.ui.service.EndpointRoute(c.ctx(), c.who, id); err != nil {
		return p, err
	}
	if p.resources, err = c.ui.service.ResourcesNamed(c.ctx(), c.who, p.E.Resources); err != nil {
		return p, err
	}
	p.State, p.Checks = c.readyState(&p.E), c.readyChecks(&p)
	return p, nil
}

// readyChecks lists what an endpoint needs, with where it is given.
func (c *call) readyChecks(p *endpointPage) []readyCheck {
	e := &p.E
	mapped := 0
	for i := range p.resources {
		if len(p.missing(i)) == 0 {
			mapped++
		}
	}
	mapping := c.t("Mapping {done} of {all}", "done", mapped, "all", len(p.resources))
	return []readyCheck{
		{true, c.t("Path"), p.Own("") + "#f-path"},
		{true, c.lang.N("{n} parameter", "{n} parameters", len(e.RequiredParams)), p.Own("") + "#f-required_params"},
		{len(e.Resources) > 0, c.lang.N("{n} resource", "{n} resources", len(e.Resources)), p.Own("") + "#failover"},
		{len(e.Resources) > 0 && mapped == len(p.resources), mapping, p.Own("rules")},
		{len(e.Clients) > 0, c.lang.N("{n} client", "{n} clients", len(e.Clients)), p.Own("clients")},
	}
}

// missing gives the keys that the i-th resource requires and its mapping does
// not give.
func (p *endpointPage) missing(i int) []string {
	r := &p.resources[i]
	return p.E.Mapping[r.Name].Missing(r.RequiredParams)
}

// switchEndpoint switches an endpoint on or off.
func (ui *UI) switchEndpoint(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	on := c.r.PostFormValue("on") != ""
	e, err := c.editEndpoint(id, func(d *service.EndpointDraft) { d.Active = &on })
	if err != nil {
		return c.refused(err, endpointPath(id, ""))
	}
	text, undoing := c.t("{path} is switched off: it answers 404.", "path", "/api/"+e.Path), "on"
	if on {
		text, undoing = c.t("{path} is switched on.", "path", "/api/"+e.Path), ""
	}
	back := c.back(endpointPath(id, ""))
	return c.again(toast{Text: text, Undo: &undo{endpointPath(id, "active"), map[string][]string{"on": {undoing}, "back": {back}}}}, back)
}

// editEndpoint makes a small change on top of whatever is stored at this moment.
func (c *call) editEndpoint(id int64, edit func(*service.EndpointDraft)) (service.Endpoint, error) {
	e, err := c.ui.service.Endpoint(c.ctx(), c.who, id)
	if err != nil {
		return e, err
	}
	return c.ui.service.UpdateEndpoint(c.ctx(), c.who, id, &e.Version, func(d *service.EndpointDraft) error {
		edit(d)
		return nil
	})
}

// refused answers an action that could not be done at once, with the page as it
// is and the reason.
func (c *call) refused(err error, otherwise string) error {
	var known *dispatchapy.Error
	if !errors.As(err, &known) || known.Code != dispatchapy.CodeConflict && known.Code != dispatchapy.CodeInvalid {
		return err
	}
	return c.again(toast{Tone: "fail", Text: c.said(err)}, otherwise)
}

// duplicateEndpoint adds a copy and opens it.
func (ui *UI) duplicateEndpoint(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	made, err := ui.service.DuplicateEndpoint(c.ctx(), c.who, id)
	if err != nil {
		return err
	}
	c.done("This is the copy. Its clients may post to it already.")
	return c.redirect(endpointPath(made.ID, ""))
}

// endpointDeletePage names what deleting an endpoint does.
type endpointDeletePage struct {
	endpointPage
	Impact  service.Impact
	Changed bool // since the page was shown
}

func (ui *UI) confirmEndpointDelete(c *call) error {
	p, err := c.openEndpoint("delete")
	if err != nil {
		return err
	}
	return c.endpointDelete(&endpointDeletePage{endpointPage: p}, 200)
}

func (c *call) endpointDelete(p *endpointDeletePage, status int) (err error) {
	if p.Impact, err = c.ui.service.EndpointImpact(c.ctx(), c.who, p.E.ID); err != nil {
		return err
	}
	return c.showStatus(status, "endpoint_delete", c.t("Delete {name}", "name", p.URL()), p)
}

func (ui *UI) deleteEndpoint(c *call) error {
	p, err := c.openEndpoint("delete")
	if err != nil {
		return err
	}
	version, err := strconv.ParseInt(c.r.PostFormValue("version"), 10, 64)
	if err != nil {
		return c.endpointDelete(&endpointDeletePage{endpointPage: p}, 422)
	}
	err = ui.service.DeleteEndpoint(c.ctx(), c.who, p.E.ID, &version, true)
	var conflict *service.ConflictError
	switch {
	case errors.As(err, &conflict):
		return c.endpointDelete(&endpointDeletePage{endpointPage: p, Changed: true}, 409)
	case err != nil:
		return err
	}
	c.done("{path} is deleted.", "path", p.URL())
	return c.redirect("/endpoints")
}
