package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"text/tabwriter"
	"time"
)

type statsCmd struct {
	remote
	Since    string `help:"From the hour of this moment on: a duration like 24h, or an RFC 3339 time." default:"24h" placeholder:"WHEN"`
	Until    string `help:"Up to the hour of this moment: a duration, or an RFC 3339 time." placeholder:"WHEN"`
	Bucket   string `help:"One row per so many hours, like 1h or 24h." placeholder:"HOURS"`
	Group    string `help:"One row per endpoint, client, resource or scope." enum:",endpoint,client,resource,scope" default:"" placeholder:"WHAT"`
	Endpoint string `help:"Only this endpoint's." placeholder:"PATH"`
	Client   string `help:"Only this client's." placeholder:"NAME"`
	Resource string `help:"Only this resource's." placeholder:"NAME"`
	Scope    string `help:"Only this scope." placeholder:"SCOPE"`
	Now      bool   `help:"What is unfinished at this moment, per endpoint, instead."`
	Output   string `short:"o" enum:"table,json" default:"table" help:"Format: table or json."`
}

// Run prints what became of tasks and requests, or what is unfinished.
func (c *statsCmd) Run(ctx context.Context, con *console) error {
	api, err := c.connect()
	if err != nil {
		return err
	}
	if c.Now {
		return c.load(ctx, con, api)
	}
	filter := taskFilter{Endpoint: c.Endpoint, Client: c.Client, Resource: c.Resource, Scope: c.Scope, Since: c.Since, Until: c.Until}
	query, err := filter.query()
	if err != nil {
		return err
	}
	for key, value := range map[string]string{"bucket": c.Bucket, "group": c.Group} {
		if value != "" {
			query.Set(key, value)
		}
	}
	var raw json.RawMessage
	if err := api.call(ctx, "GET", "/v1/stats?"+query.Encode(), &raw); err != nil {
		return err
	}
	if c.Output == "json" {
		return printJSON(con.out, raw)
	}
	return c.table(con, raw)
}

type quantiles struct {
	P50 *float64 `json:"p50"`
	P95 *float64 `json:"p95"`
}

func (q quantiles) words() string {
	if q.P50 == nil || q.P95 == nil {
		return "-"
	}
	return fmt.Sprintf("%.0f / %.0f ms", *q.P50, *q.P95)
}

func (c *statsCmd) table(con *console, raw json.RawMessage) error {
	var answer struct {
		Items []struct {
			Start          time.Time `json:"start"`
			Name           string    `json:"name"`
			Delivered      int64     `json:"delivered"`
			Failed         int64     `json:"failed"`
			SuccessRate    *float64  `json:"success_rate"`
			Attempts       int64     `json:"attempts"`
			FailedAttempts int64     `json:"failed_attempts"`
			Delivery       quantiles `json:"delivery_ms"`
			Attempt        quantiles `json:"attempt_ms"`
		} `json:"items"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return err
	}
	table := tabwriter.NewWriter(con.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FROM\tNAME\tDELIVERED\tFAILED\tSUCCESS\tATTEMPTS\tFAILED\tDELIVERY P50/P95\tATTEMPT P50/P95")
	for _, r := range answer.Items {
		rate := "-"
		if r.SuccessRate != nil {
			rate = fmt.Sprintf("%.1f%%", 100**r.SuccessRate)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\t%d\t%d\t%s\t%s\n", r.Start.Local().Format("2006-01-02 15:04"), orDash(printable(r.Name, 40)),
			r.Delivered, r.Failed, rate, r.Attempts, r.FailedAttempts, r.Delivery.words(), r.Attempt.words())
	}
	return table.Flush()
}

// load prints what is unfinished.
func (c *statsCmd) load(ctx context.Context, con *console, api *apiClient) error {
	var raw struct {
		Waiting  int               `json:"waiting"`
		InFlight int               `json:"in_flight"`
		Held     int               `json:"held"`
		Lanes    []json.RawMessage `json:"lanes"`
	}
	if err := api.call(ctx, "GET", "/v1/stats/now", &raw); err != nil {
		return err
	}
	if c.Output == "json" {
		return printJSON(con.out, raw)
	}
	fmt.Fprintf(con.out, "%d waiting, %d of them being sent; %d held\n", raw.Waiting, raw.InFlight, raw.Held)
	if len(raw.Lanes) == 0 {
		return nil
	}
	return printTable(con, []string{"endpoint", "waiting", "in_flight", "held", "oldest"}, raw.Lanes)
}

type auditCmd struct {
	remote
	By     string `help:"Only what this person or program did." placeholder:"NAME"`
	Kind   string `help:"Only about this kind: settings, resource, endpoint, client, user, token or notification." enum:",settings,resource,endpoint,client,user,token,notification" default:"" placeholder:"KIND"`
	Object int64  `help:"Only about the object with this id." placeholder:"ID"`
	Since  string `help:"Only since then: a duration like 24h, or an RFC 3339 time." placeholder:"WHEN"`
	Until  string `help:"Only before then: a duration, or an RFC 3339 time." placeholder:"WHEN"`
	Limit  int    `short:"n" help:"How many at most." default:"50"`
	Output string `short:"o" enum:"table,json" default:"table" help:"Format: table, or json with both sides of every change."`
}

// Validate says what is wrong with the options, naming the flag.
func (c *auditCmd) Validate() error {
	if c.Limit < 1 || c.Limit > maxPage {
		return fmt.Errorf("--limit: must be from 1 to %d", maxPage)
	}
	return nil
}

// Run prints who did what, newest first.
func (c *auditCmd) Run(ctx context.Context, con *console) error {
	query := url.Values{"limit": {fmt.Sprint(c.Limit)}}
	for flag, when := range map[string]string{"since": c.Since, "until": c.Until} {
		at, err := moment("--"+flag, when)
		if err != nil {
			return err
		}
		if at != "" {
			query.Set(flag, at)
		}
	}
	for key, value := range map[string]string{"by": c.By, "kind": c.Kind} {
		if value != "" {
			query.Set(key, value)
		}
	}
	if c.Object != 0 {
		query.Set("object", fmt.Sprint(c.Object))
	}
	api, err := c.connect()
	if err != nil {
		return err
	}
	var page struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := api.call(ctx, "GET", "/v1/audit?"+query.Encode(), &page); err != nil {
		return err
	}
	if c.Output == "json" {
		return printJSON(con.out, page.Items)
	}
	return printTable(con, []string{"at", "by", "action", "kind", "name", "detail"}, page.Items)
}
