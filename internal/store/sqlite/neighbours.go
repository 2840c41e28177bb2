package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// Neighbours implements store.Store. The work is bounded like that of two
// pages.
func (s *Store) Neighbours(ctx context.Context, f store.TaskFilter, id int64) (n store.Neighbours, err error) {
	if selectsNone(&f) {
		return n, nil
	}
	if id > 0 {
		page, err := s.ListTasks(ctx, store.TaskQuery{Filter: f, Before: id, Limit: 1})
		if err != nil {
			return n, err
		}
		if len(page.Tasks) > 0 {
			n.Older = page.Tasks[0].ID
		}
	}
	err = s.snapshot(ctx, func(tx *sql.Tx) (err error) {
		n.Newer, err = s.newer(ctx, tx, &f, id)
		return err
	})
	return n, err
}

// newer gives the oldest task that was accepted after this one, among those
// that the filter selects; 0 if there is none within the budget.
func (s *Store) newer(ctx context.Context, tx *sql.Tx, f *store.TaskFilter, id int64) (int64, error) {
	ids, err := idRange{id + 1, math.MaxInt64}.within(ctx, tx, f)
	if err != nil || ids.low >= ids.high {
		return 0, err
	}
	w := walk{ctx: ctx, tx: tx, clock: s.clock, budget: s.budget, conditions: conditionsOf(f)}
	match := newMatcher(f)
	if match != nil {
		return w.lowestMatch(ids, match)
	}
	reached, err := w.chooseUp(leadsOf(f), ids)
	if err != nil {
		return 0, err
	}
	return w.lowest(reached)
}

// OldestTasks implements store.Store. The work is bounded like that of a page.
func (s *Store) OldestTasks(ctx context.Context, f store.TaskFilter, limit int) (tasks []dispatchapy.Task, err error) {
	if selectsNone(&f) {
		return nil, nil
	}
	limit = min(max(limit, 1), maxPage)
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		ids, err := idRange{0, math.MaxInt64}.within(ctx, tx, &f)
		if err != nil || ids.low >= ids.high {
			return err
		}
		w := walk{ctx: ctx, tx: tx, clock: s.clock, budget: s.budget, conditions: conditionsOf(&f)}
		reached, err := w.chooseUp(leadsOf(&f), ids)
		if err != nil {
			return err
		}
		tasks, err = w.oldest(reached, limit)
		return err
	})
	return tasks, err
}

// oldest gives the first tasks of the range that meet the conditions.
func (w *walk) oldest(ids idRange, limit int) (all []dispatchapy.Task, err error) {
	where, given := w.where(ids)
	query := "SELECT " + taskColumns + " FROM " + w.lead.from + where + " ORDER BY id LIMIT ?"
	known := int64(math.MaxInt64) // tasks above were not read for every value
	for _, args := range w.lead.each() {
		tasks, more, err := w.read(query, append(append(args, given...), limit))
		if err != nil {
			return nil, err
		}
		if more {
			known = min(known, tasks[len(tasks)-1].ID)
		}
		all = append(all, tasks...)
	}
	slices.SortFunc(all, func(a, b dispatchapy.Task) int { return cmp.Compare(a.ID, b.ID) })
	all = slices.DeleteFunc(all, func(t dispatchapy.Task) bool { return t.ID > known })
	return all[:min(len(all), limit)], nil
}

// chooseUp takes the lead whose budget reaches furthest up, and gives the part
// of the range that it reaches.
func (w *walk) chooseUp(leads []lead, ids idRange) (idRange, error) {
	reached := idRange{ids.low, 0}
	for _, l := range append(leads, everyTask) {
		high, err := w.reachUp(l, ids)
		if err != nil {
			return ids, err
		}
		if high > reached.high {
			w.lead, reached.high = l, high
		}
	}
	return reached, nil
}

// reachUp gives the highest id, exclusive, within the budget.
func (w *walk) reachUp(l lead, ids idRange) (high int64, err error) {
	high = ids.high
	each := l.each()
	for _, args := range each {
		var id int64
		args = append(args, ids.low, ids.high, w.budget.rows/len(each)-1)
		err := w.tx.QueryRowContext(w.ctx, "SELECT id FROM "+l.from+" WHERE "+l.where+" AND id >= ? AND id < ? ORDER BY id LIMIT 1 OFFSET ?", args...).Scan(&id)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return 0, err
		}
		if err == nil {
			high = min(high, id+1)
		}
	}
	return high, nil
}

// lowest gives the lowest id of the range that meets the conditions, 0 if none
// does.
func (w *walk) lowest(ids idRange) (lowest int64, err error) {
	where, given := w.where(ids)
	for _, args := range w.lead.each() {
		var id int64
		err := w.tx.QueryRowContext(w.ctx, "SELECT id FROM "+w.lead.from+where+" ORDER BY id LIMIT 1", append(args, given...)...).Scan(&id)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return 0, err
		}
		if err == nil && (lowest == 0 || id < lowest) {
			lowest = id
		}
	}
	return lowest, nil
}

// lowestMatch looks for text in the rows, a few at a time.
func (w *walk) lowestMatch(ids idRange, match *matcher) (int64, error) {
	const step = 100
	w.lead = everyTask
	for looked := 0; looked < w.budget.text && ids.low < ids.high; looked += step {
		// The next few rows, whether they meet the conditions or not.
		last := ids
		err := w.tx.QueryRowContext(w.ctx, "SELECT id + 1 FROM tasks WHERE id >= ? AND id < ? ORDER BY id LIMIT 1 OFFSET ?", ids.low, ids.high, step-1).Scan(&last.high)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return 0, err
		}
		tasks, more, err := w.collect(last, step+1, match)
		if err != nil {
			return 0, err
		}
		if len(tasks) > 0 && !more { // newest first
			return tasks[len(tasks)-1].ID, nil
		}
		ids.low = last.high
	}
	return 0, nil
}
