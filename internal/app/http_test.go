package app

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestWritableIsTriedOnceAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c writableCache
		var trials atomic.Int32
		release := make(chan struct{})
		hang := func(context.Context) error {
			trials.Add(1)
			<-release
			return nil
		}
		for range 3 {
			if err := c.check(hang); !errors.Is(err, errWriteHangs) {
				t.Fatalf("a disk that hangs: %v", err)
			}
		}
		if trials.Load() != 1 {
			t.Errorf("%d trials at a time", trials.Load())
		}
		close(release)
		synctest.Wait()
		if err := c.check(hang); err != nil || trials.Load() != 1 {
			t.Errorf("right after a trial: %v, %d trials", err, trials.Load())
		}
		time.Sleep(writableFor)
		full := errors.New("full")
		if err := c.check(func(context.Context) error { return full }); !errors.Is(err, full) {
			t.Errorf("a disk that is full: %v", err)
		}
	})
}
