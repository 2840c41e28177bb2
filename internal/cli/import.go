package cli

import (
	"context"
	"fmt"
	"io"

	"dispatchapy"
	"dispatchapy/internal/app"
)

type importCmd struct {
	local
	From   string `required:"" enum:"original" placeholder:"original" help:"What the file is from: original, for the database of Dispatchapy 1.2.1."`
	File   string `arg:"" help:"The file: the original's SQLite database." type:"path"`
	DryRun bool   `help:"Say what would be imported and mended, and change nothing."`
	Merge  bool   `help:"Import into a gateway that has something already. What it has stays as it is."`
	Output string `short:"o" enum:"text,json" default:"text" help:"Format: text or json."`
}

// Help is printed below the flags.
func (c *importCmd) Help() string {
	return "Stop the original first, and this gateway too: tasks that wait there are sent as soon as this gateway starts, and would be sent by both.\n" +
		"Resources, endpoints, rules, clients with the same tokens, settings, tasks and their history are brought over, all or nothing. Tasks get new numbers; the old one is in their log."
}

// Run imports the original's database.
func (c *importCmd) Run(ctx context.Context, con *console) error {
	done, err := app.ImportOriginal(ctx, c.options(), c.File, app.ImportOptions{DryRun: c.DryRun, Merge: c.Merge})
	if err != nil {
		return err
	}
	if c.Output == "json" {
		return printJSON(con.out, done)
	}
	printImported(con.out, &done, c.DryRun)
	return nil
}

func printImported(w io.Writer, done *app.Imported, dryRun bool) {
	verb := "imported"
	if dryRun {
		verb = "would import"
	}
	fmt.Fprintf(w, "%s: %s, %s, %s\n", verb, count(done.Resources, "resource"), count(done.Endpoints, "endpoint"), count(done.Clients, "client"))
	fmt.Fprintf(w, "%s: %s (%s), %s, %s\n", verb, count(done.Total(), "task"), orDash(done.Statuses()), count(done.Attempts, "attempt"), count(done.Checks, "health check"))
	for _, list := range []struct {
		title string
		lines []string
	}{
		{"mended:", done.Mended},
		{"deleted in the original, known by name only:", done.Deleted},
		{"the gateway had these already; they stay as they are:", done.Kept},
	} {
		if len(list.lines) > 0 {
			fmt.Fprintln(w, list.title)
		}
		for _, line := range list.lines {
			fmt.Fprintf(w, "  %s\n", safe(line))
		}
	}
	if done.Aside != "" {
		fmt.Fprintf(w, "the old database is now %s\n", done.Aside)
	}
	if n := done.Tasks[dispatchapy.StatusPending]; n > 0 {
		fmt.Fprintf(w, "%s sent as soon as this gateway starts: the original must not run any more\n", count(n, "waiting task")+map[bool]string{true: " will be", false: " are"}[dryRun])
	}
}
