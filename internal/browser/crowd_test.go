package browser_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

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

// crowdedPages are those whose work could grow with what is stored.
var crowdedPages = []struct{ name, path string }{
	{"overview", "/"}, {"list", "/tasks"}, {"older", "/tasks?before=2500"}, {"failed", "/tasks?q=status:failed"}, {"of a client", "/tasks?q=status:delivered+client:client-07"},
	{"of a time", "/tasks?q=since:1h"}, {"text", "/tasks?q=host-77"}, {"rare text", "/tasks?q=inv-100123"}, {"no such text", "/tasks?q=nothing-like-this"},
	{"detail", "/tasks/2490"}, {"held", "/held"}, {"resources", "/resources"}, {"endpoints", "/endpoints"}, {"clients", "/clients"}, {"incidents", "/incidents"},
}

// TestPagesOfManyTasks is the part of gate G6 that does not depend on the
// machine: pages are small whatever is stored. BenchmarkPages has the times, and
// the tests of the store that no list reads what it does not show.
func TestPagesOfManyTasks(t *testing.T) {
	t.Parallel()
	g := start(t, crowdFile())
	g.fill(storetest.Crowd{Tasks: 3_000, Until: time.Now(), Every: 5 * time.Second})
	b := open(t, g.url)
	b.signIn("/tasks")
	for _, page := range crowdedPages {
		b.arrive(page.path)
		b.small()
	}
}

// BenchmarkPages measures gates G6 and G7 beside 100,000 tasks, 30 resources, 20
// endpoints and 50 clients: how long the server takes for each page, and in a
// browser whose processor is slowed down four times when something is seen, when
// no script is busy any more, and how much moves. Once is enough:
//
//	go test ./internal/browser -run '^$' -bench Pages -benchtime 1x
func BenchmarkPages(b *testing.B) {
	g := start(b, crowdFile())
	g.fill(storetest.Crowd{Tasks: 100_000, Until: time.Now(), Every: 5 * time.Second})
	t := open(b, g.url)
	t.signIn("/tasks")
	for !js[bool](t, `fetch("/tasks?q=host-77").then((r) => r.text()).then((text) => text.match(/<tr id="task-/g)?.length === 50)`) {
		// the text index is being made
	}
	cookie := http.Header{"Cookie": {"dispatchapy_session=" + t.cookie("dispatchapy_session")}}
	for _, page := range crowdedPages {
		b.Run(page.name, func(b *testing.B) {
			for b.Loop() {
				var took []float64
				for range 60 {
					begun := time.Now()
					if status, body := g.request(http.MethodGet, page.path, "", cookie); status != http.StatusOK {
						b.Fatalf("%s: %d %.300s", page.path, status, body)
					}
					took = append(took, float64(time.Since(begun).Microseconds())/1000)
				}
				slices.Sort(took)
				b.ReportMetric(took[len(took)/2], "p50-ms")
				b.ReportMetric(took[len(took)*95/100], "p95-ms")
				seen := t.slowly(page.path)
				b.ReportMetric(seen.Painted, "painted-ms")
				b.ReportMetric(seen.Idle, "idle-ms")
				b.ReportMetric(seen.Moved, "moved")
				b.ReportMetric(float64(seen.Nodes), "nodes")
			}
			b.ReportMetric(0, "ns/op") // is the sum of all, and says nothing
		})
	}
}

// arrival is how a page came.
type arrival struct {
	Painted, Idle float64 // ms from the beginning
	Moved         float64 // cumulative layout shift
	Nodes         int
}

// slowly goes to a page with a quarter of the processor.
func (b *tab) slowly(path string) arrival {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: 4}); err != nil {
		b.t.Fatal(err)
	}
	b.arrive(path)
	return js[arrival](b, `(async () => {
		const seen = { painted: 0, idle: 0, moved: 0, nodes: document.querySelectorAll("*").length };
		const watch = (type, take) => new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
		watch("paint", (e) => { if (e.name === "first-contentful-paint") seen.painted = e.startTime; });
		watch("longtask", (e) => { seen.idle = Math.max(seen.idle, e.startTime + e.duration); });
		watch("layout-shift", (e) => { if (!e.hadRecentInput) seen.moved += e.value; });
		await new Promise((done) => setTimeout(done, 1000)); // for tasks that come late
		seen.idle = Math.max(seen.idle, seen.painted);
		return seen;
	})()`)
}
