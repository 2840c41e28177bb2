package webui

import (
	"dispatchapy"
	"dispatchapy/internal/service"
)

// mostAttended is how many incidents stand on the first page.
const mostAttended = 8

// addIncidents lists what is wrong, as far as it is told to people.
func (p *overviewPage) addIncidents(c *call) error {
	page, err := c.incidents(service.IncidentFilter{}, true, service.PageRequest{Limit: service.MaxLimit})
	if err != nil {
		return err
	}
	p.Ongoing = page.Items
	for i, incident := range p.Ongoing {
		if i == mostAttended {
			more := len(p.Ongoing) - mostAttended
			text := c.lang.N("{n} more incident goes on.", "{n} more incidents go on.", more)
			p.attend(attention{Tone: "warn", Text: text, Path: "/incidents?state=ongoing", Do: c.t("Look at them")})
			break
		}
		a := attention{
			Tone: incident.State.Tone, Text: incident.What, Since: incident.OpenedAt, Path: incident.Own(""), Do: c.t("Look at it"), Incident: incident,
		}
		if incident.IsDown() {
			a.Check = incident.ResourceID
		}
		p.attend(a)
	}
	return nil
}

func (p *overviewPage) attend(a attention) { p.Attention = append(p.Attention, a) }

// ongoing gives the incident of a kind about a resource or an endpoint that
// goes on; nil: there is none.
func (p *overviewPage) ongoing(kind dispatchapy.EventKind, resourceID, endpointID int64) *incidentRow {
	for _, i := range p.Ongoing {
		if i.Kind == kind && i.ResourceID == resourceID && i.EndpointID == endpointID {
			return i
		}
	}
	return nil
}
