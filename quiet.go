package dispatchapy

import (
	"slices"
	"time"
)

// dayTime is how a time of day is written.
const dayTime = "15:04"

// QuietUntil gives when the quiet hours end that hold back something of a
// severity at a time; zero if none do. Hours that follow each other count as
// one.
func (c *Channel) QuietUntil(severity Severity, at time.Time) time.Time {
	var end time.Time
	// Each round ends later than the one before, by hours that begin before.
	for range MaxQuiet {
		next := c.quietEnd(severity, latest(at, end))
		if next.IsZero() {
			break
		}
		end = next
	}
	return end
}

// quietEnd gives the latest end of the quiet hours that a time lies in.
func (c *Channel) quietEnd(severity Severity, at time.Time) (end time.Time) {
	for i := range c.Quiet {
		q := &c.Quiet[i]
		if severity == SeverityCritical && !q.HoldCritical {
			continue
		}
		end = latest(end, q.end(at))
	}
	return end
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// end gives the end of the hours in which a time lies; zero if it lies in none.
// It goes by the clock on the wall: a night in which that is put forward is an
// hour shorter.
func (q *QuietHours) end(at time.Time) time.Time {
	zone, err := time.LoadLocation(q.Timezone)
	if err != nil {
		return time.Time{} // Validate refuses it
	}
	from, errFrom := time.Parse(dayTime, q.From)
	until, errUntil := time.Parse(dayTime, q.Until)
	if errFrom != nil || errUntil != nil {
		return time.Time{}
	}
	nights := 0
	if !until.After(from) {
		nights = 1
	}
	local := at.In(zone)
	for _, back := range []int{1, 0} { // what began yesterday, what begins today
		day := time.Date(local.Year(), local.Month(), local.Day()-back, 12, 0, 0, 0, zone)
		begin := wallClock(day, from.Hour(), from.Minute())
		end := wallClock(day.AddDate(0, 0, nights), until.Hour(), until.Minute())
		if q.on(day.Weekday()) && !at.Before(begin) && at.Before(end) {
			return end
		}
	}
	return time.Time{}
}

func (q *QuietHours) on(day time.Weekday) bool {
	return len(q.Days) == 0 || slices.Contains(q.Days, Weekdays[(int(day)+6)%7])
}
