package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
)

type notificationCmd struct {
	List  notificationListCmd  `cmd:"" help:"List what people were told, or are to be, newest first."`
	Show  notificationShowCmd  `cmd:"" help:"Show one with what it tells of."`
	Retry notificationRetryCmd `cmd:"" help:"Send one at once that waits, has failed or was dropped."`
}

type notificationListCmd struct {
	listing
	Status   string `help:"Only with this status: pending, processing, sent, failed, dropped; several with commas." placeholder:"STATUS"`
	Channel  string `help:"Only through this channel." placeholder:"NAME"`
	Resource string `help:"Only the own notices of this resource." placeholder:"NAME"`
	Incident int64  `help:"Only about this incident." placeholder:"ID"`
}

// Run lists notifications.
func (c *notificationListCmd) Run(ctx context.Context, con *console) error {
	incident := ""
	if c.Incident != 0 {
		incident = strconv.FormatInt(c.Incident, 10)
	}
	return c.print(ctx, con, "/v1/notifications", map[string]string{"status": c.Status, "channel": c.Channel, "resource": c.Resource, "incident": incident}, nil,
		[]string{"id", "created_at", "channel", "resource", "via", "status", "kind", "events", "attempts", "last_error"})
}

// notification is one as the API words it.
type notification struct {
	ID        int64      `json:"id"`
	Channel   *string    `json:"channel"`
	Resource  *string    `json:"resource"`
	Via       string     `json:"via"`
	Status    string     `json:"status"`
	Title     string     `json:"title"`
	Attempts  int        `json:"attempts"`
	LastError *string    `json:"last_error"`
	RunAt     *time.Time `json:"run_at"`
	Told      []struct {
		Kind   string    `json:"kind"`
		At     time.Time `json:"at"`
		Detail string    `json:"detail"`
	} `json:"told"`
}

func (n *notification) print(w io.Writer) {
	whose := "channel " + text(n.Channel)
	if n.Channel == nil {
		whose = "resource " + text(n.Resource)
	}
	fmt.Fprintf(w, "notification %d by %s of %s: %s", n.ID, n.Via, safe(whose), n.Status)
	if n.Attempts > 0 {
		fmt.Fprintf(w, " after %s", count(n.Attempts, "attempt"))
	}
	if n.RunAt != nil {
		fmt.Fprintf(w, ", due at %s", n.RunAt.Local().Format(time.DateTime))
	}
	fmt.Fprintln(w)
	for _, line := range []string{n.Title, text(n.LastError)} {
		if line != "" {
			fmt.Fprintln(w, safe(line))
		}
	}
	fmt.Fprintln(w)
	for _, e := range n.Told {
		fmt.Fprintf(w, "%s  %s: %s\n", e.At.Local().Format(time.DateTime), e.Kind, safe(e.Detail))
	}
}

func (o *one) notification(ctx context.Context, con *console, method, path string) error {
	var n notification
	answer, err := o.ask(ctx, method, path, nil, &n)
	if err != nil {
		return err
	}
	if o.Output == "json" {
		return printJSON(con.out, answer)
	}
	n.print(con.out)
	return nil
}

type notificationShowCmd struct{ one }

// Run shows a notification.
func (c *notificationShowCmd) Run(ctx context.Context, con *console) error {
	return c.notification(ctx, con, "GET", "/v1/notifications/%d")
}

type notificationRetryCmd struct{ one }

// Run sends a notification again.
func (c *notificationRetryCmd) Run(ctx context.Context, con *console) error {
	return c.notification(ctx, con, "POST", "/v1/notifications/%d/retry")
}

type alertCmd struct {
	Test      alertTestCmd      `cmd:"" help:"Send a test message through a channel, saved or not; exit code 1 if nobody takes it."`
	Templates alertTemplatesCmd `cmd:"" help:"Channels for well-known services, to be filled in."`
}

type alertTestCmd struct {
	remote
	Channel  string `arg:"" optional:"" help:"Name of a saved channel."`
	File     string `short:"f" placeholder:"FILE" help:"A channel that need not be saved, as in the settings, YAML or JSON; - for standard input."`
	Resource string `placeholder:"NAME" help:"The channel of the file is this resource's own notice."`
	Output   string `short:"o" enum:"text,json" default:"text" help:"Format: text or json."`
}

// Validate says what is wrong with the options.
func (c *alertTestCmd) Validate() error {
	if (c.Channel == "") == (c.File == "") {
		return fmt.Errorf("give the name of a channel, or a file with --file")
	}
	return nil
}

// Run sends a test message and says what became of it.
func (c *alertTestCmd) Run(ctx context.Context, con *console) error {
	f, err := c.settings(ctx)
	if err != nil {
		return err
	}
	channel, err := c.channel(f.raw, con.in)
	if err != nil {
		return err
	}
	request := map[string]any{"channel": channel}
	if c.Resource != "" {
		request["resource"] = c.Resource
	}
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	answer, err := f.api.do(ctx, "POST", "/v1/alerts/test", "application/json", "application/json", body)
	if err != nil {
		return err
	}
	var result struct {
		OK     bool    `json:"ok"`
		To     string  `json:"to"`
		Title  string  `json:"title"`
		Detail string  `json:"detail"`
		Took   float64 `json:"duration_ms"`
	}
	if err := json.Unmarshal(answer, &result); err != nil {
		return err
	}
	if c.Output == "json" {
		err = printJSON(con.out, json.RawMessage(answer))
	} else {
		fmt.Fprintf(con.out, "%s: %s\n%s after %.1f ms\n", safe(cmp.Or(result.To, "nobody")), safe(result.Title), safe(result.Detail), result.Took)
	}
	if err == nil && !result.OK {
		err = fmt.Errorf("nobody took the message")
	}
	return err
}

// channel gives what is to be tried: from the file, or of the settings, whose
// masked secrets stand for the saved ones.
func (c *alertTestCmd) channel(settings json.RawMessage, in io.Reader) (json.RawMessage, error) {
	if c.File != "" {
		return readObject(c.File, in)
	}
	var saved struct {
		Alerts struct {
			Channels []json.RawMessage `json:"channels"`
		} `json:"alerts"`
	}
	if err := json.Unmarshal(settings, &saved); err != nil {
		return nil, err
	}
	for _, channel := range saved.Alerts.Channels {
		var named struct {
			Name string `json:"name"`
		}
		if err := json.Unmarshal(channel, &named); err != nil {
			return nil, err
		}
		if named.Name == c.Channel {
			return channel, nil
		}
	}
	return nil, dispatchapy.Errorf(dispatchapy.CodeNotFound, "there is no channel %q: settings show lists them under alerts", c.Channel)
}

type alertTemplatesCmd struct {
	remote
	Service string `arg:"" optional:"" help:"Only the one for this service, to be filled in: it may then be given to alert test --file."`
	Output  string `short:"o" enum:"yaml,json" default:"yaml" help:"Format of a channel: yaml or json."`
}

// Run prints templates of channels.
func (c *alertTemplatesCmd) Run(ctx context.Context, con *console) error {
	api, err := c.connect()
	if err != nil {
		return err
	}
	var answer struct {
		Items []struct {
			Name    string          `json:"name"`
			Note    string          `json:"note"`
			Channel json.RawMessage `json:"channel"`
		} `json:"items"`
	}
	if err := api.call(ctx, "GET", "/v1/alerts/templates", &answer); err != nil {
		return err
	}
	var names []string
	for _, t := range answer.Items {
		names = append(names, t.Name)
		if !strings.EqualFold(t.Name, c.Service) {
			continue
		}
		if c.Output == "json" {
			return printJSON(con.out, t.Channel)
		}
		channel, err := gatewayfile.ToYAML(t.Channel)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(con.out, "# %s\n%s", safe(t.Note), channel)
		return err
	}
	if c.Service != "" {
		return dispatchapy.Errorf(dispatchapy.CodeNotFound, "there is no template for %q: there are %s", c.Service, strings.Join(names, ", "))
	}
	for _, t := range answer.Items {
		fmt.Fprintf(con.out, "%s: %s\n", safe(t.Name), safe(t.Note))
	}
	return nil
}
