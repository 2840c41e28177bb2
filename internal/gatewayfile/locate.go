package gatewayfile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"dispatchapy"
)

// Locate rewrites the error of validating or compiling the result of the latest
// Plan in terms of the file: paths get the file's own indexes, messages begin
// with file, line and column. Faults of objects that are not in the file say
// so. Other errors come back as they are.
func (f *File) Locate(err error) error {
	var e *dispatchapy.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 || f.planned == nil {
		return err
	}
	located := *e
	located.Fields = make([]dispatchapy.FieldError, len(e.Fields))
	for i, field := range e.Fields {
		located.Fields[i] = f.locate(field)
	}
	return &located
}

// Own gives those of some remarks about the result of the latest Plan that are
// about objects in the file, in its terms like Locate.
func (f *File) Own(remarks []dispatchapy.FieldError) []dispatchapy.FieldError {
	if f.planned == nil {
		return nil
	}
	var own []dispatchapy.FieldError
	for _, remark := range remarks {
		list, index, _ := splitPath(remark.Path)
		_, name := f.plannedName(list, max(index, 0))
		if _, inFile := f.index[list][name]; inFile || index < 0 {
			own = append(own, f.locate(remark))
		}
	}
	return own
}

func (f *File) locate(field dispatchapy.FieldError) dispatchapy.FieldError {
	list, index, rest := splitPath(field.Path)
	at := &walk{node: f.root}
	if index < 0 {
		at.down(field.Path)
		return f.at(at, field.Path, field.Message)
	}
	kind, name := f.plannedName(list, index)
	i, inFile := f.index[list][name]
	if !inFile {
		field.Message += fmt.Sprintf(" (%s %q, which is not in %s)", kind, name, f.name)
		return field
	}
	rest = f.reindex(list, index, i, rest)
	at.node = f.root.get(list).items[i]
	at.down(strings.TrimPrefix(rest, "."))
	return f.at(at, itemPath(list, i)+rest, field.Message)
}

func (f *File) at(w *walk, path, message string) dispatchapy.FieldError {
	return dispatchapy.FieldError{Path: path, Message: fmt.Sprintf("%s:%s: %s", f.name, w.node.position, message)}
}

// splitPath takes "resources[2].url" apart into "resources", 2 and ".url".
// The index is -1 if the path does not begin like that.
func splitPath(path string) (list string, index int, rest string) {
	list, after, ok := strings.Cut(path, "[")
	digits, rest, closed := strings.Cut(after, "]")
	index, err := strconv.Atoi(digits)
	if !ok || !closed || err != nil || strings.Contains(list, ".") {
		return path, -1, ""
	}
	return list, index, rest
}

// plannedName gives the kind and the name of an object of the planned
// configuration.
func (f *File) plannedName(list string, index int) (Kind, string) {
	switch c := f.planned; {
	case list == "resources" && index < len(c.Resources):
		return KindResource, c.Resources[index].Name
	case list == "endpoints" && index < len(c.Endpoints):
		return KindEndpoint, c.Endpoints[index].Path
	case list == "clients" && index < len(c.Clients):
		return KindClient, c.Clients[index].Name
	}
	return "", ""
}

// reindex undoes what Normalize did to the order of a list: it sorts the
// endpoints of a client, and puts two keys before those that an endpoint
// requires.
func (f *File) reindex(list string, planned, inFile int, rest string) string {
	name, index, after := splitPath(strings.TrimPrefix(rest, "."))
	var values []string
	clean := func(s string) string { return s }
	switch {
	case list == "clients" && name == "endpoints":
		values, clean = f.planned.Clients[planned].Endpoints, dispatchapy.CleanPath
	case list == "endpoints" && name == "required_params":
		values = f.planned.Endpoints[planned].RequiredParams
	}
	if index < 0 || index >= len(values) {
		return rest
	}
	for i, item := range f.root.get(list).items[inFile].get(name).list() {
		if clean(item.text) == values[index] {
			return "." + itemPath(name, i) + after
		}
	}
	return rest
}

// walk follows a path as far as the file has it: a fault of a key that is not
// there is shown at what it is missing from.
type walk struct{ node *node }

func (w *walk) down(path string) {
	for path != "" {
		next, rest := w.step(path)
		if next == nil {
			return
		}
		w.node, path = next, rest
	}
}

// step takes the longest key that fits: keys may have dots and brackets.
func (w *walk) step(path string) (next *node, rest string) {
	if w.node.kind == kindList {
		_, index, rest := splitPath("x" + path)
		if index < 0 || index >= len(w.node.items) {
			return nil, ""
		}
		return w.node.items[index], strings.TrimPrefix(rest, ".")
	}
	longest := -1
	for i, k := range w.node.keys {
		after, ok := strings.CutPrefix(path, k.text)
		if !ok || after != "" && after[0] != '.' && after[0] != '[' || len(k.text) <= longest {
			continue
		}
		longest, next, rest = len(k.text), w.node.items[i], strings.TrimPrefix(after, ".")
	}
	return next, rest
}
