package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
)

// kind is a kind of configuration object, as the API words it.
type kind struct {
	path    string   // of its list
	word    string   // for messages
	key     string   // of its name
	columns []string // of a table, by JSON path
}

// kinder is implemented by a type for each kind, so that one set of commands
// serves all of them.
type kinder interface{ kind() kind }

type (
	resourceKind struct{}
	endpointKind struct{}
	clientKind   struct{}
)

func (resourceKind) kind() kind {
	return kind{"/v1/resources", "resource", "name", []string{"id", "name", "active", "health.state", "url"}}
}

func (endpointKind) kind() kind {
	return kind{"/v1/endpoints", "endpoint", "path", []string{"id", "path", "active", "readiness", "resources", "clients"}}
}

func (clientKind) kind() kind {
	return kind{"/v1/clients", "client", "name", []string{"id", "name", "endpoints", "last_use", "description"}}
}

// objectCmd are the commands that every kind has.
type objectCmd[K kinder] struct {
	List      objectListCmd[K]      `cmd:"" help:"List them, by name."`
	Show      objectShowCmd[K]      `cmd:"" help:"Show one as it may be edited, secrets masked."`
	Create    objectCreateCmd[K]    `cmd:"" help:"Create one from a file or standard input."`
	Edit      objectEditCmd[K]      `cmd:"" help:"Change one: from a file, from standard input, or in your editor."`
	Duplicate objectDuplicateCmd[K] `cmd:"" help:"Make a copy under another name."`
	Delete    objectDeleteCmd[K]    `cmd:"" help:"Delete one; says what uses it."`
}

type (
	resourceCmd struct {
		objectCmd[resourceKind]
		Check  resourceCheckCmd  `cmd:"" help:"Check its health now; exit code 1 if that fails."`
		Health resourceHealthCmd `cmd:"" help:"List its health checks, newest first."`
		Test   resourceTestCmd   `cmd:"" help:"Send it one real request and show everything; exit code 1 if it does not accept it."`
	}
	endpointCmd struct {
		objectCmd[endpointKind]
		Preview endpointPreviewCmd `cmd:"" help:"Show what would become of a message, without sending it; exit code 1 if it would be refused."`
	}
	clientCmd struct {
		objectCmd[clientKind]
		NewToken clientTokenCmd `cmd:"" name:"token" help:"Give it a new token, printed once."`
	}
)

// named is what commands about one object share.
type named[K kinder] struct {
	remote
	Name string `arg:"" help:"Its name, or its id."`
}

// found is an object with what is needed to change it.
type found struct {
	api     *apiClient
	path    string // of the object
	ID      int64  `json:"id"`
	Version int64  `json:"version"`
	raw     json.RawMessage
}

// find looks the object up by name, or by id where nothing has that name.
func (n *named[K]) find(ctx context.Context) (*found, error) {
	api, err := n.connect()
	if err != nil {
		return nil, err
	}
	var k K
	id, err := idByName(ctx, api, k.kind(), n.Name)
	if err != nil {
		return nil, err
	}
	f := &found{api: api, path: fmt.Sprintf("%s/%d", k.kind().path, id)}
	if err := api.call(ctx, "GET", f.path, &f.raw); err != nil {
		return nil, err
	}
	return f, json.Unmarshal(f.raw, f)
}

func idByName(ctx context.Context, api *apiClient, k kind, name string) (int64, error) {
	id := int64(-1)
	clean := name
	if k.key == "path" {
		clean = dispatchapy.CleanPath(name)
	}
	err := eachItem(ctx, api, k.path, url.Values{"q": {clean}}, func(raw json.RawMessage) error {
		var o struct {
			ID   int64  `json:"id"`
			Name string `json:"name"`
			Path string `json:"path"`
		}
		err := json.Unmarshal(raw, &o)
		if o.Name+o.Path == clean {
			id = o.ID
		}
		return err
	})
	if err != nil || id >= 0 {
		return id, err
	}
	if id, err := strconv.ParseInt(name, 10, 64); err == nil && id > 0 {
		return id, nil
	}
	return 0, dispatchapy.Errorf(dispatchapy.CodeNotFound, "there is no %s %q", k.word, name)
}

// eachItem goes through a list of the API, page by page.
func eachItem(ctx context.Context, api *apiClient, path string, query url.Values, visit func(json.RawMessage) error) error {
	query.Set("limit", strconv.Itoa(maxPage))
	for {
		var page struct {
			Items []json.RawMessage `json:"items"`
			Next  *string           `json:"next"`
		}
		if err := api.call(ctx, "GET", path+"?"+query.Encode(), &page); err != nil {
			return err
		}
		for _, item := range page.Items {
			if err := visit(item); err != nil {
				return err
			}
		}
		if page.Next == nil {
			return nil
		}
		query.Set("cursor", *page.Next)
	}
}

type objectListCmd[K kinder] struct {
	remote
	Query  string `short:"q" help:"Only those with this text in their name." placeholder:"TEXT"`
	Output string `short:"o" enum:"table,json" default:"table" help:"Format: table or json."`
}

// Run lists the objects.
func (c *objectListCmd[K]) Run(ctx context.Context, con *console) error {
	api, err := c.connect()
	if err != nil {
		return err
	}
	query := url.Values{}
	if c.Query != "" {
		query.Set("q", c.Query)
	}
	var k K
	items := []json.RawMessage{}
	err = eachItem(ctx, api, k.kind().path, query, func(raw json.RawMessage) error {
		items = append(items, raw)
		return nil
	})
	if err != nil {
		return err
	}
	if c.Output == "json" {
		return printJSON(con.out, items)
	}
	return printTable(con, k.kind().columns, items)
}

// printTable prints JSON objects, one per line, with a column for each path.
func printTable(con *console, columns []string, items []json.RawMessage) error {
	table := tabwriter.NewWriter(con.out, 0, 0, 2, ' ', 0)
	titles := make([]string, len(columns))
	for i, column := range columns {
		path := strings.Split(column, ".")
		titles[i] = strings.ToUpper(strings.ReplaceAll(path[0], "_", " "))
	}
	fmt.Fprintln(table, strings.Join(titles, "\t"))
	for _, item := range items {
		var object map[string]any
		d := json.NewDecoder(strings.NewReader(string(item)))
		d.UseNumber()
		if err := d.Decode(&object); err != nil {
			return err
		}
		cells := make([]string, len(columns))
		for i, column := range columns {
			cells[i] = printable(cell(object, strings.Split(column, ".")), 60)
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	return table.Flush()
}

// cell words a value for a table.
func cell(v any, path []string) string {
	for _, key := range path {
		object, _ := v.(map[string]any)
		v = object[key]
	}
	switch v := v.(type) {
	case nil:
		return "-"
	case bool:
		return map[bool]string{true: "yes", false: "no"}[v]
	case []any:
		words := make([]string, len(v))
		for i := range v {
			words[i] = cell(v[i], nil)
		}
		return orDash(strings.Join(words, ", "))
	case string:
		return orDash(v)
	}
	return fmt.Sprint(v)
}

type objectShowCmd[K kinder] struct {
	named[K]
	Output string `short:"o" enum:"yaml,json" default:"yaml" help:"Format: yaml or json."`
}

// Run shows an object.
func (c *objectShowCmd[K]) Run(ctx context.Context, con *console) error {
	f, err := c.find(ctx)
	if err != nil {
		return err
	}
	return f.print(con, c.Output)
}

// print writes the object as it may be edited.
func (f *found) print(con *console, format string) error {
	if format == "json" {
		return printJSON(con.out, f.raw)
	}
	text, err := gatewayfile.ToYAML(f.raw)
	if err != nil {
		return err
	}
	_, err = con.out.Write(text)
	return err
}

type objectDuplicateCmd[K kinder] struct{ named[K] }

// Run duplicates an object.
func (c *objectDuplicateCmd[K]) Run(ctx context.Context, con *console) error {
	f, err := c.find(ctx)
	if err != nil {
		return err
	}
	answer, err := f.api.do(ctx, "POST", f.path+"/duplicate", "", "application/json", nil)
	if err != nil {
		return err
	}
	var k K
	return printWritten(con, k.kind(), "created", answer)
}

// printWritten says which object was written, and its token if it has just got
// one.
func printWritten(con *console, k kind, done string, answer []byte) error {
	var o struct {
		ID    int64  `json:"id"`
		Name  string `json:"name"`
		Path  string `json:"path"`
		Token string `json:"token"`
	}
	if err := json.Unmarshal(answer, &o); err != nil {
		return err
	}
	if o.ID == 0 { // there is only one of its kind
		fmt.Fprintf(con.out, "%s %s\n", k.word, done)
		return nil
	}
	fmt.Fprintf(con.out, "%s %s %s (id %d)\n", k.word, o.Name+o.Path, done, o.ID)
	if o.Token != "" {
		fmt.Fprintf(con.out, "  token, shown only now: %s\n", o.Token)
	}
	return nil
}

type objectDeleteCmd[K kinder] struct {
	named[K]
	Yes bool `short:"y" help:"Also if it is in use."`
}

// Run deletes an object that nothing uses, or any with --yes.
func (c *objectDeleteCmd[K]) Run(ctx context.Context, con *console) error {
	f, err := c.find(ctx)
	if err != nil {
		return err
	}
	var impact struct {
		Version   int64    `json:"version"`
		InUse     bool     `json:"in_use"`
		Endpoints []string `json:"endpoints"`
		Clients   []string `json:"clients"`
		Stranded  []string `json:"stranded"`
		Waiting   int      `json:"waiting_tasks"`
	}
	if err := f.api.call(ctx, "GET", f.path+"/impact", &impact); err != nil {
		return err
	}
	for _, line := range []struct {
		text  string
		names []string
	}{{"endpoints that use it", impact.Endpoints}, {"endpoints left without any resource", impact.Stranded}, {"clients that may post to it", impact.Clients}} {
		if len(line.names) > 0 {
			fmt.Fprintf(con.err, "%s: %s\n", line.text, safe(strings.Join(line.names, ", ")))
		}
	}
	if impact.Waiting > 0 {
		fmt.Fprintf(con.err, "%s would lose the last way to be sent\n", count(impact.Waiting, "waiting task"))
	}
	var k K
	if impact.InUse && !c.Yes {
		return dispatchapy.Errorf(dispatchapy.CodeConflict, "the %s is in use: give --yes to delete it nevertheless", k.kind().word)
	}
	path := f.path + "?confirm=" + strconv.FormatBool(c.Yes)
	if _, err := f.api.doMatching(ctx, "DELETE", path, impact.Version, nil); err != nil {
		return err
	}
	fmt.Fprintf(con.out, "%s %s deleted\n", k.kind().word, c.Name)
	return nil
}

type resourceCheckCmd struct{ named[resourceKind] }

// Run checks a resource's health.
func (c *resourceCheckCmd) Run(ctx context.Context, con *console) error {
	f, err := c.find(ctx)
	if err != nil {
		return err
	}
	var check struct {
		OK     bool    `json:"ok"`
		Method string  `json:"method"`
		State  string  `json:"state"`
		Detail string  `json:"detail"`
		Took   float64 `json:"duration_ms"`
	}
	if err := f.api.call(ctx, "POST", f.path+"/check", &check); err != nil {
		return err
	}
	verdict := "passed"
	if !check.OK {
		verdict = "failed"
	}
	fmt.Fprintf(con.out, "%s: %s check %s after %.1f ms: %s (state: %s)\n", c.Name, check.Method, verdict, check.Took, printable(check.Detail, 300), check.State)
	if !check.OK {
		return fmt.Errorf("the check failed")
	}
	return nil
}

type resourceHealthCmd struct {
	named[resourceKind]
	Limit  int    `short:"n" help:"How many at most." default:"20"`
	Output string `short:"o" enum:"table,json" default:"table" help:"Format: table or json."`
}

// Validate says what is wrong with the options, naming the flag.
func (c *resourceHealthCmd) Validate() error {
	if c.Limit < 1 || c.Limit > maxPage {
		return fmt.Errorf("--limit: must be from 1 to %d", maxPage)
	}
	return nil
}

// Run lists checks of a resource.
func (c *resourceHealthCmd) Run(ctx context.Context, con *console) error {
	f, err := c.find(ctx)
	if err != nil {
		return err
	}
	var page struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := f.api.call(ctx, "GET", fmt.Sprintf("%s/health?limit=%d", f.path, c.Limit), &page); err != nil {
		return err
	}
	if c.Output == "json" {
		return printJSON(con.out, slices.Clip(page.Items))
	}
	return printTable(con, []string{"at", "ok", "state", "method", "manual", "status_code", "duration_ms", "detail"}, page.Items)
}

type clientTokenCmd struct {
	named[clientKind]
	Overlap string `enum:"0s,1h,24h" default:"0s" help:"For how long the present token goes on working: 0s, 1h or 24h."`
}

// Run gives a client a new token.
func (c *clientTokenCmd) Run(ctx context.Context, con *console) error {
	f, err := c.find(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"overlap": c.Overlap})
	if err != nil {
		return err
	}
	answer, err := f.api.do(ctx, "POST", f.path+"/token", "application/json", "application/json", body)
	if err != nil {
		return err
	}
	return printWritten(con, clientKind{}.kind(), "has a new token", answer)
}
