package webui

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// taskPage is one task: what happened to it, what was sent, and what can be
// done with it.
type taskPage struct {
	Shell
	Task    service.TaskDetail
	Query   query // whose tasks one steps through
	Way     bool  // which resources it went to is shown
	Moments []moment
	Total   time.Duration // from receiving it to its end; 0: it has not ended
	Can     []string      // actions, as in taskRow
	Through []string      // resources that it can be sent through alone
	Newer   string        // addresses of the tasks beside it; "": there is none
	Older   string

	payloadView
}

// payloadView is the message as it came, as it is sent, or both compared.
type payloadView struct {
	Tab       string // source, target or diff
	Tabs      []tabLink
	Resources []tabLink // whose target is shown, where there are several
	Text      string
	Lines     []Line // of the comparison
	Same      bool   // there is nothing to compare
	Would     bool   // it was not sent yet: this is what would be sent
	Volatile  []string
	None      string // why there is nothing to see
}

// tabLink leads to a view.
type tabLink struct {
	Path, Label string
	Current     bool
}

// Allows reports whether an action is possible now, and for whoever looks.
func (p *taskPage) Allows(action string) bool { return slices.Contains(p.Can, action) }

// List is the address of the list that one came from.
func (p *taskPage) List() string { return tasksPath(p.Query, place{}) }

// Self is the address of this page.
func (p *taskPage) Self() string { return taskPath(p.Task.ID, p.Query) }

// ResendPath is where the message is edited.
func (p *taskPage) ResendPath() string { return p.resendPath("") }

func (p *taskPage) resendPath(resource string) string {
	params := queryParam(p.Query)
	if resource != "" {
		params = append(params, "resource="+url.QueryEscape(resource))
	}
	return withParams(fmt.Sprintf("/tasks/%d/resend", p.Task.ID), params)
}

func (ui *UI) showTask(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	p := &taskPage{Way: ui.service.ReadsProviders(c.who)}
	p.Query, _ = parseQuery(c.query("q"))
	if p.Task, err = ui.service.Task(c.ctx(), c.who, id); err != nil {
		return err
	}
	if c.who.May(dispatchapy.ActOnTasks) {
		p.Can = actionsOf(p.Task.Status)
	}
	if !p.Task.FinishedAt.IsZero() {
		p.Total = p.Task.FinishedAt.Sub(p.Task.CreatedAt)
	}
	if err := p.addThrough(c); err != nil {
		return err
	}
	p.addMoments(c)
	if err := p.addPayload(c); err != nil {
		return err
	}
	if err := p.addNeighbours(c); err != nil {
		return err
	}
	return c.show("task", c.t("Task #{id}", "id", strconv.FormatInt(id, 10)), p)
}

// addThrough lists the resources of the task's endpoint, for those who may
// choose one.
func (p *taskPage) addThrough(c *call) error {
	if !p.Way || !p.Allows("resend") {
		return nil
	}
	endpoint, err := c.ui.service.Endpoint(c.ctx(), c.who, p.Task.EndpointID)
	if dispatchapy.ErrorCode(err) == dispatchapy.CodeNotFound {
		return nil // it was deleted
	}
	p.Through = endpoint.Resources
	return err
}

// addNeighbours finds the tasks beside this one among those of the query.
func (p *taskPage) addNeighbours(c *call) error {
	filter, faults := p.Query.filter(c.now())
	if len(faults) > 0 {
		return nil
	}
	newer, older, err := c.ui.service.Neighbours(c.ctx(), c.who, filter, p.Task.ID)
	if err != nil {
		return ignoreInvalid(err)
	}
	if newer != 0 {
		p.Newer = taskPath(newer, p.Query)
	}
	if older != 0 {
		p.Older = taskPath(older, p.Query)
	}
	return nil
}

// actOnTask does one thing to the task, or sends it through one resource.
func (ui *UI) actOnTask(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	form := c.form()
	q, _ := parseQuery(form.Value("q"))
	if through := form.Value("through"); through != "" {
		return ui.sendThrough(c, id, q, through)
	}
	action := dispatchapy.Action(form.Do())
	if !slices.Contains(bulkActions, action) {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "what is to be done is not known: open the page again")
	}
	_, err = ui.service.ActOnTask(c.ctx(), c.who, action, id)
	if dispatchapy.ErrorCode(err) == dispatchapy.CodeConflict {
		c.say(toast{Text: c.said(err), Tone: "fail"}) // it is in another state by now
		return c.redirect(taskPath(id, q))
	}
	if err != nil {
		return err
	}
	back := taskPath(id, q)
	c.tell(action, &tally{done: 1, ids: []int64{id}}, back)
	if action == dispatchapy.ActionDelete {
		back = tasksPath(q, place{})
	}
	return c.redirect(back)
}

// sendThrough makes a new task of the message that goes to one resource only.
// What has to be confirmed is confirmed where the message can be seen.
func (ui *UI) sendThrough(c *call, id int64, q query, resource string) error {
	created, err := ui.service.ResendTask(c.ctx(), c.who, id, service.ResendInput{Resource: resource})
	if dispatchapy.ErrorCode(err) == dispatchapy.CodeConflict {
		p := &taskPage{Query: q}
		p.Task.ID = id
		c.say(toast{Text: c.said(err), Tone: "warn"})
		return c.redirect(p.resendPath(resource))
	}
	if err != nil {
		return err
	}
	c.done("Sent again as the new task #{id}.", "id", strconv.FormatInt(created.ID, 10))
	return c.redirect(taskPath(created.ID, query{}))
}
