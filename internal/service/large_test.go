//go:build !race && unix

// The race detector makes all of this some ten times slower.

package service_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/service"
)

// largeRounds is how often the scenario is run at most: what counts is the
// fastest round of each step.
const largeRounds = 3

// stopwatch keeps the least processor time that each step took. The machine may
// be busy with other things; on an idle one people wait no longer than that.
type stopwatch map[string]time.Duration

func (w stopwatch) measure(t *testing.T, step string, do func() error) {
	t.Helper()
	start := processorTime(t)
	if err := do(); err != nil {
		t.Fatalf("%s: %v", step, err)
	}
	took := processorTime(t) - start
	if best, again := w[step]; !again || took < best {
		w[step] = took
	}
}

// processorTime is what this process has used so far, on all cores together.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		t.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// slow lists the steps that never stayed under their limit: a second, and a
// fourth of it for what touches one object.
func (w stopwatch) slow() []string {
	var slow []string
	for step, took := range w {
		limit := time.Second / 4
		if strings.HasPrefix(step, "all: ") {
			limit = time.Second
		}
		if took > limit {
			slow = append(slow, step+" took "+took.String())
		}
	}
	return slow
}

func TestTenThousandObjects(t *testing.T) {
	yaml, err := gatewayfile.Encode(large())
	if err != nil {
		t.Fatal(err)
	}
	json := []byte(fileOf(t, large()))
	best := stopwatch{}
	for range largeRounds {
		best.measure(t, "all: apply YAML", func() error {
			n := newNode(t, openStore(t), 1)
			n.refresh()
			_, err := n.Apply(t.Context(), admin, "large.yaml", yaml, service.ApplyOptions{})
			return err
		})
		workWithTenThousand(t, best, json)
		if len(best.slow()) == 0 {
			break
		}
	}
	for step, took := range best {
		t.Logf("%s: %s", step, took)
	}
	for _, step := range best.slow() {
		t.Error(step, "with 10,000 objects")
	}
}

// workWithTenThousand goes once through what people do.
func workWithTenThousand(t *testing.T, best stopwatch, file []byte) {
	ctx := t.Context()
	db := openStore(t)
	n := newNode(t, db, 1)
	n.refresh()
	best.measure(t, "all: apply JSON", func() error {
		_, err := n.Apply(ctx, admin, "large.json", file, service.ApplyOptions{})
		return err
	})
	best.measure(t, "all: apply without a change", func() error {
		_, err := n.Apply(ctx, admin, "large.json", file, service.ApplyOptions{})
		return err
	})
	best.measure(t, "all: start", func() error {
		_, err := newNode(t, db, 1).Refresh(ctx)
		return err
	})
	cfg := n.table.Load().Config
	best.measure(t, "all: validate", cfg.Validate)
	best.measure(t, "list of endpoints", func() error {
		page, err := n.ListEndpoints(ctx, admin, service.PageRequest{Limit: service.MaxLimit, Text: "9"})
		if len(page.Items) != service.MaxLimit {
			t.Errorf("%d endpoints", len(page.Items))
		}
		return err
	})
	best.measure(t, "list of clients", func() error {
		_, err := n.ListClients(ctx, admin, service.PageRequest{Limit: service.MaxLimit})
		return err
	})
	changeOneOfTenThousand(t, best, n, cfg)
}

func changeOneOfTenThousand(t *testing.T, best stopwatch, n *node, cfg *dispatchapy.Config) {
	ctx := t.Context()
	best.measure(t, "change of a resource", func() error {
		r := cfg.Resource("r1000")
		_, err := n.UpdateResource(ctx, admin, r.ID, &r.Version, func(r *dispatchapy.Resource) error { r.Name = "renamed"; return nil })
		return err
	})
	best.measure(t, "change of an endpoint", func() error {
		e := cfg.Endpoint("e1001")
		_, err := n.UpdateEndpoint(ctx, admin, e.ID, &e.Version, func(d *service.EndpointDraft) error { d.Path = "renamed"; return nil })
		return err
	})
	best.measure(t, "new client", func() error {
		_, err := n.CreateClient(ctx, admin, &dispatchapy.Client{Name: "new"})
		return err
	})
	best.measure(t, "deletion", func() error {
		r := cfg.Resource("r1002")
		impact, err := n.ResourceImpact(ctx, admin, r.ID)
		if err != nil {
			return err
		}
		return n.DeleteResource(ctx, admin, r.ID, &impact.Version, true)
	})
	best.measure(t, "applying a file that changes one", func() error {
		_, err := n.Apply(ctx, admin, "f", []byte("version: 1\nresources: [{name: one-more, url: 'http://x.example/'}]\n"), service.ApplyOptions{})
		return err
	})
}
