// Package cli is the command line: it starts the gateway and operates one that
// runs, through its REST API.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"dispatchapy"
	"dispatchapy/internal/bench"
)

// Exit codes.
const (
	exitOK    = 0
	exitError = 1 // it was tried and failed
	exitUsage = 2 // wrong options or an invalid gateway file; nothing was changed
)

// secondSignal is how long after the first signal another one means it.
const secondSignal = time.Second

// commands is the tree of commands, for kong.
type commands struct {
	Serve        serveCmd        `cmd:"" help:"Run the gateway."`
	Demo         demoCmd         `cmd:"" help:"Run a gateway with three fake providers and some traffic, to watch failover happen."`
	Send         sendCmd         `cmd:"" help:"Send a message to an endpoint of a running gateway."`
	Task         taskCmd         `cmd:"" help:"List, show and act on tasks."`
	Tail         tailCmd         `cmd:"" help:"Print tasks as they come and as their status changes."`
	Stats        statsCmd        `cmd:"" help:"Count what became of tasks, or what is unfinished."`
	Audit        auditCmd        `cmd:"" help:"List who changed what, newest first."`
	Resource     resourceCmd     `cmd:"" help:"Resources: list, show, create, edit, duplicate, delete, check, test."`
	Endpoint     endpointCmd     `cmd:"" help:"Endpoints: list, show, create, edit, duplicate, delete, preview."`
	Client       clientCmd       `cmd:"" help:"Clients: list, show, create, edit, duplicate, delete, new token."`
	Incident     incidentCmd     `cmd:"" help:"Incidents: list, show, acknowledge, note."`
	Event        eventCmd        `cmd:"" help:"Events: list."`
	Notification notificationCmd `cmd:"" help:"What people are told: list, show, retry."`
	Alert        alertCmd        `cmd:"" help:"Channels of alerts: test, templates."`
	Maintenance  maintenanceCmd  `cmd:"" help:"Planned work at resources: list, begin, end."`
	Settings     settingsCmd     `cmd:"" help:"Settings: show, edit, set, test of the mail server."`

	Apply   applyCmd   `cmd:"" help:"Apply a gateway file: all of it or nothing."`
	Diff    diffCmd    `cmd:"" help:"Show what applying a gateway file would change, with values."`
	Check   checkCmd   `cmd:"" help:"Check a gateway file without applying it."`
	Export  exportCmd  `cmd:"" help:"Print the configuration as a gateway file."`
	User    userCmd    `cmd:"" help:"List, show, create, change and delete users."`
	Token   tokenCmd   `cmd:"" help:"List, show, create, change and delete API tokens."`
	Session sessionCmd `cmd:"" help:"List who is signed in, and end sessions."`
	Import  importCmd  `cmd:"" help:"Bring everything over from the original Dispatchapy."`
	Backup  backupCmd  `cmd:"" help:"Copy the database to a file, while the gateway runs or not."`
	Restore restoreCmd `cmd:"" help:"Put a backup in the place of the database of a stopped gateway."`
	Secrets secretsCmd `cmd:"" help:"Replace the key that encrypts the stored configuration."`
	Doctor  doctorCmd  `cmd:"" help:"Examine everything that the gateway on this machine depends on."`

	Bench benchCmd `cmd:"" help:"Measure a gateway beside two yardsticks on this machine."`

	Healthcheck healthcheckCmd `cmd:"" help:"Exit 0 if the gateway on this machine is ready, 1 if not."`
	Completion  completionCmd  `cmd:"" help:"Print a script that completes commands in bash, zsh or fish."`
	BenchChild  benchChildCmd  `cmd:"" hidden:"" help:"A process of the benchmark."`

	Version     kong.VersionFlag `help:"Print the version."`
	OptionsFile kong.ConfigFlag  `name:"options" placeholder:"FILE" env:"DISPATCHAPY_OPTIONS" help:"YAML file with options by flag name (addr: :9000). Weaker than flags and environment."`
}

// console is what commands print to and read from.
type console struct {
	in       io.Reader
	out, err io.Writer
	version  string
}

// Run runs a command line and gives its exit code.
func Run(args []string, version string, in io.Reader, out, errOut io.Writer) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once, but not one that follows on the
	// heels of the first: some wrappers signal both process and group.
	context.AfterFunc(ctx, func() { time.AfterFunc(secondSignal, stop) })
	var cmds commands
	exited := -1
	parser, err := kong.New(&cmds,
		kong.Name("dispatchapy"),
		kong.Description("A gateway that delivers each message to the first healthy provider in your order.\n\n"+
			"Exit codes: 0 done; 1 tried and failed; 2 wrong options or an invalid file, nothing was changed."),
		kong.Vars{"version": "dispatchapy " + version, "scenarios": strings.Join(bench.Scenarios, ", ")},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Writers(out, errOut),
		kong.Exit(func(code int) { exited = code }),
		kong.Configuration(optionsFile),
		kong.NamedMapper("path", kong.MapperFunc(decodePath)),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&console{in: in, out: out, err: errOut, version: version}),
	)
	if err != nil {
		fmt.Fprintln(errOut, "dispatchapy:", err)
		return exitError
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exited >= 0 { // --help or --version
		return exited
	}
	if err != nil {
		fmt.Fprintf(errOut, "dispatchapy: %v\nTry dispatchapy --help.\n", err)
		return exitUsage
	}
	if err := command.Run(); err != nil {
		return report(errOut, err)
	}
	return exitOK
}

// report prints an error for people and gives the exit code. What it quotes may
// come from strangers: a file, a server.
func report(w io.Writer, err error) int {
	var e *dispatchapy.Error
	if errors.As(err, &e) && len(e.Fields) > 0 {
		fmt.Fprintf(w, "dispatchapy: %s\n", safe(e.Message))
		for _, f := range e.Fields {
			fmt.Fprintf(w, "  %s: %s\n", safe(f.Path), safe(f.Message))
		}
	} else {
		fmt.Fprintf(w, "dispatchapy: %s\n", safeLines(err.Error()))
	}
	if dispatchapy.ErrorCode(err) == dispatchapy.CodeInvalid {
		return exitUsage
	}
	return exitError
}

// newLog makes the log of the process, on standard error.
func newLog(w io.Writer, level, format string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(strings.ToUpper(level))); err != nil {
		l = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: l}
	if format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}
