//go:build !race

// The race detector makes all of this some ten times slower.

package service_test

import (
	"fmt"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/service"
)

// large is a configuration of 10,000 objects.
func large() *dispatchapy.Config {
	cfg := &dispatchapy.Config{Settings: dispatchapy.DefaultSettings()}
	for i := range 2500 {
		cfg.Resources = append(cfg.Resources, dispatchapy.Resource{
			Name: fmt.Sprintf("r%04d", i), URL: fmt.Sprintf("http://r%d.example/send", i), RequiredParams: []string{"to"},
			Headers: map[string]dispatchapy.Secret{"X-Key": "hush-large"},
		})
		r := cfg.Resources[i].Name
		cfg.Endpoints = append(cfg.Endpoints, dispatchapy.Endpoint{
			Path: fmt.Sprintf("e%04d", i), Resources: []string{r}, Mapping: map[string]dispatchapy.Mapping{r: {"to": {From: "phone"}}},
		})
	}
	for i := range 5000 {
		cfg.Clients = append(cfg.Clients, dispatchapy.Client{
			Name: fmt.Sprintf("c%04d", i), Token: dispatchapy.Secret(fmt.Sprintf("token-of-client-%d", i)),
			Endpoints: []string{cfg.Endpoints[i/2].Path, cfg.Endpoints[(i+7)%2500].Path},
		})
	}
	cfg.Normalize()
	return cfg
}

func fileOf(t *testing.T, cfg *dispatchapy.Config) string {
	t.Helper()
	text, err := gatewayfile.EncodeJSON(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

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
