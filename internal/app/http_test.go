package app

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestWritableIsTriedOnceAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c writableCache
		trials := 0
		release := make(chan struct{})
		hang := func(context.Context) error {
			trials++
			<-release
			return nil
		}
		for range 3 {
			if err := c.check(hang); !errors.Is(err, errWriteHangs) {
				t.Fatalf("a disk that hangs: %v", err)
			}
		}
		if trials != 1 {
			t.Errorf("%d trials at a time", trials)
		}
		close(release)
		synctest.Wait()
		if err := c.check(hang); err != nil || trials != 1 {
			t.Errorf("right after a trial: %v, %d trials", err, trials)
		}
		time.Sleep(writableFor)
		full := errors.New("full")
		if err := c.check(func(context.Context) error { return full }); !errors.Is(err, full) {
			t.Errorf("a disk that is full: %v", err)
		}
	})
}
