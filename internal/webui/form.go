package webui

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/people"
	"dispatchapy/internal/service"
)

// Form is a form as it is shown: what was written, as it was written, and what
// is wrong with it. Fields are named by their path in the gateway file, by
// which the service reports faults: "health_check.interval.min".
type Form struct {
	values  url.Values
	lang    translator
	Faults  []dispatchapy.FieldError // in the order in which they were found
	Message string                   // what is wrong as a whole; "" if nothing is, or the faults say it
	Clash   *Clash                   // somebody else was faster
	Labels  map[string]string        // what fields are called where faults are listed; others by their name

	worded map[string]string // messages as the service words them, by what is shown of them
}

type translator interface {
	T(key string, args ...any) string
	Said(text string) string
}

// Clash shows both sides of a conflict.
type Clash struct {
	Version int64  // to be named to save this side in spite of the other
	Diff    []Line // from what is stored to what was written
}

// newForm makes a form that shows values.
func (c *call) newForm(values url.Values) *Form {
	if values == nil {
		values = url.Values{}
	}
	return &Form{values: values, lang: c.lang}
}

// parse reads the form of the request.
func (c *call) parse() error {
	var err error
	if strings.HasPrefix(c.r.Header.Get("Content-Type"), "multipart/form-data") {
		err = c.r.ParseMultipartForm(maxForm)
	} else {
		err = c.r.ParseForm()
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return dispatchapy.Errorf(dispatchapy.CodeTooLarge, "the form is larger than %d MiB", tooLarge.Limit>>20)
	case err != nil:
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "the form could not be read")
	}
	return nil
}

// form gives what was sent, to be read and shown again. The route has parsed it.
func (c *call) form() *Form { return c.newForm(c.r.PostForm) }

// Value gives what stands in a field.
func (f *Form) Value(name string) string { return f.values.Get(name) }

// Values gives what stands in the fields of a name.
func (f *Form) Values(name string) []string { return f.values[name] }

// On reports whether a box is ticked.
func (f *Form) On(name string) bool { return f.values.Get(name) != "" }

// Has reports whether a value is among those of a name.
func (f *Form) Has(name, value string) bool { return slices.Contains(f.values[name], value) }

// Set changes what stands in a field.
func (f *Form) Set(name, value string) { f.values.Set(name, value) }

// SetOn ticks a box or does not.
func (f *Form) SetOn(name string, on bool) {
	if on {
		f.values.Set(name, "on")
		return
	}
	f.values.Del(name)
}

// Do gives what a button other than "save" asks for: "add headers", for
// browsers without scripts. The form is shown again after it.
func (f *Form) Do() string { return f.values.Get("do") }

// Fault gives what is wrong with a field; "" if nothing is.
func (f *Form) Fault(name string) string {
	for _, fault := range f.Faults {
		if fault.Path == name {
			return fault.Message
		}
	}
	return ""
}

// Called gives what a field is called.
func (f *Form) Called(name string) string {
	if label := f.Labels[name]; label != "" {
		return label
	}
	return name
}

// Refuse notes what is wrong with a field.
func (f *Form) Refuse(name, key string, args ...any) {
	f.Faults = append(f.Faults, dispatchapy.FieldError{Path: name, Message: f.lang.T(key, args...)})
}

// Failed reports whether anything is wrong.
func (f *Form) Failed() bool { return len(f.Faults) > 0 || f.Message != "" || f.Clash != nil }

// Version gives the version that the form was made from, nil if it has none.
func (f *Form) Version() *int64 {
	version, err := strconv.ParseInt(f.values.Get("version"), 10, 64)
	if err != nil {
		return nil
	}
	return &version
}

// Take notes an error that the person can do something about, and reports
// whether it was one. The status of the page is then StatusOf the form.
func (f *Form) Take(err error) bool {
	var known *dispatchapy.Error
	if !errors.As(err, &known) {
		return false
	}
	switch known.Code {
	case dispatchapy.CodeInvalid:
		for _, fault := range known.Fields {
			f.takeFault(fault.Path, fault)
		}
		if len(known.Fields) == 0 {
			f.Message = f.lang.Said(known.Message)
		}
		return true
	case dispatchapy.CodeConflict, dispatchapy.CodePrecondition:
		f.Message = f.lang.Said(known.Message)
		f.Clash = clashOf(err)
		return true
	}
	return false
}

// takeFault notes what the service says of a field, under the name that it has
// in the form.
func (f *Form) takeFault(name string, fault dispatchapy.FieldError) {
	said := f.lang.Said(fault.Message)
	if f.worded == nil {
		f.worded = map[string]string{}
	}
	f.worded[said] = fault.Message
	f.Faults = append(f.Faults, dispatchapy.FieldError{Path: name, Message: said})
}

// Status is that of a page which shows the form.
func (f *Form) Status() int {
	switch {
	case !f.Failed():
		return http.StatusOK
	case f.Clash != nil:
		return http.StatusConflict
	}
	return http.StatusUnprocessableEntity
}

func clashOf(err error) *Clash {
	var config *service.ConflictError
	if errors.As(err, &config) {
		clash := &Clash{Version: config.Version}
		if config.Current != nil && config.Yours != nil {
			clash.Diff = diffJSON(config.Current, config.Yours)
		}
		return clash
	}
	var person *people.ConflictError
	if errors.As(err, &person) {
		return &Clash{Version: person.Version}
	}
	return nil
}

// Whole reads a whole number.
func (f *Form) Whole(name string) int {
	text := strings.TrimSpace(f.Value(name))
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		f.Refuse(name, "must be a whole number")
	}
	return n
}

// Number reads a number, which may have a fraction.
func (f *Form) Number(name string) float64 {
	text := strings.TrimSpace(f.Value(name))
	if text == "" {
		return 0
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		f.Refuse(name, "must be a number, like 0.2 or 4")
	}
	return n
}

// Duration reads a duration like 15s, 1m30s or 2h. A bare number is seconds.
func (f *Form) Duration(name string) dispatchapy.Duration {
	text := strings.TrimSpace(f.Value(name))
	if text == "" {
		return 0
	}
	if _, err := strconv.Atoi(text); err == nil {
		text += "s"
	}
	var d dispatchapy.Duration
	if err := d.UnmarshalText([]byte(text)); err != nil {
		f.Refuse(name, "must be a number and a unit, like 500ms, 15s, 5m or 2h")
	}
	return d
}

// Day reads a date, the beginning of that day in UTC; zero if there is none.
func (f *Form) Day(name string) time.Time {
	text := f.Value(name)
	if text == "" {
		return time.Time{}
	}
	date, err := time.Parse(time.DateOnly, text)
	if err != nil {
		f.Refuse(name, "must be a date, like 2027-01-31")
	}
	return date
}

// address gives the address of a list that the form narrows down, with one of
// its parameters changed.
func (f *Form) address(path string, names []string, name, value string) string {
	q := url.Values{}
	for _, n := range names {
		if v := f.Value(n); v != "" {
			q.Set(n, v)
		}
	}
	if q.Set(name, value); value == "" {
		q.Del(name)
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// Lines reads a list that is written with commas or on lines of its own.
func (f *Form) Lines(name string) []string {
	var out []string
	for _, part := range strings.FieldsFunc(f.Value(name), func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// maxRows is how many rows of one list a form may have.
const maxRows = 500

// Rows counts the rows of a list whose fields are named like "headers[0].name".
func (f *Form) Rows(list string) int {
	n := 0
	prefix := list + "["
	for name := range f.values {
		rest, found := strings.CutPrefix(name, prefix)
		if !found {
			continue
		}
		place, _, found := strings.Cut(rest, "]")
		if i, err := strconv.Atoi(place); found && err == nil && i >= n && i < maxRows {
			n = i + 1
		}
	}
	return n
}

// At names a field of a row.
func At(list string, row int, field string) string {
	name := list + "[" + strconv.Itoa(row) + "]"
	if field == "" {
		return name
	}
	return name + "." + field
}
