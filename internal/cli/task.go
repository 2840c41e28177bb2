package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"dispatchapy"
)

type taskCmd struct {
	List    taskListCmd    `cmd:"" help:"List tasks, newest first."`
	Show    taskShowCmd    `cmd:"" help:"Show a task with its attempts and log."`
	Resend  taskResendCmd  `cmd:"" help:"Make a new task of a task, edited or as it was."`
	Retry   taskRetryCmd   `cmd:"" help:"Send tasks again with a fresh budget of attempts."`
	Stop    taskStopCmd    `cmd:"" help:"Stop pending and held tasks."`
	Send    taskSendCmd    `cmd:"" help:"Let held tasks go."`
	Delete  taskDeleteCmd  `cmd:"" help:"Delete tasks that are not being sent."`
	Restore taskRestoreCmd `cmd:"" help:"Bring deleted tasks back as they were, within a minute."`
}

// task is a task as the API words it.
type task struct {
	ID           int64           `json:"id"`
	Status       string          `json:"status"`
	Client       string          `json:"client"`
	Endpoint     string          `json:"endpoint"`
	Ref          string          `json:"ref"`
	Scope        string          `json:"scope"`
	Resource     *string         `json:"resource"`
	Source       json.RawMessage `json:"source_payload"`
	Target       json.RawMessage `json:"target_payload"`
	AttemptCount int             `json:"attempt_count"`
	MaxAttempts  int             `json:"max_attempts"`
	LastError    *string         `json:"last_error"`
	CreatedAt    time.Time       `json:"created_at"`
	RunAt        *time.Time      `json:"run_at"`
	FinishedAt   *time.Time      `json:"finished_at"`
	Attempts     []struct {
		Number     int       `json:"number"`
		Resource   string    `json:"resource"`
		Outcome    string    `json:"outcome"`
		StatusCode *int      `json:"status_code"`
		Error      *string   `json:"error"`
		Detail     *string   `json:"detail"`
		Response   *string   `json:"response_body"`
		StartedAt  time.Time `json:"started_at"`
		DurationMS float64   `json:"duration_ms"`
	} `json:"attempts"`
	Log []struct {
		At      time.Time `json:"at"`
		Message string    `json:"message"`
	} `json:"log"`
}

type taskListCmd struct {
	remote
	taskFilter
	Limit  int    `short:"n" help:"How many at most." default:"50"`
	Output string `short:"o" enum:"table,json" default:"table" help:"Format: table or json."`
}

// maxPage is the API's largest page.
const maxPage = 200

// Run lists tasks, page by page up to the limit.
func (c *taskListCmd) Run(ctx context.Context, con *console) error {
	if c.Limit < 1 {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "--limit: must be at least 1")
	}
	query, err := c.query()
	if err != nil {
		return err
	}
	api, err := c.connect()
	if err != nil {
		return err
	}
	tasks := []json.RawMessage{}
	for len(tasks) < c.Limit {
		query.Set("limit", strconv.Itoa(min(c.Limit-len(tasks), maxPage)))
		var page struct {
			Items []json.RawMessage `json:"items"`
			Next  *string           `json:"next"`
		}
		if err := api.call(ctx, "GET", "/v1/tasks?"+query.Encode(), &page); err != nil {
			return err
		}
		tasks = append(tasks, page.Items...)
		if page.Next == nil {
			break
		}
		query.Set("cursor", *page.Next)
	}
	if c.Output == "json" {
		return printJSON(con.out, tasks)
	}
	return printTasks(con.out, tasks)
}

func printTasks(w io.Writer, tasks []json.RawMessage) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSTATUS\tENDPOINT\tRESOURCE\tCLIENT\tREF\tATTEMPTS\tACCEPTED\tLAST ERROR")
	for _, raw := range tasks {
		var t task
		if err := json.Unmarshal(raw, &t); err != nil {
			return err
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%d/%d\t%s\t%s\n", t.ID, t.Status, t.Endpoint, text(t.Resource), t.Client,
			printable(t.Ref, 24), t.AttemptCount, t.MaxAttempts, t.CreatedAt.Local().Format(time.DateTime), printable(text(t.LastError), 60))
	}
	return table.Flush()
}

type taskShowCmd struct {
	remote
	ID     int64  `arg:"" help:"Task id."`
	Output string `short:"o" enum:"text,json" default:"text" help:"Format: text or json."`
}

// Run shows a task.
func (c *taskShowCmd) Run(ctx context.Context, con *console) error {
	api, err := c.connect()
	if err != nil {
		return err
	}
	var raw json.RawMessage
	if err := api.call(ctx, "GET", fmt.Sprintf("/v1/tasks/%d", c.ID), &raw); err != nil {
		return err
	}
	if c.Output == "json" {
		return printJSON(con.out, raw)
	}
	var t task
	if err := json.Unmarshal(raw, &t); err != nil {
		return err
	}
	printTask(con.out, &t)
	return nil
}

func printTask(w io.Writer, t *task) {
	const at = "2006-01-02 15:04:05.000"
	fmt.Fprintf(w, "task %d is %s\n", t.ID, t.Status)
	fmt.Fprintf(w, "  endpoint  %s   client %s   ref %s   scope %s\n", t.Endpoint, t.Client, printable(t.Ref, 80), printable(t.Scope, 80))
	fmt.Fprintf(w, "  accepted  %s\n", t.CreatedAt.Local().Format(at))
	if t.FinishedAt != nil {
		fmt.Fprintf(w, "  finished  %s\n", t.FinishedAt.Local().Format(at))
	}
	if t.RunAt != nil {
		fmt.Fprintf(w, "  due       %s\n", t.RunAt.Local().Format(at))
	}
	fmt.Fprintf(w, "  attempts  %d of %d\n", t.AttemptCount, t.MaxAttempts)
	if t.LastError != nil {
		fmt.Fprintf(w, "  error     %s\n", printable(*t.LastError, 300))
	}
	fmt.Fprintf(w, "source  %s\n", safe(string(t.Source)))
	fmt.Fprintf(w, "target  %s\n", safe(string(t.Target)))
	for _, a := range t.Attempts {
		code := "-"
		if a.StatusCode != nil {
			code = strconv.Itoa(*a.StatusCode)
		}
		fmt.Fprintf(w, "%s  attempt %d  %s  %s  %s  %.1f ms  %s\n", a.StartedAt.Local().Format(at), a.Number, a.Resource, a.Outcome, code,
			a.DurationMS, printable(text(a.Detail), 300))
		if answer := printable(text(a.Response), 1000); answer != "" {
			fmt.Fprintf(w, "%*s  answer %s\n", len(at), "", answer)
		}
	}
	for _, l := range t.Log {
		fmt.Fprintf(w, "%s  %s\n", l.At.Local().Format(at), printable(l.Message, 300))
	}
}
