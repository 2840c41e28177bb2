package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// MaxBatch is how many tasks one batch may act on.
const MaxBatch = 1000

const (
	// transitionChunk bounds one transaction, so that a large batch never
	// holds up the intake for long.
	transitionChunk = 100

	// maxBatchPages bounds the search behind a batch by filter. What is left
	// is reached through BatchResult.Next.
	maxBatchPages = 50

	// maxCount is up to which number the tasks of a batch are counted.
	maxCount = maxBatchPages * MaxLimit
)

// manualActions are what a person may do to a task.
var manualActions = []dispatchapy.Action{
	dispatchapy.ActionRetry, dispatchapy.ActionStop, dispatchapy.ActionSend, dispatchapy.ActionDelete, dispatchapy.ActionRestore,
}

// ActOnTask retries, stops, sends, deletes or restores a task and gives it as
// it is afterwards; nil if it was deleted.
func (s *Service) ActOnTask(ctx context.Context, p dispatchapy.Principal, action dispatchapy.Action, id int64) (*TaskDetail, error) {
	if err := require(p, dispatchapy.ActOnTasks); err != nil {
		return nil, err
	}
	if err := s.actOn(ctx, p, action, id); err != nil || action == dispatchapy.ActionDelete {
		return nil, err
	}
	task, err := s.Task(ctx, p, id)
	if err != nil {
		return nil, err
	}
	return &task, nil
}

// actOn does one thing to one task.
func (s *Service) actOn(ctx context.Context, p dispatchapy.Principal, action dispatchapy.Action, id int64) error {
	return s.act(ctx, p, id, store.Transition{Action: action})
}

func (s *Service) act(ctx context.Context, p dispatchapy.Principal, id int64, t store.Transition) error {
	results, err := s.transition(ctx, p, t, []int64{id})
	if err != nil {
		return err
	}
	return results[0].Err
}

// Batch acts on many tasks: those of IDs, or those that Filter selects. What
// was deleted is restored by IDs only, for no filter sees it.
type Batch struct {
	Action dispatchapy.Action
	IDs    []int64     // at most MaxBatch
	Filter *TaskFilter // used if IDs is empty
	Cursor string      // BatchResult.Next of the batch before; with Filter only
}

// BatchResult is the fate of the tasks of a Batch.
type BatchResult struct {
	Results []ActionResult
	Next    string // not empty: the filter may select more; repeat with this Cursor

	// The results in numbers: what was done, what was not because of the phase
	// that a task is in, because there is no such task (SkippedGone), or because
	// of a fault, and can be tried again.
	Done    int
	Skipped map[dispatchapy.Phase]int
	Failed  int
}

// SkippedGone stands in BatchResult.Skipped for tasks that are not there.
const SkippedGone dispatchapy.Phase = "gone"

// sum adds up the results.
func (r *BatchResult) sum() {
	r.Skipped = map[dispatchapy.Phase]int{}
	for _, one := range r.Results {
		switch {
		case one.Err == nil:
			r.Done++
		case dispatchapy.ErrorCode(one.Err) == dispatchapy.CodeConflict:
			r.Skipped[dispatchapy.PhaseOf(one.Status, 0, false)]++
		case dispatchapy.ErrorCode(one.Err) == dispatchapy.CodeNotFound:
			r.Skipped[SkippedGone]++
		default:
			r.Failed++
		}
	}
}

// ActionResult is the fate of one task. Err is nil or a *dispatchapy.Error.
type ActionResult struct {
	ID     int64
	Status dispatchapy.Status // after the action
	Err    error
}

// ActOnTasks does one thing to many tasks. Each has its own result: some may
// fail while others succeed. By filter only tasks in a state that allows the
// action are selected, newest first.
func (s *Service) ActOnTasks(ctx context.Context, p dispatchapy.Principal, b Batch) (BatchResult, error) {
	if err := require(p, dispatchapy.ActOnTasks); err != nil {
		return BatchResult{}, err
	}
	if err := b.check(); err != nil {
		return BatchResult{}, err
	}
	ids, next := b.IDs, ""
	if b.Filter != nil {
		var err error
		if ids, next, err = s.selectTasks(ctx, p, b, MaxBatch); err != nil {
			return BatchResult{}, err
		}
	}
	results, err := s.transition(ctx, p, store.Transition{Action: b.Action}, withoutRepeats(ids))
	out := BatchResult{Results: results, Next: next}
	out.sum()
	return out, err
}

func (b *Batch) check() error {
	switch {
	case !slices.Contains(manualActions, b.Action):
		return invalid("action", "must be one of "+joinWords(manualActions))
	case (len(b.IDs) == 0) == (b.Filter == nil):
		return invalid("ids", "give either ids or a filter")
	case len(b.IDs) > MaxBatch:
		return invalid("ids", fmt.Sprintf("at most %d tasks at once", MaxBatch))
	case b.Filter != nil && b.Action == dispatchapy.ActionRestore:
		return invalid("filter", "deleted tasks are restored by their ids")
	case b.Filter != nil && b.Action == dispatchapy.ActionDelete && b.Filter.selectsAll():
		// A variable that is empty in a script must not delete everything.
		return invalid("filter", "must say which tasks to delete: give at least one of its keys")
	}
	return nil
}

// BatchCount says how many tasks a Batch would act on.
type BatchCount struct {
	Matching int
	AtLeast  bool // there may be more: counting stops after a bounded amount of work

	// Skipped are the others that are meant, by the phase that forbids the
	// action; and of ids, SkippedGone.
	Skipped map[dispatchapy.Phase]Count
}

// CountBatch counts the tasks that ActOnTasks would act on, those after
// BatchResult.Next included, and does nothing to them.
func (s *Service) CountBatch(ctx context.Context, p dispatchapy.Principal, b Batch) (BatchCount, error) {
	if err := require(p, dispatchapy.ActOnTasks); err != nil {
		return BatchCount{}, err
	}
	if err := b.check(); err != nil {
		return BatchCount{}, err
	}
	if b.Action == dispatchapy.ActionRestore {
		return BatchCount{}, invalid("action", "deleted tasks cannot be counted")
	}
	if b.Filter != nil {
		ids, next, err := s.selectTasks(ctx, p, b, maxCount)
		if err != nil {
			return BatchCount{}, err
		}
		skipped, err := s.countSkipped(ctx, p, b)
		return BatchCount{Matching: len(ids), AtLeast: next != "", Skipped: skipped}, err
	}
	count := BatchCount{Skipped: map[dispatchapy.Phase]Count{}}
	skip := func(phase dispatchapy.Phase) { count.Skipped[phase] = Count{N: count.Skipped[phase].N + 1} }
	for _, id := range withoutRepeats(b.IDs) {
		found, err := s.taskOf(ctx, p, id)
		if dispatchapy.ErrorCode(err) == dispatchapy.CodeNotFound {
			skip(SkippedGone)
			continue
		}
		if err != nil {
			return BatchCount{}, err
		}
		if _, allowed := b.Action.Next(found.Task.Status); allowed {
			count.Matching++
		} else {
			skip(dispatchapy.PhaseOf(found.Task.Status, 0, false))
		}
	}
	return count, nil
}

// countSkipped counts what the filter of a batch selects and its action passes
// over.
func (s *Service) countSkipped(ctx context.Context, p dispatchapy.Principal, b Batch) (map[dispatchapy.Phase]Count, error) {
	counts, err := s.CountTasks(ctx, p, *b.Filter)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(counts, func(phase dispatchapy.Phase, count Count) bool {
		return count.N == 0 || slices.Contains(b.Action.From(), phase.Status())
	})
	return counts, nil
}

// selectTasks finds up to most tasks for a batch by filter.
func (s *Service) selectTasks(ctx context.Context, p dispatchapy.Principal, b Batch, most int) (ids []int64, next string, err error) {
	filter, err := s.storeFilter(p, *b.Filter, s.outlook())
	if err != nil {
		return nil, "", err
	}
	if filter.Statuses = allowing(b.Action, filter.Statuses); len(filter.Statuses) == 0 {
		return nil, "", nil
	}
	before, err := PageRequest{Cursor: b.Cursor}.before()
	if err != nil {
		return nil, "", err
	}
	for range maxBatchPages {
		limit := min(MaxLimit, most-len(ids))
		if limit == 0 {
			break
		}
		page, err := s.store.ListTasks(ctx, store.TaskQuery{Filter: filter, Before: before, Limit: limit})
		if err != nil {
			return nil, "", storeError(err)
		}
		for i := range page.Tasks {
			ids = append(ids, page.Tasks[i].ID)
		}
		if before = page.Next; before == 0 {
			break
		}
	}
	return ids, beforeCursor(before), nil
}

// allowing gives the statuses in which the action is allowed, among those
// asked for (none: any).
func allowing(action dispatchapy.Action, asked []dispatchapy.Status) []dispatchapy.Status {
	if len(asked) == 0 {
		return action.From()
	}
	var out []dispatchapy.Status
	for _, status := range asked {
		if slices.Contains(action.From(), status) {
			out = append(out, status)
		}
	}
	return out
}

// transition acts on tasks in bounded transactions. A failing database fails
// the tasks of its chunk and not the whole call, because earlier chunks are
// done and the caller must learn that; if none was done it is an error.
func (s *Service) transition(ctx context.Context, p dispatchapy.Principal, t store.Transition, ids []int64) ([]ActionResult, error) {
	t.By, t.Within = p.Name, dispatchapy.UndoFor
	if !p.IsStaff() {
		t.ClientID = p.ClientID
	}
	out := make([]ActionResult, 0, len(ids))
	for chunk := range slices.Chunk(ids, transitionChunk) {
		results, err := s.store.TransitionTasks(ctx, chunk, t)
		if err != nil {
			err = storeError(err)
			if len(out) == 0 {
				return nil, err
			}
			for _, id := range chunk {
				out = append(out, ActionResult{ID: id, Err: err})
			}
			continue
		}
		for _, r := range results {
			s.transitioned(&r)
			if errors.Is(r.Err, store.ErrNotFound) {
				r.Err = notFound("task", r.ID)
			}
			out = append(out, ActionResult{ID: r.ID, Status: r.Status, Err: storeError(r.Err)})
		}
	}
	return out, nil
}

// withoutRepeats keeps the first of equal ids: acting twice would report the
// second time as a conflict.
func withoutRepeats(ids []int64) []int64 {
	seen := make(map[int64]bool, len(ids))
	out := make([]int64, 0, len(ids))
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}
