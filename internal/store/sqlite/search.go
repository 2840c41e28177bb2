package sqlite

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"dispatchapy"
	"dispatchapy/internal/store"
)

const (
	minText        = 3    // characters: shorter texts have no trigram
	candidateLimit = 2000 // candidates looked at for one page
)

// indexed is the index as one search sees it. Tasks up to reach are in it,
// except for those that are dirty.
type indexed struct {
	file       *searchFile
	expression string
	reach      int64
	dirty      []int64 // newest first
	named      []lead
}

// lookup prepares the use of the index for a filter, or gives nil if it is of
// no use: no text that is long enough, nothing indexed yet, or too many named
// objects whose tasks match as well. For SourceOnly it must not be used: a page
// ends after a number of candidates, which would tell in how many tasks the
// text was sent.
func (x *indexer) lookup(f *store.TaskFilter) *indexed {
	if f.SourceOnly {
		return nil
	}
	named := store.TaskFilter{}
	text := foldText(f.Text)
	if f.Text != "" {
		named = store.TaskFilter{ClientIDs: f.Named.Clients, EndpointIDs: f.Named.Endpoints, ResourceIDs: f.Named.Resources}
	}
	// A ref is usually the rarer of the two, and where it is given, tasks of
	// named objects need it as well.
	if ref := cmp.Or(f.Ref, f.RefPrefix); utf8.RuneCountInString(ref) >= minText {
		text, named = foldText(ref), store.TaskFilter{}
	}
	if utf8.RuneCountInString(text) < minText || max(len(named.ClientIDs), len(named.EndpointIDs), len(named.ResourceIDs)) > maxValues {
		return nil
	}
	in := x.state(text)
	if in == nil {
		return nil
	}
	in.named = leadsOf(&named)
	slices.SortFunc(in.dirty, descending)
	in.dirty = slices.Compact(in.dirty)
	return in
}

// state gives the index as it is now, with the dirty tasks in any order. It
// keeps those who record outcomes waiting, so that it does no more than copy.
func (x *indexer) state(text string) *indexed {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.file == nil || x.mark.indexed == 0 {
		return nil
	}
	dirty := make([]int64, 0, len(x.dirty)+len(x.drained))
	dirty = slices.AppendSeq(dirty, maps.Keys(x.dirty))
	dirty = slices.AppendSeq(dirty, maps.Keys(x.drained))
	return &indexed{file: x.file, expression: x.seen.expression(text), reach: x.mark.indexed, dirty: dirty}
}

// search gives a page with the help of the index. reached is the part of ids
// that a walk over the rows may go down to. ok is false if the index is of no
// use.
//
// Policy when the index fails: fail open. The page is then found in the rows,
// which may need more pages.
func (x *indexer) search(w *walk, q *store.TaskQuery, ids, reached idRange, match *matcher) (page store.TaskPage, ok bool, err error) {
	in := x.lookup(&q.Filter)
	if in == nil {
		return page, false, nil
	}
	page, err = in.page(w, ids, reached, q.Limit, match)
	var broken *indexError
	if errors.As(err, &broken) && w.ctx.Err() == nil {
		x.log.Warn("text search index cannot be read", "file", x.path, "error", err)
		return page, false, nil
	}
	return page, true, err
}

// page gives what is too new for the index from the rows, and the rest from the
// candidates that the index gives.
func (in *indexed) page(w *walk, ids, reached idRange, limit int, match *matcher) (store.TaskPage, error) {
	var tasks []dispatchapy.Task
	if tail := (idRange{max(reached.low, in.reach+1), ids.high}); tail.low < tail.high {
		found, rest, err := w.collect(tail, limit+1, match)
		switch {
		case err != nil:
			return store.TaskPage{}, err
		case rest || len(found) > limit:
			return pageOf(found, limit, found[len(found)-1].ID), nil
		case reached.low > in.reach+1:
			return pageOf(found, limit, reached.low), nil
		}
		tasks = found
	}
	older := idRange{ids.low, min(ids.high, in.reach+1)}
	found, next, err := in.among(w, older, limit+1-len(tasks), match)
	if err != nil {
		return store.TaskPage{}, err
	}
	return pageOf(append(tasks, found...), limit, next), nil
}

// pageOf makes a page of tasks, of which one more than the limit tells that
// there is a next page. Otherwise that begins at next, or not at all.
func pageOf(tasks []dispatchapy.Task, limit int, next int64) store.TaskPage {
	if len(tasks) > limit {
		tasks = tasks[:limit]
		next = tasks[limit-1].ID
	}
	return store.TaskPage{Tasks: tasks, Next: next}
}

// among gives the newest tasks that match among the candidates of the range,
// about as many as limit. next is where to go on, 0 at the end.
func (in *indexed) among(w *walk, ids idRange, limit int, match *matcher) (found []dispatchapy.Task, next int64, err error) {
	bytes, size := 0, limit
	for looked := 0; looked < candidateLimit; looked += size {
		size = min(2*size, candidateLimit/4)
		list, more, err := in.candidates(w, ids, size)
		if err != nil || len(list) == 0 {
			return found, 0, err
		}
		tasks, low, err := w.these(list, match)
		if err != nil {
			return nil, 0, err
		}
		for i := range tasks {
			bytes += len(tasks[i].Source)
		}
		found = append(found, tasks...)
		if !more && low == list[len(list)-1] {
			return found, 0, nil
		}
		ids.high = low
		if len(found) >= limit || bytes > pageBytes {
			break
		}
	}
	return found, ids.high, nil
}

// candidates gives at most size tasks of the range that may match, newest
// first, and whether there are more.
func (in *indexed) candidates(w *walk, ids idRange, size int) (list []int64, more bool, err error) {
	list, err = in.file.find(w.ctx, in.expression, ids, size)
	if err != nil {
		return nil, false, &indexError{err}
	}
	more = len(list) >= size
	for _, l := range in.named {
		query := "SELECT id FROM " + l.from + " WHERE " + l.where + " AND id >= ? AND id < ? ORDER BY id DESC LIMIT ?"
		for _, args := range l.each() {
			rows, err := w.tx.QueryContext(w.ctx, query, append(args, ids.low, ids.high, size)...)
			named, err := collect(rows, err, scanID)
			if err != nil {
				return nil, false, err
			}
			more = more || len(named) >= size
			list = append(list, named...)
		}
	}
	dirty := in.dirtyWithin(ids)
	list = append(list, dirty[:min(len(dirty), size)]...)
	slices.SortFunc(list, descending)
	list = slices.Compact(list)
	// Every source gave its newest, so that the newest of all of them are
	// complete as far as size.
	more = more || len(dirty) > size || len(list) > size
	return list[:min(len(list), size)], more, nil
}

// dirtyWithin gives the dirty tasks of the range, newest first.
func (in *indexed) dirtyWithin(ids idRange) []int64 {
	// In descending order the range begins at high-1 and ends before low-1.
	start, _ := slices.BinarySearchFunc(in.dirty, ids.high-1, descending)
	end, _ := slices.BinarySearchFunc(in.dirty, ids.low-1, descending)
	return in.dirty[start:max(start, end)]
}

// indexError is a failure of the index alone.
type indexError struct{ error }

func (e *indexError) Unwrap() error { return e.error }

// these gives those of the tasks that meet the conditions and match, newest
// first, and the lowest id that it looked at.
func (w *walk) these(ids []int64, match *matcher) (found []dispatchapy.Task, low int64, err error) {
	query, args, err := w.queryThese(ids)
	if err != nil {
		return nil, 0, err
	}
	tasks, cut, err := w.read(query, args)
	if err != nil {
		return nil, 0, err
	}
	low = ids[len(ids)-1]
	if cut {
		low = tasks[len(tasks)-1].ID
	}
	if match == nil {
		return tasks, low, nil
	}
	for i := range tasks {
		ok, err := match.task(w.ctx, w.tx, &tasks[i])
		if err != nil {
			return nil, 0, err
		}
		if ok {
			found = append(found, tasks[i])
		}
	}
	return found, low, nil
}

func (w *walk) queryThese(ids []int64) (string, []any, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return "", nil, err
	}
	var sql strings.Builder
	sql.WriteString("SELECT " + taskColumns + " FROM tasks WHERE id IN (SELECT value FROM json_each(?))")
	args := []any{string(list)}
	for _, c := range w.conditions {
		sql.WriteString(" AND " + c.sql)
		args = append(args, c.args...)
	}
	sql.WriteString(" ORDER BY id DESC")
	return sql.String(), args, nil
}

func descending(a, b int64) int { return cmp.Compare(b, a) }
