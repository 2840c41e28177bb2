package webui

import "dispatchapy/internal/service"

// latestIncidents is how many incidents stand on the page of a resource.
const latestIncidents = 5

func (p *resourceHealthPage) addIncidents(c *call) error {
	found, err := c.ui.service.ListIncidents(c.ctx(), c.who, service.IncidentFilter{Resource: p.R.Name}, service.PageRequest{Limit: latestIncidents})
	w := &words{c.lang}
	for i := range found.Items {
		p.Incidents = append(p.Incidents, w.incidentRow(&found.Items[i]))
	}
	return err
}
