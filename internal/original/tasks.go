package original

import (
	"context"
	"iter"
	"math"

	"dispatchapy"
)

const (
	// pageSize is how many tasks are read at once. Between two pages nothing of
	// the file is locked, so that a running original can go on writing.
	pageSize = 100

	// maxHistory is how many attempts, and how many lines of its log, are
	// brought over for one task: the latest ones.
	maxHistory = 1000
)

// Tasks reads all tasks, oldest first, with their attempts and logs. It holds a
// page of them in memory. After an error nothing more comes. The sequence can
// be run again from the beginning.
func (im *Import) Tasks(ctx context.Context) iter.Seq2[Task, error] {
	return func(yield func(Task, error) bool) {
		f, err := open(ctx, im.file)
		if err != nil {
			yield(Task{}, err)
			return
		}
		defer f.close()
		h := &historian{file: f, world: im.world, now: im.now, tally: newTally(), last: math.MinInt64}
		for !h.ended {
			page, err := h.page(ctx)
			if err != nil {
				yield(Task{}, f.failure(err))
				return
			}
			for i := range page {
				if !yield(page[i], nil) {
					return
				}
			}
		}
		im.inHistory = h.tally.lines()
	}
}

// page reads the next tasks with what belongs to them.
func (h *historian) page(ctx context.Context) ([]Task, error) {
	var drafts []*draft
	const query = "SELECT * FROM tasks WHERE id > ? ORDER BY id LIMIT ?"
	err := h.file.each(ctx, query, []any{h.last, pageSize}, func(row row) {
		drafts = append(drafts, h.draft(row))
	})
	if err != nil {
		return nil, err
	}
	upTo := int64(math.MaxInt64) // at the end, everything that is left over
	if h.ended = len(drafts) < pageSize; !h.ended {
		upTo = drafts[len(drafts)-1].ID
	}
	byID := make(map[int64]*draft, len(drafts))
	for _, d := range drafts {
		byID[d.ID] = d
	}
	if err := h.attachAttempts(ctx, byID, upTo); err != nil {
		return nil, err
	}
	for _, table := range []string{oldLogTable, "logs"} {
		if err := h.attachLog(ctx, table, byID, upTo); err != nil {
			return nil, err
		}
	}
	h.last = upTo
	tasks := make([]Task, len(drafts))
	for i, d := range drafts {
		tasks[i] = h.finish(d)
	}
	return tasks, nil
}

func (h *historian) attachAttempts(ctx context.Context, byID map[int64]*draft, upTo int64) error {
	return h.attach(ctx, "task_attempt_logs", "attempt_at", byID, upTo, func(d *draft, row row) {
		d.Attempts = appendLatest(d.Attempts, h.attempt(row, d))
		d.attempts++
	})
}

func (h *historian) attachLog(ctx context.Context, table string, byID map[int64]*draft, upTo int64) error {
	return h.attach(ctx, table, "created_at", byID, upTo, func(d *draft, row row) {
		at := row.time("created_at")
		if at.IsZero() {
			at = d.Task.Task.CreatedAt
		}
		d.Log = appendLatest(d.Log, dispatchapy.LogEntry{At: at, Message: clip(row.text("message"), maxDetail)})
		d.lines++
	})
}

// attach gives the rows of a table to their tasks. Rows without a task are
// counted, and those older than their task: the original gives the id of a
// deleted task to the next one.
func (h *historian) attach(ctx context.Context, table, timeColumn string, byID map[int64]*draft, upTo int64, add func(*draft, row)) error {
	if !h.file.tables[table] {
		return nil
	}
	query := "SELECT * FROM " + table + " WHERE task_id > ? AND task_id <= ? ORDER BY task_id, id"
	return h.file.each(ctx, query, []any{h.last, upTo}, func(row row) {
		d := byID[row.id("task_id")]
		at := row.time(timeColumn)
		if d == nil || !at.IsZero() && d.created.After(at) {
			h.tally.add("rows of the table "+table+" whose task does not exist, left out", 0)
			return
		}
		add(d, row)
	})
}

// appendLatest keeps at least the last maxHistory items, and not many more.
func appendLatest[T any](items []T, item T) []T {
	if len(items) == 2*maxHistory {
		items = items[:copy(items, items[maxHistory:])]
	}
	return append(items, item)
}

// latest gives the last maxHistory items.
func latest[T any](items []T) []T { return items[max(0, len(items)-maxHistory):] }
