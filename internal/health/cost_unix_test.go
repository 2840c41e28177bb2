//go:build unix

package health

import (
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
	"dispatchapy/internal/store/sqlite"
)

// BenchmarkThousandResources measures what it costs to check 1,000 resources
// every 10 s over the network, with everything stored: the share of one core
// that the whole process takes, the listener that is connected to included.
//
//	go test ./internal/health -run xxx -bench ThousandResources -benchtime 1x
func BenchmarkThousandResources(b *testing.B) {
	const limit, warmUp, span = 5.0, 12 * time.Second, 20 * time.Second
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	go accept(listener)
	db, err := sqlite.Open(b.Context(), sqlite.Options{Path: filepath.Join(b.TempDir(), "test.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	}()
	fillHistory(b, db)
	client := deliver.NewClient(deliver.Options{AllowPrivate: func() bool { return true }})
	defer client.Close()
	table := routing.NewTable(compile(b, manyResources("http://"+listener.Addr().String()+"/")...))
	r := New(Options{Store: db, Gate: routing.NewAvailability(), Snapshots: table, Client: client, Log: slog.New(slog.DiscardHandler)})
	r.Start()
	defer r.Stop()
	checks := func() (n int64) {
		sums, err := db.Uptime(b.Context(), store.UptimeQuery{})
		if err != nil {
			b.Fatal(err)
		}
		for i := range sums {
			n += sums[i].Checks
		}
		return n
	}
	for range b.N {
		time.Sleep(warmUp)
		before, spent := checks(), cpuTime(b)
		time.Sleep(span)
		spent = cpuTime(b) - spent
		share := 100 * spent.Seconds() / span.Seconds()
		b.ReportMetric(share, "%core")
		b.ReportMetric(float64(checks()-before)/span.Seconds(), "checks/s")
		if share > limit {
			b.Errorf("checking costs %.1f %% of a core, want less than %v", share, limit)
		}
	}
}

// fillHistory stores as many checks as are kept, because each further one has
// to make room for itself.
func fillHistory(b *testing.B, db *sqlite.Store) {
	checks := make([]dispatchapy.Check, store.MaxChecks)
	for id := range int64(crowd) {
		for i := range checks {
			checks[i] = dispatchapy.Check{ResourceID: id + 1, Method: dispatchapy.CheckSimple, OK: true, Detail: "connected to 127.0.0.1:80"}
		}
		if err := db.ImportChecks(b.Context(), checks); err != nil {
			b.Fatal(err)
		}
	}
}

// accept takes connections and closes them, as a server would that is only
// connected to.
func accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			_ = c.Close()
		}
	}
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
