package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"dispatchapy"
)

type maintenanceCmd struct {
	List  maintenanceListCmd  `cmd:"" help:"List planned work, by resource."`
	Begin maintenanceBeginCmd `cmd:"" help:"Plan work at a resource, from now or from later on."`
	End   maintenanceEndCmd   `cmd:"" help:"End the work at a resource that is going on."`
}

// windowed is a resource with its planned work.
type windowed struct {
	Name        string                    `json:"name"`
	Maintenance []dispatchapy.Maintenance `json:"maintenance"`
}

type maintenanceListCmd struct {
	remote
	Output string `short:"o" enum:"table,json" default:"table" help:"Format: table or json."`
}

// Run lists planned work, but for what is over.
func (c *maintenanceListCmd) Run(ctx context.Context, con *console) error {
	api, err := c.connect()
	if err != nil {
		return err
	}
	now, found := time.Now(), []windowed{}
	err = eachItem(ctx, api, "/v1/resources", url.Values{}, func(raw json.RawMessage) error {
		var r windowed
		if err := json.Unmarshal(raw, &r); err != nil {
			return err
		}
		r.Maintenance = stillPlanned(r.Maintenance, now)
		if len(r.Maintenance) > 0 {
			found = append(found, r)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if c.Output == "json" {
		return printJSON(con.out, found)
	}
	table := tabwriter.NewWriter(con.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RESOURCE\tNOW\tWHEN\tNOTE")
	for _, r := range found {
		for _, m := range r.Maintenance {
			_, in, _ := dispatchapy.MaintenanceAt([]dispatchapy.Maintenance{m}, now)
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", printable(r.Name, 60), cell(in, nil), windowWords(&m), orDash(printable(m.Note, 60)))
		}
	}
	return table.Flush()
}

// stillPlanned leaves out what is over.
func stillPlanned(windows []dispatchapy.Maintenance, now time.Time) (left []dispatchapy.Maintenance) {
	for _, m := range windows {
		if m.Weekly != nil || m.Until.After(now) {
			left = append(left, m)
		}
	}
	return left
}

// windowWords says when a window is: one of its own in the time of this machine,
// one of every week in its own.
func windowWords(m *dispatchapy.Maintenance) string {
	if m.Weekly == nil {
		return m.From.Local().Format(time.DateTime) + " to " + m.Until.Local().Format(time.DateTime)
	}
	days := make([]string, len(m.Weekly.Days))
	for i, day := range m.Weekly.Days {
		days[i] = string(day)
	}
	return fmt.Sprintf("%s at %s for %s (%s)", strings.Join(days, ", "), m.Weekly.At, m.Weekly.For, m.Weekly.Timezone)
}

type maintenanceBeginCmd struct {
	named[resourceKind]
	For  time.Duration `required:"" help:"How long it takes, such as 2h." placeholder:"TIME"`
	From string        `help:"When it begins, an RFC 3339 time. Absent: now." placeholder:"WHEN"`
	Note string        `help:"What is done." placeholder:"TEXT"`
}

// Run adds a window.
func (c *maintenanceBeginCmd) Run(ctx context.Context, con *console) error {
	from := time.Now().UTC().Truncate(time.Second)
	if c.From != "" {
		var err error
		if from, err = time.Parse(time.RFC3339, c.From); err != nil {
			return dispatchapy.Errorf(dispatchapy.CodeInvalid, "--from: %q is not a time like 2026-11-28T22:00:00Z", c.From)
		}
	}
	f, windows, err := c.windows(ctx)
	if err != nil {
		return err
	}
	added := dispatchapy.Maintenance{From: from, Until: from.Add(c.For), Note: c.Note}
	return f.plan(ctx, con, append(stillPlanned(windows, time.Now()), added))
}

type maintenanceEndCmd struct{ named[resourceKind] }

// Run ends the windows that are going on now: the time until then stays planned
// work. Those of every week are not touched.
func (c *maintenanceEndCmd) Run(ctx context.Context, con *console) error {
	f, windows, err := c.windows(ctx)
	if err != nil {
		return err
	}
	now, ended := time.Now(), false
	left := []dispatchapy.Maintenance{}
	for _, m := range stillPlanned(windows, now) {
		_, in, _ := dispatchapy.MaintenanceAt([]dispatchapy.Maintenance{m}, now)
		if in && m.Weekly != nil {
			return dispatchapy.Errorf(dispatchapy.CodeConflict, "what goes on is planned for every week: change it with resource edit %s", c.Name)
		}
		if in {
			ended, m.Until = true, now.UTC().Truncate(time.Second)
		}
		if m.Weekly != nil || m.Until.After(m.From) {
			left = append(left, m)
		}
	}
	if !ended {
		return dispatchapy.Errorf(dispatchapy.CodeConflict, "the resource %s is not in maintenance", c.Name)
	}
	return f.plan(ctx, con, left)
}

// windows gets a resource with its windows.
func (n *named[K]) windows(ctx context.Context) (*found, []dispatchapy.Maintenance, error) {
	f, err := n.find(ctx)
	if err != nil {
		return nil, nil, err
	}
	var r windowed
	err = json.Unmarshal(f.raw, &r)
	return f, r.Maintenance, err
}

// plan gives a resource its windows.
func (f *found) plan(ctx context.Context, con *console, windows []dispatchapy.Maintenance) error {
	body, err := json.Marshal(map[string]any{"maintenance": windows})
	if err != nil {
		return err
	}
	merging := editing{Merge: true}
	return merging.write(ctx, con, resourceKind{}.kind(), f, body)
}
