package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// InsertTasks implements store.Store.
func (s *Store) InsertTasks(ctx context.Context, tasks []store.NewTask) ([]store.InsertResult, error) {
	if len(tasks) == 0 {
		return nil, nil
	}
	inserts := make([]insert, len(tasks))
	for i := range tasks {
		inserts[i] = newInsert(&tasks[i], s.clock)
	}
	var results []store.InsertResult
	err := s.writes.Do(ctx, func(tx *tx) error {
		results = make([]store.InsertResult, len(inserts))
		for i := range inserts {
			fate, err := tx.alone(func() (err error) {
				results[i], err = inserts[i].run(tx)
				return err
			})
			if err != nil {
				return err
			}
			if fate != nil {
				results[i] = store.InsertResult{Err: fate}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range results {
		if results[i].Leased != nil {
			s.leased.add(results[i].Leased)
		}
	}
	return results, nil
}

// insert is a NewTask with what can be prepared before it is its turn.
type insert struct {
	*store.NewTask
	clock    clock
	bodyHash [sha256.Size]byte // if there is an idempotency key
}

func newInsert(task *store.NewTask, clock clock) insert {
	in := insert{NewTask: task, clock: clock}
	if task.IdempotencyKey != "" {
		in.bodyHash = sha256.Sum256(task.Source)
	}
	return in
}

func (in *insert) run(tx *tx) (store.InsertResult, error) {
	if in.IdempotencyKey != "" {
		if result, found, err := in.replay(tx); found || err != nil {
			return result, err
		}
	}
	status, runAt, fence := in.start(tx)
	refused, err := encodeIDs(in.Refused)
	if err != nil {
		return store.InsertResult{}, err
	}
	inserted, err := tx.exec(`INSERT INTO tasks
		(status, run_at, fence, endpoint_id, client_id, max_attempts, created_at, budget_from, refused, resend_of, ref, scope, source)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10, ?11, ?12)`,
		string(status), runAt, fence, in.EndpointID, in.ClientID, in.MaxAttempts, tx.wall,
		refused, in.ResendOf, in.Ref, in.Scope, notNull(in.Source))
	if err != nil {
		return store.InsertResult{}, err
	}
	id, err := inserted.LastInsertId()
	if err != nil {
		return store.InsertResult{}, err
	}
	if err := tx.noteMinute(id); err != nil {
		return store.InsertResult{}, err
	}
	result := store.InsertResult{Receipt: dispatchapy.Receipt{TaskID: id, Held: in.Hold != ""}}
	switch status {
	case dispatchapy.StatusProcessing:
		result.Leased = in.leased(tx, id, runAt)
	case dispatchapy.StatusPending:
		tx.hintTasks(in.EndpointID)
	}
	if in.Note != "" || in.Hold != "" {
		err = tx.addLog(id, in.firstLines(fromMicros(tx.wall))...)
	}
	if err == nil && in.IdempotencyKey != "" {
		err = in.remember(tx, id)
	}
	return result, err
}

// firstLines say how the task came to be, and why it is held.
func (in *insert) firstLines(at time.Time) (lines []dispatchapy.LogEntry) {
	if in.Note != "" {
		made := dispatchapy.LogEntry{At: at, Message: in.Note, Data: dispatchapy.LogData{By: in.By, Task: in.ResendOf}}
		switch {
		case in.ResendOf != 0:
			made.Kind = dispatchapy.LogResent
		case in.By != "":
			made.Kind = dispatchapy.LogSubmitted
		}
		lines = append(lines, made)
	}
	if in.Hold != "" {
		lines = append(lines, dispatchapy.LogEntry{At: at, Message: in.Hold, Kind: dispatchapy.LogHeld})
	}
	return lines
}

// start says in which state the task begins. Only a task that may go out at
// once begins leased.
func (in *insert) start(tx *tx) (status dispatchapy.Status, runAt, fence int64) {
	switch {
	case in.Hold != "":
		return dispatchapy.StatusHeld, tx.now, 0
	case in.LeaseFor > 0 && in.Delay <= 0:
		return dispatchapy.StatusProcessing, after(tx.now, in.LeaseFor), 1
	default:
		return dispatchapy.StatusPending, after(tx.now, in.Delay), 0
	}
}

func (in *insert) leased(tx *tx, id, runAt int64) *store.Leased {
	accepted := fromMicros(tx.wall)
	return &store.Leased{
		Lease: store.Lease{TaskID: id, Fence: 1},
		Task: dispatchapy.Task{
			ID:          id,
			Status:      dispatchapy.StatusProcessing,
			ClientID:    in.ClientID,
			EndpointID:  in.EndpointID,
			Ref:         in.Ref,
			Scope:       in.Scope,
			Source:      in.Source,
			MaxAttempts: in.MaxAttempts,
			ResendOf:    in.ResendOf,
			Refused:     in.Refused,
			CreatedAt:   accepted,
			BudgetFrom:  accepted,
			RunAt:       in.clock.display(runAt),
		},
	}
}

// replay answers from an earlier task with the same idempotency key.
func (in *insert) replay(tx *tx) (result store.InsertResult, found bool, err error) {
	var (
		hash []byte
		held bool
		id   int64
	)
	err = tx.row(`SELECT body_hash, task_id, held FROM idempotency
		WHERE client_id = ? AND endpoint_id = ? AND key = ? AND expires_at > ?`,
		[]any{in.ClientID, in.EndpointID, in.IdempotencyKey, tx.now}, &hash, &id, &held)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return result, false, nil
	case err != nil:
		return result, false, err
	case !bytes.Equal(hash, in.bodyHash[:]):
		return store.InsertResult{Err: store.ErrIdempotencyMismatch}, true, nil
	}
	result.Receipt = dispatchapy.Receipt{TaskID: id, Held: held, Replayed: true}
	return result, true, nil
}

// remember keeps the key, in place of an expired one that is still stored.
func (in *insert) remember(tx *tx, id int64) error {
	_, err := tx.exec(`INSERT OR REPLACE INTO idempotency
		(client_id, endpoint_id, key, body_hash, task_id, held, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		in.ClientID, in.EndpointID, in.IdempotencyKey, in.bodyHash[:], id, in.Hold != "",
		after(tx.now, dispatchapy.IdempotencyTTL))
	return err
}

// notNull keeps an empty payload apart from NULL.
func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// taskColumns are what scanTask reads.
const taskColumns = `id, status, run_at, fence, endpoint_id, client_id, resource_id, attempt_count, attempt_base,
	max_attempts, created_at, budget_from, finished_at, refused, resend_of, last_error, ref, scope, source`

type scanner interface{ Scan(dest ...any) error }

// scanTask reads a row of taskColumns.
func scanTask(row scanner, clock clock) (task dispatchapy.Task, fence int64, err error) {
	var (
		runAt, created, budget, finished int64
		refused                          string
		source                           []byte
	)
	err = row.Scan(&task.ID, &task.Status, &runAt, &fence, &task.EndpointID, &task.ClientID, &task.ResourceID,
		&task.AttemptCount, &task.AttemptBase, &task.MaxAttempts, &created, &budget, &finished,
		&refused, &task.ResendOf, &task.LastError, &task.Ref, &task.Scope, &source)
	if err != nil {
		return task, 0, err
	}
	task.Source = source
	task.RunAt = clock.display(runAt)
	task.CreatedAt, task.BudgetFrom, task.FinishedAt = fromMicros(created), fromMicros(budget), fromMicros(finished)
	if task.Refused, err = decodeIDs(refused); err != nil {
		return task, 0, fmt.Errorf("task %d: refused resources: %w", task.ID, err)
	}
	return task, fence, nil
}

func encodeIDs(ids []int64) (string, error) {
	if len(ids) == 0 {
		return "", nil
	}
	text, err := json.Marshal(ids)
	return string(text), err
}

func decodeIDs(text string) (ids []int64, err error) {
	if text != "" {
		err = json.Unmarshal([]byte(text), &ids)
	}
	return ids, err
}

// maxLog is how many log lines are kept per task, the latest ones.
const maxLog = 500

func (tx *tx) addLog(taskID int64, entries ...dispatchapy.LogEntry) error {
	if len(entries) == 0 {
		return nil
	}
	var last int64
	err := tx.row("SELECT coalesce(max(seq), 0) FROM task_log WHERE task_id = ?", []any{taskID}, &last)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		last++
		data, err := encodeLogData(entry.Data)
		if err != nil {
			return err
		}
		if _, err := tx.exec("INSERT INTO task_log (task_id, seq, at, message, kind, data) VALUES (?, ?, ?, ?, ?, ?)",
			taskID, last, micros(entry.At), entry.Message, string(entry.Kind), data); err != nil {
			return err
		}
	}
	if last > maxLog {
		_, err = tx.exec("DELETE FROM task_log WHERE task_id = ? AND seq <= ?", taskID, last-maxLog)
	}
	return err
}

// Task implements store.Store.
func (s *Store) Task(ctx context.Context, id int64) (detail store.TaskDetail, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		row := tx.QueryRowContext(ctx, "SELECT "+taskColumns+" FROM tasks WHERE id = ?", id)
		if detail.Task, _, err = scanTask(row, s.clock); err != nil {
			if errors.Is(err, sql.ErrNoRows) {
				return fmt.Errorf("task %d: %w", id, store.ErrNotFound)
			}
			return err
		}
		if detail.Attempts, err = attempts(ctx, tx, id); err != nil {
			return err
		}
		if detail.Log, err = taskLog(ctx, tx, id); err != nil {
			return err
		}
		detail.Resent, err = resent(ctx, tx, id)
		return err
	})
	if err != nil {
		return store.TaskDetail{}, err
	}
	return detail, nil
}

// attempts gives the attempts of a task, oldest first, as far as MaxExchanged
// goes with what was exchanged.
func attempts(ctx context.Context, tx *sql.Tx, taskID int64) ([]dispatchapy.Attempt, error) {
	whole, err := firstWhole(ctx, tx, taskID)
	if err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT number, resource_id, outcome, status_code, error, detail, started_at, duration,
		dns, connect, tls, first_byte, iif(number >= ?2, request_body, NULL), iif(number >= ?2, response_body, NULL), details
		FROM attempts WHERE task_id = ?1 ORDER BY number`, taskID, whole)
	return collect(rows, err, func(rows *sql.Rows) (a dispatchapy.Attempt, err error) {
		var started int64
		var details []byte
		err = rows.Scan(&a.Number, &a.ResourceID, &a.Outcome, &a.StatusCode, &a.Error, &a.Detail, &started, &a.Duration,
			&a.Timing.DNS, &a.Timing.Connect, &a.Timing.TLS, &a.Timing.FirstByte, &a.RequestBody, &a.ResponseBody, &details)
		a.StartedAt = fromMicros(started)
		decodeDetails(&a, details)
		if a.Number < whole {
			a.Exchange, a.Abridged = nil, true
		}
		return a, err
	})
}

// firstWhole gives the number of the first attempt that is not abridged. It
// reads lengths only.
func firstWhole(ctx context.Context, tx *sql.Tx, taskID int64) (number int, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT number, coalesce(length(request_body), 0) + coalesce(length(response_body), 0)
		FROM attempts WHERE task_id = ? ORDER BY number DESC`, taskID)
	total := 0
	_, err = collectWhile(rows, err, func(rows *sql.Rows) (_ struct{}, more bool, err error) {
		var next, size int
		if err := rows.Scan(&next, &size); err != nil {
			return struct{}{}, false, err
		}
		if total += size; total <= store.MaxExchanged || number == 0 {
			number = next
		}
		return struct{}{}, total <= store.MaxExchanged, nil
	})
	return number, err
}

func taskLog(ctx context.Context, tx *sql.Tx, taskID int64) ([]dispatchapy.LogEntry, error) {
	rows, err := tx.QueryContext(ctx, "SELECT at, message, kind, data FROM task_log WHERE task_id = ? ORDER BY seq", taskID)
	return collect(rows, err, func(rows *sql.Rows) (entry dispatchapy.LogEntry, err error) {
		var at int64
		var data []byte
		err = rows.Scan(&at, &entry.Message, &entry.Kind, &data)
		entry.At, entry.Data = fromMicros(at), decodeLogData(data)
		return entry, err
	})
}

// resent gives the latest tasks made from this one, oldest first.
func resent(ctx context.Context, tx *sql.Tx, taskID int64) ([]int64, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id FROM tasks INDEXED BY tasks_resent
		WHERE resend_of > 0 AND resend_of = ? ORDER BY id DESC LIMIT ?`, taskID, store.MaxResent)
	ids, err := collect(rows, err, scanID)
	slices.Reverse(ids)
	return ids, err
}

// snapshot runs queries that have to see the same state.
func (s *Store) snapshot(ctx context.Context, do func(*sql.Tx) error) error {
	return s.reading(func() error {
		tx, err := s.read.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // there is nothing to commit
		return do(tx)
	})
}

// collect reads all rows of a query and closes it.
func collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) ([]T, error) {
	return collectWhile(rows, err, func(rows *sql.Rows) (one T, more bool, err error) {
		one, err = scan(rows)
		return one, true, err
	})
}

// collectWhile reads rows of a query up to the first after which scan wants no
// more, and closes it.
func collectWhile[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (one T, more bool, err error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // its error is that of Err
	var all []T
	for more := true; more && rows.Next(); {
		var one T
		if one, more, err = scan(rows); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// checkLease refuses leases that would be over at once.
func checkLease(d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("a lease of %s: it must be longer than nothing", d)
	}
	return nil
}
