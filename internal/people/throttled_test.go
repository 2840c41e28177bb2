package people

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// guess tries to sign in so often that it is throttled.
func (n *node) guess(name, address string) {
	n.t.Helper()
	for range freeFailures + 3 {
		_, err := n.SignIn(n.t.Context(), name, "guessing", From{Address: address})
		if err == nil {
			n.t.Fatal("guessed")
		}
	}
}

func (m *memory) details() (out []string) {
	for _, e := range m.events {
		out = append(out, fmt.Sprintf("%s: %s", e.Kind, e.Detail))
	}
	return out
}

func TestThrottledAttemptsAreAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t)
		n.guess("Admin", "192.0.2.7:4711")
		n.guess("admin", "192.0.2.7:4712") // known already
		n.guess("my password is 1234", "192.0.2.8:4711")
		want := []string{
			"login.throttled: too many attempts to sign in from 192.0.2.7 as admin",
			"login.throttled: too many attempts to sign in from 192.0.2.8",
		}
		if got := n.store.details(); !slices.Equal(got, want) {
			t.Errorf("events %q, want %q", got, want)
		}
		time.Sleep(forgetAfter)
		n.guess("admin", "192.0.2.7:4711")
		if got := n.store.details(); len(got) != 3 {
			t.Errorf("after a while it is news again: %q", got)
		}
	})
}

// TestAttackersFillNoTable has as many addresses as there may be throttled.
func TestAttackersFillNoTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t)
		for i := range 500 {
			n.guess(fmt.Sprint("nobody", i), fmt.Sprintf("[2001:db8:0:%x::1]:80", i))
		}
		if got := len(n.store.events); got != alarmsBurst {
			t.Errorf("%d events", got)
		}
		time.Sleep(alarmsEvery)
		n.guess("somebody", "192.0.2.9:80")
		if got := n.store.details(); !strings.Contains(got[len(got)-1], " other addresses or names were throttled before") {
			t.Errorf("the last event is %q", got[len(got)-1])
		}
	})
}

func TestThrottlingDoesNotDependOnTheDatabase(t *testing.T) {
	n := start(t)
	n.store.errAudit = store.ErrUnavailable
	n.guess("admin", "192.0.2.7:4711")
	_, err := n.SignIn(t.Context(), AdminName, adminPassword, From{Address: "192.0.2.7:4711"})
	wantCode(t, err, dispatchapy.CodeLimited)
	if logs := n.logs.String(); !strings.Contains(logs, "throttled attempts to sign in could not be written") {
		t.Error(logs)
	}
}
