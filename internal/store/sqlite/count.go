package sqlite

import (
	"context"
	"database/sql"

	"dispatchapy/internal/store"
)

// countBudget bounds the walk for one count. It is less than that of a page,
// because people look at many counts at a time.
var countBudget = budget{rows: 3000, text: 500}

// CountTasks implements store.Store.
func (s *Store) CountTasks(ctx context.Context, filters []store.TaskFilter, limit int) ([]store.TaskCount, error) {
	limit = min(max(limit, 1), maxPage)
	counts := make([]store.TaskCount, len(filters))
	err := s.snapshot(ctx, func(tx *sql.Tx) (err error) {
		for i := range filters {
			if counts[i], err = s.countTasks(ctx, tx, &filters[i], limit); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return counts, nil
}

// countTasks counts as many as limit. Text has to be looked for in the rows:
// what has some is counted by reading a page.
func (s *Store) countTasks(ctx context.Context, tx *sql.Tx, f *store.TaskFilter, limit int) (n store.TaskCount, err error) {
	if selectsNone(f) {
		return n, nil
	}
	if f.Text != "" {
		page, err := s.listTasks(ctx, tx, &store.TaskQuery{Filter: *f, Limit: limit})
		return store.TaskCount{Tasks: len(page.Tasks), AtLeast: page.Next != 0}, err
	}
	ids, err := idRange{0, fromNewest(0)}.within(ctx, tx, f)
	if err != nil || ids.low >= ids.high {
		return n, err
	}
	w := walk{ctx: ctx, tx: tx, budget: countBudget, conditions: conditionsOf(f)}
	reached, err := w.choose(leadsOf(f), ids, false)
	if err != nil {
		return n, err
	}
	n.Tasks, err = w.count(reached, limit+1)
	n.AtLeast = n.Tasks > limit || reached.low > ids.low
	n.Tasks = min(n.Tasks, limit)
	return n, err
}

// count counts up to limit tasks of the range.
func (w *walk) count(ids idRange, limit int) (total int, err error) {
	where, given := w.where(ids)
	query := "SELECT count(*) FROM (SELECT 1 FROM " + w.lead.from + where + " LIMIT ?)"
	for _, args := range w.lead.each() {
		var n int
		args = append(append(args, given...), limit-total)
		if err := w.tx.QueryRowContext(w.ctx, query, args...).Scan(&n); err != nil {
			return 0, err
		}
		if total += n; total >= limit {
			break
		}
	}
	return total, nil
}
