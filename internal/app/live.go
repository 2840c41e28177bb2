package app

import (
	"dispatchapy"
	"dispatchapy/internal/live"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/service"
)

// subscribe lets those who watch through the service read from the hub.
func (a *App) subscribe(clientID int64, position string) (service.ChangeReader, error) {
	reader, err := a.live.Subscribe(live.Audience{ClientID: clientID}, position)
	if err != nil {
		return nil, err
	}
	return reader, nil
}

// configChanged tells those who watch that everything configured may be another.
func (a *App) configChanged() {
	for _, kind := range []dispatchapy.ChangeKind{
		dispatchapy.ChangeConfig, dispatchapy.ChangeResource, dispatchapy.ChangeEndpoint, dispatchapy.ChangeClient,
	} {
		a.live.Publish(dispatchapy.Change{Kind: kind})
	}
}

// watchedGate tells those who watch of every check.
type watchedGate struct {
	*routing.Availability
	hub *live.Hub
}

// SetHealth implements health.Gate.
func (g watchedGate) SetHealth(h dispatchapy.Health) {
	g.Availability.SetHealth(h)
	g.hub.Publish(dispatchapy.Change{Kind: dispatchapy.ChangeResource, ID: h.ResourceID, State: string(h.State)})
}
