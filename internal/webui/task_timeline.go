package webui

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// moment is something that happened to a task, or that is about to.
type moment struct {
	service.TimelineEntry
	Tone    string // of the mark; "": Icon stands there
	Icon    string
	Title   string
	Why     string
	Whys    []string // why other resources did not get it, or what each waits for
	Attempt *attemptView
	Future  bool          // At is when it will be
	After   time.Duration // from receiving the task to At; 0: at once, or in the future
}

// attemptView is an attempt as it can be opened.
type attemptView struct {
	service.Attempt
	Open     bool
	Answer   string // in short
	Words    string // what the answer does not say
	Phases   []timingPhase
	Request  *bodyView // nil: it is not shown
	Response *bodyView
	Curl     string
	All      string // address of this page with all of the bodies; "": they are shown
}

// bodyView is a body, as much of it as there is room for.
type bodyView struct {
	Text string
	Size int
	More bool // some of it is left out
}

// timingPhase is a part of the time that an attempt took.
type timingPhase struct {
	Label      string
	Took       time.Duration
	Left, Wide float64 // of 100
}

const (
	bodyShown     = 32 << 10 // bytes of a body that are shown unless all is asked for
	attemptsShown = 30       // latest attempts whose bodies are shown
)

func (p *taskPage) addMoments(c *call) {
	asked, _ := strconv.Atoi(c.query("attempt"))
	attempts := map[int]*service.Attempt{}
	last := 0
	for i := range p.Task.Attempts {
		a := &p.Task.Attempts[i]
		attempts[a.Number], last = a, a.Number
	}
	for _, entry := range p.Task.Timeline {
		if !p.Way {
			entry.Resource = ""
		}
		m := c.moment(&entry, &p.Task)
		if p.Way {
			m.Whys = c.whys(&entry)
		}
		if a := attempts[entry.Attempt]; entry.Kind == service.TimelineAttempt && a != nil {
			m.Tone = outcomeTone(a.Outcome)
			m.Attempt = p.attemptView(c, a, a.Number == asked, a.Number > last-attemptsShown)
			m.Attempt.Open = a.Number == asked || a.Number == last && p.Task.Phase == dispatchapy.PhaseFailed
		}
		if !m.Future && entry.At.After(p.Task.CreatedAt) {
			m.After = entry.At.Sub(p.Task.CreatedAt)
		}
		p.Moments = append(p.Moments, m)
	}
}

func outcomeTone(o dispatchapy.AttemptOutcome) string {
	switch o {
	case dispatchapy.OutcomeDelivered:
		return "ok"
	case dispatchapy.OutcomeRefused:
		return "fail"
	}
	return "warn"
}

// moment words an entry of the timeline.
func (c *call) moment(e *service.TimelineEntry, t *service.TaskDetail) moment {
	m := moment{TimelineEntry: *e}
	switch e.Kind {
	case service.TimelineReceived:
		m.Icon, m.Title = "inbox", c.t("Received for {endpoint}", "endpoint", t.Endpoint)
		if c.who.IsStaff() {
			m.Title = c.t("Received from {client} for {endpoint}", "client", t.Client, "endpoint", t.Endpoint)
		}
	case service.TimelineOverride:
		m.Icon, m.Title = "flask-conical", c.t("A rule replaced a value")
	case service.TimelinePassedOver:
		m.Icon, m.Title = "route", c.t("Not in the usual order")
		if c.ui.service.ReadsProviders(c.who) {
			m.Why = e.Text
		}
	case service.TimelineAttempt:
		m.Title = c.t("Attempt {n}", "n", e.Attempt)
		if e.Resource != "" {
			m.Title = c.t("Attempt {n} at {resource}", "n", e.Attempt, "resource", e.Resource)
		}
		if e.Resource != "" && e.Place > 0 && e.Routes > 1 {
			m.Why = c.t("Number {place} of {routes} in the order", "place", e.Place, "routes", e.Routes)
		}
	case service.TimelineBrokenOff:
		m.Tone, m.Title, m.Why = "warn", c.t("An attempt was broken off"), c.t("It may have arrived.")
	case service.TimelineDelivered:
		m.Tone, m.Title = "ok", c.t("Delivered")
		if e.Resource != "" {
			m.Title = c.t("Delivered by {resource}", "resource", e.Resource)
		}
	case service.TimelineFailed:
		m.Tone, m.Title, m.Why = "fail", c.t("Failed"), c.lang.Said(e.Text)
	case service.TimelineQueued, service.TimelineRetryScheduled, service.TimelineWaiting, service.TimelineSending:
		c.wordFuture(&m)
	default:
		c.wordDeed(&m)
	}
	return m
}

// wordFuture words what has not happened yet.
func (c *call) wordFuture(m *moment) {
	m.Future = !m.At.IsZero() && m.At.After(time.Now())
	switch m.Kind {
	case service.TimelineQueued:
		m.Tone, m.Title = "wait", c.t("Waits for its turn")
	case service.TimelineRetryScheduled:
		m.Tone, m.Title = "warn", c.t("Is tried again")
	case service.TimelineWaiting:
		m.Tone, m.Title = "warn", c.t("Waits until a resource can be used")
	default:
		m.Tone, m.Title = "run", c.t("Is being sent")
	}
}

// wordDeed words what people did, and notes.
func (c *call) wordDeed(m *moment) {
	by := []any{"by", m.By}
	switch m.Kind {
	case service.TimelineSubmitted:
		m.Icon, m.Title = "send", c.t("Sent by {by} in the name of the client", by...)
	case service.TimelineResent:
		m.Icon, m.Title = "link", c.t("Made by {by} from another task", by...)
	case service.TimelineHeld:
		m.Tone, m.Title, m.Why = "held", c.t("Held"), c.lang.Said(strings.TrimPrefix(m.Text, "held: "))
	case service.TimelineReleased:
		m.Icon, m.Title = "play", c.t("Released by {by}", by...)
	case service.TimelineRetried:
		m.Icon, m.Title = "refresh-cw", c.t("Retried by {by}", by...)
	case service.TimelineStopped:
		m.Tone, m.Title = "stop", c.t("Stopped by {by}", by...)
		if m.Task > 0 {
			m.Why = c.t("Another task takes its place.")
		}
	case service.TimelineDeleted:
		m.Icon, m.Title = "trash-2", c.t("Deleted by {by}", by...)
	case service.TimelineRestored:
		m.Icon, m.Title = "undo-2", c.t("Restored by {by}", by...)
	default:
		m.Icon, m.Title = "info", c.lang.Said(m.Text)
	}
}

// whys says why resources were passed over, or what keeps each from taking it.
func (c *call) whys(e *service.TimelineEntry) (out []string) {
	for _, passed := range e.PassedOver {
		out = append(out, c.t("{resource}: {why}", "resource", passed.Resource, "why", c.passed(passed.Why)))
	}
	for _, route := range e.Waiting {
		switch {
		case route.Refused:
			out = append(out, c.t("{resource}: {why}", "resource", route.Resource, "why", c.passed("refused")))
		case route.Reason != "":
			out = append(out, c.t("{resource}: {why}", "resource", route.Resource, "why", c.reason(string(route.Reason))))
		}
	}
	return out
}

func (c *call) passed(why string) string {
	if why == "refused" {
		return c.t("has refused it")
	}
	return c.reason(why)
}

// attemptView makes an attempt to be shown: with its bodies in whole, in part,
// or without them.
func (p *taskPage) attemptView(c *call, a *service.Attempt, whole, bodies bool) *attemptView {
	v := &attemptView{Attempt: *a, Answer: answerOf(a), Words: c.lang.Said(a.Detail), Phases: c.timing(a)}
	if v.Words == "HTTP "+v.Answer {
		v.Words = ""
	}
	switch {
	case !p.Way:
		return v
	case whole:
		v.Request, v.Response = bodyOf(a.RequestBody, len(a.RequestBody)), bodyOf(a.ResponseBody, len(a.ResponseBody))
	case bodies:
		v.Request, v.Response = bodyOf(a.RequestBody, bodyShown), bodyOf(a.ResponseBody, bodyShown)
	}
	if v.Request == nil || v.Request.More || v.Response.More {
		params := append(queryParam(p.Query), "attempt="+strconv.Itoa(a.Number))
		v.All = withParams(taskPath(p.Task.ID, query{}), params) + fmt.Sprintf("#attempt-%d", a.Number)
	} else {
		v.Curl = a.Curl()
	}
	return v
}

// answerOf says in short how an attempt ended.
func answerOf(a *service.Attempt) string {
	if a.StatusCode > 0 {
		return fmt.Sprintf("%d %s", a.StatusCode, http.StatusText(a.StatusCode))
	}
	return string(a.Error)
}

func bodyOf(body []byte, most int) *bodyView {
	v := &bodyView{Size: len(body), More: len(body) > most}
	v.Text = string(body[:min(len(body), most)])
	if !v.More {
		v.Text = jsonText(body)
	}
	return v
}

// timing takes the duration of an attempt apart.
func (c *call) timing(a *service.Attempt) []timingPhase {
	t := a.Timing
	if a.Duration <= 0 {
		return nil
	}
	waited := max(t.FirstByte-t.DNS-t.Connect-t.TLS, 0)
	rest := a.Duration - max(t.FirstByte, t.DNS+t.Connect+t.TLS)
	if t.FirstByte == 0 {
		waited, rest = a.Duration-t.DNS-t.Connect-t.TLS, 0
	}
	var out []timingPhase
	left := 0.0
	for _, phase := range []timingPhase{
		{Label: c.t("Name look-up"), Took: t.DNS}, {Label: c.t("Connection"), Took: t.Connect}, {Label: "TLS", Took: t.TLS},
		{Label: c.t("Waiting for the answer"), Took: waited}, {Label: c.t("Receiving"), Took: rest},
	} {
		if phase.Took <= 0 {
			continue
		}
		phase.Left, phase.Wide = left, min(100*float64(phase.Took)/float64(a.Duration), 100-left)
		left += phase.Wide
		out = append(out, phase)
	}
	return out
}
