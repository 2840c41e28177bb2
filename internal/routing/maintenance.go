package routing

import (
	"time"

	"dispatchapy"
)

// phase is a time within which a resource is in maintenance or is not.
type phase struct {
	from, until time.Time // zero until: for ever
	window      dispatchapy.Window
	in          bool
}

// InMaintenance gives the window of maintenance that a resource is in at a time.
// It is asked for every attempt: what holds until the next beginning or end is
// worked out once.
func (r *Resource) InMaintenance(at time.Time) (dispatchapy.Window, bool) {
	if len(r.Maintenance) == 0 {
		return dispatchapy.Window{}, false
	}
	p := r.phase.Load()
	if p == nil || at.Before(p.from) || !p.until.IsZero() && !at.Before(p.until) {
		p = &phase{from: at}
		p.window, p.in, p.until = dispatchapy.MaintenanceAt(r.Maintenance, at)
		r.phase.Store(p)
	}
	return p.window, p.in
}
