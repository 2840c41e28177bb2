package notify

import (
	"fmt"
	"slices"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

const (
	// ownWait is how long a resource's own notice waits for others: they can only
	// be about the same resource.
	ownWait = time.Second

	// pause is put between two messages of a channel about what has no incident,
	// and may come as often as it likes.
	pause = 5 * time.Minute
)

// ownKinds are what a resource's own notice tells of.
var ownKinds = []dispatchapy.EventKind{
	dispatchapy.EventResourceDown, dispatchapy.EventResourceUp, dispatchapy.EventResourceFlapping, dispatchapy.EventResourceReminder,
}

// noticesFor says which channels are to tell of an event: those of its rule, if
// that is switched on, and the notice of the resource itself, which has a switch
// of its own.
func noticesFor(s *routing.Snapshot, e *dispatchapy.Event) []store.Notice {
	alerts := &s.Config.Settings.Alerts
	var (
		resource *dispatchapy.Resource
		endpoint *dispatchapy.Endpoint
		out      []store.Notice
	)
	if r := s.ResourceByID(e.ResourceID); r != nil {
		resource = r.Resource
	}
	if p := s.EndpointByID(e.EndpointID); p != nil {
		endpoint = p.Endpoint
	}
	if rule := alerts.Rule(e.Kind, resource, endpoint); rule.IsOn() {
		for i := range alerts.Channels {
			c := &alerts.Channels[i]
			if c.IsEnabled() && (len(rule.Channels) == 0 || slices.Contains(rule.Channels, c.Name)) {
				out = append(out, noticeOf(e, c, dispatchapy.ChannelRef{Name: c.Name, Via: c.Via()}, c.GroupFor.Std()))
			}
		}
	}
	if resource == nil || !slices.Contains(ownKinds, e.Kind) {
		return out
	}
	for _, via := range []dispatchapy.Via{dispatchapy.ViaEmail, dispatchapy.ViaWebhook} {
		if c := resource.Notify.Channel(via); c.IsEnabled() {
			out = append(out, noticeOf(e, &c, dispatchapy.ChannelRef{ResourceID: resource.ID, Via: via}, ownWait))
		}
	}
	return out
}

func noticeOf(e *dispatchapy.Event, c *dispatchapy.Channel, ref dispatchapy.ChannelRef, wait time.Duration) store.Notice {
	n := store.Notice{Channel: ref, Wait: wait}
	if c.GroupBy == dispatchapy.GroupByIncident {
		n.Group = groupOf(e)
	}
	if e.IncidentID == 0 {
		n.Pause = pause
	}
	return n
}

// groupOf is the same for what is of one incident, and for what is of none but
// of the same kind and about the same thing.
func groupOf(e *dispatchapy.Event) string {
	if e.IncidentID != 0 {
		return fmt.Sprintf("incident %d", e.IncidentID)
	}
	return fmt.Sprintf("%s %d %d", e.Kind, e.ResourceID, e.EndpointID)
}

// channelOf finds what people are reached through. If that is not possible any
// more, why says it.
func channelOf(s *routing.Snapshot, ref dispatchapy.ChannelRef) (c dispatchapy.Channel, why string) {
	if ref.ResourceID != 0 {
		r := s.ResourceByID(ref.ResourceID)
		if r == nil {
			return c, "the resource is gone"
		}
		if c = r.Notify.Channel(ref.Via); !c.IsEnabled() {
			return c, "the notice of the resource is switched off"
		}
		return c, ""
	}
	channels := s.Config.Settings.Alerts.Channels
	i := slices.IndexFunc(channels, func(c dispatchapy.Channel) bool { return c.Name == ref.Name })
	switch {
	case i < 0:
		return c, fmt.Sprintf("there is no channel %q any more", ref.Name)
	case !channels[i].IsEnabled():
		return c, fmt.Sprintf("the channel %q is switched off", ref.Name)
	}
	return channels[i], ""
}
