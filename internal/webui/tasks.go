package webui

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// tasksPage lists the tasks that a query selects, newest first.
type tasksPage struct {
	Shell
	Form     *Form // the box of the query
	Query    query // what is asked for
	Chips    []phaseChip
	All      string // how many tasks there are of all phases
	Matching string // how many match
	Spans    []spanChip
	Custom   timeSpan // what is asked for is no span of Spans; zero: it is
	Filters  []*Field
	Views    []view

	Rows   []taskRow
	Place  place
	Older  string // address of the next page; "" at the end
	Newer  string // address of the page before; "" on the first
	Search bool   // there may be more, but this part of the tasks had none that match

	New     service.Count // tasks that came since
	NewText string
}

// phaseChip leads to the tasks of a phase.
type phaseChip struct {
	Path    string
	State   state
	Count   string
	Current bool
}

// spanChip leads to the tasks of a span of time until now.
type spanChip struct {
	Path, Label string
	Current     bool
}

// timeSpan is from when until when tasks are asked for, as a browser's fields
// hold it.
type timeSpan struct{ Since, Until, Zone string }

// taskRow is a task in a list.
type taskRow struct {
	service.Task
	Path       string
	Can        string // what may be done to it: actions, with spaces between them
	ShowClient bool
	ShowWay    bool // which resource it went to
}

// CutRef gives the ref, not longer than a row has room for.
func (r taskRow) CutRef() string { return cutRunes(r.Ref, maxShown) }

// CutScope gives the scope, likewise.
func (r taskRow) CutScope() string { return cutRunes(r.Scope, maxShown) }

// CutError gives the latest error, likewise.
func (r taskRow) CutError() string {
	if r.Phase == dispatchapy.PhaseDelivered {
		return ""
	}
	return cutRunes(r.LastError, maxShown)
}

// maxShown is how many letters of a text stand in a row.
const maxShown = 120

// pageSize is how many tasks a page has.
const pageSize = service.DefaultLimit

func (ui *UI) showTasks(c *call) error {
	q, faults := c.taskQuery()
	if c.overridden() && len(faults) == 0 {
		return c.redirect(tasksPath(q, place{}))
	}
	p := &tasksPage{Query: q, Form: c.newForm(url.Values{"q": {q.String()}})}
	filter, wrong := q.filter(c.now())
	faults = append(faults, wrong...)
	for _, f := range faults {
		p.Form.Refuse("q", f.key, f.args...)
	}
	if len(faults) > 0 {
		p.Form.Set("q", c.query("q"))
	}
	p.addChips(c, nil)
	if len(faults) == 0 {
		if err := p.find(c, filter); err != nil && !p.Form.Take(err) {
			return err
		}
	}
	if err := p.addFilters(c); err != nil {
		return err
	}
	if err := p.addViews(c); err != nil {
		return err
	}
	return c.showStatus(p.Form.Status(), "tasks", c.t("Tasks"), p)
}

// overrides are parameters that stand for a part of the query: old addresses
// have them, and forms of single filters.
var overrides = []string{"status", "endpoint", "resource", "client", "scope", "ref", "since", "until", "range", "view", "search"}

func (c *call) overridden() bool {
	asked := c.r.URL.Query()
	return slices.ContainsFunc(overrides, asked.Has)
}

// taskQuery reads what is asked for from the address.
func (c *call) taskQuery() (query, []fault) {
	asked := c.r.URL.Query()
	text := asked.Get("q")
	if view, ok := builtInViews[asked.Get("view")]; ok {
		text = view
	}
	q, faults := parseQuery(text)
	for _, key := range queryKeys {
		if asked.Has(key) {
			var values []string
			for _, v := range asked[key] {
				values = append(values, strings.Split(v, ",")...)
			}
			q = q.with(key, values...)
		}
	}
	if asked.Has("range") {
		q = q.with("since", asked.Get("range")).with("until")
	}
	if text := asked.Get("search"); text != "" {
		q.text = text
	}
	return q, faults
}

// find fills in the tasks and how many there are.
func (p *tasksPage) find(c *call, filter service.TaskFilter) error {
	p.Place = c.place()
	found, err := c.ui.service.ListTasks(c.ctx(), c.who, filter, service.PageRequest{Cursor: p.Place.before, Limit: pageSize})
	if err != nil {
		return err
	}
	p.Rows = c.taskRows(found.Items, p.Query)
	if p.Place.before != "" {
		p.Newer = tasksPath(p.Query, p.Place.newer())
	}
	if found.Next != "" {
		p.Older = tasksPath(p.Query, p.Place.older(found.Next))
	}
	p.Search = len(found.Items) == 0 && found.Next != ""
	anyPhase := filter
	anyPhase.Phases = nil
	counts, err := c.ui.service.CountTasks(c.ctx(), c.who, anyPhase)
	p.addChips(c, counts)
	return err
}

// taskRows makes rows of tasks. Their pages know of the query, to step through
// what it selects.
func (c *call) taskRows(tasks []service.Task, q query) []taskRow {
	rows := make([]taskRow, len(tasks))
	staff, providers := c.who.IsStaff(), c.ui.service.ReadsProviders(c.who)
	for i := range tasks {
		tasks[i].LastError = c.lang.Said(tasks[i].LastError)
		rows[i] = taskRow{Task: tasks[i], Path: taskPath(tasks[i].ID, q), ShowClient: staff, ShowWay: providers}
		if c.who.May(dispatchapy.ActOnTasks) {
			rows[i].Can = strings.Join(actionsOf(tasks[i].Status), " ")
		}
	}
	return rows
}

// actionsOf lists what people may do to a task in a state.
func actionsOf(s dispatchapy.Status) []string {
	var can []string
	for _, action := range bulkActions {
		if _, ok := action.Next(s); ok {
			can = append(can, string(action))
		}
	}
	if s != dispatchapy.StatusProcessing {
		can = append(can, "resend")
	}
	return can
}

// addChips makes the chips; without counts they have none.
func (p *tasksPage) addChips(c *call, counts map[dispatchapy.Phase]service.Count) {
	phases, _ := phasesOf(p.Query.values("status"))
	w := words{c.lang}
	p.Chips = nil
	for _, phase := range dispatchapy.Phases {
		chip := phaseChip{Path: tasksPath(p.Query.with("status", string(phase)), place{}), State: w.phase(phase), Current: slices.Contains(phases, phase)}
		if phase == dispatchapy.PhaseWaiting {
			chip.State.Word = c.t("Waiting")
		}
		if counts != nil {
			chip.Count = c.count(counts[phase])
		}
		p.Chips = append(p.Chips, chip)
	}
	if counts != nil {
		p.All, p.Matching = c.count(bounded(sumOf(counts, nil))), c.count(bounded(sumOf(counts, phases)))
	}
}

// sumOf adds up the counts of phases; without phases, of all.
func sumOf(counts map[dispatchapy.Phase]service.Count, phases []dispatchapy.Phase) (sum service.Count) {
	for phase, n := range counts {
		if len(phases) == 0 || slices.Contains(phases, phase) {
			sum = add(sum, n)
		}
	}
	return sum
}

// bounded says no more of a sum than of its parts.
func bounded(n service.Count) service.Count {
	if n.N > service.MaxCount {
		return service.Count{N: service.MaxCount, AtLeast: true}
	}
	return n
}

// AllPath leads to the tasks of all phases.
func (p *tasksPage) AllPath() string { return tasksPath(p.Query.with("status"), place{}) }

// AllCurrent reports whether no phase is asked for.
func (p *tasksPage) AllCurrent() bool { return len(p.Query.values("status")) == 0 }

// IsFirst reports whether this is the first page.
func (p *tasksPage) IsFirst() bool { return p.Place.before == "" }

// First is the address of the first page.
func (p *tasksPage) First() string { return tasksPath(p.Query, place{}) }

// Export is the address of all that match as a file.
func (p *tasksPage) Export(format string) string { return exportPath(p.Query, format) }

// Self is the address of this page.
func (p *tasksPage) Self() string { return tasksPath(p.Query, p.Place) }

// place is how far back somebody has paged, and over which pages, so that the
// way to newer ones is the way that one came.
type place struct {
	before string   // cursor of this page; "": the first
	trail  []string // cursors of the pages between the first and this one
}

// maxTrail bounds the length of addresses. Who has come further than that goes
// back to the first page.
const maxTrail = 100

func (c *call) place() place {
	at := place{before: c.query("before")}
	if trail := c.query("trail"); trail != "" && at.before != "" {
		at.trail = strings.Split(trail, ".")
	}
	digits := func(s string) bool { _, err := strconv.ParseUint(s, 10, 63); return err == nil }
	if len(at.trail) > maxTrail || slices.ContainsFunc(at.trail, func(s string) bool { return !digits(s) }) {
		at.trail = nil
	}
	return at
}

func (at place) newer() place {
	if n := len(at.trail); n > 0 {
		return place{at.trail[n-1], at.trail[:n-1]}
	}
	return place{}
}

func (at place) older(next string) place {
	to := place{before: next}
	if at.before != "" && len(at.trail) < maxTrail {
		to.trail = append(slices.Clone(at.trail), at.before)
	}
	return to
}

// tasksPath gives the address of a page of the tasks that a query selects.
func tasksPath(q query, at place) string {
	params := queryParam(q)
	if at.before != "" {
		params = append(params, "before="+url.QueryEscape(at.before))
	}
	if len(at.trail) > 0 {
		params = append(params, "trail="+strings.Join(at.trail, "."))
	}
	if len(params) == 0 {
		return "/tasks"
	}
	return "/tasks?" + strings.Join(params, "&")
}

// taskPath gives the address of a task's page, from which one can step through
// what the query selects.
func taskPath(id int64, q query) string {
	path := "/tasks/" + strconv.FormatInt(id, 10)
	if params := queryParam(q); params != nil {
		return path + "?" + params[0]
	}
	return path
}

// readable are letters that may stand as they are in a query of an address.
var readable = strings.NewReplacer("%3A", ":", "%2C", ",", "%2F", "/")

func queryParam(q query) []string {
	if q.Empty() {
		return nil
	}
	return []string{"q=" + readable.Replace(url.QueryEscape(q.String()))}
}

// now is the time in the zone of whoever asks, which a script has told.
func (c *call) now() time.Time { return time.Now().In(c.zone()) }

// maxZone is how far a zone may be from UTC, in minutes.
const maxZone = 14 * 60

// zone gives the zone of the browser, by its present distance from UTC; UTC
// where it is unknown, or chosen.
func (c *call) zone() *time.Location {
	minutes, err := strconv.Atoi(cookie(c.r, "zone"))
	if err != nil || minutes == 0 || minutes < -maxZone || minutes > maxZone || cookie(c.r, "clock") == "utc" {
		return time.UTC
	}
	name := time.Unix(0, 0).In(time.FixedZone("", minutes*60)).Format("UTC-07:00")
	return time.FixedZone(name, minutes*60)
}
