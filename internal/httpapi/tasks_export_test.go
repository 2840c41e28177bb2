package httpapi_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
)

// TestExportHasTheTasksOfTheList: a line is an item of the list, byte by byte.
func TestExportHasTheTasksOfTheList(t *testing.T) {
	g := newGateway(t)
	g.delivered()
	g.insert("shop", true)
	g.insert("bank", false)
	list := g.get("/v1/tasks").want(200).body
	got := g.get("/v1/tasks/export").want(200)
	want := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(list), `{"items":[`), `],"next":null}`) + "\n"
	if diff := cmp.Diff(want, strings.ReplaceAll(got.body, "}\n{", "},{")); diff != "" {
		t.Errorf("list (-), export (+):\n%s", diff)
	}
	if got.header.Get("Content-Type") != "application/x-ndjson" || got.header.Get("Content-Disposition") != `attachment; filename="tasks.ndjson"` {
		t.Errorf("header %v", got.header)
	}
	table := g.get("/v1/tasks/export?format=csv&phase=held,delivered").want(200)
	if lines := strings.Count(table.body, "\n"); lines != 3 || !strings.HasPrefix(table.header.Get("Content-Type"), "text/csv") {
		t.Errorf("%d lines, %v: %s", lines, table.header, table.body)
	}
	if empty := g.get("/v1/tasks/export?ref=none").want(200); empty.body != "" || empty.header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("nothing is %q, %v", empty.body, empty.header)
	}
	own := g.do(request{method: http.MethodGet, path: "/v1/tasks/export?client=shop", token: bankToken}).want(200)
	if own.body != "" {
		t.Errorf("a client exports another's: %s", own.body)
	}
}

func TestExportFaults(t *testing.T) {
	g := newGateway(t)
	g.insert("shop", true)
	g.get("/v1/tasks/export?format=xml").wantProblem(422, dispatchapy.CodeInvalid)
	g.get("/v1/tasks/export?phase=asleep").wantProblem(422, dispatchapy.CodeInvalid)
	g.store.listTasks = func() error { return errors.New("disk on fire") }
	g.get("/v1/tasks/export").wantProblem(500, dispatchapy.CodeInternal)
}
