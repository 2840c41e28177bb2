package webui

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// overviewPage answers: is it delivering, what is stuck, what do I press.
type overviewPage struct {
	Shell
	Truth     truth
	Attention []attention
	Ongoing   []*incidentRow // incidents, which say what the rest of the page need not repeat
	Tiles     []tile
	Strip     Strip
	Resources []resourceRow
	Routes    []service.EndpointRoute
	Tasks     []service.Task
	Steps     []step // of setting up, while there are any
}

// truth is the first sentence of the page.
type truth struct {
	Tone      string // ok, warn, fail or wait
	Sentence  string
	Sentences []fact // what follows it
}

// fact is a sentence about something that lasts.
type fact struct {
	Text  string
	Since time.Time // zero if it is not known
	Until time.Time // when it ends; zero if it is not known
}

// Mark is the shape of its state.
func (t truth) Mark() string {
	if t.Tone == "wait" {
		return "unknown"
	}
	return t.Tone
}

// attention is something to be done.
type attention struct {
	Tone, Text string
	Path       string // where it is dealt with
	Do         string // what the link says
	Check      int64  // a resource that can be checked at once; 0: none
	Since      time.Time
	Incident   *incidentRow // that it is; nil: none
}

// order puts what fails first, and what somebody takes care of after others.
func (a *attention) order() int {
	order := map[string]int{"fail": 0, "warn": 2, "held": 4}[a.Tone]
	if a.Incident != nil && a.Incident.AcknowledgedBy != "" {
		order++
	}
	return order
}

// tile is a number that leads to what it counts.
type tile struct {
	Path, Label, Figure string
	Tone                string // "" if it is no state
}

// step is one of setting up.
type step struct {
	Done       bool
	Text, Path string
}

const (
	latestTasks = 10
	checkPlaces = 60
	stuckAfter  = 5 * time.Minute
)

func (ui *UI) showOverview(c *call) error {
	if !c.who.IsStaff() {
		return ui.showClientOverview(c)
	}
	p := &overviewPage{}
	for _, part := range []func(*call) error{p.addIncidents, p.addRoutes, p.addResources, p.addNumbers, p.addTasks} {
		if err := part(c); err != nil {
			return err
		}
	}
	if c.wantsSetup(len(p.Resources)) {
		return c.redirect("/setup")
	}
	p.Truth = p.truth(c)
	p.addSteps(c)
	return c.show("overview", c.t("Overview"), p)
}

func (p *overviewPage) addRoutes(c *call) (err error) {
	p.Routes, err = c.ui.service.EndpointRoutes(c.ctx(), c.who)
	if err != nil {
		return err
	}
	slices.SortStableFunc(p.Routes, func(a, b service.EndpointRoute) int { return cmp.Compare(rank[a.Health], rank[b.Health]) })
	for i := range p.Routes {
		e := &p.Routes[i]
		path := "/endpoints/" + strconv.FormatInt(e.ID, 10)
		switch e.Health {
		case service.RouteDown:
			if p.ongoing(dispatchapy.EventEndpointDown, 0, e.ID) == nil {
				p.attend(attention{Tone: "fail", Text: c.t("{path} delivers nothing: none of its resources can be used.", "path", e.Path), Path: path, Do: c.t("Look at its route")})
			}
		case service.RouteIncomplete:
			p.attend(attention{Tone: "warn", Text: c.t("{path} is not ready: {what}.", "path", e.Path, "what", c.readiness(e.Readiness)), Path: path, Do: c.t("Complete it")})
		}
		if e.Dev.Enabled && (e.Dev.Hold || e.Dev.RulesEnabled) {
			p.attend(attention{Tone: "held", Text: c.devText(e), Path: path + "/overrides", Do: c.t("Look at it")})
		}
	}
	return nil
}

// rank puts what fails first.
var rank = map[service.RouteHealth]int{
	service.RouteDown: 0, service.RouteDegraded: 1, service.RouteIncomplete: 2, service.RouteOperational: 3, service.RouteOff: 4,
}

func (c *call) devText(e *service.EndpointRoute) string {
	if e.Dev.Hold {
		return c.t("{path} is in development mode and holds every task.", "path", e.Path)
	}
	return c.t("{path} is in development mode: rules change what is sent.", "path", e.Path)
}

// readiness says what an endpoint lacks, in the language of the page.
func (c *call) readiness(text string) string {
	switch text {
	case dispatchapy.ReadinessReady:
		return c.t("Ready")
	case dispatchapy.ReadinessMissingClients:
		return c.t("Missing clients")
	case dispatchapy.ReadinessNoResources:
		return c.t("No resources")
	}
	if name, found := strings.CutPrefix(text, "Rules incomplete for '"); found {
		return c.t("Rules incomplete for '{name}'", "name", strings.TrimSuffix(name, "'"))
	}
	return text
}

// mostResources is how many of them the overview shows, those that fail first.
const mostResources = 15

// FirstResources are those that are shown.
func (p *overviewPage) FirstResources() []resourceRow {
	return p.Resources[:min(len(p.Resources), mostResources)]
}

func (p *overviewPage) addResources(c *call) (err error) {
	if p.Resources, err = c.resourceRows(); err != nil {
		return err
	}
	for i := range p.Resources {
		r := &p.Resources[i]
		if r.Active && r.Health.State == dispatchapy.HealthDown && p.ongoing(dispatchapy.EventResourceDown, r.ID, 0) == nil {
			p.attend(attention{
				Tone: "fail", Text: c.t("{name} is down", "name", r.Name), Since: r.Health.Since, Path: resourcePath(r.ID, ""), Do: c.t("Look at its checks"), Check: r.ID,
			})
		}
	}
	return nil
}

func (p *overviewPage) addNumbers(c *call) error {
	stats, err := c.ui.service.Stats(c.ctx(), c.who, service.StatsInput{Bucket: time.Hour})
	if err != nil {
		return err
	}
	total, err := c.ui.service.Stats(c.ctx(), c.who, service.StatsInput{})
	if err != nil {
		return err
	}
	counts, err := c.ui.service.CountTasks(c.ctx(), c.who, service.TaskFilter{})
	if err != nil {
		return err
	}
	stuck, err := c.ui.service.CountTasks(c.ctx(), c.who, service.TaskFilter{
		Until:  time.Now().Add(-stuckAfter),
		Phases: []dispatchapy.Phase{dispatchapy.PhaseQueued, dispatchapy.PhaseRetrying, dispatchapy.PhaseWaiting},
	})
	if err != nil {
		return err
	}
	failed, err := c.ui.service.CountTasks(c.ctx(), c.who, failedLately())
	if err != nil {
		return err
	}
	p.Strip = strip(c.lang, stats.Since, int(stats.Until.Sub(stats.Since)/time.Hour), stats.Rows)
	var sum service.StatsRow
	if len(total.Rows) > 0 {
		sum = total.Rows[0]
	}
	p.tiles(c, counts, failed[dispatchapy.PhaseFailed], sum)
	p.attendTasks(c, counts, stuck, failed[dispatchapy.PhaseFailed])
	return nil
}

// failedLately asks for the tasks that failed and have stayed so, which is what
// the link to them shows: the statistics go on counting those that were retried.
func failedLately() service.TaskFilter {
	return service.TaskFilter{Since: time.Now().Add(-24 * time.Hour), Phases: []dispatchapy.Phase{dispatchapy.PhaseFailed}}
}

func (p *overviewPage) tiles(c *call, counts map[dispatchapy.Phase]service.Count, failed service.Count, sum service.StatsRow) {
	number := func(n int64) string { return c.lang.Number(n) }
	count := func(phase dispatchapy.Phase) string { return c.count(counts[phase]) }
	waiting := add(add(counts[dispatchapy.PhaseQueued], counts[dispatchapy.PhaseRetrying]), counts[dispatchapy.PhaseWaiting])
	p.Tiles = []tile{
		{"/tasks?status=delivered&range=24h", c.t("Delivered, 24 h"), number(sum.Delivered), "ok"},
		{"/tasks?status=failed&range=24h", c.t("Failed, 24 h"), c.count(failed), "fail"},
		{"/tasks?status=pending", c.t("Queued"), c.count(waiting), "wait"},
		{"/tasks?status=sending", c.t("Sending"), count(dispatchapy.PhaseSending), "run"},
		{"/held", c.t("Held"), count(dispatchapy.PhaseHeld), "held"},
		{"/tasks?status=stopped", c.t("Stopped"), count(dispatchapy.PhaseStopped), "stop"},
		{"/tasks?status=delivered&range=24h", c.t("p95 to deliver"), (&words{c.lang}).took(sum.Latency.P95), ""},
	}
}

func add(a, b service.Count) service.Count {
	return service.Count{N: a.N + b.N, AtLeast: a.AtLeast || b.AtLeast}
}

// count writes a number of tasks that is not counted beyond a bound.
func (c *call) count(n service.Count) string {
	text := c.lang.Number(int64(n.N))
	if n.AtLeast {
		text += "+"
	}
	return text
}

func (p *overviewPage) attendTasks(c *call, counts, stuck map[dispatchapy.Phase]service.Count, failed service.Count) {
	if failed.N > 0 {
		text := c.lang.N("{n} task failed in the last 24 hours.", "{n} tasks failed in the last 24 hours.", failed.N)
		p.attend(attention{Tone: "fail", Text: text, Path: "/tasks?status=failed&range=24h", Do: c.t("Look at them")})
	}
	old := add(add(stuck[dispatchapy.PhaseQueued], stuck[dispatchapy.PhaseRetrying]), stuck[dispatchapy.PhaseWaiting])
	if old.N > 0 {
		text := c.lang.N("{n} task has waited for more than five minutes.", "{n} tasks have waited for more than five minutes.", old.N)
		p.attend(attention{Tone: "warn", Text: text, Path: "/tasks?view=stuck", Do: c.t("Look at them")})
	}
	if held := counts[dispatchapy.PhaseHeld]; held.N > 0 {
		text := c.lang.N("{n} task is held until somebody releases it.", "{n} tasks are held until somebody releases them.", held.N)
		p.attend(attention{Tone: "held", Text: text, Path: "/held", Do: c.t("Inspect them")})
	}
	slices.SortStableFunc(p.Attention, func(a, b attention) int { return cmp.Compare(a.order(), b.order()) })
}

func (p *overviewPage) addTasks(c *call) error {
	page, err := c.ui.service.ListTasks(c.ctx(), c.who, service.TaskFilter{}, service.PageRequest{Limit: latestTasks})
	p.Tasks = page.Items
	return err
}

// truth says in a sentence whether the gateway delivers.
func (p *overviewPage) truth(c *call) truth {
	var live, down, degraded int
	var silent string
	for i := range p.Routes {
		e := &p.Routes[i]
		switch e.Health {
		case service.RouteDown:
			down++
			silent = e.Path
		case service.RouteDegraded:
			degraded++
		case service.RouteOperational:
		default:
			continue
		}
		live++
	}
	t := truth{Tone: "ok", Sentences: p.carriers(c)}
	switch {
	case live == 0:
		t.Tone, t.Sentence = "wait", c.t("Nothing can be delivered yet.")
	case down == 1:
		t.Tone, t.Sentence = "fail", c.t("{path} delivers nothing: its messages wait until a resource is back.", "path", silent)
	case down > 1:
		t.Tone, t.Sentence = "fail", c.t("{n} of {all} endpoints deliver nothing: their messages wait until a resource is back.", "n", down, "all", live)
	default:
		t.Sentence = c.lang.N("The endpoint delivers.", "All {n} endpoints deliver.", live)
		if degraded > 0 {
			t.Tone = "warn"
		}
	}
	return t
}

// carriers says, of every first choice that cannot be used, who carries its
// messages.
func (p *overviewPage) carriers(c *call) []fact {
	var out []fact
	said := map[string]bool{}
	for i := range p.Routes {
		e := &p.Routes[i]
		if e.Health != service.RouteDegraded {
			continue
		}
		first, carrier := e.Routes[0], e.Routes[e.Carrier()]
		text := c.t("{first} is {reason}; {carrier} takes over.", "first", first.Resource, "reason", c.reason(string(first.Reason)), "carrier", carrier.Resource)
		if !said[text] {
			said[text] = true
			said[first.Resource] = true
			f := fact{Text: text, Until: p.until(first)}
			if i := p.ongoing(dispatchapy.EventEndpointOnBackup, 0, e.ID); i != nil {
				f.Since = i.OpenedAt
			}
			out = append(out, f)
		}
	}
	out = append(out, p.maintenances(c, said)...)
	return out[:min(len(out), 3)]
}

// reason says in the language of the page why a resource cannot be used.
func (c *call) reason(why string) string { return (&words{c.lang}).reason(why) }

// addSteps lists what setting up still needs; nothing once a message arrived.
func (p *overviewPage) addSteps(c *call) {
	ready, delivered := false, false
	for i := range p.Routes {
		ready = ready || p.Routes[i].Readiness == dispatchapy.ReadinessReady
	}
	for i := range p.Tasks {
		delivered = delivered || p.Tasks[i].Phase == dispatchapy.PhaseDelivered
	}
	if delivered || len(p.Tasks) == latestTasks || !c.who.May(dispatchapy.WriteConfig) {
		return
	}
	p.Steps = []step{
		{len(p.Resources) > 0, c.t("Add a resource: where messages go"), "/setup"},
		{len(p.Routes) > 0, c.t("Add an endpoint: where your application posts"), "/setup"},
		{ready, c.t("Map its keys and link a client"), "/endpoints"},
		{delivered, c.t("Send the first message"), "/documentation"},
	}
}
