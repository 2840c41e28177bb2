package browser_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"dispatchapy/internal/store"
	"dispatchapy/internal/store/sqlite"
	"dispatchapy/internal/store/storetest"
)

// fill stores a crowd of tasks, beside the gateway, of all of its endpoints,
// clients and resources.
func (g *gateway) fill(crowd storetest.Crowd) {
	g.t.Helper()
	g.interrupt(func() {
		db, err := sqlite.Open(g.t.Context(), sqlite.Options{Path: g.options.DatabasePath()})
		if err != nil {
			g.t.Fatal(err)
		}
		defer db.Close()
		names, err := db.ObjectNames(g.t.Context())
		if err != nil {
			g.t.Fatal(err)
		}
		for _, o := range names {
			switch o.Kind {
			case store.KindEndpoint:
				crowd.Endpoints = append(crowd.Endpoints, o.ID)
			case store.KindClient:
				crowd.Clients = append(crowd.Clients, o.ID)
			case store.KindResource:
				crowd.Resources = append(crowd.Resources, o.ID)
			}
		}
		if err := crowd.Store(g.t.Context(), db); err != nil {
			g.t.Fatal(err)
		}
	})
}

// crowdFile is a gateway with 30 resources, 20 endpoints and 50 clients.
func crowdFile() string {
	var out strings.Builder
	out.WriteString("version: 1\nresources:\n")
	for i := range 30 {
		fmt.Fprintf(&out, "  - {name: Provider %02d, url: $sink/p%d}\n", i, i)
	}
	out.WriteString("endpoints:\n")
	for i := range 20 {
		fmt.Fprintf(&out, "  - {path: endpoint_%02d, resources: [Provider %02d, Provider %02d]}\n", i, i, i+1)
	}
	out.WriteString("clients:\n  - {name: shop, token: " + shopToken + ", endpoints: [endpoint_00]}\n")
	for i := range 49 {
		fmt.Fprintf(&out, "  - {name: client-%02d, endpoints: [endpoint_%02d]}\n", i, i%20)
	}
	return out.String()
}

// crowded is what stays small however many tasks there are.
const (
	mostNodes = 1500
	mostBytes = 15 << 10 // of HTML, compressed
)

// TestPagesOfAHundredThousandTasks is gate G6: what pages cost does not grow
// with what is stored. Times are told, not judged: the machine may be busy.
func TestPagesOfAHundredThousandTasks(t *testing.T) {
	if testing.Short() {
		t.Skip("stores 100,000 tasks")
	}
	g := start(t, crowdFile())
	begun := time.Now()
	g.fill(storetest.Crowd{Tasks: 100_000, Until: time.Now(), Every: 5 * time.Second})
	t.Logf("stored in %s", time.Since(begun).Round(time.Millisecond))
	b := open(t, g.url)
	b.signIn("/tasks")
	for !js[bool](b, `fetch("/tasks?q=host-77").then((r) => r.text()).then((text) => text.match(/<tr id="task-/g)?.length === 50)`) {
		if time.Since(begun) > 5*time.Minute {
			t.Fatal("the text index does not come")
		}
	}
	t.Logf("searchable after %s", time.Since(begun).Round(time.Millisecond))
	for _, page := range []struct{ name, path string }{
		{"list", "/tasks"}, {"older", "/tasks?before=50000"}, {"failed", "/tasks?q=status:failed"}, {"delivered, a client", "/tasks?q=status:delivered+client:client-07"},
		{"time", "/tasks?q=since:1h"}, {"text", "/tasks?q=host-77"}, {"rare text", "/tasks?q=inv-100123"}, {"no such text", "/tasks?q=nothing-like-this"},
		{"detail", "/tasks/99990"}, {"target", "/tasks/99990?tab=target"}, {"held", "/held"},
	} {
		b.goTo(page.path)
		nodes := js[int](b, `document.querySelectorAll("*").length`)
		html := js[string](b, `fetch(location.href).then((r) => r.text())`)
		size := zipped(t, html)
		took := js[[]float64](b, `(async () => { const took = []; for (let i = 0; i < 21; i++) { const begun = performance.now(); await (await fetch(location.href)).text(); took.push(performance.now() - begun); } return took; })()`)
		slices.Sort(took)
		t.Logf("%-20s %4d nodes, %5.1f KB, median %5.1f ms, p95 %5.1f ms", page.name, nodes, float64(size)/1024, took[10], took[19])
		if nodes > mostNodes {
			t.Errorf("%s has %d nodes", page.name, nodes)
		}
		if size > mostBytes {
			t.Errorf("%s has %d bytes of HTML", page.name, size)
		}
	}
}

func zipped(t *testing.T, text string) int {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = io.WriteString(w, text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}
