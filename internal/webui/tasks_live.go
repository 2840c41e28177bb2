package webui

import (
	"slices"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// showTaskRows gives the rows that a list shows as they are now, whether they
// still match or not: what somebody looks at does not jump away.
func (ui *UI) showTaskRows(c *call) error {
	q, _ := c.taskQuery()
	p := &tasksPage{Query: q, Form: c.newForm(nil)}
	var tasks []service.Task
	for _, id := range c.shown() {
		detail, err := ui.service.Task(c.ctx(), c.who, id)
		switch {
		case dispatchapy.ErrorCode(err) == dispatchapy.CodeNotFound:
			continue
		case err != nil:
			return err
		}
		tasks = append(tasks, detail.Task)
	}
	p.Rows = c.taskRows(tasks, q)
	return c.show("tasks", c.t("Tasks"), p)
}

// shown reads the ids of the tasks that a list shows.
func (c *call) shown() []int64 {
	ids := idsOf(strings.Split(c.query("ids"), ","))
	return ids[:min(len(ids), pageSize)]
}

// showTaskNews says how many tasks the first page would have that it does not
// show yet.
func (ui *UI) showTaskNews(c *call) error {
	q, faults := c.taskQuery()
	p := &tasksPage{Query: q, Form: c.newForm(nil)}
	filter, wrong := q.filter(c.now())
	if len(faults)+len(wrong) > 0 {
		return c.show("tasks", c.t("Tasks"), p)
	}
	found, err := ui.service.ListTasks(c.ctx(), c.who, filter, service.PageRequest{Limit: pageSize})
	if err != nil {
		return err
	}
	shown := c.shown()
	for i := range found.Items {
		// What is older than the page came up because others were deleted.
		if id := found.Items[i].ID; !slices.Contains(shown, id) && (len(shown) == 0 || id > slices.Min(shown)) {
			p.New.N++
		}
	}
	p.New.AtLeast = p.New.N == pageSize
	p.NewText = c.count(p.New)
	return c.show("tasks", c.t("Tasks"), p)
}
