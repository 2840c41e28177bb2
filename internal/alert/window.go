package alert

import "time"

// counts are tasks that came to an end, and requests to resources.
type counts struct {
	tasks, failedTasks       int
	attempts, failedAttempts int
}

func (c *counts) add(other counts) {
	c.tasks += other.tasks
	c.failedTasks += other.failedTasks
	c.attempts += other.attempts
	c.failedAttempts += other.failedAttempts
}

// window counts by the minute, an hour back.
type window struct {
	newest  int64 // minute since 1970 of the latest count
	minutes [61]counts
}

func (w *window) at(minute int64) *counts { return &w.minutes[minute%int64(len(w.minutes))] }

// advance empties what is too old.
func (w *window) advance(now time.Time) {
	minute := now.Unix() / 60
	if minute-w.newest >= int64(len(w.minutes)) {
		*w = window{newest: minute}
	}
	for w.newest < minute {
		w.newest++
		*w.at(w.newest) = counts{}
	}
}

func (w *window) add(now time.Time, c counts) {
	w.advance(now)
	w.at(w.newest).add(c)
}

// sum gives what was counted within the latest time, in full minutes and the
// present one.
func (w *window) sum(now time.Time, within time.Duration) (total counts) {
	w.advance(now)
	minutes := min(int64(within/time.Minute), int64(len(w.minutes)-1))
	for minute := w.newest - minutes; minute <= w.newest; minute++ {
		total.add(*w.at(minute))
	}
	return total
}
