package webui

import (
	"net/url"
	"slices"
	"strconv"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// clientOverrides is the page of a client's development settings: for staff a
// tab of the client, for the client itself its settings.
type clientOverrides struct {
	Shell
	clientTabs
	settingsFrame
	Form  *Form
	Rules *rulesEditor
	Try   []Option // endpoints that an example can be sent to
}

// Changes reports whether whoever looks may change the rules.
func (p *clientOverrides) Changes() bool { return p.Who.May(dispatchapy.WriteDev) }

// Action is where the form goes.
func (p *clientOverrides) Action() string {
	if !p.Who.IsStaff() {
		return "/settings"
	}
	return clientPath(p.Client.ID) + "/overrides"
}

func (ui *UI) showClientOverrides(c *call) error {
	client, err := ui.clientOf(c)
	if err != nil {
		return err
	}
	return ui.showOverrides(c, client)
}

func (ui *UI) showOverrides(c *call, client service.Client) error {
	form := c.newForm(url.Values{"payload": {examplePayload}})
	form.SetOn("dev.hold", client.Dev.Hold)
	form.SetOn("dev.rules_enabled", client.Dev.RulesEnabled)
	form.setRules(client.Dev.Rules)
	form.Set("version", strconv.FormatInt(client.Version, 10))
	return ui.overridesForm(c, client, form, nil)
}

func (ui *UI) overridesForm(c *call, client service.Client, form *Form, tried *service.RulesTried) error {
	p := &clientOverrides{clientTabs: clientTabs{Client: client, Tab: "overrides"}, settingsFrame: c.frame("/settings"), Form: form}
	p.Rules = &rulesEditor{Form: form, Tried: tried, Readonly: !c.who.May(dispatchapy.WriteDev)}
	p.Rules.Endpoints = append(p.Rules.Endpoints, Option{Label: c.t("every endpoint")})
	for _, path := range limitable(client.Client) {
		p.Rules.Endpoints = append(p.Rules.Endpoints, Option{Value: path, Label: path})
	}
	p.Try = p.Rules.Endpoints[1:]
	title := client.Name
	if !c.who.IsStaff() {
		title = c.t("Settings")
	}
	return c.showStatus(form.Status(), "client-overrides", title, p)
}

// limitable gives the endpoints that rules can be limited to: those of the
// client, and those that rules name already.
func limitable(client dispatchapy.Client) []string {
	paths := append([]string(nil), client.Endpoints...)
	for _, rule := range client.Dev.Rules {
		if rule.Endpoint != "" && !slices.Contains(paths, rule.Endpoint) {
			paths = append(paths, rule.Endpoint)
		}
	}
	return paths
}

func (ui *UI) saveClientOverrides(c *call) error {
	client, err := ui.clientOf(c)
	if err != nil {
		return err
	}
	return ui.saveOverrides(c, client)
}

func (ui *UI) saveOverrides(c *call, client service.Client) error {
	form := c.form()
	switch {
	case form.editRules():
		return ui.overridesForm(c, client, form, nil)
	case form.Do() == "try":
		tried, err := c.tryRules(form, form.Value("try"))
		if err != nil {
			return err
		}
		return ui.overridesForm(c, client, form, tried)
	}
	rules := form.rules()
	if form.Failed() {
		return ui.overridesForm(c, client, form, nil)
	}
	_, err := ui.service.UpdateClientDev(c.ctx(), c.who, client.ID, form.Version(), func(dev *dispatchapy.ClientDev) error {
		*dev = dispatchapy.ClientDev{Hold: form.On("dev.hold"), RulesEnabled: form.On("dev.rules_enabled"), Rules: rules}
		return nil
	})
	if form.Take(err) {
		return ui.overridesForm(c, client, form, nil)
	}
	if err != nil {
		return err
	}
	c.done("Saved.")
	if !c.who.IsStaff() {
		return c.redirect("/settings")
	}
	return c.redirect(clientPath(client.ID) + "/overrides")
}
