package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// BenchmarkIndexCost compares whole lives of tasks in two databases, with and
// without an index, in turns. Run it with -benchtime 40000x or more.
func BenchmarkIndexCost(b *testing.B) {
	for _, c := range []struct{ name, change string }{
		{"none", "SELECT 1"},
		{"unsuccessful", "DROP INDEX tasks_unsuccessful"},
		{"endpoint", "DROP INDEX tasks_endpoint"},
		{"client", "DROP INDEX tasks_client"},
		{"resource", "DROP INDEX tasks_resource"},
		{"finished", "DROP INDEX tasks_finished"},
		{"failed-attempts", "DROP INDEX attempts_failed"},
		{"plus-created", "CREATE INDEX more ON tasks (created_at)"},
		{"plus-ref", "CREATE INDEX more ON tasks (ref)"},
		{"plus-retrying", "CREATE INDEX more ON tasks (status) WHERE status = 'pending' AND attempt_count > 0"},
	} {
		b.Run(c.name, func(b *testing.B) {
			plain, changed := benchStore(b, "SELECT 1"), benchStore(b, c.change)
			const round = 1000
			var ratios []float64
			b.ResetTimer()
			for range max(b.N/round, 1) {
				ratios = append(ratios, float64(took(b, plain, round))/float64(took(b, changed, round)))
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "median-speed-up")
		})
	}
}

func benchStore(b *testing.B, change string) *Store {
	s, err := Open(b.Context(), Options{Path: filepath.Join(b.TempDir(), "bench.db")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	if err := s.writes.Do(b.Context(), func(tx *tx) error { _, err := tx.exec(change); return err }); err != nil {
		b.Fatal(err)
	}
	return s
}

func took(b *testing.B, s *Store, tasks int) time.Duration {
	start := time.Now()
	lives(b, s, tasks)
	return time.Since(start)
}

// lives lets 64 callers take tasks through their whole life.
func lives(b *testing.B, s *Store, tasks int) {
	body := fmt.Appendf(nil, `{"ref":"r1","scope":"prod","message":"%0260d"}`, 1)
	var callers sync.WaitGroup
	for caller := range 64 {
		callers.Go(func() {
			for i := caller; i < tasks; i += 64 {
				if err := life(b.Context(), s, int64(i), body); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	callers.Wait()
}

func life(ctx context.Context, s *Store, i int64, body []byte) error {
	results, err := s.InsertTasks(ctx, []store.NewTask{{LeaseFor: time.Minute, Submission: dispatchapy.Submission{
		EndpointID: 1 + i%4, ClientID: 1 + i%8, Ref: fmt.Sprintf("%x", uint64(i)*0x9E3779B97F4A7C15), Scope: "prod", Source: body, MaxAttempts: 5,
	}}})
	if err != nil {
		return err
	}
	_, err = s.RecordOutcomes(ctx, []store.Outcome{{
		Lease: results[0].Leased.Lease, Status: dispatchapy.StatusSuccess, ResourceID: 1 + i%4,
		Attempts: []dispatchapy.Attempt{{Number: 1, ResourceID: 1 + i%4, Outcome: dispatchapy.OutcomeDelivered,
			StatusCode: 200, RequestBody: body, ResponseBody: []byte(`{"ok":true}`), StartedAt: time.Now(), Exchange: benchExchange}},
	}})
	return err
}
