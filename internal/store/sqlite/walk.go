package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"strings"

	"dispatchapy"
)

// walk reads tasks that meet the conditions, newest first, through the index
// of a lead.
type walk struct {
	ctx        context.Context
	tx         *sql.Tx
	clock      clock
	budget     budget
	lead       lead
	conditions []condition
}

// choose takes the lead whose budget reaches furthest down, and gives the part
// of the range that it reaches.
func (w *walk) choose(leads []lead, ids idRange, text bool) (idRange, error) {
	budget := w.budget.rows
	switch {
	case text:
		budget = w.budget.text
	case len(w.conditions) == 0 || len(w.conditions) == 1 && len(leads) == 1:
		// The lead is the whole filter: every entry walked is a result.
		w.lead = append(leads, everyTask)[0]
		return ids, nil
	}
	reached := int64(math.MaxInt64)
	for _, l := range append(leads, everyTask) {
		low, err := w.reach(l, ids, budget)
		if err != nil {
			return ids, err
		}
		if low < reached {
			w.lead, reached = l, low
		}
	}
	return idRange{reached, ids.high}, nil
}

const reachQuery = " AND id >= ? AND id < ? ORDER BY id DESC LIMIT 1 OFFSET ?"

// reach gives the lowest id within the budget.
func (w *walk) reach(l lead, ids idRange, budget int) (low int64, err error) {
	low = ids.low
	each := l.each()
	for _, args := range each {
		var id int64
		args = append(args, ids.low, ids.high, budget/len(each)-1)
		err := w.tx.QueryRowContext(w.ctx, "SELECT id FROM "+l.from+" WHERE "+l.where+reachQuery, args...).Scan(&id)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return 0, err
		}
		low = max(low, id)
	}
	return low, nil
}

// collect gives the newest tasks of the range that match; rest if it stopped
// early, because the page is large enough.
func (w *walk) collect(ids idRange, limit int, match *matcher) (found []dispatchapy.Task, rest bool, err error) {
	if match == nil {
		return w.next(ids, limit)
	}
	const step = 100
	size := 0
	for {
		tasks, more, err := w.next(ids, step)
		if err != nil {
			return nil, false, err
		}
		for i := range tasks {
			ok, err := match.task(w.ctx, w.tx, &tasks[i])
			if err != nil {
				return nil, false, err
			}
			if !ok {
				continue
			}
			found = append(found, tasks[i])
			if size += len(tasks[i].Source); len(found) == limit || size > pageBytes {
				return found, true, nil
			}
		}
		if len(tasks) < step && !more {
			return found, false, nil
		}
		ids.high = tasks[len(tasks)-1].ID
	}
}

// next gives up to limit tasks of the range: one query for each of the lead's
// values, merged. rest if it stopped early.
func (w *walk) next(ids idRange, limit int) (all []dispatchapy.Task, rest bool, err error) {
	query, given := w.query(ids, limit)
	known := int64(0) // tasks below were not read for every value
	for _, args := range w.lead.each() {
		tasks, more, err := w.read(query, append(args, given...))
		if err != nil {
			return nil, false, err
		}
		if more {
			rest, known = true, max(known, tasks[len(tasks)-1].ID)
		}
		all = append(all, tasks...)
	}
	if len(w.lead.values) > 1 {
		slices.SortFunc(all, func(a, b dispatchapy.Task) int { return cmp.Compare(b.ID, a.ID) })
		all = slices.DeleteFunc(all, func(t dispatchapy.Task) bool { return t.ID < known })
	}
	return all[:min(len(all), limit)], rest, nil
}

// query gives the query of a lead's value, and its arguments but the value.
func (w *walk) query(ids idRange, limit int) (string, []any) {
	where, args := w.where(ids)
	return "SELECT " + taskColumns + " FROM " + w.lead.from + where + " ORDER BY id DESC LIMIT ?", append(args, limit)
}

// where gives the condition of a lead's value, and its arguments but the value.
func (w *walk) where(ids idRange) (string, []any) {
	var sql strings.Builder
	sql.WriteString(" WHERE " + w.lead.where + " AND id >= ? AND id < ?")
	args := []any{ids.low, ids.high}
	for _, c := range w.conditions {
		sql.WriteString(" AND " + c.sql)
		args = append(args, c.args...)
	}
	return sql.String(), args
}

// read reads a query's tasks until they are as large as a page may be.
func (w *walk) read(query string, args []any) (tasks []dispatchapy.Task, more bool, err error) {
	rows, err := w.tx.QueryContext(w.ctx, query, args...)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = rows.Close() }() // its error is that of Err
	size := 0
	for rows.Next() {
		if size > pageBytes {
			return tasks, true, nil
		}
		task, _, err := scanTask(rows, w.clock)
		if err != nil {
			return nil, false, err
		}
		size += len(task.Source)
		tasks = append(tasks, task)
	}
	return tasks, false, rows.Err()
}
