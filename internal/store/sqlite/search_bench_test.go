//go:build unix

package sqlite

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
	"dispatchapy/internal/store/storetest"
)

var searchRows = flag.Int("search.rows", 20_000, "finished tasks in the benchmark of text search")

// BenchmarkSearch measures pages of 50 among many finished tasks, and how long
// it took to index them. The figures of docs/adr/0011-search.md are from
//
//	go test ./internal/store/sqlite -run '^$' -bench Search -search.rows 1000000
func BenchmarkSearch(b *testing.B) {
	path := filepath.Join(b.TempDir(), "dispatchapy.db")
	s, err := Open(b.Context(), Options{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	s.index.stop()
	storetest.Fill(b, s, *searchRows)
	last, err := s.ListTasks(b.Context(), store.TaskQuery{Limit: 1, Before: int64(*searchRows / 2)})
	if err != nil {
		b.Fatal(err)
	}
	task := last.Tasks[0]

	filters := map[string]store.TaskFilter{
		"common":      {Text: "order"},
		"two words":   {Text: "your parcel"},
		"rare":        {Text: storetest.RareText},
		"absent":      {Text: "not to be found"},
		"absent word": {Text: "zyx"},
		"three chars": {Text: "ste"},
		"two chars":   {Text: "zq"},
		"phone part":  {Text: string(task.Source[50:58])},
		"whole phone": {Text: string(task.Source[48:61])},
		"ref":         {Ref: task.Ref},
		"ref as text": {Text: task.Ref},
		"absent ref":  {Ref: "no-such-ref"},
		"rare, failed": {Text: storetest.RareText, Statuses: []dispatchapy.Status{
			dispatchapy.StatusFailed, dispatchapy.StatusPending}},
		"common, success, no such client": {Text: "order", ClientIDs: []int64{99}, Statuses: []dispatchapy.Status{dispatchapy.StatusSuccess}},
	}
	b.Run("rows", func(b *testing.B) { benchPages(b, s, filters) })
	indexAll(b, s, path)
	b.Run("indexed", func(b *testing.B) { benchPages(b, s, filters) })
}

func benchPages(b *testing.B, s *Store, filters map[string]store.TaskFilter) {
	for name, filter := range filters {
		b.Run(name, func(b *testing.B) {
			found, next, before := 0, int64(0), processorTime(b)
			for b.Loop() {
				page, err := s.ListTasks(b.Context(), store.TaskQuery{Filter: filter, Limit: 50})
				if err != nil {
					b.Fatal(err)
				}
				found, next = len(page.Tasks), page.Next
			}
			// Processor time shows the same on a machine that others use as well.
			b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N)/1000, "cpu-ms/page")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "ms/page")
			b.ReportMetric(float64(found), "found")
			b.ReportMetric(min(float64(next), 1), "more")
		})
	}
}

// indexAll indexes everything without rests, and reports what it took.
func indexAll(b *testing.B, s *Store, path string) {
	b.Helper()
	start, before := time.Now(), processorTime(b)
	(&byIndex{Store: s}).catchUp(b)
	took, cpu := time.Since(start), processorTime(b)-before
	perTask := func(n int64) float64 { return float64(n) / float64(*searchRows) }
	size := func(path string) float64 {
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		return perTask(info.Size())
	}
	b.Run("indexing", func(b *testing.B) {
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(perTask(took.Microseconds()), "µs/task")
		b.ReportMetric(perTask(cpu.Microseconds()), "cpu-µs/task")
		b.ReportMetric(size(s.index.path), "index-bytes/task")
		b.ReportMetric(size(path), "bytes/task")
	})
}

// BenchmarkBesideIndexing measures whole lives with the indexer at work and
// without, in turns: what it takes from the intake.
func BenchmarkBesideIndexing(b *testing.B) {
	for range 3 {
		for _, indexing := range []bool{false, true} {
			b.Run(fmt.Sprintf("indexing=%v", indexing), func(b *testing.B) {
				s, err := Open(b.Context(), Options{Path: filepath.Join(b.TempDir(), "dispatchapy.db")})
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				if !indexing {
					s.index.stop()
				}
				before := processorTime(b)
				storetest.WholeLife(b, s)
				b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/task")
				s.index.mu.Lock()
				defer s.index.mu.Unlock()
				b.ReportMetric(float64(s.index.mark.indexed)/float64(b.N), "indexed")
			})
		}
	}
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
