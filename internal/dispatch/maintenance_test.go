package dispatch

import (
	"testing"
	"testing/synctest"
	"time"

	"dispatchapy"
)

// Tasks wait for the only resource of an endpoint while it is in maintenance,
// spend nothing, and leave when that is over, without anybody doing anything.
func TestTasksWaitForTheEndOfMaintenance(t *testing.T) {
	var ends time.Time
	planned := func(cfg *dispatchapy.Config) {
		ends = time.Now().Add(time.Hour)
		cfg.Resources[2].Maintenance = []dispatchapy.Maintenance{{From: ends.Add(-2 * time.Hour), Until: ends}}
	}
	bubble(t, planned, func(t *testing.T, g *gateway) {
		receipt, err := g.Submit(t.Context(), dispatchapy.Submission{EndpointID: 2, ClientID: 1, Source: []byte(`{}`), MaxAttempts: 5})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(ends) - time.Second)
		synctest.Wait()
		if n := g.store.count(dispatchapy.StatusPending); n != 1 || g.store.outcomes() != 0 {
			t.Errorf("%d wait, %d outcomes were written in maintenance", n, g.store.outcomes())
		}
		time.Sleep(time.Second + 10*time.Millisecond)
		synctest.Wait()
		if n := g.store.count(dispatchapy.StatusSuccess); n != 1 {
			t.Errorf("task %d was not sent when it was over", receipt.TaskID)
		}
	})
}
