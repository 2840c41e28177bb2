package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"dispatchapy"
)

// messageFlags say which message is tried out.
type messageFlags struct {
	Data   string `short:"d" xor:"message" help:"JSON object; - or absent: read from standard input." placeholder:"JSON"`
	File   string `short:"f" xor:"message" help:"File with the JSON object." placeholder:"FILE"`
	Client string `help:"Name of the client who sends it; absent: nobody's rules and switches apply." placeholder:"NAME"`
	Output string `short:"o" enum:"text,json" default:"text" help:"Format: text or json."`
}

func (m *messageFlags) read(in io.Reader) (json.RawMessage, error) {
	data := []byte(m.Data)
	if m.Data == "" || m.Data == "-" {
		file := m.File
		if file == "" {
			file = "-"
		}
		var err error
		if data, err = readFile(file, in); err != nil {
			return nil, err
		}
	}
	if !json.Valid(data) {
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "the message is not valid JSON")
	}
	return data, nil
}

// try asks the gateway about a message, in the shape that out has or as it is.
func (f *found) try(ctx context.Context, path string, request, out any) (json.RawMessage, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	answer, err := f.api.do(ctx, "POST", f.path+path, "application/json", "application/json", body)
	if err != nil {
		return nil, err
	}
	return answer, json.Unmarshal(answer, out)
}

// shownRequest is a request to a resource as the API words it.
type shownRequest struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

type override struct {
	Text string `json:"text"`
}

type resourceTestCmd struct {
	named[resourceKind]
	messageFlags
	Endpoint string `help:"The message comes in at this endpoint and is shaped as usual. Absent: it is sent as it is." placeholder:"PATH"`
}

// trial is a test request and how it ended.
type trial struct {
	Overrides []override   `json:"overrides"`
	Request   shownRequest `json:"request"`
	Response  *struct {
		StatusCode int               `json:"status_code"`
		Headers    map[string]string `json:"headers"`
		Body       string            `json:"body"`
	} `json:"response"`
	Outcome string  `json:"outcome"`
	Detail  string  `json:"detail"`
	Took    float64 `json:"duration_ms"`
}

// Run sends a test request.
func (c *resourceTestCmd) Run(ctx context.Context, con *console) error {
	message, err := c.read(con.in)
	if err != nil {
		return err
	}
	f, err := c.find(ctx)
	if err != nil {
		return err
	}
	request := map[string]any{"payload": message}
	if c.Endpoint != "" {
		request = map[string]any{"source": message, "endpoint": dispatchapy.CleanPath(c.Endpoint)}
	}
	if c.Client != "" {
		request["client"] = c.Client
	}
	var t trial
	answer, err := f.try(ctx, "/test", request, &t)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		err = printJSON(con.out, answer)
	} else {
		t.print(con.out)
	}
	if err == nil && t.Outcome != string(dispatchapy.OutcomeDelivered) {
		err = fmt.Errorf("the resource did not accept the request")
	}
	return err
}

func (t *trial) print(w io.Writer) {
	printOverrides(w, t.Overrides)
	t.Request.print(w, "")
	fmt.Fprintf(w, "\n%s after %.1f ms: %s\n", t.Outcome, t.Took, safe(t.Detail))
	if t.Response != nil {
		fmt.Fprintf(w, "HTTP %d\n", t.Response.StatusCode)
		printMessage(w, "", t.Response.Headers, t.Response.Body)
	}
}

func printOverrides(w io.Writer, overrides []override) {
	for _, o := range overrides {
		fmt.Fprintf(w, "override: %s\n", safe(o.Text))
	}
}

func (r *shownRequest) print(w io.Writer, indent string) {
	fmt.Fprintf(w, "%s%s %s\n", indent, safe(r.Method), safe(r.URL))
	printMessage(w, indent, r.Headers, r.Body)
}

// printMessage prints headers and body line by line, as no stranger's control
// characters may come to the terminal.
func printMessage(w io.Writer, indent string, headers map[string]string, body string) {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		fmt.Fprintf(w, "%s%s: %s\n", indent, safe(name), safe(headers[name]))
	}
	if body == "" {
		return
	}
	fmt.Fprintln(w)
	for line := range strings.SplitSeq(strings.TrimRight(body, "\n"), "\n") {
		fmt.Fprintf(w, "%s%s\n", indent, safe(line))
	}
}

type endpointPreviewCmd struct {
	named[endpointKind]
	messageFlags
}

// preview is what would become of a message.
type preview struct {
	Intake struct {
		Status int    `json:"status"`
		Result string `json:"result"`
		Detail string `json:"detail"`
	} `json:"intake"`
	Hold      *string           `json:"hold"`
	Overrides []override        `json:"overrides"`
	Resource  *string           `json:"resource"`
	Resources []previewResource `json:"resources"`
}

type previewResource struct {
	Resource string                   `json:"resource"`
	Reason   *string                  `json:"reason"`
	RetryIn  *float64                 `json:"retry_in_ms"`
	Refusal  *string                  `json:"refusal"`
	Fields   []dispatchapy.FieldError `json:"fields"`
	Request  *shownRequest            `json:"request"`
}

// Run shows what would become of a message.
func (c *endpointPreviewCmd) Run(ctx context.Context, con *console) error {
	message, err := c.read(con.in)
	if err != nil {
		return err
	}
	f, err := c.find(ctx)
	if err != nil {
		return err
	}
	request := map[string]any{"payload": message}
	if c.Client != "" {
		request["client"] = c.Client
	}
	var p preview
	answer, err := f.try(ctx, "/preview", request, &p)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		err = printJSON(con.out, answer)
	} else {
		p.print(con.out)
	}
	if err == nil && p.Intake.Result == "refused" {
		err = fmt.Errorf("the message would be refused")
	}
	return err
}

func (p *preview) print(w io.Writer) {
	fmt.Fprintf(w, "intake: %d %s", p.Intake.Status, p.Intake.Result)
	for _, why := range []string{p.Intake.Detail, text(p.Hold)} {
		if why != "" {
			fmt.Fprintf(w, ": %s", safe(why))
		}
	}
	fmt.Fprintln(w)
	printOverrides(w, p.Overrides)
	for i := range p.Resources {
		r := &p.Resources[i]
		fmt.Fprintf(w, "\nresource %s: %s\n", safe(r.Resource), safe(r.verdict(p.Resource)))
		for _, field := range r.Fields {
			fmt.Fprintf(w, "  %s: %s\n", safe(field.Path), safe(field.Message))
		}
		if r.Request != nil {
			r.Request.print(w, "  ")
		}
	}
}

// verdict says what would become of the message at the resource.
func (r *previewResource) verdict(chosen *string) string {
	switch {
	case r.Refusal != nil:
		return "the message does not fit: " + *r.Refusal
	case r.Reason != nil && r.RetryIn != nil:
		return fmt.Sprintf("cannot be used now: %s, for %.0f ms at least", *r.Reason, *r.RetryIn)
	case r.Reason != nil:
		return "cannot be used now: " + *r.Reason
	case chosen == nil:
		return "could be used now"
	case *chosen == r.Resource:
		return "would get the message"
	}
	return "would be tried next"
}
