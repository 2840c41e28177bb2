package e2e_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// leaseEnd is by when the tasks of a killed process are due again and sent.
const leaseEnd = 25 * time.Second

// TestKill kills the gateway under load, again and again, on one data
// directory. Whatever was acknowledged is delivered in the end.
func TestKill(t *testing.T) {
	t.Parallel()
	const kills = 10
	p := newProvider(t, takes(2*time.Millisecond))
	dir, file := t.TempDir(), fillOne(p)
	acked := map[string]int64{}
	for i := range kills {
		g := launch(t, dir, file)
		l := g.load(t, "send_sms", fmt.Sprintf("k%d-", i))
		l.awaitAcked(t, 100)
		g.kill()
		maps.Copy(acked, l.end())
	}

	g := launch(t, dir, file)
	g.awaitQuiet(t, leaseEnd)
	succeeded := map[int64]bool{}
	for _, found := range g.tasks(t, "status=success") {
		succeeded[found.ID] = true
	}
	for ref, id := range acked {
		if !succeeded[id] {
			t.Errorf("task %d (%s) was acknowledged and is %s", id, ref, g.task(t, id).Status)
		}
	}
	got := p.accepted()
	if missing := without(keys(acked), got); len(missing) > 0 {
		t.Errorf("acknowledged messages did not arrive: %s", few(missing))
	}
	twice := 0
	for ref, requests := range got {
		twice += len(requests) - 1
		for _, r := range requests {
			if r.Key == "" || r.Key != requests[0].Key {
				t.Errorf("message %s came under the keys %q and %q", ref, requests[0].Key, r.Key)
			}
		}
	}
	// A kill can only double what was on its way: one message of each sender,
	// and what waited for its outcome to be committed.
	t.Logf("%d acknowledged in %d lives, %d sent twice", len(acked), kills, twice)
	if twice > len(acked)/2 {
		t.Errorf("%d of %d messages were sent twice", twice, len(acked))
	}
	if code := g.terminate(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestTerminateUnderLoad ends the gateway in good order, more than once: every
// acknowledged message arrives exactly once.
func TestTerminateUnderLoad(t *testing.T) {
	t.Parallel()
	p := newProvider(t, takes(20*time.Millisecond))
	dir, file := t.TempDir(), fillOne(p)
	acked := map[string]int64{}
	for i := range 3 {
		g := launch(t, dir, file)
		l := g.load(t, "send_sms", fmt.Sprintf("t%d-", i))
		l.awaitAcked(t, 200)
		if code := g.terminate(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		maps.Copy(acked, l.end())
	}

	g := launch(t, dir, file)
	g.awaitQuiet(t, patience)
	unknown := 0 // accepted, but the answer did not come through
	for _, found := range g.tasks(t, "") {
		if _, known := acked[found.Ref]; !known {
			unknown++
			acked[found.Ref] = found.ID
		}
		if found.Status != "success" || found.AttemptCount != 1 {
			t.Errorf("task %d is %s after %d attempts: %s", found.ID, found.Status, found.AttemptCount, found.LastError)
		}
	}
	if unknown > 0 {
		t.Errorf("%d messages were stored without being answered in an orderly end", unknown)
	}
	p.checkOnce(t, keys(acked))
}

// TestTerminateWhileHanging ends the gateway while its provider hangs. The
// deliveries are broken off after the grace period, and their leases are given
// back: after the restart the tasks go out at once, with nothing spent.
func TestTerminateWhileHanging(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	p := newProvider(t, hangs(never))
	dir, file := t.TempDir(), fillOne(p)
	g := launch(t, dir, file, "--grace", "200ms")
	ids := g.flood(t, "send_sms", "r", 300) // more than are sent at once
	p.awaitReceived(t, 200)
	if code := g.terminate(t); code != 0 {
		t.Errorf("exit code %d", code)
	}

	p.now(works)
	g = launch(t, dir, file)
	p.await(t, 8*time.Second, keys(ids)...) // well before the leases would have ended
	g.awaitQuiet(t, patience)
	p.checkOnce(t, keys(ids))
	for _, found := range g.tasks(t, "") {
		if found.Status != "success" || found.AttemptCount != 1 {
			t.Errorf("task %d is %s after %d attempts", found.ID, found.Status, found.AttemptCount)
		}
	}
	keysOf := map[string]string{}
	for _, r := range p.all() {
		if before, known := keysOf[r.ref()]; known && before != r.Key {
			t.Errorf("message %s came under two idempotency keys", r.ref())
		}
		keysOf[r.ref()] = r.Key
	}
}

// TestTerminateWhileStarting ends the gateway before it is ready. That is no
// error, and the next start finds everything in order.
func TestTerminateWhileStarting(t *testing.T) {
	t.Parallel()
	var dir string
	for range 5 {
		dir = t.TempDir()
		cmd := command(t, "serve", "--addr", "127.0.0.1:0", "--data-dir", dir)
		cmd.Stderr = &logs{}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, patience, "the start has begun", func() (bool, any) {
			_, err := os.Stat(filepath.Join(dir, "dispatchapy.db"))
			return err == nil, err
		})
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, cmd.Stderr)
		}
	}
	p := newProvider(t, works)
	g := launch(t, dir, fillOne(p))
	g.awaitStatus(t, g.send(t, "send_sms", "r1"), "success")
}

// TestSecondSignal ends a gateway that is waiting for a delivery by signalling
// on. What follows on the heels of the first signal is taken for the same one.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	p := newProvider(t, hangs(make(chan struct{})))
	g := launch(t, t.TempDir(), fillOne(p), "--grace", "10m")
	g.send(t, "send_sms", "r1")
	p.awaitReceived(t, 1)
	first := time.Now()
	eventually(t, patience, "the process ends", func() (bool, any) {
		select {
		case <-g.ended:
			return true, nil
		default:
			_ = g.cmd.Process.Signal(syscall.SIGTERM) // it may have ended in this moment
			return false, nil
		}
	})
	if took := time.Since(first); took < time.Second {
		t.Errorf("it ended after %v: signals of one wrapper would have skipped the grace period", took)
	}
	if code := g.cmd.ProcessState.ExitCode(); code != -1 {
		t.Errorf("exit code %d, want the end by a signal", code)
	}
}
