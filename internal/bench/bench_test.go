package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// quick are options for a run that is over in a few seconds.
func quick(t *testing.T) Options {
	t.Setenv("GORACE", "atexit_sleep_ms=0") // or every child takes a second to end
	return Options{
		Duration: 300 * time.Millisecond, Warmup: 50 * time.Millisecond, Rounds: 1, Connections: 4, Rate: 100,
		Preload: 100, Dir: t.TempDir(), stall: 500 * time.Millisecond,
	}
}

func TestRunAllScenarios(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	var out, progress bytes.Buffer
	o := quick(t)
	o.Out, o.Progress, o.JSON = &out, &progress, true
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	var report Report
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	wantRows := []string{
		rowNothing, rowFsync, rowAccept, rowDeliver, rowSingleNothing, rowSingleFsync, rowSingleGateway,
		rowHealthy, rowHanging, rowFailover, rowEmpty, rowStored,
	}
	var rows []string
	for _, row := range report.Rows {
		rows = append(rows, row.Name)
		m := row.Median
		if m.AcceptedPerS == 0 || m.AcceptP50 == 0 || m.AcceptP99 < m.AcceptP50 {
			t.Errorf("%s: accepted %v/s in %v to %v ms", row.Name, m.AcceptedPerS, m.AcceptP50, m.AcceptP99)
		}
		if m.Lost != 0 || m.Duplicated != 0 || m.Rejected != 0 {
			t.Errorf("%s: %d lost, %d duplicated, %d rejected", row.Name, m.Lost, m.Duplicated, m.Rejected)
		}
		delivers := !slices.Contains([]string{rowNothing, rowFsync, rowAccept, rowSingleNothing, rowSingleFsync}, row.Name)
		if (m.DeliveredPerS > 0) != delivers {
			t.Errorf("%s: %v delivered/s", row.Name, m.DeliveredPerS)
		}
	}
	if !slices.Equal(rows, wantRows) {
		t.Errorf("rows are %q\nwant %q", rows, wantRows)
	}
	if m := report.row(rowFailover).Median; m.AddedP50 <= 0 || m.AddedP99 < m.AddedP50 {
		t.Errorf("failover added %v to %v ms", m.AddedP50, m.AddedP99)
	}
	if got := len(report.Findings); got != 8 {
		t.Errorf("%d findings, want 8: %+v", got, report.Findings)
	}
	if !strings.Contains(progress.String(), "round 1/1  "+rowStored) {
		t.Errorf("progress does not tell of the last measurement:\n%s", &progress)
	}
}

func TestRunWithRawClient(t *testing.T) {
	var out bytes.Buffer
	o := quick(t)
	o.Out, o.Scenarios, o.RawClient = &out, []string{Failover}, true
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "of a raw client") || !strings.Contains(out.String(), "failover adds") {
		t.Errorf("report:\n%s", &out)
	}
}

func TestRunReportsLostTasks(t *testing.T) {
	t.Setenv(loseEnv, "10")
	var out bytes.Buffer
	o := quick(t)
	o.Out, o.Scenarios = &out, []string{Failover}
	if err := Run(t.Context(), o); !errors.Is(err, ErrLost) {
		t.Fatalf("error %v, want ErrLost", err)
	}
	if !strings.Contains(out.String(), rowFailover) {
		t.Errorf("the report is missing:\n%s", &out)
	}
}

func TestRunSaysWhyTheGatewayDoesNotStart(t *testing.T) {
	o := quick(t)
	o.Scenarios = []string{Failover}
	o.Executable = "/bin/false"
	err := Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "did not say where it listens") {
		t.Errorf("error %v", err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := quick(t)
	o.Scenarios, o.Duration = []string{Single}, time.Hour
	o.Out = &bytes.Buffer{}
	// The first load begins when its child has started.
	time.AfterFunc(500*time.Millisecond, cancel)
	if err := Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]Options{
		"there is no scenario": {Scenarios: []string{"everything"}},
		"needs a number":       {Scenarios: []string{Stored}},
		"at least":             {BodyBytes: 10},
		"negative":             {Rounds: -1},
	} {
		if err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want one with %q", err, name)
		}
	}
}
