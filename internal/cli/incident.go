package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"time"
)

type incidentCmd struct {
	List        incidentListCmd        `cmd:"" help:"List them, newest first."`
	Show        incidentShowCmd        `cmd:"" help:"Show one with all that happened."`
	Acknowledge incidentAcknowledgeCmd `cmd:"" help:"Take an open one on."`
	Note        incidentNoteCmd        `cmd:"" help:"Say something about one."`
}

type incidentListCmd struct {
	listing
	Kind     string `help:"Only of this kind, such as resource.down; several with commas." placeholder:"KIND"`
	Resource string `help:"Only about this resource." placeholder:"NAME"`
	Endpoint string `help:"Only about this endpoint." placeholder:"PATH"`
	Open     *bool  `negatable:"" help:"Only those that are open, or only those that are over."`
	Since    string `help:"Only those that were open since then: a duration like 24h, or an RFC 3339 time." placeholder:"WHEN"`
	Until    string `help:"Only those that began before then: a duration, or an RFC 3339 time." placeholder:"WHEN"`
}

// Run lists incidents.
func (c *incidentListCmd) Run(ctx context.Context, con *console) error {
	open := ""
	if c.Open != nil {
		open = strconv.FormatBool(*c.Open)
	}
	return c.print(ctx, con, "/v1/incidents", map[string]string{"kind": c.Kind, "resource": c.Resource, "endpoint": c.Endpoint, "open": open},
		map[string]string{"since": c.Since, "until": c.Until},
		[]string{"id", "kind", "resource", "endpoint", "opened_at", "closed_at", "acknowledged_by", "cause"})
}

// incident is one as the API words it.
type incident struct {
	ID             int64      `json:"id"`
	Kind           string     `json:"kind"`
	Resource       *string    `json:"resource"`
	Endpoint       *string    `json:"endpoint"`
	OpenedAt       time.Time  `json:"opened_at"`
	ClosedAt       *time.Time `json:"closed_at"`
	Took           int64      `json:"duration_ms"`
	Cause          string     `json:"cause"`
	AcknowledgedBy *string    `json:"acknowledged_by"`
	Timeline       []struct {
		Kind       string    `json:"kind"`
		At         time.Time `json:"at"`
		Count      int       `json:"count"`
		By         *string   `json:"by"`
		Detail     string    `json:"detail"`
		LastDetail string    `json:"last_detail"`
	} `json:"timeline"`
}

func (i *incident) print(w io.Writer) {
	state := "open for"
	if i.ClosedAt != nil {
		state = "over after"
	}
	took := (time.Duration(i.Took) * time.Millisecond).Round(time.Second)
	fmt.Fprintf(w, "incident %d: %s %s, %s %s\n%s\n", i.ID, i.Kind, safe(cmp.Or(text(i.Resource), text(i.Endpoint))), state, took, safe(i.Cause))
	if i.AcknowledgedBy != nil {
		fmt.Fprintf(w, "acknowledged by %s\n", safe(*i.AcknowledgedBy))
	}
	fmt.Fprintln(w)
	for _, e := range i.Timeline {
		fmt.Fprintf(w, "%s  %s", e.At.Local().Format(time.DateTime), e.Kind)
		if e.By != nil {
			fmt.Fprintf(w, " by %s", safe(*e.By))
		}
		if e.Count > 1 {
			fmt.Fprintf(w, ", %d times", e.Count)
		}
		if said := cmp.Or(e.Detail, e.LastDetail); said != "" {
			fmt.Fprintf(w, ": %s", safe(said))
		}
		fmt.Fprintln(w)
	}
}

// incident asks about an incident and shows it as it is then.
func (o *one) incident(ctx context.Context, con *console, method, path string, body any) error {
	var i incident
	answer, err := o.ask(ctx, method, path, body, &i)
	if err != nil {
		return err
	}
	if o.Output == "json" {
		return printJSON(con.out, answer)
	}
	i.print(con.out)
	return nil
}

type incidentShowCmd struct{ one }

// Run shows an incident.
func (c *incidentShowCmd) Run(ctx context.Context, con *console) error {
	return c.incident(ctx, con, "GET", "/v1/incidents/%d", nil)
}

type incidentAcknowledgeCmd struct {
	one
	Note string `help:"What others should know." placeholder:"TEXT"`
}

// Run acknowledges an incident.
func (c *incidentAcknowledgeCmd) Run(ctx context.Context, con *console) error {
	return c.incident(ctx, con, "POST", "/v1/incidents/%d/acknowledge", map[string]string{"note": c.Note})
}

type incidentNoteCmd struct {
	one
	Note string `arg:"" help:"What others should know."`
}

// Run adds a note to an incident.
func (c *incidentNoteCmd) Run(ctx context.Context, con *console) error {
	return c.incident(ctx, con, "POST", "/v1/incidents/%d/note", map[string]string{"note": c.Note})
}

type eventCmd struct {
	List eventListCmd `cmd:"" help:"List what people may want to hear of, newest first."`
}

type eventListCmd struct {
	listing
	Kind     string `help:"Only of this kind, such as resource.down; several with commas." placeholder:"KIND"`
	Resource string `help:"Only about this resource." placeholder:"NAME"`
	Endpoint string `help:"Only about this endpoint." placeholder:"PATH"`
	Since    string `help:"Only since then: a duration like 24h, or an RFC 3339 time." placeholder:"WHEN"`
	Until    string `help:"Only before then: a duration, or an RFC 3339 time." placeholder:"WHEN"`
}

// Run lists events.
func (c *eventListCmd) Run(ctx context.Context, con *console) error {
	return c.print(ctx, con, "/v1/events", map[string]string{"kind": c.Kind, "resource": c.Resource, "endpoint": c.Endpoint},
		map[string]string{"since": c.Since, "until": c.Until}, []string{"id", "at", "kind", "resource", "endpoint", "incident_id", "detail"})
}
