package original

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"dispatchapy"
)

// historian turns rows of tasks into tasks.
type historian struct {
	file  *file
	world world
	now   time.Time
	tally *tally
	last  int64 // id of the last task read
	ended bool
}

// draft is a task whose history is still being gathered.
type draft struct {
	Task
	created  time.Time // as recorded; zero if it is not
	updated  time.Time
	used     int64           // attempts of the present budget
	target   json.RawMessage // what was sent last; nil if nothing was
	attempts int             // that the original logged
	lines    int             // of its log
	orphan   bool            // its endpoint does not exist
}

// draft reads a task's own row.
func (h *historian) draft(row row) *draft {
	d := &draft{created: row.time("created_at"), updated: row.time("updated_at")}
	d.ID = row.id("id")
	d.Task.Task = dispatchapy.Task{
		Ref:       row.text("ref_id"),
		Scope:     row.text("scope"),
		Source:    h.source(row, d.ID),
		LastError: clip(row.text("last_error"), maxDetail),
		CreatedAt: h.createdAt(d),
	}
	d.target = h.target(row, d.ID)
	h.name(row, d)
	h.budget(row, d)
	h.status(row, d)
	delay, _ := clamp(row.id("delay"), 0, int64(dispatchapy.MaxTaskDelay/time.Second))
	if d.Task.Task.Status == dispatchapy.StatusPending {
		d.Task.Task.RunAt = d.Task.Task.CreatedAt.Add(time.Duration(delay) * time.Second)
	}
	return d
}

// createdAt gives when the task was accepted. One without a time counts as
// accepted now, so that cleaning up does not take it away at once; so does one
// from the future, which would not be sent before.
func (h *historian) createdAt(d *draft) time.Time {
	if d.created.IsZero() || d.created.After(h.now) {
		h.tally.add("tasks without a time or from the future, now of the time of the import", d.ID)
		return h.now
	}
	return d.created
}

// source gives the payload as a JSON object, which every payload must be.
func (h *historian) source(row row, id int64) json.RawMessage {
	text := strings.TrimSpace(row.text("source_payload"))
	switch {
	case text == "":
		h.tally.add("tasks without a payload, now with an empty one", id)
		return json.RawMessage("{}")
	case !json.Valid([]byte(text)):
		h.tally.add(`tasks whose payload is not JSON, kept as text under the key "payload"`, id)
		return wrap(quoted(text))
	case text[0] != '{':
		h.tally.add(`tasks whose payload is not a JSON object, kept under the key "payload"`, id)
		return wrap(json.RawMessage(text))
	}
	return json.RawMessage(text)
}

// target gives the payload that was sent last, nil if nothing was.
func (h *historian) target(row row, id int64) json.RawMessage {
	target, ok := row.json("target_payload")
	if target == nil || ok && target[0] == '{' {
		return target
	}
	h.tally.add(`tasks whose target payload is not a JSON object, kept under the key "payload"`, id)
	if !ok {
		target = quoted(string(target))
	}
	return wrap(target)
}

func wrap(value json.RawMessage) json.RawMessage {
	return slices.Concat(json.RawMessage(`{"payload":`), value, json.RawMessage(`}`))
}

// name finds out to whom the task belongs.
func (h *historian) name(row row, d *draft) {
	var known bool
	d.Client, known = resolve(h.world.clients, row.id("client_id"), row.text("client_name"), d.created)
	if !known {
		h.tally.add("tasks of clients that do not exist, kept under the recorded name", d.ID)
	}
	path := row.text("endpoint_path")
	if d.Endpoint, known = resolve(h.world.endpoints, row.id("endpoint_id"), path, d.created); !known {
		d.orphan = true
		d.Endpoint = cleanPath(path, fmt.Sprintf("endpoint-%d", row.id("endpoint_id")))
		h.tally.add("tasks of endpoints that do not exist, kept under the recorded path", d.ID)
	}
	d.Resource, _ = resolve(h.world.resources, row.id("resource_id"), row.text("resource_name"), d.created)
}

// budget reads what has been spent. The original counts from the last manual
// retry.
func (h *historian) budget(row row, d *draft) {
	given, ok := row.integer("max_retries")
	most, inRange := clamp(given, 1, dispatchapy.MaxAttempts)
	if !ok || !inRange {
		h.tally.add("tasks with an impossible budget of attempts, brought into range", d.ID)
	}
	d.used, _ = clamp(row.id("retry_count"), 0, most)
	d.Task.Task.MaxAttempts = int(most)
	d.Task.Task.AttemptCount = int(d.used)
}

// status reads where the task is, and stops what nobody could ever send.
func (h *historian) status(row row, d *draft) {
	task := &d.Task.Task
	switch was := strings.ToLower(strings.TrimSpace(row.text("status"))); was {
	case "pending", "success", "failed", "stopped":
		task.Status = dispatchapy.Status(was)
	case "dev":
		task.Status = dispatchapy.StatusHeld
	case "processing":
		// As the original does when it starts: its answer, if any, is lost.
		task.Status = dispatchapy.StatusPending
		h.tally.add("tasks that were being sent, waiting again and perhaps sent twice", d.ID)
	default:
		task.Status = dispatchapy.StatusStopped
		task.LastError = fmt.Sprintf("stopped at the import: its status was %q", firstRunes(was, 40))
		h.tally.add("tasks with an unknown status, stopped", d.ID)
	}
	if d.orphan && !task.Status.Finished() {
		task.Status = dispatchapy.StatusStopped
		task.LastError = "stopped at the import: its endpoint no longer exists"
		h.tally.add("unsent tasks of endpoints that do not exist, stopped", d.ID)
	}
	if task.Status == dispatchapy.StatusSuccess {
		task.LastError = ""
	}
	if !task.Status.Finished() && task.AttemptCount >= task.MaxAttempts {
		task.AttemptCount = task.MaxAttempts - 1
		h.tally.add("unsent tasks with no attempt left, given one more", d.ID)
	}
}

// finish completes a task once its history is there.
func (h *historian) finish(d *draft) Task {
	task := &d.Task.Task
	h.completeAttempts(d)
	if d.attempts > maxHistory || d.lines > maxHistory {
		h.tally.add(fmt.Sprintf("tasks with a history of more than %d entries, shortened to the latest", maxHistory), d.ID)
	}
	d.Attempts, d.Log = latest(d.Attempts), latest(d.Log)
	slices.SortStableFunc(d.Log, func(a, b dispatchapy.LogEntry) int { return a.At.Compare(b.At) })
	for i := range d.Attempts {
		d.Attempts[i].Number = i + 1
	}

	// The next attempt's number follows that of the last one. With a budget
	// spent, the attempts before it belong to earlier budgets.
	task.AttemptBase = max(0, len(d.Attempts)-task.AttemptCount)
	task.BudgetFrom = task.CreatedAt
	if task.AttemptBase > 0 && task.AttemptBase < len(d.Attempts) {
		task.BudgetFrom = d.Attempts[task.AttemptBase].StartedAt
	}
	if task.Status.Finished() {
		task.FinishedAt = h.finishedAt(d)
	}
	return d.Task
}

// finishedAt gives the best guess that the file allows.
func (h *historian) finishedAt(d *draft) time.Time {
	at := d.updated
	if n := len(d.Attempts); at.IsZero() && n > 0 {
		at = d.Attempts[n-1].StartedAt
	}
	if created := d.Task.Task.CreatedAt; at.Before(created) {
		return created
	}
	if at.After(h.now) {
		return h.now
	}
	return at
}
