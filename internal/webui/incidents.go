package webui

import (
	"net/http"
	"strconv"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

func (ui *UI) incidentRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{get, "/incidents", staff, ui.showIncidents},
		{get, "/incidents/count", staff, ui.showIncidentCount},
		{get, "/incidents/resources", staff, ui.showReliability},
		{get, "/incidents/{id}", staff, ui.showIncident},
		{post, "/incidents/{id}/acknowledge", handlers, ui.acknowledgeIncident},
		{post, "/incidents/{id}/note", handlers, ui.noteIncident},
	}
}

// incidentsPage lists incidents: what goes on, and what is over.
type incidentsPage struct {
	Shell
	Form    *Form // the filter, as it stands in the address
	Filters []*Field
	Chips   []linkChip

	Ongoing []*incidentRow // all of them on a page that also has others, else those of the page
	More    string         // address of all that go on; "": they are all here
	Over    []*incidentRow
	Older   string // address of the next page; "" at the end
	Newest  string // address of the first page; "" on it
}

// incidentRow is an incident with what lists say of it.
type incidentRow struct {
	service.Incident
	What  string // is or was wrong
	State state
}

// linkChip leads to a part of a list.
type linkChip struct {
	Path, Label string
	Current     bool
}

// incidentFilters are the parameters of the list's address.
var incidentFilters = []string{"state", "kind", "resource", "endpoint", "since", "until", "cursor"}

// mostOngoing is how many incidents are listed before those that are over.
const mostOngoing = 50

// Narrowed reports whether anything is left out.
func (p *incidentsPage) Narrowed() bool {
	return p.Form.Value("kind")+p.Form.Value("resource")+p.Form.Value("endpoint")+p.Form.Value("since")+p.Form.Value("until") != ""
}

// IsLive reports whether the page is to change with what happens.
func (p *incidentsPage) IsLive() bool { return p.Newest == "" && !p.Form.Failed() }

func (ui *UI) showIncidents(c *call) error {
	p := &incidentsPage{Form: c.newForm(c.r.URL.Query())}
	p.Form.Set("state", oneOf(p.Form.Value("state"), "ongoing", "over"))
	filter := p.filter()
	if !p.Form.Failed() {
		if err := p.find(c, filter); err != nil && !p.Form.Take(err) {
			return err
		}
	}
	if err := p.addFilters(c); err != nil {
		return err
	}
	return c.showStatus(p.Form.Status(), "incidents", c.t("Incidents"), p)
}

// filter reads what is asked for. Days are those of UTC; until includes its own.
func (p *incidentsPage) filter() service.IncidentFilter {
	f := service.IncidentFilter{
		Resource: p.Form.Value("resource"), Endpoint: p.Form.Value("endpoint"), Since: p.Form.Day("since"), Until: p.Form.Day("until"),
	}
	if kind := p.Form.Value("kind"); kind != "" {
		f.Kinds = []string{kind}
	}
	if !f.Until.IsZero() {
		f.Until = f.Until.Add(day)
	}
	return f
}

// find reads what goes on and then what is over, or one of them.
func (p *incidentsPage) find(c *call, filter service.IncidentFilter) error {
	cursor, which := p.Form.Value("cursor"), p.Form.Value("state")
	if which == "" && cursor == "" {
		page, err := c.incidents(filter, true, service.PageRequest{Limit: mostOngoing})
		if err != nil {
			return err
		}
		if p.Ongoing = page.Items; page.Next != "" {
			p.More = p.Form.address("/incidents", incidentFilters, "state", "ongoing")
		}
	}
	page, err := c.incidents(filter, which == "ongoing", service.PageRequest{Cursor: cursor})
	if err != nil {
		return err
	}
	if p.Over = page.Items; which == "ongoing" {
		p.Ongoing, p.Over = page.Items, nil
	}
	if page.Next != "" {
		p.Older = p.Form.address("/incidents", incidentFilters, "cursor", page.Next)
	}
	if cursor != "" {
		p.Newest = p.Form.address("/incidents", incidentFilters, "cursor", "")
	}
	return nil
}

// incidents reads a page of incidents that go on, or of those that are over.
func (c *call) incidents(filter service.IncidentFilter, ongoing bool, r service.PageRequest) (service.Page[*incidentRow], error) {
	filter.Open = &ongoing
	found, err := c.ui.service.ListIncidents(c.ctx(), c.who, filter, r)
	page := service.Page[*incidentRow]{Next: found.Next}
	w := &words{c.lang}
	for i := range found.Items {
		page.Items = append(page.Items, w.incidentRow(&found.Items[i]))
	}
	return page, err
}

func (w *words) incidentRow(i *service.Incident) *incidentRow {
	return &incidentRow{Incident: *i, What: w.incident(i), State: w.incidentState(i)}
}

func (p *incidentsPage) addFilters(c *call) error {
	for _, chip := range []struct{ state, label string }{{"", c.t("All")}, {"ongoing", c.t("Ongoing")}, {"over", c.t("Over")}} {
		f := c.newForm(p.Form.values)
		to := f.address("/incidents", incidentFilters[1:len(incidentFilters)-1], "state", chip.state)
		p.Chips = append(p.Chips, linkChip{to, chip.label, p.Form.Value("state") == chip.state})
	}
	kinds := []Option{{Label: c.t("Any kind")}}
	for _, kind := range incidentKinds {
		kinds = append(kinds, Option{Value: string(kind), Label: c.t(eventLabels[kind]), Selected: p.Form.Value("kind") == string(kind)})
	}
	p.Filters = append(p.Filters, &Field{ID: "f-kind", Name: "kind", Type: "select", Label: c.t("Kind"), Value: p.Form.Value("kind"), Options: kinds})
	for _, f := range []struct {
		key, label, all string
		names           func(*call) ([]string, error)
	}{{"resource", c.t("Resource"), c.t("Any resource"), resourceNames}, {"endpoint", c.t("Endpoint"), c.t("Any endpoint"), endpointPaths}} {
		field, err := c.nameFilter(f.key, f.label, f.all, p.Form.Value(f.key), f.names)
		if err != nil {
			return err
		}
		p.Filters = append(p.Filters, field)
	}
	return nil
}

// mostCounted is how far incidents are counted.
const mostCounted = 99

// incidentCount gives how many incidents go on as a text, "" if none does.
func (c *call) incidentCount() string {
	ongoing := true
	page, err := c.ui.service.ListIncidents(c.ctx(), c.who, service.IncidentFilter{Open: &ongoing}, service.PageRequest{Limit: mostCounted})
	if err != nil || len(page.Items) == 0 {
		return ""
	}
	return c.count(service.Count{N: len(page.Items), AtLeast: page.Next != ""})
}

// showIncidentCount tells a script how many incidents go on.
func (ui *UI) showIncidentCount(c *call) error { return c.showCount(c.incidentCount()) }

func incidentPath(id int64, below string) string {
	path := "/incidents/" + strconv.FormatInt(id, 10)
	if below != "" {
		path += "/" + below
	}
	return path
}

// Own gives the address of the incident, or of what is below it.
func (r *incidentRow) Own(below string) string { return incidentPath(r.ID, below) }

// About gives the address of what it is about; "" if that is gone or nothing.
func (r *incidentRow) About() string {
	switch {
	case r.ResourceID != 0:
		return resourcePath(r.ResourceID, "")
	case r.EndpointID != 0:
		return endpointPath(r.EndpointID, "")
	}
	return ""
}

// Lasted gives how long it lasted, up to now while it goes on.
func (r *incidentRow) Lasted() time.Duration {
	if r.IsOpen() {
		return time.Since(r.OpenedAt)
	}
	return r.ClosedAt.Sub(r.OpenedAt)
}

// Tasks gives the address of the tasks of the time that it lasted.
func (r *incidentRow) Tasks() string {
	q := query{}.with("since", r.OpenedAt.UTC().Truncate(time.Minute).Format("2006-01-02T15:04Z"))
	if r.Endpoint != "" {
		q = q.with("endpoint", r.Endpoint)
	} else {
		q = q.with("resource", r.Resource)
	}
	if !r.IsOpen() {
		q = q.with("until", r.ClosedAt.UTC().Add(time.Minute).Truncate(time.Minute).Format("2006-01-02T15:04Z"))
	}
	return tasksPath(q, place{})
}

// IsDown reports whether a check could end it.
func (r *incidentRow) IsDown() bool { return r.IsOpen() && r.Kind == dispatchapy.EventResourceDown }
