package storetest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// childEnv tells a copy of the test binary to be the process that is killed,
// and names its database.
const childEnv = "STORETEST_CRASH_DATABASE"

// RunCrash kills a process that writes and demands that everything which it
// was told to be stored is there afterwards. The killed process is the test
// binary itself, which runs the calling test again and comes to this function.
//
// place makes the database and names it; open opens a store on that name.
//
// A killed process loses nothing that it gave to the operating system, so this
// shows that acknowledgements wait for the commit; that the commit waits for
// the disk is up to the driver.
func RunCrash(t *testing.T, place func(t testing.TB) string, open func(name string) (store.Store, error)) {
	t.Helper()
	if name := os.Getenv(childEnv); name != "" {
		crashChild(name, open)
		return
	}
	name := place(t)
	stored := map[int64]string{}
	for round := range 3 {
		for id, status := range killedWhileWriting(t, name, 150) {
			stored[id] = status
		}
		s, err := open(name)
		if err != nil {
			t.Fatalf("opening the database after kill %d: %v", round+1, err)
		}
		checkStored(t, s, stored)
		shut(t, s)
	}
}

// killedWhileWriting starts the child, kills it in the midst of its work once
// it has acknowledged enough, and gives what it acknowledged.
func killedWhileWriting(t *testing.T, name string, enough int) map[int64]string {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.count=1")
	child.Env = append(os.Environ(), childEnv+"="+name)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[int64]string{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var id int64
		var status string
		// A line cut short by the kill, or printed by the testing package,
		// acknowledges nothing.
		if n, err := fmt.Sscanf(lines.Text(), "stored %d as %s .", &id, &status); err != nil || n != 2 {
			continue
		}
		acknowledged[id] = status
		if len(acknowledged) == enough {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = child.Wait() // killed, so never without an error
	if len(acknowledged) < enough {
		t.Fatalf("the child ended after %d acknowledgements, want %d", len(acknowledged), enough)
	}
	return acknowledged
}

// crashChild writes from several goroutines until it is killed. Each line goes
// out in one system call after the store acknowledged it.
func crashChild(name string, open func(string) (store.Store, error)) {
	s, err := open(name)
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
	said := func(id int64, status dispatchapy.Status) { fmt.Fprintf(os.Stdout, "stored %d as %s .\n", id, status) }
	ctx := context.Background()
	each(8, func(int) {
		for {
			r, err := s.InsertTasks(ctx, []store.NewTask{newTask(), newTask(leased(longLease))})
			if err != nil {
				fail(err)
			}
			said(r[0].TaskID, dispatchapy.StatusPending)
			_, err = s.RecordOutcomes(ctx, []store.Outcome{fullOutcome(r[1].Leased.Lease, dispatchapy.StatusSuccess)})
			if err != nil {
				fail(err)
			}
			said(r[1].TaskID, dispatchapy.StatusSuccess)
			said(deleteAndRestore(ctx, s, fail))
		}
	})
}

// deleteAndRestore deletes a held task, restores every other one, and says what
// was acknowledged last.
func deleteAndRestore(ctx context.Context, s store.Store, fail func(error)) (int64, dispatchapy.Status) {
	r, err := s.InsertTasks(ctx, []store.NewTask{newTask(held("for the test"))})
	if err != nil {
		fail(err)
	}
	id := r[0].TaskID
	for _, action := range []dispatchapy.Action{dispatchapy.ActionDelete, dispatchapy.ActionRestore} {
		results, err := s.TransitionTasks(ctx, []int64{id}, store.Transition{Action: action, By: "child", Within: time.Hour})
		if err == nil {
			err = results[0].Err
		}
		if err != nil {
			fail(err)
		}
		if action == dispatchapy.ActionDelete && id%2 == 0 {
			return id, dispatchapy.StatusDeleted
		}
	}
	return id, dispatchapy.StatusHeld
}

func checkStored(t *testing.T, s store.Store, stored map[int64]string) {
	t.Helper()
	for id, status := range stored {
		d, err := s.Task(t.Context(), id)
		if status == string(dispatchapy.StatusDeleted) {
			if !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("task %d was acknowledged as deleted and is there (%v)", id, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("task %d was acknowledged as %s and is gone: %v", id, status, err)
		}
		if string(d.Task.Status) != status || string(d.Task.Source) != string(newTask().Source) {
			t.Fatalf("task %d was acknowledged as %s and is %s with source %s", id, status, d.Task.Status, d.Task.Source)
		}
		if status == string(dispatchapy.StatusSuccess) && len(d.Attempts) != 2 {
			t.Fatalf("task %d was acknowledged with 2 attempts and has %d", id, len(d.Attempts))
		}
	}
	// And the database still works.
	insertOne(t, s)
}
