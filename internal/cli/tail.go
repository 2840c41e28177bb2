package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"time"
)

type tailCmd struct {
	remote
	Status   []string      `help:"Only tasks in these statuses." placeholder:"STATUS"`
	Endpoint []string      `help:"Only these endpoints." placeholder:"PATH"`
	Client   []string      `help:"Only these clients." placeholder:"NAME"`
	Query    string        `short:"q" help:"Only tasks with this text in payloads, names, ref or scope." placeholder:"TEXT"`
	Lines    int           `short:"n" help:"How many of the tasks that are there already to begin with." default:"10"`
	Interval time.Duration `help:"How often to look." default:"1s"`
	Output   string        `short:"o" enum:"text,json" default:"text" help:"Format: text, or json with one task per line."`
}

// Validate says what is wrong with the options, naming the flag.
func (c *tailCmd) Validate() error {
	if c.Lines < 0 || c.Lines > maxPage {
		return fmt.Errorf("--lines: must be from 0 to %d", maxPage)
	}
	if c.Interval < 100*time.Millisecond {
		return fmt.Errorf("--interval: must be at least 100ms")
	}
	return nil
}

// Help is printed below the flags.
func (c *tailCmd) Help() string {
	return fmt.Sprintf("A task is printed when it appears and whenever its status changes, as long as it is among the newest %d. Ctrl-C ends it.", tailWindow)
}

const (
	// tailWindow is how many of the newest tasks are watched.
	tailWindow = 5 * maxPage
	// tailPatience is how long a gateway may be away before tail gives up.
	tailPatience = 30 * time.Second
)

// Run prints tasks as they come and change, until a signal ends it.
//
// Failure policy: a gateway that was there once may be away for a while, as
// when it is restarted with a new version; it is asked again.
func (c *tailCmd) Run(ctx context.Context, con *console) error {
	watch := &taskWatch{seen: map[int64]string{}, first: c.Lines}
	reached := time.Time{}
	tick := time.NewTicker(c.Interval)
	defer tick.Stop()
	for {
		tasks, err := c.look(ctx, watch)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			reached = time.Now()
		case time.Since(reached) > tailPatience:
			return err
		}
		if err := c.print(con.out, watch.news(tasks)); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// look gives the newest tasks, newest first: one page, and more as long as
// there may be unseen ones.
func (c *tailCmd) look(ctx context.Context, watch *taskWatch) ([]tailedTask, error) {
	api, err := c.connect() // anew, because a restarted gateway has another token
	if err != nil {
		return nil, err
	}
	query := url.Values{"limit": {strconv.Itoa(maxPage)}}
	for key, values := range map[string][]string{"status": c.Status, "endpoint": c.Endpoint, "client": c.Client} {
		if len(values) > 0 {
			query[key] = values
		}
	}
	if c.Query != "" {
		query.Set("q", c.Query)
	}
	tasks := []tailedTask{} // nil would mean that nothing was learnt
	for {
		var page struct {
			Items []tailedTask `json:"items"`
			Next  *string      `json:"next"`
		}
		if err := api.call(ctx, "GET", "/v1/tasks?"+query.Encode(), &page); err != nil {
			return nil, err
		}
		tasks = append(tasks, page.Items...)
		if page.Next == nil || len(tasks) >= tailWindow || watch.reaches(tasks) {
			return tasks, nil
		}
		query.Set("cursor", *page.Next)
	}
}

func (c *tailCmd) print(w io.Writer, tasks []tailedTask) error {
	for i := range tasks {
		t := &tasks[i]
		if c.Output == "json" {
			line, err := json.Marshal(t.raw)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, "%s\n", line); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintf(w, "%s  %6d  %-10s  %s  %s  %s  %d/%d  %s\n", t.changed().Local().Format("15:04:05.000"), t.ID, t.Status, t.Endpoint,
			orDash(text(t.Resource)), orDash(printable(t.Ref, 24)), t.AttemptCount, t.MaxAttempts, printable(text(t.LastError), 80)); err != nil {
			return err
		}
	}
	return nil
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// tailedTask is a task with the text that it came in.
type tailedTask struct {
	task
	raw json.RawMessage
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *tailedTask) UnmarshalJSON(data []byte) error {
	t.raw = slices.Clone(data)
	return json.Unmarshal(data, &t.task)
}

// changed is when the task came into its status, as far as a list tells it.
func (t *tailedTask) changed() time.Time {
	if t.FinishedAt != nil {
		return *t.FinishedAt
	}
	return t.CreatedAt
}

// taskWatch knows which tasks were printed, and how.
type taskWatch struct {
	first int              // tasks to print at the first look
	begun bool             // there was a first look
	floor int64            // tasks below are no longer watched
	seen  map[int64]string // status by id, at the last look
}

// reaches reports whether the tasks, newest first, go down to what was there
// at the last look.
func (w *taskWatch) reaches(tasks []tailedTask) bool {
	if !w.begun || len(tasks) == 0 {
		return len(tasks) > 0
	}
	last := tasks[len(tasks)-1].ID
	_, known := w.seen[last]
	return known || last < w.floor
}

// news gives what is new among the newest tasks, oldest first. A task below
// all those of the last look is not: it has come up because others went away.
func (w *taskWatch) news(tasks []tailedTask) []tailedTask {
	if tasks == nil {
		return nil // nothing was learnt
	}
	var news []tailedTask
	seen := make(map[int64]string, len(tasks))
	for i := range tasks {
		t := &tasks[i]
		if t.ID < w.floor {
			continue
		}
		seen[t.ID] = t.Status
		if w.begun && w.seen[t.ID] != t.Status || !w.begun && i < w.first {
			news = append(news, *t)
		}
	}
	if !w.begun && len(tasks) > 0 {
		w.floor = tasks[len(tasks)-1].ID
	}
	w.begun, w.seen = true, seen
	slices.Reverse(news)
	return news
}
