package webui

import (
	"slices"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// incidentKinds are the kinds of incidents, in the order in which they matter.
var incidentKinds = []dispatchapy.EventKind{
	dispatchapy.EventEndpointDown, dispatchapy.EventResourceDown, dispatchapy.EventBacklogOld, dispatchapy.EventFailuresHigh,
	dispatchapy.EventBreakerOpen, dispatchapy.EventEndpointOnBackup, dispatchapy.EventResourceSaturated, dispatchapy.EventCertificateExpiring,
}

// incidentWords say what is wrong while it goes on, and what was.
var incidentWords = map[dispatchapy.EventKind]struct{ now, over string }{
	dispatchapy.EventResourceDown:        {tr("{name} is down"), tr("{name} was down")},
	dispatchapy.EventResourceSaturated:   {tr("The limits of {name} turn messages away"), tr("The limits of {name} turned messages away")},
	dispatchapy.EventBreakerOpen:         {tr("{name} fails: its circuit breaker is open"), tr("{name} failed: its circuit breaker was open")},
	dispatchapy.EventCertificateExpiring: {tr("The certificate of {name} expires"), tr("The certificate of {name} was about to expire")},
	dispatchapy.EventEndpointOnBackup:    {tr("{name} runs on its backup"), tr("{name} ran on its backup")},
	dispatchapy.EventEndpointDown:        {tr("{name} delivers nothing"), tr("{name} delivered nothing")},
	dispatchapy.EventBacklogOld:          {tr("Messages to {name} wait too long"), tr("Messages to {name} waited too long")},
	dispatchapy.EventFailuresHigh:        {tr("Many messages to {name} fail"), tr("Many messages to {name} failed")},
}

// eventLabels name kinds of events.
var eventLabels = map[dispatchapy.EventKind]string{
	dispatchapy.EventResourceDown:        tr("Resource down"),
	dispatchapy.EventResourceSaturated:   tr("Limits reached"),
	dispatchapy.EventBreakerOpen:         tr("Circuit breaker open"),
	dispatchapy.EventCertificateExpiring: tr("Certificate expires"),
	dispatchapy.EventEndpointOnBackup:    tr("On backup"),
	dispatchapy.EventEndpointDown:        tr("Endpoint down"),
	dispatchapy.EventBacklogOld:          tr("Old backlog"),
	dispatchapy.EventFailuresHigh:        tr("Many failures"),
}

// incident says in a sentence what is or was wrong.
func (w *words) incident(i *service.Incident) string {
	name := i.Resource
	if name == "" {
		name = "/api/" + i.Endpoint
	}
	text, known := incidentWords[i.Kind]
	switch {
	case !known:
		return string(i.Kind) + ": " + name
	case i.IsOpen():
		return w.lang.T(text.now, "name", name)
	}
	return w.lang.T(text.over, "name", name)
}

// incidentState is how an incident stands.
func (w *words) incidentState(i *service.Incident) state {
	switch {
	case !i.IsOpen():
		return w.state("ok", "Over")
	case i.Kind == dispatchapy.EventResourceDown || i.Kind.Severity() == dispatchapy.SeverityCritical:
		return w.state("fail", "Ongoing")
	}
	return w.state("warn", "Ongoing")
}

// lasted writes a duration by its two largest units.
func (w *words) lasted(d time.Duration) string {
	large := w.rough(d)
	var rest time.Duration
	switch {
	case d < time.Minute:
		return large
	case d < time.Hour:
		rest = d % time.Minute
	case d < 24*time.Hour:
		rest = d % time.Hour
	default:
		rest = d % (24 * time.Hour) / time.Hour * time.Hour
	}
	if rest < time.Second || d >= time.Hour && rest < time.Minute {
		return large
	}
	return large + " " + w.rough(rest)
}

// entry is something in the timeline of an incident.
type entry struct {
	dispatchapy.IncidentEntry
	Tone   string // of the mark; "": Icon stands there
	Icon   string
	Title  string
	Detail string
	Latest string // what the latest of several said, if that is something else
	Tasks  []int64
}

// entries words a timeline. Deliveries that failed one after the other are one
// entry.
func (w *words) entries(timeline []dispatchapy.IncidentEntry) (out []entry) {
	for i := range timeline {
		next := timeline[i]
		if last := len(out) - 1; last >= 0 && next.Kind == dispatchapy.EntryFailedAttempts && out[last].Kind == next.Kind {
			before := out[last].IncidentEntry
			before.Count, before.LastAt, before.LastDetail = before.Count+next.Count, next.LastAt, next.LastDetail
			out[last] = w.entry(&before).about(append(out[last].Tasks, next.TaskID))
			continue
		}
		out = append(out, w.entry(&next).about([]int64{next.TaskID}))
	}
	return out
}

// about gives the entry with links to tasks.
func (e entry) about(tasks []int64) entry {
	e.Tasks = slices.DeleteFunc(slices.Compact(tasks), func(id int64) bool { return id == 0 })
	return e
}

// Several reports whether it stands for more than one thing at one time.
func (e *entry) Several() bool { return e.Count > 1 && e.LastAt.Sub(e.At) >= time.Second }

// entry words an entry of a timeline.
func (w *words) entry(i *dispatchapy.IncidentEntry) entry {
	e := entry{IncidentEntry: *i, Detail: w.lang.Said(i.Detail)}
	if i.Count > 1 && i.LastDetail != i.Detail {
		e.Latest = w.lang.Said(i.LastDetail)
	}
	by := []any{"by", i.By}
	switch i.Kind {
	case dispatchapy.EntryOpened:
		e.Tone, e.Title = "fail", w.lang.T("It began")
	case dispatchapy.EntryFailedChecks:
		e.Icon, e.Title = "activity", w.lang.N("{n} check failed", "{n} checks failed", i.Count)
	case dispatchapy.EntryFailedAttempts:
		e.Icon, e.Title = "send", w.lang.N("A delivery failed", "{n} deliveries failed", i.Count)
	case dispatchapy.EntryFlapping:
		e.Tone, e.Title = "warn", w.lang.N("It changed between up and down", "It changed {n} times between up and down", i.Count)
	case dispatchapy.EntryReminder:
		e.Icon, e.Title = "bell", w.lang.N("People were to be reminded", "People were to be reminded {n} times", i.Count)
	case dispatchapy.EntryMaintenance:
		e.Icon, e.Title = "wrench", w.lang.T("Maintenance")
	case dispatchapy.EntryAcknowledged:
		e.Icon, e.Title = "user", w.lang.T("{by} takes care of it", by...)
	case dispatchapy.EntryNote:
		e.Icon, e.Title, e.Detail = "pencil", w.lang.T("{by} wrote", by...), i.Detail
	case dispatchapy.EntryNotified:
		if e.Icon, e.Title = "mail", w.lang.T("People were told"); !strings.HasPrefix(i.Detail, "told: ") {
			e.Tone, e.Title = "warn", w.lang.T("People could not be told")
		}
	case dispatchapy.EntryClosed:
		e.Tone, e.Title = "ok", w.lang.T("It is over")
	default:
		e.Icon, e.Title = "info", string(i.Kind)
	}
	return e
}
