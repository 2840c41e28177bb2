package webui

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// heldPage is the queue of what is held, oldest first, with what would be sent.
type heldPage struct {
	Shell
	Query   query // what is held, and of whom
	Filters []*Field
	Holders []holder

	Queue   []heldRow
	Count   service.Count
	Waiting string // the same as a text
	Next    int64  // the task to be looked at after the current one; 0: none
	Focus   bool   // something was just done: the next row gets the focus

	Task    *service.TaskDetail // that is looked at; nil: none is held
	Source  string
	Why     string // it is held
	Preview *previewView
	Gone    string // why there is no preview
}

// All is the query of everything that is held and asked for.
func (p *heldPage) All() query { return p.Query.with("status", string(dispatchapy.PhaseHeld)) }

// heldRow is a task of the queue.
type heldRow struct {
	service.Task
	Path    string
	Current bool
}

// CutRef gives the ref, not longer than a row has room for.
func (r heldRow) CutRef() string { return cutRunes(r.Ref, maxShown) }

// holder is a switch that holds tasks.
type holder struct {
	service.Hold
	Text    string
	Waiting string
	MayStop bool
}

// mostHolders is how many switches are shown.
const mostHolders = 5

func (ui *UI) showHeld(c *call) error {
	q, faults := c.taskQuery()
	if c.overridden() && len(faults) == 0 {
		return c.redirect(heldPath(q, c.query("task")))
	}
	p := &heldPage{Query: q.with("status"), Focus: c.flash != nil}
	if err := p.addFilters(c); err != nil {
		return err
	}
	if err := p.addQueue(c); err != nil {
		return err
	}
	if err := p.addHolders(c); err != nil {
		return err
	}
	if err := p.addTask(c); err != nil {
		return err
	}
	return c.show("held", c.t("Held"), p)
}

// heldPath gives the address of the queue of what a query selects, at a task.
func heldPath(q query, task string) string {
	params := queryParam(q)
	if task != "" {
		params = append(params, "task="+url.QueryEscape(task))
	}
	if len(params) == 0 {
		return "/held"
	}
	path := "/held?" + params[0]
	for _, param := range params[1:] {
		path += "&" + param
	}
	return path
}

func (p *heldPage) addFilters(c *call) error {
	tasks := &tasksPage{Query: p.Query}
	if err := tasks.addFilters(c); err != nil {
		return err
	}
	for _, f := range tasks.Filters {
		if f.Name != "resource" {
			p.Filters = append(p.Filters, f)
		}
	}
	return nil
}

// filter selects the held tasks that are asked for.
func (p *heldPage) filter(c *call) (service.TaskFilter, error) {
	f, faults := p.Query.filter(c.now())
	if len(faults) > 0 {
		return f, dispatchapy.Errorf(dispatchapy.CodeInvalid, "%s", c.t(faults[0].key, faults[0].args...))
	}
	f.Phases, f.Text = []dispatchapy.Phase{dispatchapy.PhaseHeld}, "" // a queue is not searched
	return f, nil
}

func (p *heldPage) addQueue(c *call) error {
	filter, err := p.filter(c)
	if err != nil {
		return err
	}
	tasks, err := c.ui.service.OldestTasks(c.ctx(), c.who, filter, pageSize)
	if err != nil {
		return err
	}
	counts, err := c.ui.service.CountTasks(c.ctx(), c.who, filter)
	if err != nil {
		return err
	}
	p.Count = counts[dispatchapy.PhaseHeld]
	p.Waiting = c.count(p.Count)
	asked, _ := strconv.ParseInt(c.query("task"), 10, 64)
	current := max(slices.IndexFunc(tasks, func(t service.Task) bool { return t.ID >= asked }), 0)
	for i := range tasks {
		p.Queue = append(p.Queue, heldRow{Task: tasks[i], Path: heldPath(p.Query, strconv.FormatInt(tasks[i].ID, 10)), Current: i == current})
	}
	if current+1 < len(tasks) {
		p.Next = tasks[current+1].ID
	}
	return nil
}

// addTask fills in what is looked at.
func (p *heldPage) addTask(c *call) error {
	at := slices.IndexFunc(p.Queue, func(r heldRow) bool { return r.Current })
	if at < 0 {
		return nil
	}
	task, err := c.ui.service.Task(c.ctx(), c.who, p.Queue[at].ID)
	if dispatchapy.ErrorCode(err) == dispatchapy.CodeNotFound {
		return nil // deleted at this moment
	}
	if err != nil {
		return err
	}
	p.Task, p.Source, p.Why = &task, jsonText([]byte(task.Source)), c.lang.Said(whyHeld(&task))
	preview, err := c.ui.service.PreviewTask(c.ctx(), c.who, task.ID, nil)
	switch code := dispatchapy.ErrorCode(err); {
	case code == dispatchapy.CodeConflict || code == dispatchapy.CodeNotFound:
		p.Gone = c.said(err)
	case err != nil:
		return err
	default:
		preview.Hold = "" // is what this page is about
		p.Preview = c.previewView(preview, "")
	}
	return nil
}

// whyHeld says what held a task back last.
func whyHeld(t *service.TaskDetail) string {
	for _, entry := range slices.Backward(t.Timeline) {
		if entry.Kind == service.TimelineHeld {
			return strings.TrimPrefix(entry.Text, "held: ")
		}
	}
	return ""
}

func (p *heldPage) addHolders(c *call) error {
	holds, err := c.ui.service.Holds(c.ctx(), c.who)
	if err != nil {
		return err
	}
	for _, hold := range holds[:min(len(holds), mostHolders)] {
		filter := service.TaskFilter{Phases: []dispatchapy.Phase{dispatchapy.PhaseHeld}}
		h := holder{Hold: hold}
		switch {
		case hold.Kind == "endpoint":
			filter.Endpoints, h.MayStop = []string{hold.Name}, c.who.May(dispatchapy.WriteConfig)
			h.Text = c.t("Endpoint {name} holds everything.", "name", hold.Name)
		case c.who.IsStaff():
			filter.Clients, h.MayStop = []string{hold.Name}, c.who.May(dispatchapy.WriteDev)
			h.Text = c.t("Client {name} holds everything.", "name", hold.Name)
		default:
			h.Text, h.MayStop = c.t("Everything you send is held."), c.who.May(dispatchapy.WriteDev)
		}
		counts, err := c.ui.service.CountTasks(c.ctx(), c.who, filter)
		if err != nil {
			return err
		}
		count := counts[dispatchapy.PhaseHeld]
		h.Waiting = c.lang.N("{n} task waits.", "{n} tasks wait.", count.N, "n", c.count(count))
		p.Holders = append(p.Holders, h)
	}
	return nil
}

// actOnHeld releases or discards a held task, and goes to the next one.
func (ui *UI) actOnHeld(c *call) error {
	form := c.form()
	q, _ := parseQuery(form.Value("q"))
	action := dispatchapy.Action(form.Do())
	ids := idsOf(form.Values("id"))
	if len(ids) != 1 || action != dispatchapy.ActionSend && action != dispatchapy.ActionDelete {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "what is to be done is not known: open the page again")
	}
	result, err := ui.service.ActOnTasks(c.ctx(), c.who, service.Batch{Action: action, IDs: ids})
	if err != nil {
		return err
	}
	var sum tally
	sum.add(&result)
	c.tell(action, &sum, heldPath(q, strconv.FormatInt(ids[0], 10)))
	return c.redirect(heldPath(q, form.Value("next")))
}

// switchHold switches a hold off, or on again for those who take that back.
func (ui *UI) switchHold(c *call) error {
	form := c.form()
	id, err := strconv.ParseInt(form.Value("id"), 10, 64)
	if err != nil {
		return errNowhere
	}
	hold := form.On("hold")
	var version int64
	switch form.Value("kind") {
	case "client":
		changed, err := ui.service.UpdateClientDev(c.ctx(), c.who, id, form.Version(), func(d *dispatchapy.ClientDev) error { d.Hold = hold; return nil })
		if err != nil {
			return err
		}
		version = changed.Version
	case "endpoint":
		changed, err := ui.service.UpdateEndpoint(c.ctx(), c.who, id, form.Version(), func(d *service.EndpointDraft) error {
			d.Dev.Hold = hold
			d.Dev.Enabled = hold || d.Dev.RulesEnabled // the mode is good for nothing else
			return nil
		})
		if err != nil {
			return err
		}
		version = changed.Version
	default:
		return errNowhere
	}
	message := toast{Text: c.t("New tasks are sent at once. Those that are held stay held until they are released.")}
	if hold {
		message.Text = c.t("New tasks are held again.")
	} else {
		message.Undo = &undo{Action: "/held/switch", Fields: map[string][]string{
			"kind": {form.Value("kind")}, "id": {form.Value("id")}, "version": {strconv.FormatInt(version, 10)}, "hold": {"on"},
		}}
	}
	c.say(message)
	return c.redirect(c.back("/held"))
}

// showHeldCount tells a script how many tasks are held.
func (ui *UI) showHeldCount(c *call) error { return c.showCount(c.heldCount()) }
