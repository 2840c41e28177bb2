package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"time"

	"dispatchapy"
	"dispatchapy/internal/app"
	"dispatchapy/internal/config"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/service"
)

// maxFile bounds a gateway file.
const maxFile = 16 << 20

type applyCmd struct {
	remote
	offlineKeys
	passphrase
	File   string `short:"f" required:"" placeholder:"FILE" help:"Gateway file, YAML or JSON; - for standard input."`
	DryRun bool   `help:"Say what would change, and change nothing."`
	Prune  bool   `help:"Delete what is absent from the file."`
}

// offlineKeys are what is needed to open a data directory without a gateway.
type offlineKeys struct {
	SecretKey     string `hidden:"" env:"DISPATCHAPY_SECRET_KEY"`
	SecretKeyFile string `hidden:"" env:"DISPATCHAPY_SECRET_KEY_FILE" type:"path"`
}

// applied is what applying a file did, as the API words it.
type applied struct {
	Changes  []change                 `json:"changes"`
	Warnings []dispatchapy.FieldError `json:"warnings"`
}

// change is a change as the API words it.
type change struct {
	Kind   string   `json:"kind"`
	Name   string   `json:"name"`
	Action string   `json:"action"`
	Fields []string `json:"fields"`
	Token  string   `json:"token"`
}

// Run applies the file through the running gateway, or, if none runs, to the
// data directory itself.
func (c *applyCmd) Run(ctx context.Context, con *console) error {
	data, err := c.readOpened(c.File, con.in)
	if err != nil {
		return err
	}
	// Checked here first: messages then name this file's lines.
	if err := checkFile(c.File, data); err != nil {
		return err
	}
	applied, err := c.applyRemote(ctx, data)
	offline := errors.Is(err, errNotRunning) && c.Server == ""
	if offline {
		applied, err = c.applyOffline(ctx, con, data)
	}
	if err != nil {
		return err
	}
	printChanges(con.out, applied.Changes, c.DryRun)
	printWarnings(con.out, applied.Warnings)
	if offline {
		// A gateway may be running with another data directory.
		fmt.Fprintf(con.err, "no gateway is running with the data directory %s: this is about the directory itself\n", c.DataDir)
	}
	return nil
}

func (c *applyCmd) applyRemote(ctx context.Context, data []byte) (applied, error) {
	api, err := c.connect()
	if err != nil {
		return applied{}, err
	}
	query := url.Values{"file": {c.File}, "prune": {strconv.FormatBool(c.Prune)}, "dry_run": {strconv.FormatBool(c.DryRun)}}
	answer, err := api.do(ctx, "PUT", "/v1/config?"+query.Encode(), "application/yaml", "application/json", data)
	if err != nil {
		return applied{}, err
	}
	var result applied
	return result, json.Unmarshal(answer, &result)
}

func (c *applyCmd) applyOffline(ctx context.Context, con *console, data []byte) (applied, error) {
	gateway, err := openOffline(ctx, con, &c.remote, &c.offlineKeys)
	if err != nil {
		return applied{}, err
	}
	defer gateway.Stop()
	result, err := gateway.Service().Apply(ctx, app.System, c.File, data, service.ApplyOptions{Prune: c.Prune, DryRun: c.DryRun})
	if err != nil {
		return applied{}, err
	}
	out := applied{Warnings: result.Warnings}
	for _, ch := range result.Changes {
		out.Changes = append(out.Changes, change{Kind: string(ch.Kind), Name: ch.Name, Action: string(ch.Action), Fields: ch.Fields, Token: ch.Token.Reveal()})
	}
	return out, nil
}

// openOffline opens a data directory that no gateway uses.
func openOffline(ctx context.Context, con *console, r *remote, keys *offlineKeys) (*app.App, error) {
	options := config.Options{DataDir: r.DataDir, SecretKey: keys.SecretKey, SecretKeyFile: keys.SecretKeyFile, Grace: time.Second}
	return app.New(ctx, options, con.version, newLog(con.err, "warn", "text"))
}

func printChanges(w io.Writer, changes []change, dryRun bool) {
	if len(changes) == 0 {
		fmt.Fprintln(w, "no changes")
		return
	}
	if dryRun {
		fmt.Fprintln(w, "would change:")
	}
	for _, c := range changes {
		fmt.Fprintln(w, gatewayfile.Change{
			Kind: gatewayfile.Kind(c.Kind), Name: c.Name, Action: gatewayfile.Action(c.Action), Fields: c.Fields,
		})
		if c.Token != "" {
			fmt.Fprintf(w, "  token, shown only now: %s\n", c.Token)
		}
	}
}

func printWarnings(w io.Writer, warnings []dispatchapy.FieldError) {
	for _, warning := range warnings {
		fmt.Fprintf(w, "warning: %s: %s\n", safe(warning.Path), safe(warning.Message))
	}
}

type checkCmd struct {
	passphrase
	File string `short:"f" required:"" placeholder:"FILE" help:"Gateway file, YAML or JSON; - for standard input."`
}

// Run checks a gateway file by itself, as if applied to an empty gateway.
func (c *checkCmd) Run(con *console) error {
	data, err := c.readOpened(c.File, con.in)
	if err != nil {
		return err
	}
	file, err := gatewayfile.Parse(c.File, data)
	if err != nil {
		return err
	}
	cfg, err := checkAlone(file)
	if err != nil {
		return err
	}
	for i := range cfg.Endpoints {
		fmt.Fprintf(con.out, "endpoint %s: %s\n", cfg.Endpoints[i].Path, cfg.Readiness(&cfg.Endpoints[i]))
	}
	printWarnings(con.out, file.Own(routing.Warnings(cfg)))
	fmt.Fprintf(con.out, "%s is valid: %s, %s, %s\n", c.File, count(len(cfg.Resources), "resource"), count(len(cfg.Endpoints), "endpoint"),
		count(len(cfg.Clients), "client"))
	return nil
}

// checkFile finds what is wrong with a file whatever it is applied to: a file
// may rely on objects that the gateway has already.
func checkFile(name string, data []byte) error {
	_, err := gatewayfile.Parse(name, data)
	return err
}

// checkAlone plans a file on an empty gateway and validates the result.
func checkAlone(file *gatewayfile.File) (*dispatchapy.Config, error) {
	cfg, _, err := gatewayfile.Plan(&dispatchapy.Config{Settings: dispatchapy.DefaultSettings()}, file, false)
	if err == nil {
		err = cfg.Validate()
	}
	if err == nil {
		_, err = routing.Compile(withIDs(cfg))
	}
	if err != nil {
		return nil, file.Locate(err)
	}
	return cfg, nil
}

// withIDs numbers objects that no store has seen.
func withIDs(cfg *dispatchapy.Config) *dispatchapy.Config {
	for i := range cfg.Resources {
		cfg.Resources[i].ID = int64(i + 1)
	}
	for i := range cfg.Endpoints {
		cfg.Endpoints[i].ID = int64(i + 1)
	}
	for i := range cfg.Clients {
		cfg.Clients[i].ID = int64(i + 1)
	}
	return cfg
}

type exportCmd struct {
	remote
	offlineKeys
	passphrase
	Output  string `short:"o" enum:"yaml,json" default:"yaml" help:"Format: yaml or json."`
	Secrets string `enum:"plain,masked,sealed" default:"plain" help:"Secrets in the file: plain; masked (they stay what they are where it came from); or sealed with a passphrase."`
}

// Run prints the configuration of the running gateway, or of the data
// directory if none runs.
func (c *exportCmd) Run(ctx context.Context, con *console) error {
	if (c.Secrets == "sealed") != (c.PassphraseFile != "") {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "--secrets sealed and --passphrase-file go together")
	}
	data, err := c.exportRemote(ctx)
	if errors.Is(err, errNotRunning) && c.Server == "" {
		data, err = c.exportOffline(ctx, con)
	}
	if err != nil {
		return err
	}
	if c.Secrets == "sealed" {
		if data, err = c.seal(data, c.Output); err != nil {
			return err
		}
	}
	_, err = con.out.Write(data)
	return err
}

// secretsWanted is what is asked of the gateway, which knows no passphrase.
func (c *exportCmd) secretsWanted() string {
	if c.Secrets == "masked" {
		return "masked"
	}
	return "plain"
}

func (c *exportCmd) exportRemote(ctx context.Context) ([]byte, error) {
	api, err := c.connect()
	if err != nil {
		return nil, err
	}
	return api.do(ctx, "GET", "/v1/config?secrets="+c.secretsWanted(), "", "application/"+c.Output, nil)
}

func (c *exportCmd) exportOffline(ctx context.Context, con *console) ([]byte, error) {
	database := (&config.Options{DataDir: c.DataDir}).DatabasePath()
	if _, err := os.Stat(database); err != nil {
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "--data-dir: there is no gateway's data in %s: %w", c.DataDir, err)
	}
	gateway, err := openOffline(ctx, con, &c.remote, &c.offlineKeys)
	if err != nil {
		return nil, err
	}
	defer gateway.Stop()
	return gateway.Service().ExportConfig(ctx, app.System, service.ExportOptions{Format: service.Format(c.Output), Masked: c.Secrets == "masked"})
}

func readFile(path string, in io.Reader) ([]byte, error) {
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "-f: %w", err)
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "-f: the file is larger than %d MiB", maxFile>>20)
	}
	return data, nil
}
