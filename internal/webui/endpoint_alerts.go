package webui

import (
	"reflect"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// endpointAlertsPage says of what people are told about an endpoint, as far as
// that is not as in the settings.
type endpointAlertsPage struct {
	endpointPage
	Rules     *ruleTable
	Incidents []*incidentRow
}

func (ui *UI) showEndpointAlerts(c *call) error {
	p := &endpointAlertsPage{}
	var err error
	if p.endpointPage, err = c.openEndpoint("alerts"); err != nil {
		return err
	}
	own := p.E.Alerts
	if own == nil {
		own = &dispatchapy.EndpointAlerts{}
	}
	p.Form = c.newForm(nil)
	p.Form.setVersion(p.E.Version)
	p.Form.fillRules(endpointForms(own), true)
	return c.endpointAlerts(p)
}

func (c *call) endpointAlerts(p *endpointAlertsPage) error {
	settings, err := c.ui.service.Settings(c.ctx(), c.who)
	if err != nil {
		return err
	}
	otherwise := settings.Alerts.ForEndpoint(nil)
	p.Rules = c.ruleTable(p.Form, endpointForms(&otherwise), &settings.Alerts)
	found, err := c.ui.service.ListIncidents(c.ctx(), c.who, service.IncidentFilter{Endpoint: p.E.Path}, service.PageRequest{Limit: latestIncidents})
	if err != nil {
		return err
	}
	w := &words{c.lang}
	for i := range found.Items {
		p.Incidents = append(p.Incidents, w.incidentRow(&found.Items[i]))
	}
	return c.showStatus(p.Form.Status(), "endpoint_alerts", c.t("Alerts: {name}", "name", p.URL()), p)
}

func (ui *UI) saveEndpointAlerts(c *call) error {
	p := &endpointAlertsPage{}
	var err error
	if p.endpointPage, err = c.openEndpoint("alerts"); err != nil {
		return err
	}
	p.Form = c.form()
	own := &dispatchapy.EndpointAlerts{}
	p.Form.readRules(endpointForms(own), true)
	if reflect.ValueOf(*own).IsZero() {
		own = nil
	}
	if p.Form.Failed() {
		p.Form.placeRules()
		return c.endpointAlerts(p)
	}
	_, err = ui.service.UpdateEndpoint(c.ctx(), c.who, p.E.ID, p.Form.Version(), func(d *service.EndpointDraft) error {
		d.Alerts = own
		return nil
	})
	if p.Form.Take(err) {
		p.Form.placeRules()
		return c.endpointAlerts(p)
	}
	if err != nil {
		return err
	}
	c.done("The alerts are saved.")
	return c.redirect(p.Own("alerts"))
}
