package apidocs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"dispatchapy"
	"dispatchapy/internal/intake"
	"dispatchapy/internal/routing"
)

// door is the real intake on a submitter that does as it is told.
type door struct {
	err      error
	notReady bool
	memory   int64
	snapshot *routing.Snapshot
}

func (d door) Submit(context.Context, dispatchapy.Submission) (dispatchapy.Receipt, error) {
	return dispatchapy.Receipt{TaskID: 7}, d.err
}
func (door) Accepted(time.Duration) {}
func (door) Rejected(string)        {}

// send posts to the intake and gives status and detail of the answer.
func (d door) send(t *testing.T, r *http.Request) (status int, detail string) {
	t.Helper()
	handler := intake.New(intake.Options{
		Snapshots: routing.NewTable(d.snapshot), Submitter: d, Observer: d,
		Ready: func() bool { return !d.notReady }, Log: slog.New(slog.DiscardHandler), Memory: d.memory,
	})
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	var answer struct{ Detail string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return w.Code, answer.Detail
}

var (
	randomID   = regexp.MustCompile(`[0-9a-f]{16}$`)
	missingKey = regexp.MustCompile(`parameter: KEY$`)
)

// Every row of the table is provoked at the real intake, which must answer with
// the text that the table gives.
func TestErrorsAreThoseOfTheIntake(t *testing.T) {
	const accepted = `{"ref":"r","scope":"s"}`
	refuse := func(code dispatchapy.Code, message string) error { return dispatchapy.Errorf(code, "%s", message) }
	type attempt struct {
		door   door
		path   string
		body   io.Reader
		header map[string]string
	}
	provoke := []attempt{
		{body: strings.NewReader(`{"ref":"r"}`)},
		{path: "send_sms", body: strings.NewReader(accepted)},
		{body: strings.NewReader(`{"ref":1,"ref":2}`)},
		{body: strings.NewReader(`[]`)},
		{header: map[string]string{"Idempotency-Key": ""}},
		{header: map[string]string{"X-API-Token": ""}},
		{header: map[string]string{"X-API-Token": "dpy_other_token"}},
		{path: "retired"},
		{body: iotest.ErrReader(os.ErrDeadlineExceeded)},
		{door: door{err: refuse(dispatchapy.CodeConflict, "this Idempotency-Key was used with another body")}},
		{body: strings.NewReader(strings.Repeat(" ", 1<<20+1))},
		{header: map[string]string{"Content-Type": "text/plain"}},
		{door: door{err: refuse(dispatchapy.CodeInvalid, "The message was refused")}},
		{door: door{err: refuse(dispatchapy.CodeLimited, "Too many messages: try again later")}},
		{door: door{err: errors.New("a bug")}},
		{door: door{notReady: true}},
		{door: door{err: refuse(dispatchapy.CodeUnavailable, "the task could not be stored")}},
		{door: door{memory: 1}},
	}
	table := Errors()
	if len(provoke) != len(table) {
		t.Fatalf("%d attempts for %d errors", len(provoke), len(table))
	}
	for i, want := range table {
		t.Run(want.Detail, func(t *testing.T) {
			a := provoke[i]
			a.door.snapshot = fixture(t)
			if a.body == nil {
				a.body = strings.NewReader(accepted)
			}
			r := httptest.NewRequest(http.MethodPost, "/api/"+cmp.Or(a.path, "orders/create"), a.body)
			r.Header.Set("X-API-Token", "dpy_shop_token")
			r.Header.Set("Content-Type", "application/json")
			for name, value := range a.header {
				r.Header.Set(name, value)
			}
			status, detail := a.door.send(t, r)
			detail = randomID.ReplaceAllString(detail, "0123456789abcdef")
			wantDetail := missingKey.ReplaceAllString(want.Detail, "parameter: phone")
			if status != want.Status || detail != wantDetail {
				t.Errorf("got %d %q, want %d %q", status, detail, want.Status, wantDetail)
			}
		})
	}
}

func TestErrorsAreSortedAndTheCallersOwn(t *testing.T) {
	table := Errors()
	if !slices.IsSortedFunc(table, func(a, b Error) int { return a.Status - b.Status }) {
		t.Error("not sorted by status")
	}
	for _, e := range table {
		if e.Retry != (e.Status == 408 || e.Status == 429 || e.Status >= 500) || e.When == "" || e.Do == "" {
			t.Errorf("%+v: Retry is not as the status says, or a sentence is missing", e)
		}
	}
	table[0].Detail = "changed"
	if Errors()[0].Detail == "changed" {
		t.Error("callers share the table")
	}
}

// The example of every endpoint is accepted by the real intake.
func TestExamplesAreAccepted(t *testing.T) {
	snapshot := fixture(t)
	for _, path := range []string{"send_sms", "orders/create"} {
		e := snapshot.Endpoint(path)
		body := compactJSON.text(exampleMessage(parametersOf(e.Endpoint)), 0)
		r := httptest.NewRequest(http.MethodPost, callPath(path), strings.NewReader(body))
		r.Header.Set("X-API-Token", "dpy_shop_token")
		if status, detail := (door{snapshot: snapshot}).send(t, r); status != 200 {
			t.Errorf("%s: %d %s", body, status, detail)
		}
	}
}
