package sqlite

import (
	"context"
	"database/sql"
	"math"

	"dispatchapy/internal/store"
)

// How a page of tasks is found: one of the filter's conditions is the lead,
// walked newest first through its index; the other conditions are checked on
// the rows. So that a rare combination among many rows takes bounded work, the
// walk of one page goes no further down than budget entries of the index.
// Where that is not far enough, search.go goes on with the text index.

const (
	maxPage   = 1000    // tasks of one page
	pageBytes = 8 << 20 // of payload in one page; one task may have more
)

// budget bounds the walk of one page, in index entries.
type budget struct {
	rows int // where conditions remain to be checked
	text int // where text has to be searched for in the rows
}

// searches is how many pages are searched for text at the same time. Each takes
// a connection for long, and the others are for those who look something up.
const searches = readers / 2

var pageBudget = budget{rows: 20_000, text: 2_000}

// ListTasks implements store.Store.
func (s *Store) ListTasks(ctx context.Context, q store.TaskQuery) (page store.TaskPage, err error) {
	f := &q.Filter
	if selectsNone(f) {
		return store.TaskPage{}, nil
	}
	q.Limit = min(max(q.Limit, 1), maxPage)
	if f.Text != "" {
		select {
		case s.searching <- struct{}{}:
			defer func() { <-s.searching }()
		case <-ctx.Done():
			return store.TaskPage{}, ctx.Err()
		}
	}
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		page, err = s.listTasks(ctx, tx, &q)
		return err
	})
	if err != nil {
		return store.TaskPage{}, err
	}
	return page, nil
}

// selectsNone reports whether an id list of the filter selects nothing.
func selectsNone(f *store.TaskFilter) bool {
	return none(f.ClientIDs) || none(f.EndpointIDs) || none(f.ResourceIDs)
}

// none reports whether an id list selects nothing: nil selects everything.
func none(ids []int64) bool { return ids != nil && len(ids) == 0 }

func (s *Store) listTasks(ctx context.Context, tx *sql.Tx, q *store.TaskQuery) (store.TaskPage, error) {
	ids, err := idRange{0, fromNewest(q.Before)}.within(ctx, tx, &q.Filter)
	if err != nil || ids.low >= ids.high {
		return store.TaskPage{}, err
	}
	match := newMatcher(&q.Filter)
	w := walk{ctx: ctx, tx: tx, clock: s.clock, budget: s.budget, conditions: conditionsOf(&q.Filter)}
	reached, err := w.choose(leadsOf(&q.Filter), ids, match != nil)
	if err != nil {
		return store.TaskPage{}, err
	}
	if reached.low > ids.low {
		page, ok, err := s.index.search(&w, q, ids, reached, match)
		if ok || err != nil {
			return page, err
		}
	}
	// One more than asked for tells whether there is a next page.
	tasks, rest, err := w.collect(reached, q.Limit+1, match)
	switch {
	case err != nil:
		return store.TaskPage{}, err
	case rest:
		return pageOf(tasks, q.Limit, tasks[len(tasks)-1].ID), nil
	case reached.low > ids.low:
		return pageOf(tasks, q.Limit, reached.low), nil
	}
	return pageOf(tasks, q.Limit, 0), nil
}

// fromNewest reads the "0: from the newest" of cursors.
func fromNewest(before int64) int64 {
	if before == 0 {
		return math.MaxInt64
	}
	return before
}

// Held implements store.Store. It reads the rows of held tasks, of which there
// are as many as people leave there.
func (s *Store) Held(ctx context.Context) ([]store.LaneBacklog, error) {
	return s.countLanes(ctx, `SELECT endpoint_id, count(*), min(created_at) FROM tasks INDEXED BY tasks_unsuccessful
		WHERE status <> 'success' AND status = 'held' GROUP BY endpoint_id ORDER BY endpoint_id`)
}

// Backlog implements store.Store.
func (s *Store) Backlog(ctx context.Context) ([]store.LaneBacklog, error) {
	// The inner query needs nothing but the index; ids are in the order of acceptance.
	return s.countLanes(ctx, `SELECT lane.endpoint_id, lane.n, tasks.created_at FROM
		(SELECT endpoint_id, count(*) AS n, min(id) AS oldest FROM tasks INDEXED BY tasks_due
			WHERE status IN ('pending', 'processing') GROUP BY endpoint_id) AS lane
		JOIN tasks ON tasks.id = lane.oldest ORDER BY lane.endpoint_id`)
}

// countLanes reads endpoint, number of tasks and when the oldest was accepted.
func (s *Store) countLanes(ctx context.Context, query string) (lanes []store.LaneBacklog, err error) {
	err = s.reading(func() error {
		rows, err := s.read.QueryContext(ctx, query)
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
