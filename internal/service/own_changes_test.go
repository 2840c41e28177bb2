package service

import (
	"testing"
	"testing/synctest"
	"time"

	"dispatchapy"
)

func TestClientsMayNotChangeThemselvesAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o ownChanges
		for i := range ownChangesBurst {
			if err := o.allow(1); err != nil {
				t.Fatalf("change %d: %v", i+1, err)
			}
		}
		if err := o.allow(1); dispatchapy.ErrorCode(err) != dispatchapy.CodeLimited {
			t.Errorf("one more: %v", err)
		}
		if err := o.allow(2); err != nil {
			t.Errorf("another client: %v", err)
		}
		time.Sleep(ownChangesEvery)
		if err := o.allow(1); err != nil {
			t.Errorf("after a while: %v", err)
		}
		for id := range int64(ownChangesMost + 10) {
			_ = o.allow(10 + id)
		}
		if len(o.clients) > ownChangesMost {
			t.Errorf("%d clients are remembered", len(o.clients))
		}
	})
}
