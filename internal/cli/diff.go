package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
)

type diffCmd struct {
	remote
	offlineKeys
	passphrase
	File   string `short:"f" required:"" placeholder:"FILE" help:"Gateway file, YAML or JSON; - for standard input."`
	Prune  bool   `help:"As with apply --prune: what is absent from the file counts as deleted."`
	Output string `short:"o" enum:"text,json" default:"text" help:"Format: text or json."`
}

// difference is what applying a file would do to one object.
type difference struct {
	gatewayfile.Change
	Values []gatewayfile.ValueChange `json:"values"`
}

// Help is printed below the flags.
func (c *diffCmd) Help() string {
	return "Nothing is changed. Exit code 1 means that applying the file would change something, 0 that it would not."
}

// Run compares a gateway file with the configuration of the running gateway,
// or of the data directory if none runs.
func (c *diffCmd) Run(ctx context.Context, con *console) error {
	data, err := c.readOpened(c.File, con.in)
	if err != nil {
		return err
	}
	file, err := gatewayfile.Parse(c.File, data)
	if err != nil {
		return err
	}
	current, err := c.current(ctx, con)
	if err != nil {
		return err
	}
	differences, err := compare(current, file, c.Prune)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		err = printJSON(con.out, differences)
	} else {
		printDifferences(con.out, differences)
	}
	if err == nil && len(differences) > 0 {
		err = fmt.Errorf("%s of the gateway would be changed by %s", count(len(differences), "object"), file.Name())
	}
	return err
}

// current gives the configuration in force.
func (c *diffCmd) current(ctx context.Context, con *console) (*dispatchapy.Config, error) {
	export := exportCmd{remote: c.remote, offlineKeys: c.offlineKeys, Output: "json"}
	data, err := export.exportRemote(ctx)
	if errors.Is(err, errNotRunning) && c.Server == "" {
		data, err = export.exportOffline(ctx, con)
	}
	if err != nil {
		return nil, err
	}
	exported, err := gatewayfile.Parse("configuration of the gateway", data)
	if err != nil {
		return nil, err
	}
	cfg, _, err := gatewayfile.Plan(&dispatchapy.Config{Settings: dispatchapy.DefaultSettings()}, exported, false)
	return cfg, err
}

func compare(current *dispatchapy.Config, file *gatewayfile.File, prune bool) ([]difference, error) {
	next, changes, err := gatewayfile.Plan(current, file, prune)
	if err == nil {
		err = next.Validate()
	}
	if err != nil {
		return nil, file.Locate(err)
	}
	differences := make([]difference, len(changes))
	for i, change := range changes {
		change.Token = "" // made for nothing
		differences[i].Change = change
		if differences[i].Values, err = change.Values(current, next); err != nil {
			return nil, err
		}
	}
	return differences, nil
}

func printDifferences(w io.Writer, differences []difference) {
	if len(differences) == 0 {
		fmt.Fprintln(w, "no differences")
	}
	for _, d := range differences {
		title := d.Change
		title.Fields = nil
		fmt.Fprintln(w, safe(title.String()))
		for _, v := range d.Values {
			if d.Action == gatewayfile.Create && (v.Path == "name" || v.Path == "path") {
				continue // stands above
			}
			fmt.Fprintf(w, "    %s\n", safe(valueLine(v)))
		}
	}
}

func valueLine(v gatewayfile.ValueChange) string {
	if v.Path == "token_hash" {
		return "token: " + strings.TrimPrefix(v.Before+" -> a new one", " -> ")
	}
	switch {
	case v.Before == "":
		return v.Path + ": " + v.After
	case v.After == "":
		return v.Path + ": " + v.Before + " -> nothing"
	}
	return v.Path + ": " + v.Before + " -> " + v.After
}
