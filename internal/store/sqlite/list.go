package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// How a page of tasks is found: one of the filter's conditions is the lead,
// walked newest first through its index; the other conditions are checked on
// the rows. So that a rare combination among many rows takes bounded work, the
// walk of one page goes no further down than scanBudget entries of the index.

const (
	maxPage    = 1000   // tasks of one page
	scanBudget = 20_000 // index entries walked for one page, where conditions remain to be checked
	textBudget = 2_000  // the same where text has to be searched for in the rows
)

// lead is a condition that an index answers in order of id, for each of some
// values.
type lead struct {
	from   string // table, with the index to use
	where  string // with one parameter for the value, if there are values
	values []any  // none: the condition stands alone
}

// everyTask walks the table itself.
var everyTask = lead{from: "tasks", where: "1"}

// condition is a part of the filter, as SQL with its arguments.
type condition struct {
	sql  string
	args []any
}

// ListTasks implements store.Store.
func (s *Store) ListTasks(ctx context.Context, q store.TaskQuery) (page store.TaskPage, err error) {
	f := &q.Filter
	if none(f.ClientIDs) || none(f.EndpointIDs) || none(f.ResourceIDs) {
		return store.TaskPage{}, nil
	}
	q.Limit = min(max(q.Limit, 1), maxPage)
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		page, err = listTasks(ctx, tx, &q, s.clock)
		return err
	})
	if err != nil {
		return store.TaskPage{}, err
	}
	return page, nil
}

// none reports whether an id list selects nothing: nil selects everything.
func none(ids []int64) bool { return ids != nil && len(ids) == 0 }

func listTasks(ctx context.Context, tx *sql.Tx, q *store.TaskQuery, clock clock) (store.TaskPage, error) {
	before := fromNewest(q.Before)
	conditions := conditionsOf(&q.Filter)
	match := newMatcher(&q.Filter)
	lead, floor, err := chooseLead(ctx, tx, q, before, len(conditions), match != nil)
	if err != nil {
		return store.TaskPage{}, err
	}
	w := walk{ctx: ctx, tx: tx, clock: clock, lead: lead, conditions: conditions, floor: floor}
	// One more than asked for tells whether there is a next page.
	tasks, err := w.collect(before, q.Limit+1, match)
	if err != nil {
		return store.TaskPage{}, err
	}
	if len(tasks) > q.Limit {
		tasks = tasks[:q.Limit]
		return store.TaskPage{Tasks: tasks, Next: tasks[q.Limit-1].ID}, nil
	}
	return store.TaskPage{Tasks: tasks, Next: floor}, nil
}

// chooseLead gives the lead whose budget reaches furthest down, and the
// lowest id that it reaches (0: all the way).
func chooseLead(ctx context.Context, tx *sql.Tx, q *store.TaskQuery, before int64, conditions int, text bool) (lead, int64, error) {
	leads := leadsOf(&q.Filter)
	budget := scanBudget
	switch {
	case text:
		budget = textBudget
	case conditions <= 1 && len(leads) >= conditions:
		// The lead is the whole filter: every entry walked is a result.
		return append(leads, everyTask)[0], 0, nil
	}
	best, bestFloor := everyTask, int64(math.MaxInt64)
	for _, l := range append(leads, everyTask) {
		floor, err := l.floor(ctx, tx, before, budget)
		if err != nil {
			return best, 0, err
		}
		if floor < bestFloor {
			best, bestFloor = l, floor
		}
	}
	return best, bestFloor, nil
}

// floor gives the id at which the budget is used up, 0 if it is not.
func (l lead) floor(ctx context.Context, tx *sql.Tx, before int64, budget int) (floor int64, err error) {
	each := l.each()
	for _, args := range each {
		var id int64
		query := "SELECT id FROM " + l.from + " WHERE " + l.where + " AND id < ? ORDER BY id DESC LIMIT 1 OFFSET ?"
		err := tx.QueryRowContext(ctx, query, append(slices.Clone(args), before, budget/len(each))...).Scan(&id)
		if err != nil && err != sql.ErrNoRows {
			return 0, err
		}
		floor = max(floor, id)
	}
	return floor, nil
}

// each gives the arguments of where, for each query to be made.
func (l lead) each() [][]any {
	if len(l.values) == 0 {
		return [][]any{nil}
	}
	each := make([][]any, len(l.values))
	for i, value := range l.values {
		each[i] = []any{value}
	}
	return each
}

// walk reads tasks of a lead that meet the conditions, newest first.
type walk struct {
	ctx        context.Context
	tx         *sql.Tx
	clock      clock
	lead       lead
	conditions []condition
	floor      int64 // lowest id
}

// collect gives the newest tasks with ids below before that match.
func (w *walk) collect(before int64, limit int, match *matcher) ([]dispatchapy.Task, error) {
	if match == nil {
		return w.next(before, limit)
	}
	var found []dispatchapy.Task
	for {
		const step = 100
		tasks, err := w.next(before, step)
		if err != nil {
			return nil, err
		}
		for i := range tasks {
			ok, err := match.task(w.ctx, w.tx, &tasks[i])
			if err != nil {
				return nil, err
			}
			if ok {
				found = append(found, tasks[i])
			}
			if len(found) == limit {
				return found, nil
			}
		}
		if len(tasks) < step {
			return found, nil
		}
		before = tasks[len(tasks)-1].ID
	}
}

// next gives up to limit tasks with ids below before: one query for each of
// the lead's values, merged.
func (w *walk) next(before int64, limit int) ([]dispatchapy.Task, error) {
	query := strings.Builder{}
	fmt.Fprintf(&query, "SELECT %s FROM %s WHERE %s AND id < ? AND id >= ?", taskColumns, w.lead.from, w.lead.where)
	rest := []any{before, w.floor}
	for _, c := range w.conditions {
		query.WriteString(" AND " + c.sql)
		rest = append(rest, c.args...)
	}
	query.WriteString(" ORDER BY id DESC LIMIT ?")
	rest = append(rest, limit)

	var all []dispatchapy.Task
	for _, args := range w.lead.each() {
		rows, err := w.tx.QueryContext(w.ctx, query.String(), append(slices.Clone(args), rest...)...)
		tasks, err := collect(rows, err, func(rows *sql.Rows) (dispatchapy.Task, error) {
			task, _, err := scanTask(rows, w.clock)
			return task, err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, tasks...)
	}
	if len(w.lead.values) > 1 {
		slices.SortFunc(all, func(a, b dispatchapy.Task) int { return int(b.ID - a.ID) })
	}
	return all[:min(len(all), limit)], nil
}

// maxValues is for how many values a lead is worth while.
const maxValues = 32

// leadsOf gives the conditions of the filter that have an index. Without
// INDEXED BY the planner guesses, for it has no statistics.
func leadsOf(f *store.TaskFilter) (leads []lead) {
	add := func(index, where string, values []any) {
		if len(values) > 0 && len(values) <= maxValues {
			leads = append(leads, lead{from: "tasks INDEXED BY " + index, where: where, values: values})
		}
	}
	if !slices.Contains(f.Statuses, dispatchapy.StatusSuccess) {
		add("tasks_unsuccessful", "status <> 'success' AND status = ?", values(f.Statuses))
	}
	add("tasks_resource", "resource_id > 0 AND resource_id = ?", values(f.ResourceIDs))
	add("tasks_endpoint", "endpoint_id = ?", values(f.EndpointIDs))
	add("tasks_client", "client_id = ?", values(f.ClientIDs))
	return leads
}

// values makes arguments of a list, without repetitions.
func values[T ~int64 | ~string](list []T) (args []any) {
	sorted := slices.Compact(slices.Sorted(slices.Values(list)))
	for _, v := range sorted {
		switch v := any(v).(type) {
		case dispatchapy.Status:
			args = append(args, string(v))
		default:
			args = append(args, v)
		}
	}
	return args
}

// conditionsOf gives everything in the filter but its text.
func conditionsOf(f *store.TaskFilter) (all []condition) {
	in := func(column string, values []any) {
		if len(values) > 0 {
			marks := strings.TrimSuffix(strings.Repeat("?, ", len(values)), ", ")
			all = append(all, condition{column + " IN (" + marks + ")", values})
		}
	}
	in("status", values(f.Statuses))
	in("client_id", values(f.ClientIDs))
	in("endpoint_id", values(f.EndpointIDs))
	in("resource_id", values(f.ResourceIDs))
	one := func(sql string, given bool, arg any) {
		if given {
			all = append(all, condition{sql, []any{arg}})
		}
	}
	one("ref = ?", f.Ref != "", f.Ref)
	one("scope = ?", f.Scope != "", f.Scope)
	one("created_at >= ?", !f.Since.IsZero(), ceilMicros(f.Since))
	one("created_at < ?", !f.Until.IsZero(), ceilMicros(f.Until))
	return all
}

// ceilMicros rounds up, so that comparing stored times with it is comparing
// them with the time itself.
func ceilMicros(t time.Time) int64 {
	return t.Add(time.Microsecond - 1).UnixMicro()
}

// fromNewest reads the "0: from the newest" of cursors.
func fromNewest(before int64) int64 {
	if before == 0 {
		return math.MaxInt64
	}
	return before
}

// Backlog implements store.Store.
func (s *Store) Backlog(ctx context.Context) (lanes []store.LaneBacklog, err error) {
	err = s.reading(func() error {
		// The inner query needs nothing but the index; ids are in the order of acceptance.
		rows, err := s.read.QueryContext(ctx, `SELECT lane.endpoint_id, lane.n, tasks.created_at FROM
			(SELECT endpoint_id, count(*) AS n, min(id) AS oldest FROM tasks INDEXED BY tasks_due
				WHERE status IN ('pending', 'processing') GROUP BY endpoint_id) AS lane
			JOIN tasks ON tasks.id = lane.oldest ORDER BY lane.endpoint_id`)
		lanes, err = collect(rows, err, func(rows *sql.Rows) (lane store.LaneBacklog, err error) {
			var oldest int64
			err = rows.Scan(&lane.EndpointID, &lane.Tasks, &oldest)
			lane.Oldest = fromMicros(oldest)
			return lane, err
		})
		return err
	})
	return lanes, err
}
