package service_test

import (
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/service"
	"dispatchapy/internal/store"
)

// originalDB unpacks a database of the original that has been in use.
func originalDB(t *testing.T) string {
	t.Helper()
	packed, err := os.Open("../cli/testdata/original-1.2.1.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	content, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "original.db")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, content); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestImportOriginalIntoARunningGateway merges the original's configuration into
// what is there, once, and brings its history over.
func TestImportOriginalIntoARunningGateway(t *testing.T) {
	n := startNode(t)
	file := originalDB(t)
	n.apply("version: 1\nresources: [{name: Backup Chat, url: \"http://127.0.0.1:1/own\"}]\n", service.ApplyOptions{})
	version := n.table.Load().Config.Version

	planned, err := n.ImportOriginal(t.Context(), admin, file, service.OriginalOptions{DryRun: true})
	if err != nil || planned.Total() != 59 || n.table.Load().Config.Version != version {
		t.Fatalf("%+v: %v", planned, err)
	}
	_, err = n.ImportOriginal(t.Context(), admin, file, service.OriginalOptions{})
	if wantCode(t, err, dispatchapy.CodeConflict); !strings.Contains(err.Error(), "not empty") {
		t.Error(err)
	}
	done, err := n.ImportOriginal(t.Context(), admin, file, service.OriginalOptions{Merge: true})
	if err != nil {
		t.Fatal(err)
	}
	alone, err := service.SurveyOriginal(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if done.Statuses() != alone.Statuses() || done.Attempts != alone.Attempts || done.Checks != alone.Checks || len(done.Mended) != len(alone.Mended) {
		t.Errorf("%+v, alone %+v", done, alone)
	}
	if len(done.Kept) != 1 || done.Kept[0] != "resource Backup Chat" || n.resource("Backup Chat").URL != "http://127.0.0.1:1/own" {
		t.Errorf("kept %q", done.Kept)
	}
	tasks, err := n.ListTasks(t.Context(), admin, service.TaskFilter{Clients: []string{"O'Neil's CRM"}}, service.PageRequest{})
	if err != nil || len(tasks.Items) == 0 || tasks.Items[0].Client != "O'Neil's CRM" {
		t.Errorf("tasks of a client that was deleted in the original: %+v, %v", tasks.Items, err)
	}
	if _, ok := n.Authenticate("evil"); !ok {
		t.Error("the token of a client does not work any more")
	}
	log, err := n.ListAudit(t.Context(), admin, service.AuditFilter{}, service.PageRequest{})
	if err != nil || log.Items[0].Action != "import" || !strings.Contains(log.Items[0].Detail, "59 tasks") {
		t.Errorf("%+v, %v", log.Items[0], err)
	}

	_, err = n.ImportOriginal(t.Context(), admin, file, service.OriginalOptions{Merge: true})
	if wantCode(t, err, dispatchapy.CodeConflict); !strings.Contains(err.Error(), "is here already") {
		t.Error(err)
	}
	if again, err := n.ImportOriginal(t.Context(), admin, file, service.OriginalOptions{Merge: true, Again: true}); err != nil || len(again.Kept) != 6 {
		t.Errorf("%q, %v", again.Kept, err)
	}
}

// TestImportThatFailsIsTakenBack: no tasks stay of an import that broke off.
func TestImportThatFailsIsTakenBack(t *testing.T) {
	n := startNode(t)
	n.store.importErr = store.ErrUnavailable
	_, err := n.ImportOriginal(t.Context(), admin, originalDB(t), service.OriginalOptions{Merge: true})
	wantCode(t, err, dispatchapy.CodeUnavailable)
	tasks, err := n.ListTasks(t.Context(), admin, service.TaskFilter{}, service.PageRequest{})
	if err != nil || len(tasks.Items) != 0 {
		t.Errorf("%d tasks stayed: %v", len(tasks.Items), err)
	}
}

// TestOneImportAtATime: a second one would not see the tasks of the first, and
// double them.
func TestOneImportAtATime(t *testing.T) {
	n := startNode(t)
	file := originalDB(t)
	refused := 0
	n.store.onImport = func() {
		_, err := n.ImportOriginal(t.Context(), admin, file, service.OriginalOptions{Merge: true})
		if wantCode(t, err, dispatchapy.CodeConflict); strings.Contains(err.Error(), "under way") {
			refused++
		}
	}
	if _, err := n.ImportOriginal(t.Context(), admin, file, service.OriginalOptions{Merge: true}); err != nil || refused == 0 {
		t.Errorf("refused %d: %v", refused, err)
	}
}

func TestImportRefusesOtherFiles(t *testing.T) {
	n := startNode(t)
	other := filepath.Join(t.TempDir(), "other.db")
	if err := os.WriteFile(other, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := n.ImportOriginal(t.Context(), admin, other, service.OriginalOptions{Merge: true, Name: "gateway.db"})
	wantCode(t, err, dispatchapy.CodeInvalid)
	if strings.Contains(err.Error(), other) || !strings.Contains(err.Error(), "gateway.db is not") {
		t.Errorf("the message tells where files are kept: %v", err)
	}
	_, err = n.KeepUpload(context.Background(), admin, strings.NewReader("x"))
	wantCode(t, err, dispatchapy.CodeUnavailable)
}
