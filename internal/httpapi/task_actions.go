package httpapi

import (
	"context"
	"net/http"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// batchInput asks for one action on many tasks.
type batchInput struct {
	Body struct {
		Action dispatchapy.Action `json:"action" enum:"retry,stop,send,delete,restore"`
		IDs    []int64            `json:"ids,omitempty" maxItems:"1000" doc:"restore needs them: no filter sees deleted tasks"`
		Filter *batchFilter       `json:"filter,omitempty" doc:"Instead of ids: the tasks to act on, among those whose status allows it"`
		Cursor string             `json:"cursor,omitempty" doc:"next of the batch before; with filter only"`
		DryRun bool               `json:"dry_run,omitempty" doc:"Count the tasks and do nothing to them"`
	}
}

// batchFilter are the filters of a list, as JSON.
type batchFilter struct {
	Status   words     `json:"status,omitempty"`
	Phase    words     `json:"phase,omitempty"`
	Text     string    `json:"q,omitempty"`
	Client   words     `json:"client,omitempty"`
	Endpoint words     `json:"endpoint,omitempty"`
	Resource words     `json:"resource,omitempty"`
	Ref      string    `json:"ref,omitempty"`
	Scope    string    `json:"scope,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Until    time.Time `json:"until,omitzero"`
}

// batchResult says what became of every task.
type batchResult struct {
	Succeeded int            `json:"succeeded"`
	Failed    int            `json:"failed"`
	Results   []actionResult `json:"results"`
	Next      *string        `json:"next" doc:"Not null: the filter may select more; repeat with this cursor"`
	Matching  *int           `json:"matching,omitempty" doc:"With dry_run: how many tasks would be acted on, by all batches together"`
	AtLeast   *bool          `json:"at_least,omitempty" doc:"With dry_run: there may be more, counting is bounded"`
	Skipped   map[string]int `json:"skipped,omitempty" doc:"How many were, or with dry_run would be, passed over: by the phase that forbids it (up to 1,000), or gone where there is no such task"`
}

type actionResult struct {
	ID     int64               `json:"id"`
	Status *dispatchapy.Status `json:"status" doc:"After the action; null if it was deleted or failed"`
	Error  *actionError        `json:"error,omitempty" doc:"Why it failed"`
}

type actionError struct {
	Code   dispatchapy.Code `json:"code"`
	Detail string           `json:"detail"`
}

func (a *api) registerTaskActions() {
	for action, summary := range map[dispatchapy.Action]string{
		dispatchapy.ActionRetry:   "Send a task again with a fresh budget of attempts",
		dispatchapy.ActionStop:    "Stop a pending or held task",
		dispatchapy.ActionSend:    "Let a held task go",
		dispatchapy.ActionRestore: "Bring a deleted task back as it was, within a minute",
	} {
		op := operation(http.MethodPost, "/v1/tasks/{id}/"+string(action), string(action)+"-task", "tasks", summary)
		register(a, op, func(ctx context.Context, p dispatchapy.Principal, in *ByID) (*answer[taskDetail], error) {
			found, err := a.service.ActOnTask(ctx, p, action, in.ID)
			if err != nil {
				return nil, err
			}
			return &answer[taskDetail]{newTaskDetail(found)}, nil
		})
	}
	register(a, operation(http.MethodDelete, "/v1/tasks/{id}", "delete-task", "tasks", "Delete a task; for a minute it can be restored"),
		func(ctx context.Context, p dispatchapy.Principal, in *ByID) (*struct{}, error) {
			_, err := a.service.ActOnTask(ctx, p, dispatchapy.ActionDelete, in.ID)
			return nil, err
		})
	register(a, operation(http.MethodPost, "/v1/tasks/batch", "batch-tasks", "tasks", "Retry, stop, send, delete or restore many tasks"),
		func(ctx context.Context, p dispatchapy.Principal, in *batchInput) (*answer[batchResult], error) {
			if in.Body.DryRun {
				count, err := a.service.CountBatch(ctx, p, in.batch())
				return &answer[batchResult]{newBatchCount(&count)}, err
			}
			result, err := a.service.ActOnTasks(ctx, p, in.batch())
			if err != nil {
				return nil, err
			}
			return &answer[batchResult]{a.newBatchResult(ctx, result)}, nil
		})
}

func (in *batchInput) batch() service.Batch {
	b := service.Batch{Action: in.Body.Action, IDs: in.Body.IDs, Cursor: in.Body.Cursor}
	if f := in.Body.Filter; f != nil {
		list := TaskFilter{
			Status: f.Status, Phase: f.Phase, Text: f.Text, Client: f.Client, Endpoint: f.Endpoint, Resource: f.Resource,
			Ref: f.Ref, Scope: f.Scope, Since: f.Since, Until: f.Until,
		}
		filter := list.filter()
		b.Filter = &filter
	}
	return b
}

func newBatchCount(c *service.BatchCount) batchResult {
	out := batchResult{Results: []actionResult{}, Skipped: map[string]int{}, Matching: &c.Matching, AtLeast: &c.AtLeast}
	for phase, count := range c.Skipped {
		out.Skipped[string(phase)] = count.N
	}
	return out
}

func (a *api) newBatchResult(ctx context.Context, r service.BatchResult) batchResult {
	out := batchResult{Results: make([]actionResult, len(r.Results)), Skipped: map[string]int{}, Next: optional(r.Next)}
	for phase, n := range r.Skipped {
		out.Skipped[string(phase)] = n
	}
	for i, one := range r.Results {
		out.Results[i] = actionResult{ID: one.ID}
		if one.Err == nil {
			out.Succeeded++
			if one.Status != dispatchapy.StatusDeleted {
				out.Results[i].Status = optional(one.Status)
			}
			continue
		}
		out.Failed++
		out.Results[i].Error = a.newActionError(ctx, one.Err)
	}
	return out
}

// newActionError words the failure of one task like that of a whole request.
func (a *api) newActionError(ctx context.Context, err error) *actionError {
	p := a.problem(ctx, err)
	return &actionError{Code: p.Code, Detail: p.Detail}
}
