package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// answerGrace is how long the load waits for answers after its end.
	answerGrace = 30 * time.Second
	// maxBroken is how many connections may break in a row before the load
	// gives up: the process under test is gone.
	maxBroken = 20
)

// load describes requests to one endpoint: as fast as the connections allow,
// or at a fixed rate whatever the answers take.
type load struct {
	endpoint    string
	token       string
	bodyBytes   int
	connections int
	rate        int   // per second; 0: closed loop
	limit       int64 // requests in all; 0: no limit
	unrecorded  bool  // the provider shall not record these tasks
	raw         bool  // by RawClient

	warmup   time.Duration // not measured
	duration time.Duration // measured
}

// sample is one accepted request. Times are Unix nanoseconds, because the
// provider, another process on this machine, compares with them.
type sample struct {
	seq            int64
	sent, answered int64
}

// loadResult is what a load has seen.
type loadResult struct {
	samples  []sample
	rejected int   // answers other than 200, and broken connections
	from, to int64 // the measured window
}

// run sends the load to addr. It ends with ctx, after the duration, or at the limit.
func (l load) run(ctx context.Context, addr string) (loadResult, error) {
	begin := time.Now()
	from := begin.Add(l.warmup)
	end := from.Add(l.duration)
	var next atomic.Int64
	newClient := l.clients(addr, end.Add(answerGrace))
	workers := make([]*worker, l.connections)
	errs := make([]error, l.connections)
	var wg sync.WaitGroup
	for i := range workers {
		workers[i] = &worker{load: l, next: &next, begin: begin, end: end, client: newClient()}
		wg.Go(func() { errs[i] = workers[i].run(ctx) })
	}
	wg.Wait()
	result := loadResult{from: from.UnixNano(), to: min(end.UnixNano(), time.Now().UnixNano())}
	for _, w := range workers {
		result.samples = append(result.samples, w.samples...)
		result.rejected += w.rejected
	}
	if ctx.Err() != nil {
		return result, ctx.Err()
	}
	return result, errors.Join(errs...)
}

// worker keeps one connection busy.
type worker struct {
	load
	client     sender
	next       *atomic.Int64
	begin, end time.Time
	samples    []sample
	rejected   int
}

func (w *worker) run(ctx context.Context) error {
	defer w.client.hangUp()
	broken := 0
	for {
		seq := w.next.Add(1) - 1
		if w.limit > 0 && seq >= w.limit {
			return nil
		}
		due, ok := w.wait(ctx, seq)
		if !ok {
			return nil
		}
		status, err := w.client.send(ctx, seq)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			w.client.hangUp()
			w.rejected++
			if broken++; broken >= maxBroken {
				return fmt.Errorf("%d requests in a row got no answer, the last one: %w", broken, err)
			}
		case status != http.StatusOK:
			w.rejected++
			broken = 0
		default:
			w.samples = append(w.samples, sample{seq: seq, sent: due.UnixNano(), answered: time.Now().UnixNano()})
			broken = 0
		}
	}
}

// wait blocks until the request is due and gives that moment. ok is false at
// the end. At a fixed rate latency counts from the due time, so that a slow
// answer shows in the requests that it delays.
func (w *worker) wait(ctx context.Context, seq int64) (due time.Time, ok bool) {
	now := time.Now()
	if ctx.Err() != nil {
		return now, false
	}
	if w.rate == 0 {
		return now, now.Before(w.end)
	}
	due = w.begin.Add(time.Duration(seq) * time.Second / time.Duration(w.rate))
	if !due.Before(w.end) {
		return due, false
	}
	if pause := due.Sub(now); pause > 0 {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return due, false
		}
	}
	return due, true
}
