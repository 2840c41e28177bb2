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

func fileOf(t testing.TB, cfg *dispatchapy.Config) string {
	t.Helper()
	text, err := gatewayfile.EncodeJSON(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// BenchmarkTenThousandObjects measures what people wait for when there are
// 10,000 objects. Run it with -benchtime 10x or more: applying them all takes a
// new database every time.
func BenchmarkTenThousandObjects(b *testing.B) {
	for _, format := range []struct {
		name   string
		encode func(*dispatchapy.Config) ([]byte, error)
	}{{"yaml", gatewayfile.Encode}, {"json", gatewayfile.EncodeJSON}} {
		file, err := format.encode(large())
		if err != nil {
			b.Fatal(err)
		}
		b.Run("apply="+format.name, func(b *testing.B) { benchApplyAll(b, file) })
		b.Run("apply-same="+format.name, func(b *testing.B) {
			n := largeNode(b)
			for b.Loop() {
				benchApply(b, n, file)
			}
		})
	}
	b.Run("apply-one", func(b *testing.B) {
		n := largeNode(b)
		for i := 0; b.Loop(); i++ {
			benchApply(b, n, fmt.Appendf(nil, "version: 1\nresources: [{name: r1000, url: 'http://x%d.example/'}]\n", i))
		}
	})
	b.Run("update", benchUpdate)
	b.Run("delete", benchDelete)
	b.Run("list", benchList)
	b.Run("start", benchStart)
}

// benchApplyAll applies a file to an empty gateway.
func benchApplyAll(b *testing.B, file []byte) {
	for range b.N {
		b.StopTimer()
		n := newNode(b, openStore(b), 1)
		n.refresh()
		b.StartTimer()
		benchApply(b, n, file)
	}
}

func benchApply(b *testing.B, n *node, file []byte) {
	b.Helper()
	if _, err := n.Apply(b.Context(), admin, "large", file, service.ApplyOptions{}); err != nil {
		b.Fatal(err)
	}
}

// largeNode is a node with 10,000 objects.
func largeNode(b *testing.B) *node {
	b.Helper()
	n := newNode(b, openStore(b), 1)
	n.refresh()
	benchApply(b, n, []byte(fileOf(b, large())))
	return n
}

func benchUpdate(b *testing.B) {
	n := largeNode(b)
	for b.Loop() {
		r := n.table.Load().Config.Resource("r1000")
		if _, err := n.UpdateResource(b.Context(), admin, r.ID, &r.Version, func(r *dispatchapy.Resource) error {
			r.Timeout += dispatchapy.Duration(time.Millisecond)
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
}

func benchDelete(b *testing.B) {
	n := largeNode(b)
	for b.Loop() {
		c := n.table.Load().Config.Clients[0]
		if err := n.DeleteClient(b.Context(), admin, c.ID, &c.Version, true); err != nil {
			b.Fatal(err)
		}
	}
}

func benchList(b *testing.B) {
	n := largeNode(b)
	for b.Loop() {
		if _, err := n.ListEndpoints(b.Context(), admin, service.PageRequest{Limit: service.MaxLimit, Text: "9"}); err != nil {
			b.Fatal(err)
		}
	}
}

// benchStart reads 10,000 stored objects as a gateway does at its start.
func benchStart(b *testing.B) {
	db := openStore(b)
	first := newNode(b, db, 1)
	first.refresh()
	benchApply(b, first, []byte(fileOf(b, large())))
	for b.Loop() {
		newNode(b, db, 1).refresh()
	}
}
