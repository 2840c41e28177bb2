package webui

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// bulkPage says what is about to be done to everything that a query selects,
// and to how many tasks.
type bulkPage struct {
	Shell
	Action  dispatchapy.Action
	Query   query
	Back    string
	Cursor  string // where to go on, after a part was done
	Done    int    // tasks, in the parts before
	Count   string // tasks to be acted on
	N       int    // the same as a number
	Skipped []skipped
	Undo    bool // it can be taken back
}

// bulkFor is how long one request acts on tasks. Where there are more, people
// are asked to go on. Tests make it shorter.
var bulkFor = 8 * time.Second

// bulkActions are what can be done to many tasks.
var bulkActions = []dispatchapy.Action{dispatchapy.ActionRetry, dispatchapy.ActionSend, dispatchapy.ActionStop, dispatchapy.ActionDelete}

// actOnTasks does one thing to the tasks that are ticked, or to all that the
// query selects: those after it was said how many they are.
func (ui *UI) actOnTasks(c *call) error {
	form := c.form()
	action, export := dispatchapy.Action(form.Do()), exportFormat(form.Do())
	if export == "" && !slices.Contains(bulkActions, action) {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "what is to be done is not known: open the page again")
	}
	q, faults := parseQuery(form.Value("q"))
	filter, wrong := q.filter(c.now())
	if len(faults)+len(wrong) > 0 {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "the search cannot be read: open the page again")
	}
	back := c.back(tasksPath(q, place{}))
	switch {
	case form.On("all") && export != "":
		return c.redirect(exportPath(q, string(export)))
	case form.On("all") && !form.On("confirmed"):
		return ui.confirmBulk(c, &bulkPage{Action: action, Query: q, Back: back}, filter)
	case form.On("all"):
		return ui.actOnAll(c, &bulkPage{Action: action, Query: q, Back: back, Cursor: form.Value("cursor"), Done: form.Whole("done")}, filter)
	}
	ids := idsOf(form.Values("id"))
	if len(ids) == 0 {
		c.say(toast{Text: c.t("Nothing was ticked, so nothing was done."), Tone: "warn"})
		return c.redirect(back)
	}
	if export != "" {
		return ui.exportTicked(c, ids, export)
	}
	result, err := ui.service.ActOnTasks(c.ctx(), c.who, service.Batch{Action: action, IDs: ids})
	if err != nil {
		return err
	}
	var sum tally
	sum.add(&result)
	if c.htmx() { // a script renews the rows where they stand
		c.sayNow(c.told(action, &sum, back))
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	c.tell(action, &sum, back)
	return c.redirect(back)
}

// idsOf reads ids. What is none is left out.
func idsOf(texts []string) []int64 {
	var ids []int64
	for _, text := range texts {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil && id > 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// confirmBulk shows what would be done.
func (ui *UI) confirmBulk(c *call, p *bulkPage, filter service.TaskFilter) error {
	count, err := ui.service.CountBatch(c.ctx(), c.who, service.Batch{Action: p.Action, Filter: &filter, Cursor: p.Cursor})
	if err != nil {
		return err
	}
	p.N, p.Count = count.Matching, c.count(service.Count{N: count.Matching, AtLeast: count.AtLeast})
	p.Undo = p.Action == dispatchapy.ActionDelete && count.Matching <= service.MaxBatch
	w := words{c.lang}
	for _, phase := range dispatchapy.Phases {
		if n, ok := count.Skipped[phase]; ok {
			p.Skipped = append(p.Skipped, skipped{w.phase(phase), c.count(n)})
		}
	}
	return c.show("tasks_bulk", c.bulkTitle(p.Action, p.N, p.Count), p)
}

// skipped is how many tasks are in a phase that forbids an action.
type skipped struct {
	State state
	Text  string // the count
}

// bulkTitle says what is about to be done.
func (c *call) bulkTitle(action dispatchapy.Action, n int, count string) string {
	switch action {
	case dispatchapy.ActionRetry:
		return c.lang.N("Retry {n} task", "Retry {n} tasks", n, "n", count)
	case dispatchapy.ActionSend:
		return c.lang.N("Release {n} task", "Release {n} tasks", n, "n", count)
	case dispatchapy.ActionStop:
		return c.lang.N("Stop {n} task", "Stop {n} tasks", n, "n", count)
	}
	return c.lang.N("Delete {n} task", "Delete {n} tasks", n, "n", count)
}

// actOnAll acts on everything that the filter selects, newest first, as long as
// a request may take.
func (ui *UI) actOnAll(c *call, p *bulkPage, filter service.TaskFilter) error {
	batch := service.Batch{Action: p.Action, Filter: &filter, Cursor: p.Cursor}
	count, err := ui.service.CountBatch(c.ctx(), c.who, batch)
	if err != nil {
		return err
	}
	var sum tally
	for phase, n := range count.Skipped {
		sum.skip(phase, n.N)
	}
	for begun := time.Now(); ; {
		result, err := ui.service.ActOnTasks(c.ctx(), c.who, batch)
		if err != nil {
			return err
		}
		sum.add(&result)
		p.Cursor, batch.Cursor = result.Next, result.Next
		if p.Cursor == "" {
			break
		}
		if time.Since(begun) > bulkFor {
			p.Done += sum.done
			return ui.confirmBulk(c, p, filter)
		}
	}
	sum.done += p.Done
	c.tell(p.Action, &sum, p.Back)
	return c.redirect(p.Back)
}

// tally is what became of the tasks of a batch.
type tally struct {
	done    int
	ids     []int64 // of those done
	skipped int
	why     []dispatchapy.Phase // that forbade it
	failed  int                 // by a fault
}

func (s *tally) add(r *service.BatchResult) {
	s.done, s.failed = s.done+r.Done, s.failed+r.Failed
	for phase, n := range r.Skipped {
		s.skip(phase, n)
	}
	for _, one := range r.Results {
		if one.Err == nil {
			s.ids = append(s.ids, one.ID)
		}
	}
}

func (s *tally) skip(phase dispatchapy.Phase, n int) {
	s.skipped += n
	if !slices.Contains(s.why, phase) {
		s.why = append(s.why, phase)
	}
}

// tell says on the next page what became of a batch.
func (c *call) tell(action dispatchapy.Action, sum *tally, back string) {
	c.say(c.told(action, sum, back))
}

// told says what became of a batch, with a way back where there is one.
func (c *call) told(action dispatchapy.Action, sum *tally, back string) toast {
	message := toast{Text: c.tallied(action, sum)}
	if sum.done == 0 || sum.failed > 0 {
		message.Tone = "warn"
	}
	if action == dispatchapy.ActionDelete && sum.done > 0 && sum.done <= service.MaxBatch && sum.done == len(sum.ids) {
		message.Undo = &undo{Action: "/tasks/restore", Fields: map[string][]string{"ids": {packIDs(sum.ids)}, "back": {back}}}
	}
	return message
}

// tallied words what became of a batch.
func (c *call) tallied(action dispatchapy.Action, sum *tally) string {
	if sum.failed > 0 {
		return c.t("{done} done, {failed} not: the database was not available. Try again.", "done", c.lang.Number(int64(sum.done)), "failed", c.lang.Number(int64(sum.failed)))
	}
	if sum.skipped > 0 {
		return c.talliedMixed(action, sum)
	}
	switch n := sum.done; action {
	case dispatchapy.ActionRetry:
		return c.lang.N("{n} task retried.", "{n} tasks retried.", n)
	case dispatchapy.ActionSend:
		return c.lang.N("{n} task released.", "{n} tasks released.", n)
	case dispatchapy.ActionStop:
		return c.lang.N("{n} task stopped.", "{n} tasks stopped.", n)
	case dispatchapy.ActionRestore:
		return c.lang.N("{n} task restored.", "{n} tasks restored.", n)
	default:
		return c.lang.N("{n} task deleted.", "{n} tasks deleted.", n)
	}
}

func (c *call) talliedMixed(action dispatchapy.Action, sum *tally) string {
	w := words{c.lang}
	why := make([]string, len(sum.why))
	for i, phase := range sum.why {
		why[i] = strings.ToLower(w.phase(phase).Word)
		if phase == service.SkippedGone {
			why[i] = c.t("gone")
		}
	}
	slices.Sort(why)
	args := []any{"n", c.lang.Number(int64(sum.done)), "skipped", c.lang.Number(int64(sum.skipped)), "why", strings.Join(why, ", ")}
	switch action {
	case dispatchapy.ActionRetry:
		return c.t("{n} retried, {skipped} skipped: {why}", args...)
	case dispatchapy.ActionSend:
		return c.t("{n} released, {skipped} skipped: {why}", args...)
	case dispatchapy.ActionStop:
		return c.t("{n} stopped, {skipped} skipped: {why}", args...)
	case dispatchapy.ActionRestore:
		return c.t("{n} restored, {skipped} skipped: {why}", args...)
	default:
		return c.t("{n} deleted, {skipped} skipped: {why}", args...)
	}
}

// restoreTasks takes back that tasks were deleted.
func (ui *UI) restoreTasks(c *call) error {
	form := c.form()
	ids, ok := unpackIDs(form.Value("ids"))
	if !ok || len(ids) == 0 || len(ids) > service.MaxBatch {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "what is to be restored cannot be read")
	}
	result, err := ui.service.ActOnTasks(c.ctx(), c.who, service.Batch{Action: dispatchapy.ActionRestore, IDs: ids})
	if err != nil {
		return err
	}
	var sum tally
	sum.add(&result)
	c.tell(dispatchapy.ActionRestore, &sum, "")
	return c.redirect(c.back("/tasks"))
}
