package webui

import (
	"encoding/json"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// newChannel gives a channel as a form begins with it.
func newChannel(kind string) *dispatchapy.Channel {
	ch := &dispatchapy.Channel{GroupFor: dispatchapy.Duration(dispatchapy.DefaultGroupFor)}
	if kind == "webhook" {
		ch.GroupBy, ch.Webhook = dispatchapy.GroupByIncident, &dispatchapy.WebhookNotice{}
		return ch
	}
	ch.GroupBy, ch.Email = dispatchapy.GroupByChannel, &dispatchapy.EmailNotice{}
	return ch
}

// beginChannel gives the channel that the form begins with: that of the service
// which was chosen, or an empty one of the kind.
func (c *call) beginChannel(p *channelPage) (*dispatchapy.Channel, error) {
	ch := newChannel(p.Kind)
	chosen, err := c.template(p.For)
	if err != nil || chosen == nil || p.Kind != "webhook" {
		return ch, err
	}
	if err := json.Unmarshal(chosen.Channel, ch); err != nil {
		return nil, err
	}
	return ch, nil
}

// template finds the ready-made channel for a service; nil if there is none.
func (c *call) template(name string) (*service.AlertTemplate, error) {
	all, _, err := c.ui.service.AlertTemplates(c.ctx(), c.who)
	for i := range all {
		if all[i].Name == name {
			return &all[i], nil
		}
	}
	return nil, err
}

// addTemplates adds the services to choose from, or what the chosen one needs.
func (c *call) addTemplates(p *channelPage) (err error) {
	if p.Kind == "" {
		p.Templates, _, err = c.ui.service.AlertTemplates(c.ctx(), c.who)
		return err
	}
	chosen, err := c.template(p.For)
	if chosen == nil {
		p.For = ""
		return err
	}
	p.Note = c.lang.Said(chosen.Note)
	return nil
}

// fillOut writes the values of headers or secrets, too: they are no secrets yet.
func (f *Form) fillOut(list string, headers map[string]dispatchapy.Secret) {
	for i := range f.Rows(list) {
		f.Set(At(list, i, "value"), headers[f.Value(At(list, i, "name"))].Reveal())
		f.values.Del(At(list, i, "kept"))
	}
}
