package webui

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/google/uuid"

	"dispatchapy"
)

var (
	errSignIn      = dispatchapy.Errorf(dispatchapy.CodeUnauthenticated, "sign in first")
	errNowhere     = dispatchapy.Errorf(dispatchapy.CodeNotFound, "there is nothing at this address")
	errForeignForm = dispatchapy.Errorf(dispatchapy.CodeForbidden, "the form is from another page or session: open the page again")
)

// statusOf is the one table from error codes to the status of a page.
var statusOf = map[dispatchapy.Code]int{
	dispatchapy.CodeInvalid:         http.StatusUnprocessableEntity,
	dispatchapy.CodeUnauthenticated: http.StatusUnauthorized,
	dispatchapy.CodeForbidden:       http.StatusForbidden,
	dispatchapy.CodeNotFound:        http.StatusNotFound,
	dispatchapy.CodeConflict:        http.StatusConflict,
	dispatchapy.CodePrecondition:    http.StatusConflict,
	dispatchapy.CodeTooLarge:        http.StatusRequestEntityTooLarge,
	dispatchapy.CodeUnsupportedType: http.StatusUnsupportedMediaType,
	dispatchapy.CodeLimited:         http.StatusTooManyRequests,
	dispatchapy.CodeUnavailable:     http.StatusServiceUnavailable,
	dispatchapy.CodeInternal:        http.StatusInternalServerError,
}

// errorPage is what a page that cannot be shown is replaced by.
type errorPage struct {
	Shell
	Status int
	Detail string
	Fields []dispatchapy.FieldError
}

// fail answers with an error. What is not meant for people gets an id under
// which the log has more.
func (c *call) fail(err error) {
	code := dispatchapy.ErrorCode(err)
	if code == dispatchapy.CodeUnauthenticated {
		c.toLogin()
		return
	}
	p := &errorPage{Status: statusOf[code]}
	var known *dispatchapy.Error
	switch {
	case errors.As(err, &known) && code != dispatchapy.CodeInternal:
		p.Detail, p.Fields = c.lang.Said(known.Message), c.saidFaults(known.Fields)
		if known.RetryAfter > 0 {
			c.w.Header().Set("Retry-After", strconv.Itoa(int(known.RetryAfter.Seconds())+1))
		}
	case c.ctx().Err() != nil:
		return // nobody reads this
	default:
		id := uuid.NewString()
		p.Status = http.StatusInternalServerError
		p.Detail = c.t("Something went wrong that should not have. The log has more under {id}.", "id", id)
		c.ui.log.ErrorContext(c.ctx(), "page failed", "id", id, "path", c.r.URL.Path, "error", err)
	}
	if c.htmx() {
		c.failPart(p)
		return
	}
	if err := c.showStatus(p.Status, "error", http.StatusText(p.Status), p); err != nil {
		c.ui.log.ErrorContext(c.ctx(), "the error page failed", "error", err)
		c.brokenPage()
	}
}

// said gives what is wrong, in the language of the page: with the first of the
// fields that it is about, if there is any. It is for errors that are meant for
// people; what others say is for the log.
func (c *call) said(err error) string {
	var known *dispatchapy.Error
	switch {
	case !errors.As(err, &known):
		return c.lang.Said(err.Error())
	case len(known.Fields) == 0:
		return c.lang.Said(known.Message)
	}
	return known.Fields[0].Path + ": " + c.lang.Said(known.Fields[0].Message)
}

// saidFaults gives faults of fields in the language of the page.
func (c *call) saidFaults(faults []dispatchapy.FieldError) []dispatchapy.FieldError {
	out := make([]dispatchapy.FieldError, len(faults))
	for i, fault := range faults {
		out[i] = dispatchapy.FieldError{Path: fault.Path, Message: c.lang.Said(fault.Message)}
	}
	return out
}

// swapped are the statuses under which scripts expect a page with a form.
var swapped = map[int]bool{http.StatusUnprocessableEntity: true, http.StatusConflict: true, http.StatusRequestEntityTooLarge: true}

// failPart answers a script, which shows the message beside the page as it is.
func (c *call) failPart(p *errorPage) {
	h := c.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Error", url.PathEscape(p.Detail)) // headers are ASCII
	if swapped[p.Status] {
		h.Set("HX-Reswap", "none") // it is no page to be shown instead
		c.sayNow(toast{Tone: "fail", Text: p.Detail})
	}
	c.write(p.Status, []byte(p.Detail))
}

// brokenPage is the answer when not even the error page can be rendered.
func (c *call) brokenPage() {
	c.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	c.write(http.StatusInternalServerError, []byte("internal error; the log has more\n"))
}

// toLogin asks somebody to sign in and to come back. Scripts are told, and ask
// in a dialog.
func (c *call) toLogin() {
	if c.session == "" && cookie(c.r, "dispatchapy_session") != "" {
		c.forget()
	}
	if c.htmx() {
		c.w.WriteHeader(http.StatusUnauthorized)
		return
	}
	to := "/login"
	if back := c.r.URL.RequestURI(); c.r.Method == http.MethodGet && back != "/" {
		to += "?return=" + url.QueryEscape(back)
	}
	c.w.Header().Set("Location", to)
	c.w.WriteHeader(http.StatusSeeOther)
}

func (c *call) write(status int, body []byte) {
	c.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	if c.r.Method != http.MethodHead {
		_, _ = c.w.Write(body) // the browser may be gone
	}
}
