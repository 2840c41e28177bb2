package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"dispatchapy"
)

// taskAction is what all commands that act on tasks share: tasks named by
// their ids, or selected by a filter.
type taskAction struct {
	remote
	taskFilter
	IDs    []int64 `arg:"" optional:"" name:"id" help:"Task ids. Without them the filters select tasks, among those whose status allows it."`
	DryRun bool    `help:"Say how many tasks the filters select, and do nothing to them."`
}

type (
	taskRetryCmd  struct{ taskAction }
	taskStopCmd   struct{ taskAction }
	taskSendCmd   struct{ taskAction }
	taskDeleteCmd struct{ taskAction }
)

// Run retries tasks.
func (c *taskRetryCmd) Run(ctx context.Context, con *console) error {
	return c.act(ctx, con, "retry", "retried")
}

// Run stops tasks.
func (c *taskStopCmd) Run(ctx context.Context, con *console) error {
	return c.act(ctx, con, "stop", "stopped")
}

// Run sends held tasks.
func (c *taskSendCmd) Run(ctx context.Context, con *console) error {
	return c.act(ctx, con, "send", "sent on its way")
}

// Run deletes tasks.
func (c *taskDeleteCmd) Run(ctx context.Context, con *console) error {
	return c.act(ctx, con, "delete", "deleted")
}

func (a *taskAction) act(ctx context.Context, con *console, verb, done string) error {
	filter, err := a.body()
	if err != nil {
		return err
	}
	switch {
	case len(a.IDs) > 0 && filter != nil:
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "give ids or filters, not both")
	case len(a.IDs) > 0 && a.DryRun:
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "--dry-run: only with filters")
	case len(a.IDs) == 0 && filter == nil:
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "say which tasks: give ids, or filters like --status failed --since 2h")
	}
	api, err := a.connect()
	if err != nil {
		return err
	}
	if filter != nil {
		return a.actOnSelected(ctx, con, api, batchRequest{Action: verb, Filter: filter, DryRun: a.DryRun})
	}
	return actOnIDs(ctx, con, api, a.IDs, verb, done)
}

func actOnIDs(ctx context.Context, con *console, api *apiClient, ids []int64, verb, done string) error {
	refused := 0
	for _, id := range ids {
		method, path := "POST", fmt.Sprintf("/v1/tasks/%d/%s", id, verb)
		if verb == "delete" {
			method, path = "DELETE", fmt.Sprintf("/v1/tasks/%d", id)
		}
		if err := api.call(ctx, method, path, nil); err != nil {
			refused++
			fmt.Fprintln(con.err, err)
			continue
		}
		fmt.Fprintf(con.out, "task %d %s\n", id, done)
	}
	if refused > 0 {
		return fmt.Errorf("%d of %d could not be done", refused, len(ids))
	}
	return nil
}

// taskRestoreCmd takes ids only: no filter sees what was deleted.
type taskRestoreCmd struct {
	remote
	IDs []int64 `arg:"" name:"id" help:"Task ids."`
}

// Run restores deleted tasks.
func (c *taskRestoreCmd) Run(ctx context.Context, con *console) error {
	api, err := c.connect()
	if err != nil {
		return err
	}
	return actOnIDs(ctx, con, api, c.IDs, "restore", "restored")
}

// batchRequest is the body of a batch by filter.
type batchRequest struct {
	Action string         `json:"action"`
	Filter map[string]any `json:"filter"`
	DryRun bool           `json:"dry_run,omitempty"`
	Cursor string         `json:"cursor,omitempty"`
}

type batchAnswer struct {
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Results   []struct {
		ID    int64 `json:"id"`
		Error *struct {
			Detail string `json:"detail"`
		} `json:"error"`
	} `json:"results"`
	Next     *string `json:"next"`
	Matching int     `json:"matching"`
	AtLeast  bool    `json:"at_least"`
}

// actOnSelected goes on, batch by batch, until the filter selects no more.
func (a *taskAction) actOnSelected(ctx context.Context, con *console, api *apiClient, request batchRequest) error {
	done, refused := 0, 0
	for {
		answer, err := batch(ctx, api, request)
		if err != nil && done > 0 {
			return fmt.Errorf("%s: %s done, then: %w", request.Action, count(done, "task"), err)
		}
		if err != nil {
			return err
		}
		if request.DryRun {
			atLeast := map[bool]string{true: "at least "}[answer.AtLeast]
			fmt.Fprintf(con.out, "%s: would act on %s%s\n", request.Action, atLeast, count(answer.Matching, "task"))
			return nil
		}
		done += answer.Succeeded
		refused += answer.Failed
		for _, result := range answer.Results {
			if result.Error != nil {
				fmt.Fprintf(con.err, "task %d: %s\n", result.ID, result.Error.Detail)
			}
		}
		if answer.Next == nil {
			break
		}
		request.Cursor = *answer.Next
	}
	fmt.Fprintf(con.out, "%s: %s done\n", request.Action, count(done, "task"))
	if refused > 0 {
		return fmt.Errorf("%d of %d could not be done", refused, done+refused)
	}
	return nil
}

func batch(ctx context.Context, api *apiClient, request batchRequest) (answer batchAnswer, err error) {
	body, err := json.Marshal(request)
	if err != nil {
		return answer, err
	}
	data, err := api.do(ctx, "POST", "/v1/tasks/batch", "application/json", "application/json", body)
	if err != nil {
		return answer, err
	}
	return answer, json.Unmarshal(data, &answer)
}

type taskResendCmd struct {
	remote
	ID       int64  `arg:"" help:"Task id."`
	Data     string `short:"d" help:"JSON object to send instead of what was sent; - reads it from standard input." placeholder:"JSON"`
	Resource string `help:"Send it to this resource and no other." placeholder:"NAME"`
	Confirm  bool   `help:"Also if the task was delivered or is still waiting: then it is sent twice."`
}

// Run makes a new task of a task.
func (c *taskResendCmd) Run(ctx context.Context, con *console) error {
	request := struct {
		Payload  json.RawMessage `json:"payload,omitempty"`
		Resource string          `json:"resource,omitempty"`
		Confirm  bool            `json:"confirm,omitempty"`
	}{Resource: c.Resource, Confirm: c.Confirm}
	if c.Data != "" {
		data := []byte(c.Data)
		if c.Data == "-" {
			var err error
			if data, err = io.ReadAll(io.LimitReader(con.in, dispatchapy.MaxMaxBody+1)); err != nil {
				return err
			}
		}
		if !json.Valid(data) {
			return dispatchapy.Errorf(dispatchapy.CodeInvalid, "-d: not valid JSON")
		}
		request.Payload = data
	}
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	api, err := c.connect()
	if err != nil {
		return err
	}
	answer, err := api.do(ctx, "POST", fmt.Sprintf("/v1/tasks/%d/resend", c.ID), "application/json", "application/json", body)
	if err != nil {
		return err
	}
	var made task
	if err := json.Unmarshal(answer, &made); err != nil {
		return err
	}
	fmt.Fprintf(con.out, "task %d made of task %d\n", made.ID, c.ID)
	return nil
}
