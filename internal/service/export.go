package service

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// ExportFormat is how exported tasks are written.
type ExportFormat string

// The formats.
const (
	ExportNDJSON ExportFormat = "ndjson" // a JSON object per line
	ExportCSV    ExportFormat = "csv"    // with a line of headings
)

// exported is a task as it is exported, with the keys and values of the
// management API.
type exported struct {
	ID           int64              `json:"id"`
	Status       dispatchapy.Status `json:"status"`
	Phase        dispatchapy.Phase  `json:"phase"`
	Client       string             `json:"client"`
	Endpoint     string             `json:"endpoint"`
	Ref          string             `json:"ref"`
	Scope        string             `json:"scope"`
	Resource     *string            `json:"resource"`
	Source       json.RawMessage    `json:"source_payload"`
	AttemptCount int                `json:"attempt_count"`
	MaxAttempts  int                `json:"max_attempts"`
	LastError    *string            `json:"last_error"`
	CreatedAt    *string            `json:"created_at"`
	RunAt        *string            `json:"run_at"`
	FinishedAt   *string            `json:"finished_at"`
	ResendOf     *int64             `json:"resend_of"`
}

// exportColumns are the headings of a CSV file.
var exportColumns = []string{
	"id", "status", "phase", "client", "endpoint", "ref", "scope", "resource", "attempt_count", "max_attempts", "last_error",
	"created_at", "run_at", "finished_at", "resend_of", "source_payload",
}

// ExportTasks writes the tasks that ListTasks would give, newest first and all
// of them, as they are read: few are in memory at a time. What is wrong with
// the request, or with the database from the beginning, is said before anything
// is written.
func (s *Service) ExportTasks(ctx context.Context, p dispatchapy.Principal, f TaskFilter, format ExportFormat, w io.Writer) error {
	if err := require(p, dispatchapy.ReadTasks); err != nil {
		return err
	}
	filter, err := s.storeFilter(p, f, s.outlook())
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	write, err := exportTo(out, format)
	if err != nil {
		return err
	}
	return s.exportPages(ctx, p, filter, out, write)
}

// ExportSelected writes tasks that were chosen one by one, in the order of ids.
// Those that are not there, or not within sight, are left out.
func (s *Service) ExportSelected(ctx context.Context, p dispatchapy.Principal, ids []int64, format ExportFormat, w io.Writer) error {
	if err := require(p, dispatchapy.ReadTasks); err != nil {
		return err
	}
	if len(ids) > MaxBatch {
		return invalid("ids", fmt.Sprintf("at most %d tasks at once", MaxBatch))
	}
	out := bufio.NewWriter(w)
	write, err := exportTo(out, format)
	if err != nil {
		return err
	}
	now, mayRead := s.outlook(), s.mayReadProviders(p)
	for _, id := range withoutRepeats(ids) {
		found, err := s.taskOf(ctx, p, id)
		if dispatchapy.ErrorCode(err) == dispatchapy.CodeNotFound {
			continue
		}
		if err != nil {
			return err
		}
		task := s.named(found.Task, now)
		if !mayRead {
			discreet(&task)
		}
		if err := write(newExported(&task)); err != nil {
			return err
		}
	}
	return out.Flush()
}

// exportTo begins an export and gives what writes a task of it.
func exportTo(out *bufio.Writer, format ExportFormat) (func(*exported) error, error) {
	switch format {
	case ExportNDJSON:
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		return func(t *exported) error { return encoder.Encode(t) }, nil
	case ExportCSV:
		table := csv.NewWriter(out)
		return func(t *exported) error { return errorOf(table, t.cells()) }, errorOf(table, exportColumns)
	}
	return nil, invalid("format", "must be ndjson or csv")
}

// errorOf writes one record, with nothing left in the table's own buffer.
func errorOf(table *csv.Writer, record []string) error {
	if err := table.Write(record); err != nil {
		return err
	}
	table.Flush()
	return table.Error()
}

func (s *Service) exportPages(ctx context.Context, p dispatchapy.Principal, filter store.TaskFilter, out *bufio.Writer, write func(*exported) error) error {
	for query := (store.TaskQuery{Filter: filter, Limit: MaxLimit}); ; {
		page, err := s.store.ListTasks(ctx, query)
		if err != nil {
			return storeError(err)
		}
		now, mayRead := s.outlook(), s.mayReadProviders(p)
		for i := range page.Tasks {
			task := s.named(page.Tasks[i], now)
			if !mayRead {
				discreet(&task)
			}
			if err := write(newExported(&task)); err != nil {
				return err
			}
		}
		if err := out.Flush(); err != nil {
			return err
		}
		if query.Before = page.Next; page.Next == 0 {
			return nil
		}
	}
}

func newExported(t *Task) *exported {
	out := &exported{
		ID: t.ID, Status: t.Status, Phase: t.Phase, Client: t.Client, Endpoint: t.Endpoint, Ref: t.Ref, Scope: t.Scope,
		Resource: orNull(t.Resource), Source: t.Source, AttemptCount: t.AttemptCount, MaxAttempts: t.MaxAttempts,
		LastError: orNull(t.LastError), CreatedAt: exportTime(t.CreatedAt), FinishedAt: exportTime(t.FinishedAt), ResendOf: orNull(t.ResendOf),
	}
	if t.Status == dispatchapy.StatusPending || t.Status == dispatchapy.StatusProcessing {
		out.RunAt = exportTime(t.RunAt)
	}
	if !json.Valid(out.Source) { // of an old row; it is shown as text, as everywhere
		out.Source, _ = json.Marshal(strings.ToValidUTF8(string(t.Source), "\uFFFD")) // text can be encoded
	}
	return out
}

func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func exportTime(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	return &text
}

// cells gives the task as a record of a CSV file.
func (t *exported) cells() []string {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	resendOf := ""
	if t.ResendOf != nil {
		resendOf = strconv.FormatInt(*t.ResendOf, 10)
	}
	return []string{
		strconv.FormatInt(t.ID, 10), string(t.Status), string(t.Phase), plainCell(t.Client), plainCell(t.Endpoint), plainCell(t.Ref),
		plainCell(t.Scope), plainCell(text(t.Resource)), strconv.Itoa(t.AttemptCount), strconv.Itoa(t.MaxAttempts), plainCell(text(t.LastError)),
		text(t.CreatedAt), text(t.RunAt), text(t.FinishedAt), resendOf, plainCell(string(t.Source)),
	}
}

// plainCell keeps spreadsheets from taking a text that came from elsewhere for
// a formula: an apostrophe before it makes it text.
func plainCell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}
