package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/app"
)

type sendCmd struct {
	Endpoint       string        `arg:"" help:"Path of the endpoint."`
	Data           string        `short:"d" help:"JSON object to send; - or absent: read from standard input." placeholder:"JSON"`
	Server         string        `help:"URL of the gateway; absent: the one that runs here with this data directory." env:"DISPATCHAPY_SERVER" placeholder:"URL"`
	DataDir        string        `help:"Data directory of the gateway on this machine." default:"./data" env:"DISPATCHAPY_DATA_DIR" type:"path"`
	ClientToken    string        `required:"" help:"Token of a client linked to the endpoint." env:"DISPATCHAPY_CLIENT_TOKEN" placeholder:"TOKEN"`
	IdempotencyKey string        `help:"A repeat with the same key within 24 h is not sent again." placeholder:"KEY"`
	Wait           time.Duration `help:"Wait this long for the task to finish, and fail if it is not delivered." placeholder:"DURATION"`
}

// Run sends a message and prints the task's id.
func (c *sendCmd) Run(ctx context.Context, con *console) error {
	body := []byte(c.Data)
	if c.Data == "" || c.Data == "-" {
		var err error
		if body, err = io.ReadAll(io.LimitReader(con.in, dispatchapy.MaxMaxBody+1)); err != nil {
			return err
		}
	}
	if c.Server == "" {
		control, err := app.ReadControl(c.DataDir)
		if err != nil {
			return fmt.Errorf("%w with the data directory %s: give --server", errNotRunning, c.DataDir)
		}
		c.Server = control.URL
	}
	var err error
	if c.Server, err = serverURL(c.Server); err != nil {
		return err
	}
	id, status, err := c.post(ctx, body)
	if err != nil {
		return err
	}
	fmt.Fprintf(con.out, "task %d %s\n", id, status)
	if c.Wait == 0 {
		return nil
	}
	return c.follow(ctx, con, id)
}

func (c *sendCmd) post(ctx context.Context, body []byte) (id int64, status string, err error) {
	path := (&url.URL{Path: "/api/" + strings.TrimLeft(c.Endpoint, "/")}).EscapedPath()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Server+path, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-API-Token", c.ClientToken)
	if c.IdempotencyKey != "" {
		req.Header.Set("Idempotency-Key", c.IdempotencyKey)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return 0, "", err
	}
	var answer struct {
		Status string `json:"status"`
		TaskID int64  `json:"task_id"`
		Detail string `json:"detail"`
	}
	if err := json.Unmarshal(data, &answer); err != nil || res.StatusCode != http.StatusOK {
		if answer.Detail == "" {
			answer.Detail = excerpt(data)
		}
		return 0, "", fmt.Errorf("%s: %s", res.Status, answer.Detail)
	}
	return answer.TaskID, answer.Status, nil
}

// followStep is how often the task is looked at while waiting for it.
const followStep = 100 * time.Millisecond

// follow waits until the task is finished. A client may read its own tasks.
func (c *sendCmd) follow(ctx context.Context, con *console, id int64) error {
	ctx, cancel := context.WithTimeout(ctx, c.Wait)
	defer cancel()
	api := &apiClient{base: c.Server, token: c.ClientToken}
	tick := time.NewTicker(followStep)
	defer tick.Stop()
	var t task
	for {
		if err := api.call(ctx, "GET", fmt.Sprintf("/v1/tasks/%d", id), &t); err != nil && ctx.Err() == nil {
			return err
		}
		if dispatchapy.Status(t.Status).Finished() {
			printTask(con.out, &t)
			if t.Status != string(dispatchapy.StatusSuccess) {
				return fmt.Errorf("task %d was not delivered", id)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("task %d is %s after %s", id, t.Status, c.Wait)
		case <-tick.C:
		}
	}
}
