package webui

import (
	"net/http"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

func (ui *UI) maintenanceRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{get, "/resources/{id}/maintenance", admins, ui.showMaintenance},
		{post, "/resources/{id}/maintenance", admins, ui.startMaintenance},
		{post, "/resources/{id}/maintenance/end", admins, ui.endMaintenance},
	}
}

// maintenancePage asks for how long a resource is to be left alone, and says
// what becomes of its messages.
type maintenancePage struct {
	resourcePage
	Form    *Form
	Effects []maintenanceEffect
}

// maintenanceEffect is what becomes of an endpoint's messages.
type maintenanceEffect struct {
	EndpointID    int64
	Path, Carrier string // Carrier: who takes them; "": nobody
}

// soon is how long before it begins planned work is said on the resource's
// pages.
const soon = 7 * 24 * time.Hour

// plan finds out which maintenance comes next, if it comes soon.
func (p *resourcePage) plan(now time.Time) {
	if _, in, next := dispatchapy.MaintenanceAt(p.R.Maintenance, now); !in && !next.IsZero() && next.Sub(now) < soon {
		w, _, _ := dispatchapy.MaintenanceAt(p.R.Maintenance, next)
		p.Ahead = &w
	}
}

// Endable reports whether the maintenance that goes on can be ended: what is
// planned for every week cannot.
func (p *resourcePage) Endable() bool {
	for _, m := range p.R.Maintenance {
		if _, in, _ := dispatchapy.MaintenanceAt([]dispatchapy.Maintenance{m}, time.Now()); in && m.Weekly != nil {
			return false
		}
	}
	return p.R.Planned != nil
}

func (ui *UI) showMaintenance(c *call) error {
	head, err := c.openResource("maintenance")
	if err != nil {
		return err
	}
	form := c.newForm(nil)
	form.Set("for", "1h")
	return ui.maintenancePage(c, &maintenancePage{resourcePage: head, Form: form})
}

func (ui *UI) maintenancePage(c *call, p *maintenancePage) error {
	uses, err := ui.service.ResourceUses(c.ctx(), c.who, p.R.ID)
	if err != nil {
		return err
	}
	for _, use := range uses {
		e, err := ui.service.EndpointRoute(c.ctx(), c.who, use.EndpointID)
		if err != nil {
			return err
		}
		effect := maintenanceEffect{EndpointID: e.ID, Path: e.Path}
		if carrier := e.CarrierWithout([]string{p.R.Name}); carrier >= 0 {
			effect.Carrier = e.Routes[carrier].Resource
		}
		p.Effects = append(p.Effects, effect)
	}
	return c.showStatus(p.Form.Status(), "resource_maintenance", c.t("Maintenance: {name}", "name", p.R.Name), p)
}

// window reads the maintenance that is asked for: for some time, or until a
// moment.
func (f *Form) window(now time.Time) dispatchapy.Maintenance {
	m := dispatchapy.Maintenance{From: f.clock("from"), Note: strings.TrimSpace(f.Value("note"))}
	begin := m.From
	if begin.IsZero() {
		begin = now
	}
	if m.Until = f.clock("until"); m.Until.IsZero() {
		length := f.Duration("for")
		if length <= 0 && f.Fault("for") == "" {
			f.Refuse("for", "Say how long it takes, like 30m or 2h.")
		}
		m.Until = begin.Add(length.Std())
	}
	return m
}

func (ui *UI) startMaintenance(c *call) error {
	head, err := c.openResource("maintenance")
	if err != nil {
		return err
	}
	p := &maintenancePage{resourcePage: head, Form: c.form()}
	p.Form.Labels = map[string]string{"for": c.t("It takes"), "from": c.t("It begins"), "until": c.t("Until"), "note": c.t("Note")}
	m := p.Form.window(time.Now())
	if p.Form.Failed() {
		return ui.maintenancePage(c, p)
	}
	_, err = ui.service.StartMaintenance(c.ctx(), c.who, p.R.ID, m)
	if p.Form.Take(err) {
		p.Form.placeWindow()
		return ui.maintenancePage(c, p)
	}
	if err != nil {
		return err
	}
	back := resourcePath(p.R.ID, "")
	if m.From.After(time.Now()) {
		return c.again(toast{Text: c.t("Maintenance of {name} is planned.", "name", p.R.Name)}, back)
	}
	return c.again(toast{
		Text: c.t("{name} is in maintenance: it gets no messages and no checks, and nobody is told.", "name", p.R.Name),
		Undo: &undo{resourcePath(p.R.ID, "maintenance/end"), map[string][]string{"back": {back}}},
	}, back)
}

// placeWindow gives faults of the window the fields of this form.
func (f *Form) placeWindow() {
	for i := range f.Faults {
		path := f.Faults[i].Path
		if at := strings.LastIndex(path, "]."); strings.HasPrefix(path, "maintenance[") && at >= 0 {
			f.Faults[i].Path = path[at+2:]
		}
		if f.Faults[i].Path == "until" && !f.given("until") {
			f.Faults[i].Path = "for"
		}
	}
}

func (ui *UI) endMaintenance(c *call) error {
	head, err := c.openResource("maintenance")
	if err != nil {
		return err
	}
	back := resourcePath(head.R.ID, "")
	_, err = ui.service.EndMaintenance(c.ctx(), c.who, head.R.ID)
	if err != nil {
		return c.refused(err, back)
	}
	t := toast{Text: c.t("The maintenance of {name} is over.", "name", head.R.Name)}
	if w := head.R.Planned; w != nil {
		t.Undo = &undo{resourcePath(head.R.ID, "maintenance"), map[string][]string{"until": {writeClock(w.Until)}, "note": {w.Note}, "back": {c.back(back)}}}
	}
	return c.again(t, back)
}

// maintenances says which resources are in maintenance, apart from those that
// are named already.
func (p *overviewPage) maintenances(c *call, said map[string]bool) (out []fact) {
	for i := range p.Resources {
		if r := &p.Resources[i]; r.Active && r.Planned != nil && !said[r.Name] {
			out = append(out, fact{Text: c.t("{name} is in maintenance.", "name", r.Name), Until: r.Planned.Until})
		}
	}
	return out
}

// until gives when the maintenance ends that a resource of a route is in; zero
// if it is in none.
func (p *overviewPage) until(r service.RouteState) time.Time {
	for i := range p.Resources {
		if p.Resources[i].Name == r.Resource && p.Resources[i].Planned != nil {
			return p.Resources[i].Planned.Until
		}
	}
	return time.Time{}
}
