package service_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/service"
)

func (n *node) export(p dispatchapy.Principal, f service.TaskFilter, format service.ExportFormat) string {
	n.t.Helper()
	var out bytes.Buffer
	if err := n.ExportTasks(n.t.Context(), p, f, format, &out); err != nil {
		n.t.Fatal(err)
	}
	return out.String()
}

func TestExportIsTheWholeList(t *testing.T) {
	n := startNode(t)
	many := make([]task, 2*service.MaxLimit+3)
	for i := range many {
		many[i] = task{client: "shop", endpoint: "sms", ref: "r", hold: i%2 == 0}
	}
	ids := n.insert(many...)
	lines := strings.Split(strings.TrimSpace(n.export(admin, service.TaskFilter{}, service.ExportNDJSON)), "\n")
	if len(lines) != len(ids) {
		t.Fatalf("%d tasks are exported of %d", len(lines), len(ids))
	}
	for i, line := range lines {
		var got struct{ ID int64 }
		if err := json.Unmarshal([]byte(line), &got); err != nil || got.ID != ids[len(ids)-1-i] {
			t.Fatalf("line %d is %s, %v; want task %d", i, line, err, ids[len(ids)-1-i])
		}
	}
	held := service.TaskFilter{Phases: []dispatchapy.Phase{dispatchapy.PhaseHeld}}
	records, err := csv.NewReader(strings.NewReader(n.export(admin, held, service.ExportCSV))).ReadAll()
	if want := service.MaxLimit + 2; err != nil || len(records) != want+1 || records[0][0] != "id" || records[1][2] != "held" {
		t.Errorf("%d records, %v; want %d and the headings", len(records), err, want)
	}
}

func TestExportOfAClientIsItsOwn(t *testing.T) {
	n := startNode(t)
	n.insert(task{client: "shop", endpoint: "sms", ref: "own"}, task{client: "bank", endpoint: "sms", ref: "foreign"})
	for _, format := range []service.ExportFormat{service.ExportNDJSON, service.ExportCSV} {
		got := n.export(n.client("shop-token-1234"), service.TaskFilter{}, format)
		if !strings.Contains(got, "own") || strings.Contains(got, "foreign") || strings.Contains(got, "bank") {
			t.Errorf("%s: %s", format, got)
		}
	}
}

func TestExportedTextsAreNoFormulas(t *testing.T) {
	n := startNode(t)
	refs := []string{"=1+1", "+62811", "-5", "@cmd", "\t=1", "a=1", "quoted \"x\", and\nmore", "é"}
	for _, ref := range refs {
		n.insert(task{client: "shop", endpoint: "sms", ref: ref})
	}
	records, err := csv.NewReader(strings.NewReader(n.export(admin, service.TaskFilter{}, service.ExportCSV))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, record := range records[1:] {
		got = append([]string{record[5]}, got...)
	}
	want := []string{"'=1+1", "'+62811", "'-5", "'@cmd", "'\t=1", "a=1", "quoted \"x\", and\nmore", "é"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// brokenPipe takes so many bytes.
type brokenPipe struct{ left int }

var errPipe = errors.New("nobody reads any more")

func (w *brokenPipe) Write(b []byte) (int, error) {
	if w.left -= len(b); w.left < 0 {
		return 0, errPipe
	}
	return len(b), nil
}

func TestExportSaysWhatIsWrongBeforeItWrites(t *testing.T) {
	n := startNode(t)
	n.insert(task{client: "shop", endpoint: "sms", ref: "r"})
	var out bytes.Buffer
	wantCode(t, n.ExportTasks(t.Context(), admin, service.TaskFilter{}, "xml", &out), dispatchapy.CodeInvalid)
	wantCode(t, n.ExportTasks(t.Context(), admin, service.TaskFilter{Phases: []dispatchapy.Phase{"asleep"}}, service.ExportCSV, &out), dispatchapy.CodeInvalid)
	if out.Len() > 0 {
		t.Errorf("%q was written", out.String())
	}
	if err := n.ExportTasks(t.Context(), admin, service.TaskFilter{}, service.ExportCSV, &brokenPipe{}); !errors.Is(err, errPipe) {
		t.Errorf("into a broken pipe: %v", err)
	}
}

// TestExportOfChosenTasks keeps their order, and leaves out what is not there or
// not within sight.
func TestExportOfChosenTasks(t *testing.T) {
	n := startNode(t)
	ids := n.insert(task{client: "shop", endpoint: "sms", ref: "one"}, task{client: "bank", endpoint: "sms", ref: "two"}, task{client: "shop", endpoint: "sms", ref: "three"})
	chosen := []int64{ids[0], 4711, ids[2], ids[1], ids[0]}
	for who, want := range map[*dispatchapy.Principal][]string{
		&admin: {"one", "three", "two"}, new(n.client("shop-token-1234")): {"one", "three"},
	} {
		var out bytes.Buffer
		if err := n.ExportSelected(t.Context(), *who, chosen, service.ExportCSV, &out); err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(&out).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, record := range records[1:] {
			got = append(got, record[5])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("for %s: %s", who.Name, diff)
		}
	}
	var out bytes.Buffer
	wantCode(t, n.ExportSelected(t.Context(), admin, make([]int64, service.MaxBatch+1), service.ExportCSV, &out), dispatchapy.CodeInvalid)
	wantCode(t, n.ExportSelected(t.Context(), admin, chosen, "xml", &out), dispatchapy.CodeInvalid)
	if out.Len() > 0 {
		t.Errorf("%q was written", out.String())
	}
}
