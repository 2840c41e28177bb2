package cli

import (
	"context"
	"time"

	"dispatchapy/internal/bench"
)

type benchCmd struct {
	Scenario    []string      `help:"What to measure: ${scenarios}. Absent: all (stored only with --preload)." placeholder:"NAME"`
	Duration    time.Duration `help:"Length of one measurement." default:"5s"`
	Warmup      time.Duration `help:"Time before each measurement that does not count." default:"1s"`
	Rounds      int           `help:"Rounds; the systems take turns in each." default:"3"`
	Connections int           `help:"Connections kept busy." default:"64"`
	Body        int           `help:"Bytes of a request's body." default:"300"`
	Latency     time.Duration `help:"What the provider takes to answer." default:"2ms"`
	Preload     int           `help:"Finished tasks to have in the database for the scenario stored." default:"0"`
	RawClient   bool          `help:"Make the load with prepared bytes instead of net/http's client."`
	Dir         string        `help:"Directory for the data; absent: the one for temporary files." type:"path"`
	Output      string        `short:"o" enum:"table,json" default:"table" help:"Format: table or json."`
}

// Run measures.
func (c *benchCmd) Run(ctx context.Context, con *console) error {
	latency := c.Latency
	if latency == 0 {
		latency = -1
	}
	return bench.Run(ctx, bench.Options{
		Scenarios: c.Scenario, Duration: c.Duration, Warmup: c.Warmup, Rounds: c.Rounds, Connections: c.Connections,
		BodyBytes: c.Body, ProviderLatency: latency, Preload: c.Preload, RawClient: c.RawClient, Dir: c.Dir,
		Out: con.out, Progress: con.err, JSON: c.Output == "json",
	})
}

type benchChildCmd struct {
	Args []string `arg:"" optional:"" passthrough:""`
}

// Run is a helper process of the benchmark.
func (c *benchChildCmd) Run(ctx context.Context, con *console) error {
	return bench.Child(ctx, c.Args, con.in, con.out)
}
