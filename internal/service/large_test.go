//go:build !race

// The race detector makes all of this some ten times slower.

package service_test

import (
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// withinASecond measures on a machine that may be busy with other things: only
// several times a second is a failure. What it takes on an idle one is logged;
// it is a tenth of a second.
func withinASecond(t *testing.T, what string, do func() error) {
	t.Helper()
	start := time.Now()
	if err := do(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	took := time.Since(start)
	t.Logf("%s: %s", what, took)
	if took > 5*time.Second {
		t.Errorf("%s took %s with 10,000 objects", what, took)
	}
}

func TestTenThousandObjects(t *testing.T) {
	n := newNode(t, openStore(t), 1)
	n.refresh()
	ctx := t.Context()
	file := []byte(fileOf(t, large()))
	withinASecond(t, "applying them all", func() error {
		_, err := n.Apply(ctx, admin, "large.json", file, service.ApplyOptions{})
		return err
	})
	cfg := n.table.Load().Config

	withinASecond(t, "validating", cfg.Validate)
	withinASecond(t, "list of endpoints", func() error {
		page, err := n.ListEndpoints(ctx, admin, service.PageRequest{Limit: service.MaxLimit, Text: "9"})
		if len(page.Items) != service.MaxLimit {
			t.Errorf("%d endpoints", len(page.Items))
		}
		return err
	})
	withinASecond(t, "list of clients", func() error {
		_, err := n.ListClients(ctx, admin, service.PageRequest{Limit: service.MaxLimit})
		return err
	})
	withinASecond(t, "change of a resource", func() error {
		r := cfg.Resource("r1000")
		_, err := n.UpdateResource(ctx, admin, r.ID, &r.Version, func(r *dispatchapy.Resource) error { r.Name = "renamed"; return nil })
		return err
	})
	withinASecond(t, "change of an endpoint", func() error {
		e := cfg.Endpoint("e1001")
		_, err := n.UpdateEndpoint(ctx, admin, e.ID, &e.Version, func(d *service.EndpointDraft) error { d.Path = "renamed"; return nil })
		return err
	})
	withinASecond(t, "new client", func() error {
		_, err := n.CreateClient(ctx, admin, &dispatchapy.Client{Name: "new"})
		return err
	})
	withinASecond(t, "deletion", func() error {
		r := cfg.Resource("r1002")
		impact, err := n.ResourceImpact(ctx, admin, r.ID)
		if err != nil {
			return err
		}
		return n.DeleteResource(ctx, admin, r.ID, &impact.Version, true)
	})
	withinASecond(t, "applying a file that changes one", func() error {
		_, err := n.Apply(ctx, admin, "f", []byte("version: 1\nresources: [{name: one-more, url: 'http://x.example/'}]\n"), service.ApplyOptions{})
		return err
	})
}
