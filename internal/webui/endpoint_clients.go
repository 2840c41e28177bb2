package webui

import (
	"slices"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// endpointClients is the tab on which people say who may post to an endpoint.
type endpointClients struct {
	endpointPage
	Linked []service.Client
	Others []Option           // clients that can be linked
	More   bool               // there are more than are listed
	Made   string             // the name of a client that was just made
	Token  dispatchapy.Secret // of it, shown this once
}

// Revealed gives the new token to be shown this once.
func (p *endpointClients) Revealed() string { return p.Token.Reveal() }

func (ui *UI) showEndpointClients(c *call) error {
	p := &endpointClients{}
	var err error
	if p.endpointPage, err = c.openEndpoint("clients"); err != nil {
		return err
	}
	p.Form = c.newForm(nil)
	return c.endpointClients(p)
}

func (c *call) endpointClients(p *endpointClients) error {
	p.Form.Labels = map[string]string{"name": c.t("Name"), "client": c.t("Client")}
	ask := service.PageRequest{Limit: service.MaxLimit}
	for {
		found, err := c.ui.service.ListClients(c.ctx(), c.who, ask)
		if err != nil {
			return err
		}
		for _, client := range found.Items {
			switch {
			case slices.Contains(client.Endpoints, p.E.Path):
				p.Linked = append(p.Linked, client)
			case len(p.Others) < service.MaxLimit:
				p.Others = append(p.Others, Option{Value: client.Name, Label: client.Name})
			default:
				p.More = true
			}
		}
		if ask.Cursor = found.Next; ask.Cursor == "" {
			break
		}
	}
	return c.showStatus(p.Form.Status(), "endpoint_clients", c.t("Clients of {name}", "name", p.URL()), p)
}

func (ui *UI) changeEndpointClients(c *call) error {
	p := &endpointClients{}
	var err error
	if p.endpointPage, err = c.openEndpoint("clients"); err != nil {
		return err
	}
	p.Form = c.form()
	name := p.Form.Value("client")
	switch p.Form.Do() {
	case "link":
		return c.linkClient(p, name, true)
	case "unlink":
		return c.linkClient(p, name, false)
	}
	return c.makeClient(p)
}

// linkClient links a client or takes it away, at once.
func (c *call) linkClient(p *endpointClients, name string, link bool) error {
	_, err := c.editEndpoint(p.E.ID, func(d *service.EndpointDraft) {
		d.Clients = slices.DeleteFunc(slices.Clone(d.Clients), func(other string) bool { return other == name })
		if link {
			d.Clients = append(d.Clients, name)
		}
	})
	back := p.Own("clients")
	if err != nil {
		return c.refused(err, back)
	}
	text, inverse := c.t("{name} may post to {path} no more.", "name", name, "path", p.URL()), "link"
	if link {
		text, inverse = c.t("{name} may post to {path}.", "name", name, "path", p.URL()), "unlink"
	}
	return c.again(toast{Text: text, Undo: &undo{back, map[string][]string{"do": {inverse}, "client": {name}, "back": {back}}}}, back)
}

// makeClient makes a client that may post to the endpoint. Its token is nowhere
// else, so that the answer is the page and no redirect.
func (c *call) makeClient(p *endpointClients) error {
	made, err := c.ui.service.CreateClient(c.ctx(), c.who, &dispatchapy.Client{
		Name: p.Form.Value("name"), Description: lines(p.Form.Value("description")), Endpoints: []string{p.E.Path},
	})
	if p.Form.Take(err) {
		return c.endpointClients(p)
	}
	if err != nil {
		return err
	}
	if p.endpointPage, err = c.openEndpoint("clients"); err != nil {
		return err
	}
	p.Form = c.newForm(nil)
	p.Made, p.Token = made.Name, made.Token
	return c.endpointClients(p)
}

// Ready reports whether the endpoint has all that it needs.
func (p *endpointClients) Ready() bool {
	return !slices.ContainsFunc(p.Checks, func(check readyCheck) bool { return !check.Done })
}
