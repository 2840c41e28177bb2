package webui

import (
	"fmt"
	"strings"
)

// Field is what the shared templates "input", "textarea", "select", "switch"
// and "checkbox" show.
type Field struct {
	ID, Name, Label, Value, Fault string
	On                            bool

	Hint         string
	Type         string // of an input; default text
	Placeholder  string
	Required     bool
	Optional     bool // says so behind the label
	Code         bool // in the type of code
	Autofocus    bool
	Readonly     bool
	Disabled     bool
	Autocomplete string
	Inputmode    string
	List         string // id of a datalist
	Rows         int    // of a textarea
	Toggles      string // selector of what a switch shows
	Tick         string // value of a checkbox; default "on"
	Options      []Option
	HideLabel    bool
	Template     string // name with # for the place, in the template of a row
}

// Option is a choice of a select.
type Option struct {
	Value, Label string
	Selected     bool
}

// Described lists the ids of what explains the field.
func (f *Field) Described() string {
	switch {
	case f.Fault != "" && f.Hint != "":
		return f.ID + "-error " + f.ID + "-hint"
	case f.Fault != "":
		return f.ID + "-error"
	case f.Hint != "":
		return f.ID + "-hint"
	}
	return ""
}

// field makes a field of a form. After the label come pairs of an option's name
// and its value: field .Form "url" (t "URL") "type" "url" "required" true.
func field(form *Form, name, label string, pairs ...any) (*Field, error) {
	f := &Field{ID: "f-" + name, Name: name, Label: label, Type: "text", Tick: "on"}
	if form != nil {
		f.Value, f.Fault = form.Value(name), form.Fault(name)
	}
	if err := f.set(pairs); err != nil {
		return nil, err
	}
	if form != nil {
		f.On = form.Has(name, f.Tick)
	}
	if f.Tick != "on" {
		f.ID += "-" + f.Tick // one of several boxes of the name
	}
	for i := range f.Options {
		f.Options[i].Selected = f.Options[i].Value == f.Value
	}
	if f.Type == "password" {
		f.Value = "" // is never sent back
	}
	return f, nil
}

// rowField makes a field of a row; row -1 stands for the rows that scripts add.
func rowField(form *Form, list string, row int, name, label string, pairs ...any) (*Field, error) {
	if row >= 0 {
		f, err := field(form, At(list, row, name), label, pairs...)
		if f != nil {
			f.Template = templateName(list, name)
		}
		return f, err
	}
	f, err := field(nil, "", label, pairs...)
	if f != nil {
		f.ID, f.Template = "", templateName(list, name)
	}
	return f, err
}

// templateName is the name of a field of a row with # for its place.
func templateName(list, name string) string {
	return strings.Replace(At(list, 0, name), list+"[0]", list+"[#]", 1)
}

// set takes over options, by name.
func (f *Field) set(pairs []any) error {
	texts := map[string]*string{
		"hint": &f.Hint, "type": &f.Type, "placeholder": &f.Placeholder, "autocomplete": &f.Autocomplete, "inputmode": &f.Inputmode,
		"list": &f.List, "toggles": &f.Toggles, "tick": &f.Tick, "value": &f.Value,
	}
	switches := map[string]*bool{
		"required": &f.Required, "optional": &f.Optional, "code": &f.Code, "autofocus": &f.Autofocus, "readonly": &f.Readonly,
		"disabled": &f.Disabled, "hidelabel": &f.HideLabel, "on": &f.On, // as it is in a row that is added
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		ok := false
		switch value := pairs[i+1].(type) {
		case string:
			if into := texts[name]; into != nil {
				*into, ok = value, true
			}
		case bool:
			if into := switches[name]; into != nil {
				*into, ok = value, true
			}
		case int:
			if name == "rows" {
				f.Rows, ok = value, true
			}
		case []Option:
			if name == "options" {
				f.Options, ok = value, true
			}
		}
		if !ok {
			return fmt.Errorf("field %s: option %v %v", f.Name, pairs[i], pairs[i+1])
		}
	}
	return nil
}

// options makes choices of pairs of value and label.
func options(pairs ...string) []Option {
	var out []Option
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, Option{Value: pairs[i], Label: pairs[i+1]})
	}
	return out
}

// checks makes choices of values that are their own labels.
func checks(values []string) []Option {
	var out []Option
	for _, v := range values {
		out = append(out, Option{Value: v, Label: v})
	}
	return out
}
