package alert

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// Resources one, two and three of the endpoint "sms" have the ids 1, 2 and 3;
// "off" has the id 4 and is switched off.
func snapshot(t testing.TB, change func(*dispatchapy.Config)) *routing.Snapshot {
	t.Helper()
	off := false
	cfg := &dispatchapy.Config{Settings: dispatchapy.DefaultSettings()}
	for i, name := range []string{"one", "two", "three", "off"} {
		cfg.Resources = append(cfg.Resources, dispatchapy.Resource{ID: int64(i + 1), Name: name, URL: "https://" + name + "/"})
		cfg.Resources[i].HealthCheck.Enabled = true
	}
	cfg.Resources[3].Active = &off
	cfg.Endpoints = []dispatchapy.Endpoint{
		{ID: 11, Path: "sms", Resources: []string{"off", "one", "two", "three"}},
		{ID: 12, Path: "alone", Resources: []string{"one"}},
	}
	if change != nil {
		change(cfg)
	}
	cfg.Normalize()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	s, err := routing.Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// attempt is written "2 failed, over 4 switched off, 1 down".
func attempt(text string) dispatchapy.Attempt {
	what, over, _ := strings.Cut(text, ", over ")
	id, outcome, _ := strings.Cut(what, " ")
	a := dispatchapy.Attempt{ResourceID: int64(id[0] - '0'), Outcome: dispatchapy.AttemptOutcome(outcome), StatusCode: 200}
	if a.Outcome != dispatchapy.OutcomeDelivered {
		a.Detail, a.StatusCode = "HTTP 500", 500
	}
	for passed := range strings.SplitSeq(over, ", ") {
		if id, why, ok := strings.Cut(passed, " "); ok {
			a.PassedOver = append(a.PassedOver, dispatchapy.PassedOver{ResourceID: int64(id[0] - '0'), Why: why})
		}
	}
	return a
}

// round makes the outcome of a round; delivered unless the last one failed.
func round(attempts ...string) *store.Outcome {
	o := &store.Outcome{Status: dispatchapy.StatusPending}
	for _, text := range attempts {
		o.Attempts = append(o.Attempts, attempt(text))
		if o.Attempts[len(o.Attempts)-1].Outcome == dispatchapy.OutcomeDelivered {
			o.Status = dispatchapy.StatusSuccess
		}
	}
	return o
}

func TestJudge(t *testing.T) {
	e := snapshot(t, nil).EndpointByID(11)
	nothing := verdict{delivered: true}
	for name, tt := range map[string]struct {
		round *store.Outcome
		want  verdict
	}{
		"the first choice":                {round("1 success, over 4 switched off"), verdict{delivered: true, byFirst: true, cause: "one delivers"}},
		"the first choice at last":        {round("1 success"), verdict{delivered: true, byFirst: true, cause: "one delivers"}},
		"it is down":                      {round("2 success, over 4 switched off, 1 down"), verdict{delivered: true, unusable: true, cause: "one is down: two delivers"}},
		"its breaker is open":             {round("2 success, over 1 failing"), verdict{delivered: true, unusable: true, cause: "one is failing: two delivers"}},
		"it asked to wait":                {round("2 success, over 1 paused"), verdict{delivered: true, unusable: true, cause: "one is paused: two delivers"}},
		"it fails":                        {round("1 failed, over 4 switched off", "2 success, over 4 switched off"), verdict{delivered: true, cause: "one fails (HTTP 500): two delivers"}},
		"it fails, and so does the next":  {round("1 failed", "2 failed", "3 success"), verdict{delivered: true, cause: "one fails (HTTP 500): three delivers"}},
		"it is full":                      {round("2 success, over 1 full"), nothing},
		"it is rate limited":              {round("2 success, over 1 rate limited"), nothing},
		"it refused the message":          {round("1 refused", "2 success"), nothing},
		"it refused it before":            {round("2 success, over 1 refused"), nothing},
		"in maintenance, so it is two":    {round("2 success, over 1 in maintenance"), verdict{delivered: true, byFirst: true, cause: "two delivers"}},
		"in maintenance, and two is down": {round("3 success, over 1 in maintenance, 2 down"), verdict{delivered: true, unusable: true, cause: "two is down: three delivers"}},
		"nobody":                          {round("1 failed", "2 failed"), verdict{}},
		"nothing was tried":               {round(), verdict{}},
		"by one that is no route":         {round("9 success"), nothing},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, judge(e, tt.round), cmp.AllowUnexported(verdict{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEvidence(t *testing.T) {
	// 1: by the first choice, b: by a backup after a failed attempt, d: because
	// the first one is down, x: says nothing. Then: r(ight), w(rong), ? unknown.
	letters := map[rune]verdict{'1': {delivered: true, byFirst: true, cause: "c"}, 'b': {delivered: true, cause: "c"}, 'd': {delivered: true, unusable: true, cause: "c"}, 'x': {delivered: true}}
	for rounds, want := range map[string]string{
		"x1bbbb1": "?r??wwr", "d": "w", "1d1": "rwr", "bxbxb": "????w", "bb1bb1bb": "??r??r??", "bd": "?w",
	} {
		var e evidence
		got := ""
		for _, c := range rounds {
			e.add(letters[c])
			switch o := e.observe(); {
			case !o.Known:
				got += "?"
			case o.Wrong:
				got += "w"
			default:
				got += "r"
			}
		}
		if got != want {
			t.Errorf("rounds %s give %s, want %s", rounds, got, want)
		}
	}
}

// seen words an observation.
func seen(o Observation) string {
	switch {
	case !o.Known:
		return "unknown"
	case o.Wrong:
		return "wrong: " + o.Cause
	}
	return "right: " + o.Cause
}

// planned puts resources in maintenance.
func planned(resources ...int) func(*dispatchapy.Config) {
	return func(c *dispatchapy.Config) {
		for _, i := range resources {
			c.Resources[i].Maintenance = []dispatchapy.Maintenance{{From: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Hour)}}
		}
	}
}

func TestEndpointDown(t *testing.T) {
	unwatched := func(c *dispatchapy.Config) { c.Resources[1].HealthCheck.Enabled = false }
	inactive := func(c *dispatchapy.Config) { c.Endpoints[0].Active = new(bool) }
	for name, tt := range map[string]struct {
		change func(*dispatchapy.Config)
		states string // of one, two and three: u(p), d(own), f(lapping), ? unknown
		want   string
	}{
		"one is down":                          {nil, "duu", "right: two can be used"},
		"unknown is usable":                    {nil, "d?d", "right: two can be used"},
		"all are down":                         {nil, "ddd", "wrong: all its resources are down: one, two, three"},
		"one flaps and is up":                  {nil, "dfd", "unknown"},
		"one flaps, one is up":                 {nil, "dfu", "right: three can be used"},
		"one is not checked":                   {unwatched, "ddd", "right: two can be used"},
		"an endpoint that is off":              {inactive, "ddd", "right: no resource is down"},
		"the one that is up is in maintenance": {planned(1), "ddu", "right: three can be used"},
		"those that are up are in maintenance": {planned(2), "ddu", "wrong: all its resources are down: one, two"},
		"all are in maintenance":               {planned(0, 1, 2), "ddu", "right: no resource is down"},
		"none is switched on": {func(c *dispatchapy.Config) {
			for i := range c.Resources {
				c.Resources[i].Active = new(bool)
			}
		}, "ddd", "right: no resource is down"},
	} {
		t.Run(name, func(t *testing.T) {
			health := func(id int64) dispatchapy.Health {
				if id > 3 {
					return dispatchapy.Health{}
				}
				switch tt.states[id-1] {
				case 'u':
					return dispatchapy.Health{State: dispatchapy.HealthUp}
				case 'd':
					return dispatchapy.Health{State: dispatchapy.HealthDown}
				case 'f':
					return dispatchapy.Health{State: dispatchapy.HealthUp, Flapping: true}
				}
				return dispatchapy.Health{State: dispatchapy.HealthUnknown}
			}
			s := snapshot(t, tt.change)
			if got := seen(endpointDown(s.EndpointByID(11), health, time.Now())); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
	only := func(int64) dispatchapy.Health { return dispatchapy.Health{State: dispatchapy.HealthDown} }
	if got := seen(endpointDown(snapshot(t, nil).EndpointByID(12), only, time.Now())); got != "wrong: its resource is down: one" {
		t.Errorf("of one resource: %s", got)
	}
}

func TestBacklogOld(t *testing.T) {
	now := time.Unix(1e9, 0)
	lane := func(tasks int, age time.Duration) store.LaneBacklog {
		return store.LaneBacklog{Tasks: tasks, Oldest: now.Add(-age)}
	}
	for name, tt := range map[string]struct {
		lane   store.LaneBacklog
		delay  time.Duration
		active bool
		want   string
	}{
		"nothing":            {store.LaneBacklog{}, 0, false, "right: nothing waits"},
		"young":              {lane(3, 9*time.Minute), 0, false, "right: 3 tasks wait, the oldest for 9m0s"},
		"old":                {lane(1, 11*time.Minute), 0, false, "wrong: 1 task waits, the oldest for 11m0s"},
		"delayed on purpose": {lane(1, 11*time.Minute), 2 * time.Minute, false, "right: 1 task waits, the oldest for 11m0s"},
		"still old":          {lane(1, 6*time.Minute), 0, true, "wrong: 1 task waits, the oldest for 6m0s"},
		"young again":        {lane(1, 5*time.Minute), 0, true, "right: 1 task waits, the oldest for 5m0s"},
		"gone":               {store.LaneBacklog{}, 0, true, "right: nothing waits"},
	} {
		if got := seen(backlogOld(tt.lane, 10*time.Minute, tt.delay, tt.active, now)); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestFailuresHigh(t *testing.T) {
	rule := &dispatchapy.FailuresAlert{Of: dispatchapy.FailuresOfTasks, Percent: 20, Within: dispatchapy.Duration(10 * time.Minute), AtLeast: 20}
	for name, tt := range map[string]struct {
		c                counts
		active, complete bool
		want             string
	}{
		"too few":                     {counts{tasks: 19, failedTasks: 19}, false, true, "right"},
		"as many as are right":        {counts{tasks: 20, failedTasks: 4}, false, true, "right"},
		"too many":                    {counts{tasks: 20, failedTasks: 5}, false, true, "wrong"},
		"too many at once":            {counts{tasks: 20, failedTasks: 5}, false, false, "wrong"},
		"less, but not enough less":   {counts{tasks: 100, failedTasks: 16}, true, true, "wrong"},
		"less":                        {counts{tasks: 100, failedTasks: 15}, true, true, "right"},
		"nothing any more":            {counts{}, true, true, "right"},
		"nothing, but just begun":     {counts{}, true, false, "unknown"},
		"attempts are another matter": {counts{tasks: 100, attempts: 200, failedAttempts: 200}, false, true, "right"},
	} {
		if got := seen(failuresHigh(tt.c, rule, tt.active, tt.complete)); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
	ofAttempts := *rule
	ofAttempts.Of = dispatchapy.FailuresOfAttempts
	if got := seen(failuresHigh(counts{attempts: 200, failedAttempts: 100}, &ofAttempts, false, true)); got != "wrong: 100 of 200 attempts failed within 10m" {
		t.Errorf("of attempts: %s", got)
	}
}

func TestBreakerOpen(t *testing.T) {
	s := snapshot(t, nil)
	up, down := dispatchapy.Health{State: dispatchapy.HealthUp}, dispatchapy.Health{State: dispatchapy.HealthDown}
	for name, tt := range map[string]struct {
		resource    int64
		state       routing.BreakerState
		health      dispatchapy.Health
		used, alive bool
		want        string
	}{
		"open":                {1, routing.BreakerOpen, up, true, false, "wrong: deliveries to one fail"},
		"half open":           {1, routing.BreakerHalfOpen, up, true, true, "wrong: deliveries to one fail"},
		"closed":              {1, routing.BreakerClosed, up, true, true, "right: one takes messages"},
		"closed, nothing yet": {1, routing.BreakerClosed, up, true, false, "unknown"},
		"known to be down":    {1, routing.BreakerOpen, down, true, false, "right: nothing is sent to it"},
		"no route leads here": {1, routing.BreakerOpen, up, false, false, "right: nothing is sent to it"},
		"switched off":        {4, routing.BreakerOpen, up, true, false, "right: nothing is sent to it"},
	} {
		if got := seen(breakerOpen(s.ResourceByID(tt.resource), tt.state, tt.health, tt.used, tt.alive)); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestSaturated(t *testing.T) {
	now := time.Unix(1e9, 0)
	limited := snapshot(t, func(c *dispatchapy.Config) { c.Resources[0].Concurrency = 1 }).ResourceByID(1)
	for name, tt := range map[string]struct {
		r        *routing.Resource
		at       time.Time
		complete bool
		want     string
	}{
		"just now":              {limited, now.Add(-turnedLately), false, "wrong: the limits of one turn tasks away"},
		"some time ago":         {limited, now.Add(-turnedLately - 1), true, "right: the limits of one have room"},
		"never, and just begun": {limited, time.Time{}, false, "unknown"},
		"no limits any more":    {snapshot(t, nil).ResourceByID(1), time.Time{}, false, "right: the limits of one have room"},
	} {
		if got := seen(saturated(tt.r, tt.at, tt.complete, now)); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestCertificateExpiring(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	r := snapshot(t, nil).ResourceByID(1)
	for name, tt := range map[string]struct {
		left  time.Duration
		level int
		want  string
	}{
		"good":         {22 * day, 0, "right: the certificate of one is good until 2026-03-23"},
		"three weeks":  {21 * day, 21, "wrong: the certificate of one expires on 2026-03-22, in 21 days"},
		"a week":       {7 * day, 7, "wrong: the certificate of one expires on 2026-03-08, in 7 days"},
		"between":      {8 * day, 21, "wrong: the certificate of one expires on 2026-03-09, in 8 days"},
		"the last day": {day - time.Minute, 1, "wrong: the certificate of one expires on 2026-03-02, in 24h0m0s"},
		"over":         {-time.Minute, 0, "wrong: the certificate of one has expired on 2026-03-01"},
	} {
		o := certificateExpiring(r, now.Add(tt.left), []int{21, 7, 1}, now)
		if got := seen(o); got != tt.want || o.Level != tt.level {
			t.Errorf("%s: %s at level %d, want %s at %d", name, got, o.Level, tt.want, tt.level)
		}
	}
	if got := seen(certificateExpiring(r, time.Time{}, []int{21}, now)); got != "unknown" {
		t.Errorf("not seen: %s", got)
	}
	plain := snapshot(t, func(c *dispatchapy.Config) { c.Resources[0].URL = "http://one/" }).ResourceByID(1)
	if got := seen(certificateExpiring(plain, now.Add(-day), []int{21}, now)); got != "right: there is no certificate" {
		t.Errorf("of http: %s", got)
	}
}

func TestWindow(t *testing.T) {
	var w window
	at := func(minutes int) time.Time { return time.Unix(1_000_000*60+int64(minutes)*60+30, 0) }
	one := counts{tasks: 1, attempts: 2}
	for _, minute := range []int{0, 5, 10, 10} {
		w.add(at(minute), one)
	}
	for _, tt := range []struct{ now, within, want int }{{10, 5, 3}, {10, 4, 2}, {10, 60, 4}, {15, 5, 2}, {16, 5, 0}, {70, 60, 2}, {71, 60, 0}} {
		if got := w.sum(at(tt.now), time.Duration(tt.within)*time.Minute); got.tasks != tt.want || got.attempts != 2*tt.want {
			t.Errorf("at minute %d within %d: %+v, want %d tasks", tt.now, tt.within, got, tt.want)
		}
	}
	w.add(at(100_000), one)
	w.add(at(50), one) // a clock that was set back counts in the present
	if got := w.sum(at(100_000), time.Hour); got.tasks != 2 {
		t.Errorf("after a long time: %+v", got)
	}
}
