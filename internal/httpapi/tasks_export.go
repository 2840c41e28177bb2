package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// exportStep is how long a part of an export may take to be taken. The whole
// of it takes as long as it takes.
const exportStep = 30 * time.Second

// exportTypes are the media types of the formats.
var exportTypes = map[service.ExportFormat]string{
	service.ExportNDJSON: "application/x-ndjson",
	service.ExportCSV:    "text/csv; charset=utf-8",
}

func (a *api) registerTaskExport() {
	type input struct {
		TaskFilter
		Format service.ExportFormat `query:"format" enum:"ndjson,csv" default:"ndjson"`
	}
	op := operation(http.MethodGet, "/v1/tasks/export", "export-tasks", "tasks", "Export tasks, newest first, all that match")
	op.Description = "As NDJSON every line is a task as in a list. In CSV an apostrophe stands before texts that spreadsheets would take for a formula."
	op.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{
		"application/x-ndjson": {Schema: &huma.Schema{}},
		"text/csv":             {Schema: &huma.Schema{Type: huma.TypeString}},
	}}}
	register(a, op, func(_ context.Context, p dispatchapy.Principal, in *input) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			r, w := humago.Unwrap(ctx)
			out := &exportWriter{w: w, control: http.NewResponseController(w), format: in.Format}
			err := a.service.ExportTasks(r.Context(), p, in.filter(), in.Format, out)
			switch {
			case err == nil && !out.begun: // nothing matched
				out.begin()
			case err != nil && !out.begun:
				a.fail(w, r, err)
			case err != nil:
				// Half a file must not look like a whole one.
				panic(http.ErrAbortHandler)
			}
		}}, nil
	})
}

// exportWriter begins the answer with the first part of it, and gives the peer
// time for every further one.
type exportWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	format  service.ExportFormat
	begun   bool
}

func (e *exportWriter) begin() {
	e.begun = true
	header := e.w.Header()
	header.Set("Content-Type", exportTypes[e.format])
	header.Set("Content-Disposition", `attachment; filename="tasks.`+string(e.format)+`"`)
	e.w.WriteHeader(http.StatusOK)
}

// Write implements io.Writer.
func (e *exportWriter) Write(b []byte) (int, error) {
	if !e.begun {
		e.begin()
	}
	// A recorder in a test has no deadline, and nothing to flush to.
	_ = e.control.SetWriteDeadline(time.Now().Add(exportStep))
	n, err := e.w.Write(b)
	if err == nil {
		_ = e.control.Flush()
	}
	return n, err
}
