package live

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"dispatchapy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func task(id int64, state string) dispatchapy.Change {
	return dispatchapy.Change{Kind: dispatchapy.ChangeTask, ID: id, State: state, ClientID: 1, EndpointID: 2}
}

func subscribe(t testing.TB, h *Hub, a Audience, after string) *Reader {
	t.Helper()
	r, err := h.Subscribe(a, after)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func next(t testing.TB, r *Reader) dispatchapy.Changes {
	t.Helper()
	changes, err := r.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

// nothing demands that there is nothing to read.
func nothing(t testing.TB, r *Reader) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if changes, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("there is %+v, %v", changes, err)
	}
}

// bubble runs a test in a fake time, which goes on only when all wait.
func bubble(t *testing.T, run func(t *testing.T, h *Hub)) {
	synctest.Test(t, func(t *testing.T) {
		h := New()
		t.Cleanup(h.Close)
		run(t, h)
	})
}

func TestReadersHearOfWhatComesAfterThem(t *testing.T) {
	bubble(t, func(t *testing.T, h *Hub) {
		h.Publish(task(1, "queued"))
		r := subscribe(t, h, Audience{}, "")
		nothing(t, r)
		go func() {
			time.Sleep(time.Second)
			h.Publish(task(2, "queued"))
		}()
		if diff := cmp.Diff([]dispatchapy.Change{task(2, "queued")}, next(t, r).List); diff != "" {
			t.Error(diff)
		}
		nothing(t, r)
	})
}

func TestOfEachObjectOnlyTheLatest(t *testing.T) {
	bubble(t, func(t *testing.T, h *Hub) {
		r := subscribe(t, h, Audience{}, "")
		config := dispatchapy.Change{Kind: dispatchapy.ChangeConfig}
		for _, c := range []dispatchapy.Change{task(1, "queued"), task(2, "queued"), config, task(1, "sending"), config, task(1, "delivered")} {
			h.Publish(c)
		}
		if diff := cmp.Diff([]dispatchapy.Change{task(1, "delivered"), task(2, "queued"), config}, next(t, r).List); diff != "" {
			t.Error(diff)
		}
	})
}

func TestABatchIsFollowedByAPause(t *testing.T) {
	bubble(t, func(t *testing.T, h *Hub) {
		r := subscribe(t, h, Audience{}, "")
		h.Publish(task(1, "queued"))
		begun := time.Now()
		next(t, r)
		if took := time.Since(begun); took != 0 {
			t.Errorf("the first change was told after %v", took)
		}
		h.Publish(task(1, "sending"))
		next(t, r)
		if took := time.Since(begun); took != pace {
			t.Errorf("the second one was told after %v, want %v", took, pace)
		}
	})
}

func TestAClientHearsOfItsOwn(t *testing.T) {
	bubble(t, func(t *testing.T, h *Hub) {
		r := subscribe(t, h, Audience{ClientID: 1}, "")
		foreign := task(5, "queued")
		foreign.ClientID = 9
		h.Publish(foreign)
		nothing(t, r)
		for _, c := range []dispatchapy.Change{
			foreign, task(1, "queued"),
			{Kind: dispatchapy.ChangeResource, ID: 7, State: "down"}, {Kind: dispatchapy.ChangeResource, ID: 8, State: "down"},
			{Kind: dispatchapy.ChangeIncident, ID: 3}, {Kind: dispatchapy.ChangeClient}, {Kind: dispatchapy.ChangeClient, ID: 9, ClientID: 9}, {Kind: dispatchapy.ChangeConfig},
		} {
			h.Publish(c)
		}
		want := []dispatchapy.Change{task(1, "queued"), {Kind: dispatchapy.ChangeResource}, {Kind: dispatchapy.ChangeConfig}}
		if diff := cmp.Diff(want, next(t, r).List); diff != "" {
			t.Errorf("nothing of others, and of what is shared only that it changed: %s", diff)
		}
	})
}

func TestTooMuchIsLookedAtAgain(t *testing.T) {
	bubble(t, func(t *testing.T, h *Hub) {
		r := subscribe(t, h, Audience{}, "")
		for id := range int64(maxPending) {
			h.Publish(task(id, "queued"))
		}
		if got := next(t, r); got.Resync || len(got.List) != maxPending {
			t.Errorf("%d objects give %d and resync %v", maxPending, len(got.List), got.Resync)
		}
		for id := range int64(maxPending + 1) {
			h.Publish(task(id, "queued"))
		}
		if got := next(t, r); !got.Resync || got.List != nil {
			t.Errorf("one more gives %d and resync %v", len(got.List), got.Resync)
		}
		for range ringSize { // of one object
			h.Publish(task(1, "queued"))
		}
		if got := next(t, r); got.Resync || len(got.List) != 1 {
			t.Errorf("a full ring gives %d and resync %v", len(got.List), got.Resync)
		}
		for range ringSize + 1 {
			h.Publish(task(1, "queued"))
		}
		if got := next(t, r); !got.Resync {
			t.Error("a reader that has fallen behind the ring does not know it")
		}
		nothing(t, r)
	})
}

func TestAReaderGoesOnWhereItWas(t *testing.T) {
	bubble(t, func(t *testing.T, h *Hub) {
		r := subscribe(t, h, Audience{}, "")
		h.Publish(task(1, "queued"))
		position := next(t, r).Position
		r.Close()
		time.Sleep(30 * time.Second)
		h.Publish(task(2, "queued"))
		again := subscribe(t, h, Audience{}, position)
		got := next(t, again)
		if diff := cmp.Diff([]dispatchapy.Change{task(2, "queued")}, got.List); diff != "" || got.Resync {
			t.Errorf("resync %v, %s", got.Resync, diff)
		}
		again.Close()
		nothing(t, subscribe(t, h, Audience{}, again.Position()))
	})
}

func TestAReaderThatCannotGoOnLooksAtEverything(t *testing.T) {
	bubble(t, func(t *testing.T, h *Hub) {
		r := subscribe(t, h, Audience{}, "")
		h.Publish(task(1, "queued"))
		position := next(t, r).Position
		for _, wrong := range []string{"x", "-", "other-1", h.epoch + "-0", h.epoch + "-99", h.epoch + "-", New().epoch + "-1", "\x00"} {
			if got := next(t, subscribe(t, h, Audience{}, wrong)); !got.Resync || got.Position != position {
				t.Errorf("from %q it goes on with %+v", wrong, got)
			}
		}
		for range ringSize + 1 {
			h.Publish(task(1, "queued"))
		}
		if got := next(t, subscribe(t, h, Audience{}, position)); !got.Resync {
			t.Errorf("after more than is remembered it goes on with %+v", got)
		}
	})
}

func TestNothingIsRememberedLongAfterTheLastReader(t *testing.T) {
	bubble(t, func(t *testing.T, h *Hub) {
		r := subscribe(t, h, Audience{}, "")
		h.Publish(task(1, "queued"))
		position := next(t, r).Position
		r.Close()
		r.Close()
		time.Sleep(linger - time.Second)
		back := subscribe(t, h, Audience{}, position) // just in time: the ring stays
		time.Sleep(2 * linger)
		h.Publish(task(2, "queued"))
		if got := next(t, back); got.Resync {
			t.Error("the ring was given up under a reader")
		}
		position = back.Position()
		back.Close()
		time.Sleep(linger + time.Second)
		if h.active.Load() {
			t.Error("changes are remembered for nobody")
		}
		h.Publish(task(3, "queued"))
		if got := next(t, subscribe(t, h, Audience{}, position)); !got.Resync {
			t.Errorf("a reader that comes too late goes on with %+v", got)
		}
	})
}

func TestReadersAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T, h *Hub) {
		var first *Reader
		for range MaxReaders {
			first = subscribe(t, h, Audience{}, "")
		}
		if _, err := h.Subscribe(Audience{}, ""); !errors.Is(err, ErrFull) {
			t.Errorf("one more than %d readers: %v", MaxReaders, err)
		}
		first.Close()
		subscribe(t, h, Audience{}, "")
	})
}

func TestAClientLeavesRoomForOthers(t *testing.T) {
	bubble(t, func(t *testing.T, h *Hub) {
		var first *Reader
		for range maxOfClient {
			first = subscribe(t, h, Audience{ClientID: 3}, "")
		}
		if _, err := h.Subscribe(Audience{ClientID: 3}, ""); !errors.Is(err, ErrFull) {
			t.Errorf("one more than %d readers of a client: %v", maxOfClient, err)
		}
		subscribe(t, h, Audience{ClientID: 4}, "")
		subscribe(t, h, Audience{}, "")
		first.Close()
		subscribe(t, h, Audience{ClientID: 3}, "")
	})
}

// TestManyAtOnce has publishers and readers at work together, for the race
// detector; every reader ends with the latest state of every task, or knows
// that it has to look.
func TestManyAtOnce(t *testing.T) {
	h := New()
	defer h.Close()
	var publishers, readers sync.WaitGroup
	for i := range 8 {
		r := subscribe(t, h, Audience{ClientID: int64(i % 2)}, "")
		readers.Go(func() {
			for {
				changes, err := r.Next(t.Context())
				if err != nil {
					return
				}
				for _, c := range changes.List {
					if c.State == "last" {
						return
					}
				}
				if changes.Resync {
					h.Publish(task(0, "last")) // it may have been among what was missed
				}
			}
		})
	}
	for i := range 4 {
		publishers.Go(func() {
			for n := range 20_000 {
				h.Publish(task(int64(n%100), fmt.Sprint(i, n)))
			}
		})
	}
	publishers.Wait()
	h.Publish(task(0, "last"))
	readers.Wait()
}

func BenchmarkPublish(b *testing.B) {
	for _, readers := range []int{0, 1, MaxReaders} {
		b.Run(fmt.Sprintf("%d readers", readers), func(b *testing.B) {
			h := New()
			defer h.Close()
			ctx, cancel := context.WithCancel(b.Context())
			var reading sync.WaitGroup
			for range readers {
				r := subscribe(b, h, Audience{}, "")
				reading.Go(func() {
					for {
						if _, err := r.Next(ctx); err != nil {
							return
						}
					}
				})
			}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for id := int64(0); pb.Next(); id++ {
					h.Publish(task(id, "delivered"))
				}
			})
			cancel()
			reading.Wait()
		})
	}
}

// TestNothingIsMissedBetweenLookingAndReading: whoever asks where it is before
// it looks hears of everything that came after, readers or not.
func TestNothingIsMissedBetweenLookingAndReading(t *testing.T) {
	bubble(t, func(t *testing.T, h *Hub) {
		h.Publish(task(1, "queued")) // before it looked
		at := h.Position()
		h.Publish(task(2, "queued"))
		time.Sleep(linger - time.Second)
		again := h.Position() // is remembered from the latest time that somebody asked
		h.Publish(task(3, "queued"))
		time.Sleep(linger - time.Second)
		r := subscribe(t, h, Audience{}, at)
		if diff := cmp.Diff([]dispatchapy.Change{task(2, "queued"), task(3, "queued")}, next(t, r).List); diff != "" {
			t.Error(diff)
		}
		other := subscribe(t, h, Audience{}, again)
		if diff := cmp.Diff([]dispatchapy.Change{task(3, "queued")}, next(t, other).List); diff != "" {
			t.Error(diff)
		}
		r.Close()
		other.Close()
		at = h.Position()
		time.Sleep(linger + time.Second)
		h.Publish(task(4, "queued")) // nobody came
		if late := next(t, subscribe(t, h, Audience{}, at)); !late.Resync {
			t.Errorf("what was forgotten is not told: %+v", late)
		}
	})
}
