package sqlite

import "time"

// clock tells the store's own time, by which everything is scheduled: the wall
// clock's time at the start, moved on by the monotonic clock. Setting the wall
// clock while the process runs changes nothing; across restarts the store
// starts from its last persisted time at least, so that a wall clock set back
// does not put off what was due.
type clock struct {
	origin  time.Time     // for its monotonic reading
	base    int64         // the store's time at origin, in microseconds
	shifted time.Duration // how far the store's time is ahead of the wall clock at origin
}

// startClock starts from the wall clock, but not before the time persisted.
func startClock(wall time.Time, persisted int64) clock {
	base := max(wall.UnixMicro(), persisted)
	return clock{origin: time.Now(), base: base, shifted: time.Duration(base-wall.UnixMicro()) * time.Microsecond}
}

// now gives the store's time in microseconds.
func (c clock) now() int64 { return c.base + time.Since(c.origin).Microseconds() }

// display turns a time of this clock into one for people.
func (c clock) display(at int64) time.Time { return fromMicros(at - c.shifted.Microseconds()) }

// after gives the time that is d from now, or now itself for a negative d.
func after(now int64, d time.Duration) int64 { return now + max(d, 0).Microseconds() }

// until gives how long it is from now until at; 0 if that is past.
func until(now, at int64) time.Duration {
	return time.Duration(max(at-now, 0)) * time.Microsecond
}

// micros gives a time as it is stored: 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
