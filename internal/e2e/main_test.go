package e2e_test

import (
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain looks for goroutines that are left when every gateway was stopped.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		removeProgram()
		os.Exit(code)
	}))
}

// patience is how long something may take that normally takes no time, on a
// machine that has other things to do.
const patience = 15 * time.Second

// eventually waits until is holds. It fails the test after the given time,
// with what is awaited and what was there instead.
func eventually(t *testing.T, within time.Duration, what string, is func() (ok bool, instead any)) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	for {
		ok, instead := is()
		if ok {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not within %s: %s; instead: %v", within, what, instead)
		case <-t.Context().Done():
			t.Fatalf("the test ended while waiting for %s", what)
		}
	}
}
