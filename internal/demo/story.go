package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// task is what the story needs of a task of the management API.
type task struct {
	ID            int64     `json:"id"`
	Status        string    `json:"status"`
	Endpoint      string    `json:"endpoint"`
	CreatedAt     time.Time `json:"created_at"`
	FinishedAt    time.Time `json:"finished_at"`
	LastError     string    `json:"last_error"`
	AttemptCount  int       `json:"attempt_count"`
	SourcePayload struct {
		Message any `json:"message"` // somebody may send anything by hand
	} `json:"source_payload"`
	Attempts []attempt `json:"attempts"`
}

type attempt struct {
	Resource   string    `json:"resource"`
	Outcome    string    `json:"outcome"`
	StatusCode int       `json:"status_code"`
	Error      string    `json:"error"`
	StartedAt  time.Time `json:"started_at"`
	DurationMS float64   `json:"duration_ms"`
}

func (a attempt) endedAt() time.Time {
	return a.StartedAt.Add(time.Duration(a.DurationMS * float64(time.Millisecond)))
}

type event struct {
	ID       int64     `json:"id"`
	Kind     string    `json:"kind"`
	At       time.Time `json:"at"`
	Resource string    `json:"resource"`
	Detail   string    `json:"detail"`
}

// firstChoice is the resource that each endpoint of gateway.yaml tries first.
var firstChoice = map[string]string{"send_sms": "sms-primary", "alert": "pager", "report": "pager"}

// patience is the age from which a delivered message counts as one that had to
// wait for its provider.
const patience = 1500 * time.Millisecond

// line is something to print, with the moment at which it happened.
type line struct {
	at   time.Time
	text string
}

// story follows the tasks and prints what happens to them. It is used from one
// goroutine.
type story struct {
	out    io.Writer
	client *client
	begun  time.Time

	lines      []line        // of the present look
	lastTask   int64         // newest task seen
	lastEvent  int64         // newest event seen
	open       map[int64]int // unfinished tasks: attempts already told
	explained  map[string]bool
	accepted   int
	first      int // delivered by the first choice
	failover   int // delivered by another one after an error
	skipped    int // delivered by another one, the first was known to be down
	waited     int // of all delivered, those that had to wait
	failed     int
	outOfReach bool // the pager, by the last event
}

func newStory(out io.Writer, c *client) *story {
	return &story{out: out, client: c, begun: time.Now(), open: map[int64]int{}, explained: map[string]bool{}}
}

// look asks the gateway for news and prints them in the order in which they happened.
func (s *story) look(ctx context.Context) error {
	s.lines = s.lines[:0]
	err := errors.Join(s.lookAtEvents(ctx), s.lookAtNewTasks(ctx))
	for _, id := range s.openIDs() {
		if err != nil {
			break
		}
		err = s.lookAtTask(ctx, id)
	}
	slices.SortStableFunc(s.lines, func(a, b line) int { return a.at.Compare(b.at) })
	for _, l := range s.lines {
		fmt.Fprintf(s.out, "%7.1fs  %s\n", max(0, l.at.Sub(s.begun).Seconds()), l.text)
	}
	return err
}

func (s *story) openIDs() []int64 {
	ids := make([]int64, 0, len(s.open))
	for id := range s.open {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (s *story) tell(at time.Time, format string, args ...any) {
	s.lines = append(s.lines, line{at, fmt.Sprintf(format, args...)})
}

// explain adds a remark the first time that something happens.
func (s *story) explain(at time.Time, what, remark string) {
	if !s.explained[what] {
		s.explained[what] = true
		s.tell(at, "       ^          %s", remark)
	}
}

// say prints something outside the sequence of events.
func (s *story) say(text string) { fmt.Fprintln(s.out, text) }

func (s *story) lookAtEvents(ctx context.Context) error {
	var page struct{ Items []event }
	if err := s.client.get(ctx, "/v1/events?limit=50", &page); err != nil {
		return err
	}
	slices.SortFunc(page.Items, func(a, b event) int { return cmp.Compare(a.ID, b.ID) })
	for _, e := range page.Items {
		if e.ID <= s.lastEvent {
			continue
		}
		s.lastEvent = e.ID
		switch e.Kind {
		case "resource.down":
			s.outOfReach = true
			s.tell(e.At, "       %-10s is DOWN: %s", e.Resource, e.Detail)
			s.explain(e.At, "down", "a health check noticed; no message is tried there until a check succeeds")
		case "resource.up":
			s.outOfReach = false
			s.tell(e.At, "       %-10s is UP again", e.Resource)
		}
	}
	return nil
}

func (s *story) lookAtNewTasks(ctx context.Context) error {
	for cursor := ""; ; {
		var page struct {
			Items []task
			Next  string
		}
		if err := s.client.get(ctx, "/v1/tasks?limit=100&cursor="+url.QueryEscape(cursor), &page); err != nil {
			return err
		}
		oldest := int64(0)
		for _, t := range page.Items {
			oldest = t.ID
			if _, known := s.open[t.ID]; known || t.ID <= s.lastTask {
				continue
			}
			s.accepted++
			s.open[t.ID] = 0
			s.tell(t.CreatedAt, "#%-5d %-10s accepted: %v", t.ID, t.Endpoint, t.SourcePayload.Message)
			if t.Endpoint == "report" && s.outOfReach {
				s.explain(t.CreatedAt, "waiting", "its only provider is down: it waits, and spends no attempt")
			}
		}
		if page.Next == "" || oldest <= s.lastTask+1 {
			break
		}
		cursor = page.Next
	}
	for id := range s.open {
		s.lastTask = max(s.lastTask, id)
	}
	return nil
}

// lookAtTask tells the attempts of a task that are new, and its end.
func (s *story) lookAtTask(ctx context.Context, id int64) error {
	var t task
	err := s.client.get(ctx, fmt.Sprintf("/v1/tasks/%d", id), &t)
	if errors.Is(err, errNotFound) { // deleted by hand
		delete(s.open, id)
		return nil
	}
	if err != nil {
		return err
	}
	if made := t.Attempts; len(made) > s.open[id] {
		s.tell(made[len(made)-1].endedAt(), "#%-5d %-10s %s", id, t.Endpoint, journey(made[s.open[id]:]))
		s.open[id] = len(made)
	}
	switch t.Status {
	case "success":
		delete(s.open, id)
		s.delivered(&t)
	case "failed", "stopped":
		delete(s.open, id)
		s.failed++
		s.tell(t.FinishedAt, "#%-5d %s: %s", id, strings.ToUpper(t.Status), t.LastError)
	}
	return nil
}

// journey words the attempts of a round: sms-primary 500 (2 ms) -> sms-backup ok (412 ms).
func journey(attempts []attempt) string {
	stops := make([]string, len(attempts))
	for i, a := range attempts {
		digits := 0
		if a.DurationMS < 10 {
			digits = 1
		}
		stops[i] = fmt.Sprintf("%s %s (%.*f ms)", a.Resource, a.verdict(), digits, a.DurationMS)
	}
	return strings.Join(stops, " -> ")
}

func (a attempt) verdict() string {
	switch {
	case a.Outcome == "success":
		return "ok"
	case a.StatusCode > 0:
		return strconv.Itoa(a.StatusCode)
	}
	return a.Error
}

// delivered counts and explains the way that a message took.
func (s *story) delivered(t *task) {
	if len(t.Attempts) == 0 {
		return
	}
	last := t.Attempts[len(t.Attempts)-1]
	at := last.endedAt()
	if at.Sub(t.CreatedAt) > patience {
		s.waited++
		if len(t.Attempts) == 1 {
			s.explain(at, "waited", fmt.Sprintf("it waited %.1f s for its provider and left as soon as that was back", at.Sub(t.CreatedAt).Seconds()))
		}
	}
	switch {
	case last.Resource == firstChoice[t.Endpoint]:
		s.first++
	case len(t.Attempts) > 1:
		s.failover++
		s.explain(at, "failover", "failover: the first provider failed, the next one had it at once")
	default:
		s.skipped++
		s.explain(at, "skipped", "its first provider is known to be down, so that no time was lost on it")
	}
}

// settled reports whether every task has ended.
func (s *story) settled() bool { return len(s.open) == 0 }

func (s *story) sumUp(p *providers) {
	delivered := s.first + s.failover + s.skipped
	fmt.Fprintf(s.out, "\n%d messages in %.0f s: %d delivered, %d failed, %d still waiting.\n",
		s.accepted, time.Since(s.begun).Seconds(), delivered, s.failed, len(s.open))
	fmt.Fprintf(s.out, "  %3d by the first provider in their order\n", s.first)
	fmt.Fprintf(s.out, "  %3d by the next one, after an error of the first\n", s.failover)
	fmt.Fprintf(s.out, "  %3d by the next one, because the first was known to be down\n", s.skipped)
	fmt.Fprintf(s.out, "  %3d had to wait for a provider\n\n", s.waited)
	arrived, repeated := 0, 0
	for _, one := range p.all() {
		t := one.tally()
		arrived += t.distinct
		repeated += t.repeated
		fmt.Fprintf(s.out, "  %-12s %3d requests, %d failed on purpose\n", one.name, t.requests, t.failed)
	}
	fmt.Fprintf(s.out, "\n%d of %d delivered messages arrived, %d of them more than once.\n", arrived, delivered, repeated)
}
