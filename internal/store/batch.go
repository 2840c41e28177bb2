package store

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// Batcher gathers the operations of concurrent callers and commits them
// together, so that one sync to disk serves many of them. Batches form by
// themselves: while one is being committed, the next one gathers. There is no
// timer, so that a lone caller never waits for company.
type Batcher[Op any] struct {
	commit  CommitFunc[Op]
	options BatcherOptions
	queue   chan *waiting[Op]
	done    chan struct{} // closed when the committing goroutine has ended

	mu     sync.RWMutex // held for reading while admitting, for writing to close
	closed bool
}

// CommitFunc commits a batch and sets errs[i] to the fate of ops[i]: nil only
// if its change is durable. It is called from one goroutine. Neither slice may
// be kept.
type CommitFunc[Op any] func(ops []Op, errs []error)

// BatcherOptions bound a Batcher. Zero fields take the defaults.
type BatcherOptions struct {
	MaxBatch int // operations in one commit, default 512
	MaxQueue int // operations waiting for admission to a batch, default 4096

	// Observe, if set, is told of every commit, from the committing goroutine.
	Observe func(BatchStats)
}

// BatchStats describes one commit.
type BatchStats struct {
	Ops    int           // operations in the batch
	Failed int           // operations of it that ended with an error
	Took   time.Duration // time to run and sync it
}

type waiting[Op any] struct {
	op   Op
	fate chan error
}

// NewBatcher starts the committing goroutine. Close ends it.
func NewBatcher[Op any](commit CommitFunc[Op], options BatcherOptions) *Batcher[Op] {
	if options.MaxBatch <= 0 {
		options.MaxBatch = 512
	}
	if options.MaxQueue <= 0 {
		options.MaxQueue = 4096
	}
	b := &Batcher[Op]{
		commit:  commit,
		options: options,
		queue:   make(chan *waiting[Op], options.MaxQueue),
		done:    make(chan struct{}),
	}
	go b.run()
	return b
}

// Do commits an operation with others and gives its fate. While the queue is
// full it waits for admission, at most until ctx ends. Once admitted the
// operation is carried out and its true fate is given, whatever ctx says.
// After Close it gives ErrClosed.
func (b *Batcher[Op]) Do(ctx context.Context, op Op) error {
	w := &waiting[Op]{op: op, fate: make(chan error, 1)}
	if err := b.admit(ctx, w); err != nil {
		return err
	}
	return <-w.fate
}

func (b *Batcher[Op]) admit(ctx context.Context, w *waiting[Op]) error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.closed {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case b.queue <- w:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close refuses new operations, waits until the admitted ones are committed
// and ends the committing goroutine. It may be called more than once.
func (b *Batcher[Op]) Close() {
	b.mu.Lock() // the queue keeps draining, so that those who admit get out of the way
	if !b.closed {
		b.closed = true
		close(b.queue)
	}
	b.mu.Unlock()
	<-b.done
}

func (b *Batcher[Op]) run() {
	defer close(b.done)
	var (
		batch []*waiting[Op]
		ops   []Op
		errs  []error
	)
	for first := range b.queue {
		batch = b.gather(append(batch[:0], first))
		ops, errs = ops[:0], errs[:0]
		for _, w := range batch {
			ops = append(ops, w.op)
			errs = append(errs, nil)
		}
		b.commitBatch(ops, errs)
		for i, w := range batch {
			w.fate <- errs[i]
		}
		clear(batch) // what was answered can be collected
		clear(ops)
		clear(errs)
	}
}

// gather adds to the batch whatever waits already.
func (b *Batcher[Op]) gather(batch []*waiting[Op]) []*waiting[Op] {
	// The callers of the last batch have only just been told. Letting them run
	// first makes full batches; otherwise small and large ones alternate.
	runtime.Gosched()
	for len(batch) < b.options.MaxBatch {
		select {
		case w, ok := <-b.queue:
			if !ok {
				return batch
			}
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

func (b *Batcher[Op]) commitBatch(ops []Op, errs []error) {
	start := time.Now()
	b.commit(ops, errs)
	if b.options.Observe == nil {
		return
	}
	stats := BatchStats{Ops: len(ops), Took: time.Since(start)}
	for _, err := range errs {
		if err != nil {
			stats.Failed++
		}
	}
	b.options.Observe(stats)
}
