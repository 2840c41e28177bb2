package store_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"dispatchapy/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBatcherGathersWhileItCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var batches [][]int
		b := store.NewBatcher(func(ops []int, _ []error) {
			batches = append(batches, slices.Clone(ops))
			<-release
		}, store.BatcherOptions{MaxBatch: 3})

		var callers sync.WaitGroup
		call := func(op int) {
			callers.Go(func() {
				if err := b.Do(t.Context(), op); err != nil {
					t.Errorf("Do(%d): %v", op, err)
				}
			})
			synctest.Wait()
		}
		for op := range 6 { // 0 is being committed; 1 to 5 gather
			call(op)
		}
		close(release)
		callers.Wait()
		b.Close()

		want := [][]int{{0}, {1, 2, 3}, {4, 5}}
		if !slices.EqualFunc(batches, want, slices.Equal) {
			t.Errorf("batches %v, want %v", batches, want)
		}
	})
}

func TestBatcherGivesEachCallerItsOwnFate(t *testing.T) {
	odd := errors.New("odd")
	b := store.NewBatcher(func(ops []int, errs []error) {
		for i, op := range ops {
			if op%2 == 1 {
				errs[i] = odd
			}
		}
	}, store.BatcherOptions{MaxBatch: 8, MaxQueue: 2})
	defer b.Close()

	var callers sync.WaitGroup
	for op := range 200 {
		callers.Go(func() {
			var want error
			if op%2 == 1 {
				want = odd
			}
			if got := b.Do(t.Context(), op); !errors.Is(got, want) {
				t.Errorf("Do(%d) = %v, want %v", op, got, want)
			}
		})
	}
	callers.Wait()
}

func TestBatcherAdmissionHonoursContextButAdmittedWorkIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		b := store.NewBatcher(func([]int, []error) { <-release }, store.BatcherOptions{MaxBatch: 1, MaxQueue: 1})
		ctx, cancel := context.WithCancel(t.Context())

		const callers = 3 // one is committed, one is queued, one waits for admission
		fates := make(chan error, callers)
		for op := range callers {
			go func() { fates <- b.Do(ctx, op) }()
			synctest.Wait()
		}
		cancel()
		if err := <-fates; !errors.Is(err, context.Canceled) {
			t.Errorf("waiting for admission: %v, want %v", err, context.Canceled)
		}
		synctest.Wait()
		if len(fates) > 0 {
			t.Fatalf("an admitted operation was given up: %v", <-fates)
		}
		close(release)
		for range callers - 1 {
			if err := <-fates; err != nil {
				t.Errorf("an admitted operation failed: %v", err)
			}
		}
		b.Close()
	})
}

func TestBatcherCloseCommitsWhatWasAdmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		committed := 0
		b := store.NewBatcher(func(ops []int, _ []error) {
			<-release
			committed += len(ops)
		}, store.BatcherOptions{})
		var callers sync.WaitGroup
		for op := range 10 {
			callers.Go(func() {
				if err := b.Do(t.Context(), op); err != nil {
					t.Errorf("Do(%d): %v", op, err)
				}
			})
		}
		synctest.Wait()
		closed := make(chan struct{})
		go func() { b.Close(); close(closed) }()
		synctest.Wait()
		close(release)
		<-closed
		callers.Wait()
		if committed != 10 {
			t.Errorf("%d operations committed, want 10", committed)
		}
		if err := b.Do(t.Context(), 11); !errors.Is(err, store.ErrClosed) {
			t.Errorf("Do after Close: %v, want %v", err, store.ErrClosed)
		}
		b.Close()
	})
}

func TestBatcherObservesCommits(t *testing.T) {
	var seen []store.BatchStats
	failure := errors.New("failure")
	b := store.NewBatcher(func(_ []int, errs []error) { errs[0] = failure },
		store.BatcherOptions{Observe: func(s store.BatchStats) { seen = append(seen, s) }})
	if err := b.Do(t.Context(), 1); !errors.Is(err, failure) {
		t.Errorf("Do = %v, want %v", err, failure)
	}
	b.Close()
	if len(seen) != 1 || seen[0].Ops != 1 || seen[0].Failed != 1 {
		t.Errorf("observed %+v, want one commit with one failed operation", seen)
	}
}
