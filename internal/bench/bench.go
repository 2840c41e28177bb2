// Package bench measures the gateway beside two yardsticks in one run.
//
// Everything measured is a process of its own: the gateway (this executable
// with "serve"), the provider and the yardsticks (this executable with
// "bench-child"). The load comes from the bench process over raw keep-alive
// connections. Machines are noisy, so that the rounds of all of them are
// interleaved, medians are shown, and ratios are what counts.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"dispatchapy"
)

// The scenarios, in the order in which they run.
const (
	Saturate = "saturate" // accept alone, and accept and deliver, as fast as it goes
	Single   = "single"   // one request at a time
	Hang     = "hang"     // one endpoint while another one's provider hangs
	Failover = "failover" // the first resource fails, the second one works
	Stored   = "stored"   // saturate with many finished tasks in the database
)

// Scenarios lists them all.
var Scenarios = []string{Saturate, Single, Hang, Failover, Stored}

// ErrLost says that tasks were accepted and never delivered.
var ErrLost = errors.New("accepted tasks were lost")

// Options say what is measured and how. Zero fields take their default.
type Options struct {
	Scenarios []string // default: all, Stored only if Preload > 0

	Duration        time.Duration // of one measurement after its warm-up, default 5s
	Warmup          time.Duration // default 1s
	Rounds          int           // default 3
	Connections     int           // kept busy when saturating, default 64
	BodyBytes       int           // of a request, default 300
	ProviderLatency time.Duration // default 2ms; negative: none
	Rate            int           // requests per second where the rate is fixed, default 200
	Preload         int           // finished tasks in the database for Stored

	// RawClient makes the load with prepared bytes instead of net/http's
	// client. It takes a quarter of the CPU, so that every rate is higher, and
	// the yardsticks' more than the gateway's: ratios of the two kinds of load
	// cannot be compared with each other.
	RawClient bool

	Dir        string    // where data is written, default: the directory for temporary files
	Executable string    // default: this one
	Out        io.Writer // the report, default: standard output
	Progress   io.Writer // a line per measurement, default: nowhere
	JSON       bool      // report as JSON instead of tables

	stall time.Duration // how long nothing may arrive before what is missing counts as lost
}

func (o *Options) setDefaults() error {
	setDefault(&o.Duration, 5*time.Second)
	setDefault(&o.Warmup, time.Second)
	setDefault(&o.Rounds, 3)
	setDefault(&o.Connections, 64)
	setDefault(&o.BodyBytes, 300)
	setDefault(&o.ProviderLatency, 2*time.Millisecond)
	setDefault(&o.Rate, 200)
	setDefault(&o.stall, defaultStall)
	o.ProviderLatency = max(o.ProviderLatency, 0)
	if o.Out == nil {
		o.Out = os.Stdout
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if o.Scenarios == nil {
		o.Scenarios = slices.DeleteFunc(slices.Clone(Scenarios), func(s string) bool { return s == Stored && o.Preload == 0 })
	}
	if o.Executable == "" {
		executable, err := os.Executable()
		if err != nil {
			return fmt.Errorf("finding this executable: %w", err)
		}
		o.Executable = executable
	}
	return o.check()
}

func (o *Options) check() error {
	for _, name := range o.Scenarios {
		if !slices.Contains(Scenarios, name) {
			return dispatchapy.Errorf(dispatchapy.CodeInvalid, "--scenario: there is no scenario %q; there are: %s", name, strings.Join(Scenarios, ", "))
		}
	}
	if slices.Contains(o.Scenarios, Stored) && o.Preload <= 0 {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "--preload: the scenario %q needs a number of tasks to preload", Stored)
	}
	if o.BodyBytes < minBodyBytes {
		return fmt.Errorf("a body has at least %d bytes", minBodyBytes)
	}
	if o.Duration < 0 || o.Warmup < 0 || o.Rounds < 0 || o.Connections < 0 || o.Rate < 0 || o.Preload < 0 {
		return errors.New("durations and counts cannot be negative")
	}
	return nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// run is one run of the benchmark.
type run struct {
	Options
	dir    string // temporary, removed at the end
	token  string // of the client that the load poses as
	sink   *process
	report Report
}

// Run measures and writes the report. It gives ErrLost, after the report, if
// tasks were lost; every other error means that there is no report.
func Run(ctx context.Context, o Options) error {
	if err := o.setDefaults(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.Dir, "dispatchapy-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // temporary files; nothing depends on their removal
	if fileSystem(dir) == "tmpfs" {
		fmt.Fprintf(o.Progress, "warning: %s is in memory, where syncing costs nothing: choose a directory on a disk\n", dir)
	}

	r := &run{Options: o, dir: dir, token: newToken()}
	r.report = newReport(o)
	r.sink, err = r.startChild(ctx, "sink", "--latency", o.ProviderLatency.String())
	if err != nil {
		return err
	}
	defer r.sink.kill()

	steps := map[string]func(context.Context) error{
		Saturate: r.saturate, Single: r.single, Hang: r.hang, Failover: r.failover, Stored: r.stored,
	}
	for _, name := range Scenarios {
		if !slices.Contains(o.Scenarios, name) {
			continue
		}
		if err := steps[name](ctx); err != nil {
			return fmt.Errorf("scenario %s: %w", name, err)
		}
	}
	return r.finish()
}

func (r *run) finish() error {
	r.report.judge()
	write := r.report.writeTable
	if r.JSON {
		write = r.report.writeJSON
	}
	if err := write(r.Out); err != nil {
		return err
	}
	if lost := r.report.lost(); lost > 0 {
		return fmt.Errorf("%w: %d", ErrLost, lost)
	}
	return nil
}

// note tells the person who waits what was measured.
func (r *run) note(round int, row string, m Measurement) {
	fmt.Fprintf(r.Progress, "round %d/%d  %-32s %8.0f accepted/s", round+1, r.Rounds, row, m.AcceptedPerS)
	if m.DeliveredPerS > 0 {
		fmt.Fprintf(r.Progress, " %8.0f delivered/s", m.DeliveredPerS)
	}
	fmt.Fprintln(r.Progress)
}
