package routing

import (
	"testing"
	"testing/synctest"
	"time"

	"dispatchapy"
)

func TestMaintenanceClosesTheGateOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		window := func(from, until time.Duration) dispatchapy.Maintenance {
			return dispatchapy.Maintenance{From: begun.Add(from), Until: begun.Add(until)}
		}
		r := &Resource{Resource: &dispatchapy.Resource{ID: 1, Maintenance: []dispatchapy.Maintenance{window(2*time.Hour, 3*time.Hour), window(time.Minute, time.Hour)}}}
		a := NewAvailability()
		for _, tt := range []struct {
			at   time.Duration
			why  Reason
			wait time.Duration
		}{
			{0, Usable, 0}, {time.Minute - 1, Usable, 0}, {time.Minute, Maintenance, 59 * time.Minute}, {time.Hour - 1, Maintenance, 1}, {time.Hour, Usable, 0},
			{2*time.Hour - 1, Usable, 0}, {2 * time.Hour, Maintenance, time.Hour}, {3 * time.Hour, Usable, 0}, {1000 * time.Hour, Usable, 0},
		} {
			time.Sleep(time.Until(begun.Add(tt.at)))
			if room, why, wait := a.Room(r); why != tt.why || wait != tt.wait || (room > 0) != (why == Usable) {
				t.Errorf("after %v: %d, %q, %v, want %q, %v", tt.at, room, why, wait, tt.why, tt.wait)
			}
			if permit, why := a.Acquire(r); (permit != nil) != (tt.why == Usable) || why != tt.why {
				t.Errorf("after %v it is %q", tt.at, why)
			}
		}
		if _, in := r.InMaintenance(begun.Add(time.Minute)); !in {
			t.Error("asked for a time that is past")
		}
	})
}

// BenchmarkRoomWithMaintenance: a window costs a look at the clock.
func BenchmarkRoomWithMaintenance(b *testing.B) {
	weekly := &dispatchapy.Weekly{Days: []dispatchapy.Weekday{"sun"}, At: "02:30", For: dispatchapy.Duration(time.Minute), Timezone: "Europe/Berlin"}
	r := &Resource{Resource: &dispatchapy.Resource{ID: 1, Maintenance: []dispatchapy.Maintenance{{Weekly: weekly}}}}
	a := NewAvailability()
	for b.Loop() {
		a.Room(r)
	}
}
