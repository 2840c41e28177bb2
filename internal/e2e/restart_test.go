package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"dispatchapy/internal/config"
)

// TestRestart starts a gateway again on its data, without its gateway file:
// configuration, tasks of every status and idempotency keys are as they were.
func TestRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	there := func(o *config.Options) { o.DataDir = dir }
	p := newProvider(t, works)
	g := start(t, fillOne(p), there)
	ids := map[string]int64{"success": g.send(t, "send_sms", "success")}
	g.awaitStatus(t, ids["success"], "success")
	p.now(answers(http.StatusInternalServerError))
	ids["failed"] = g.send(t, "send_sms", "failed")
	g.awaitStatus(t, ids["failed"], "failed")
	g.apply(t, fillOne(p, "resource", ", active: false"))
	ids["stopped"] = g.send(t, "send_sms", "stopped")
	g.act(t, ids["stopped"], "stop")
	ids["pending"] = g.send(t, "send_sms", "pending", "Idempotency-Key", "k")
	g.apply(t, fillOne(p, "resource", ", active: false", "client", ", dev: {hold: true}"))
	ids["held"] = g.send(t, "send_sms", "held")
	_, before := g.manage(t, http.MethodGet, "/v1/config", "")
	g.stop()

	g = start(t, "version: 1\n", there)
	if _, after := g.manage(t, http.MethodGet, "/v1/config", ""); string(after) != string(before) {
		t.Errorf("the configuration was\n%s\nand is now\n%s", before, after)
	}
	for status, id := range ids {
		if found := g.task(t, id); found.Status != status || found.Ref != status || string(found.Source) != message(status) {
			t.Errorf("after the restart the %s task is %+v", status, found)
		}
	}
	p.now(works)
	g.apply(t, fillOne(p, "resource", ", active: true", "client", ", dev: {hold: false}"))
	g.awaitStatus(t, ids["pending"], "success")
	if again := g.send(t, "send_sms", "pending", "Idempotency-Key", "k"); again != ids["pending"] {
		t.Errorf("the repeated message became task %d, want the answer of task %d", again, ids["pending"])
	}
	g.act(t, ids["held"], "send")
	g.act(t, ids["stopped"], "retry")
	g.act(t, ids["failed"], "retry")
	g.awaitQuiet(t, patience)
	p.checkOnce(t, keys(ids))
}

// TestEndpointDeletedWithTasks takes an endpoint away while tasks wait for it.
func TestEndpointDeletedWithTasks(t *testing.T) {
	t.Parallel()
	p := newProvider(t, works)
	g := start(t, fillOne(p, "resource", ", active: false"))
	id := g.send(t, "send_sms", "orphan")
	if status, body := g.manage(t, http.MethodPut, "/v1/config?prune=true", "version: 1\n"); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	found := g.awaitStatus(t, id, "failed")
	if !strings.Contains(found.LastError, "endpoint was deleted") || found.Endpoint != "send_sms" || found.Client != "shop" {
		t.Errorf("the task is %+v, want it to name its endpoint and say that it was deleted", found)
	}
	answer, err := g.try(t.Context(), "send_sms", message("late"))
	if err != nil || answer.HTTP != http.StatusNotFound {
		t.Errorf("%+v, %v; want 404", answer, err)
	}
	if status := g.delete(t, id); status != http.StatusNoContent {
		t.Errorf("delete: %d, want 204", status)
	}
}
