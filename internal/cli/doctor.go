package cli

import (
	"context"
	"fmt"

	"dispatchapy/internal/app"
)

type doctorCmd struct {
	local
	Output string `short:"o" enum:"text,json" default:"text" help:"Format: text or json."`
}

// Help is printed below the flags.
func (c *doctorCmd) Help() string {
	return "Looks at the data directory, disk, key, database, clock, search index, endpoints and waiting tasks, and connects to the resources in use. " +
		"It changes nothing and sends nothing. Exit code 1 if something is FAIL."
}

// Run examines the data directory and what depends on it.
func (c *doctorCmd) Run(ctx context.Context, con *console) error {
	findings := app.Examine(ctx, c.options())
	failed := 0
	for _, f := range findings {
		if f.Level == app.LevelFail {
			failed++
		}
	}
	if c.Output == "json" {
		if err := printJSON(con.out, findings); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			fmt.Fprintf(con.out, "%-4s  %-14s  %s\n", f.Level, f.Check, printable(f.Detail, 500))
		}
	}
	if failed > 0 {
		return fmt.Errorf("%s failed", count(failed, "check"))
	}
	return nil
}
