package original_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/original"
)

// insertTasks has all tasks of shop at send_sms, waiting.
const insertTasks = `INSERT INTO tasks (id, client_name, client_id, ref_id, scope, endpoint_id, endpoint_path, source_payload,
	retry_count, max_retries, delay, status, created_at) VALUES `

const oneTask = insertTasks + `(1, 'shop', 1, 'r1', 'prod', 1, 'send_sms', '{"ref": "r1", "n": 1.50}', 0, 3, 2, 'pending', '2026-02-01 10:00:00');`

var ten = time.Date(2026, 2, 1, 10, 0, 0, 0, time.UTC)

// waiting is what oneTask becomes.
func waiting() original.Task {
	return original.Task{
		ID: 1, Client: "shop", Endpoint: "send_sms",
		Task: dispatchapy.Task{
			Status: dispatchapy.StatusPending, Ref: "r1", Scope: "prod", Source: json.RawMessage(`{"ref": "r1", "n": 1.50}`),
			MaxAttempts: 3, CreatedAt: ten, BudgetFrom: ten, RunAt: ten.Add(2 * time.Second),
		},
	}
}

func TestTasks(t *testing.T) {
	const sent = `UPDATE tasks SET target_payload = '{"to": "5"}', resource_id = 1, resource_name = 'sms', retry_count = 1, updated_at = '2026-02-01 10:00:09.25';`
	finished := ten.Add(9*time.Second + 250*time.Millisecond)
	finish := func(task *original.Task, status dispatchapy.Status, at time.Time) {
		task.Task.Status, task.Task.RunAt, task.Task.FinishedAt = status, time.Time{}, at
	}
	attempt := func(number int, resource string, at time.Time, outcome dispatchapy.AttemptOutcome) original.Attempt {
		return original.Attempt{Resource: resource, Attempt: dispatchapy.Attempt{Number: number, StartedAt: at, Outcome: outcome}}
	}
	tests := []struct {
		name   string
		sql    string
		want   func(task *original.Task)
		mended []string
	}{
		{name: "waiting", want: func(*original.Task) {}},
		{
			name: "held",
			sql:  `UPDATE tasks SET status = 'dev'`,
			want: func(task *original.Task) { finish(task, dispatchapy.StatusHeld, time.Time{}) },
		},
		{
			name: "delivered",
			sql: sent + `UPDATE tasks SET status = 'success', last_error = 'old';
				INSERT INTO task_attempt_logs VALUES (1, 1, 1, 'sms', '2026-02-01 10:00:08', 'success', 'Status Code: 202 - Details: {"sid": 7}');
				INSERT INTO logs VALUES (1, 1, '2026-02-01 10:00:08', 'Attempt 1/3'), (2, 1, '2026-02-01 10:00:09', 'Task Succeeded');
				INSERT INTO task_logs VALUES (1, 1, 'from an old version', '2026-02-01 10:00:07')`,
			want: func(task *original.Task) {
				finish(task, dispatchapy.StatusSuccess, finished)
				task.Resource, task.Task.AttemptCount = "sms", 1
				a := attempt(1, "sms", ten.Add(8*time.Second), dispatchapy.OutcomeDelivered)
				a.StatusCode, a.RequestBody, a.ResponseBody = 202, []byte(`{"to": "5"}`), []byte(`{"sid": 7}`)
				task.Attempts = []original.Attempt{a}
				task.Log = []dispatchapy.LogEntry{
					{At: ten.Add(7 * time.Second), Message: "from an old version"},
					{At: ten.Add(8 * time.Second), Message: "Attempt 1/3"},
					{At: ten.Add(9 * time.Second), Message: "Task Succeeded"},
				}
			},
		},
		{
			name: "failed after a manual retry",
			sql: `UPDATE tasks SET status = 'failed', retry_count = 2, last_error = 'Max retries reached', updated_at = '2026-02-01 10:00:09.25';
				INSERT INTO task_attempt_logs VALUES
					(1, 1, 1, 'sms', '2026-02-01 10:00:01', 'failed', 'Status Code: None - Details: connection timed out'),
					(2, 1, 2, 'chat', '2026-02-01 10:00:02', 'failed', 'Status Code: 422 - Details: no'),
					(3, 1, 9, 'gone', '2026-02-01 10:00:03', 'failed', 'odd')`,
			want: func(task *original.Task) {
				finish(task, dispatchapy.StatusFailed, finished)
				task.Task.AttemptCount, task.Task.AttemptBase, task.Task.LastError = 2, 1, "Max retries reached"
				task.Task.BudgetFrom = ten.Add(2 * time.Second)
				first := attempt(1, "sms", ten.Add(time.Second), dispatchapy.OutcomeFailed)
				first.Error, first.Detail = dispatchapy.ErrorTimeout, "connection timed out"
				second := attempt(2, "chat", ten.Add(2*time.Second), dispatchapy.OutcomeRefused)
				second.StatusCode, second.Error, second.Detail = 422, dispatchapy.ErrorStatus4xx, "no"
				third := attempt(3, "gone", ten.Add(3*time.Second), dispatchapy.OutcomeFailed)
				third.Error, third.Detail = dispatchapy.ErrorOther, "odd"
				task.Attempts = []original.Attempt{first, second, third}
			},
		},
		{
			name: "sent without a record",
			sql:  sent + `UPDATE tasks SET status = 'success'`,
			want: func(task *original.Task) {
				finish(task, dispatchapy.StatusSuccess, finished)
				task.Resource, task.Task.AttemptCount = "sms", 1
				a := attempt(1, "sms", finished, dispatchapy.OutcomeDelivered)
				a.RequestBody, a.Detail = []byte(`{"to": "5"}`), "the original kept no record of this attempt"
				task.Attempts = []original.Attempt{a}
			},
			mended: []string{"tasks that were sent, but without a record of the attempt, which was made up from the task: 1 (number 1)"},
		},
		{
			name:   "being sent, for the last time",
			sql:    `UPDATE tasks SET status = 'processing', retry_count = 3`,
			want:   func(task *original.Task) { task.Task.AttemptCount = 2 },
			mended: []string{"tasks that were being sent, waiting again and perhaps sent twice: 1 (number 1)", "unsent tasks with no attempt left, given one more: 1 (number 1)"},
		},
		{
			name: "unknown status",
			sql:  `UPDATE tasks SET status = 'limbo'`,
			want: func(task *original.Task) {
				finish(task, dispatchapy.StatusStopped, ten)
				task.Task.LastError = `stopped at the import: its status was "limbo"`
			},
			mended: []string{"tasks with an unknown status, stopped: 1 (number 1)"},
		},
		{
			name: "endpoint deleted",
			sql:  `UPDATE tasks SET endpoint_id = 77, endpoint_path = 'old path', status = 'dev'`,
			want: func(task *original.Task) {
				finish(task, dispatchapy.StatusStopped, ten)
				task.Endpoint, task.Task.LastError = "old_path", "stopped at the import: its endpoint no longer exists"
			},
			mended: []string{
				"tasks of endpoints that do not exist, kept under the recorded path: 1 (number 1)",
				"unsent tasks of endpoints that do not exist, stopped: 1 (number 1)",
			},
		},
		{
			name:   "client deleted",
			sql:    `UPDATE tasks SET client_id = 77, client_name = 'O''Neil'`,
			want:   func(task *original.Task) { task.Client = "O'Neil" },
			mended: []string{"tasks of clients that do not exist, kept under the recorded name: 1 (number 1)"},
		},
		{
			name: "client renamed",
			sql:  `UPDATE tasks SET client_name = 'the old shop'`,
			want: func(*original.Task) {},
		},
		{
			name:   "client deleted and its id given to the next one",
			sql:    `UPDATE tasks SET client_name = 'the shop before'; UPDATE clients SET created_at = '2026-03-01 00:00:00'`,
			want:   func(task *original.Task) { task.Client = "the shop before" },
			mended: []string{"tasks of clients that do not exist, kept under the recorded name: 1 (number 1)"},
		},
		{
			name:   "payload that is not JSON",
			sql:    `UPDATE tasks SET source_payload = '{"a": NaN}'`,
			want:   func(task *original.Task) { task.Task.Source = json.RawMessage(`{"payload":"{\"a\": NaN}"}`) },
			mended: []string{`tasks whose payload is not JSON, kept as text under the key "payload": 1 (number 1)`},
		},
		{
			name:   "payload that is not an object",
			sql:    `UPDATE tasks SET source_payload = '[1, 2]'`,
			want:   func(task *original.Task) { task.Task.Source = json.RawMessage(`{"payload":[1, 2]}`) },
			mended: []string{`tasks whose payload is not a JSON object, kept under the key "payload": 1 (number 1)`},
		},
		{
			name:   "no payload",
			sql:    `UPDATE tasks SET source_payload = NULL`,
			want:   func(task *original.Task) { task.Task.Source = json.RawMessage(`{}`) },
			mended: []string{"tasks without a payload, now with an empty one: 1 (number 1)"},
		},
		{
			name: "target payload that is not an object",
			sql:  sent + `UPDATE tasks SET status = 'success', target_payload = '{"to"'; INSERT INTO task_attempt_logs VALUES (1, 1, 1, 'sms', '2026-02-01 10:00:08', 'success', '')`,
			want: func(task *original.Task) {
				finish(task, dispatchapy.StatusSuccess, finished)
				task.Resource, task.Task.AttemptCount = "sms", 1
				a := attempt(1, "sms", ten.Add(8*time.Second), dispatchapy.OutcomeDelivered)
				a.RequestBody, a.ResponseBody = []byte(`{"payload":"{\"to\""}`), []byte{}
				task.Attempts = []original.Attempt{a}
			},
			mended: []string{`tasks whose target payload is not a JSON object, kept under the key "payload": 1 (number 1)`},
		},
		{
			name: "prepared, but never sent",
			sql:  `UPDATE tasks SET target_payload = '{"to": "5"}'`,
			want: func(*original.Task) {},
		},
		{
			name: "impossible numbers",
			sql:  `UPDATE tasks SET max_retries = 1000000, retry_count = -5, delay = 1e300`,
			want: func(task *original.Task) {
				task.Task.MaxAttempts, task.Task.RunAt = 1000, ten
			},
			mended: []string{"tasks with an impossible budget of attempts, brought into range: 1 (number 1)"},
		},
		{
			name: "history of a deleted task with the same id, and of none",
			sql: `INSERT INTO task_attempt_logs VALUES (1, 1, 1, 'sms', '2026-01-31 10:00:00', 'success', 'x'), (2, NULL, 1, 'sms', NULL, 'success', 'x'),
					(3, 99, 1, 'sms', NULL, 'success', 'x'), (4, -99, 1, 'sms', NULL, 'success', 'x');
				INSERT INTO logs VALUES (1, 1, '2026-01-31 10:00:00', 'x')`,
			want: func(*original.Task) {},
			mended: []string{
				"rows of the table task_attempt_logs whose task does not exist, left out: 3",
				"rows of the table logs whose task does not exist, left out: 1",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			im := read(t, database(t, tidy, oneTask, tt.sql))
			got := tasks(t, im)
			want := waiting()
			tt.want(&want)
			if diff := cmp.Diff([]original.Task{want}, got); diff != "" {
				t.Errorf("tasks (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.mended, im.Mended()); diff != "" && len(tt.mended)+len(im.Mended()) > 0 {
				t.Errorf("mended (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTaskTimes(t *testing.T) {
	for _, created := range []string{"NULL", "'yesterday'", "'2150-01-01 00:00:00'", "'0001-01-01 00:00:00'"} {
		t.Run(created, func(t *testing.T) {
			before := time.Now()
			im := read(t, database(t, tidy, oneTask, "UPDATE tasks SET created_at = "+created))
			got := tasks(t, im)[0].Task
			if got.CreatedAt.Before(before) || got.CreatedAt.After(time.Now()) || !got.RunAt.Equal(got.CreatedAt.Add(2*time.Second)) {
				t.Errorf("created at %s and due at %s, want the time of the import", got.CreatedAt, got.RunAt)
			}
			if want := "tasks without a time or from the future, now of the time of the import: 1 (number 1)"; im.Mended()[0] != want {
				t.Errorf("mended: %q, want %q", im.Mended(), want)
			}
		})
	}
}

// manyTasks has 250 tasks: three pages, with gaps between the ids. Each has
// one attempt and one line.
const manyTasks = `
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
		INSERT INTO tasks (id, client_name, client_id, ref_id, endpoint_id, endpoint_path, source_payload, retry_count, max_retries, delay, status, created_at)
		SELECT 3 * i, 'shop', 1, 'r' || i, 1, 'send_sms', '{}', 1, 3, 0, 'failed', '2026-02-01 10:00:00' FROM n;
	INSERT INTO task_attempt_logs SELECT id, id, 1, 'sms', '2026-02-01 10:00:01', 'failed', 'of ' || id FROM tasks ORDER BY id DESC;
	INSERT INTO logs SELECT id, id, '2026-02-01 10:00:01', 'of ' || id FROM tasks;
	INSERT INTO logs SELECT 10000 + id, id + 1, '2026-02-01 10:00:01', 'of nobody' FROM tasks;`

func TestTasksInPages(t *testing.T) {
	im := read(t, database(t, tidy, manyTasks))
	if im.TaskCount != 250 {
		t.Errorf("TaskCount is %d, want 250", im.TaskCount)
	}
	for range 2 { // it can be run again
		got := tasks(t, im)
		if len(got) != 250 {
			t.Fatalf("%d tasks, want 250", len(got))
		}
		for i, task := range got {
			id := int64(3 * (i + 1))
			text := fmt.Sprintf("of %d", id)
			if task.ID != id || len(task.Attempts) != 1 || task.Attempts[0].Detail != text || len(task.Log) != 1 || task.Log[0].Message != text {
				t.Fatalf("task %d is %+v", i, task)
			}
		}
		want := []string{"rows of the table logs whose task does not exist, left out: 250"}
		if diff := cmp.Diff(want, im.Mended()); diff != "" {
			t.Errorf("mended (-want +got):\n%s", diff)
		}
	}
}

func TestLongHistoryIsShortened(t *testing.T) {
	im := read(t, database(t, tidy, oneTask, `
		UPDATE tasks SET retry_count = 2;
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4321)
			INSERT INTO task_attempt_logs SELECT i, 1, 1, 'sms', '2026-02-01 10:00:01', 'failed', 'attempt ' || i FROM n;
		INSERT INTO logs SELECT id, 1, '2026-02-01 10:00:01', 'line ' || id FROM task_attempt_logs`))
	task := tasks(t, im)[0]
	if n := len(task.Attempts); n != 1000 || task.Attempts[0].Detail != "attempt 3322" || task.Attempts[n-1].Number != 1000 {
		t.Errorf("%d attempts from %q to number %d", n, task.Attempts[0].Detail, task.Attempts[n-1].Number)
	}
	if n := len(task.Log); n != 1000 || task.Log[0].Message != "line 3322" || task.Log[n-1].Message != "line 4321" {
		t.Errorf("%d lines from %q to %q", n, task.Log[0].Message, task.Log[n-1].Message)
	}
	if next := task.Task.AttemptBase + task.Task.AttemptCount + 1; next != 1001 {
		t.Errorf("the next attempt has number %d, want 1001", next)
	}
	want := []string{"tasks with a history of more than 1000 entries, shortened to the latest: 1 (number 1)"}
	if diff := cmp.Diff(want, im.Mended()); diff != "" {
		t.Errorf("mended (-want +got):\n%s", diff)
	}
}

func TestTasksBrokenOff(t *testing.T) {
	im := read(t, database(t, tidy, manyTasks))
	for range im.Tasks(t.Context()) {
		break
	}
	if len(im.Mended()) != 0 {
		t.Errorf("a run that was broken off reports %q", im.Mended())
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	count := 0
	var last error
	for _, err := range im.Tasks(ctx) {
		if last = err; err == nil {
			count++
			cancel()
		}
	}
	if count != 100 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d tasks, then %v; want the page that was read, then the cancellation", count, last)
	}
}

// The original goes on while its tasks are read: nothing is locked meanwhile.
func TestTasksWhileTheOriginalWrites(t *testing.T) {
	path := database(t, tidy, manyTasks)
	im := read(t, path)
	count := 0
	for task, err := range im.Tasks(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if count++; task.ID == 3 {
			change(t, path, "PRAGMA busy_timeout = 0", strings.ReplaceAll(oneTask, "(1, 'shop'", "(5000, 'shop'"))
		}
	}
	if count != 251 {
		t.Errorf("%d tasks, want 250 and the one that was added", count)
	}
}
