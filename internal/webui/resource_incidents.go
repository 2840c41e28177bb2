package webui

import (
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// incidentView is an incident as the page of its resource shows it.
type incidentView struct {
	service.Incident
	State   state
	What    string
	Lasted  time.Duration
	Entries []incidentEntry // of the latest ones
}

// incidentEntry is a line of an incident's timeline.
type incidentEntry struct {
	dispatchapy.IncidentEntry
	Tone, Title string
}

const (
	latestIncidents = 10
	openedIncidents = 2 // of which the timeline is shown
)

func (p *resourceHealthPage) addIncidents(c *call) error {
	found, err := c.ui.service.ListIncidents(c.ctx(), c.who, service.IncidentFilter{Resource: p.R.Name}, service.PageRequest{Limit: latestIncidents})
	if err != nil {
		return err
	}
	w := &words{c.lang}
	for i, incident := range found.Items {
		view := incidentView{Incident: incident, What: w.incidentKind(incident.Kind), State: w.state("ok", "Over"), Lasted: incident.ClosedAt.Sub(incident.OpenedAt)}
		if incident.IsOpen() {
			view.State, view.Lasted = w.state("fail", "Going on"), time.Since(incident.OpenedAt)
		}
		if i < openedIncidents {
			detail, err := c.ui.service.Incident(c.ctx(), c.who, incident.ID)
			if err != nil {
				return err
			}
			for _, entry := range detail.Timeline {
				view.Entries = append(view.Entries, w.incidentEntry(entry))
			}
		}
		p.Incidents = append(p.Incidents, view)
	}
	return nil
}

// incidentKind says what is wrong with a resource.
func (w *words) incidentKind(kind dispatchapy.EventKind) string {
	switch kind {
	case dispatchapy.EventResourceDown:
		return w.lang.T("Down")
	case dispatchapy.EventResourceFlapping:
		return w.lang.T("Down and up all the time")
	case dispatchapy.EventResourceSaturated:
		return w.lang.T("Its limits turn messages away")
	case dispatchapy.EventBreakerOpen:
		return w.lang.T("Circuit open")
	case dispatchapy.EventCertificateExpiring:
		return w.lang.T("Its certificate expires")
	}
	return string(kind)
}

func (w *words) incidentEntry(e dispatchapy.IncidentEntry) incidentEntry {
	out := incidentEntry{IncidentEntry: e, Tone: "wait"}
	switch e.Kind {
	case dispatchapy.EntryOpened:
		out.Tone, out.Title = "fail", w.lang.T("It began")
	case dispatchapy.EntryFailedChecks:
		out.Tone, out.Title = "fail", w.lang.N("{n} failed check", "{n} failed checks", e.Count)
	case dispatchapy.EntryFailedAttempts:
		out.Tone, out.Title = "fail", w.lang.N("{n} failed attempt", "{n} failed attempts", e.Count)
	case dispatchapy.EntryFlapping:
		out.Tone, out.Title = "warn", w.lang.N("{n} change between down and up", "{n} changes between down and up", e.Count)
	case dispatchapy.EntryReminder:
		out.Tone, out.Title = "warn", w.lang.T("People were reminded")
	case dispatchapy.EntryMaintenance:
		out.Tone, out.Title = "held", w.lang.T("Maintenance")
	case dispatchapy.EntryAcknowledged:
		out.Tone, out.Title = "run", w.lang.T("{who} took it on", "who", e.By)
	case dispatchapy.EntryNote:
		out.Title = w.lang.T("{who} noted", "who", e.By)
	case dispatchapy.EntryNotified:
		out.Tone, out.Title = "run", w.lang.T("People were told")
	case dispatchapy.EntryClosed:
		out.Tone, out.Title = "ok", w.lang.T("It was over")
	}
	return out
}
