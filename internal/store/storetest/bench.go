package storetest

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// Rows is how many finished tasks the benchmarks of a large database insert
// first. A driver's benchmark file may raise it.
var Rows = 20_000

// Bench measures a driver. Rates are reported as tasks/s.
func Bench(b *testing.B, open Opener) {
	b.Run("InsertFrom64", func(b *testing.B) { benchInsert(b, opened(b, open)) })
	b.Run("WholeLifeFrom64", func(b *testing.B) { WholeLife(b, opened(b, open)) })
	b.Run("InsertAlone", func(b *testing.B) { benchAlone(b, opened(b, open)) })
	b.Run("ClaimBatches", func(b *testing.B) { benchClaim(b, opened(b, open)) })
	b.Run(fmt.Sprintf("Among%d", Rows), func(b *testing.B) {
		s := opened(b, open)
		Fill(b, s, Rows)
		b.Run("Lists", func(b *testing.B) { benchLists(b, s) })
		b.Run("Counts", func(b *testing.B) { benchCounts(b, s) })
		b.Run("WholeLifeFrom64", func(b *testing.B) { WholeLife(b, s) })
	})
}

// from64 spreads b.N operations over 64 goroutines and reports their rate.
func from64(b *testing.B, do func() error) {
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	each(64, func(int) {
		for left.Add(-1) >= 0 {
			if err := do(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	rate(b, b.N)
}

func rate(b *testing.B, tasks int) {
	b.StopTimer()
	b.ReportMetric(float64(tasks)/b.Elapsed().Seconds(), "tasks/s")
}

func benchInsert(b *testing.B, s store.Store) {
	from64(b, func() error {
		r, err := s.InsertTasks(b.Context(), []store.NewTask{typical()})
		if err == nil {
			err = r[0].Err
		}
		return err
	})
}

// WholeLife measures what a task costs when all goes well: inserted leased by
// one of 64 callers, one outcome with one attempt.
func WholeLife(b *testing.B, s store.Store) {
	from64(b, func() error { return life(b, s) })
}

func life(b *testing.B, s store.Store) error {
	n := typical()
	n.LeaseFor = longLease
	r, err := s.InsertTasks(b.Context(), []store.NewTask{n})
	if err != nil {
		return err
	}
	stale, err := s.RecordOutcomes(b.Context(), []store.Outcome{delivered(r[0].Leased.Lease, n.Source)})
	if err == nil && len(stale) != 0 {
		err = fmt.Errorf("lease %+v is stale", r[0].Leased.Lease)
	}
	return err
}

func benchAlone(b *testing.B, s store.Store) {
	b.ResetTimer()
	for range b.N {
		if _, err := s.InsertTasks(b.Context(), []store.NewTask{typical()}); err != nil {
			b.Fatal(err)
		}
	}
	rate(b, b.N)
}

func benchClaim(b *testing.B, s store.Store) {
	const batch = 100
	for left := b.N * batch; left > 0; left -= 1000 {
		insert(b, s, manyTypical(min(left, 1000))...)
	}
	b.ResetTimer()
	for range b.N {
		if got := len(claim(b, s, endpointA, batch, longLease).Tasks); got != batch {
			b.Fatalf("claimed %d tasks, want %d", got, batch)
		}
	}
	rate(b, b.N*batch)
}

func benchLists(b *testing.B, s store.Store) {
	for name, f := range map[string]store.TaskFilter{
		"all":           {},
		"status":        {Statuses: []dispatchapy.Status{dispatchapy.StatusSuccess}},
		"absent status": {Statuses: []dispatchapy.Status{dispatchapy.StatusHeld}},
		"client":        {ClientIDs: []int64{clientA}},
		"absent client": {ClientIDs: []int64{clientB}},
		"common text":   {Text: "order"},
		"rare text":     {Text: RareText},
		"absent text":   {Text: "not to be found"},
		"absent ref":    {Ref: "no-such-ref"},
	} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				q := store.TaskQuery{Filter: f, Limit: 50}
				for found := 0; ; {
					page, err := s.ListTasks(b.Context(), q)
					if err != nil {
						b.Fatal(err)
					}
					if found += len(page.Tasks); found >= q.Limit || page.Next == 0 {
						break
					}
					q.Before = page.Next
				}
			}
		})
	}
}

// benchCounts counts what a page shows, for the filters that it has, among some
// tasks that are not finished.
func benchCounts(b *testing.B, s store.Store) {
	for range 10 {
		insert(b, s, manyTypical(1000)...)
	}
	pending := []dispatchapy.Status{dispatchapy.StatusPending}
	for name, f := range map[string]store.TaskFilter{
		"all":           {},
		"client":        {ClientIDs: []int64{clientA}},
		"absent client": {ClientIDs: []int64{clientB}},
		"endpoint":      {EndpointIDs: []int64{endpointA}},
		"absent ref":    {Ref: "no-such-ref"},
		"absent scope":  {Scope: "no-such-scope"},
	} {
		var filters []store.TaskFilter
		for _, phase := range dispatchapy.Phases {
			one := f
			one.Statuses = []dispatchapy.Status{phase.Status()}
			if slices.Equal(one.Statuses, pending) {
				one.Pending = &store.PendingFilter{Phases: []dispatchapy.Phase{phase}, Stuck: []int64{endpointB}}
			}
			filters = append(filters, one)
		}
		b.Run(name, func(b *testing.B) {
			for range b.N {
				if _, err := s.CountTasks(b.Context(), filters, 1000); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// RareText is in the source of one of every 10,000 tasks that Fill inserts.
const RareText = "quicksilver"

// Fill inserts n finished tasks of about 300 bytes.
func Fill(tb testing.TB, s store.Store, n int) {
	tb.Helper()
	for done := 0; done < n; done += 1000 {
		tasks := manyTypical(min(n-done, 1000))
		for i := range tasks {
			tasks[i].LeaseFor = longLease
			if (done+i)%10_000 == 5000 {
				tasks[i].Source = bytes.Replace(tasks[i].Source, []byte(`e":"`), []byte(`e":"`+RareText+" "), 1)
			}
		}
		outcomes := make([]store.Outcome, len(tasks))
		for i, r := range submit(tb, s, tasks...) {
			if r.Err != nil || r.Leased == nil {
				tb.Fatalf("filling: %+v", r)
			}
			outcomes[i] = delivered(r.Leased.Lease, tasks[i].Source)
		}
		if stale, err := s.RecordOutcomes(tb.Context(), outcomes); err != nil || len(stale) != 0 {
			tb.Fatalf("filling: stale %v, %v", stale, err)
		}
	}
}

func delivered(lease store.Lease, target []byte) store.Outcome {
	return store.Outcome{
		Lease: lease, Status: dispatchapy.StatusSuccess, ResourceID: resourceA,
		Attempts: []dispatchapy.Attempt{{
			Number: 1, ResourceID: resourceA, Outcome: dispatchapy.OutcomeDelivered, StatusCode: 200,
			RequestBody: target, ResponseBody: []byte(`{"ok":true}`), StartedAt: now(),
		}},
	}
}

func manyTypical(n int) []store.NewTask {
	tasks := make([]store.NewTask, n)
	for i := range tasks {
		tasks[i] = typical()
	}
	return tasks
}

// words is a vocabulary of which the first are common and the last are rare,
// as in any language.
var words = func() []string {
	list := []string{"order", "your", "parcel", "invoice", "code", "tomorrow", "delivered", "thank", "please", "account",
		"payment", "received", "Köln", "street", "confirm", "welcome", "ticket", "number", "seat", "doctor"}
	r := rand.New(rand.NewPCG(1, 2))
	syllables := []string{"ba", "con", "der", "el", "fi", "gran", "ha", "in", "jo", "kel", "li", "mon", "na", "or", "pre", "qui", "ras", "ster", "tu", "ver"}
	for len(list) < 5000 {
		word := ""
		for range 2 + r.IntN(3) {
			word += syllables[r.IntN(len(syllables))]
		}
		list = append(list, word)
	}
	return list
}()

// word draws a word: the one at place n about n times as rarely as the first.
func word() string {
	return words[int(math.Pow(float64(len(words)), rand.Float64()))-1]
}

// typical makes a task of about 300 bytes.
func typical() store.NewTask {
	n := newTask()
	n.Ref = fmt.Sprintf("%016x", rand.Uint64())
	source := fmt.Appendf(nil, `{"ref":%q,"scope":"test","phone":"+62%010d","message":"`, n.Ref, rand.IntN(1e10))
	for len(source) < 290 {
		source = append(append(source, word()...), ' ')
	}
	source = append(source, `"}`...)
	n.Source = source
	return n
}
