package webui

import (
	"io"
	"net/http"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// exportStep is how long a browser may take for a part of an export. The whole
// of it takes as long as it takes.
const exportStep = 30 * time.Second

var exportTypes = map[service.ExportFormat]string{
	service.ExportNDJSON: "application/x-ndjson",
	service.ExportCSV:    "text/csv; charset=utf-8",
}

// exportTasks sends everything that the query selects as a file.
func (ui *UI) exportTasks(c *call) error {
	q, faults := c.taskQuery()
	filter, wrong := q.filter(c.now())
	if len(faults)+len(wrong) > 0 {
		return c.redirect(tasksPath(q, place{})) // where it says what is wrong
	}
	format := service.ExportFormat(c.query("format"))
	return c.download(format, func(w io.Writer) error { return ui.service.ExportTasks(c.ctx(), c.who, filter, format, w) })
}

// exportTicked sends the tasks that are ticked as a file.
func (ui *UI) exportTicked(c *call, ids []int64, format service.ExportFormat) error {
	return c.download(format, func(w io.Writer) error { return ui.service.ExportSelected(c.ctx(), c.who, ids, format, w) })
}

// exportPath is the address of an export of everything that a query selects.
func exportPath(q query, format string) string {
	return withParams("/tasks/export", append(queryParam(q), "format="+format))
}

// download answers with a file, which is sent as it is written. What is wrong
// before the first of it is an error page; afterwards the connection is broken
// off, so that half a file does not look like a whole one.
func (c *call) download(format service.ExportFormat, write func(io.Writer) error) error {
	out := &exportWriter{w: c.w, control: http.NewResponseController(c.w), format: format}
	switch err := write(out); {
	case err == nil:
		out.begin()
		return nil
	case !out.begun && exportTypes[format] == "":
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "exports are ndjson or csv")
	case !out.begun:
		return err
	}
	panic(http.ErrAbortHandler)
}

// exportWriter begins the answer with the first part of it, and gives the
// browser time for every further one.
type exportWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	format  service.ExportFormat
	begun   bool
}

func (e *exportWriter) begin() {
	if e.begun {
		return
	}
	e.begun = true
	h := e.w.Header()
	h.Set("Content-Type", exportTypes[e.format])
	h.Set("Content-Disposition", `attachment; filename="tasks-`+time.Now().UTC().Format("20060102-150405")+"."+string(e.format)+`"`)
	e.w.WriteHeader(http.StatusOK)
}

// Write implements io.Writer.
func (e *exportWriter) Write(b []byte) (int, error) {
	e.begin()
	if err := e.control.SetWriteDeadline(time.Now().Add(exportStep)); err != nil {
		return 0, err
	}
	n, err := e.w.Write(b)
	if err == nil {
		err = e.control.Flush()
	}
	return n, err
}

// exportFormat gives the format that a button of a form asks for; "" if it is
// no export.
func exportFormat(do string) service.ExportFormat {
	format, _ := strings.CutPrefix(do, "export ")
	if format == do {
		return ""
	}
	return service.ExportFormat(format)
}
