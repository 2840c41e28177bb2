package webui

import (
	"net/http"
	"net/url"
	"strconv"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// clientPage is the form of a client, of a new one too.
type clientPage struct {
	Shell
	clientTabs
	Form      *Form
	Endpoints []Option // all that there are
}

// New reports whether the client is still to be made.
func (p *clientPage) New() bool { return p.Client.ID == 0 }

func (ui *UI) showNewClient(c *call) error {
	form := c.newForm(nil)
	form.values["endpoints"] = c.r.URL.Query()["endpoint"] // ticked by links from endpoints
	return ui.clientForm(c, service.Client{}, form)
}

func (ui *UI) createClient(c *call) error {
	form := c.form()
	client := &dispatchapy.Client{Token: dispatchapy.Secret(form.Value("token"))}
	form.readClient(client)
	made, err := ui.service.CreateClient(c.ctx(), c.who, client)
	if form.Take(err) {
		return ui.clientForm(c, service.Client{}, form)
	}
	if err != nil {
		return err
	}
	if made.Token == "" { // the token is the person's own
		c.done("The client was created.")
		return c.redirect(clientPath(made.ID))
	}
	return ui.showFreshToken(c, &made, c.t("The client was created."))
}

func (ui *UI) showClient(c *call) error {
	client, err := ui.clientOf(c)
	if err != nil {
		return err
	}
	form := c.newForm(url.Values{"name": {client.Name}, "description": {client.Description}, "endpoints": client.Endpoints})
	form.SetOn("show_provider_bodies", client.ShowProviderBodies)
	form.SetOn("may_rotate_token", client.MayRotateToken)
	form.Set("version", strconv.FormatInt(client.Version, 10))
	return ui.clientForm(c, client, form)
}

func (ui *UI) saveClient(c *call) error {
	client, err := ui.clientOf(c)
	if err != nil {
		return err
	}
	form := c.form()
	_, err = ui.service.UpdateClient(c.ctx(), c.who, client.ID, form.Version(), func(edited *dispatchapy.Client) error {
		form.readClient(edited)
		return nil
	})
	if form.Take(err) {
		return ui.clientForm(c, client, form)
	}
	if err != nil {
		return err
	}
	c.done("Saved.")
	return c.redirect(clientPath(client.ID))
}

// readClient reads what the form says of a client.
func (f *Form) readClient(client *dispatchapy.Client) {
	client.Name, client.Description = f.Value("name"), f.Value("description")
	client.Endpoints = append([]string(nil), f.Values("endpoints")...)
	client.ShowProviderBodies = f.On("show_provider_bodies")
	client.MayRotateToken = f.On("may_rotate_token")
}

func (ui *UI) clientForm(c *call, client service.Client, form *Form) error {
	p := &clientPage{clientTabs: clientTabs{Client: client, Tab: "access"}, Form: form}
	var err error
	if p.Endpoints, err = c.endpointOptions(); err != nil {
		return err
	}
	title := client.Name
	if p.New() {
		title = c.t("New client")
	}
	return c.showStatus(form.Status(), "client", title, p)
}

// endpointOptions gives the paths of all endpoints that the person may see.
func (c *call) endpointOptions() ([]Option, error) {
	var out []Option
	ask := service.PageRequest{Limit: service.MaxLimit}
	for {
		page, err := c.ui.service.ListEndpoints(c.ctx(), c.who, ask)
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			out = append(out, Option{Value: page.Items[i].Path, Label: page.Items[i].Path})
		}
		if page.Next == "" {
			return out, nil
		}
		ask.Cursor = page.Next
	}
}

// clientToken is the page of a client's token.
type clientToken struct {
	Shell
	clientTabs
	settingsFrame // for the client itself
	Form          *Form
	Token         dispatchapy.Secret // one that was just made; "": the token is not known
	Message       string             // what was done
}

// MayRotate reports whether whoever looks may give the client a new token.
func (p *clientToken) MayRotate() bool {
	return p.Writes() || !p.Staff() && p.Client.MayRotateToken
}

// Revealed gives the new token to be shown this once.
func (p *clientToken) Revealed() string { return p.Token.Reveal() }

func (ui *UI) showClientToken(c *call) error {
	client, err := ui.clientOf(c)
	if err != nil {
		return err
	}
	return ui.clientTokenForm(c, client, c.newForm(url.Values{"overlap": {"1h"}}))
}

func (ui *UI) clientTokenForm(c *call, client service.Client, form *Form) error {
	status := form.Status()
	form.Clash = nil // a token cannot be merged: the form is made from the present version
	form.Set("version", strconv.FormatInt(client.Version, 10))
	return c.showStatus(status, "client-token", client.Name, &clientToken{
		clientTabs: clientTabs{Client: client, Tab: "token"}, settingsFrame: c.frame("/settings/token"), Form: form,
	})
}

func (ui *UI) rotateToken(c *call) error {
	client, err := ui.clientOf(c)
	if err != nil {
		return err
	}
	return ui.rotateTokenOf(c, client)
}

func (ui *UI) rotateTokenOf(c *call, client service.Client) error {
	form := c.form()
	made, err := ui.service.RotateToken(c.ctx(), c.who, client.ID, form.Version(), overlapOf(form.Value("overlap")))
	if form.Take(err) {
		return ui.clientTokenForm(c, client, form)
	}
	if err != nil {
		return err
	}
	return ui.showFreshToken(c, &made, c.t("The client has a new token."))
}

// showFreshToken answers with a token that was just made. It is nowhere else, so
// that this is no redirect: the page is what the change answers.
func (ui *UI) showFreshToken(c *call, made *service.NewClient, message string) error {
	path := clientPath(made.ID) + "/token"
	if !c.who.IsStaff() {
		path = "/settings/token"
	}
	c.w.Header().Set("HX-Replace-Url", path)
	form := c.newForm(url.Values{"overlap": {"1h"}, "version": {strconv.FormatInt(made.Version, 10)}})
	p := &clientToken{
		clientTabs: clientTabs{Client: made.Client, Tab: "token"}, settingsFrame: c.frame("/settings/token"), Form: form, Token: made.Token, Message: message,
	}
	return c.showStatus(http.StatusOK, "client-token", made.Name, p)
}
