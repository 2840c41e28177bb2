package webui

import (
	"dispatchapy"
	"dispatchapy/internal/service"
)

// eventWords name the kinds of events that begin no incident; eventLabels has
// the others.
var eventWords = map[dispatchapy.EventKind]string{
	dispatchapy.EventResourceUp:          tr("Resource up again"),
	dispatchapy.EventResourceFlapping:    tr("Flapping"),
	dispatchapy.EventResourceReminder:    tr("Reminder: resource down"),
	dispatchapy.EventResourceUnsaturated: tr("Limits no longer reached"),
	dispatchapy.EventBreakerClosed:       tr("Circuit breaker closed"),
	dispatchapy.EventCertificateRenewed:  tr("Certificate renewed"),
	dispatchapy.EventEndpointOnPrimary:   tr("Back on the first choice"),
	dispatchapy.EventEndpointUp:          tr("Endpoint delivers again"),
	dispatchapy.EventBacklogOK:           tr("Backlog is gone"),
	dispatchapy.EventFailuresOK:          tr("Few failures again"),
	dispatchapy.EventTaskFailed:          tr("A task failed for good"),
	dispatchapy.EventConfigChanged:       tr("Configuration changed"),
	dispatchapy.EventLoginThrottled:      tr("Sign in throttled"),
}

// event names a kind of event.
func (w *words) event(kind dispatchapy.EventKind) string {
	if label := eventLabels[kind]; label != "" {
		return w.lang.T(label)
	}
	if label := eventWords[kind]; label != "" {
		return w.lang.T(label)
	}
	return string(kind)
}

func (w *words) notificationRow(n *service.Notification) *notificationRow {
	row := &notificationRow{Notification: *n, What: n.Title, Through: w.channel(n.Channel, n.Resource), State: w.notified(n.Status, n.Attempts)}
	if row.What == "" {
		row.What = w.event(n.Kind)
	}
	return row
}

// channel names what people are reached through.
func (w *words) channel(ref dispatchapy.ChannelRef, resource string) string {
	switch {
	case ref.Name != "":
		return ref.Name
	case resource != "":
		return w.lang.T("own notice of {name}", "name", resource)
	}
	return w.lang.T("own notice")
}

// notified is what has become of a notification.
func (w *words) notified(status dispatchapy.NotificationStatus, attempts int) state {
	switch {
	case status == dispatchapy.NotificationSent:
		return w.state("ok", "Sent")
	case status == dispatchapy.NotificationFailed:
		return w.state("fail", "Given up")
	case status == dispatchapy.NotificationDropped:
		return state{"stop", "off", w.lang.T("Not sent")}
	case status == dispatchapy.NotificationProcessing:
		return w.state("run", "Sending")
	case attempts > 0:
		return w.state("warn", "Tries again")
	}
	return w.state("wait", "Waiting")
}

// told is what has become of telling people of an event, as lists show it.
type told struct {
	service.Told
	Through string
	State   state
	Path    string
}

// told words who was told of an event.
func (w *words) told(all []service.Told) []told {
	out := make([]told, len(all))
	for i, t := range all {
		out[i] = told{t, w.channel(t.Channel, ""), w.notified(t.Status, t.Attempts), notificationPath(t.NotificationID, "")}
	}
	return out
}
