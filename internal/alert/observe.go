package alert

import (
	"fmt"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// What each condition looks like right now. They are pure functions of what is
// passed to them.

// endpointDown: no resource of an endpoint can be used, because of its checks.
// One that flaps speaks for neither side.
func endpointDown(e *routing.Endpoint, health func(resourceID int64) dispatchapy.Health, now time.Time) Observation {
	var down []string
	flapping := false
	for i := range e.Routes {
		r := e.Routes[i].Resource
		if _, planned := r.InMaintenance(now); planned || !r.IsActive() {
			continue
		}
		h := health(r.ID)
		switch {
		case r.HealthCheck.Enabled && h.State == dispatchapy.HealthDown:
			down = append(down, r.Name)
		case r.HealthCheck.Enabled && h.Flapping:
			flapping = true
		default:
			return Observation{Known: true, Cause: r.Name + " can be used"}
		}
	}
	switch {
	case flapping:
		return Observation{}
	case len(down) > 0 && e.IsActive():
		return Observation{Known: true, Wrong: true, Cause: plural(len(down), "its resource", "all its resources") + " " +
			plural(len(down), "is", "are") + " down: " + strings.Join(down, ", ")}
	}
	return Observation{Known: true, Cause: "no resource is down"}
}

// backlogOld: the oldest waiting task of an endpoint is older than limit, to
// which the wait that is put before the first attempt does not count. It is
// over when the oldest one is half as old.
func backlogOld(lane store.LaneBacklog, limit, delay time.Duration, active bool, now time.Time) Observation {
	if lane.Tasks == 0 {
		return Observation{Known: true, Cause: "nothing waits"}
	}
	age := now.Sub(lane.Oldest)
	if active {
		limit /= 2
	}
	return Observation{
		Known: true, Wrong: age > limit+delay,
		Cause: fmt.Sprintf("%d %s, the oldest for %s", lane.Tasks, plural(lane.Tasks, "task waits", "tasks wait"), age.Round(time.Second)),
	}
}

// failuresHigh: more than a share of tasks or attempts failed. It is over when
// it is less than three quarters of that, or when there are too few to judge.
// complete says that all of the time was watched.
func failuresHigh(c counts, rule *dispatchapy.FailuresAlert, active, complete bool) Observation {
	total, failed := c.tasks, c.failedTasks
	if rule.Of == dispatchapy.FailuresOfAttempts {
		total, failed = c.attempts, c.failedAttempts
	}
	limit := rule.Percent * total
	if active {
		limit = limit * 3 / 4
	}
	o := Observation{
		Known: true, Wrong: total >= rule.AtLeast && 100*failed > limit,
		Cause: fmt.Sprintf("%d of %d %s failed within %s", failed, total, rule.Of, rule.Within),
	}
	o.Known = o.Wrong || complete
	return o
}

// breakerOpen: deliveries to a resource fail, and its checks do not say that it
// is down, of which people hear anyway. used says that an endpoint leads to it,
// alive that an attempt was answered since this node watches.
func breakerOpen(r *routing.Resource, state routing.BreakerState, h dispatchapy.Health, used, alive bool) Observation {
	switch {
	case !used || !r.IsActive() || r.HealthCheck.Enabled && h.State == dispatchapy.HealthDown:
		return Observation{Known: true, Cause: "nothing is sent to it"}
	case state != routing.BreakerClosed:
		return Observation{Known: true, Wrong: true, Cause: "deliveries to " + r.Name + " fail"}
	case !alive:
		return Observation{}
	}
	return Observation{Known: true, Cause: r.Name + " takes messages"}
}

// turnedLately is how long after the last task that a resource's limits turned
// away they count as used up.
const turnedLately = 2 * interval

// saturated: the limits of a resource turn tasks away. complete says that it was
// watched for long enough to say that they do not.
func saturated(r *routing.Resource, turnedAt time.Time, complete bool, now time.Time) Observation {
	if !turnedAt.IsZero() && now.Sub(turnedAt) <= turnedLately {
		return Observation{Known: true, Wrong: true, Cause: "the limits of " + r.Name + " turn tasks away"}
	}
	return Observation{Known: complete || r.Concurrency == 0 && r.RateLimit == nil, Cause: "the limits of " + r.Name + " have room"}
}

// certificateExpiring: the certificate of a resource's server expires within
// some days. The level is the number of days that was fallen short of last; 0:
// it has expired.
func certificateExpiring(r *routing.Resource, ends time.Time, days []int, now time.Time) Observation {
	if !strings.HasPrefix(strings.ToLower(r.URL), "https:") {
		return Observation{Known: true, Cause: "there is no certificate"}
	}
	if ends.IsZero() {
		return Observation{}
	}
	left := ends.Sub(now)
	o := Observation{Known: true, Cause: "the certificate of " + r.Name + " is good until " + ends.UTC().Format(time.DateOnly)}
	for _, d := range days { // the most first
		if left <= time.Duration(d)*24*time.Hour {
			o.Wrong, o.Level = true, d
			o.Cause = fmt.Sprintf("the certificate of %s expires on %s, in %s", r.Name, ends.UTC().Format(time.DateOnly), inDays(left))
		}
	}
	if left <= 0 {
		o.Wrong, o.Level = true, 0
		o.Cause = fmt.Sprintf("the certificate of %s has expired on %s", r.Name, ends.UTC().Format(time.DateOnly))
	}
	return o
}

func inDays(d time.Duration) string {
	if days := int(d / (24 * time.Hour)); days > 0 {
		return fmt.Sprintf("%d %s", days, plural(days, "day", "days"))
	}
	return d.Round(time.Hour).String()
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
