package webui

import (
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// incidentPage tells what happened from the beginning to the end.
type incidentPage struct {
	Shell
	*incidentRow
	Form     *Form // of a note
	Entries  []entry
	Gone     bool               // what it is about is deleted
	Told     []*notificationRow // the latest ones
	MoreTold bool
	Repairs  *service.Repairs // of the resource, over repairSpan; nil: it is not about one that was down
}

// latestTold is how many notifications stand on the page of an incident.
const latestTold = 10

// repairSpan is the time over which an incident is compared with others.
const repairSpan = "30d"

// Row gives the incident as lists show it.
func (p *incidentPage) Row() *incidentRow { return p.incidentRow }

// Outages counts the times that the resource was down, this one included.
func (p *incidentPage) Outages() int { return int(p.Repairs.Incidents) }

// Handles reports whether the person may act on incidents.
func (p *incidentPage) Handles() bool { return p.May(string(dispatchapy.HandleIncidents)) }

func (ui *UI) showIncident(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	return ui.incidentPage(c, id, c.newForm(nil))
}

func (ui *UI) incidentPage(c *call, id int64, form *Form) error {
	found, err := ui.service.Incident(c.ctx(), c.who, id)
	if err != nil {
		return err
	}
	w := &words{c.lang}
	p := &incidentPage{incidentRow: w.incidentRow(&found), Form: form, Entries: w.entries(found.Timeline)}
	if err := p.addSubject(c); err != nil {
		return err
	}
	told, err := c.notifications(service.NotificationFilter{Incident: id}, service.PageRequest{Limit: latestTold})
	if err != nil {
		return err
	}
	p.Told, p.MoreTold = told.Items, told.Next != ""
	return c.showStatus(form.Status(), "incident", p.What, p)
}

// addSubject looks whether what it is about is still there, and how often that
// was down.
func (p *incidentPage) addSubject(c *call) (err error) {
	switch {
	case p.ResourceID != 0:
		var uptime service.ResourceUptime
		if uptime, err = c.ui.service.ResourceUptime(c.ctx(), c.who, p.ResourceID, repairSpan); err == nil && p.Kind == dispatchapy.EventResourceDown {
			p.Repairs = &uptime.Repairs
		}
	case p.EndpointID != 0:
		_, err = c.ui.service.Endpoint(c.ctx(), c.who, p.EndpointID)
	}
	if dispatchapy.ErrorCode(err) == dispatchapy.CodeNotFound {
		p.Gone = true
		return nil
	}
	return err
}

// acknowledgeIncident notes that somebody takes care of it.
func (ui *UI) acknowledgeIncident(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	i, err := ui.service.AcknowledgeIncident(c.ctx(), c.who, id, c.r.PostFormValue("note"))
	if err != nil {
		return c.refused(err, incidentPath(id, ""))
	}
	if i.AcknowledgedBy != c.who.Name {
		return c.again(toast{Tone: "warn", Text: c.t("{name} takes care of it already.", "name", i.AcknowledgedBy)}, incidentPath(id, ""))
	}
	return c.again(toast{Text: c.t("You take care of it. Others see that you do, and nobody is reminded any more.")}, incidentPath(id, ""))
}

// noteIncident adds what somebody wants others to know.
func (ui *UI) noteIncident(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	form := c.form()
	form.Labels = map[string]string{"note": c.t("Note")}
	_, err = ui.service.NoteIncident(c.ctx(), c.who, id, strings.ReplaceAll(form.Value("note"), "\r\n", "\n"))
	if form.Take(err) {
		return ui.incidentPage(c, id, form)
	}
	if err != nil {
		return err
	}
	c.done("The note is added.")
	return c.redirect(incidentPath(id, ""))
}
