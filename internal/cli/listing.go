package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
)

// listing are the options of commands that list the latest of something.
type listing struct {
	remote
	Limit  int    `short:"n" help:"How many at most." default:"20"`
	Output string `short:"o" enum:"table,json" default:"table" help:"Format: table or json."`
}

// Validate says what is wrong with the options, naming the flag.
func (l *listing) Validate() error {
	if l.Limit < 1 || l.Limit > maxPage {
		return fmt.Errorf("--limit: must be from 1 to %d", maxPage)
	}
	return nil
}

// print lists what a path gives. Filters that are empty select everything; times
// are as in the flags --since and --until.
func (l *listing) print(ctx context.Context, con *console, path string, filters, times map[string]string, columns []string) error {
	query := url.Values{"limit": {strconv.Itoa(l.Limit)}}
	for key, value := range filters {
		if value != "" {
			query.Set(key, value)
		}
	}
	for key, when := range times {
		at, err := moment("--"+key, when)
		if err != nil {
			return err
		}
		if at != "" {
			query.Set(key, at)
		}
	}
	api, err := l.connect()
	if err != nil {
		return err
	}
	var page struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := api.call(ctx, "GET", path+"?"+query.Encode(), &page); err != nil {
		return err
	}
	if l.Output == "json" {
		return printJSON(con.out, page.Items)
	}
	return printTable(con, columns, page.Items)
}

// one names something by its id.
type one struct {
	remote
	ID     int64  `arg:"" help:"Its id."`
	Output string `short:"o" enum:"text,json" default:"text" help:"Format: text or json."`
}

// ask makes a request about it and reads the answer into out.
func (o *one) ask(ctx context.Context, method, path string, body, out any) (json.RawMessage, error) {
	api, err := o.connect()
	if err != nil {
		return nil, err
	}
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	answer, err := api.do(ctx, method, fmt.Sprintf(path, o.ID), "application/json", "application/json", text)
	if err != nil {
		return nil, err
	}
	return answer, json.Unmarshal(answer, out)
}
