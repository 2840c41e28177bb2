package webui

import (
	"net/http"
	"strconv"
	"time"

	"dispatchapy/internal/service"
)

func (ui *UI) clientRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{get, "/clients", staff, ui.showClients},
		{get, "/clients/new", admins, ui.showNewClient},
		{post, "/clients/new", admins, ui.createClient},
		{get, "/clients/{id}", staff, ui.showClient},
		{post, "/clients/{id}", admins, ui.saveClient},
		{get, "/clients/{id}/token", staff, ui.showClientToken},
		{post, "/clients/{id}/token", admins, ui.rotateToken},
		{get, "/clients/{id}/overrides", staff, ui.showClientOverrides},
		{post, "/clients/{id}/overrides", admins, ui.saveClientOverrides},
		{get, "/clients/{id}/activity", staff, ui.showClientActivity},
		{post, "/clients/{id}/duplicate", admins, ui.duplicateClient},
		{get, "/clients/{id}/delete", admins, ui.showDeleteClient},
		{post, "/clients/{id}/delete", admins, ui.deleteClient},
	}
}

// clientsPage lists the clients.
type clientsPage struct {
	Shell
	Query  string
	Rows   []clientRow
	Next   string // cursor
	Cursor string // of this page; "" for the first
}

// clientRow is a client with what became of its tasks of the last day.
type clientRow struct {
	service.Client
	Delivered, Failed int
}

// Shown are the endpoints that there is room for.
func (r *clientRow) Shown() []string { return r.Endpoints[:min(len(r.Endpoints), shownEndpoints)] }

// More is how many endpoints there is no room for.
func (r *clientRow) More() int { return len(r.Endpoints) - len(r.Shown()) }

// Overlaps reports whether a replaced token still works.
func (r *clientRow) Overlaps() bool { return !r.OldTokenUntil.IsZero() }

const shownEndpoints = 3 // endpoints of a client in the list

const clientsPerPage = 30

func (ui *UI) showClients(c *call) error {
	p := &clientsPage{Query: c.query("q"), Cursor: c.query("cursor")}
	page, err := ui.service.ListClients(c.ctx(), c.who, service.PageRequest{Text: p.Query, Cursor: p.Cursor, Limit: clientsPerPage})
	if err != nil {
		return err
	}
	p.Next = page.Next
	counts, err := ui.service.Stats(c.ctx(), c.who, service.StatsInput{Group: "client"})
	if err != nil {
		return err
	}
	byName := make(map[string]service.StatsRow, len(counts.Rows))
	for _, row := range counts.Rows {
		byName[row.Name] = row
	}
	for _, client := range page.Items {
		counted := byName[client.Name]
		p.Rows = append(p.Rows, clientRow{Client: client, Delivered: int(counted.Delivered), Failed: int(counted.Failed)})
	}
	return c.show("clients", c.t("Clients"), p)
}

// clientPath is where a client's pages are.
func clientPath(id int64) string { return "/clients/" + strconv.FormatInt(id, 10) }

// duplicateClient adds a copy of a client, which has a token of its own.
func (ui *UI) duplicateClient(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	made, err := ui.service.DuplicateClient(c.ctx(), c.who, id)
	if err != nil {
		return err
	}
	return ui.showFreshToken(c, &made, c.t("The copy has a token of its own."))
}

// deletePage names what deleting an object does.
type deletePage struct {
	Shell
	Form   *Form
	Name   string
	Back   string
	Impact service.Impact
}

func (ui *UI) showDeleteClient(c *call) error { return ui.deleteClientForm(c, nil) }

func (ui *UI) deleteClientForm(c *call, form *Form) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	impact, err := ui.service.ClientImpact(c.ctx(), c.who, id)
	if err != nil {
		return err
	}
	client, err := ui.service.Client(c.ctx(), c.who, id)
	if err != nil {
		return err
	}
	if form == nil {
		form = c.newForm(nil)
	}
	status := form.Status()
	form.Clash = nil // the impact that is shown is the new one
	form.Set("version", strconv.FormatInt(impact.Version, 10))
	return c.showStatus(status, "client-delete", c.t("Delete {name}", "name", client.Name), &deletePage{Form: form, Name: client.Name, Back: clientPath(id), Impact: impact})
}

func (ui *UI) deleteClient(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	form := c.form()
	err = ui.service.DeleteClient(c.ctx(), c.who, id, form.Version(), true)
	if form.Take(err) {
		return ui.deleteClientForm(c, form)
	}
	if err != nil {
		return err
	}
	c.done("The client was deleted. Its tasks stay.")
	return c.redirect("/clients")
}

// clientTabs is what the head of a client's pages shows.
type clientTabs struct {
	Client service.Client
	Tab    string
}

// Is reports whether a tab is the one that is shown.
func (p *clientTabs) Is(tab string) bool { return p.Tab == tab }

// clientOf gives the client that the path names.
func (ui *UI) clientOf(c *call) (service.Client, error) {
	id, err := c.id()
	if err != nil {
		return service.Client{}, err
	}
	return ui.service.Client(c.ctx(), c.who, id)
}

// clientActivity shows what a client did lately.
type clientActivity struct {
	Shell
	clientTabs
	Counts   service.StatsRow
	Tasks    []service.Task
	Sessions []sessionRow
}

func (ui *UI) showClientActivity(c *call) error {
	client, err := ui.clientOf(c)
	if err != nil {
		return err
	}
	p := &clientActivity{clientTabs: clientTabs{Client: client, Tab: "activity"}}
	counts, err := ui.service.Stats(c.ctx(), c.who, service.StatsInput{Client: client.Name})
	if err != nil {
		return err
	}
	if len(counts.Rows) > 0 {
		p.Counts = counts.Rows[0]
	}
	tasks, err := ui.service.ListTasks(c.ctx(), c.who, service.TaskFilter{Clients: []string{client.Name}}, service.PageRequest{Limit: latestTasks})
	if err != nil {
		return err
	}
	p.Tasks = tasks.Items
	if c.who.May("manage users and tokens") {
		if p.Sessions, err = c.sessions(func(s *sessionRow) bool { return s.Owner.ClientID == client.ID }); err != nil {
			return err
		}
	}
	return c.show("client-activity", client.Name, p)
}

// overlapOf reads for how long a replaced token goes on working.
func overlapOf(text string) time.Duration {
	switch text {
	case "1h":
		return time.Hour
	case "24h":
		return 24 * time.Hour
	}
	return 0
}
