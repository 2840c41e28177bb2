package service_test

import (
	"strings"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// TestAClientsLogNamesNoAddress: a line of the log may repeat an attempt's error.
func TestAClientsLogNamesNoAddress(t *testing.T) {
	n := startNode(t)
	cfg := n.table.Load().Config
	inserted, err := n.store.InsertTasks(t.Context(), []store.NewTask{{
		LeaseFor: time.Minute,
		Submission: dispatchapy.Submission{EndpointID: cfg.Endpoint("sms").ID, ClientID: cfg.Client("shop").ID,
			Ref: "r", Scope: "s", Source: []byte(`{}`), MaxAttempts: 5},
	}})
	if err != nil {
		t.Fatal(err)
	}
	const address = "10.0.0.1:80"
	_, err = n.store.RecordOutcomes(t.Context(), []store.Outcome{{
		Lease: inserted[0].Leased.Lease, Status: dispatchapy.StatusFailed, LastError: "connection refused by " + address,
		Attempts: []dispatchapy.Attempt{{
			Number: 1, ResourceID: cfg.Resource("primary").ID, Outcome: dispatchapy.OutcomeFailed,
			Error: dispatchapy.ErrorRefused, Detail: "connection refused by " + address, StartedAt: time.Now(),
		}},
		Log: []dispatchapy.LogEntry{{At: time.Now(), Message: "not delivered within 1h: connection refused by " + address}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	lines := func(p dispatchapy.Principal) string {
		t.Helper()
		found, err := n.Task(t.Context(), p, inserted[0].TaskID)
		if err != nil {
			t.Fatal(err)
		}
		return found.LastError + "\n" + found.Attempts[0].Detail + "\n" + found.Log[0].Message
	}
	want := "it could not be delivered\nno answer: refused\nnot delivered within 1h: no answer: refused"
	if got := lines(n.client("shop-token-1234")); got != want {
		t.Errorf("a client reads %q, want %q", got, want)
	}
	if got := lines(admin); strings.Count(got, address) != 3 {
		t.Errorf("an administrator reads %q", got)
	}
}
