package webui

import (
	"errors"
	"strings"

	"dispatchapy/internal/webui/curl"
)

// paste takes what was pasted into the field "paste" over into the form of a
// resource: a curl command, an address, or an example of a body. It gives what
// a person has to be told about it. taken says which names resources have.
func (f *Form) paste(taken func(name string) bool) (notes []string) {
	text := strings.TrimSpace(f.Value("paste"))
	if strings.HasPrefix(text, "{") {
		if !f.refuseJSON("paste") {
			f.takeBody(text)
			f.Set("paste", "")
		}
		return nil
	}
	request, err := curl.Parse(text)
	if err != nil {
		f.refusePaste(err)
		return nil
	}
	f.takeRequest(&request)
	if f.Value("name") == "" {
		f.Set("name", suggestName(request.URL, taken))
	}
	f.Set("paste", "")
	return f.pasteNotes(&request)
}

func (f *Form) refusePaste(err error) {
	switch {
	case errors.Is(err, curl.ErrEmpty):
		f.Refuse("paste", "Paste something first: a curl command, an address, or an example of a body.")
	case errors.Is(err, curl.ErrQuote):
		f.Refuse("paste", "A quotation mark in it is not closed: copy the whole command.")
	case errors.Is(err, curl.ErrURL):
		f.Refuse("paste", "Its address is not one of http or https.")
	case errors.Is(err, curl.ErrTooLong):
		f.Refuse("paste", "It is too long to be a command.")
	default:
		f.Refuse("paste", "There is no address in it.")
	}
}

// takeRequest fills in address, method, headers and keys.
func (f *Form) takeRequest(request *curl.Request) {
	f.Set("url", request.URL)
	if request.Method != "" {
		f.Set("method", request.Method)
	}
	for _, h := range request.Headers {
		at := f.Rows("headers")
		for i := range f.Rows("headers") {
			if strings.EqualFold(strings.TrimSpace(f.Value(At("headers", i, "name"))), h.Name) {
				at = i
			}
		}
		f.Set(At("headers", at, "name"), h.Name)
		f.Set(At("headers", at, "value"), h.Value)
	}
	f.takeBody(request.Body)
}

// takeBody adds the keys of an example of a body, with its values as test
// values.
func (f *Form) takeBody(body string) {
	for _, l := range leavesOf([]byte(body)) {
		if f.rowWith("required_params", "", l.Path, "", "") == "" {
			f.Set(At("required_params", f.freeRow("required_params", ""), ""), l.Path)
		}
		value := f.rowWith("test_values", "key", l.Path, "value", "")
		if value == "" {
			at := f.freeRow("test_values", "key")
			f.Set(At("test_values", at, "key"), l.Path)
			value = At("test_values", at, "value")
		}
		f.Set(value, toWords(l.Value))
	}
}

// freeRow gives the place of a row in which nothing is written yet.
func (f *Form) freeRow(list, field string) int {
	for i := range f.Rows(list) {
		if strings.TrimSpace(f.Value(At(list, i, field))) == "" {
			return i
		}
	}
	return f.Rows(list)
}

func (f *Form) pasteNotes(request *curl.Request) []string {
	var notes []string
	if len(request.Variables) > 0 {
		notes = append(notes, f.lang.T("Write the values in the place of these variables: {names}", "names", strings.Join(request.Variables, ", ")))
	}
	if request.Form {
		notes = append(notes, f.lang.T("The command sends a form. Dispatchapy sends JSON: look whether the provider takes that too."))
	}
	if request.File {
		notes = append(notes, f.lang.T("The command reads from a file, which is not here: paste an example of its body as well."))
	}
	if request.Body != "" && len(leavesOf([]byte(request.Body))) == 0 {
		notes = append(notes, f.lang.T("Its body is no JSON object: name the keys by hand."))
	}
	return notes
}
