package cli

import (
	"context"
	"encoding/json"
	"fmt"
)

const sessionsPath = "/v1/sessions"

type sessionCmd struct {
	List sessionListCmd `cmd:"" help:"List who is signed in, those seen last first."`
	End  sessionEndCmd  `cmd:"" help:"End sessions: whoever has one must sign in again."`
}

type sessionListCmd struct {
	remote
	Output string `short:"o" enum:"table,json" default:"table" help:"Format: table or json."`
}

// Run lists sessions.
func (c *sessionListCmd) Run(ctx context.Context, con *console) error {
	api, err := c.connect()
	if err != nil {
		return err
	}
	var page struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := api.call(ctx, "GET", sessionsPath, &page); err != nil {
		return err
	}
	if c.Output == "json" {
		return printJSON(con.out, page.Items)
	}
	return printTable(con, []string{"id", "name", "role", "address", "seen_at", "expires_at", "agent"}, page.Items)
}

type sessionEndCmd struct {
	remote
	IDs []int64 `arg:"" name:"id" help:"Session ids, as in the list."`
}

// Run ends sessions. One that cannot be ended does not keep the others.
func (c *sessionEndCmd) Run(ctx context.Context, con *console) error {
	api, err := c.connect()
	if err != nil {
		return err
	}
	left := 0
	for _, id := range c.IDs {
		if err := api.call(ctx, "DELETE", fmt.Sprintf("%s/%d", sessionsPath, id), nil); err != nil {
			left++
			fmt.Fprintln(con.err, safe(err.Error()))
			continue
		}
		fmt.Fprintf(con.out, "session %d ended\n", id)
	}
	if left > 0 {
		return fmt.Errorf("%d of %d could not be ended", left, len(c.IDs))
	}
	return nil
}
