package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"dispatchapy/internal/store"
)

// The index for text search is filled behind the intake's back: a goroutine
// reads tasks from the database a little later than they came, when most of
// them have been sent already, and writes them to a file of its own. What is
// not in the index yet is searched for in the rows.

const (
	indexTasks = 2000    // tasks of one step, at most
	indexBytes = 2 << 20 // text of one step, about

	indexPause = 2 * time.Second // while there is nothing to do; also how long a task is left alone
	indexRetry = time.Minute     // after an error

	// After a step the indexer rests for a multiple of the time that it took:
	// it takes an eighth of one core while tasks come in, half of one while it
	// is only catching up.
	restWhileBusy = 7
	restWhileIdle = 1
	busyTasks     = 50 // tasks since the last step that make it a busy time

	// maxDirty is how many tasks with new attempts are remembered.
	maxDirty = 100_000
)

// indexer keeps the search index. Its state is written by its goroutine and by
// touch; searches read it.
type indexer struct {
	store *Store
	log   *slog.Logger
	path  string

	ctx     context.Context // ends with stop
	cancel  context.CancelFunc
	stopped chan struct{}
	head    int64 // newest task at the last step
	newLast bool  // whether the last step indexed new tasks; they take turns with dirty ones

	mu   sync.Mutex
	file *searchFile // nil until the first step
	mark searchMark
	// claimed is up to where tasks are in the index or are just being put
	// there. Attempts of such tasks, recorded since, make them dirty: they are
	// searched for in the rows until they are indexed again.
	claimed int64
	seen    frequencies
	dirty   map[int64]struct{}
	drained map[int64]struct{} // dirty ones that are being indexed
}

func newIndexer(s *Store, path string) *indexer {
	x := &indexer{
		store: s, log: s.log, path: strings.TrimSuffix(path, ".db") + ".search.db",
		stopped: make(chan struct{}), dirty: map[int64]struct{}{},
	}
	x.ctx, x.cancel = context.WithCancel(context.Background())
	return x
}

// start begins indexing in the background.
func (x *indexer) start() { go x.run() }

// stop ends indexing. It may be called more than once.
func (x *indexer) stop() {
	x.cancel()
	<-x.stopped
}

// close closes the index after stop.
func (x *indexer) close() error {
	if x.file == nil {
		return nil
	}
	return x.file.close()
}

func (x *indexer) run() {
	defer close(x.stopped)
	timer := time.NewTimer(indexPause)
	defer timer.Stop()
	for {
		select {
		case <-x.ctx.Done():
			return
		case <-timer.C:
		}
		rest, err := x.step(x.ctx)
		if err != nil && x.ctx.Err() == nil {
			// Policy on failure: fail open. Searches look into the rows
			// themselves, in bounded pages, until the index works again.
			x.log.Warn("text search index", "file", x.path, "error", err, "retry_in", indexRetry)
			rest = indexRetry
		}
		timer.Reset(rest)
	}
}

// step does a bounded piece of work and says how long to rest after it.
func (x *indexer) step(ctx context.Context) (rest time.Duration, err error) {
	start := time.Now()
	if x.file == nil {
		if err := x.open(ctx); err != nil {
			return 0, err
		}
	}
	head, err := x.newest(ctx)
	if err != nil {
		return 0, err
	}
	ripe, arrived := x.head, head-x.head
	x.head = head
	worked, err := x.work(ctx, ripe)
	if err != nil {
		if damaged(err) {
			err = x.startOver(ctx, err)
		}
		return indexPause, err
	}
	took := time.Since(start)
	switch {
	case !worked:
		return indexPause, x.dropEmpty(ctx)
	case arrived > busyTasks:
		return took * restWhileBusy, nil
	default:
		return took * restWhileIdle, nil
	}
}

// newest gives the highest id that a task ever had.
func (x *indexer) newest(ctx context.Context) (id int64, err error) {
	err = x.store.read.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'tasks'").Scan(&id)
	return id, err
}

func (x *indexer) open(ctx context.Context) error {
	key, err := x.store.InstanceKey(ctx)
	if err != nil {
		return err
	}
	owner := sha256.Sum256(key[:])
	file, mark, err := openSearchFile(ctx, x.path, hex.EncodeToString(owner[:]))
	if err != nil {
		return err
	}
	dirty, err := x.unsettled(ctx, mark)
	if err == nil {
		// An index that knows tasks from the future was left over when the
		// database was replaced by an older one.
		if x.head, err = x.newest(ctx); err == nil && mark.indexed > x.head {
			mark, dirty = searchMark{}, nil
			err = file.remake(ctx)
		}
	}
	if err != nil {
		return errors.Join(err, file.close())
	}
	sample, _, err := x.newDocs(ctx, max(0, mark.indexed-sampleDocs), mark.indexed)
	if err != nil {
		return errors.Join(err, file.close())
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.seen.count(sample)
	x.file, x.mark, x.claimed = file, mark, mark.indexed
	for _, id := range dirty {
		x.soil(id)
	}
	return nil
}

// unsettled gives the indexed tasks that may have attempts which are not in
// the index, because the process ended before.
func (x *indexer) unsettled(ctx context.Context, mark searchMark) ([]int64, error) {
	const margin = int64(time.Minute / time.Microsecond) // for a wall clock that is set back a little
	since := mark.settled - margin
	rows, err := x.store.read.QueryContext(ctx, `
		SELECT id FROM tasks INDEXED BY tasks_due WHERE status IN ('pending', 'processing') AND attempt_base + attempt_count > 0 AND id <= ?1
		UNION ALL
		SELECT id FROM tasks INDEXED BY tasks_finished WHERE status IN ('success', 'failed') AND finished_at >= ?2 AND id <= ?1
		UNION ALL
		SELECT id FROM tasks INDEXED BY tasks_unsuccessful WHERE status <> 'success' AND status = 'stopped' AND finished_at >= ?2 AND id <= ?1
		UNION ALL
		SELECT id FROM deleted_tasks WHERE id <= ?1`,
		mark.indexed, since)
	return collect(rows, err, scanID)
}

// startOver replaces a damaged index.
func (x *indexer) startOver(ctx context.Context, cause error) error {
	x.log.Warn("text search index is damaged and built anew", "file", x.path, "error", cause)
	x.mu.Lock()
	x.mark, x.claimed = searchMark{}, 0
	clear(x.dirty)
	x.drained = nil
	x.mu.Unlock()
	return x.file.remake(ctx)
}

// touch notes tasks that have new attempts. It is called after they were
// committed and before that is acknowledged, so that whoever knows of an
// attempt finds it.
func (x *indexer) touch(outcomes []store.Outcome) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range outcomes {
		if len(outcomes[i].Attempts) > 0 && outcomes[i].Lease.TaskID <= x.claimed {
			x.soil(outcomes[i].Lease.TaskID)
		}
	}
}

// soil makes a task dirty. If there are too many, the index is taken back to
// before the task instead, and indexes it again with all that follow.
func (x *indexer) soil(id int64) {
	if len(x.dirty) < maxDirty {
		x.dirty[id] = struct{}{}
		return
	}
	x.mark.indexed = min(x.mark.indexed, id-1)
}

// job is what one step indexes: tasks with ids from (exclusive) up to to, or
// dirty ones.
type job struct {
	from, to int64
	dirty    []int64    // in order of id
	mark     searchMark // where the index stands after it, if it is done whole
}

// work indexes the next tasks, of those up to the id ripe, or dirty ones. It
// reports whether there was anything to do.
func (x *indexer) work(ctx context.Context, ripe int64) (bool, error) {
	j := x.nextJob(ripe)
	var docs []searchDoc
	var err error
	switch {
	case len(j.dirty) > 0:
		docs, err = x.dirtyDocs(ctx, j.dirty)
		if len(docs) < len(j.dirty) {
			j.mark.settled = x.mark.settled
		}
	case j.from < j.to:
		docs, j.mark.indexed, err = x.newDocs(ctx, j.from, j.to)
	default:
		return false, nil
	}
	if err == nil {
		err = x.file.add(ctx, docs, j.mark)
	}
	x.finish(j, docs, err)
	return true, err
}

func (x *indexer) nextJob(ripe int64) job {
	now := time.Now().UnixMicro()
	x.mu.Lock()
	defer x.mu.Unlock()
	j := job{from: x.mark.indexed, mark: x.mark}
	j.to = min(ripe, j.from+indexTasks)
	x.newLast = j.from < j.to && (len(x.dirty) == 0 || !x.newLast)
	if !x.newLast {
		for id := range x.dirty {
			if j.dirty = append(j.dirty, id); len(j.dirty) == indexTasks {
				break
			}
		}
		slices.Sort(j.dirty)
	}
	x.drained = make(map[int64]struct{}, len(j.dirty))
	for _, id := range j.dirty {
		x.drained[id] = struct{}{}
		delete(x.dirty, id)
	}
	if len(x.dirty) == 0 {
		j.mark.settled = now
	}
	x.claimed = max(x.claimed, j.to)
	return j
}

// finish makes the outcome of a job known to searches.
func (x *indexer) finish(j job, docs []searchDoc, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil {
		docs = nil
	}
	if len(docs) < len(x.drained) {
		for _, doc := range docs {
			delete(x.drained, doc.id)
		}
		maps.Copy(x.dirty, x.drained)
	}
	x.drained = nil
	if err != nil {
		return
	}
	x.seen.count(docs)
	x.mark.settled = j.mark.settled
	if x.mark.indexed == j.from { // else it was taken back meanwhile
		x.mark.indexed = j.mark.indexed
	}
}

// newDocs reads the tasks after from, up to to, or as many as fill a step, and
// says how far it came. Those that were deleted may come back, and are indexed
// like the others.
func (x *indexer) newDocs(ctx context.Context, from, to int64) (docs []searchDoc, reached int64, err error) {
	err = x.store.snapshot(ctx, func(tx *sql.Tx) error {
		const columns = "id, ref, scope, source, attempt_base + attempt_count"
		rows, err := tx.QueryContext(ctx, "SELECT "+columns+" FROM tasks WHERE id > ?1 AND id <= ?2 UNION ALL SELECT "+columns+
			" FROM deleted_tasks WHERE id > ?1 AND id <= ?2 ORDER BY id", from, to)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }() // its error is that of Err
		targets, err := newTargetReader(ctx, tx)
		if err != nil {
			return err
		}
		defer targets.close()
		reached = to
		for size := 0; rows.Next(); {
			doc, err := readDoc(rows, targets)
			if err != nil {
				return err
			}
			docs = append(docs, doc)
			if size += len(doc.text); size >= indexBytes {
				reached = doc.id
				break
			}
		}
		return rows.Err()
	})
	return docs, reached, err
}

func readDoc(rows *sql.Rows, targets *targetReader) (searchDoc, error) {
	var (
		id         int64
		ref, scope string
		source     sql.RawBytes
		attempts   int
	)
	if err := rows.Scan(&id, &ref, &scope, &source, &attempts); err != nil {
		return searchDoc{}, err
	}
	text := foldText(ref) + "\n" + foldText(scope) + "\n" + foldJSON(source)
	if attempts > 0 {
		bodies, err := targets.read(id)
		if err != nil {
			return searchDoc{}, err
		}
		text += "\n" + bodies
	}
	return searchDoc{id, indexable(text)}, nil
}

// dirtyDocs reads what was sent for tasks whose other texts are indexed, or for
// the first of them, as many as fill a step.
func (x *indexer) dirtyDocs(ctx context.Context, ids []int64) (docs []searchDoc, err error) {
	err = x.store.snapshot(ctx, func(tx *sql.Tx) error {
		targets, err := newTargetReader(ctx, tx)
		if err != nil {
			return err
		}
		defer targets.close()
		for size := 0; len(docs) < len(ids) && size < indexBytes; {
			id := ids[len(docs)]
			text, err := targets.read(id)
			if err != nil {
				return err
			}
			docs = append(docs, searchDoc{id, indexable(text)})
			size += len(text)
		}
		return nil
	})
	return docs, err
}

// targetReader reads what was sent for tasks, one after the other.
type targetReader struct {
	ctx  context.Context
	stmt *sql.Stmt
}

func newTargetReader(ctx context.Context, tx *sql.Tx) (*targetReader, error) {
	stmt, err := tx.PrepareContext(ctx, "SELECT request_body FROM attempts WHERE task_id = ? ORDER BY number")
	return &targetReader{ctx, stmt}, err
}

func (r *targetReader) close() { _ = r.stmt.Close() } // it ends with its transaction at the latest

// read gives the folded payloads of a task. Retries send the same again, which
// is given once.
func (r *targetReader) read(taskID int64) (string, error) {
	rows, err := r.stmt.QueryContext(r.ctx, taskID)
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }() // its error is that of Err
	var text strings.Builder
	seen := map[[sha256.Size]byte]bool{}
	for rows.Next() {
		var body sql.RawBytes
		if err := rows.Scan(&body); err != nil {
			return "", err
		}
		if sum := sha256.Sum256(body); !seen[sum] {
			seen[sum] = true
			text.WriteString(foldJSON(body) + "\n")
		}
	}
	return text.String(), rows.Err()
}

// dropEmpty drops the partitions of which retention has left nothing.
func (x *indexer) dropEmpty(ctx context.Context) error {
	x.mu.Lock()
	indexed := x.mark.indexed
	x.mu.Unlock()
	for _, partition := range newestFirst(x.file.tables) {
		low, high := partition<<partitionBits, (partition+1)<<partitionBits
		if high > indexed {
			continue // still growing
		}
		var left int
		err := x.store.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM tasks WHERE id >= ?1 AND id < ?2)
			OR EXISTS (SELECT 1 FROM deleted_tasks WHERE id >= ?1 AND id < ?2)`, low, high).Scan(&left)
		if err != nil {
			return err
		}
		if left == 0 {
			if err := x.file.drop(ctx, partition); err != nil {
				return err
			}
		}
	}
	return nil
}

func newestFirst(partitions map[int64]bool) []int64 {
	list := slices.Sorted(maps.Keys(partitions))
	slices.Reverse(list)
	return list
}
