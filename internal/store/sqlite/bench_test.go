package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// benchBody is a payload of about 300 bytes.
func benchBody() []byte {
	return fmt.Appendf(nil, `{"ref":"%016x","scope":"prod","phone":"+62%010d","message":"%0220d"}`,
		rand.Uint64(), rand.IntN(1e10), rand.IntN(1e9))
}

func benchTask(body []byte, lease time.Duration) store.NewTask {
	return store.NewTask{
		Submission: dispatchapy.Submission{
			EndpointID: 1 + rand.Int64N(4), ClientID: 1 + rand.Int64N(8),
			Ref: fmt.Sprintf("%016x", rand.Uint64()), Scope: "prod", Source: body, MaxAttempts: 5,
		},
		LeaseFor: lease,
	}
}

// callers is how many goroutines use the store in the benchmarks.
const callers = 64

func parallel(b *testing.B, one func() error) {
	b.Helper()
	b.SetParallelism(callers / 2)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := one(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
}

func BenchmarkInsert(b *testing.B) {
	s := openNew(b)
	defer s.Close()
	body := benchBody()
	parallel(b, func() error {
		_, err := s.InsertTasks(b.Context(), []store.NewTask{benchTask(body, 0)})
		return err
	})
}

func BenchmarkWholeLife(b *testing.B) {
	s := openNew(b)
	defer s.Close()
	body := benchBody()
	parallel(b, func() error { return wholeLife(b, s, body) })
}

func wholeLife(b *testing.B, s store.Store, body []byte) error {
	results, err := s.InsertTasks(b.Context(), []store.NewTask{benchTask(body, time.Minute)})
	if err != nil {
		return err
	}
	stale, err := s.RecordOutcomes(b.Context(), []store.Outcome{{
		Lease: results[0].Leased.Lease, Status: dispatchapy.StatusSuccess, ResourceID: 1,
		Attempts: []dispatchapy.Attempt{{
			Number: 1, ResourceID: 1, Outcome: dispatchapy.OutcomeDelivered, StatusCode: 200,
			RequestBody: body, ResponseBody: []byte(`{"ok":true}`), StartedAt: time.Now(), Duration: time.Millisecond,
		}},
	}})
	if err == nil && len(stale) > 0 {
		err = fmt.Errorf("stale: %v", stale)
	}
	return err
}
